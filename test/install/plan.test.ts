import { describe, expect, test } from "bun:test";
import { BY_HAND, BY_PACKAGE } from "../../src/install/layout.ts";
import { type Manifest, manifestPath, manifestText, parseManifest } from "../../src/install/manifest.ts";
import {
  affected,
  digestOf,
  editedInPlace,
  enabling,
  everyRole,
  type Found,
  fileSteps,
  policyRemoval,
  restarts,
  type Step,
  type Touched,
  unitsChange,
  userSteps,
  type Wishes,
  wantedFiles,
  withoutBrains,
} from "../../src/install/plan.ts";
import { leftBehind, removal } from "../../src/install/removal.ts";
import { units } from "../../src/install/units.ts";

const WISHES: Wishes = {
  layout: BY_HAND,
  account: null,
  packaged: false,
  sealed: false,
  program: { path: "/root/quantum", sha256: "new" },
  settings: "BINANCE_TESTNET=true\n",
  secrets: new Map([["quantum-trigger-secret", "s3cret"]]),
  redis: null,
  policy: null,
};

/** Everything as an installation has left it. */
function installed(wishes: Wishes): Map<string, Found> {
  return new Map(
    wantedFiles(wishes).map((file): [string, Found] => [
      file.path,
      { kind: "file", sha256: digestOf(file) ?? "sealed", mode: file.mode },
    ]),
  );
}

/** The folders and what systemd keeps, too. */
function used(): Map<string, Found> {
  const found = installed(WISHES);
  for (const { path } of leftBehind(MANIFEST)) found.set(path, { kind: "unreadable", why: "a folder" });
  return found;
}

/** Each step as a word and what it is about. */
function words(steps: readonly Step[]): readonly string[] {
  return steps.map((step) => {
    if ("file" in step) return `${step.kind} ${step.file.path}`;
    if ("users" in step) return `${step.kind} ${[...step.users.keys()].join(" ")}`;
    if ("path" in step) return `${step.kind} ${step.path}`;
    return step.kind === "run" ? `run ${step.args.join(" ")}` : `restart ${step.unit}`;
  });
}

describe("wantedFiles()", () => {
  test("are the executable, every unit, the settings and the secrets, which root alone reads", () => {
    const files = wantedFiles(WISHES);
    expect(files.map(({ path }) => path)).toEqual([
      "/usr/local/bin/quantum",
      ...units(BY_HAND, false).map(({ name }) => `/etc/systemd/system/${name}`),
      "/etc/quantum/quantum.env",
      "/etc/quantum/quantum-trigger-secret",
    ]);
    const forRoot = files.filter(({ path }) => path.startsWith("/etc/quantum/"));
    expect(forRoot.map(({ mode }) => mode)).toEqual([0o600, 0o600]);
  });

  test("of an account lie in a folder of its own", () => {
    const files = wantedFiles({ ...WISHES, account: "main", sealed: true });
    expect(files.map(({ path }) => path).filter((path) => path.startsWith("/etc/quantum/"))).toEqual([
      "/etc/quantum/main/quantum.env",
      "/etc/quantum/main/quantum-trigger-secret.cred",
    ]);
  });

  test("of a packaged one are the settings and secrets alone", () => {
    const files = wantedFiles({ ...WISHES, layout: BY_PACKAGE, packaged: true });
    expect(files.every(({ path }) => path.startsWith("/etc/quantum/"))).toBe(true);
  });
});

describe("fileSteps()", () => {
  test("creates everything where nothing is", () => {
    const steps = fileSteps(wantedFiles(WISHES), new Map());
    expect(steps.map(({ kind }) => kind)).toEqual(wantedFiles(WISHES).map(() => "create"));
  });

  test("a second time there is nothing to do but to keep the settings", () => {
    expect(words(fileSteps(wantedFiles(WISHES), installed(WISHES)))).toEqual(["keep /etc/quantum/quantum.env"]);
  });

  test("an upgrade replaces the executable, and keeps settings that a person has changed", () => {
    const found = installed({ ...WISHES, program: { ...WISHES.program, sha256: "old" }, settings: "changed\n" });
    expect(words(fileSteps(wantedFiles(WISHES), found))).toEqual([
      "replace /usr/local/bin/quantum",
      "keep /etc/quantum/quantum.env",
    ]);
  });

  test("a file that others may read is written anew", () => {
    const found = installed(WISHES);
    found.set("/etc/quantum/quantum-trigger-secret", { kind: "file", sha256: sha("s3cret\n"), mode: 0o644 });
    expect(words(fileSteps(wantedFiles(WISHES), found))).toContain("replace /etc/quantum/quantum-trigger-secret");
  });

  test("something that is no file is never replaced", () => {
    const found = installed(WISHES);
    found.set("/usr/local/bin/quantum", { kind: "unreadable", why: "/usr/local/bin/quantum is not a file" });
    expect(words(fileSteps(wantedFiles(WISHES), found))).toContain("stranger /usr/local/bin/quantum");
  });
});

function sha(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("hex");
}

describe("affected()", () => {
  const accounts = [null, "a", "b"];
  const changed = (path: string): readonly Step[] => {
    const content = { kind: "text", text: "" } as const;
    return [{ kind: "replace", file: { path, mode: 0o600, content, care: "ours" } }];
  };

  const BRAIN_OF_A: readonly Touched[] = [{ account: "a", roles: ["brain"] }];

  test.each([
    ["the executable", "/usr/local/bin/quantum", everyRole(accounts)],
    ["a unit", "/etc/systemd/system/quantum-exit-brain.service", everyRole(accounts)],
    ["its own secret", "/etc/quantum/a/binance-api-key", everyRole(["a"])],
    ["another account's secret", "/etc/quantum/binance-api-key", []],
    ["the record alone", "/etc/quantum/installed.json", []],
    ["its exit policy", "/etc/quantum/a/exits.yaml", BRAIN_OF_A],
    ["how its exit policy is run", "/etc/systemd/system/quantum-exit-brain@a.service.d/10-policy.conf", BRAIN_OF_A],
    ["another account's exit policy", "/etc/quantum/exits.yaml", []],
  ])("%s", (_what, path, expected) => {
    expect(affected(changed(path), { account: "a", layout: BY_HAND }, accounts)).toEqual(expected);
  });

  test("the record of the only account is no setting of it", () => {
    expect(affected(changed("/etc/quantum/installed.json"), { account: null, layout: BY_HAND }, [null])).toEqual([]);
  });
});

describe("an exit policy", () => {
  const TEXT = "defaults: { stop-loss: 2 % }\n";
  const FILE = "/etc/quantum/exits.yaml";
  const DROP_IN = "/etc/systemd/system/quantum-exit-brain.service.d/10-policy.conf";
  const given: Wishes = { ...WISHES, policy: { text: TEXT, mode: "live" } };
  const kept: Wishes = { ...WISHES, policy: { text: null, mode: "live" } };

  test("is a file for root alone, and a drop-in that has systemd hand it to the brain", () => {
    const [file, dropIn] = wantedFiles(given).slice(-2);
    expect([file?.path, file?.mode]).toEqual([FILE, 0o600]);
    expect([dropIn?.path, dropIn?.mode]).toEqual([DROP_IN, 0o644]);
    const text = dropIn?.content.kind === "text" ? dropIn.content.text : "";
    const settings = text.split("\n").filter((line) => /^\w+=/.test(line));
    expect(settings).toEqual([
      "LoadCredential=exits.yaml:/etc/quantum/exits.yaml",
      "ExecStart=",
      `ExecStart=/usr/local/bin/quantum brain --policy $\{CREDENTIALS_DIRECTORY}/exits.yaml`,
    ]);
  });

  test.each([
    ["shadow", "--shadow"],
    ["auto_live", "--auto-live"],
  ] as const)("that is carried out as %s says so to the brain", (mode, flag) => {
    const { content } = wantedFiles({ ...WISHES, policy: { text: TEXT, mode } }).at(-1) ?? {};
    expect(content?.kind === "text" && content.text.trimEnd().endsWith(`/exits.yaml ${flag}`)).toBe(true);
  });

  test("of a package's account has its drop-in with the administrator, and its program with the package", () => {
    const files = wantedFiles({ ...given, account: "main", packaged: true, layout: BY_PACKAGE });
    expect(files.slice(-2).map(({ path }) => path)).toEqual([
      "/etc/quantum/main/exits.yaml",
      "/etc/systemd/system/quantum-exit-brain@main.service.d/10-policy.conf",
    ]);
    const { content } = files.at(-1) ?? {};
    expect(content?.kind === "text" && content.text).toContain("ExecStart=/usr/bin/quantum brain --policy ");
  });

  test("that is not given again stays as it lies there, edited or not, and so does its drop-in", () => {
    const found = installed(given);
    found.set(FILE, { kind: "file", sha256: "edited", mode: 0o600 });
    expect(words(fileSteps(wantedFiles(kept), found))).toEqual(["keep /etc/quantum/quantum.env"]);
  });

  test("that is edited where it lies and given again restarts the brain, though no file of it changes", () => {
    const record = new Map([[FILE, sha("former\n")]]);
    expect(editedInPlace(given, record)).toEqual([{ account: null, roles: ["brain"] }]);
    expect(editedInPlace(given, new Map([[FILE, sha(TEXT)]]))).toEqual([]);
    expect(editedInPlace(kept, record)).toEqual([]);
    expect(editedInPlace(given, new Map())).toEqual([]);
  });

  test("is taken away with its drop-in, and what is not there is not named", () => {
    expect(words(policyRemoval(WISHES, installed(given)))).toEqual([
      `remove ${DROP_IN}`,
      "remove /etc/systemd/system/quantum-exit-brain.service.d",
      `remove ${FILE}`,
    ]);
    expect(policyRemoval(WISHES, new Map())).toEqual([]);
  });

  test("restarts the brain once, and no role besides", () => {
    const running = ["quantum-emergency-exit-worker.service", "quantum-exit-brain.service"];
    const changes = fileSteps(wantedFiles(given), installed(WISHES));
    const touched = [...affected(changes, given, [null]), ...editedInPlace(given, new Map([[FILE, "former"]]))];
    expect(words(restarts(running, touched))).toEqual(["restart quantum-exit-brain.service"]);
  });

  test("and an upgrade leave a brain alone whose unit runs a command of somebody's own", () => {
    expect(withoutBrains(everyRole([null, "a"]), ["a"])).toEqual([
      { account: null, roles: ["eew", "watchdog", "brain"] },
      { account: "a", roles: ["eew", "watchdog"] },
    ]);
  });

  test("has systemd read its units anew, also where a package has brought them", () => {
    const changes = fileSteps(wantedFiles(given), installed(WISHES));
    expect(unitsChange(changes, { account: null, packaged: true })).toBe(true);
    expect(unitsChange(policyRemoval(WISHES, installed(given)), { account: null, packaged: true })).toBe(true);
    const others = fileSteps(wantedFiles(WISHES), new Map()).filter((step) => "file" in step);
    expect(unitsChange(others, { account: null, packaged: true })).toBe(false);
  });

  test("goes with the installation, and the folder of its drop-in with it", () => {
    const files = new Map([...MANIFEST.files, [DROP_IN, "d"] as const, [FILE, "f"] as const]);
    const manifest: Manifest = { ...MANIFEST, policies: new Map([[null, "live"]]), files };
    const found = used();
    found.set(DROP_IN, { kind: "file", sha256: "d", mode: 0o644 });
    found.set(FILE, { kind: "file", sha256: "edited", mode: 0o600 });
    found.set("/etc/systemd/system/quantum-exit-brain.service.d", { kind: "unreadable", why: "a folder" });
    const removed = words(removal(manifest, found, false));
    for (const path of [DROP_IN, FILE, "/etc/systemd/system/quantum-exit-brain.service.d"]) {
      expect(removed).toContain(`remove ${path}`);
    }
    const withSettings = words(removal(manifest, found, true));
    expect(withSettings).toContain(`keep ${FILE}`);
    expect(withSettings).toContain(`remove ${DROP_IN}`);
    expect(withSettings).toContain("remove /etc/systemd/system/quantum-exit-brain.service.d");
  });
});

test("the worker is restarted first and the brain last, account by account, and only what runs", () => {
  const running = [
    "quantum-exit-brain.service",
    "quantum-exit-brain-watchdog@b.service",
    "quantum-emergency-exit-worker.service",
    "quantum-emergency-exit-worker@b.service",
    "quantum-chaos.service",
  ];
  expect(words(restarts(running, everyRole([null, "b"])))).toEqual([
    "restart quantum-emergency-exit-worker.service",
    "restart quantum-exit-brain.service",
    "restart quantum-emergency-exit-worker@b.service",
    "restart quantum-exit-brain-watchdog@b.service",
  ]);
});

describe("userSteps()", () => {
  const redis = { url: "redis://127.0.0.1:6379", passwords: new Map([["eew", "secret"]] as const) };
  const wishes: Wishes = { ...WISHES, redis };

  test("are to be set before any file says so, and know what to go back to: roles that work are these users", () => {
    const changes = fileSteps(wantedFiles(wishes), new Map());
    const older = "user default on nopass\nuser quantum-eew reset on #00 (+xadd ~a)\n";
    const [step] = userSteps(wishes, changes, older);
    expect(step).toMatchObject({ former: new Map([["quantum-eew", ["reset", "on", "#00", "(+xadd ~a)"]]]) });
    expect(userSteps(wishes, changes, "")[0]).toMatchObject({ former: new Map() });
  });

  test("are none where the file is as it was, or nobody has users", () => {
    expect(userSteps(wishes, fileSteps(wantedFiles(wishes), installed(wishes)), "")).toEqual([]);
    expect(userSteps(WISHES, fileSteps(wantedFiles(WISHES), new Map()), "")).toEqual([]);
  });
});

test("what is enabled is the target, the roles and the timers of one account", () => {
  expect(words([enabling("main")])).toEqual([
    "run enable quantum@main.target quantum-emergency-exit-worker@main.service quantum-exit-brain-watchdog@main.service quantum-exit-brain@main.service quantum-chaos@main.timer quantum-doctor@main.timer",
  ]);
});

const MANIFEST: Manifest = {
  version: "0.1.0 (abc)",
  layout: BY_HAND,
  packaged: false,
  sealed: false,
  accounts: [null, "main"],
  policies: new Map(),
  files: new Map(wantedFiles(WISHES).map((file) => [file.path, digestOf(file)])),
};

describe("removal()", () => {
  test("stops who protects before who is protected, and takes back every file that was written", () => {
    const [watchers, workers, rest, ...steps] = words(removal(MANIFEST, used(), false));
    expect(watchers).toBe("run stop quantum-exit-brain-watchdog.service quantum-exit-brain-watchdog@main.service");
    expect(workers).toBe("run stop quantum-emergency-exit-worker.service quantum-emergency-exit-worker@main.service");
    expect(rest).toStartWith(
      "run disable --now quantum-chaos.timer quantum-doctor.timer quantum-emergency-exit-worker",
    );
    expect(steps.filter((step) => step.startsWith("remove "))).toEqual([
      ...wantedFiles(WISHES).map(({ path }) => `remove ${path}`),
      "remove /etc/quantum/main",
      "remove /etc/quantum",
      "remove /var/lib/private/quantum",
      "remove /var/lib/quantum",
      "remove /var/lib/private/quantum-exit-brain",
      "remove /var/lib/quantum-exit-brain",
      "remove /var/lib/private/quantum-main",
      "remove /var/lib/quantum-main",
      "remove /var/lib/private/quantum-exit-brain-main",
      "remove /var/lib/quantum-exit-brain-main",
      ...["", "@main"].flatMap((account) =>
        ["chaos", "doctor"].map((stem) => `remove /var/lib/systemd/timers/stamp-quantum-${stem}${account}.timer`),
      ),
    ]);
  });

  test("says nothing of what is not there", () => {
    const steps = words(removal(MANIFEST, new Map(), false));
    expect(steps.filter((step) => !step.startsWith("run "))).toEqual([]);
  });

  test("keeps and names a unit that somebody has changed, and removes settings that a person was to change", () => {
    const found = installed(WISHES);
    const unit = "/etc/systemd/system/quantum-exit-brain.service";
    found.set(unit, { kind: "file", sha256: "other", mode: 0o644 });
    found.set("/etc/quantum/quantum.env", { kind: "file", sha256: "other", mode: 0o600 });
    const steps = words(removal(MANIFEST, found, false));
    expect(steps).toContain(`keep ${unit}`);
    expect(steps).toContain("remove /etc/quantum/quantum.env");
  });

  test("with --keep-settings leaves the users on Redis, whose passwords are in them", () => {
    const users = new Map([...MANIFEST.files, ["/etc/quantum/users.acl", "digest"] as const]);
    const kinds = (keep: boolean) => removal({ ...MANIFEST, files: users }, used(), keep).map(({ kind }) => kind);
    expect([kinds(true), kinds(false)].map((all) => all.includes("no_redis_users"))).toEqual([false, true]);
  });

  test("with --keep-settings leaves them and their folder", () => {
    const steps = words(removal(MANIFEST, used(), true));
    expect(steps).toContain("keep /etc/quantum/quantum.env");
    expect(steps.filter((step) => step.startsWith("remove /etc/quantum"))).toEqual([]);
  });
});

describe("the record of an installation", () => {
  test("is read as it was written", () => {
    expect(parseManifest(manifestText(MANIFEST))).toEqual(MANIFEST);
    const policies: Manifest["policies"] = new Map([
      [null, "live"],
      ["main", "shadow"],
    ]);
    expect(parseManifest(manifestText({ ...MANIFEST, policies }))?.policies).toEqual(policies);
    expect(manifestPath(BY_HAND)).toBe("/etc/quantum/installed.json");
  });

  test("of a version that knew no policies says that there are none", () => {
    const { policies: _, ...older } = JSON.parse(manifestText(MANIFEST)) as Record<string, unknown>;
    expect(parseManifest(JSON.stringify(older))).toEqual(MANIFEST);
  });

  test.each(["", "{}", '{"format":2}'])("%j is none", (text) => expect(parseManifest(text)).toBeNull());

  test("holds no secret", () => {
    expect(manifestText(MANIFEST)).not.toContain("s3cret");
  });
});

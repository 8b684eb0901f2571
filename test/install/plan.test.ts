import { describe, expect, test } from "bun:test";
import { BY_HAND, BY_PACKAGE } from "../../src/install/layout.ts";
import { type Manifest, manifestPath, manifestText, parseManifest } from "../../src/install/manifest.ts";
import {
  affected,
  digestOf,
  enabling,
  type Found,
  fileSteps,
  restarts,
  type Step,
  userSteps,
  type Wishes,
  wantedFiles,
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

  test.each([
    ["the executable", "/usr/local/bin/quantum", accounts],
    ["a unit", "/etc/systemd/system/quantum-exit-brain.service", accounts],
    ["its own secret", "/etc/quantum/a/binance-api-key", ["a"]],
    ["another account's secret", "/etc/quantum/binance-api-key", []],
    ["the record alone", "/etc/quantum/installed.json", []],
  ])("%s", (_what, path, expected) => {
    expect(affected(changed(path), { account: "a", layout: BY_HAND }, accounts)).toEqual(expected);
  });

  test("the record of the only account is no setting of it", () => {
    expect(affected(changed("/etc/quantum/installed.json"), { account: null, layout: BY_HAND }, [null])).toEqual([]);
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
  expect(words(restarts(running, [null, "b"]))).toEqual([
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
      "remove /var/lib/private/quantum-main",
      "remove /var/lib/quantum-main",
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
    expect(manifestPath(BY_HAND)).toBe("/etc/quantum/installed.json");
  });

  test.each(["", "{}", '{"format":2}'])("%j is none", (text) => expect(parseManifest(text)).toBeNull());

  test("holds no secret", () => {
    expect(manifestText(MANIFEST)).not.toContain("s3cret");
  });
});

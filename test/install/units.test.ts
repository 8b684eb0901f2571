import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BY_HAND } from "../../src/install/layout.ts";
import { units } from "../../src/install/units.ts";
import { ROOT } from "../support/run.ts";

const PLAIN: ReadonlyMap<string, string> = textsOf(false);
const SEALED: ReadonlyMap<string, string> = textsOf(true);

function textsOf(sealed: boolean): ReadonlyMap<string, string> {
  return new Map(units(BY_HAND, sealed).map(({ name, text }) => [name, text]));
}

const BRAIN = "quantum-exit-brain.service";
const WATCHDOG = "quantum-exit-brain-watchdog.service";
const EEW = "quantum-emergency-exit-worker.service";

/** A unit's settings in order; a key may come more than once. */
interface Setting {
  readonly section: string;
  readonly key: string;
  readonly value: string;
}

function parse(text: string): readonly Setting[] {
  const settings: Setting[] = [];
  let section = "";
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const [, header] = /^\[(\w+)\]$/.exec(line) ?? [];
    if (header !== undefined) {
      section = header;
      continue;
    }
    const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
    // A line carried on in the next one would slip past the checks below, and systemd's quoting with it.
    if (key === undefined || value === undefined || value.endsWith("\\")) throw new Error(`Not a setting: ${line}`);
    settings.push({ section, key, value });
  }
  return settings;
}

function unit(name: string): readonly Setting[] {
  const text = PLAIN.get(name);
  if (text === undefined) throw new Error(`There is no unit ${name}`);
  return parse(text);
}

/** Every value of a key, each behind its section, e.g. `[Unit] 0`. */
function values(name: string, key: string): readonly string[] {
  return unit(name)
    .filter((setting) => setting.key === key)
    .map(({ section, value }) => `[${section}] ${value}`);
}

/** Dependencies through which the end of one unit can end another, or keep it from starting. */
const BINDING = /^(Requires|Requisite|BindsTo|RequiredBy|Conflicts|PropagatesStopTo|StopPropagatedFrom)$/;
/** Settings that would throttle a protector, end it, or stop it from being started again. */
const LIMITING = /^(CPU\w+|Memory(?!Deny)\w+|Tasks\w+|IO\w+|RuntimeMaxSec|RestartPreventExitStatus)$/;

const EXCHANGE_KEY = [
  "[Service] binance-api-key:/etc/quantum/binance-api-key",
  "[Service] binance-api-secret:/etc/quantum/binance-api-secret",
];
const PANIC_SECRET = "[Service] quantum-trigger-secret:/etc/quantum/quantum-trigger-secret";

const TABLE = [
  {
    name: BRAIN,
    command: "brain",
    restart: ["no"],
    pause: [],
    watchdogSec: "30",
    stopSec: "5",
    oom: [],
    credentials: [...EXCHANGE_KEY, PANIC_SECRET],
  },
  {
    name: WATCHDOG,
    command: "watchdog",
    restart: ["always"],
    pause: ["100ms"],
    watchdogSec: "5",
    stopSec: "5",
    oom: ["-900"],
    credentials: [PANIC_SECRET],
  },
  {
    name: EEW,
    command: "eew",
    restart: ["always"],
    pause: ["100ms"],
    watchdogSec: "5",
    stopSec: "30",
    oom: ["-900"],
    credentials: [...EXCHANGE_KEY, PANIC_SECRET],
  },
] as const;

test("there is one unit for each role, under the runbook's names, and each exists as a template, too", () => {
  const others = ["quantum.target", "quantum-chaos.service", "quantum-chaos.timer"];
  const plain = [BRAIN, WATCHDOG, EEW, ...others, "quantum-doctor.service", "quantum-doctor.timer"];
  expect([...PLAIN.keys()].sort()).toEqual([...plain, ...plain.map((name) => name.replace(".", "@."))].sort());
});

test("a template says the same as the plain unit, for an account's own settings, state and keys", () => {
  for (const [name, text] of PLAIN) {
    if (!name.includes("@")) continue;
    const asPlain = text
      .replaceAll("/etc/quantum/%i/", "/etc/quantum/")
      .replaceAll("/var/lib/quantum-%i", "/var/lib/quantum")
      .replaceAll("StateDirectory=quantum-exit-brain-%i\n", "StateDirectory=quantum-exit-brain\n")
      .replaceAll("StateDirectory=quantum-%i\n", "StateDirectory=quantum\n")
      .replaceAll("Environment=QUANTUM_NAMESPACE=%i\n", "")
      .replaceAll(" of %i", "")
      .replaceAll("@%i", "");
    expect(asPlain).toBe(PLAIN.get(name.replace("@", "")) ?? "");
  }
});

test("secrets that are sealed are opened by systemd, the same ones for the same units", () => {
  for (const [name, text] of SEALED) {
    const asPlain = text.replaceAll("LoadCredentialEncrypted=", "LoadCredential=").replaceAll(/\.cred$/gm, "");
    expect(asPlain).toBe(PLAIN.get(name) ?? "");
  }
});

test("nothing but the target, which a person stops, takes a role down with it", () => {
  for (const name of [BRAIN, WATCHDOG, EEW]) expect(values(name, "PartOf")).toEqual(["[Unit] quantum.target"]);
  expect(unit("quantum.target").map(({ key }) => key)).toEqual(["Description", "WantedBy"]);
});

test("the drill strikes on the testnet only, every month, and the check-up is made every day", () => {
  expect(values("quantum-chaos.service", "ExecCondition")).toEqual([
    `[Service] /usr/bin/test "$\{BINANCE_TESTNET}" = true`,
  ]);
  expect(values("quantum-chaos.service", "ExecStart")).toEqual(["[Service] /usr/local/bin/quantum chaos --yes"]);
  expect(values("quantum-chaos.timer", "OnCalendar")).toEqual(["[Timer] *-*-01 12:00:00"]);
  expect(values("quantum-doctor.timer", "OnCalendar")).toEqual(["[Timer] *-*-* 09:00:00"]);
});

for (const { name, command, restart, pause, watchdogSec, stopSec, oom, credentials } of TABLE) {
  const service = (words: readonly string[]): readonly string[] => words.map((word) => `[Service] ${word}`);

  describe(name, () => {
    test("runs its role from the deployed executable", () => {
      expect(values(name, "ExecStart")).toEqual([`[Service] /usr/local/bin/quantum ${command}`]);
      expect(values(name, "WorkingDirectory")).toEqual(["[Service] /"]);
      expect(values(name, "Type")).toEqual(["[Service] notify"]);
    });

    test("no stop of anything else stops it", () => {
      expect(unit(name).filter(({ key }) => BINDING.test(key))).toEqual([]);
      expect(values(name, "Wants")).toEqual(["[Unit] network-online.target"]);
    });

    test("starts after Redis, under either of its names", () => {
      const after = values(name, "After").join(" ");
      for (const other of ["network-online.target", "redis-server.service", "redis.service"]) {
        expect(after).toContain(other);
      }
    });

    test("is restarted as its role asks", () => {
      expect(values(name, "Restart")).toEqual(service(restart));
      expect(values(name, "RestartSec")).toEqual(service(pause));
      // Under [Service] systemd ignores it, and a protector would stay down after five failures.
      expect(values(name, "StartLimitIntervalSec")).toEqual(["[Unit] 0"]);
      expect(values(name, "TimeoutStopSec")).toEqual([`[Service] ${stopSec}`]);
      expect(values(name, "TimeoutStartSec")).toEqual(["[Service] 30"]);
      expect(values(name, "WatchdogSec")).toEqual([`[Service] ${watchdogSec}`]);
      expect(values(name, "WatchdogSignal")).toEqual(["[Service] SIGKILL"]);
      expect(values(name, "KillSignal")).toEqual([]);
      expect(values(name, "SendSIGKILL")).toEqual([]);
    });

    test("is not throttled, and ends last where it protects", () => {
      expect(values(name, "OOMScoreAdjust")).toEqual(service(oom));
      expect(unit(name).filter(({ key }) => LIMITING.test(key))).toEqual([]);
    });

    test("holds no secret, and the exchange key only where it is needed", () => {
      expect(values(name, "LoadCredential")).toEqual([...credentials]);
      // The second is there only where Redis has a user for each role; it must come last to win.
      expect(values(name, "EnvironmentFile")).toEqual([
        "[Service] /etc/quantum/quantum.env",
        `[Service] -/etc/quantum/quantum-${command}.env`,
      ]);
      const elsewhere = ["Environment", "PassEnvironment", "SetCredential", "SetCredentialEncrypted"];
      expect(unit(name).filter(({ key }) => elsewhere.includes(key))).toEqual([]);
    });

    test("lets nobody else's code into the executable", () => {
      expect(values(name, "UnsetEnvironment")).toEqual([
        "[Service] BUN_OPTIONS BUN_BE_BUN BUN_INSPECT BUN_INSPECT_PRELOAD",
      ]);
      expect(values(name, "NoNewPrivileges")).toEqual(["[Service] yes"]);
      expect(values(name, "ProtectSystem")).toEqual(["[Service] strict"]);
      expect(values(name, "CapabilityBoundingSet")).toEqual(["[Service] "]);
    });

    test("leaves the runtime able to compile, and an unforeseen call unable to kill", () => {
      expect(values(name, "MemoryDenyWriteExecute")).toEqual([]);
      expect(values(name, "SystemCallErrorNumber")).toEqual(["[Service] EPERM"]);
    });
  });
}

test("each role has a user of its own, and worker and brain a state directory each", () => {
  // A shared account would let the watchdog read the brain's key through /proc, and the brain signal its watchdog.
  for (const { name } of TABLE) {
    expect(values(name, "DynamicUser")).toEqual(["[Service] yes"]);
    expect([...values(name, "User"), ...values(name, "Group")]).toEqual([]);
  }
  expect(TABLE.map(({ name }) => values(name, "StateDirectory"))).toEqual([
    ["[Service] quantum-exit-brain"],
    [],
    ["[Service] quantum"],
  ]);
});

describe.if(process.platform === "linux")("systemd-analyze verify", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "quantum-units-"));
    // It wants the executable to exist; whether it is deployed on this machine is not what is tested.
    for (const [name, text] of SEALED) {
      writeFileSync(join(folder, name), text.replace("=/usr/local/bin/quantum ", `=${process.execPath} `));
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function verify(...paths: readonly string[]): { readonly exitCode: number; readonly output: string } {
    const analyze = Bun.which("systemd-analyze");
    if (analyze === null) throw new Error("systemd-analyze is missing: expected the package systemd installed");
    const run = Bun.spawnSync([analyze, "--man=no", "verify", ...paths], {
      stdout: "pipe",
      stderr: "pipe",
      timeout: 30_000,
    });
    return { exitCode: run.exitCode, output: `${run.stdout.toString()}${run.stderr.toString()}` };
  }

  test("has nothing to say about the units", () => {
    expect(verify(...[...SEALED.keys()].map((name) => join(folder, name)))).toEqual({ exitCode: 0, output: "" });
  }, 40_000);

  test("has nothing to say about a brain that is a guard by the drop-in of the examples", () => {
    const dropIn = readFileSync(join(ROOT, "examples", "guard.conf"), "utf8");
    const place = join(folder, "guarded");
    mkdirSync(join(place, `${BRAIN}.d`), { recursive: true });
    for (const [name, text] of SEALED) {
      writeFileSync(join(place, name), text.replace("=/usr/local/bin/quantum ", `=${process.execPath} `));
    }
    const guarded = dropIn.replace("=/usr/local/bin/quantum ", `=${process.execPath} `);
    writeFileSync(join(place, `${BRAIN}.d`, "guard.conf"), guarded);
    const verified = verify(join(place, BRAIN));
    expect(verified).toEqual({ exitCode: 0, output: "" });
    // It was read: a word that systemd does not know is found in it.
    writeFileSync(join(place, `${BRAIN}.d`, "guard.conf"), `${guarded}KillMoode=mixed\n`);
    expect(verify(join(place, BRAIN)).output).toContain("KillMoode");
  }, 40_000);

  test("would have found a setting in the wrong section", () => {
    const path = join(folder, "quantum-wrong.service");
    const text = SEALED.get(WATCHDOG) ?? "";
    writeFileSync(path, text.replace("[Service]\n", "[Service]\nStartLimitIntervalSec=0\n"));
    expect(verify(path).output).toContain("StartLimitIntervalSec");
  }, 40_000);
});

/** Which unit a drill strikes, with a `systemctl` that is a program on the PATH and units that are processes. */

import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { systemdSupervisor } from "../../../src/adapters/systemd/supervisor.ts";
import { eventually } from "../../support/eventually.ts";
import { type FakeSystemctl, fakeSystemctl } from "../../support/systemctl.ts";

// Real processes: a busy machine may be slow.
setDefaultTimeout(30_000);

const PLAIN = "quantum-exit-brain.service";
const OWN = "quantum-exit-brain@main.service";
const OTHER = "quantum-exit-brain@other.service";

let systemctl: FakeSystemctl;
const path = process.env["PATH"];

beforeAll(() => {
  systemctl = fakeSystemctl();
  process.env["PATH"] = systemctl.path;
});
afterEach(() => systemctl.clear());
afterAll(() => {
  process.env["PATH"] = path;
  systemctl.remove();
});

/** A process that serves an account, by its environment or, where `flag` is given, by its command line too. */
function serve(unit: string, account: string | null, flag: readonly string[] | null = null): void {
  const env = { PATH: path ?? "", ...(account === null ? {} : { QUANTUM_NAMESPACE: account }) };
  const waiting = ["-e", "setTimeout(() => undefined, 100_000)", "brain"];
  if (flag === null) systemctl.start(unit, { file: "sleep", args: ["100"], env });
  else systemctl.start(unit, { file: process.execPath, args: [...waiting, ...flag], env });
}

/** What runs, as `unit: account` words; null: it serves nobody that could be read. */
type Units = Readonly<Record<string, string | null>>;

describe("the unit of an account is the one whose process serves it:", () => {
  test.each<readonly [string, string, Units, string]>([
    ["the plain one where no account has a name", "", { [PLAIN]: null }, PLAIN],
    ["the plain one, its setting empty", "", { [PLAIN]: "" }, PLAIN],
    ["the plain one beside another account's instance", "", { [PLAIN]: null, [OWN]: "main" }, PLAIN],
    ["the instance", "main", { [OWN]: "main" }, OWN],
    ["the instance beside another account's", "main", { [OWN]: "main", [OTHER]: "other" }, OWN],
    ["the instance beside the plain unit of the account without a name", "main", { [OWN]: "main", [PLAIN]: null }, OWN],
    ["the instance beside the plain unit of another account", "main", { [OWN]: "main", [PLAIN]: "other" }, OWN],
    ["the plain one with the name in its settings", "main", { [PLAIN]: "main", [OTHER]: "other" }, PLAIN],
  ])("%s", async (_what, account, units, struck) => {
    for (const [unit, its] of Object.entries(units)) serve(unit, its);
    const supervisor = systemdSupervisor(account);
    expect(await supervisor.running("brain")).toEqual({ known: true, value: true });
    expect(await supervisor.strike("brain", "SIGKILL")).toEqual({ known: true, value: null });
    await eventually("it is dead", () => !systemctl.runs(struck));
    for (const unit of Object.keys(units)) expect(systemctl.runs(unit)).toBe(unit !== struck);
    // The one that was struck is started again, though nothing runs that could be found by now.
    expect(await supervisor.restart("brain")).toEqual({ known: true, value: null });
    await eventually("it runs again", () => systemctl.runs(struck));
    expect(systemctl.calls().filter((call) => !call.startsWith("show"))).toEqual([
      `kill --kill-whom=main --signal=SIGKILL ${struck}`,
      `kill --signal=SIGKILL ${struck}`,
      `reset-failed ${struck}`,
      `restart ${struck}`,
    ]);
  });

  test.each([
    ["--namespace main", ["--namespace", "main"], "main", true],
    ["--namespace=main", ["--namespace=main"], "main", true],
    ["--namespace other", ["--namespace", "other"], "main", false],
  ] as const)("the flag wins over the environment: %s", async (_what, flag, account, ours) => {
    serve(PLAIN, ours ? "other" : "main", flag);
    expect(await systemdSupervisor(account).running("brain")).toMatchObject({ known: ours });
  });
});

describe("nothing is struck where it can't be told which unit is ours:", () => {
  test.each<readonly [string, string, Units, string]>([
    [
      "both run for the account",
      "main",
      { [OWN]: "main", [PLAIN]: "main" },
      `${OWN} and ${PLAIN} both run for account main: expected one of them, stop and disable the other`,
    ],
    [
      "neither runs",
      "main",
      {},
      `brain is not running for account main: expected ${OWN}, or ${PLAIN} with QUANTUM_NAMESPACE=main`,
    ],
    [
      "only another account's instance runs",
      "main",
      { [OTHER]: "other" },
      `brain is not running for account main: expected ${OWN}, or ${PLAIN} with QUANTUM_NAMESPACE=main`,
    ],
    [
      "only the plain unit runs, for the account without a name",
      "main",
      { [PLAIN]: null },
      `brain is not running for account main: expected ${OWN}, or ${PLAIN} with QUANTUM_NAMESPACE=main (${PLAIN} runs for the account without a name)`,
    ],
    [
      "the plain unit runs for an account with a name, and this drill has none",
      "",
      { [PLAIN]: "other" },
      `brain is not running for the account without a name: expected ${PLAIN} without QUANTUM_NAMESPACE (${PLAIN} runs for account other)`,
    ],
    [
      "the instance's settings say another account",
      "main",
      { [OWN]: "other" },
      `brain is not running for account main: expected ${OWN}, or ${PLAIN} with QUANTUM_NAMESPACE=main (${OWN} runs for account other)`,
    ],
  ])("%s", async (_what, account, units, why) => {
    for (const [unit, its] of Object.entries(units)) serve(unit, its);
    const supervisor = systemdSupervisor(account);
    expect(await supervisor.running("brain")).toEqual({ known: false, why });
    expect(await supervisor.strike("brain", "SIGKILL")).toEqual({ known: false, why });
    expect(await supervisor.restart("brain")).toEqual({ known: false, why });
    expect(systemctl.calls().every((call) => call.startsWith("show"))).toBe(true);
    for (const unit of Object.keys(units)) expect(systemctl.runs(unit)).toBe(true);
  });

  test("the plain unit's process can't be looked into", async () => {
    systemctl.claim(PLAIN, "active");
    const other = `${PLAIN} runs, and which account it serves can't be read, it has no main process: try it as root`;
    const why = `brain is not running for account main: expected ${OWN}, or ${PLAIN} with QUANTUM_NAMESPACE=main (${other})`;
    expect(await systemdSupervisor("main").running("brain")).toEqual({ known: false, why });
  });
});

describe("a unit whose process can't be looked into is believed by its name:", () => {
  test.each([
    ["main", OWN],
    ["", PLAIN],
  ])("account %p: %s", async (account, unit) => {
    systemctl.claim(unit, "active");
    expect(await systemdSupervisor(account).running("brain")).toEqual({ known: true, value: true });
  });
});

test.each(["inactive", "failed", "activating", "deactivating"])("a unit that is %s does not run", async (state) => {
  systemctl.claim(PLAIN, state);
  expect(await systemdSupervisor("").running("brain")).toEqual({ known: true, value: false });
  expect(await systemdSupervisor("").strike("brain", "SIGKILL")).toEqual({ known: false, why: "brain is not running" });
});

test("each role has its unit", async () => {
  for (const role of ["brain", "watchdog", "eew"] as const) await systemdSupervisor("main").running(role);
  expect(systemctl.calls().map((call) => call.split(" ").at(-1))).toEqual([
    "quantum-exit-brain@main.service",
    "quantum-exit-brain.service",
    "quantum-exit-brain-watchdog@main.service",
    "quantum-exit-brain-watchdog.service",
    "quantum-emergency-exit-worker@main.service",
    "quantum-emergency-exit-worker.service",
  ]);
});

test("a machine without systemd answers with unknown", async () => {
  process.env["PATH"] = "/nonexistent";
  try {
    expect(await systemdSupervisor("").running("brain")).toMatchObject({ known: false });
  } finally {
    process.env["PATH"] = systemctl.path;
  }
});

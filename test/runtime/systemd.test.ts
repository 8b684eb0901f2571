/** Datagrams to systemd and journald from every runtime: on Bun, on Deno and compiled. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Receiver } from "../support/datagrams.ts";
import { ROOT, run } from "../support/run.ts";

const SMOKE = join(import.meta.dir, "systemd-smoke.ts");
const DENO = join(ROOT, "node_modules/.bin/deno");

const NOTIFIED = ["STATUS=größer", "READY=1", "WATCHDOG=1", "STOPPING=1"];
const ENTRIES = ["one", "two", "three"].map((text) => {
  const fields = ["PRIORITY=2", "SYSLOG_IDENTIFIER=quantum-smoke", "QUANTUM_ROLE=smoke"];
  return `MESSAGE=${text}\n${[...fields, "QUANTUM_INCIDENT_ID=e1", "EVENT_ID=e2"].join("\n")}\n`;
});

let directory: string;
let binary: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "quantum-systemd-"));
  binary = join(directory, "smoke");
  const built = await run(process.execPath, ["build", "--compile", SMOKE, "--outfile", binary]);
  expect(built.code, built.stderr).toBe(0);
}, 60_000);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const RUNTIMES: readonly (readonly [name: string, command: () => readonly string[]])[] = [
  ["Bun", () => [process.execPath, SMOKE]],
  ["Deno", () => [DENO, "run", "-A", "--node-modules-dir=manual", SMOKE]],
  ["a compiled binary", () => [binary]],
];

/** Runs the smoke; what arrives where something listens, and what it prints. */
async function smoke(command: readonly string[], systemd: string, journald: string) {
  const [file = "", ...args] = command;
  return await run(file, [...args, systemd, journald]);
}

describe.each(RUNTIMES)("on %s", (_name, command) => {
  test.each([
    ["at paths", () => [join(directory, "notify"), join(directory, "journal")] as const],
    ["at abstract names", () => [`@quantum-${process.pid}-notify`, `@quantum-${process.pid}-journal`] as const],
  ])(
    "everything arrives, in order, %s",
    async (_where, places) => {
      const [systemd, journald] = [new Receiver(places()[0]), new Receiver(places()[1])];
      try {
        const { code, stdout, stderr } = await smoke(command(), ...places());
        expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "", stderr: "" });
        expect(systemd.received()).toEqual(NOTIFIED);
        expect(journald.received()).toEqual(ENTRIES);
      } finally {
        for (const receiver of [systemd, journald]) receiver.close();
      }
    },
    60_000,
  );

  test("where nobody listens, each line is on stdout with its priority, and one says why", async () => {
    const nowhere = join(directory, "nowhere");
    const { code, stdout, stderr } = await smoke(command(), nowhere, nowhere);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.trimEnd().split("\n")).toEqual([
      `<4>systemd does not hear this role, and may take it for hung and end it: ${nowhere}: nothing listens there (ENOENT)`,
      "<2>one",
      "<2>two",
      "<2>three",
    ]);
  }, 60_000);
});

test("a Deno that may not call the C library says so, and goes on", async () => {
  const command = [
    DENO,
    "run",
    "--allow-read",
    "--allow-env",
    "--allow-sys",
    "--no-prompt",
    "--node-modules-dir=manual",
    SMOKE,
  ];
  const { code, stdout } = await smoke(command, "/run/notify", "/run/journal");
  expect(code).toBe(0);
  expect(stdout.split("\n")[0]).toMatch(
    /^<4>systemd does not hear this role, .*: the C library can't be called: .*--allow-ffi/,
  );
  expect(stdout).toContain("\n<2>three\n");
}, 60_000);

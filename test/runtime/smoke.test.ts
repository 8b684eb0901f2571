/** The same smoke test for every way in which Quantum is run. */

import { describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { QUANTUM, run } from "../support/run.ts";
import { RUNTIMES } from "../support/runtimes.ts";

describe.each(RUNTIMES)("%s", (_name, file, args) => {
  const quantum = (...words: readonly string[]) => run(file, [...args, ...words]);

  test("says its version", async () => {
    const { code, stdout } = await quantum("--version");
    expect(code).toBe(0);
    expect(stdout).toStartWith(`${manifest.version} (`);
  });

  test("shows the same help as the executable", async () => {
    const [mine, built] = await Promise.all([quantum("--help"), run(QUANTUM, ["--help"])]);
    expect(mine).toEqual(built);
    expect(mine.code).toBe(0);
  });

  test("refuses a threshold that is no number, in one line", async () => {
    const { code, stdout, stderr } = await quantum("watchdog", "--heartbeat-missing-ms", "abc");
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toBe('quantum: --heartbeat-missing-ms is "abc": expected a whole number from 500 to 60000\n');
  });

  test("takes an unreadable halt for a halt", async () => {
    const { code, stdout } = await quantum("gate", "--redis-url", "redis://127.0.0.1:1");
    expect(code).toBe(1);
    expect(stdout).toStartWith("Trading is halted: unreadable counts as halted");
  });
});

test.concurrent.each(RUNTIMES)(
  "%s: passes the brain-kill drill in a sandbox",
  async (_name, file, args) => {
    const directory = mkdtempSync(join(tmpdir(), "quantum-smoke-"));
    try {
      const drill = [...args, "chaos", "--sandbox", "--json"];
      const { code, stdout, stderr } = await run(file, drill, { env: { TMPDIR: directory } });
      expect(code, stderr).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ drill: "brain-kill", target: "sandbox", passed: true });
      expect(readdirSync(directory).filter((name) => name.startsWith("quantum-"))).toEqual([]);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
  120_000,
);

// Bun and Deno themselves obey such variables; only the executable can refuse what would replace it.
test.each(["BUN_OPTIONS", "BUN_BE_BUN", "BUN_INSPECT", "BUN_INSPECT_PRELOAD"])(
  "the executable refuses to run with %s set",
  async (name) => {
    const { code, stdout, stderr } = await run(QUANTUM, ["--version"], { env: { [name]: "1" } });
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toStartWith(`quantum: ${name} is set`);
  },
);

test("the executable ignores .env, bunfig.toml and preloads in the directory it is started in", async () => {
  const directory = mkdtempSync(join(tmpdir(), "quantum-hostile-"));
  try {
    await Bun.write(join(directory, ".env"), "REDIS_URL=nonsense\n");
    await Bun.write(join(directory, "bunfig.toml"), 'preload = ["./evil.ts"]\n');
    await Bun.write(join(directory, "evil.ts"), 'console.log("evil"); process.exit(66);\n');
    const { code, stdout } = await run(QUANTUM, ["gate", "--redis-url", "redis://127.0.0.1:1"], { cwd: directory });
    expect(code).toBe(1);
    expect(stdout).toStartWith("Trading is halted");
    const fromEnv = await run(QUANTUM, ["gate"], { cwd: directory });
    expect(fromEnv.stderr).toBe("");
    const preloaded = await run(QUANTUM, ["--version"], {
      cwd: directory,
      env: { BUN_OPTIONS: "--preload ./evil.ts" },
    });
    expect(preloaded.code).toBe(2);
    expect(preloaded.stdout).toBe("");
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

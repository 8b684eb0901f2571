/** What goes to a terminal and what goes elsewhere (contract section 1); as a child process where colours are decided. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { cli } from "./fake-io.ts";

// Real processes: a busy machine may be slow, and what is measured has bounds of its own.
setDefaultTimeout(30_000);

const ROOT = join(import.meta.dir, "..", "..");

let redis: TestRedis;

beforeAll(async () => {
  redis = await startRedis();
  await redis.command("XADD", "exit_brain:heartbeat", "*", "status", "DEGRADED");
  await redis.command("HSET", "system:state:trading", "halted", "true", "reason", "FIRE", "source", "ops");
});
afterAll(() => redis.stop());

/** Runs a command line in a process of its own, which believes to be on a terminal, or not. */
function status(terminal: boolean, env: Readonly<Record<string, string>>): string {
  const script = `
    const { runCli } = await import(${JSON.stringify(join(ROOT, "src", "cli", "cli.ts"))});
    process.exitCode = await runCli(["status"], {
      env: process.env, terminal: ${terminal}, signal: new AbortController().signal,
      out: (text) => console.log(text), err: (text) => console.log(text), ask: async () => null,
    });`;
  const child = spawnSync(process.execPath, ["-e", script], {
    cwd: ROOT,
    env: { PATH: process.env["PATH"] ?? "", REDIS_URL: redis.url, ...env },
    encoding: "utf8",
    timeout: 20_000,
  });
  expect(child.stdout).toContain("Trading: HALTED by ops, FIRE");
  return child.stdout;
}

const ESCAPE = "\u001b[";
const EMOJI = /\p{Extended_Pictographic}/u;

describe("colours", () => {
  test("come on a terminal", () => {
    expect(status(true, { FORCE_COLOR: "1" })).toContain(ESCAPE);
  });

  test("do not come with NO_COLOR, nor where there is no terminal, and neither do emoji", () => {
    for (const text of [status(true, { FORCE_COLOR: "1", NO_COLOR: "1" }), status(false, { FORCE_COLOR: "1" })]) {
      expect(text).not.toContain(ESCAPE);
      expect(text).not.toMatch(EMOJI);
    }
  });
});

test.each(["status", "gate", "panic --wait-ms 0", "--help", "chaos --help", "xyzzy"])(
  "quantum %s has neither escape codes nor emoji where there is no terminal",
  async (words) => {
    const { out, err } = await cli(words.split(" "), { env: { REDIS_URL: redis.url } });
    const text = [...out, ...err].join("\n");
    expect(text).not.toBe("");
    expect(text).not.toContain(ESCAPE);
    expect(text).not.toMatch(EMOJI);
  },
);

test("the words are the same under every locale", () => {
  const child = spawnSync(process.execPath, ["src/main.ts", "gate", "--nope"], {
    cwd: ROOT,
    env: { PATH: process.env["PATH"] ?? "", LC_ALL: "de_DE.UTF-8", LANG: "de_DE.UTF-8" },
    encoding: "utf8",
    timeout: 20_000,
  });
  expect(child.status).toBe(2);
  expect(child.stderr).toBe("quantum: Unknown argument: nope. See quantum --help\n");
  expect(child.stdout).toBe("");
});

/** The log as its readers get it: from a process of its own, on a real pipe. */

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import type { LogOptions } from "../../../src/adapters/host/log.ts";

// Real processes: a busy machine may be slow, and what is measured has bounds of its own.
setDefaultTimeout(30_000);

const LOG = JSON.stringify(join(import.meta.dir, "..", "..", "..", "src", "adapters", "host", "log.ts"));

/** A program that logs with `options` and then runs `body`. */
function program(options: LogOptions, body: string): readonly string[] {
  const script = `
    const { hostLog } = await import(${LOG});
    const log = hostLog(${JSON.stringify(options)});
    ${body}`;
  return ["-e", script];
}

/** The lines on stdout of a program that logs with `options`. */
function lines(options: Partial<LogOptions>, body: string): readonly string[] {
  const all: LogOptions = { role: "eew", level: "info", format: "text", fancy: false, timestamps: false, ...options };
  const child = spawnSync(process.execPath, [...program(all, body)], { encoding: "utf8", timeout: 20_000 });
  expect(child.stderr).toBe("");
  expect(child.status).toBe(0);
  return child.stdout.trimEnd().split("\n");
}

/** Far more than it takes to write or drop 200 lines. */
const STALLED_MS = 1_500;

const FOUR = `
  log.write("debug", "a detail");
  log.write("info", "Closed: 2/2");
  log.write("warn", "look at this");
  log.write("critical", "PANIC CLOSE COMPLETE - SYSTEM HALTED", "lock");`;

describe("hostLog() as text", () => {
  test("under journald is the bare line: no time, no colour, no emoji", () => {
    expect(lines({}, FOUR)).toEqual(["Closed: 2/2", "look at this", "PANIC CLOSE COMPLETE - SYSTEM HALTED"]);
  });

  test("elsewhere starts with the local time and the role", () => {
    for (const line of lines({ timestamps: true }, FOUR)) expect(line).toMatch(/^\d\d:\d\d:\d\d\.\d{3} eew {6}\S/);
  });

  test("on a terminal has colours and the marks", () => {
    expect(lines({ fancy: true }, FOUR)).toEqual([
      "Closed: 2/2",
      "\u001b[33mlook at this\u001b[0m",
      "\u001b[31m🔒 PANIC CLOSE COMPLETE - SYSTEM HALTED\u001b[0m",
    ]);
  });

  test("a line break in a message does not forge a line", () => {
    expect(lines({}, 'log.write("info", "one\\r\\nPANIC CLOSE EVENT RECEIVED\\ntwo");')).toEqual([
      "one PANIC CLOSE EVENT RECEIVED two",
    ]);
  });
});

describe("hostLog() as JSON", () => {
  test("is one object a line: level, time, role, msg", () => {
    const objects = lines({ format: "json", fancy: true, timestamps: true }, FOUR).map((line): unknown =>
      JSON.parse(line),
    );
    const common = { role: "eew", time: expect.any(Number) };
    expect(objects).toEqual([
      { ...common, level: "info", msg: "Closed: 2/2" },
      { ...common, level: "warn", msg: "look at this" },
      { ...common, level: "critical", msg: "PANIC CLOSE COMPLETE - SYSTEM HALTED" },
    ]);
  });
});

describe.each(["text", "json"] as const)("hostLog() as %s", (format) => {
  test.each([
    ["debug", 4],
    ["info", 3],
    ["warn", 2],
    ["critical", 1],
  ] as const)("at level %s writes %d of the four levels", (level, count) => {
    expect(lines({ format, level }, FOUR)).toHaveLength(count);
  });

  test("loses nothing to process.exit", () => {
    const body = `for (let i = 0; i < 5000; i++) log.write("info", "x".repeat(100)); process.exit(0);`;
    expect(lines({ format }, body)).toHaveLength(5_000);
  });

  test.each([
    ["when the process ends", "process.exit(0);"],
    ["while the process has nothing to say", "setTimeout(() => process.kill(process.pid, 'SIGKILL'), 2_000);"],
  ])("a reader that was behind gets everything %s", async (_when, rest) => {
    const options: LogOptions = { role: "eew", level: "info", format, fancy: false, timestamps: false };
    const body = `
      for (let i = 0; i < 1000; i++) log.write("info", "x".repeat(500));
      process.stderr.write("that is all");
      ${rest}`;
    const child = spawn(process.execPath, [...program(options, body)], { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.pause();
    await new Promise((resolve) => child.stderr.once("data", resolve));
    let stdout = "";
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stdout.resume();
    await ended(child);
    expect(stdout.trimEnd().split("\n")).toHaveLength(1_000);
  });

  test("a reader that goes away does not kill the process, nor does it stop its work", async () => {
    const options: LogOptions = { role: "eew", level: "info", format, fancy: false, timestamps: true };
    const body = `
      log.write("info", "ready");
      process.stdin.once("data", () => {
        for (let i = 0; i < 1000; i++) log.write("critical", "nobody reads this ".repeat(100), "alarm");
        process.stderr.write("still at work");
        process.exit(0);
      });`;
    const child = spawn(process.execPath, [...program(options, body)], { stdio: ["pipe", "pipe", "pipe"] });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    const gone = new Promise((resolve) => child.stdout.once("close", resolve));
    child.stdout.destroy();
    await gone;
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.stdin.write("go\n");
    expect(await ended(child)).toEqual({ code: 0, signal: null });
    expect(stderr).toBe("still at work");
  });

  test("a reader that stops reading does not stop the process", async () => {
    const options: LogOptions = { role: "eew", level: "info", format, fancy: false, timestamps: true };
    const body = `
      for (let i = 0; i < 200; i++) log.write("info", "x".repeat(1000));
      process.stderr.write("still at work");
      process.exit(0);`;
    const child = spawn(process.execPath, [...program(options, body)], { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.pause();
    const limit = setTimeout(() => child.kill("SIGKILL"), STALLED_MS);
    const work = new Promise<string>((resolve) => {
      child.stderr.once("data", (chunk: Buffer) => resolve(chunk.toString()));
      child.once("exit", () => resolve("nothing more was done"));
    });
    expect(await work.finally(() => clearTimeout(limit))).toBe("still at work");
  });
});

/** How a process ended, its output drained. */
function ended(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve) => child.once("close", (code, signal) => resolve({ code, signal })));
}

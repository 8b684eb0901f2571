import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ChildRun } from "../../../src/adapters/host/processes.ts";
import { eventually } from "../../support/eventually.ts";

// Real processes: a busy machine may be slow, and what is measured has bounds of its own.
setDefaultTimeout(30_000);

let directory: string;
let logs = 0;
const runs: ChildRun[] = [];

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "quantum-test-processes-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));
afterEach(async () => {
  for (const run of runs.splice(0)) await run.end();
});

function start(file: string, ...args: readonly string[]): ChildRun {
  const env = { PATH: process.env["PATH"] ?? "", ONLY: "this" };
  const run = new ChildRun({ file, args, env, cwd: directory, logFile: join(directory, `${logs++}.log`) });
  runs.push(run);
  return run;
}

/** The state letter of a process (proc(5)); null once it is gone. */
function stateOf(pid: number): string | null {
  try {
    return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1] ?? null;
  } catch {
    return null;
  }
}

/** A shell that tells its pid and then waits, deaf to SIGTERM. */
async function aDeafChild(): Promise<{ readonly run: ChildRun; readonly pid: number }> {
  const run = start("sh", "-c", "trap '' TERM; echo pid=$$; while :; do sleep 1; done");
  await eventually("the child tells its pid", () => run.log().includes("pid="));
  return { run, pid: Number(/pid=(\d+)/.exec(run.log())?.[1]) };
}

describe("ChildRun", () => {
  test("end() ends a child that is deaf to SIGTERM", async () => {
    const { run, pid } = await aDeafChild();
    expect(run.signal("SIGTERM")).toEqual({ known: true, value: null });
    expect(run.running()).toBe(true);
    await run.end();
    expect(run.running()).toBe(false);
    expect(stateOf(pid)).toBeNull();
  });

  test("end() ends a frozen child", async () => {
    const { run, pid } = await aDeafChild();
    expect(run.signal("SIGSTOP").known).toBe(true);
    await eventually("the child is frozen", () => stateOf(pid) === "T");
    expect(run.running()).toBe(true);
    await run.end();
    expect(run.running()).toBe(false);
    expect(stateOf(pid)).toBeNull();
  });

  test("a child that is gone can't be signalled, and end() has nothing to do", async () => {
    const run = start("true");
    expect(await run.ended).toBeNull();
    expect(run.running()).toBe(false);
    expect(run.signal("SIGTERM")).toMatchObject({ known: false, why: expect.stringContaining("SIGTERM") });
    await run.end();
    await run.end();
  });

  test("a program that does not exist ends with the reason", async () => {
    const run = start(join(directory, "no-such-program"));
    expect(await run.ended).toContain("ENOENT");
    expect(run.running()).toBe(false);
    await run.end();
  });

  test("the child sees the given environment and directory and nothing else, and both outputs are kept", async () => {
    const run = start("sh", "-c", "env; pwd; echo complaint >&2");
    await run.ended;
    const log = run.log().split("\n");
    expect(log).toContain("ONLY=this");
    expect(log).toContain(directory);
    expect(log).toContain("complaint");
    expect(log.some((line) => line.startsWith("HOME="))).toBe(false);
  });
});

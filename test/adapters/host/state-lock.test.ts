/** The lock of a state directory, with processes that really die, on each runtime that we ship or test on. */

import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ChildRun } from "../../../src/adapters/host/processes.ts";
import { lockState, type StateLock } from "../../../src/adapters/host/state-lock.ts";
import { eventually } from "../../support/eventually.ts";
import { ROOT } from "../../support/run.ts";

// Real processes: a busy machine may be slow.
setDefaultTimeout(30_000);

const HOLDER = join(ROOT, "test", "fixtures", "lock-holder.ts");
const RUNTIMES = [
  ["Bun", process.execPath, [HOLDER]],
  ["Deno", join(ROOT, "node_modules", ".bin", "deno"), ["run", "-A", HOLDER]],
] as const;

let directory: string;
const children: ChildRun[] = [];
const held: Disposable[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "quantum-lock-"));
});
afterEach(async () => {
  for (const lock of held.splice(0)) lock[Symbol.dispose]();
  for (const child of children.splice(0)) await child.end();
  rmSync(directory, { recursive: true, force: true });
});

const state = (): string => join(directory, "state");

async function lock(path = state(), name?: string): Promise<StateLock> {
  const answer = await lockState(path, name);
  if (!answer.known) throw new Error(answer.why);
  if (answer.value.kind === "held") held.push(answer.value);
  return answer.value;
}

let logs = 0;

/** A process that takes the lock, and says what came of it: "held", or "taken by" and a pid. */
function start(file: string, args: readonly string[]): ChildRun {
  const logFile = join(directory, `${logs++}.log`);
  const env = { PATH: process.env["PATH"] ?? "" };
  const child = new ChildRun({ file, args: [...args, state()], env, cwd: directory, logFile });
  children.push(child);
  return child;
}

const said = (child: ChildRun): Promise<void> => eventually("it says something", () => child.log().includes("\n"));

describe.each(RUNTIMES)("on %s", (_name, file, args) => {
  test("a directory whose holder lives is taken, and its pid is named", async () => {
    const holder = start(file, args);
    await said(holder);
    expect(holder.log()).toMatch(/^held by \d+\n$/);
    const pid = Number(/\d+/.exec(holder.log())?.[0]);
    expect(await lock()).toEqual({ kind: "taken", holder: pid });
    const second = start(file, args);
    await said(second);
    expect(second.log()).toBe(`taken by ${pid}\n`);
  });

  test("a holder that is killed leaves nothing in the way, at once", async () => {
    for (let life = 0; life < 3; life++) {
      const holder = start(file, args);
      await said(holder);
      expect(holder.log()).toMatch(/^held/);
      await holder.end();
    }
    expect((await lock()).kind).toBe("held");
    // What the dead have left is gone, too.
    expect(readdirSync(state())).toHaveLength(1);
  });

  test("a holder that is frozen holds it all the same", async () => {
    const holder = start(file, args);
    await said(holder);
    holder.signal("SIGSTOP");
    expect(await lock()).toEqual({ kind: "taken", holder: null });
  });

  test("of many that start together at most one gets it", async () => {
    const all = Array.from({ length: 5 }, () => start(file, args));
    for (const child of all) await said(child);
    expect(all.filter((child) => child.log().startsWith("held")).length).toBeLessThanOrEqual(1);
  });
});

test("is free again once it is let go", async () => {
  const first = await lock();
  if (first.kind === "held") first[Symbol.dispose]();
  expect((await lock()).kind).toBe("held");
});

test("one lock is no lock on another directory, and what else lies in it is left alone", async () => {
  await lock();
  const other = join(directory, "other");
  expect((await lock(other)).kind).toBe("held");
  writeFileSync(join(other, "journal.jsonl"), "");
  const socket = createServer().listen(join(other, "eew.sock"));
  expect((await lock(other)).kind).toBe("taken");
  expect(readdirSync(other)).toEqual(expect.arrayContaining(["journal.jsonl", "eew.sock"]));
  socket.close();
});

test("locks of different names, as worker and brain have, are no matter to each other", async () => {
  expect((await lock()).kind).toBe("held");
  expect((await lock(state(), "brain")).kind).toBe("held");
  expect((await lock(state(), "brain")).kind).toBe("taken");
  expect((await lock()).kind).toBe("taken");
});

test("a directory that can't be made is unknown, with the reason: neither free nor taken", async () => {
  writeFileSync(join(directory, "file"), "");
  const answer = await lockState(join(directory, "file", "state"));
  expect(answer).toMatchObject({ known: false, why: expect.stringContaining("can't be locked: ") as unknown });
});

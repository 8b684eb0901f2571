import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bySocket } from "../../../src/adapters/direct/call-unix.ts";
import type { OpenLine } from "../../../src/adapters/direct/line.ts";
import { eventText } from "../../../src/adapters/direct/protocol.ts";
import { openUnixDoor } from "../../../src/adapters/direct/unix-door.ts";
import { aLine, EVENT, say } from "../../support/direct.ts";
import { eventually } from "../../support/eventually.ts";

let directory: string;
let close: () => void = () => undefined;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "quantum-direct-"));
});
afterEach(() => {
  close();
  close = () => undefined;
  rmSync(directory, { recursive: true, force: true });
});

const path = (): string => join(directory, "run", "eew.sock");
const PATIENCE = { heardMs: 1_000, doneMs: 2_000 };
const OPEN = { outcome: "NOT_FLAT", open: ["BTCUSDT 0.5"] } as const;

async function open(secret: string | null = null): Promise<OpenLine> {
  const line = aLine(secret);
  const door = await openUnixDoor(path(), line);
  if (!door.known) throw new Error(door.why);
  close = door.value.close;
  return line;
}

describe("the worker's socket", () => {
  test("carries an event to the worker, and what came of it back", async () => {
    const line = await open();
    const called = bySocket(path()).call(EVENT, null, PATIENCE);
    expect(await line.next()).toMatchObject({ entryId: "", eventId: "e1", reason: "OPERATOR_PANIC" });
    line.ended("e1", OPEN);
    expect(await called).toEqual({ known: true, value: OPEN });
  });

  test("is open to its own user alone", async () => {
    await open();
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, "run")).mode & 0o777).toBe(0o700);
  });

  test("replaces the socket that a former life has left", async () => {
    await open();
    close();
    writeFileSync(path(), "");
    const line = await open();
    const called = bySocket(path()).call(EVENT, null, { ...PATIENCE, doneMs: 0 });
    expect((await line.next()).eventId).toBe("e1");
    expect(await called).toEqual({ known: true, value: null });
  });

  test("tells the caller why an event is not executed", async () => {
    await open("secret");
    const called = await bySocket(path()).call(EVENT, "another", PATIENCE);
    const why = `${path()}: the worker refuses it: its sig was not made with QUANTUM_TRIGGER_SECRET`;
    expect(called).toEqual({ known: false, why });
  });

  test("a character that comes in two pieces is one character", async () => {
    const line = await open("secret");
    const text = Buffer.from(`${eventText({ ...EVENT, reason: "SCHLUSS_JETZT_É" }, "secret")}\n`);
    const cut = text.indexOf(Buffer.from("É")) + 1;
    void say({ path: path() }, text.subarray(0, cut), text.subarray(cut));
    expect(await line.next()).toMatchObject({ reason: "SCHLUSS_JETZT_É", signature: "valid" });
  });

  test("so it is in the worker's answer", async () => {
    const answer = Buffer.from(`{"heard":"e1"}\n{"done":"e1","outcome":"NOT_FLAT","open":["É 1"]}\n`);
    const cut = answer.indexOf(Buffer.from("É")) + 1;
    const server = createServer((socket) => {
      socket.write(answer.subarray(0, cut));
      setTimeout(() => socket.end(answer.subarray(cut)), 20);
    });
    const there = join(directory, "cut.sock");
    await new Promise<void>((resolve) => server.listen(there, resolve));
    const called = await bySocket(there).call(EVENT, null, PATIENCE);
    server.close();
    expect(called).toEqual({ known: true, value: { outcome: "NOT_FLAT", open: ["É 1"] } });
  });

  test("hangs up on a line that does not end, and on a caller who says nothing", async () => {
    await open();
    expect(await say({ path: path() }, "x".repeat(10_000))).toBe("");
    const startedAt = performance.now();
    expect(await say({ path: path() }, "half a line")).toBe("");
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  test("a caller who drips bytes gets no more time than one who says nothing", async () => {
    await open();
    const startedAt = performance.now();
    const drips = Array.from({ length: 400 }, () => "x");
    expect(await say({ path: path() }, ...drips)).toBe("");
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  test("callers without a word keep nobody out: one that comes takes the place of the oldest of them", async () => {
    const line = await open();
    const mute = Array.from({ length: 16 }, () => say({ path: path() }, "mute"));
    await Bun.sleep(50);
    const called = await bySocket(path()).call(EVENT, null, { heardMs: 1_000, doneMs: 0 });
    expect(called).toEqual({ known: true, value: null });
    expect((await line.next()).eventId).toBe("e1");
    await Promise.all(mute);
  });

  test("callers who wait for an outcome are not sent away, the seventeenth is", async () => {
    const line = await open();
    const sockets = Array.from({ length: 16 }, () => connect({ path: path() }));
    for (const socket of sockets) socket.write(`${eventText(EVENT, null)}\n`);
    let heard = 0;
    for (const socket of sockets) socket.on("data", () => (heard += 1));
    await eventually("all are heard", () => heard === 16);
    expect((await bySocket(path()).call(EVENT, null, { heardMs: 1_000, doneMs: 0 })).known).toBe(false);
    line.ended("e1", OPEN);
    await eventually("all are told", () => heard === 32);
    for (const socket of sockets) socket.destroy();
    expect((await bySocket(path()).call(EVENT, null, PATIENCE)).known).toBe(true);
  });

  test("a worker that is not there is told at once", async () => {
    expect((await bySocket(path()).call(EVENT, null, PATIENCE)).known).toBe(false);
  });

  test("a place that can't be written is told, not thrown", async () => {
    writeFileSync(join(directory, "run"), "");
    expect((await openUnixDoor(path(), aLine(null))).known).toBe(false);
  });
});

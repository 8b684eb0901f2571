import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { callDirect } from "../../../src/adapters/direct/call.ts";
import { listenDirect, type OpenLine } from "../../../src/adapters/direct/listen.ts";
import { decimal, ZERO } from "../../../src/core/decimal.ts";
import type { Completion, Outcome, PanicEvent } from "../../../src/core/messages.ts";
import type { UnixMillis } from "../../../src/core/time.ts";
import { eventually } from "../../support/eventually.ts";

let directory: string;
let line: OpenLine | null = null;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "quantum-direct-"));
});
afterEach(() => {
  line?.close();
  line = null;
  rmSync(directory, { recursive: true, force: true });
});

const path = (): string => join(directory, "run", "eew.sock");
const EVENT: PanicEvent = { eventId: "e1", reason: "OPERATOR_PANIC", issuedBy: "ops", ts: 1 as UnixMillis };
const PATIENCE = { heardMs: 1_000, doneMs: 2_000 };

async function open(secret: string | null = null): Promise<OpenLine> {
  const opened = await listenDirect(path(), secret);
  if (!opened.known) throw new Error(opened.why);
  line = opened.value;
  return opened.value;
}

function completion(outcome: Outcome): Completion {
  return {
    eventId: "e1",
    outcome,
    positionsTotal: 1,
    positionsClosed: 0,
    positionsFailed: 1,
    failedSymbols: ["BTCUSDT"],
    executionTimeMs: 100,
    reason: "OPERATOR_PANIC",
    source: "ops",
    ordersCancelled: 0,
    residual: outcome === "FLAT" ? [] : [{ symbol: "BTCUSDT", positionSide: "BOTH", amount: decimal("0.5") }],
    notionalUsd: ZERO,
  };
}

/** Says something on a raw connection; resolves with what was answered until the worker hung up. */
function say(text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ path: path() });
    let answer = "";
    socket.on("data", (bytes) => (answer += bytes.toString()));
    socket.once("error", () => resolve(answer));
    socket.once("close", () => resolve(answer));
    socket.once("connect", () => socket.write(text));
  });
}

describe("the direct line", () => {
  test("carries an event to the worker, and what came of it back", async () => {
    const worker = await open();
    const called = callDirect(path(), EVENT, null, PATIENCE);
    const delivery = await worker.next();
    expect(delivery).toMatchObject({ entryId: "", eventId: "e1", reason: "OPERATOR_PANIC", issuedBy: "ops", ageMs: 0 });
    worker.done(completion("NOT_FLAT"));
    expect(await called).toEqual({ known: true, value: { done: { outcome: "NOT_FLAT", open: ["BTCUSDT 0.5"] } } });
  });

  test("is open to its own user alone", async () => {
    await open();
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, "run")).mode & 0o777).toBe(0o700);
  });

  test("replaces the socket that a former life has left", async () => {
    const first = await open();
    first.close();
    writeFileSync(path(), "");
    const worker = await open();
    const called = callDirect(path(), EVENT, null, { ...PATIENCE, doneMs: 0 });
    expect((await worker.next()).eventId).toBe("e1");
    expect(await called).toEqual({ known: true, value: { done: null } });
  });

  test("checks the signature as the bus does", async () => {
    const worker = await open("secret");
    void callDirect(path(), EVENT, "secret", PATIENCE);
    expect((await worker.next()).signature).toBe("valid");
    void callDirect(path(), EVENT, "another", PATIENCE);
    expect((await worker.next()).signature).toBe("wrong");
    void callDirect(path(), EVENT, null, PATIENCE);
    expect((await worker.next()).signature).toBe("missing");
  });

  test("tells the caller why an event is not executed", async () => {
    const worker = await open();
    const called = callDirect(path(), EVENT, null, PATIENCE);
    await worker.next();
    worker.refuse("e1", "its sig was not made with QUANTUM_TRIGGER_SECRET");
    expect(await called).toEqual({
      known: false,
      why: `${path()}: the worker refuses it: its sig was not made with QUANTUM_TRIGGER_SECRET`,
    });
  });

  test.each([
    ["no JSON", "panic!\n"],
    ["a list", "[]\n"],
    ["values that are no strings", '{"event_id":7}\n'],
    ["no event id", '{"reason":"x"}\n'],
  ])("refuses %s in words", async (_fact, text) => {
    await open();
    expect(JSON.parse(await say(text))).toMatchObject({ refused: expect.stringContaining("expected the fields") });
  });

  test("hangs up on a line that does not end, and on a caller who says nothing", async () => {
    await open();
    expect(await say("x".repeat(10_000))).toBe("");
    const startedAt = performance.now();
    expect(await say("half a line")).toBe("");
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  test("does not let callers without a word keep others out for ever", async () => {
    const worker = await open();
    const mute = Array.from({ length: 16 }, () => say("mute"));
    let heard = false;
    void worker.next().then(() => {
      heard = true;
    });
    await eventually("a caller gets through", async () => {
      await callDirect(path(), EVENT, null, { heardMs: 500, doneMs: 0 });
      return heard;
    });
    await Promise.all(mute);
  });

  test("a worker that is not there is told at once", async () => {
    const called = await callDirect(path(), EVENT, null, PATIENCE);
    expect(called.known).toBe(false);
  });

  test("a place that can't be written is told, not thrown", async () => {
    writeFileSync(join(directory, "run"), "");
    expect((await listenDirect(path(), null)).known).toBe(false);
  });
});

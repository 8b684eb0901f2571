/** One worker's memory of its halts, on the bus in memory. What real processes do is in test/e2e/halt-memory.test.ts. */

import { beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { journalFile } from "../../src/adapters/host/journal-file.ts";
import type { PastHalt } from "../../src/core/halt-memory.ts";
import { unknown } from "../../src/core/reading.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import type { EewBus } from "../../src/ports/bus.ts";
import type { Journal } from "../../src/ports/journal.ts";
import { haltKeeper } from "../../src/roles/eew-halt.ts";
import { SimulatedBus } from "../../src/sim/bus.ts";
import { VirtualClock } from "../../src/sim/clock.ts";
import { aCompletion, aHalt } from "../support/core.ts";

const PAST: PastHalt = { halt: aHalt("e1"), outcome: "FLAT", entryId: "", followsUp: null, onRecord: true };

let directory: string;
let bus: SimulatedBus;
let lines: string[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "quantum-halt-"));
  bus = new SimulatedBus(new VirtualClock(1_795_000_000_000 as UnixMillis));
  lines = [];
  return () => rmSync(directory, { recursive: true, force: true });
});

/** A life's journal; of earlier ones it knows what the disk has. */
const journal = (at = directory): Journal => journalFile(at, { wall: () => 1_795_000_000_000 as UnixMillis });

const halted = async (): Promise<boolean> => {
  const halt = await bus.brain().halt();
  return halt.known && halt.value !== null;
};

function keeper(of: Journal, on: EewBus = bus.eew("worker"), owed: string | null = null): () => Promise<void> {
  const log = { write: (_level: string, text: string) => void lines.push(text) };
  return haltKeeper({ bus: on, journal: of, log }, (eventId) => eventId === owed);
}

/** A journal with one pass in it, and Redis without anything. */
function remembering(at = directory): Journal {
  const one = journal(at);
  one.append({ kind: "executed", ...PAST, residual: [] });
  return one;
}

describe("a halt that the bus has lost", () => {
  test("is put back at the first look, once, and a DEL afterwards is a reset", async () => {
    const own = remembering();
    const look = keeper(own);
    await look();
    expect(await halted()).toBe(true);
    await look();
    expect(lines).toHaveLength(2);
    bus.reset();
    await look();
    await look();
    expect(await halted()).toBe(false);
    expect(lines.slice(2)).toEqual(["Halt cleared by a person: event e1 is over"]);
  });

  test("that a person cleared is in the journal before it is told: whoever has read the line may kill the worker", async () => {
    const own = remembering();
    await keeper(own)();
    bus.reset();
    const toldOf: (PastHalt | null)[] = [];
    const log = { write: () => void toldOf.push(own.halt()) };
    await haltKeeper({ bus: bus.eew("worker"), journal: own, log }, () => false)();
    expect(toldOf).toEqual([null]);
  });

  test("is put back in the next life too, and not after a reset that an earlier life saw", async () => {
    remembering();
    await keeper(journal())();
    expect(await halted()).toBe(true);
    bus.reset();
    await keeper(journal())();
    bus.flush();
    await keeper(journal())();
    expect(await halted()).toBe(false);
  });

  test("is not put back while its report is owed: that one halts, and would be dropped for a second one", async () => {
    await keeper(remembering(), bus.eew("worker"), "e1")();
    expect(await halted()).toBe(false);
  });

  test("is not put back where nothing was executed", async () => {
    await keeper(journal())();
    expect([await halted(), lines]).toEqual([false, []]);
  });

  test("of another worker, which is lost with it, is put back by one that has seen it, in a later life", async () => {
    const doomed = bus.eew("doomed");
    await bus.publish({ eventId: "e2", reason: "TEST", issuedBy: "ops", ts: 0 as UnixMillis });
    const event = await doomed.next();
    if (!event.known || event.value === null) throw new Error("no event");
    await doomed.report(event.value, aCompletion("e2"), aHalt("e2"));
    const seen = keeper(journal());
    await seen();
    await seen();
    bus.flush();
    await keeper(journal())();
    expect(await bus.brain().halt()).toEqual({ known: true, value: aHalt("e2") });
    expect(journal().executed("e2")).toBeNull();
    bus.reset();
    await keeper(journal())();
    expect(journal().halt()).toBeNull();
  });

  test("of two workers with two events: both are put on record, one halt, and one DEL clears it for both", async () => {
    const [one, two] = [remembering(), journal(join(directory, "two"))];
    two.append({ kind: "executed", ...PAST, halt: aHalt("e2"), residual: [] });
    const looks = [keeper(one), keeper(two, bus.eew("two"))];
    for (const look of [...looks, ...looks]) await look();
    expect(lines.filter((line) => line.includes("put back"))).toHaveLength(2);
    bus.reset();
    for (const look of [...looks, ...looks]) await look();
    expect(await halted()).toBe(false);
    expect([one.halt(), two.halt()]).toEqual([null, null]);
  });
});

describe("a journal that can't be written", () => {
  test("still remembers in this life: the halt is put back, and a reset is believed and told as forgotten", async () => {
    writeFileSync(join(directory, "file"), "");
    const own = remembering(join(directory, "file", "state"));
    const look = keeper(own);
    await look();
    expect(await halted()).toBe(true);
    bus.reset();
    await look();
    await look();
    expect(await halted()).toBe(false);
    expect(lines.filter((line) => line.startsWith("The journal can't be written"))).toHaveLength(1);
  });
});

describe("a look that fails", () => {
  test("is told from the second in a row, once, and is done when it can be", async () => {
    let failing = true;
    const inner = bus.eew("worker");
    const look = keeper(remembering(), {
      ...inner,
      putBack: async (past) => (failing ? unknown("OOM") : await inner.putBack(past)),
    });
    await look();
    expect(lines).toEqual([]);
    for (let i = 0; i < 5; i++) await look();
    expect(lines).toEqual(["Whether the halt is still there can't be seen to, trying again: OOM"]);
    failing = false;
    await look();
    expect(await halted()).toBe(true);
  });

  test("changes nothing where only the sight of it fails", async () => {
    const look = keeper(remembering(), { ...bus.eew("worker"), sightOf: async () => unknown("NOPERM") });
    await look();
    expect([await halted(), lines]).toEqual([false, []]);
  });
});

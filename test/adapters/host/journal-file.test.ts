import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { journalFile } from "../../../src/adapters/host/journal-file.ts";
import { decimal } from "../../../src/core/decimal.ts";
import type { PastHalt } from "../../../src/core/halt-memory.ts";
import type { FoundLeg } from "../../../src/core/position.ts";
import type { UnixMillis } from "../../../src/core/time.ts";
import type { Journal, JournalRecord } from "../../../src/ports/journal.ts";
import { aHalt } from "../../support/core.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "quantum-journal-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const clock = { wall: () => 1_795_000_000_000 as UnixMillis };
const open = (): Journal => journalFile(directory, clock);
const path = (): string => join(directory, "journal.jsonl");
const REASON = "REDIS_LOST_(5.1S_>_5.0S)";

/** As the first version wrote it. */
const OLD_JOURNAL =
  '{"seq":1,"at":1795000000000,"prev":"0000000000000000000000000000000000000000000000000000000000000000",' +
  '"record":{"kind":"raised","eventId":"e1","reason":"REDIS_LOST_(5.1S_>_5.0S)"},' +
  '"hash":"50819f8ffb3d9c372dc018962088d6b3d50fe3d3808b31622d75179b084414db"}\n';

/** As a pass leaves it, in another order of fields than the shape has. */
function executed(eventId: string): JournalRecord {
  const { followsUp, entryId, outcome, halt } = past(eventId);
  return { kind: "executed", residual: ["BTCUSDT 0.5"], followsUp, entryId, outcome, halt };
}

function past(eventId: string): PastHalt {
  return {
    followsUp: { incidentId: "e0", number: 2 },
    entryId: "1-0",
    outcome: "NOT_FLAT",
    halt: aHalt(eventId),
    onRecord: false,
  };
}

describe("journalFile()", () => {
  test("remembers in the next life what was raised and not reconciled", () => {
    const journal = open();
    expect(journal.append({ kind: "raised", eventId: "e1", reason: REASON })).toBe(true);
    journal.append(executed("e1"));
    journal.append({ kind: "raised", eventId: "e2", reason: REASON });
    journal.append({ kind: "reconciled", eventId: "e1" });
    expect(open().unfinished()).toEqual([{ eventId: "e2", reason: REASON, found: [] }]);
    expect(open().trouble()).toBeNull();
  });

  test("remembers in the next life who raised an event, and whose follow-up it is", () => {
    const followsUp = { incidentId: "e1", number: 2 };
    open().append({ kind: "raised", eventId: "e2", reason: REASON, issuedBy: "watchdog", followsUp });
    expect(open().unfinished()).toEqual([
      { eventId: "e2", reason: REASON, issuedBy: "watchdog", followsUp, found: [] },
    ]);
  });

  test("remembers in the next life what each pass of an event has found open, each leg as it was found first", () => {
    const leg = (symbol: string, amount: string): FoundLeg => {
      const price = decimal("0.00000001");
      return { symbol, positionSide: "SHORT", amount: decimal(amount), markPrice: price };
    };
    for (const legs of [
      [leg("BTCUSDT", "-2"), leg("ETHUSDT", "-0.0000001")],
      [leg("BTCUSDT", "-1"), leg("SOLUSDT", "-3")],
    ]) {
      open().append({ kind: "raised", eventId: "e1", reason: REASON });
      open().append({ kind: "found", eventId: "e1", legs });
    }
    open().append({ kind: "raised", eventId: "e2", reason: REASON });
    const journal = open();
    expect(journal.unfinished()).toEqual([
      {
        eventId: "e1",
        reason: REASON,
        found: [leg("BTCUSDT", "-2"), leg("ETHUSDT", "-0.0000001"), leg("SOLUSDT", "-3")],
      },
      { eventId: "e2", reason: REASON, found: [] },
    ]);
    expect(journal.trouble()).toBeNull();
    journal.append({ kind: "reconciled", eventId: "e1" });
    expect(open().unfinished()).toHaveLength(1);
  });

  test("reads what was written before legs were, and by whom an event was raised", () => {
    writeFileSync(path(), OLD_JOURNAL);
    const journal = open();
    expect([journal.unfinished(), journal.trouble()]).toEqual([[{ eventId: "e1", reason: REASON, found: [] }], null]);
  });

  test("knows how a pass ended, in this life and in the next", () => {
    const journal = open();
    expect(journal.executed("e1")).toBeNull();
    journal.append(executed("e1"));
    const ending = { outcome: "NOT_FLAT", open: ["BTCUSDT 0.5"] } as const;
    expect([journal.executed("e1"), open().executed("e1"), open().executed("e2")]).toEqual([ending, ending, null]);
  });

  test("remembers every event that was executed, and the halt of the last one until a person resets it", () => {
    const journal = open();
    expect(journal.halt()).toBeNull();
    journal.append(executed("e1"));
    journal.append(executed("e2"));
    for (const life of [journal, open()]) expect(life.halt()).toEqual(past("e2"));
    journal.append({ kind: "reconciled", eventId: "e1" });
    expect(open().halt()?.onRecord).toBe(false);
    journal.append({ kind: "reconciled", eventId: "e2" });
    for (const life of [journal, open()]) expect(life.halt()?.onRecord).toBe(true);
    // An older halt was cleared long ago; it takes nothing from the newer one.
    journal.append({ kind: "reset", eventId: "e1" });
    expect(open().halt()?.halt.eventId).toBe("e2");
    journal.append({ kind: "reset", eventId: "e2" });
    for (const life of [journal, open()])
      expect([life.executed("e2")?.outcome, life.halt()]).toEqual(["NOT_FLAT", null]);
    expect(open().trouble()).toBeNull();
  });

  test("keeps the halt of a later attempt, whoever is late with an earlier one", () => {
    const later: PastHalt = { ...past("e2"), outcome: "FLAT", followsUp: { incidentId: "e0", number: 3 } };
    open().append({ kind: "witnessed", ...later });
    open().append(executed("e1"));
    open().append({ kind: "witnessed", ...past("e1") });
    const journal = open();
    expect([journal.halt()?.halt.eventId, journal.executed("e1")?.outcome]).toEqual(["e2", "NOT_FLAT"]);
    journal.append({ kind: "witnessed", ...past("e3"), followsUp: null });
    expect(open().halt()?.halt.eventId).toBe("e3");
  });

  test("remembers a halt that another worker has left, without taking its event for its own", () => {
    open().append(executed("e1"));
    open().append({ kind: "witnessed", ...past("e2") });
    const journal = open();
    expect(journal.halt()).toEqual({ ...past("e2"), onRecord: true });
    expect([journal.executed("e2"), journal.trouble()]).toEqual([null, null]);
    journal.append({ kind: "reset", eventId: "e2" });
    expect(open().halt()).toBeNull();
  });

  test("an empty directory is an empty journal, and nobody else may read what is written", () => {
    expect([open().unfinished(), open().trouble()]).toEqual([[], null]);
    open().append({ kind: "reconciled", eventId: "e1" });
    expect(statSync(path()).mode & 0o777).toBe(0o600);
  });

  test("goes on with the chain in each life", () => {
    open().append({ kind: "raised", eventId: "e1", reason: REASON });
    open().append({ kind: "raised", eventId: "e2", reason: REASON });
    const lines = readFileSync(path(), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.map(({ seq }) => seq)).toEqual([1, 2]);
    expect(lines[1].prev).toBe(lines[0].hash);
  });

  test("a line that a crash cut off costs only itself, and what comes after it can be read", () => {
    open().append({ kind: "raised", eventId: "e1", reason: REASON });
    appendFileSync(path(), '{"seq":2,"at":17');
    const journal = open();
    expect(journal.unfinished()).toHaveLength(1);
    expect(journal.trouble()).toContain("line 2 of the journal");
    journal.append({ kind: "raised", eventId: "e3", reason: REASON });
    expect(
      open()
        .unfinished()
        .map(({ eventId }) => eventId),
    ).toEqual(["e1", "e3"]);
  });

  test.each([
    ["changed", (lines: string[]) => lines.map((line, i) => (i === 1 ? line.replace("e2", "e9") : line))],
    ["taken out", (lines: string[]) => lines.filter((_line, i) => i !== 1)],
    ["put elsewhere", (lines: string[]) => [lines[1] ?? "", lines[0] ?? "", lines[2] ?? ""]],
  ])("a line that was %s is noticed, and the work that others name is still done", (_fact, tamper) => {
    for (const eventId of ["e1", "e2", "e3"]) open().append({ kind: "raised", eventId, reason: REASON });
    writeFileSync(path(), `${tamper(readFileSync(path(), "utf8").trim().split("\n")).join("\n")}\n`);
    expect(open().trouble()).not.toBeNull();
    expect(
      open()
        .unfinished()
        .map(({ eventId }) => eventId),
    ).toEqual(expect.arrayContaining(["e1", "e3"]));
  });

  test("a directory that can't be written is told, not thrown", () => {
    writeFileSync(join(directory, "file"), "");
    const journal = journalFile(join(directory, "file", "state"), clock);
    expect(journal.append(executed("e1"))).toBe(false);
    // For this life it is remembered all the same.
    expect([journal.executed("e1")?.outcome, journal.halt()]).toEqual(["NOT_FLAT", past("e1")]);
  });
});

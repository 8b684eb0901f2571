import { describe, expect, test } from "bun:test";
import {
  type HaltSight,
  type HaltVerdict,
  judgeHalt,
  newsOf,
  type PastHalt,
  putBackWords,
  resetWords,
} from "../../src/core/halt-memory.ts";
import { aHalt } from "../support/core.ts";

const PAST: PastHalt = { halt: aHalt("e1"), outcome: "NOT_FLAT", entryId: "1-0", followsUp: null, onRecord: true };

describe("judgeHalt()", () => {
  const rows: readonly (readonly [fact: string, sight: Omit<HaltSight, "standing">, verdict: HaltVerdict])[] = [
    ["halt and completion are there", { halted: true, record: "completed" }, "stands"],
    ["the halt alone is gone: a person has cleared it", { halted: false, record: "completed" }, "reset"],
    ["the event is there without its completion, under a halt", { halted: true, record: "published" }, "stands"],
    ["the event alone is there, and was completed before: lost", { halted: false, record: "published" }, "lost"],
    ["both are gone: lost", { halted: false, record: "gone" }, "lost"],
    ["the record is gone under somebody else's halt: lost too", { halted: true, record: "gone" }, "lost"],
  ];
  for (const [fact, sight, verdict] of rows) {
    test(`${fact} → ${verdict}`, () => expect(judgeHalt(sight, PAST)).toBe(verdict));
  }

  test.each([
    [true, "published", "stands"],
    [false, "published", "stands"],
    [true, "gone", "lost"],
    [false, "gone", "lost"],
  ] as const)("before its report was confirmed: halted %p, %s → %s", (halted, record, verdict) => {
    expect(judgeHalt({ halted, record }, { onRecord: false })).toBe(verdict);
  });
});

describe("newsOf()", () => {
  const other: PastHalt = { ...PAST, halt: aHalt("e2") };
  const followUp2: PastHalt = { ...PAST, halt: aHalt("e3"), followsUp: { incidentId: "e1", number: 2 } };
  const rows: readonly (readonly [
    fact: string,
    standing: PastHalt | null,
    past: PastHalt | null,
    news: PastHalt | null,
  ])[] = [
    ["no halt is no news", null, PAST, null],
    ["no halt is none where none is remembered", null, null, null],
    ["the halt that is remembered is no news", PAST, PAST, null],
    ["another halt is", other, PAST, other],
    ["a halt is, where none is remembered", other, null, other],
    ["that of a later attempt is", followUp2, PAST, followUp2],
    ["that of an earlier attempt is none, whoever puts it back", PAST, followUp2, null],
    ["that of an earlier attempt of another incident is", other, followUp2, other],
  ];
  for (const [fact, standing, past, news] of rows) {
    test(fact, () => expect(newsOf({ halted: true, record: "completed", standing }, past)).toBe(news));
  }
});

test("what was put back is told as a loss of data, with the event, its outcome and what to do", () => {
  const texts = putBackWords(PAST, "halt").map(({ text, mark }) => `${mark}: ${text}`);
  expect(texts).toEqual([
    "alarm: FAILURE DETECTED: Data loss, Redis has forgotten the halt and every record of its event (FLUSHALL or failover)",
    "alarm: Event e1 ended NOT_FLAT: its halt is put back from the journal, until a person resets it (quantum reset)",
  ]);
  expect(putBackWords(PAST, "record").map(({ text }) => text)).toEqual([
    "FAILURE DETECTED: Data loss, Redis has forgotten every record of an event (FLUSHALL or failover)",
    "Event e1 ended NOT_FLAT: it is put back on record, and trading is halted already, until a person resets it (quantum reset)",
  ]);
  expect(putBackWords(PAST, "nothing")).toEqual([]);
});

test("a reset is told with the event that it ends", () => {
  const text = "Halt cleared by a person: event e1 is over";
  expect(resetWords(PAST)).toEqual({ kind: "tell", level: "info", text, about: { eventId: "e1", incidentId: "e1" } });
});

test("what is told of a follow-up names its incident", () => {
  const past = { ...PAST, followsUp: { incidentId: "e0", number: 2 } };
  const about = { eventId: "e1", incidentId: "e0" };
  expect([resetWords(past), ...putBackWords(past, "halt")].map((line) => line.about)).toEqual([about, about, about]);
});

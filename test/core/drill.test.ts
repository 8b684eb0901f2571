import { describe, expect, test } from "bun:test";
import {
  type DrillRecord,
  drillAttention,
  drillNews,
  drillRefusedNews,
  drillStanding,
  spanInWords,
} from "../../src/core/drill.ts";
import { known, unknown } from "../../src/core/reading.ts";
import { aDrill } from "../support/core.ts";

const DAY_MS = 86_400_000;

describe("drillStanding()", () => {
  test.each([
    ["no drill", known(null), "never", "no drill is on record"],
    [
      "an answer that did not come",
      unknown("read it: NOPERM"),
      "unreadable",
      "the last drill can't be read, read it: NOPERM",
    ],
    [
      "a record that is not one",
      known({ ...aDrill(), record: null }),
      "unreadable",
      "the record of the last drill, 3 days ago, can't be read",
    ],
    ["a pass", known(aDrill()), "proven", "the last drill passed 3 days ago"],
    ["a pass of 35 days", known(aDrill({}, 35 * DAY_MS)), "proven", "the last drill passed 35 days ago"],
    [
      "a pass a moment older",
      known(aDrill({}, 35 * DAY_MS + 1)),
      "stale",
      "the last drill is 36 days old, more than 35 days",
    ],
    [
      "a failure",
      known(aDrill({ verdict: "failed", why: "x 1, expected 2" })),
      "not_passed",
      "the last drill, 3 days ago, failed: x 1, expected 2",
    ],
    [
      "an old failure",
      known(aDrill({ verdict: "failed", why: "x" }, 90 * DAY_MS)),
      "not_passed",
      "the last drill, 90 days ago, failed: x",
    ],
    [
      "one that was ended",
      known(aDrill({ verdict: "aborted", why: "Ctrl-C" })),
      "not_passed",
      "the last drill, 3 days ago, aborted: Ctrl-C",
    ],
    [
      "one without its reason",
      known(aDrill({ verdict: "aborted" })),
      "not_passed",
      "the last drill, 3 days ago, aborted: no reason kept",
    ],
    ["one that plays now", known(aDrill({ verdict: "begun" }, 600_000)), "under_way", "a drill was begun 10 min ago"],
    [
      "one that never ended",
      known(aDrill({ verdict: "begun" }, 600_001)),
      "not_passed",
      "the last drill was begun 11 min ago and has no verdict",
    ],
  ] as const)("%s", (_what, last, kind, words) => {
    expect(drillStanding(last)).toEqual({ kind, words });
  });
});

describe("drillAttention()", () => {
  test.each([
    [known(null), "no drill is on record: run quantum chaos, on the testnet every month"],
    [
      known(aDrill({}, 40 * DAY_MS)),
      "the last drill is 40 days old, more than 35 days: run quantum chaos, and look at why quantum-chaos.timer did not",
    ],
    [known(aDrill()), null],
    [known(aDrill({ verdict: "begun" }, 1_000)), null],
  ])("%#", (last, words) => {
    expect(drillAttention(last, true)).toBe(words);
    // Where real money is no drill is run.
    expect(drillAttention(last, false)).toBeNull();
  });
});

test.each([
  [0, "0 s"],
  [1, "1 s"],
  [60_000, "60 s"],
  [60_001, "2 min"],
  [3_600_000, "60 min"],
  [3_600_001, "2 h"],
  [2 * DAY_MS, "48 h"],
  [2 * DAY_MS + 1, "3 days"],
  [35 * DAY_MS, "35 days"],
])("a span of %d ms is %s", (ms, words) => {
  expect(spanInWords(ms)).toBe(words);
});

describe("what people are told of a drill", () => {
  const CHECKS = [
    { name: "heartbeat_to_panic_ms", measured: 5_004, limit: 5_500, passed: true },
    { name: "panic_to_flat_ms", measured: 10_400, limit: 10_000, passed: false },
    { name: "kill_to_flat_ms", measured: null, limit: 15_000, passed: false },
    { name: "trading_halted", measured: true, limit: true, passed: true },
  ] as const;
  const record = (changes: Partial<DrillRecord>): DrillRecord => ({
    drill: "brain-kill",
    method: "sigkill",
    target: "live",
    verdict: "passed",
    eventId: "e1",
    startedAt: 0 as DrillRecord["startedAt"],
    checks: CHECKS.filter(({ passed }) => passed),
    why: null,
    ...changes,
  });
  const ids = { eventId: "e1", incidentId: "e1" };

  test("of a pass: quietly, with what was measured", () => {
    expect(drillNews(record({}), "", null)).toEqual({
      level: "info",
      text: "Drill brain-kill (sigkill) passed\nok heartbeat_to_panic_ms 5004 (below 5500)\nok trading_halted true (true)",
      ...ids,
    });
  });

  test("of a failure: what failed, what was measured, and what to do", () => {
    const why = "panic_to_flat_ms 10400, expected below 10000";
    expect(drillNews(record({ verdict: "failed", checks: CHECKS, why }), "main", null)).toEqual({
      level: "critical",
      text: [
        "Drill brain-kill (sigkill) of account main FAILED: panic_to_flat_ms 10400, expected below 10000",
        "ok heartbeat_to_panic_ms 5004 (below 5500)",
        "FAIL panic_to_flat_ms 10400 (below 10000)",
        "ok trading_halted true (true)",
        "The brain was struck and trading may be halted: look at quantum status and at the venue, then recover",
      ].join("\n"),
      ...ids,
    });
  });

  test.each([
    [[], "Nothing was struck"],
    [CHECKS, "The brain was struck and trading may be halted: look at quantum status and at the venue, then recover"],
  ] as const)("of one that was ended: whether the blow may have fallen (%#)", (checks, last) => {
    const { level, text } = drillNews(record({ verdict: "aborted", checks, why: "a\nb" }), "", null);
    expect([level, text.split("\n")[0], text.split("\n").at(-1)]).toEqual([
      "critical",
      "Drill brain-kill (sigkill) ABORTED: a b",
      last,
    ]);
  });

  test("of a pass that could not be kept: no quiet line any more", () => {
    const { level, text } = drillNews(record({}), "", "Redis is gone");
    expect([level, text.split("\n").at(-1)]).toEqual([
      "warn",
      "It is not on record, and so it proves nothing: Redis is gone",
    ]);
  });

  test("of one that was refused: that there was none", () => {
    expect(drillRefusedNews("No position is open", "main")).toEqual({
      level: "warn",
      text: "Drill of account main refused: No position is open\nNothing was struck, and nothing is proven: run quantum chaos again",
      eventId: null,
      incidentId: null,
    });
  });

  test("in no more than Telegram takes, whatever somebody else's words are", () => {
    const long = "x".repeat(10_000);
    const { text } = drillNews(record({ verdict: "failed", checks: CHECKS, why: long }), "", long);
    expect(text.length).toBeLessThan(4_000);
    expect(drillRefusedNews(long, "").text.length).toBeLessThan(4_000);
  });
});

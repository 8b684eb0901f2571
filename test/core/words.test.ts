import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { cents, decimal, plain, sum } from "../../src/core/decimal.ts";
import { isAlive, problems } from "../../src/core/overview.ts";
import { unknown } from "../../src/core/reading.ts";
import { after, earliest, latest } from "../../src/core/time.ts";
import { describe as describeTrip, incompleteReason, reasonOf, type Trip, tenths } from "../../src/core/trip.ts";
import { aBeat, aHalt, at } from "../support/core.ts";

describe("reasons and log words", () => {
  test("read as in the runbook", () => {
    const trip = { rule: "heartbeat_missing", ageMs: 5_001, limitMs: 5_000 } as const;
    expect(reasonOf(trip)).toBe("EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)");
    expect(describeTrip(trip)).toBe("Heartbeat missing (5.1s > 5.0s)");
    expect(reasonOf({ ...trip, rule: "degraded", ageMs: 5_150 })).toBe("EXIT_BRAIN_DEGRADED_(5.2S_>_5.0S)");
    expect(describeTrip({ ...trip, rule: "degraded", ageMs: 5_150 })).toBe("Exit brain degraded (5.2s > 5.0s)");
    expect(incompleteReason("NOT_FLAT")).toBe("PANIC_CLOSE_INCOMPLETE_(NOT_FLAT)");
    expect(incompleteReason(null)).toBe("PANIC_CLOSE_INCOMPLETE_(NO_COMPLETION)");
  });

  const RULES: readonly (readonly [Trip, log: string, event: string])[] = [
    [
      { rule: "heartbeat_never_seen", ageMs: 10_001, limitMs: 10_000 },
      "Heartbeat missing (none for 10.1s > 10.0s)",
      "EXIT_BRAIN_HEARTBEAT_MISSING_(NONE_FOR_10.1S_>_10.0S)",
    ],
    [
      { rule: "decisions_stale", ageMs: 30_000.5, limitMs: 30_000 },
      "Exit brain decisions stale (30.1s > 30.0s)",
      "EXIT_BRAIN_DECISIONS_STALE_(30.1S_>_30.0S)",
    ],
    [
      { rule: "crash_loop", instances: 4, tookMs: 41_150, limit: 3, limitMs: 60_000 },
      "Exit brain crash loop (4 instances in 41.2s > 3 in 60.0s)",
      "EXIT_BRAIN_CRASH_LOOP_(4_INSTANCES_IN_41.2S_>_3_IN_60.0S)",
    ],
    [
      { rule: "duplicate", afterMs: 310 },
      "Exit brain duplicate (older instance beats 0.4s after newer)",
      "EXIT_BRAIN_DUPLICATE_(OLDER_INSTANCE_BEATS_0.4S_AFTER_NEWER)",
    ],
  ];
  for (const [trip, log, event] of RULES) {
    test(`${trip.rule} is ${event}`, () => {
      expect(describeTrip(trip)).toBe(log);
      expect(reasonOf(trip)).toBe(event);
      expect(event).toMatch(/^EXIT_BRAIN_[A-Z_]+_\([A-Z0-9_.>]+\)$/);
    });
  }

  test("a broken limit never reads as kept", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 1e6, noNaN: true }), (overMs) => {
        expect(Number.parseFloat(tenths(5_000 + overMs))).toBeGreaterThan(5);
      }),
    );
  });
});

describe("decimal()", () => {
  const BAD = [
    "",
    " ",
    "x1",
    "1x",
    ".5x",
    "x.5",
    "+",
    "-",
    "1.x",
    "1e5",
    "NaN",
    "Infinity",
    "0x10",
    "1,5",
    "--1",
    "1.2.3",
    " 1",
    "1 ",
    ".",
  ];
  for (const text of BAD) {
    test(`refuses ${JSON.stringify(text)}`, () => {
      expect(() => decimal(text)).toThrow(JSON.stringify(text));
    });
  }

  test.each([
    ["1", "1"],
    ["+1.50", "1.5"],
    ["-0.002", "-0.002"],
    ["12.", "12"],
    [".25", "0.25"],
    ["+.5", "0.5"],
    ["007", "7"],
  ])("reads %s as %s", (text, value) => expect(plain(decimal(text))).toBe(value));

  test("a float can't slip in", () => {
    expect(() => decimal("1").plus(0.1 as unknown as string)).toThrow();
  });

  test("small quantities are written without an exponent", () => {
    expect(plain(decimal("0.0000000001"))).toBe("0.0000000001");
    expect(plain(decimal("100000000000000000000000"))).toBe("100000000000000000000000");
  });

  test("0.1 + 0.2 is 0.3, and money has two places", () => {
    expect(plain(sum([decimal("0.1"), decimal("0.2")]))).toBe("0.3");
    expect(cents(decimal("207.5"))).toBe("207.50");
    expect(cents(decimal("-0.005"))).toBe("-0.01");
    expect(cents(decimal("0.0049"))).toBe("0.00");
  });
});

test("a reading that was not answered says whether a person is needed, and only then", () => {
  expect(unknown("503")).toEqual({ known: false, why: "503" });
  expect(unknown("OOM", true)).toEqual({ known: false, why: "OOM", needsPerson: true });
});

describe("time", () => {
  test("the earliest deadline wins, and none is none", () => {
    expect(earliest(null, at(5), after(at(1), 2))).toBe(at(3));
    expect(earliest(null, null)).toBeNull();
    expect(earliest(at(4), at(2), at(3))).toBe(at(2));
  });

  test("the later of two is the later, whichever comes first", () => {
    expect([latest(at(1), at(2)), latest(at(2), at(1))]).toEqual([at(2), at(2)]);
  });
});

describe("problems()", () => {
  const fresh = { heartbeat: aBeat().heartbeat, ageMs: 400 };
  const alive = [
    { role: "brain", last: fresh },
    { role: "watchdog", last: fresh },
  ];

  test("a role that was never heard is not alive", () => {
    expect([isAlive({ role: "eew", last: null }), isAlive({ role: "brain", last: fresh })]).toEqual([false, true]);
  });

  test("a system at work has none", () => {
    expect(problems({ roles: alive, halt: null, lastPanic: { eventId: "e", outcome: "FLAT" } })).toEqual([]);
  });

  test("names what is silent, degraded, halted or not flat", () => {
    const degraded = { heartbeat: aBeat("DEGRADED").heartbeat, ageMs: 400 };
    const roles = [
      { role: "brain", last: { ...fresh, ageMs: 7_101 } },
      { role: "watchdog", last: degraded },
      { role: "eew", last: null },
    ];
    expect(problems({ roles, halt: aHalt(), lastPanic: { eventId: "e", outcome: null } })).toEqual([
      "brain: no heartbeat for 7.2s",
      "watchdog: says DEGRADED",
      "eew: no heartbeat has ever been seen",
      "trading is halted: EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)",
      "event e: no completion yet",
    ]);
  });

  test("a watchdog that watches nobody is a problem", () => {
    const { heartbeat } = fresh;
    const details = heartbeat.details && { ...heartbeat.details, state: "waiting" };
    const watchdog = { role: "watchdog", last: { heartbeat: { ...heartbeat, details }, ageMs: 1 } };
    expect(problems({ roles: [watchdog], halt: null, lastPanic: null })).toEqual([
      "UNPROTECTED: the watchdog is waiting for a heartbeat",
    ]);
  });

  test("five seconds of silence are none yet, and a flat event behind a halt is none of its own", () => {
    const view = (ageMs: number) => ({
      roles: [{ role: "brain", last: { ...fresh, ageMs } }],
      halt: null,
      lastPanic: null,
    });
    expect(problems(view(5_000))).toEqual([]);
    expect(problems(view(5_001))).toEqual(["brain: no heartbeat for 5.1s"]);
    expect(problems({ ...view(1), lastPanic: { eventId: "e", outcome: "NOT_FLAT" } })).toEqual(["event e: NOT_FLAT"]);
    expect(problems({ ...view(1), lastPanic: { eventId: "e", outcome: "FLAT" } })).toEqual([]);
  });

  test("a sender that says no more of itself than the first three fields is none either", () => {
    const heartbeat = { ...fresh.heartbeat, details: null };
    const roles = [{ role: "brain", last: { heartbeat, ageMs: 1 } }];
    expect(problems({ roles, halt: null, lastPanic: null })).toEqual([]);
  });

  test("a brain that may not act is a problem", () => {
    const { heartbeat } = fresh;
    const details = heartbeat.details && { ...heartbeat.details, state: "fenced" };
    const brain = { role: "brain", last: { heartbeat: { ...heartbeat, details }, ageMs: 1 } };
    expect(problems({ roles: [brain], halt: null, lastPanic: null })).toEqual([
      "brain: fenced, its heartbeats are not confirmed in time",
    ]);
  });
});

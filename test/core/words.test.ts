import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { cents, decimal, plain, sum } from "../../src/core/decimal.ts";
import { problems } from "../../src/core/overview.ts";
import { after, earliest } from "../../src/core/time.ts";
import { describe as describeTrip, reasonOf, tenths } from "../../src/core/trip.ts";
import { aBeat, aHalt, at } from "../support/core.ts";

describe("reasons and log words", () => {
  test("read as in the runbook", () => {
    const trip = { rule: "heartbeat_missing", ageMs: 5_001, limitMs: 5_000 } as const;
    expect(reasonOf(trip)).toBe("EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)");
    expect(describeTrip(trip)).toBe("Heartbeat missing (5.1s > 5.0s)");
    expect(reasonOf({ ...trip, rule: "degraded", ageMs: 5_150 })).toBe("EXIT_BRAIN_DEGRADED_(5.2S_>_5.0S)");
  });

  test("a broken limit never reads as kept", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 1e6, noNaN: true }), (overMs) => {
        expect(Number.parseFloat(tenths(5_000 + overMs))).toBeGreaterThan(5);
      }),
    );
  });
});

describe("decimal()", () => {
  const BAD = ["", " ", "1e5", "NaN", "Infinity", "0x10", "1,5", "--1", "1.2.3", " 1", "1 ", "."];
  for (const text of BAD) {
    test(`refuses ${JSON.stringify(text)}`, () => {
      expect(() => decimal(text)).toThrow(JSON.stringify(text));
    });
  }

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
  });
});

describe("time", () => {
  test("the earliest deadline wins, and none is none", () => {
    expect(earliest(null, at(5), after(at(1), 2))).toBe(at(3));
    expect(earliest(null, null)).toBeNull();
  });
});

describe("problems()", () => {
  const fresh = { heartbeat: aBeat().heartbeat, ageMs: 400 };
  const alive = [
    { role: "brain", last: fresh },
    { role: "watchdog", last: fresh },
  ];

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

  test("a brain that may not act is a problem", () => {
    const { heartbeat } = fresh;
    const details = heartbeat.details && { ...heartbeat.details, state: "fenced" };
    const brain = { role: "brain", last: { heartbeat: { ...heartbeat, details }, ageMs: 1 } };
    expect(problems({ roles: [brain], halt: null, lastPanic: null })).toEqual([
      "brain: fenced, its heartbeats are not confirmed in time",
    ]);
  });
});

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Position, Snapshot } from "../../src/core/position.ts";
import {
  SECOND_LINE_LIMITS,
  type SecondLine,
  type SelfTrip,
  startSecondLine,
  stepSecondLine,
  type Vigil,
} from "../../src/core/second-line.ts";
import { aPosition, at } from "../support/core.ts";

const LIMITS = SECOND_LINE_LIMITS;

/** A worker's second line under test: looks, and the looks that fail. */
class Line {
  state: SecondLine = startSecondLine(at(0));

  see(ms: number, vigil: Vigil, open: Snapshot | null = null): SelfTrip | null {
    const [next, trip] = stepSecondLine(LIMITS, this.state, { kind: "seen", vigil, open }, at(ms));
    this.state = next;
    return trip;
  }

  /** A heartbeat comes between two looks, to a question that was asked at `began`. */
  hear(ms: number, incidentId: string, began = ms - 500): void {
    [this.state] = stepSecondLine(LIMITS, this.state, { kind: "heard", incidentId, beganAt: at(began) }, at(ms));
  }

  /** A look that began at `began` fails at `ms`. */
  lose(ms: number, began = ms - 50, flatAt: number | null = null): SelfTrip | null {
    const proven = flatAt === null ? null : at(flatAt);
    const event = { kind: "lost", beganAt: at(began), flatAt: proven } as const;
    const [next, trip] = stepSecondLine(LIMITS, this.state, event, at(ms));
    this.state = next;
    return trip;
  }
}

const vigil = (
  incidentId: string,
  ageMs: number,
  watchdogAgeMs: number | null = 100,
  more: Partial<Vigil> = {},
): Vigil => ({
  brain: { incidentId, ageMs, incidentCompleted: false },
  // Beats each second: whoever is younger than the last look has beaten anew.
  watchdog: watchdogAgeMs === null ? null : { entry: `watchdog-${beats++}`, ageMs: watchdogAgeMs },
  halted: false,
  violationId: null,
  ...more,
});
let beats = 0;
const NOBODY: Vigil = { brain: null, watchdog: null, halted: false, violationId: null };

describe("Redis lost", () => {
  test("for more than five seconds after a heartbeat is a trip, once, under the watchdog's id for it", () => {
    const line = new Line();
    line.see(0, vigil("beat-1", 200));
    for (const ms of [1_000, 3_000, 5_950]) expect(line.lose(ms)).toBeNull();
    expect(line.lose(6_000)).toEqual({ incidentId: "beat-1", cause: "redis_lost", reason: "REDIS_LOST_(5.1S_>_5.0S)" });
    expect(line.lose(7_000)).toBeNull();
    expect(line.lose(60_000)).toBeNull();
  });

  test("for exactly the limit is none yet", () => {
    const line = new Line();
    line.see(0, vigil("beat-1", 200));
    line.lose(1_000, 1_000);
    expect(line.lose(6_000, 5_950)).toBeNull();
    expect(line.lose(6_001, 5_950)).not.toBeNull();
  });

  test("that answers in between starts anew", () => {
    const line = new Line();
    line.see(0, vigil("beat-1", 200));
    line.lose(1_000);
    line.lose(5_000);
    line.see(5_500, vigil("beat-2", 200));
    expect(line.lose(9_000)).toBeNull();
  });

  test("is not what our own stall looks like: a look that was interrupted counts from its end", () => {
    const line = new Line();
    line.see(0, vigil("beat-1", 200));
    expect(line.lose(30_000, 1_000)).toBeNull();
    expect(line.lose(34_000)).toBeNull();
    expect(line.lose(35_050)).not.toBeNull();
  });

  test("is a trip under the id of the heartbeat that came last, though no look has shown it", () => {
    const line = new Line();
    line.see(0, vigil("beat-1", 200));
    line.hear(900, "beat-2");
    expect(line.state.brain).toEqual({ incidentId: "beat-2", beatAt: at(900) });
    line.lose(1_000, 1_000);
    expect(line.lose(6_001, 5_950)?.incidentId).toBe("beat-2");
    expect(line.lose(60_000, 59_950)).toBeNull();
  });

  test("is none over a brain that was only heard, before a look has shown that it is to be watched", () => {
    const line = new Line();
    line.hear(0, "beat-1");
    line.lose(1_000, 1_000);
    expect(line.lose(60_000, 59_950)).toBeNull();
  });

  const proofs: readonly (readonly [fact: string, flatAt: number | null, raises: boolean])[] = [
    ["is a trip where no pass of this worker has proven the account flat", null, true],
    ["is a trip where one has before Redis was seen last: it may have opened again since", 400, true],
    ["is a trip where one has at that moment", 500, true],
    ["is none where one has since: that event was another's, who has heard a heartbeat more", 501, false],
    ["is none where one has while Redis was away", 4_000, false],
  ];
  test.each(proofs)("%s", (_fact, flatAt, raises) => {
    const line = new Line();
    line.see(500, vigil("beat-1", 200));
    line.lose(1_000, 1_000, flatAt);
    expect(line.lose(6_001, 5_950, flatAt) !== null).toBe(raises);
    expect(line.lose(60_000, 59_950, flatAt)).toBeNull();
  });

  test("once more, after it was back, is a trip again: what was flat then may not be now", () => {
    const line = new Line();
    line.see(0, vigil("beat-1", 200));
    line.lose(1_000, 1_000, 900);
    line.see(8_000, vigil("beat-2", 200));
    line.lose(9_000, 9_000, 900);
    expect(line.lose(14_001, 13_950, 900)?.incidentId).toBe("beat-2");
  });

  const notArmed: readonly (readonly [fact: string, seen: readonly Vigil[]])[] = [
    ["before anything was ever seen", []],
    ["where no brain ever beat", [NOBODY]],
    ["where the only heartbeat was old at the first look", [vigil("beat-1", 7_000)]],
    ["during a halt", [vigil("beat-1", 100, 100, { halted: true })]],
    [
      "after a reset, before a new heartbeat",
      [{ ...NOBODY, brain: { incidentId: "b", ageMs: 100, incidentCompleted: true } }],
    ],
  ];
  test.each(notArmed)("%s is no trip: there is no brain to guard", (_fact, seen) => {
    const line = new Line();
    for (const [i, one] of seen.entries()) line.see(i * 1_000, one);
    for (let ms = 5_000; ms <= 60_000; ms += 1_000) expect(line.lose(ms)).toBeNull();
  });

  test("after an old heartbeat and then a new one is a trip", () => {
    const line = new Line();
    line.see(0, vigil("beat-1", 7_000));
    line.see(1_000, vigil("beat-2", 100));
    line.lose(2_000);
    expect(line.lose(8_000)).not.toBeNull();
  });
});

describe("the watchdog lost", () => {
  test("for more than ten seconds while the brain is silent is a trip", () => {
    const line = new Line();
    line.see(0, vigil("beat-1", 0, 0));
    for (let ms = 1_000; ms <= 10_000; ms += 1_000) expect(line.see(ms, vigil("beat-1", ms, ms))).toBeNull();
    expect(line.see(10_010, vigil("beat-1", 10_010, 10_010))).toEqual({
      incidentId: "beat-1",
      cause: "watchdog_lost",
      reason: "WATCHDOG_LOST_(10.1S_>_10.0S)",
    });
    expect(line.see(11_000, vigil("beat-1", 11_000, 11_000))).toBeNull();
    // Not on record as completed, and trading not halted: Redis may have lost the event.
    expect(line.see(25_010, vigil("beat-1", 25_010, 25_010))?.incidentId).toBe("beat-1");
  });

  test("while the brain beats is none", () => {
    const line = new Line();
    for (let ms = 0; ms <= 60_000; ms += 1_000) expect(line.see(ms, vigil(`beat-${ms}`, 100, ms + 100))).toBeNull();
  });

  test("while a watchdog beats is none, however silent the brain: it is the watchdog's to say", () => {
    const line = new Line();
    for (let ms = 0; ms <= 60_000; ms += 1_000) expect(line.see(ms, vigil("beat-1", ms, 500))).toBeNull();
  });

  test("is one whose last heartbeat stays the same, however young a clock that was set back makes it look", () => {
    const line = new Line();
    const look = (ms: number) => ({ ...vigil("beat-1", ms), watchdog: { entry: "last", ageMs: 0 } });
    for (let ms = 0; ms <= 10_000; ms += 1_000) expect(line.see(ms, look(ms))).toBeNull();
    expect(line.see(10_010, look(10_010))?.cause).toBe("watchdog_lost");
  });

  test("is one over a brain whose last heartbeat waited while the worker stood still: it is as old as the next look says", () => {
    const line = new Line();
    line.see(0, vigil("beat-1", 200));
    line.hear(9_000, "beat-2", 100);
    expect(line.see(10_100, vigil("beat-2", 9_050, null))).toMatchObject({ cause: "watchdog_lost" });
  });

  test("that was never heard has its ten seconds from the start", () => {
    const line = new Line();
    expect(line.see(1_000, vigil("beat-1", 0, null))).toBeNull();
    expect(line.see(10_000, vigil("beat-1", 9_000, null))).toBeNull();
    expect(line.see(10_500, vigil("beat-1", 9_500, null))).not.toBeNull();
  });
});

describe("at the limit itself nothing is lost yet", () => {
  test("a heartbeat of exactly six seconds at the first look is of a brain that lives, an older one is not", () => {
    const line = new Line();
    line.see(0, vigil("beat-1", 6_000));
    expect(line.state.brain).toEqual({ incidentId: "beat-1", beatAt: at(-6_000) });
    const late = new Line();
    late.see(0, vigil("beat-1", 6_001));
    expect(late.state.brain).toBeNull();
  });

  test("a brain that is silent for exactly five seconds is not silent, without a watchdog either", () => {
    const line = new Line();
    line.see(0, vigil("beat-1", 0, null));
    line.see(10_500, vigil("beat-2", 5_000, null));
    expect(line.see(10_500, vigil("beat-2", 5_000, null))).toBeNull();
    expect(line.see(10_501, vigil("beat-2", 5_001, null))?.reason).toBe("WATCHDOG_LOST_(10.6S_>_10.0S)");
  });

  test("a look that took exactly two and a half seconds was not interrupted: Redis is away since it began", () => {
    const line = new Line();
    line.lose(10_000, 7_500);
    expect(line.state.lostSince).toBe(at(7_500));
    const stalled = new Line();
    stalled.lose(10_000, 7_499);
    expect(stalled.state.lostSince).toBe(at(10_000));
  });

  test("a list that was read in the moment in which the halt was seen may be of the time before it", () => {
    const line = new Line();
    const halted: Vigil = { ...NOBODY, halted: true, violationId: "violation-1" };
    line.see(1_000, halted, { positions: [aPosition("BTCUSDT", "1")], takenAt: at(1_000) });
    expect(line.state.flat).toEqual({ violationId: "violation-1", since: at(1_000), openAt: null });
  });
});

describe("what was raised", () => {
  test("while Redis is away is not raised again, however long it stays away: the worker executes it itself", () => {
    const line = new Line();
    line.see(0, vigil("beat-1", 0));
    line.lose(1_000, 1_000);
    expect(line.lose(6_001)?.incidentId).toBe("beat-1");
    for (let ms = 7_000; ms <= 120_000; ms += 1_000) expect(line.lose(ms)).toBeNull();
  });

  test("does not stand for another incident: the next brain's silence is raised at once", () => {
    const line = new Line();
    line.see(0, vigil("beat-1", 0));
    line.lose(1_000, 1_000);
    expect(line.lose(6_001)?.incidentId).toBe("beat-1");
    line.see(7_000, vigil("beat-2", 0));
    line.lose(8_000, 8_000);
    expect(line.lose(13_001)?.incidentId).toBe("beat-2");
  });
});

describe("which brain is watched", () => {
  const rows: readonly (readonly [fact: string, looks: readonly Vigil[], watched: string | null])[] = [
    ["one with a fresh heartbeat", [vigil("a", 100)], "a"],
    ["one with an old heartbeat is not", [vigil("a", 7_000)], null],
    ["nor is it at the next look, though that is not the first", [vigil("a", 7_000), vigil("a", 8_000)], null],
    ["the next heartbeat is", [vigil("a", 7_000), vigil("b", 100)], "b"],
    ["so is an old one behind another: somebody has beaten since", [vigil("a", 7_000), vigil("b", 7_000)], "b"],
    ["during a halt none", [vigil("a", 100), vigil("b", 100, 100, { halted: true })], null],
    [
      "after a reset none, until it beats again",
      [vigil("a", 100), vigil("b", 100, 100, { halted: true }), vigil("b", 1_100)],
      null,
    ],
    [
      "and then it is",
      [vigil("a", 100), vigil("b", 100, 100, { halted: true }), vigil("b", 9_000), vigil("c", 100)],
      "c",
    ],
    ["where none ever beat and then one does, however late", [NOBODY, vigil("a", 100)], "a"],
    ["where Redis was emptied none", [vigil("a", 100), NOBODY], null],
  ];
  test.each(rows)("%s", (_fact, looks, watched) => {
    const line = new Line();
    for (const [i, look] of looks.entries()) line.see(i * 1_000, look);
    expect(line.state.brain?.incidentId ?? null).toBe(watched);
  });

  test("is as old as its last heartbeat was at the look that found it first", () => {
    const line = new Line();
    line.see(1_000, vigil("a", 300));
    line.see(2_000, vigil("a", 900));
    expect(line.state.brain?.beatAt).toBe(at(700));
  });
});

describe("a halt over a flat account", () => {
  const HALTED: Vigil = { ...NOBODY, halted: true, violationId: "violation-1" };
  const read = (ms: number, ...positions: readonly Position[]): Snapshot => ({ positions, takenAt: at(ms) });
  const BTC = aPosition("BTCUSDT", "0.5");

  test("is violated by a position that two later lists show, and it is said once", () => {
    const line = new Line();
    expect(line.see(1_000, HALTED, read(500, BTC))).toBeNull();
    expect(line.see(2_000, HALTED, read(1_500))).toBeNull();
    expect(line.see(3_000, HALTED, read(2_500, BTC))).toBeNull();
    expect(line.see(4_000, HALTED, read(2_500, BTC))).toBeNull();
    expect(line.see(5_000, HALTED, read(4_500, BTC))).toEqual({
      incidentId: "violation-1",
      cause: "halt_violated",
      reason: "HALT_VIOLATED_(1_OPEN)",
    });
    expect(line.see(6_000, HALTED, read(5_500, BTC))).toBeNull();
  });

  test("is said to be violated again if it is after fifteen seconds: Redis may have lost the event", () => {
    const line = new Line();
    line.see(1_000, HALTED, read(500));
    line.see(2_000, HALTED, read(1_500, BTC));
    expect(line.see(3_000, HALTED, read(2_500, BTC))).not.toBeNull();
    expect(line.see(17_990, HALTED, read(17_500, BTC))).toBeNull();
    expect(line.see(18_000, HALTED, read(17_900, BTC))?.incidentId).toBe("violation-1");
    expect(line.see(19_000, HALTED, read(18_500, BTC))).toBeNull();
  });

  test("is not violated by one list that lags behind", () => {
    const line = new Line();
    line.see(1_000, HALTED, read(500));
    expect(line.see(3_000, HALTED, read(2_500, BTC))).toBeNull();
    expect(line.see(5_000, HALTED, read(4_500))).toBeNull();
    expect(line.see(7_000, HALTED, read(6_500, BTC))).toBeNull();
  });

  test("is not violated by a list from before it was known to be flat", () => {
    const line = new Line();
    for (let ms = 1_000; ms <= 20_000; ms += 1_000) expect(line.see(ms, HALTED, read(900, BTC))).toBeNull();
  });

  test("that ends lets positions be opened", () => {
    const line = new Line();
    line.see(1_000, HALTED, read(500));
    expect(line.see(2_000, NOBODY, read(1_500, BTC))).toBeNull();
    for (const ms of [3_000, 4_000]) expect(line.see(ms, NOBODY, read(ms - 500, BTC))).toBeNull();
  });

  test("of the incident that the violation began can be violated again", () => {
    const line = new Line();
    line.see(1_000, HALTED);
    line.see(2_000, HALTED, read(1_500, BTC));
    line.see(3_000, HALTED, read(2_500, BTC));
    const again = { ...HALTED, violationId: "violation-2" };
    line.see(4_000, again, read(3_500));
    line.see(6_000, again, read(5_500, BTC));
    expect(line.see(8_000, again, read(7_500, BTC))?.incidentId).toBe("violation-2");
  });
});

test("for any looks, an incident is raised again after fifteen seconds at the earliest, and never without a brain that lived", () => {
  const look = fc.oneof(
    fc.constant<Vigil | null>(null),
    fc.record({
      brain: fc.option(
        fc.record({
          incidentId: fc.constantFrom("a", "b", "c"),
          ageMs: fc.integer({ min: 0, max: 20_000 }),
          incidentCompleted: fc.boolean(),
        }),
      ),
      watchdog: fc.option(
        fc.record({ entry: fc.constantFrom("x", "y", "z"), ageMs: fc.integer({ min: 0, max: 20_000 }) }),
      ),
      halted: fc.boolean(),
      violationId: fc.constant(null),
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 4_000 }), look)), (looks) => {
      const line = new Line();
      let now = 0;
      const raisedAt = new Map<string, number>();
      for (const [ms, one] of looks) {
        now += ms;
        const watched: string | null = line.state.brain?.incidentId ?? null;
        const trip = one === null ? line.lose(now) : line.see(now, one);
        if (trip === null) continue;
        if (trip.incidentId === [...raisedAt.keys()].at(-1))
          expect(now - (raisedAt.get(trip.incidentId) ?? 0)).toBeGreaterThanOrEqual(15_000);
        expect([watched, one?.brain?.incidentId]).toContain(trip.incidentId);
        raisedAt.delete(trip.incidentId);
        raisedAt.set(trip.incidentId, now);
      }
    }),
  );
});

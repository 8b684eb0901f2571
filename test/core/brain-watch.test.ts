import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type BrainWatch, broken, hear, nextBreak, watchOver } from "../../src/core/brain-watch.ts";
import type { Beat } from "../../src/core/messages.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { WATCHDOG_LIMITS } from "../../src/core/watchdog-state.ts";
import { aBeat, at } from "../support/core.ts";

const LIMITS = WATCHDOG_LIMITS;

/** What a heartbeat says, where a test is about it. */
interface Says {
  readonly status?: string;
  readonly positions?: number | null;
  readonly decision?: number | null;
  /** Null: the sender names none. */
  readonly from?: string | null;
  readonly seq?: number | null;
}

function aBeatOf({ status = "ALIVE", positions = 2, decision = null, from = "a", seq = 1 }: Says): Beat {
  const lastDecisionTs = decision as UnixMillis | null;
  const beat = aBeat(status, "incident-1", { instanceId: from, seq, lastDecisionTs });
  return { ...beat, heartbeat: { ...beat.heartbeat, activePositions: positions } };
}

/** The watch over what was heard since a brain appeared; the first one arms it. A copy changes nothing. */
function watch(...beats: readonly (readonly [ms: number, says: Says])[]): BrainWatch {
  const [first = [0, {}] as const, ...others] = beats;
  return others.reduce(
    (brain, [ms, says]) => hear(brain, aBeatOf(says), at(ms))[0],
    watchOver(aBeatOf(first[1]), at(first[0]), at(first[0])),
  );
}

function ruleAt(brain: BrainWatch, ms: number, limits = LIMITS): string | null {
  return broken(limits, brain, at(ms))?.rule ?? null;
}

/** One heartbeat a second up to `seconds`, in order, each saying the same. */
function steady(seconds: number, says: Says): BrainWatch {
  return watch(...Array.from({ length: seconds + 1 }, (_, i) => [i * 1_000, { ...says, seq: i + 1 }] as const));
}

describe("decisions stale", () => {
  test("at the limit itself nothing is broken, a moment later it is, although the brain beats", () => {
    const brain = steady(30, { decision: 7 });
    expect(nextBreak(LIMITS, brain)).toBe(at(30_000));
    expect(ruleAt(brain, 30_000)).toBeNull();
    expect(broken(LIMITS, brain, at(30_001))).toEqual({ rule: "decisions_stale", ageMs: 30_001, limitMs: 30_000 });
  });

  const ROWS: readonly (readonly [name: string, says: Says, rule: string | null])[] = [
    ["no positions: nothing to decide", { decision: 7, positions: 0 }, null],
    ["positions not known: counts as some", { decision: 7, positions: null }, "decisions_stale"],
    ["a brain that never sent the field is not held to it", { decision: null }, null],
    ["a bot without an instance id that sends it is", { decision: 7, from: null, seq: null }, "decisions_stale"],
  ];
  for (const [name, says, rule] of ROWS) {
    test(name, () => {
      expect(ruleAt(steady(30, says), 30_001)).toBe(rule);
    });
  }

  test("the age counts from when the decision was first seen", () => {
    const [brain] = hear(watch([2_000, { decision: 7 }]), aBeatOf({ decision: 7, seq: 2 }), at(31_000));
    expect(ruleAt(brain, 32_000)).toBeNull();
    expect(broken(LIMITS, brain, at(32_001))).toEqual({ rule: "decisions_stale", ageMs: 30_001, limitMs: 30_000 });
  });

  test("any change counts, whatever the sender's clock says", () => {
    expect(watch([0, { decision: 7 }], [9_000, { decision: 5, seq: 2 }]).decision).toEqual({
      ts: 5,
      seenAt: at(9_000),
    });
  });

  test("a heartbeat that leaves the decision out is not a new decision", () => {
    const brain = watch([0, { decision: 7 }], [9_000, { seq: 2 }], [18_000, { decision: 7, seq: 3 }]);
    expect(brain.decision).toEqual({ ts: 7, seenAt: at(0) });
  });

  test("nor is it one where another instance leaves it out", () => {
    expect(watch([0, { decision: 7 }], [9_000, { from: "b" }]).decision).toEqual({ ts: 7, seenAt: at(0) });
  });

  test("positions that open behind an old decision are unguarded at once", () => {
    const brain = steady(40, { decision: 7, positions: 0 });
    const [open] = hear(brain, aBeatOf({ decision: 7, positions: 1, seq: 99 }), at(41_000));
    expect(ruleAt(open, 41_000)).toBe("decisions_stale");
  });
});

describe("crash loop", () => {
  const lives = (...appearances: readonly number[]): BrainWatch =>
    watch(...appearances.map((ms, i) => [ms, { from: `life-${i}` }] as const));

  test("three instances in a minute are borne, the fourth is not", () => {
    expect(ruleAt(lives(0, 2_000, 4_000), 4_000)).toBeNull();
    expect(broken(LIMITS, lives(9_000, 11_000, 13_000, 15_000), at(15_000))).toEqual({
      rule: "crash_loop",
      instances: 4,
      tookMs: 6_000,
      limit: 3,
      limitMs: 60_000,
    });
  });

  test("what began more than a minute before is not of it", () => {
    expect(ruleAt(lives(0, 20_000, 40_000, 60_000), 60_000)).toBe("crash_loop");
    expect(ruleAt(lives(0, 20_000, 40_000, 60_001), 60_001)).toBeNull();
  });

  test("the instance that was found at attach may have run for days, and does not count", () => {
    let brain = watchOver(aBeatOf({ from: "found" }), at(0), null);
    for (const from of ["b", "c", "d"]) [brain] = hear(brain, aBeatOf({ from }), at(1_000));
    expect(ruleAt(brain, 1_000)).toBeNull();
    expect(ruleAt(hear(brain, aBeatOf({ from: "e" }), at(2_000))[0], 2_000)).toBe("crash_loop");
  });

  test("a hundred instances over a day are no loop, and are not all remembered", () => {
    const brain = lives(...Array.from({ length: 300 }, (_, i) => i * 21_000));
    expect(ruleAt(brain, 299 * 21_000)).toBeNull();
    expect(brain.instances.length).toBeLessThanOrEqual(128);
  });
});

describe("duplicate", () => {
  const ROWS: readonly (readonly [name: string, beats: readonly Says[], rule: string | null])[] = [
    ["the newer one counts as long as it is alone", [{}, { from: "b" }, { from: "b", seq: 2 }], null],
    ["the older one's next heartbeat trips", [{}, { from: "b" }, { seq: 2 }], "duplicate"],
    ["a copy of an older one's is none", [{}, { from: "b" }, { seq: 1 }], null],
    ["an older one's without a number is no copy for sure", [{}, { from: "b" }, { seq: null }], "duplicate"],
    [
      "a bot without instance ids is one instance",
      [
        { from: null, seq: null },
        { from: null, seq: null },
      ],
      null,
    ],
    [
      "and one that a named instance took over from",
      [{ from: null, seq: null }, { from: "b" }, { from: null, seq: null }],
      "duplicate",
    ],
  ];
  for (const [name, beats, rule] of ROWS) {
    test(name, () => {
      const brain = watch(...beats.map((says, i) => [i * 500, says] as const));
      expect(ruleAt(brain, 1_000)).toBe(rule);
    });
  }

  test("the older one's heartbeat keeps nothing alive", () => {
    const brain = watch([0, {}], [500, { from: "b" }], [900, { seq: 2 }]);
    expect(brain.lastBeatAt).toBe(at(500));
    expect(broken(LIMITS, brain, at(900))).toEqual({ rule: "duplicate", afterMs: 400 });
  });
});

describe("a heartbeat is proof only if it is new", () => {
  const ROWS: readonly (readonly [name: string, before: Says, beat: Says, proof: boolean])[] = [
    ["the next number", { seq: 5 }, { seq: 6 }, true],
    ["a number skipped", { seq: 5 }, { seq: 9 }, true],
    ["the same number", { seq: 5 }, { seq: 5 }, false],
    ["a lower number", { seq: 5 }, { seq: 4 }, false],
    ["no number any more", { seq: 5 }, { seq: null }, false],
    ["never a number", { seq: null }, { seq: null }, true],
    ["a first number", { seq: null }, { seq: 1 }, true],
    ["a first number that is 0", { seq: null }, { seq: 0 }, true],
    ["a low number of a new instance", { seq: 5 }, { from: "b", seq: 1 }, true],
    ["a number without an instance means nothing", { from: null, seq: 5 }, { from: null, seq: 5 }, true],
  ];
  for (const [name, before, beat, proof] of ROWS) {
    test(name, () => {
      expect(hear(watch([0, before]), aBeatOf(beat), at(1_000))[1]).toBe(proof);
    });
  }

  test("what is no proof still bears bad news, unless it is a copy", () => {
    const brain = watch([0, { seq: 5, positions: 0 }]);
    const [next] = hear(brain, aBeatOf({ status: "DEGRADED", seq: null }), at(1_000));
    expect(next).toEqual({ ...brain, degradedSince: at(1_000), exposed: true });
    expect(hear(brain, aBeatOf({ status: "DEGRADED", seq: 5 }), at(1_000))[0]).toEqual(brain);
    expect(hear(brain, aBeatOf({ seq: null, positions: 0 }), at(1_000))[0]).toEqual(brain);
  });

  test("an older instance's is none, neither the first one nor its copy, and its number is remembered", () => {
    const brain = watch([0, { seq: 1 }], [100, { from: "x" }], [200, { from: "b" }]);
    const [next, proof] = hear(brain, aBeatOf({ seq: 2 }), at(300));
    expect([proof, next.rivalAt]).toEqual([false, at(300)]);
    expect(next.instances).toEqual([
      { id: "a", seq: 2, appearedAt: at(0) },
      { id: "x", seq: 1, appearedAt: at(100) },
      { id: "b", seq: 1, appearedAt: at(200) },
    ]);
    expect(hear(next, aBeatOf({ seq: 2 }), at(400))).toEqual([next, false]);
    expect(hear(next, aBeatOf({ seq: null }), at(400))[0].instances).toEqual(next.instances);
  });

  test("the newest of three counts, for as long as it goes on", () => {
    const brain = watch([0, {}], [100, { from: "b" }], [200, { from: "c" }], [1_200, { from: "c", seq: 2 }]);
    expect(brain.instances.map(({ id, seq }) => [id, seq])).toEqual([
      ["a", 1],
      ["b", 1],
      ["c", 2],
    ]);
    expect([brain.lastBeatAt, brain.rivalAt]).toEqual([at(1_200), null]);
  });

  test("of a sender that says nothing but its status each one is, and holds it to nothing else", () => {
    const { incidentId, heartbeat } = aBeatOf({});
    const bare: Beat = { incidentId, heartbeat: { ...heartbeat, details: null } };
    const [brain, proof] = hear(watchOver(bare, at(0), at(0)), bare, at(1_000));
    expect(proof).toBe(true);
    expect(brain).toMatchObject({ decision: null, instances: [{ id: null, seq: null }], lastBeatAt: at(1_000) });
  });
});

describe("unguarded", () => {
  const limits = { ...LIMITS, unguardedMs: 2_000 };

  test.each([
    [2, 2_000],
    [null, 2_000],
    [0, 5_000],
  ])("with %p positions the limit is %p ms", (positions, limitMs) => {
    const brain = watch([0, { positions }]);
    expect(nextBreak(limits, brain)).toBe(at(limitMs));
    expect(ruleAt(brain, limitMs, limits)).toBeNull();
    expect(broken(limits, brain, at(limitMs + 1))).toEqual({ rule: "heartbeat_missing", ageMs: limitMs + 1, limitMs });
  });

  test("never makes the limit longer", () => {
    expect(nextBreak({ ...LIMITS, unguardedMs: 50_000 }, watch([0, {}]))).toBe(at(5_000));
  });
});

describe("for any heartbeats", () => {
  const says: fc.Arbitrary<Says> = fc.record({
    status: fc.constantFrom("ALIVE", "ALIVE", "DEGRADED"),
    positions: fc.constantFrom(null, 0, 2),
    decision: fc.constantFrom(null, 1, 2),
    from: fc.constantFrom("a", "a", "a", "b", null),
    seq: fc.option(fc.nat({ max: 40 }), { nil: null }),
  });
  const heard = fc.array(fc.tuple(fc.nat({ max: 6_000 }), says), { minLength: 1, maxLength: 25 });

  function timed(steps: readonly (readonly [waitMs: number, says: Says])[]): readonly (readonly [number, Says])[] {
    let ms = 0;
    return steps.map(([waitMs, said]) => {
      ms += waitMs;
      return [ms, said] as const;
    });
  }

  test("no age shrinks without a new beat: the later one looks, the older it is", () => {
    fc.assert(
      fc.property(heard, fc.nat({ max: 70_000 }), fc.nat({ max: 70_000 }), (steps, one, other) => {
        const brain = watch(...timed(steps));
        const [early, late] = [Math.min(one, other), Math.max(one, other)].map((ms) => at(brain.lastBeatAt + ms));
        const [before, after] = [broken(LIMITS, brain, early ?? at(0)), broken(LIMITS, brain, late ?? at(0))];
        if (before === null) return;
        expect(after).not.toBeNull();
        if (after !== null && "ageMs" in before && "ageMs" in after && before.rule === after.rule) {
          expect(after.ageMs).toBeGreaterThanOrEqual(before.ageMs);
        }
      }),
    );
  });

  test("a copy moves no deadline", () => {
    fc.assert(
      fc.property(heard, (steps) => {
        const numbered = timed(steps).map(([ms, said], i) => [ms, { ...said, from: "a", seq: i }] as const);
        const brain = watch(...numbered);
        for (const [ms, said] of numbered) expect(hear(brain, aBeatOf(said), at(ms + 100_000))).toEqual([brain, false]);
      }),
    );
  });

  test("at the deadline nothing more is broken than before, just after it something is", () => {
    fc.assert(
      fc.property(heard, (steps) => {
        const brain = watch(...timed(steps));
        const due = nextBreak(LIMITS, brain);
        expect(broken(LIMITS, brain, at(due + 0.001))).not.toBeNull();
        if (ruleAt(brain, brain.lastBeatAt) === null) expect(broken(LIMITS, brain, due)).toBeNull();
      }),
    );
  });

  const FIELDS = ["positions", "decision", "seq"] as const;
  test.each(FIELDS)("a heartbeat that leaves out its %s makes no rule laxer", (field) => {
    const one = fc.record({
      status: fc.constantFrom("ALIVE", "DEGRADED"),
      positions: fc.constantFrom(0, 2),
      // The value that was there before: to leave a field out is no more than to repeat it.
      decision: fc.constant(7),
      from: fc.constantFrom("a", "b", "c"),
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat({ max: 6_000 }), one, fc.boolean()), { minLength: 2 }), (steps) => {
        const full = timed(steps.map(([waitMs, said], i) => [waitMs, { ...said, seq: i + 1 }] as const));
        const poorer = full.map(([ms, said], i): readonly [number, Says] => [
          ms,
          i > 0 && steps[i]?.[2] ? { ...said, [field]: null } : said,
        ]);
        const [brain, poor] = [watch(...full), watch(...poorer)];
        expect(nextBreak(LIMITS, poor)).toBeLessThanOrEqual(nextBreak(LIMITS, brain));
        const now = full.at(-1)?.[0] ?? 0;
        if (ruleAt(brain, now) !== null) expect(ruleAt(poor, now)).not.toBeNull();
      }),
    );
  });
});

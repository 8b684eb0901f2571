import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  exhaust,
  type OrderBudget,
  type OrderWindow,
  ordersLeft,
  refillsAt,
  spend,
} from "../../src/core/order-budget.ts";
import type { Instant } from "../../src/core/time.ts";
import { at } from "../support/core.ts";

const TEN_SECONDS = 10_000;
const MINUTE = 60_000;

/** Both of the venue's windows, the first ending at 10 s and the second at 60 s. */
const both = (used10s: number, usedMinute: number): OrderBudget => [
  { limit: 300, used: used10s, endsAt: at(TEN_SECONDS), lengthMs: TEN_SECONDS },
  { limit: 1_200, used: usedMinute, endsAt: at(MINUTE), lengthMs: MINUTE },
];

describe("ordersLeft() and refillsAt()", () => {
  const rows: readonly (readonly [
    fact: string,
    budget: OrderBudget,
    now: number,
    left: number,
    refills: number | null,
  ])[] = [
    ["an unused budget has its tightest limit left, and no wait makes it more", both(0, 0), 0, 300, null],
    ["what is used is gone until the window ends", both(1, 1), 0, 299, TEN_SECONDS],
    ["a used-up short window refills when it ends", both(300, 300), 9_999, 0, TEN_SECONDS],
    ["at its very end a window is full again", both(300, 300), TEN_SECONDS, 300, null],
    ["a used-up long window outlasts the short one", both(10, 1_200), 0, 0, MINUTE],
    ["after the short window has ended the long one still binds", both(300, 1_100), TEN_SECONDS, 100, MINUTE],
    ["where both bind, the later end counts", both(300, 1_200), 0, 0, MINUTE],
    ["others may have used more than the limit", both(350, 1_500), 0, 0, MINUTE],
    ["long after both have ended, both are full", both(300, 1_200), 3_600_000, 300, null],
    ["an unused window that is as tight makes waiting useless", both(0, 900), 0, 300, null],
    ["without windows there is no limit", [], 0, Number.POSITIVE_INFINITY, null],
  ];
  for (const [fact, budget, now, left, refills] of rows) {
    test(fact, () => {
      expect(ordersLeft(budget, at(now))).toBe(left);
      expect(refillsAt(budget, at(now))).toBe(refills as Instant | null);
    });
  }
});

describe("spend()", () => {
  test("takes from both windows", () => {
    expect(spend(both(1, 2), 5, at(0))).toEqual(both(6, 7));
  });

  test("in a later window starts from nothing, and keeps to the venue's boundaries", () => {
    expect(spend(both(300, 300), 5, at(25_000))).toEqual([
      { limit: 300, used: 5, endsAt: at(30_000), lengthMs: TEN_SECONDS },
      { limit: 1_200, used: 305, endsAt: at(MINUTE), lengthMs: MINUTE },
    ]);
  });
});

describe("exhaust()", () => {
  test("leaves nothing until the shortest window ends", () => {
    const budget = exhaust(both(3, 3), at(4_000));
    expect([ordersLeft(budget, at(4_000)), ordersLeft(budget, at(9_999)), ordersLeft(budget, at(10_000))]).toEqual([
      0, 0, 300,
    ]);
    expect(refillsAt(budget, at(4_000))).toBe(at(TEN_SECONDS));
  });

  test("keeps a count that is over the limit already", () => {
    expect(exhaust(both(301, 400), at(0))).toEqual(both(301, 400));
  });

  test("uses up the window that begins when the last one has ended", () => {
    expect(ordersLeft(exhaust(both(0, 0), at(TEN_SECONDS)), at(TEN_SECONDS))).toBe(0);
  });

  test("has nothing to use up where there is no window", () => {
    expect(exhaust([], at(0))).toEqual([]);
  });
});

describe("whatever the budget", () => {
  const windows: fc.Arbitrary<OrderBudget> = fc.array(
    fc.record({
      limit: fc.integer({ min: 1, max: 2_000 }),
      used: fc.integer({ min: 0, max: 2_500 }),
      endsAt: fc.integer({ min: 0, max: 100_000 }).map(at),
      lengthMs: fc.constantFrom(1_000, TEN_SECONDS, MINUTE),
    }) satisfies fc.Arbitrary<OrderWindow>,
    { minLength: 1, maxLength: 3 },
  );
  const instant = fc.integer({ min: 0, max: 400_000 }).map(at);
  const count = fc.integer({ min: 0, max: 3_000 });

  test("what is spent is gone, and no more than that", () => {
    fc.assert(
      fc.property(windows, instant, count, (budget, now, sent) => {
        const before = ordersLeft(budget, now);
        expect(ordersLeft(spend(budget, sent, now), now)).toBe(Math.max(0, before - sent));
      }),
    );
  });

  test("spending twice is spending the sum", () => {
    fc.assert(
      fc.property(windows, instant, count, count, (budget, now, first, second) => {
        expect(spend(spend(budget, first, now), second, now)).toEqual(spend(budget, first + second, now));
      }),
    );
  });

  test("once every window has ended it is full again", () => {
    fc.assert(
      fc.property(windows, (budget) => {
        const last = at(Math.max(...budget.map(({ endsAt }) => endsAt)));
        expect(ordersLeft(budget, last)).toBe(Math.min(...budget.map(({ limit }) => limit)));
        expect(refillsAt(budget, last)).toBeNull();
      }),
    );
  });

  test("refillsAt() is the first instant with more left, and lies ahead", () => {
    fc.assert(
      fc.property(windows, instant, (budget, now) => {
        const refills = refillsAt(budget, now);
        const before = ordersLeft(budget, now);
        if (refills === null) {
          for (const laterMs of [1_000, TEN_SECONDS, MINUTE])
            expect(ordersLeft(budget, at(now + laterMs))).toBe(before);
          return;
        }
        expect(refills).toBeGreaterThan(now);
        expect(ordersLeft(budget, refills)).toBeGreaterThan(before);
        expect(ordersLeft(budget, at(refills - 1))).toBe(before);
      }),
    );
  });

  test("who asks before each burst never sends more than the limit in any window of the venue", () => {
    const bursts = fc.array(fc.record({ afterMs: fc.integer({ min: 0, max: 15_000 }), wanted: count }), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(bursts, (bursts) => {
        let budget = both(0, 0);
        let now = at(0);
        const counts = new Map<string, number>();
        for (const { afterMs, wanted } of bursts) {
          now = at(now + afterMs);
          const sent = Math.min(wanted, ordersLeft(budget, now));
          budget = spend(budget, sent, now);
          for (const { lengthMs, limit } of budget) {
            const key = `${lengthMs}:${Math.floor(now / lengthMs)}`;
            counts.set(key, (counts.get(key) ?? 0) + sent);
            expect(counts.get(key)).toBeLessThanOrEqual(limit);
          }
        }
      }),
    );
  });
});

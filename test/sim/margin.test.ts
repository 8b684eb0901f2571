import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Decimal, decimal, plain, sum } from "../../src/core/decimal.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { unrealizedPnl } from "../../src/sim/leg.ts";
import { liquidationPrices, type MarkedLeg, maintenanceMargin } from "../../src/sim/margin.ts";

const leg = (amount: string, entry: string, mark = entry): MarkedLeg => ({
  leg: {
    symbol: "X",
    positionSide: "BOTH",
    amount: decimal(amount),
    entryPrice: decimal(entry),
    updateTime: 0 as UnixMillis,
  },
  mark: decimal(mark),
});

const words = (prices: readonly (Decimal | null)[]): readonly (string | null)[] =>
  prices.map((price) => price && plain(price));

describe("liquidationPrices()", () => {
  // By hand: what the wallet has, plus the profit at that mark, is 0.4 % of the notional at that mark.
  test.each([
    ["a long", "996", [leg("1", "10000")], ["9040.16064257"]],
    ["a short", "1004", [leg("-1", "10000")], ["10960.15936255"]],
    ["a long that the wallet bears down to nothing", "10000", [leg("1", "10000")], [null]],
    ["a short is never safe", "100000", [leg("-1", "10000")], ["109561.75298805"]],
    [
      "the profit of another leg bears it",
      "500",
      [leg("1", "10000"), leg("1", "100", "596.4")],
      ["9042.15421687", null],
    ],
  ] as const)("%s", (_fact, wallet, legs, prices) => {
    expect(words(liquidationPrices(decimal(wallet), legs))).toEqual([...prices]);
  });

  test("at that mark, and only there, wallet and profit are what all legs need", () => {
    const legs = fc.array(
      fc.tuple(
        fc.integer({ min: -50, max: 50 }),
        fc.integer({ min: 1, max: 1_000 }),
        fc.integer({ min: 1, max: 1_000 }),
      ),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(legs, fc.integer({ min: 1, max: 20_000 }), (drawn, wallet) => {
        const held = drawn.filter(([amount]) => amount !== 0).map(([a, e, m]) => leg(`${a}`, `${e}`, `${m}`));
        for (const [index, price] of liquidationPrices(decimal(`${wallet}`), held).entries()) {
          if (price === null) continue;
          const then = held.map((marked, other) => (other === index ? { ...marked, mark: price } : marked));
          const has = sum([decimal(`${wallet}`), ...then.map((marked) => unrealizedPnl(marked.leg, marked.mark))]);
          const missing = has.minus(sum(then.map(maintenanceMargin))).abs();
          // The price is rounded to eight places.
          expect(missing.lt("0.000001")).toBe(true);
        }
      }),
    );
  });
});

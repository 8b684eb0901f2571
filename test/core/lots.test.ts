import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decimal, plain, sum } from "../../src/core/decimal.ts";
import { flattenPlan } from "../../src/core/flatten-plan.ts";
import { chunks, dustOf, type LotRule } from "../../src/core/lots.ts";
import { known } from "../../src/core/reading.ts";
import { aPosition } from "../support/core.ts";

function rule(min: string, max: string, step: string): LotRule {
  return { min: decimal(min), max: decimal(max), step: decimal(step) };
}

const ROWS: readonly (readonly [quantity: string, rule: LotRule, expected: readonly string[], dust: string])[] = [
  ["0.002", rule("0.001", "120", "0.001"), ["0.002"], "0"],
  ["120", rule("0.001", "120", "0.001"), ["120"], "0"],
  ["120.001", rule("0.001", "120", "0.001"), ["120", "0.001"], "0"],
  ["300", rule("0.001", "120", "0.001"), ["120", "120", "60"], "0"],
  // A remainder below the minimum borrows from the order before it.
  ["101", rule("5", "100", "1"), ["96", "5"], "0"],
  ["8", rule("5", "7", "1"), ["7"], "1"],
  // The maximum need not be a multiple of the step.
  ["25", rule("1", "10.5", "1"), ["10", "10", "5"], "0"],
  // Steps count from the minimum.
  ["10", rule("1", "5", "2"), ["5", "5"], "0"],
  ["0.0004", rule("0.001", "120", "0.001"), [], "0.0004"],
  ["1.0004", rule("0.001", "120", "0.001"), ["1"], "0.0004"],
];

describe("chunks()", () => {
  for (const [quantity, lot, expected, dust] of ROWS) {
    const name = `${quantity} of ${plain(lot.min)}..${plain(lot.max)} by ${plain(lot.step)}`;
    test(`${name} → ${expected.join(" + ") || "nothing"}, dust ${dust}`, () => {
      expect(chunks(decimal(quantity), lot).map(plain)).toEqual([...expected]);
      expect(plain(dustOf(decimal(quantity), lot))).toBe(dust);
    });
  }

  const units = fc.bigInt({ min: 1n, max: 1_000_000n });
  const lots = fc.record({
    min: fc.bigInt({ min: 1n, max: 50n }),
    more: fc.bigInt({ min: 0n, max: 10_000n }),
    step: fc.bigInt({ min: 1n, max: 20n }),
  });

  test("every order is one that the venue takes, and none is more than what is open", () => {
    fc.assert(
      fc.property(units, lots, (quantity, { min, more, step }) => {
        const lot = rule(`${min}`, `${min + more}`, `${step}`);
        const parts = chunks(decimal(`${quantity}`), lot);
        for (const part of parts) {
          expect(part.gte(lot.min) && part.lte(lot.max)).toBe(true);
          expect(part.minus(lot.min).mod(lot.step).eq("0")).toBe(true);
        }
        expect(sum(parts).lte(decimal(`${quantity}`))).toBe(true);
        expect(parts.length).toBeLessThanOrEqual(100);
      }),
    );
  });

  test("with a minimum of one step, as the venue lists them, the orders add up to the last step", () => {
    fc.assert(
      fc.property(units, fc.bigInt({ min: 10_001n, max: 1_000_000n }), (quantity, max) => {
        const lot = rule("0.001", `${max}`, "0.001");
        const open = decimal(`${quantity}`).div(decimal("1000"));
        expect(sum(chunks(open, lot)).eq(open)).toBe(true);
      }),
    );
  });
});

describe("flattenPlan() over the lot size", () => {
  const rulebook = new Map([["BTCUSDT", { lot: rule("0.001", "120", "0.001"), band: null }]]);

  test("splits a leg, each order with an id of its own, and leaves other legs whole", () => {
    const found = [aPosition("BTCUSDT", "-300", "1"), aPosition("ETHUSDT", "7", "1")];
    const eventId = "550e8400-e29b-41d4-a716-446655440000";
    const orders = flattenPlan({ eventId, attempt: 1, found, mode: known("one_way"), rulebook });
    expect(orders.map(({ symbol, side, quantity }) => `${symbol} ${side} ${plain(quantity)}`)).toEqual([
      "BTCUSDT BUY 120",
      "BTCUSDT BUY 120",
      "BTCUSDT BUY 60",
      "ETHUSDT SELL 7",
    ]);
    expect(new Set(orders.map(({ clientOrderId }) => clientOrderId)).size).toBe(4);
    for (const { clientOrderId } of orders) expect(clientOrderId).toMatch(/^[A-Za-z0-9_-]{1,36}$/);
  });
});

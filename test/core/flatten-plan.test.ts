import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decimal, plain } from "../../src/core/decimal.ts";
import { flattenPlan } from "../../src/core/flatten-plan.ts";
import type { CloseOrder, Position, PositionMode, PositionSide } from "../../src/core/position.ts";
import { known, type Reading, unknown } from "../../src/core/reading.ts";
import { aPosition } from "../support/core.ts";

const EVENT = "550e8400-e29b-41d4-a716-446655440000";

/** The plan for an account whose contracts have no rules on record. */
function plan(
  eventId: string,
  found: readonly Position[],
  mode: Reading<PositionMode> = known("one_way"),
  attempt = 1,
): readonly CloseOrder[] {
  return flattenPlan({ eventId, attempt, found, mode, rulebook: new Map() });
}

describe("flattenPlan()", () => {
  test("a long is sold, a short is bought back", () => {
    const orders = plan(EVENT, [aPosition("BTCUSDT", "0.002", "50001"), aPosition("ETHUSDT", "-0.05", "2000")]);
    expect(orders.map(({ symbol, side, quantity }) => `${side} ${plain(quantity)} ${symbol}`)).toEqual([
      "SELL 0.002 BTCUSDT",
      "BUY 0.05 ETHUSDT",
    ]);
  });

  test("each leg of a hedged symbol is closed on its own, never netted", () => {
    const orders = plan(EVENT, [aPosition("BTCUSDT", "3", "1", "LONG"), aPosition("BTCUSDT", "-2", "1", "SHORT")]);
    expect(orders.map(({ positionSide, side, quantity }) => `${positionSide} ${side} ${plain(quantity)}`)).toEqual([
      "LONG SELL 3",
      "SHORT BUY 2",
    ]);
    expect(new Set(orders.map(({ clientOrderId }) => clientOrderId)).size).toBe(2);
  });

  test("the same event and leg always give the same order id, another event another one", () => {
    const [first] = plan(EVENT, [aPosition("币安人生USDT", "10")]);
    const [again] = plan(EVENT, [aPosition("币安人生USDT", "4"), aPosition("BTCUSDT", "0.001", "1")]);
    const [other] = plan("660e8400-e29b-41d4-a716-446655440000", [aPosition("币安人生USDT", "10")]);
    expect(again?.clientOrderId).toBe(first?.clientOrderId ?? "");
    expect(other?.clientOrderId).not.toBe(first?.clientOrderId ?? "");
    expect(first?.clientOrderId).toMatch(/^[A-Za-z0-9_-]{1,36}$/);
  });

  test("the ids stay what they are from one version to the next: a worker that is replaced names its orders again", () => {
    const ids = (symbol: string, side: PositionSide = "BOTH") =>
      plan(EVENT, [aPosition(symbol, "1", "1", side)]).map(({ clientOrderId }) => clientOrderId);
    expect(ids("BTCUSDT")).toEqual(["q-550e8400e29b41d4-e82cd26c-1"]);
    expect(ids("BTCUSDT", "LONG")).toEqual(["q-550e8400e29b41d4-f2e4742c-1"]);
    expect(ids("A26USDT")).toEqual(["q-550e8400e29b41d4-09290b98-1"]);
  });

  test("legs of the same worth go in the order of their names, however the venue lists them", () => {
    const legs = ["B", "C", "A"].map((symbol) => aPosition(symbol, "1", "1"));
    for (const found of [legs, legs.toReversed()]) {
      expect(plan(EVENT, found).map(({ symbol }) => symbol)).toEqual(["A", "B", "C"]);
    }
  });

  test("the account's own word on its mode counts, the rows where there is none, and every second attempt the rows", () => {
    const legs = [aPosition("BTCUSDT", "3", "1", "LONG"), aPosition("ETHUSDT", "-2", "1")];
    const modes = (mode: Reading<PositionMode>, attempt: number) =>
      plan(EVENT, legs, mode, attempt).map((order) => order.mode);
    expect(modes(known("hedge"), 1)).toEqual(["hedge", "hedge"]);
    expect(modes(known("one_way"), 3)).toEqual(["one_way", "one_way"]);
    expect(modes(unknown("503"), 1)).toEqual(["hedge", "one_way"]);
    expect(modes(known("hedge"), 2)).toEqual(["hedge", "one_way"]);
  });

  test("for any account, every order exactly undoes one leg", () => {
    const amount = fc
      .tuple(fc.boolean(), fc.bigInt({ min: 1n, max: 10n ** 18n }), fc.integer({ min: 0, max: 12 }))
      .map(
        ([short, units, places]) =>
          `${short ? "-" : ""}${plain(decimal(units.toString()).div(decimal(`1${"0".repeat(places)}`)))}`,
      );
    const leg = fc
      .tuple(fc.constantFrom("BTCUSDT", "ETHUSDT", "SOLUSDT"), amount)
      .map(([symbol, text]) => aPosition(symbol, text));
    fc.assert(
      fc.property(fc.uniqueArray(leg, { selector: ({ symbol }) => symbol }), (positions: readonly Position[]) => {
        const orders = plan(EVENT, positions);
        expect(orders).toHaveLength(positions.length);
        for (const { symbol, side, quantity } of orders) {
          const open = positions.find((position) => position.symbol === symbol);
          const signed = side === "BUY" ? quantity : quantity.times("-1");
          expect(open?.amount.plus(signed).eq("0")).toBe(true);
          expect(quantity.gt("0")).toBe(true);
        }
      }),
    );
  });
});

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { cancelName, cancelsFor, ordersTaken } from "../../src/core/cancel-plan.ts";
import type { PositionSide, RestingOrder } from "../../src/core/position.ts";
import { aRestingOrder } from "../support/core.ts";

const stop = (symbol: string, orderId: string, positionSide: PositionSide = "BOTH"): RestingOrder => ({
  ...aRestingOrder(symbol, "algo", orderId),
  positionSide,
  closesPosition: true,
});

describe("cancelsFor()", () => {
  const rows: readonly (readonly [
    fact: string,
    resting: readonly RestingOrder[],
    guarded: readonly string[],
    expected: readonly string[],
  ])[] = [
    ["nothing rests, nothing is cancelled", [], ["A"], []],
    ["one request takes all of a family", [aRestingOrder("A"), aRestingOrder("A", "regular", "2")], [], ["A/regular"]],
    ["each family has its own request", [aRestingOrder("A"), aRestingOrder("A", "algo")], [], ["A/regular", "A/algo"]],
    ["a guarded leg keeps its stop", [stop("A", "1")], ["A"], []],
    ["a flat leg does not", [stop("A", "1")], ["B"], ["A/algo"]],
    [
      "beside a stop that stays, the others go one by one",
      [stop("A", "1"), aRestingOrder("A", "algo", "2")],
      ["A"],
      ["A/algo/2"],
    ],
    ["a stop guards its own side only", [stop("A", "1", "LONG"), stop("A", "2", "SHORT")], ["A:LONG"], ["A/algo/2"]],
    ["an order that only reduces is no protective stop", [aRestingOrder("A", "algo", "2")], ["A"], ["A/algo"]],
  ];
  test.each(rows)("%s", (_fact, resting, guarded, expected) => {
    expect(cancelsFor(resting, new Set(guarded)).map(cancelName)).toEqual([...expected]);
  });

  test("for any orders, every one but the guarding stops is taken, and no guarding stop is", () => {
    const order = fc.record({
      symbol: fc.constantFrom("A", "B", "C"),
      family: fc.constantFrom("regular" as const, "algo" as const),
      positionSide: fc.constantFrom("BOTH" as const, "LONG" as const),
      closesPosition: fc.boolean(),
    });
    const legs = fc.subarray(["A", "B:LONG", "C"]);
    fc.assert(
      fc.property(fc.array(order), legs, (shapes, guarded) => {
        const resting = shapes.map((shape, i): RestingOrder => ({ ...shape, orderId: `${i}` }));
        const requests = cancelsFor(resting, new Set(guarded));
        for (const one of resting) {
          const taken = requests.some((request) => ordersTaken(request, [one]) > 0);
          const leg = one.positionSide === "BOTH" ? one.symbol : `${one.symbol}:${one.positionSide}`;
          expect(taken).toBe(!(one.closesPosition && guarded.includes(leg)));
        }
        expect(new Set(requests.map(cancelName)).size).toBe(requests.length);
      }),
    );
  });
});

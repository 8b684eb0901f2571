import { describe, expect, test } from "bun:test";
import { decimal, plain } from "../../src/core/decimal.ts";
import type { RestingOrder } from "../../src/core/position.ts";
import { known } from "../../src/core/reading.ts";
import { type Rehearsal, rehearse, type Scene } from "../../src/core/rehearsal.ts";
import { aPosition, aRestingOrder, at } from "../support/core.ts";

const lot = { min: decimal("0.001"), max: decimal("120"), step: decimal("0.001") };

function rehearsed(changes: Partial<Scene>): Rehearsal {
  const scene: Scene = { positions: [], resting: [], mode: known("one_way"), rulebook: new Map(), budget: [] };
  return rehearse({ ...scene, ...changes }, at(0));
}

describe("rehearse()", () => {
  test("shows each leg as it would be sent: largest first, split exactly, dust left", () => {
    const positions = [aPosition("ETHUSDT", "-1", "2000"), aPosition("BTCUSDT", "300.0004", "50000")];
    const { legs, orders } = rehearsed({ positions, rulebook: new Map([["BTCUSDT", { lot, band: null }]]) });
    expect(legs.map(({ leg }) => leg.symbol)).toEqual(["BTCUSDT", "ETHUSDT"]);
    expect(legs[0]?.orders.map(({ quantity }) => plain(quantity))).toEqual(["120", "120", "60"]);
    expect(legs.map(({ left }) => plain(left))).toEqual(["0.0004", "0"]);
    expect(orders).toBe(4);
  });

  test("tells cancels before the closes from protective stops after them", () => {
    const stop: RestingOrder = { ...aRestingOrder("BTCUSDT", "algo", "9"), closesPosition: true };
    const { cancels, last, legs } = rehearsed({
      positions: [aPosition("BTCUSDT", "1"), aPosition("ETHUSDT", "1")],
      resting: [stop, aRestingOrder("ETHUSDT")],
    });
    expect(cancels).toEqual([{ symbol: "ETHUSDT", family: "regular", orderId: null }]);
    expect(last).toEqual([stop]);
    expect(legs.map(({ leg, waits }) => [leg.symbol, waits])).toEqual([
      ["BTCUSDT", false],
      ["ETHUSDT", true],
    ]);
  });

  test("a leg that is all dust comes last and has no order", () => {
    const positions = [aPosition("BTCUSDT", "0.0004"), aPosition("ETHUSDT", "1", "1")];
    const { legs } = rehearsed({ positions, rulebook: new Map([["BTCUSDT", { lot, band: null }]]) });
    expect(legs.map(({ leg, orders }) => [leg.symbol, orders.length])).toEqual([
      ["ETHUSDT", 1],
      ["BTCUSDT", 0],
    ]);
  });

  test("says how many orders the account's limit leaves room for", () => {
    const budget = [{ limit: 300, used: 299, endsAt: at(5_000), lengthMs: 10_000 }];
    expect(rehearsed({ positions: [aPosition("A", "1"), aPosition("B", "1")], budget })).toMatchObject({
      orders: 2,
      ordersLeft: 1,
    });
  });
});

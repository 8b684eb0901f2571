import { expect, test } from "bun:test";
import { decimal, plain } from "../../src/core/decimal.ts";
import type { CloseOrder } from "../../src/core/position.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { simulatedExchange } from "../../src/sim/exchange.ts";
import { all } from "../support/core.ts";
import { held, NOW, order, stop, venueOf } from "./scene.ts";

function close(changes: Partial<CloseOrder> = {}): CloseOrder {
  return {
    symbol: "BTCUSDT",
    positionSide: "BOTH",
    side: "SELL",
    quantity: decimal("0.01"),
    mode: "one_way",
    limitPrice: null,
    clientOrderId: "close-1",
    ...changes,
  };
}

test("open legs are known, empty ones are not among them", async () => {
  const venue = venueOf();
  const exchange = simulatedExchange(venue, "one-way");
  expect(await exchange.positions()).toEqual({ known: true, value: [] });
  venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "-0.01", entryPrice: "80000" });
  const reading = await exchange.positions();
  if (!reading.known) throw new Error(reading.why);
  const [leg] = reading.value;
  expect(leg).toMatchObject({ symbol: "BTCUSDT", positionSide: "BOTH" });
  expect([leg?.amount, leg?.markPrice, leg?.unrealizedPnl].map((value) => plain(value ?? decimal("0")))).toEqual([
    "-0.01",
    "88000",
    "-80",
  ]);
});

test("both families of resting orders are listed, and each is cancelled by its own call", async () => {
  const venue = venueOf();
  const exchange = simulatedExchange(venue, "one-way");
  const limit = venue.place("one-way", order({ side: "BUY", quantity: "0.01", price: "87000" }));
  const algo = venue.placeAlgo("one-way", stop({}));
  const plainLeg = { positionSide: "BOTH", closesPosition: false } as const;
  const regularRow = { symbol: "BTCUSDT", family: "regular", orderId: limit.orderId, ...plainLeg } as const;
  const algoRow = { symbol: "BTCUSDT", family: "algo", orderId: algo.algoId, ...plainLeg } as const;
  expect(await exchange.restingOrders()).toEqual({ known: true, value: [regularRow, algoRow] });
  expect(await exchange.cancel(all("BTCUSDT", "regular"))).toEqual({ kind: "cancelled" });
  expect(await exchange.restingOrders()).toEqual({ known: true, value: [algoRow] });
  expect(await exchange.cancel(all("BTCUSDT", "algo"))).toEqual({ kind: "cancelled" });
  expect(await exchange.cancel(all("BTCUSDT", "algo"))).toEqual({ kind: "cancelled" });
  expect(await exchange.restingOrders()).toEqual({ known: true, value: [] });
  expect(await exchange.cancel(all("NOPE", "regular"))).toMatchObject({ kind: "failed" });
});

test("a close is executed once and then refused", async () => {
  const venue = venueOf();
  venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.01" });
  const exchange = simulatedExchange(venue, "one-way");
  const first = await exchange.close(close());
  expect(first).toMatchObject({ kind: "executed" });
  expect(first.kind === "executed" && plain(first.executed)).toBe("0.01");
  expect(await exchange.close(close())).toEqual({
    kind: "refused",
    cause: "blocked",
    code: -2022,
    why: "Cannot close BTCUSDT: -2022 ReduceOnly Order is rejected.",
  });
  expect(held(venue)).toEqual([]);
});

test("a close in hedge mode takes its leg alone", async () => {
  const venue = venueOf();
  venue.openPosition("hedge", { symbol: "BTCUSDT", positionSide: "LONG", amount: "0.01" });
  venue.openPosition("hedge", { symbol: "BTCUSDT", positionSide: "SHORT", amount: "-0.01" });
  const exchange = simulatedExchange(venue, "hedge");
  expect(await exchange.close(close({ side: "BUY", positionSide: "SHORT", mode: "hedge" }))).toMatchObject({
    kind: "executed",
  });
  expect(held(venue, "hedge")).toEqual(["BTCUSDT LONG 0.01"]);
});

test("the last fill of the symbols asked for is the newest at or after the moment given", async () => {
  let now = NOW;
  const venue = venueOf({ now: () => now });
  const exchange = simulatedExchange(venue, "one-way");
  venue.place("one-way", order({ side: "BUY", quantity: "0.01" }));
  now = (NOW + 700) as UnixMillis;
  venue.place("one-way", order({ symbol: "ETHUSDT", side: "BUY", quantity: "1" }));
  const at = async (symbols: readonly string[], since: number) =>
    await exchange.lastFillAt(symbols, since as UnixMillis);
  expect(await at(["BTCUSDT", "ETHUSDT"], NOW)).toEqual({ known: true, value: now });
  expect(await at(["BTCUSDT"], NOW)).toEqual({ known: true, value: NOW });
  expect(await at(["BTCUSDT"], NOW + 1)).toEqual({ known: true, value: null });
  expect(await at(["SOLUSDT"], NOW)).toEqual({ known: true, value: null });
});

test("warming costs nothing", async () => {
  expect(await simulatedExchange(venueOf(), "one-way").warm(5)).toEqual({ known: true, value: 0 });
});

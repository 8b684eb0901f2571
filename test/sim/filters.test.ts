import { expect, test } from "bun:test";
import { held, order, refusalOf, venueOf } from "./scene.ts";

/** BTCUSDT: step 0.001, market 0.001…120, limit …1000, tick 0.10, band ±5 % of 88000, least notional 50. */
test.each([
  ["the smallest quantity worth enough", { quantity: "0.001" }, null],
  ["the largest market quantity", { quantity: "120" }, null],
  ["zero", { quantity: "0" }, -4003],
  ["more digits than the contract has", { quantity: "0.0015" }, -1111],
  ["trailing zeros are no digits", { quantity: "0.00200" }, null],
  ["a market order above MARKET_LOT_SIZE", { quantity: "120.001" }, -4005],
  ["a limit order above MARKET_LOT_SIZE but within LOT_SIZE", { quantity: "120.001", price: "88000" }, null],
  ["a limit order above LOT_SIZE", { quantity: "1000.001", price: "88000" }, -4005],
  ["a contract of whole units, a fraction", { symbol: "币安人生USDT", quantity: "100.5" }, -1111],
  ["less than the least notional", { symbol: "ETHUSDT", quantity: "0.006" }, -4164],
  ["exactly enough notional", { symbol: "SOLUSDT", quantity: "0.04" }, null],
  ["a limit order's own price counts for its notional", { symbol: "ETHUSDT", quantity: "0.007", price: "2800" }, -4164],
  ["a price of zero", { quantity: "0.01", price: "0" }, -4001],
  ["a price between ticks", { quantity: "0.01", price: "88000.05" }, -4014],
  ["a price with too many digits", { quantity: "0.01", price: "88000.001" }, -1111],
  ["a price below the least", { quantity: "0.1", price: "556.70" }, -4013],
  ["a price above the most", { quantity: "0.01", price: "4529764.1" }, -4002],
  ["a buy at the band's edge", { quantity: "0.01", price: "92400" }, null],
  ["a buy above the band", { quantity: "0.01", price: "92400.1" }, -4016],
  ["a buy far below the mark", { quantity: "0.01", price: "50000" }, null],
  ["an unlisted symbol", { symbol: "DOGEUSDT", quantity: "1" }, -1121],
] as const)("%s", (_, words, code) => {
  expect(refusalOf(() => venueOf().test("one-way", order({ side: "BUY", ...words })))).toBe(code);
});

test.each([
  ["at the band's edge", "83600", null],
  ["below the band", "83599.9", -4024],
  ["far above the mark", "200000", null],
])("a sell %s", (_, price, code) => {
  expect(refusalOf(() => venueOf().test("one-way", order({ side: "SELL", quantity: "0.01", price })))).toBe(code);
});

test("a step that is no power of ten refuses what lies between with -4023", () => {
  const [btc] = venueOf().symbols();
  if (btc === undefined) throw new Error("no symbols");
  const venue = venueOf({ symbols: [{ ...btc, marketLot: { min: "0.005", max: "120", step: "0.005" } }] });
  expect(refusalOf(() => venue.test("one-way", order({ side: "BUY", quantity: "0.012" })))).toBe(-4023);
  expect(refusalOf(() => venue.test("one-way", order({ side: "BUY", quantity: "0.015" })))).toBeNull();
  expect(refusalOf(() => venue.test("one-way", order({ side: "BUY", quantity: "0.001" })))).toBe(-4004);
});

test("a reduce-only order is exempt from the least notional", () => {
  const venue = venueOf();
  venue.openPosition("one-way", { symbol: "ETHUSDT", amount: "0.001" });
  venue.place("one-way", order({ symbol: "ETHUSDT", side: "SELL", quantity: "0.001", reduceOnly: true }));
  expect(held(venue)).toEqual([]);
});

test.each([
  [true, null],
  [false, -4164],
])("whether a hedge close is exempt is a switch: %p", (hedgeCloseNotionalExempt, code) => {
  const venue = venueOf({ hedgeCloseNotionalExempt });
  venue.openPosition("hedge", { symbol: "ETHUSDT", positionSide: "LONG", amount: "0.001" });
  const close = order({ symbol: "ETHUSDT", side: "SELL", positionSide: "LONG", quantity: "0.001" });
  expect(refusalOf(() => venue.test("hedge", close))).toBe(code);
});

test.each([
  ["SETTLING", -4140, null],
  ["CLOSE", -4141, -4141],
] as const)("a contract that is %s takes no opening order", (status, opening, closing) => {
  const [btc] = venueOf().symbols();
  if (btc === undefined) throw new Error("no symbols");
  const venue = venueOf({ symbols: [{ ...btc, status }] });
  venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "1" });
  expect(refusalOf(() => venue.test("one-way", order({ side: "BUY", quantity: "1" })))).toBe(opening);
  expect(refusalOf(() => venue.test("one-way", order({ side: "SELL", quantity: "1", reduceOnly: true })))).toBe(
    closing,
  );
});

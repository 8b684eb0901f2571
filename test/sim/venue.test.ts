import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decimal, plain, sum, ZERO } from "../../src/core/decimal.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { manySymbols } from "../../src/sim/symbols.ts";
import { held, NOW, order, refusalOf, stop, venueOf } from "./scene.ts";

describe("market orders", () => {
  test("fill at the mark, at once and whole", () => {
    const venue = venueOf();
    venue.setMark("BTCUSDT", "90000.5");
    const placed = venue.place("one-way", order({ side: "BUY", quantity: "0.01" }));
    expect(placed.status).toBe("FILLED");
    expect(venue.fills("one-way")).toMatchObject([{ orderId: placed.orderId, side: "BUY", maker: false, time: NOW }]);
    expect(plain(venue.fills("one-way")[0]?.price ?? ZERO)).toBe("90000.5");
    expect(held(venue)).toEqual(["BTCUSDT BOTH 0.01"]);
  });

  test("without reduceOnly turn a position around", () => {
    const venue = venueOf();
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.01" });
    venue.place("one-way", order({ side: "SELL", quantity: "0.03" }));
    expect(held(venue)).toEqual(["BTCUSDT BOTH -0.02"]);
  });

  test("book what they earn, less the fee", () => {
    const venue = venueOf();
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.01", entryPrice: "80000" });
    venue.place("one-way", order({ side: "SELL", quantity: "0.01", reduceOnly: true }));
    expect(plain(venue.walletBalance("one-way", "USDT"))).toBe("100079.56");
    expect(plain(venue.walletBalance("one-way", "USDC"))).toBe("100000");
  });

  test("of one account leave the others alone", () => {
    const venue = venueOf();
    venue.place("one-way", order({ side: "BUY", quantity: "0.01" }));
    expect(held(venue, "hedge")).toEqual([]);
    expect(venue.fills("hedge")).toEqual([]);
  });
});

describe("reduce-only orders", () => {
  test.each([
    ["a long is closed by a sell", "0.01", "SELL", null],
    ["a short is closed by a buy", "-0.01", "BUY", null],
    ["a long is not closed by a buy", "0.01", "BUY", -2022],
    ["a short is not closed by a sell", "-0.01", "SELL", -2022],
    ["a flat account has nothing to sell", "0", "SELL", -2022],
    ["a flat account has nothing to buy back", "0", "BUY", -2022],
  ] as const)("%s", (_, amount, side, code) => {
    const venue = venueOf();
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount });
    const close = () => venue.place("one-way", order({ side, quantity: "0.01", reduceOnly: true }));
    expect(refusalOf(close)).toBe(code);
    expect(held(venue)).toEqual(code === null || amount === "0" ? [] : [`BTCUSDT BOTH ${amount}`]);
  });

  test("larger than the position are clipped: the position goes, the rest expires", () => {
    const venue = venueOf();
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.01" });
    const placed = venue.place("one-way", order({ side: "SELL", quantity: "0.05", reduceOnly: true }));
    expect([placed.status, plain(placed.executed), plain(placed.quantity)]).toEqual(["EXPIRED", "0.01", "0.05"]);
    expect(held(venue)).toEqual([]);
  });

  test("larger than the position are refused with -2022 where the switch says so", () => {
    const venue = venueOf({ oversizedReduce: "refuse" });
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.01" });
    const close = () => venue.place("one-way", order({ side: "SELL", quantity: "0.05", reduceOnly: true }));
    expect(refusalOf(close)).toBe(-2022);
    expect(held(venue)).toEqual(["BTCUSDT BOTH 0.01"]);
  });

  test("twice in a row close once: the second is refused, nothing is opened", () => {
    const venue = venueOf();
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.01" });
    const close = () => venue.place("one-way", order({ side: "SELL", quantity: "0.01", reduceOnly: true }));
    close();
    expect(refusalOf(close)).toBe(-2022);
    expect(held(venue)).toEqual([]);
  });

  test("that rest expire when the position is gone", () => {
    const venue = venueOf({ refuseBehindReduceOnly: false });
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.01" });
    const resting = venue.place("one-way", order({ side: "SELL", quantity: "0.01", price: "90000", reduceOnly: true }));
    venue.place("one-way", order({ side: "SELL", quantity: "0.01", reduceOnly: true }));
    expect(venue.order("one-way", "BTCUSDT", resting)?.status).toBe("EXPIRED");
    expect(venue.openOrders("one-way")).toEqual([]);
  });
});

describe("a market order behind resting reduce-only orders", () => {
  const close = order({ side: "SELL", quantity: "0.01", reduceOnly: true });
  const takeProfit = order({ side: "SELL", quantity: "0.01", price: "90000", reduceOnly: true });

  function venueWithLong(refuseBehindReduceOnly: boolean) {
    const venue = venueOf({ refuseBehindReduceOnly });
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.01" });
    return venue;
  }

  test("that cover the position is refused with -4118 until they are cancelled", () => {
    const venue = venueWithLong(true);
    venue.place("one-way", takeProfit);
    expect(refusalOf(() => venue.place("one-way", close))).toBe(-4118);
    venue.cancelAll("one-way", "BTCUSDT");
    expect(venue.place("one-way", close).status).toBe("FILLED");
  });

  test("is refused behind a conditional one too, and cancelAll does not help: cancelAllAlgo does", () => {
    const venue = venueWithLong(true);
    venue.placeAlgo("one-way", stop({ reduceOnly: true }));
    venue.cancelAll("one-way", "BTCUSDT");
    expect(refusalOf(() => venue.place("one-way", close))).toBe(-4118);
    venue.cancelAllAlgo("one-way", "BTCUSDT");
    expect(refusalOf(() => venue.place("one-way", close))).toBeNull();
  });

  test("is not held up by a closePosition stop, which holds no quantity before it triggers", () => {
    const venue = venueWithLong(true);
    venue.placeAlgo("one-way", stop({ quantity: null, closePosition: true }));
    expect(venue.place("one-way", close).status).toBe("FILLED");
  });

  test("is refused behind a closePosition stop of any size where the switch says so", () => {
    const venue = venueOf({ closePositionBlocks: true });
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.01" });
    venue.placeAlgo("one-way", stop({ quantity: null, closePosition: true }));
    expect(refusalOf(() => venue.place("one-way", close))).toBe(-4118);
  });

  test("that cover only part of it goes through", () => {
    const venue = venueWithLong(true);
    venue.place("one-way", { ...takeProfit, quantity: decimal("0.004") });
    expect(venue.place("one-way", close).status).toBe("FILLED");
    expect(venue.openOrders("one-way")).toEqual([]);
  });

  test("on the other side, or that may open, goes through", () => {
    const venue = venueWithLong(true);
    venue.place("one-way", order({ side: "BUY", quantity: "0.01", price: "80000" }));
    venue.place("one-way", order({ side: "SELL", quantity: "0.01", price: "90000" }));
    expect(venue.place("one-way", close).status).toBe("FILLED");
  });

  test("is refused with -2022 in hedge mode, behind an order that never said reduceOnly", () => {
    const venue = venueOf();
    venue.openPosition("hedge", { symbol: "BTCUSDT", positionSide: "LONG", amount: "0.01" });
    const leg = { side: "SELL", positionSide: "LONG", quantity: "0.01" } as const;
    venue.place("hedge", order({ ...leg, price: "90000" }));
    expect(refusalOf(() => venue.place("hedge", order(leg)))).toBe(-2022);
    venue.cancelAll("hedge", "BTCUSDT");
    expect(venue.place("hedge", order(leg)).status).toBe("FILLED");
  });

  test("a limit IOC is refused behind a waiting stop like a market order", () => {
    const venue = venueWithLong(true);
    venue.placeAlgo("one-way", stop({ reduceOnly: true }));
    const ioc = order({ side: "SELL", quantity: "0.01", price: "87000", timeInForce: "IOC", reduceOnly: true });
    expect(refusalOf(() => venue.place("one-way", ioc))).toBe(-4118);
  });

  test("goes through where the switch says so", () => {
    const venue = venueWithLong(false);
    venue.place("one-way", takeProfit);
    expect(venue.place("one-way", close).status).toBe("FILLED");
  });

  test("a take-profit may be placed beside a waiting stop", () => {
    const venue = venueWithLong(true);
    venue.placeAlgo("one-way", stop({ reduceOnly: true }));
    expect(venue.place("one-way", takeProfit).status).toBe("NEW");
  });
});

describe("hedge mode", () => {
  test.each([
    ["SELL", "LONG", ["BTCUSDT SHORT -0.02"]],
    ["BUY", "SHORT", ["BTCUSDT LONG 0.02"]],
  ] as const)("%s+%s closes that leg alone", (side, positionSide, left) => {
    const venue = venueOf();
    venue.openPosition("hedge", { symbol: "BTCUSDT", positionSide: "LONG", amount: "0.02" });
    venue.openPosition("hedge", { symbol: "BTCUSDT", positionSide: "SHORT", amount: "-0.02" });
    const placed = venue.place("hedge", order({ side, positionSide, quantity: "0.02" }));
    expect(placed.reduceOnly).toBe(true);
    expect(held(venue, "hedge")).toEqual(left);
  });

  test.each([
    ["BUY", "LONG", "BTCUSDT LONG 0.02"],
    ["SELL", "SHORT", "BTCUSDT SHORT -0.02"],
  ] as const)("%s+%s opens", (side, positionSide, now) => {
    const venue = venueOf();
    venue.place("hedge", order({ side, positionSide, quantity: "0.02" }));
    expect(held(venue, "hedge")).toEqual([now]);
  });

  test.each([
    ["closing an empty leg", "hedge", { side: "SELL", positionSide: "LONG" }, -2022],
    ["no leg named", "hedge", { side: "SELL" }, -4061],
    ["reduceOnly=true", "hedge", { side: "SELL", positionSide: "LONG", reduceOnly: true }, -1106],
    ["reduceOnly=false", "hedge", { side: "BUY", positionSide: "LONG", reduceOnly: false }, -1106],
    ["a leg named in one-way mode", "one-way", { side: "SELL", positionSide: "LONG" }, -4061],
  ] as const)("%s is refused", (_, apiKey, words, code) => {
    expect(refusalOf(() => venueOf().place(apiKey, order({ quantity: "0.02", ...words })))).toBe(code);
  });

  test("a close larger than its leg never opens the other one", () => {
    const venue = venueOf();
    venue.openPosition("hedge", { symbol: "BTCUSDT", positionSide: "LONG", amount: "0.02" });
    venue.place("hedge", order({ side: "SELL", positionSide: "LONG", quantity: "0.05" }));
    expect(held(venue, "hedge")).toEqual([]);
  });
});

describe("limit orders", () => {
  test.each([
    ["GTC below the mark rests", { price: "87000" }, "NEW"],
    ["GTC at the mark fills", { price: "88000" }, "FILLED"],
    ["IOC below the mark expires", { price: "87000", timeInForce: "IOC" }, "EXPIRED"],
    ["IOC above the mark fills", { price: "88100", timeInForce: "IOC" }, "FILLED"],
    ["FOK above the mark fills", { price: "88100", timeInForce: "FOK" }, "FILLED"],
    ["GTX below the mark rests", { price: "87000", timeInForce: "GTX" }, "NEW"],
  ] as const)("a buy that is %s", (_, words, status) => {
    const venue = venueOf();
    expect(venue.place("one-way", order({ side: "BUY", quantity: "0.01", ...words })).status).toBe(status);
    expect(venue.openOrders("one-way")).toHaveLength(status === "NEW" ? 1 : 0);
  });

  test.each([
    ["FOK that cannot fill", { price: "87000", timeInForce: "FOK" }, -5021],
    ["GTX that would take", { price: "88000", timeInForce: "GTX" }, -5022],
  ] as const)("%s is refused", (_, words, code) => {
    expect(refusalOf(() => venueOf().place("one-way", order({ side: "BUY", quantity: "0.01", ...words })))).toBe(code);
  });

  test("that rest fill at their price when the mark reaches it, and re-open a closed position", () => {
    const venue = venueOf();
    venue.place("one-way", order({ side: "BUY", quantity: "0.01", price: "87000" }));
    venue.setMark("BTCUSDT", "87000.1");
    expect(held(venue)).toEqual([]);
    venue.setMark("BTCUSDT", "86500");
    expect(held(venue)).toEqual(["BTCUSDT BOTH 0.01"]);
    expect(venue.fills("one-way")).toMatchObject([{ maker: true }]);
    expect(plain(venue.fills("one-way")[0]?.price ?? ZERO)).toBe("87000");
  });

  test("are cancelled one by one or all of a symbol; twice is -2011", () => {
    const venue = venueOf();
    const [first] = ["87000", "86000"].map((price) =>
      venue.place("one-way", order({ side: "BUY", quantity: "0.01", price })),
    );
    if (first === undefined) throw new Error("nothing placed");
    venue.place("one-way", order({ symbol: "ETHUSDT", side: "BUY", quantity: "1", price: "2800" }));
    expect(venue.cancel("one-way", "BTCUSDT", first).status).toBe("CANCELED");
    expect(refusalOf(() => venue.cancel("one-way", "BTCUSDT", first))).toBe(-2011);
    venue.cancelAll("one-way", "BTCUSDT");
    expect(venue.openOrders("one-way").map((left) => left.symbol)).toEqual(["ETHUSDT"]);
  });

  test.each([
    // The mark is 88000, the band 83600 to 92400.
    ["crossing", "87000", false, "FILLED", "88000"],
    ["at the floor of the band", "83600", false, "FILLED", "88000"],
    ["that does not cross", "88000.1", false, "EXPIRED", null],
    ["crossing, without a counterparty in the band", "87000", true, "FILLED", "87000"],
    ["that does not cross, without a counterparty in the band", "88000.1", true, "EXPIRED", null],
  ] as const)("an IOC close %s, at %s (blocked: %p) is %s at %p", (_, price, blocked, status, fillPrice) => {
    const ioc = { side: "SELL", quantity: "0.01", price, timeInForce: "IOC" } as const;
    for (const [apiKey, words] of [
      ["one-way", { reduceOnly: true }],
      ["hedge", { positionSide: "LONG" }],
    ] as const) {
      const venue = venueOf();
      const positionSide = apiKey === "hedge" ? "LONG" : "BOTH";
      venue.openPosition(apiKey, { symbol: "BTCUSDT", amount: "0.01", positionSide });
      venue.setMarketBlocked("BTCUSDT", blocked);
      const placed = venue.place(apiKey, order({ ...ioc, ...words }));
      expect([placed.status, placed.reduceOnly]).toEqual([status, true]);
      expect(venue.fills(apiKey).map((fill) => plain(fill.price))).toEqual(fillPrice === null ? [] : [fillPrice]);
      expect(venue.openOrders(apiKey)).toEqual([]);
    }
  });

  test.each([
    ["below the floor of the band", "SELL", "83599.9", -4024],
    ["above the cap of the band", "BUY", "92400.1", -4016],
    ["between two ticks", "SELL", "87000.05", -4014],
    ["for more than the position, where that is refused", "SELL", "87000", -2022],
  ] as const)("an IOC close %s is refused", (_, side, price, code) => {
    const venue = venueOf({ oversizedReduce: "refuse" });
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: side === "SELL" ? "0.01" : "-0.01" });
    const quantity = code === -2022 ? "0.02" : "0.01";
    const ioc = order({ side, quantity, price, timeInForce: "IOC", reduceOnly: true });
    expect(refusalOf(() => venue.place("one-way", ioc))).toBe(code);
  });

  test("stop at MAX_NUM_ORDERS", () => {
    const venue = venueOf();
    const place = () => venue.place("one-way", order({ side: "BUY", quantity: "0.01", price: "87000" }));
    for (let count = 0; count < 200; count += 1) place();
    expect(refusalOf(place)).toBe(-2025);
  });
});

describe("client order ids", () => {
  const resting = order({ side: "BUY", quantity: "0.01", price: "87000", clientOrderId: "mine" });

  test("are unique among open orders", () => {
    const venue = venueOf();
    venue.place("one-way", resting);
    expect(
      refusalOf(() => venue.place("one-way", order({ side: "BUY", quantity: "0.01", clientOrderId: "mine" }))),
    ).toBe(-4116);
    expect(refusalOf(() => venue.place("hedge", { ...resting, positionSide: "LONG" }))).toBeNull();
  });

  test("may be used again once the order is closed; a query finds the newer one", () => {
    const venue = venueOf();
    venue.place("one-way", order({ side: "BUY", quantity: "0.01", clientOrderId: "mine" }));
    const second = venue.place("one-way", order({ side: "BUY", quantity: "0.02", clientOrderId: "mine" }));
    expect(venue.order("one-way", "BTCUSDT", { clientOrderId: "mine" })?.orderId).toBe(second.orderId);
  });

  test.each([["a".repeat(37)], ["with space"], ["ümlaut"]])("%p is refused with -4015", (clientOrderId) => {
    expect(refusalOf(() => venueOf().place("one-way", { ...resting, clientOrderId }))).toBe(-4015);
  });

  test("order ids repeat between symbols and each query names its own", () => {
    const venue = venueOf();
    const btc = venue.place("one-way", order({ side: "BUY", quantity: "0.01" }));
    const sol = venue.place("one-way", order({ symbol: "SOLUSDT", side: "BUY", quantity: "1" }));
    expect(btc.orderId).toBe(sol.orderId);
    expect(venue.order("one-way", "SOLUSDT", sol)?.symbol).toBe("SOLUSDT");
  });
});

describe("conditional orders", () => {
  test.each([
    // type, side, trigger, does not fire at, fires at
    ["STOP_MARKET", "SELL", "87000", "87000.1", "87000"],
    ["STOP_MARKET", "BUY", "89000", "88999.9", "89000"],
    ["TAKE_PROFIT_MARKET", "SELL", "89000", "88999.9", "89000"],
    ["TAKE_PROFIT_MARKET", "BUY", "87000", "87000.1", "87000"],
  ] as const)("a %s %s at %s waits at %s and fires at %s", (type, side, trigger, waits, fires) => {
    const venue = venueOf();
    const { algoId } = venue.placeAlgo("one-way", stop({ type, side, triggerPrice: decimal(trigger) }));
    venue.setMark("BTCUSDT", waits);
    expect(venue.openAlgoOrders("one-way")).toHaveLength(1);
    venue.setMark("BTCUSDT", fires);
    expect(venue.algoOrder("one-way", { algoId })?.status).toBe("FINISHED");
    expect(held(venue)).toEqual([`BTCUSDT BOTH ${side === "BUY" ? "0.01" : "-0.01"}`]);
  });

  test("that are not reduce-only re-open a position after the exit", () => {
    const venue = venueOf();
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.01" });
    venue.placeAlgo("one-way", stop({ side: "BUY", triggerPrice: decimal("89000") }));
    venue.place("one-way", order({ side: "SELL", quantity: "0.01", reduceOnly: true }));
    venue.cancelAll("one-way", "BTCUSDT");
    venue.setMark("BTCUSDT", "89000");
    expect(held(venue)).toEqual(["BTCUSDT BOTH 0.01"]);
  });

  test("with closePosition take the whole leg, and expire with it", () => {
    const venue = venueOf({ refuseBehindReduceOnly: false });
    const { algoId } = venue.placeAlgo("one-way", stop({ quantity: null, closePosition: true }));
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.03" });
    venue.setMark("BTCUSDT", "86000");
    expect(held(venue)).toEqual([]);
    expect(venue.algoOrder("one-way", { algoId })?.status).toBe("FINISHED");

    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.03" });
    const second = venue.placeAlgo(
      "one-way",
      stop({ quantity: null, closePosition: true, triggerPrice: decimal("80000") }),
    );
    venue.place("one-way", order({ side: "SELL", quantity: "0.03", reduceOnly: true }));
    expect(venue.algoOrder("one-way", second)?.status).toBe("EXPIRED");
  });

  test("with closePosition wait on when their leg is empty, where the switch says so", () => {
    const venue = venueOf({ protectiveStopsExpire: false });
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.01" });
    const waiting = venue.placeAlgo("one-way", stop({ quantity: null, closePosition: true }));
    venue.place("one-way", order({ side: "SELL", quantity: "0.01", reduceOnly: true }));
    expect(venue.openAlgoOrders("one-way")).toHaveLength(1);
    venue.setMark("BTCUSDT", "86000");
    expect(venue.algoOrder("one-way", waiting)?.status).toBe("REJECTED");
    expect(held(venue)).toEqual([]);
  });

  test("that fire without a counterparty in the price band are rejected", () => {
    const venue = venueOf();
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.01" });
    const waiting = venue.placeAlgo("one-way", stop({ quantity: null, closePosition: true }));
    venue.setMarketBlocked("BTCUSDT", true);
    venue.setMark("BTCUSDT", "86000");
    expect(venue.algoOrder("one-way", waiting)?.status).toBe("REJECTED");
    expect(held(venue)).toEqual(["BTCUSDT BOTH 0.01"]);
  });

  test("that are reduce-only stay when the position is gone, and are rejected when they fire", () => {
    const venue = venueOf({ refuseBehindReduceOnly: false });
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.01" });
    const waiting = venue.placeAlgo("one-way", stop({ reduceOnly: true }));
    venue.place("one-way", order({ side: "SELL", quantity: "0.01", reduceOnly: true }));
    expect(venue.openAlgoOrders("one-way")).toHaveLength(1);
    venue.setMark("BTCUSDT", "86000");
    expect(venue.algoOrder("one-way", waiting)?.status).toBe("REJECTED");
    expect(held(venue)).toEqual([]);
  });

  test("that trail fire when the mark falls back from its best", () => {
    const venue = venueOf();
    const request = stop({
      type: "TRAILING_STOP_MARKET",
      triggerPrice: null,
      callbackRate: decimal("1"),
      activatePrice: decimal("90000"),
    });
    venue.placeAlgo("one-way", request);
    for (const mark of ["80000", "90000", "100000", "99001"]) venue.setMark("BTCUSDT", mark);
    expect(venue.openAlgoOrders("one-way")).toHaveLength(1);
    venue.setMark("BTCUSDT", "99000");
    expect(held(venue)).toEqual(["BTCUSDT BOTH -0.01"]);
  });

  test.each([
    ["already crossed", { triggerPrice: decimal("88000") }, -2021],
    ["closePosition with a quantity", { closePosition: true }, -4137],
    ["closePosition with reduceOnly", { closePosition: true, quantity: null, reduceOnly: true }, -1106],
    ["no quantity", { quantity: null }, -1102],
    ["an unlisted symbol", { symbol: "DOGEUSDT" }, -1121],
  ] as const)("%s is refused", (_, changes, code) => {
    expect(refusalOf(() => venueOf().placeAlgo("one-way", stop(changes)))).toBe(code);
  });

  test("a regular cancel does not find them", () => {
    const venue = venueOf();
    const { algoId } = venue.placeAlgo("one-way", stop({}));
    expect(refusalOf(() => venue.cancel("one-way", "BTCUSDT", { orderId: algoId }))).toBe(-2011);
    expect(venue.cancelAlgo("one-way", { algoId }).status).toBe("CANCELED");
    expect(refusalOf(() => venue.cancelAlgo("one-way", { algoId }))).toBe(-2011);
  });

  test("of the whole leg are one of a kind, side and leg; a second is refused with -4130", () => {
    const venue = venueOf();
    const whole = { quantity: null, closePosition: true } as const;
    venue.placeAlgo("one-way", stop(whole));
    expect(refusalOf(() => venue.placeAlgo("one-way", stop(whole)))).toBe(-4130);
    expect(refusalOf(() => venue.placeAlgo("one-way", stop({ ...whole, triggerPrice: decimal("89000") })))).toBe(-4130);
    const others: Parameters<typeof stop>[0][] = [
      { ...whole, type: "TAKE_PROFIT_MARKET", triggerPrice: decimal("95000") },
      { ...whole, side: "BUY", triggerPrice: decimal("95000") },
      { ...whole, symbol: "ETHUSDT", triggerPrice: decimal("2000") },
      {},
    ];
    for (const other of others) expect(refusalOf(() => venue.placeAlgo("one-way", stop(other)))).toBeNull();
    for (const positionSide of ["LONG", "SHORT"] as const) {
      const side = positionSide === "LONG" ? "SELL" : "BUY";
      const trigger = { triggerPrice: decimal(side === "SELL" ? "80000" : "95000") };
      const ofLeg = stop({ ...whole, positionSide, side, ...trigger });
      expect(refusalOf(() => venue.placeAlgo("hedge", ofLeg))).toBeNull();
      expect(refusalOf(() => venue.placeAlgo("hedge", ofLeg))).toBe(-4130);
    }
  });

  test("stop at 200 over all symbols", () => {
    const venue = venueOf();
    for (let count = 0; count < 200; count += 1) venue.placeAlgo("one-way", stop({}));
    const one = stop({ symbol: "ETHUSDT", triggerPrice: decimal("2000") });
    expect(refusalOf(() => venue.placeAlgo("one-way", one))).toBe(-4045);
  });
});

describe("setting the scene", () => {
  test.each([
    ["hedge", { symbol: "BTCUSDT", amount: "1" }, "hedge mode"],
    ["one-way", { symbol: "BTCUSDT", positionSide: "LONG", amount: "1" }, "one-way mode"],
    ["hedge", { symbol: "BTCUSDT", positionSide: "SHORT", amount: "1" }, "a short is negative"],
    ["nobody", { symbol: "BTCUSDT", amount: "1" }, "No account"],
    ["one-way", { symbol: "DOGEUSDT", amount: "1" }, "Invalid symbol"],
    ["one-way", { symbol: "BTCUSDT", amount: "1e3" }, "Not a decimal number"],
  ] as const)("a mistake in %s is named", (apiKey, setup, why) => {
    expect(() => venueOf().openPosition(apiKey, setup)).toThrow(why);
  });

  test("a position set to 0 is gone; set again, it is replaced", () => {
    const venue = venueOf();
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "1" });
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "-2", entryPrice: "90000" });
    expect(held(venue)).toEqual(["BTCUSDT BOTH -2"]);
    expect(plain(venue.positions("one-way")[0]?.unrealizedPnl ?? ZERO)).toBe("4000");
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0" });
    expect(held(venue)).toEqual([]);
  });

  test.each([0, 126, 2.5])("leverage is a whole number from 1 to 125, not %p", (leverage) => {
    expect(() => venueOf().addAccount({ apiKey: "new", leverage })).toThrow("expected a whole number from 1 to 125");
  });

  test("an account exists once and a mark is positive", () => {
    const venue = venueOf();
    expect(() => venue.addAccount({ apiKey: "hedge" })).toThrow("exists already");
    expect(() => venue.setMark("BTCUSDT", "0")).toThrow("not positive");
    expect(() => venue.setMark("DOGEUSDT", "1")).toThrow("Invalid symbol");
  });
});

test("time stamps come from the venue's clock", () => {
  let now = NOW;
  const venue = venueOf({ now: () => now });
  const { orderId } = venue.place("one-way", order({ side: "BUY", quantity: "0.01", price: "87000" }));
  now = (NOW + 500) as UnixMillis;
  venue.setMark("BTCUSDT", "87000");
  expect(venue.fills("one-way")[0]?.time).toBe(now);
  expect(venue.order("one-way", "BTCUSDT", { orderId })).toMatchObject({ time: NOW, updateTime: now });
});

describe("a large account", () => {
  test.each([
    ["one-way", ["BOTH"]],
    ["hedge", ["LONG", "SHORT"]],
  ] as const)("in %s mode holds and leaves 300 symbols", (apiKey, sides) => {
    const venue = venueOf({ symbols: manySymbols(300) });
    for (const { symbol } of venue.symbols()) {
      for (const positionSide of sides) {
        venue.openPosition(apiKey, { symbol, positionSide, amount: positionSide === "SHORT" ? "-20" : "20" });
      }
    }
    const positions = venue.positions(apiKey);
    expect(positions).toHaveLength(300 * sides.length);
    for (const { symbol, positionSide, amount } of positions) {
      const side = amount.gt(ZERO) ? "SELL" : "BUY";
      const words = { symbol, side, positionSide, quantity: "20" } as const;
      venue.place(apiKey, order(apiKey === "hedge" ? words : { ...words, reduceOnly: true }));
    }
    expect(held(venue, apiKey)).toEqual([]);
  });

  test("may hold a contract whose margin is in credits", () => {
    expect(manySymbols(300).filter(({ marginAsset }) => marginAsset === "BNFCR")).toHaveLength(1);
  });
});

describe("for any sequence of orders", () => {
  const sides = fc.constantFrom("BUY", "SELL");
  const quantities = fc.integer({ min: 1, max: 60 }).map((steps) => `0.0${String(steps).padStart(2, "0")}`);
  const prices = fc.integer({ min: 840, max: 920 }).map((hundreds) => `${hundreds}00`);
  const steps = fc.oneof(
    fc.record({ kind: fc.constant("close" as const), side: sides, quantity: quantities }),
    fc.record({ kind: fc.constant("rest" as const), side: sides, quantity: quantities, price: prices }),
    fc.record({ kind: fc.constant("mark" as const), price: prices }),
    fc.record({ kind: fc.constant("cancel" as const) }),
  );
  const amounts = fc
    .integer({ min: -60, max: 60 })
    .map((count) => `${count < 0 ? "-" : ""}0.0${String(Math.abs(count)).padStart(2, "0")}`);

  test("reduce-only orders never grow or turn a position, and the fills add up to what changed", () => {
    fc.assert(
      fc.property(
        amounts,
        fc.boolean(),
        fc.array(steps, { maxLength: 40 }),
        (amount, refuseBehindReduceOnly, sequence) => {
          const venue = venueOf({ refuseBehindReduceOnly });
          venue.openPosition("one-way", { symbol: "BTCUSDT", amount });
          const start = decimal(amount);
          let before = start;
          for (const step of sequence) {
            refusalOf(() => {
              if (step.kind === "mark") venue.setMark("BTCUSDT", step.price);
              else if (step.kind === "cancel") venue.cancelAll("one-way", "BTCUSDT");
              else venue.place("one-way", order({ ...step, reduceOnly: true }));
            });
            const now = venue.positions("one-way")[0]?.amount ?? ZERO;
            expect(now.abs().lte(before.abs())).toBe(true);
            expect(now.times(start).gte(ZERO)).toBe(true);
            before = now;
          }
          const traded = venue
            .fills("one-way")
            .map((fill) => (fill.side === "BUY" ? fill.quantity : fill.quantity.neg()));
          expect(plain(start.plus(sum(traded)))).toBe(plain(before));
        },
      ),
    );
  });
});

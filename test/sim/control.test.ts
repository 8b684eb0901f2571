import { beforeEach, describe, expect, test } from "bun:test";
import { answerControl } from "../../src/sim/control.ts";
import { FaultBook } from "../../src/sim/faults.ts";
import { Gateway, type Reply } from "../../src/sim/gateway.ts";
import { StreamBook } from "../../src/sim/stream-book.ts";
import type { Venue } from "../../src/sim/venue.ts";
import { CLOSE, held, order, refusalOf, signedRequest, venueOf } from "./scene.ts";

let venue: Venue;

beforeEach(() => {
  venue = venueOf();
});

function control(target: string, body: unknown): Reply {
  const facts = () => ({
    handshakes: 0,
    requests: 0,
    requestCounts: {},
    streams: { market: 0, private: 0 },
    struck: [],
  });
  const stage = { venue, faults: new FaultBook(), streams: new StreamBook(), facts };
  const reply = answerControl(stage, { ...signedRequest(target), body: JSON.stringify(body) });
  if (reply === null) throw new Error(`${target} is no control`);
  return reply;
}

const answered = (target: string, body: unknown): unknown => JSON.parse(control(target, body).body);

describe("a mistake changes nothing and is named", () => {
  const limit = { symbol: "BTCUSDT", side: "BUY", type: "LIMIT", quantity: "0.01", price: "87000", timeInForce: "GTC" };

  test.each([
    ["/sim/orders", limit, "apiKey is missing"],
    ["/sim/orders", { ...limit, apiKey: "nobody" }, "No account has the API key nobody"],
    ["/sim/orders", { ...limit, apiKey: "one-way", quantity: 0.01 }, "quantity must be a string"],
    ["/sim/orders", { ...limit, apiKey: "one-way", quantity: "0.0001" }, "Precision is over the maximum"],
    ["/sim/orders", { ...limit, apiKey: "one-way", type: "STOP" }, "use the Algo Order API"],
    ["/sim/algo-orders", { ...limit, apiKey: "one-way" }, "Invalid orderType."],
    ["/sim/marks", { symbol: "BTCUSDT" }, "price is missing"],
    ["/sim/marks", { symbol: "BTCUSDT", marketBlocked: "yes" }, "marketBlocked must be true or false"],
    ["/sim/marks", { symbol: "NOPE", marketBlocked: true }, "Invalid symbol."],
    ["/sim/transfers", { apiKey: "one-way" }, "amount is missing"],
    ["/sim/transfers", { apiKey: "one-way", amount: "0" }, "A transfer of 0 USDT moves nothing"],
    ["/sim/transfers", { apiKey: "nobody", amount: "1" }, "No account has the API key nobody"],
    ["/sim/status", { symbol: "BTCUSDT", status: "HALT" }, "status must be one of PENDING_TRADING, TRADING"],
    ["/sim/status", { symbol: "NOPE", status: "CLOSE" }, "Invalid symbol."],
    ["/sim/lots", { symbol: "BTCUSDT", step: "0" }, "step of BTCUSDT is 0: expected a positive number"],
    ["/sim/lots", { symbol: "BTCUSDT", min: "2000" }, "min of BTCUSDT is 2000: expected at most the maximum, 1000"],
    ["/sim/lots", { symbol: "BTCUSDT", step: "x" }, "Not a decimal number"],
  ])("%s %j: %s", (path, body, why) => {
    const before = JSON.stringify(venue.symbols());
    const reply = control(`POST ${path}`, body);
    expect(reply.status).toBe(400);
    expect(JSON.parse(reply.body).error).toContain(why);
    expect(JSON.stringify(venue.symbols())).toBe(before);
    expect(venue.openOrders("one-way")).toEqual([]);
  });

  test("a path that does not exist is not found, and the others are named", () => {
    expect(control("POST /sim/everything", {})).toMatchObject({ status: 404 });
    expect(answered("GET /sim/orders", {})).toMatchObject({ error: expect.stringContaining("POST /sim/orders") });
  });
});

describe("resting orders", () => {
  test("are placed without a signature, in one-way and in hedge mode", () => {
    const limit = { symbol: "BTCUSDT", type: "LIMIT", quantity: "0.01", timeInForce: "GTC", newClientOrderId: "mine" };
    expect(answered("POST /sim/orders", { ...limit, apiKey: "one-way", side: "BUY", price: "87000" })).toMatchObject({
      clientOrderId: "mine",
      status: "NEW",
      reduceOnly: false,
    });
    venue.openPosition("hedge", { symbol: "BTCUSDT", positionSide: "LONG", amount: "0.01" });
    const leg = { positionSide: "LONG", side: "SELL", price: "90000" };
    expect(answered("POST /sim/orders", { ...limit, ...leg, apiKey: "hedge" })).toMatchObject({
      positionSide: "LONG",
      reduceOnly: true,
    });
  });

  test("of the Algo service are placed too, and every list says whose leg they close", () => {
    const stop = { apiKey: "one-way", symbol: "BTCUSDT", side: "SELL", type: "STOP_MARKET", triggerPrice: "80000" };
    expect(answered("POST /sim/algo-orders", { ...stop, closePosition: true })).toMatchObject({
      closePosition: true,
      quantity: null,
    });
    expect(answered("POST /sim/algo-orders", { ...stop, quantity: "0.01", reduceOnly: "true" })).toMatchObject({
      closePosition: false,
      quantity: "0.01",
      reduceOnly: true,
    });
    venue.place("one-way", order({ side: "BUY", quantity: "0.01", price: "87000" }));
    const gateway = new Gateway(venue);
    const list = (path: string) => JSON.parse(gateway.answer(signedRequest(`GET /fapi/v1/${path}`)).body);
    expect(list("openAlgoOrders")).toMatchObject([
      { closePosition: true, positionSide: "BOTH" },
      { closePosition: false, positionSide: "BOTH" },
    ]);
    expect(list("openOrders")).toMatchObject([{ closePosition: false, positionSide: "BOTH" }]);
  });
});

describe("a transfer", () => {
  test("changes the wallet, and what was moved is told", () => {
    const body = { apiKey: "one-way", amount: "-250.5" };
    expect(answered("POST /sim/transfers", body)).toMatchObject({ asset: "USDT", amount: "-250.5", wallet: "99749.5" });
    expect(answered("POST /sim/transfers", { ...body, asset: "BTC", amount: "2" })).toMatchObject({ wallet: "2" });
    expect(venue.transfers("one-way").map(({ asset, time }) => [asset, time])).toEqual([
      ["USDT", venue.now()],
      ["BTC", venue.now()],
    ]);
    expect(answered("GET /sim/state", {})).toMatchObject({
      accounts: [
        { wallet: { USDT: "99749.5", USDC: "100000", BNFCR: "100000", BTC: "2" } },
        { wallet: { USDT: "100000" } },
      ],
    });
  });
});

describe("the price band", () => {
  const close = order({ side: "SELL", quantity: "0.01", reduceOnly: true });

  test("blocked refuses market orders with -4131, until it is lifted", () => {
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.01" });
    expect(answered("POST /sim/marks", { symbol: "BTCUSDT", marketBlocked: true })).toEqual({
      symbol: "BTCUSDT",
      price: "88000",
      marketBlocked: true,
    });
    expect(refusalOf(() => venue.place("one-way", close))).toBe(-4131);
    expect(new Gateway(venue).answer(signedRequest(CLOSE)).body).toContain('"code":-4131');
    expect(held(venue)).toEqual(["BTCUSDT BOTH 0.01"]);
    control("POST /sim/marks", { symbol: "BTCUSDT", marketBlocked: false });
    expect(refusalOf(() => venue.place("one-way", close))).toBeNull();
  });

  test("blocked on one symbol leaves the others alone, and a mark may move meanwhile", () => {
    control("POST /sim/marks", { symbol: "BTCUSDT", price: "80000", marketBlocked: true });
    expect(refusalOf(() => venue.place("one-way", order({ side: "BUY", quantity: "0.01" })))).toBe(-4131);
    const eth = order({ symbol: "ETHUSDT", side: "BUY", quantity: "1" });
    expect(refusalOf(() => venue.place("one-way", eth))).toBeNull();
  });
});

describe("a contract's status", () => {
  test.each([
    ["SETTLING", null, -4140],
    ["PRE_DELIVERING", null, -4140],
    ["CLOSE", -4141, -4141],
    ["TRADING", null, null],
  ])("%s refuses a close with %p and an opening with %p", (status, closing, opening) => {
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.01" });
    expect(answered("POST /sim/status", { symbol: "BTCUSDT", status })).toEqual({ symbol: "BTCUSDT", status });
    const shown = JSON.parse(new Gateway(venue).answer(signedRequest("GET /fapi/v1/exchangeInfo")).body);
    expect(shown.symbols[0].status).toBe(status);
    expect(refusalOf(() => venue.place("one-way", order({ side: "BUY", quantity: "0.01" })))).toBe(opening);
    const close = order({ side: "SELL", quantity: "0.01", reduceOnly: true });
    expect(refusalOf(() => venue.place("one-way", close))).toBe(closing);
  });
});

describe("a contract's lots", () => {
  test("with a larger step leave dust that no order can close, and still show it in full", () => {
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.057" });
    expect(answered("POST /sim/lots", { symbol: "BTCUSDT", step: "0.05", min: "0.05" })).toEqual({
      symbol: "BTCUSDT",
      lot: { min: "0.05", max: "1000", step: "0.05" },
      marketLot: { min: "0.05", max: "120", step: "0.05" },
    });
    const close = (quantity: string) => venue.place("one-way", order({ side: "SELL", quantity, reduceOnly: true }));
    expect(refusalOf(() => close("0.057"))).toBe(-4023);
    close("0.05");
    expect(refusalOf(() => close("0.007"))).toBe(-4004);
    const rows = new Gateway(venue).answer(signedRequest("GET /fapi/v3/positionRisk")).body;
    expect(rows).toContain('"positionAmt":"0.007"');
  });

  test("with a smaller market maximum refuse the whole position at once", () => {
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "3" });
    control("POST /sim/lots", { symbol: "BTCUSDT", marketMax: "1" });
    expect(refusalOf(() => venue.place("one-way", order({ side: "SELL", quantity: "3", reduceOnly: true })))).toBe(
      -4005,
    );
  });

  test("with a finer step take the finer quantities", () => {
    control("POST /sim/lots", { symbol: "BTCUSDT", step: "0.00001", min: "0.00001" });
    expect(refusalOf(() => venue.place("one-way", order({ side: "BUY", quantity: "0.01001" })))).toBeNull();
  });
});

/**
 * The simulated exchange against a client that was not written for it.
 *
 * `ccxt` knows the real Binance from years of use, so it keeps our client and our simulator from agreeing on a mistake.
 * It believes it talks to https://fapi.binance.com; its requests are carried to the simulator, and any other host is an error.
 */

import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import * as ccxt from "ccxt";
import { plain } from "../../src/core/decimal.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { type BinanceServer, serveBinance } from "../../src/sim/binance-server.ts";
import { Venue } from "../../src/sim/venue.ts";

const ORIGIN = "https://fapi.binance.com";
const ONE_WAY = { apiKey: "one-way", secret: "one-way-secret" };
const HEDGE = { apiKey: "hedge", secret: "hedge-secret", hedge: true };

let now: () => number;
let venue: Venue;
let server: BinanceServer;
const strayUrls: string[] = [];

beforeEach(async () => {
  now = Date.now;
  venue = new Venue({ now: () => now() as UnixMillis });
  venue.addAccount(ONE_WAY);
  venue.addAccount(HEDGE);
  server = await serveBinance({ venue });
});

afterEach(async () => {
  await server.close();
});

afterAll(() => {
  expect(strayUrls).toEqual([]);
});

function client({ apiKey, secret }: { readonly apiKey: string; readonly secret: string }): ccxt.binanceusdm {
  const exchange = new ccxt.binanceusdm({
    apiKey,
    secret,
    enableRateLimit: false,
    options: { fetchCurrencies: false, warnOnFetchOpenOrdersWithoutSymbol: false },
  });
  exchange.fetchImplementation = (url: string, init: RequestInit) => {
    if (!url.startsWith(`${ORIGIN}/`)) {
      strayUrls.push(url);
      throw new Error(`ccxt left the simulator: ${url}`);
    }
    return fetch(server.url + url.slice(ORIGIN.length), { ...init, keepalive: false });
  };
  return exchange;
}

/** The truth, not what ccxt was told. */
function open(apiKey: string): readonly string[] {
  return venue.positions(apiKey).map((leg) => `${leg.symbol} ${leg.positionSide} ${plain(leg.amount)}`);
}

describe("market data", () => {
  test("all contracts load, with ccxt's names for them", async () => {
    const markets = await client(ONE_WAY).loadMarkets();
    expect(Object.keys(markets).toSorted()).toEqual(
      [
        "BTC/USDT:USDT",
        "ETH/USDT:USDT",
        "SOL/USDT:USDT",
        "BTC/USDC:USDC",
        "BTC/USDT:USDT-261225",
        "币安人生/USDT:USDT",
        "MOVE/USDT:BNFCR",
      ].toSorted(),
    );
  });

  test.each([
    // symbol, kind, step, tick, least, most, most at market, least notional
    ["BTC/USDT:USDT", "swap", 0.001, 0.1, 0.001, 1000, 120, 50],
    ["ETH/USDT:USDT", "swap", 0.001, 0.01, 0.001, 10000, 2000, 20],
    ["SOL/USDT:USDT", "swap", 0.01, 0.01, 0.01, 1000000, 10000, 5],
    ["BTC/USDC:USDC", "swap", 0.001, 0.1, 0.001, 1000, 50, 50],
    ["BTC/USDT:USDT-261225", "future", 0.001, 0.1, 0.001, 500, 25, 5],
    ["币安人生/USDT:USDT", "swap", 1, 0.00001, 1, 10000000, 300000, 5],
  ])("%s has the filters ccxt reads from it", async (symbol, type, step, tick, min, max, marketMax, notional) => {
    const exchange = client(ONE_WAY);
    await exchange.loadMarkets();
    expect(exchange.market(symbol)).toMatchObject({
      type,
      linear: true,
      active: true,
      contractSize: 1,
      precision: { amount: step, price: tick },
      limits: { amount: { min, max }, market: { min, max: marketMax }, cost: { min: notional } },
    });
  });

  test("the quarterly expires on its day", async () => {
    const exchange = client(ONE_WAY);
    await exchange.loadMarkets();
    expect(exchange.market("BTC/USDT:USDT-261225").expiryDatetime).toBe("2026-12-25T08:00:00.000Z");
  });

  test("ccxt reads the venue's clock, mark and book", async () => {
    const exchange = client(ONE_WAY);
    expect(Math.abs(((await exchange.fetchTime()) ?? 0) - Date.now())).toBeLessThan(2000);
    venue.setMark("BTCUSDT", "91000.5");
    expect((await exchange.fetchFundingRate("BTC/USDT:USDT")).markPrice).toBe(91000.5);
    expect((await exchange.fetchBidsAsks(["BTC/USDT:USDT"]))["BTC/USDT:USDT"]).toMatchObject({
      bid: 91000.4,
      ask: 91000.6,
    });
  });
});

describe("positions", () => {
  test("a flat account has none", async () => {
    expect(await client(ONE_WAY).fetchPositions()).toEqual([]);
  });

  test("one-way positions are read with side, size, entry and profit", async () => {
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.002", entryPrice: "80000" });
    venue.openPosition("one-way", { symbol: "币安人生USDT", amount: "-1000", entryPrice: "0.2" });
    const positions = await client(ONE_WAY).fetchPositions();
    expect(positions).toMatchObject([
      {
        symbol: "BTC/USDT:USDT",
        side: "long",
        contracts: 0.002,
        entryPrice: 80000,
        markPrice: 88000,
        unrealizedPnl: 16,
      },
      { symbol: "币安人生/USDT:USDT", side: "short", contracts: 1000, entryPrice: 0.2, unrealizedPnl: 50 },
    ]);
    expect(positions.map((position) => position.hedged)).toEqual([false, false]);
  });

  test("both legs of a hedged symbol are read apart", async () => {
    venue.openPosition("hedge", { symbol: "ETHUSDT", positionSide: "LONG", amount: "1.5" });
    venue.openPosition("hedge", { symbol: "ETHUSDT", positionSide: "SHORT", amount: "-0.5" });
    expect(await client(HEDGE).fetchPositions()).toMatchObject([
      { symbol: "ETH/USDT:USDT", side: "long", contracts: 1.5, hedged: true },
      { symbol: "ETH/USDT:USDT", side: "short", contracts: 0.5, hedged: true },
    ]);
  });

  test.each([
    ["the older positionRisk", { useV2: true }],
    ["the account", { method: "account" }],
  ])("%s agrees", async (_, params) => {
    venue.openPosition("one-way", { symbol: "ETHUSDT", amount: "-0.5" });
    const held = (await client(ONE_WAY).fetchPositions(undefined, params)).filter((row) => row.contracts !== 0);
    expect(held).toMatchObject([{ symbol: "ETH/USDT:USDT", side: "short", contracts: 0.5 }]);
  });

  test.each([
    [ONE_WAY, false],
    [HEDGE, true],
  ])("the position mode of $apiKey is read", async (account, hedged) => {
    expect(await client(account).fetchPositionMode()).toMatchObject({ hedged });
  });

  test("the wallet is read per asset", async () => {
    const balance = await client(ONE_WAY).fetchBalance();
    expect(balance["USDT"]).toMatchObject({ total: 100000, free: 100000 });
    expect(balance["USDC"]).toMatchObject({ total: 100000, free: 100000 });
  });
});

describe("closing", () => {
  test.each([
    ["BTC/USDT:USDT", "BTCUSDT", "0.002", "sell", 0.002],
    ["BTC/USDT:USDT", "BTCUSDT", "-0.002", "buy", 0.002],
    ["ETH/USDT:USDT", "ETHUSDT", "3.007", "sell", 3.007],
    ["BTC/USDT:USDT-261225", "BTCUSDT_261225", "0.1", "sell", 0.1],
    ["币安人生/USDT:USDT", "币安人生USDT", "-120", "buy", 120],
  ] as const)("a reduce-only market order closes %s (%s %s)", async (symbol, id, amount, side, contracts) => {
    venue.openPosition("one-way", { symbol: id, amount });
    const order = await client(ONE_WAY).createOrder(symbol, "market", side, contracts, undefined, { reduceOnly: true });
    expect(order).toMatchObject({ status: "closed", filled: contracts, remaining: 0, reduceOnly: true, side, symbol });
    expect(open("one-way")).toEqual([]);
  });

  test("a 19-digit order id comes back whole and finds its order", async () => {
    venue.openPosition("one-way", { symbol: "ETHUSDT", amount: "1" });
    const exchange = client(ONE_WAY);
    const placed = await exchange.createOrder("ETH/USDT:USDT", "market", "sell", 1, undefined, { reduceOnly: true });
    const id = String(placed.id);
    expect(id).toBe("8389765500000000001");
    expect(await exchange.fetchOrder(id, "ETH/USDT:USDT")).toMatchObject({ id, status: "closed", average: 2900 });
  });

  test("a hedge leg is closed by its side and leg, and the other leg stays", async () => {
    venue.openPosition("hedge", { symbol: "BTCUSDT", positionSide: "LONG", amount: "0.01" });
    venue.openPosition("hedge", { symbol: "BTCUSDT", positionSide: "SHORT", amount: "-0.02" });
    const exchange = client(HEDGE);
    const params = { positionSide: "LONG" };
    const order = await exchange.createOrder("BTC/USDT:USDT", "market", "sell", 0.01, undefined, params);
    expect(order).toMatchObject({ status: "closed", filled: 0.01, reduceOnly: true });
    expect(open("hedge")).toEqual(["BTCUSDT SHORT -0.02"]);
  });

  test("ccxt's own way to close a hedge leg works too", async () => {
    venue.openPosition("hedge", { symbol: "BTCUSDT", positionSide: "SHORT", amount: "-0.02" });
    const params = { hedged: true, reduceOnly: true };
    await client(HEDGE).createOrder("BTC/USDT:USDT", "market", "buy", 0.02, undefined, params);
    expect(open("hedge")).toEqual([]);
  });

  test("several closes in one batch succeed and fail apart", async () => {
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.002" });
    const close = { type: "market", side: "sell", params: { reduceOnly: true } } as const;
    const orders = await client(ONE_WAY).createOrders([
      { ...close, symbol: "BTC/USDT:USDT", amount: 0.002 },
      { ...close, symbol: "ETH/USDT:USDT", amount: 1 },
    ]);
    expect(orders.map((order) => order.info)).toMatchObject([{ status: "FILLED" }, { code: -2022 }]);
    expect(open("one-way")).toEqual([]);
  });

  test("the fill is among the trades, with the venue's time", async () => {
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.002", entryPrice: "80000" });
    const exchange = client(ONE_WAY);
    const order = await exchange.createOrder("BTC/USDT:USDT", "market", "sell", 0.002, undefined, { reduceOnly: true });
    const [fill] = venue.fills("one-way");
    expect(await exchange.fetchMyTrades("BTC/USDT:USDT")).toMatchObject([
      {
        order: order.id,
        side: "sell",
        amount: 0.002,
        price: 88000,
        cost: 176,
        timestamp: fill?.time,
        takerOrMaker: "taker",
      },
    ]);
  });
});

describe("resting orders", () => {
  test("a limit order is listed, cancelled with all others, and gone", async () => {
    const exchange = client(ONE_WAY);
    await exchange.createOrder("SOL/USDT:USDT", "limit", "buy", 1, 130);
    await exchange.createOrder("SOL/USDT:USDT", "limit", "sell", 1, 140);
    expect(await exchange.fetchOpenOrders()).toMatchObject([
      { symbol: "SOL/USDT:USDT", side: "buy", price: 130, remaining: 1, status: "open" },
      { symbol: "SOL/USDT:USDT", side: "sell", price: 140, remaining: 1, status: "open" },
    ]);
    await exchange.cancelAllOrders("SOL/USDT:USDT");
    expect(await exchange.fetchOpenOrders("SOL/USDT:USDT")).toEqual([]);
  });

  test("one order is cancelled by its id", async () => {
    const exchange = client(ONE_WAY);
    const { id } = await exchange.createOrder("ETH/USDT:USDT", "limit", "buy", 1, 2800);
    expect(await exchange.cancelOrder(String(id), "ETH/USDT:USDT")).toMatchObject({ status: "canceled" });
    expect(venue.openOrders("one-way")).toEqual([]);
  });

  test("conditional orders live apart: only their own calls see and cancel them", async () => {
    venue.openPosition("one-way", { symbol: "ETHUSDT", amount: "1" });
    const exchange = client(ONE_WAY);
    const symbol = "ETH/USDT:USDT";
    await exchange.createOrder(symbol, "market", "sell", 1, undefined, { stopLossPrice: 2700, reduceOnly: true });
    await exchange.cancelAllOrders(symbol);
    expect(await exchange.fetchOpenOrders(symbol)).toEqual([]);
    const waiting = await exchange.fetchOpenOrders(symbol, undefined, undefined, { trigger: true });
    expect(waiting).toMatchObject([{ side: "sell", triggerPrice: 2700, amount: 1, reduceOnly: true, status: "open" }]);
    await exchange.cancelAllOrders(symbol, { trigger: true });
    expect(venue.openAlgoOrders("one-way")).toEqual([]);
  });

  test("a trailing stop follows the mark and closes the position", async () => {
    venue.openPosition("one-way", { symbol: "ETHUSDT", amount: "1" });
    const params = { trailingPercent: 2, reduceOnly: true };
    await client(ONE_WAY).createOrder("ETH/USDT:USDT", "market", "sell", 1, undefined, params);
    venue.setMark("ETHUSDT", "3000");
    venue.setMark("ETHUSDT", "2941");
    expect(open("one-way")).toEqual(["ETHUSDT BOTH 1"]);
    venue.setMark("ETHUSDT", "2940");
    expect(open("one-way")).toEqual([]);
  });
});

describe("signatures made by ccxt", () => {
  test.each([
    ["HMAC", { secret: "a secret" }, "a secret"],
    asymmetric("Ed25519", generateKeyPairSync("ed25519")),
    asymmetric("RSA", generateKeyPairSync("rsa", { modulusLength: 2048 })),
  ] as const)("%s is accepted for a symbol that is not ASCII", async (kind, keys, secret) => {
    const apiKey = `key-${kind}`;
    venue.addAccount({ apiKey, ...keys });
    venue.openPosition(apiKey, { symbol: "币安人生USDT", amount: "100" });
    const exchange = client({ apiKey, secret });
    await exchange.createOrder("币安人生/USDT:USDT", "market", "sell", 100, undefined, { reduceOnly: true });
    expect(await exchange.fetchOpenOrders("币安人生/USDT:USDT")).toEqual([]);
    expect(open(apiKey)).toEqual([]);
  });

  function asymmetric(
    kind: string,
    pair: { publicKey: KeyObject; privateKey: KeyObject },
  ): [string, { publicKeyPem: string }, string] {
    const publicKeyPem = pair.publicKey.export({ type: "spki", format: "pem" }).toString();
    return [kind, { publicKeyPem }, pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString()];
  }
});

describe("refusals, as ccxt maps them for the real venue", () => {
  const close = { reduceOnly: true };
  const refusals: readonly {
    readonly fact: string;
    readonly code: number;
    readonly error: new (...args: never[]) => Error;
    readonly act: () => Promise<unknown>;
  }[] = [
    {
      fact: "a reduce-only order on a flat account",
      code: -2022,
      error: ccxt.InvalidOrder,
      act: () => client(ONE_WAY).createOrder("BTC/USDT:USDT", "market", "sell", 0.002, undefined, close),
    },
    {
      fact: "a wrong secret",
      code: -1022,
      error: ccxt.AuthenticationError,
      act: () => client({ apiKey: "one-way", secret: "wrong" }).fetchPositions(),
    },
    {
      fact: "an unknown key",
      code: -2015,
      error: ccxt.AuthenticationError,
      act: () => client({ apiKey: "nobody", secret: "wrong" }).fetchPositions(),
    },
    {
      fact: "a key that cannot be one",
      code: -2014,
      error: ccxt.AuthenticationError,
      act: () => client({ apiKey: "not a key", secret: "wrong" }).fetchPositions(),
    },
    {
      fact: "a clock a minute behind",
      code: -1021,
      error: ccxt.InvalidNonce,
      act: () => skewed(-60_000).fetchPositions(),
    },
    {
      fact: "a clock two seconds ahead",
      code: -1021,
      error: ccxt.InvalidNonce,
      act: () => skewed(2000).fetchPositions(),
    },
    {
      fact: "a hedge order without its leg",
      code: -4061,
      error: ccxt.OperationRejected,
      act: () => client(HEDGE).createOrder("BTC/USDT:USDT", "market", "sell", 0.002),
    },
    {
      fact: "reduceOnly in hedge mode",
      code: -1106,
      error: ccxt.BadRequest,
      act: () =>
        client(HEDGE).createOrder("BTC/USDT:USDT", "market", "sell", 0.002, undefined, {
          ...close,
          positionSide: "LONG",
        }),
    },
    {
      fact: "an opening order of less than the least notional",
      code: -4164,
      error: ccxt.InvalidOrder,
      act: () => client(ONE_WAY).createOrder("ETH/USDT:USDT", "market", "buy", 0.001),
    },
    {
      fact: "a market order over MARKET_LOT_SIZE",
      code: -4005,
      error: ccxt.BadRequest,
      act: () => client(ONE_WAY).createOrder("BTC/USDT:USDT", "market", "buy", 121),
    },
    {
      fact: "an order nobody knows",
      code: -2013,
      error: ccxt.OrderNotFound,
      act: () => client(ONE_WAY).fetchOrder("1", "BTC/USDT:USDT"),
    },
    {
      fact: "a cancel of an order nobody knows",
      code: -2011,
      error: ccxt.OrderNotFound,
      act: () => client(ONE_WAY).cancelOrder("1", "BTC/USDT:USDT"),
    },
    {
      fact: "a stop that is crossed already",
      code: -2021,
      error: ccxt.OrderImmediatelyFillable,
      act: () =>
        client(ONE_WAY).createOrder("BTC/USDT:USDT", "market", "sell", 0.002, undefined, { stopLossPrice: 89000 }),
    },
  ];

  test.each(refusals)("$fact is $code", async ({ code, error, act }) => {
    const failure = await act().catch((reason: unknown) => reason);
    expect(failure).toBeInstanceOf(error);
    expect(String(failure)).toContain(`"code":${code},`);
  });

  test("a market close behind a resting reduce-only order is -4118", async () => {
    venue.openPosition("one-way", { symbol: "ETHUSDT", amount: "1" });
    const exchange = client(ONE_WAY);
    await exchange.createOrder("ETH/USDT:USDT", "limit", "sell", 1, 3000, close);
    const failure = await exchange
      .createOrder("ETH/USDT:USDT", "market", "sell", 1, undefined, close)
      .catch((reason: unknown) => reason);
    expect(failure).toBeInstanceOf(ccxt.ExchangeError);
    expect(String(failure)).toContain('"code":-4118,');
    expect(open("one-way")).toEqual(["ETHUSDT BOTH 1"]);
  });

  test("the weight limit is DDoSProtection", async () => {
    // One minute for all of them, whenever the test runs.
    const moment = Date.now();
    now = () => moment;
    const exchange = client(ONE_WAY);
    await exchange.loadMarkets();
    const reads = Array.from({ length: 61 }, () => exchange.fetchOpenOrders().catch((reason: unknown) => reason));
    expect((await Promise.all(reads)).some((answer) => answer instanceof ccxt.DDoSProtection)).toBe(true);
  });

  function skewed(ms: number): ccxt.binanceusdm {
    const exchange = client(ONE_WAY);
    exchange.nonce = () => Date.now() + ms;
    return exchange;
  }
});

import { beforeEach, describe, expect, test } from "bun:test";
import { createHmac, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import fc from "fast-check";
import type { UnixMillis } from "../../src/core/time.ts";
import { Gateway, type GatewayRequest, type Reply } from "../../src/sim/gateway.ts";
import type { Limits } from "../../src/sim/rate-limits.ts";
import { ROUTES } from "../../src/sim/routes.ts";
import type { Venue } from "../../src/sim/venue.ts";
import { held, NOW, venueOf } from "./scene.ts";

const WEEK_MS = 7 * 86_400_000;

let now: number;
let venue: Venue;
let gateway: Gateway;

beforeEach(() => {
  now = NOW;
  venue = venueOf({ now: () => now as UnixMillis });
  gateway = new Gateway(venue);
});

function raw(target: string, changes: Partial<GatewayRequest> = {}): Reply {
  const [method = "", url = ""] = target.split(" ");
  const [path = "", query = ""] = url.split("?");
  return gateway.answer({ method, path, query, body: "", apiKey: "one-way", ip: "127.0.0.1", ...changes });
}

function hmac(payload: string, secret = "secret"): string {
  return createHmac("sha256", secret).update(payload).digest("hex");
}

/** Sends `METHOD /path?query` signed as a good client would. */
function signed(target: string, changes: Partial<GatewayRequest> = {}): Reply {
  const [path = "", query = ""] = target.split("?");
  const payload = `${query}${query === "" ? "" : "&"}timestamp=${now}`;
  return raw(`${path}?${payload}&signature=${hmac(payload)}`, changes);
}

function parsed(reply: Reply): Record<string, unknown> {
  return JSON.parse(reply.body);
}

/** `STATUS CODE`, or just the status for a reply without a code. */
function outcome(reply: Reply): string {
  const code = parsed(reply)["code"];
  return code === undefined ? String(reply.status) : `${reply.status} ${Number(code)}`;
}

describe("paths", () => {
  test.each([
    ["GET /fapi/v1/ping", "200"],
    ["GET /fapi/v1/time", "200"],
    ["GET /fapi/v1/exchangeInfo", "200"],
    ["GET /fapi/v1/premiumIndex?symbol=BTCUSDT", "200"],
    ["GET /fapi/v1/premiumIndex?symbol=DOGEUSDT", "400 -1121"],
    ["GET /fapi/v1/nonsense", "404 -5000"],
    ["PUT /fapi/v1/order", "404 -5000"],
    ["POST /fapi/v1/time", "404 -5000"],
    ["GET /", "404 -5000"],
    ["GET /fapi/v1/premiumIndex?symbol=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT", "200"],
    ["GET /fapi/v1/premiumIndex?symbol=%E5%B8", "400 -1100"],
    ["GET /fapi/v1/premiumIndex?symbol=", "400 -1102"],
  ])("%s answers %s without a key", (target, expected) => {
    expect(outcome(raw(target, { apiKey: null }))).toBe(expected);
  });

  test.each([
    ["GET /fapi/v3/positionRisk", "200"],
    ["GET /fapi/v2/positionRisk", "200"],
    ["GET /fapi/v3/account", "200"],
    ["GET /fapi/v1/accountConfig", "200"],
    ["GET /fapi/v1/positionSide/dual", "200"],
    ["GET /fapi/v1/symbolConfig", "200"],
    ["GET /fapi/v1/leverageBracket", "200"],
    ["GET /fapi/v1/rateLimit/order", "200"],
    ["GET /fapi/v1/openOrders", "200"],
    ["GET /fapi/v1/openOrders?symbol=DOGEUSDT", "400 -1121"],
    ["GET /fapi/v1/openAlgoOrders", "200"],
    ["GET /fapi/v1/order?symbol=BTCUSDT&orderId=1", "400 -2013"],
    ["GET /fapi/v1/order?symbol=BTCUSDT", "400 -1102"],
    ["GET /fapi/v1/order?symbol=BTCUSDT&orderId=", "400 -1102"],
    ["GET /fapi/v1/order?symbol=BTCUSDT&orderId=x", "400 -1102"],
    ["DELETE /fapi/v1/order?symbol=BTCUSDT&orderId=1", "400 -2011"],
    ["DELETE /fapi/v1/allOpenOrders", "400 -1102"],
    ["DELETE /fapi/v1/allOpenOrders?symbol=BTCUSDT", "200 200"],
    ["DELETE /fapi/v1/algoOpenOrders?symbol=BTCUSDT", "200 200"],
    ["GET /fapi/v1/algoOrder?algoId=1", "400 -2013"],
    ["DELETE /fapi/v1/algoOrder?algoId=1", "400 -2011"],
    ["GET /fapi/v1/userTrades", "400 -1102"],
    ["GET /fapi/v1/userTrades?symbol=BTCUSDT&limit=10", "200"],
    ["GET /fapi/v1/userTrades?symbol=BTCUSDT&limit=0", "400 -1130"],
    ["GET /fapi/v1/userTrades?symbol=BTCUSDT&fromId=1&startTime=1", "400 -1128"],
    [`GET /fapi/v1/userTrades?symbol=BTCUSDT&startTime=${NOW}&endTime=${NOW + WEEK_MS}`, "200"],
    [`GET /fapi/v1/userTrades?symbol=BTCUSDT&startTime=${NOW}&endTime=${NOW + WEEK_MS + 1}`, "400 -4165"],
    ["GET /fapi/v1/allOrders", "400 -1102"],
    ["GET /fapi/v1/allOrders?symbol=DOGEUSDT", "400 -1121"],
    [`GET /fapi/v1/allOrders?symbol=BTCUSDT&startTime=${NOW}&endTime=${NOW + WEEK_MS + 1}`, "400 -4165"],
    ["GET /fapi/v1/income", "200"],
    ["GET /fapi/v1/income?limit=0", "400 -1130"],
    ["GET /fapi/v1/markPriceKlines?symbol=BTCUSDT", "400 -1102"],
    ["GET /fapi/v1/markPriceKlines?symbol=BTCUSDT&interval=7m", "400 -1120"],
    ["GET /fapi/v1/markPriceKlines?symbol=DOGEUSDT&interval=1m", "400 -1121"],
    ["POST /fapi/v1/order/test?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01", "200"],
  ])("%s answers %s when signed", (target, expected) => {
    expect(outcome(signed(target))).toBe(expected);
  });
});

describe("who is asking", () => {
  const target = "GET /fapi/v3/positionRisk";
  const payload = `timestamp=${NOW}`;

  test.each([
    ["no key", `${payload}&signature=${hmac(payload)}`, null, "401 -2014"],
    ["a key that cannot be one", `${payload}&signature=${hmac(payload)}`, "a b", "401 -2014"],
    ["an unknown key", `${payload}&signature=${hmac(payload)}`, "nobody", "401 -2015"],
    ["no timestamp", `signature=${hmac("")}`, "one-way", "400 -1102"],
    ["no signature", payload, "one-way", "400 -1102"],
    ["a signature by another secret", `${payload}&signature=${hmac(payload, "other")}`, "one-way", "400 -1022"],
    ["a signature of nothing", `${payload}&signature=00`, "one-way", "400 -1022"],
    ["a signature that is not last", `signature=${hmac(payload)}&${payload}`, "one-way", "400 -1022"],
    ["a signature in capitals", `${payload}&signature=${hmac(payload).toUpperCase()}`, "one-way", "200"],
  ])("%s", (_, query, apiKey, expected) => {
    expect(outcome(raw(`${target}?${query}`, { apiKey }))).toBe(expected);
  });

  test("the documented test vector of the HMAC signature is reproduced", () => {
    const secret = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9";
    const query =
      "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000&timestamp=1591702613943";
    now = 1591702613943;
    venue.addAccount({ apiKey: "documented", secret });
    const signature = "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9";
    venue.setMark("BTCUSDT", "9000");
    const reply = raw(`POST /fapi/v1/order?${query}&signature=${signature}`, { apiKey: "documented" });
    expect(outcome(reply)).toBe("200");
  });

  test("query and body are signed one after the other with nothing between", () => {
    const query = `symbol=BTCUSDT&side=BUY`;
    const body = `type=MARKET&quantity=0.01&timestamp=${now}`;
    const good = `${body}&signature=${hmac(query + body)}`;
    expect(outcome(raw(`POST /fapi/v1/order?${query}`, { body: good }))).toBe("200");
    const bad = `${body}&signature=${hmac(`${query}&${body}`)}`;
    expect(outcome(raw(`POST /fapi/v1/order?${query}`, { body: bad }))).toBe("400 -1022");
  });

  test("a name in both query and body means the query's value", () => {
    const query = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01";
    const body = `quantity=0.05&timestamp=${now}`;
    raw(`POST /fapi/v1/order?${query}`, { body: `${body}&signature=${hmac(query + body)}` });
    expect(held(venue)).toEqual(["BTCUSDT BOTH 0.01"]);
  });

  test("the body of a GET is not read", () => {
    const payload = `timestamp=${now}`;
    const body = `symbol=NOPE&${payload}&signature=${hmac(payload)}`;
    expect(outcome(raw(`GET /fapi/v1/openOrders?${payload}&signature=${hmac(payload)}`, { body }))).toBe("200");
    expect(outcome(raw("GET /fapi/v1/openOrders", { body }))).toBe("400 -1102");
  });

  test("what was signed before encoding is not what was sent", () => {
    const symbol = "币安人生USDT";
    const sent = `symbol=${encodeURIComponent(symbol)}&timestamp=${now}`;
    const path = "GET /fapi/v1/openOrders";
    expect(outcome(raw(`${path}?${sent}&signature=${hmac(sent)}`))).toBe("200");
    expect(outcome(raw(`${path}?${sent}&signature=${hmac(`symbol=${symbol}&timestamp=${now}`)}`))).toBe("400 -1022");
  });

  test.each([
    ["Ed25519", generateKeyPairSync("ed25519"), null],
    ["RSA", generateKeyPairSync("rsa", { modulusLength: 2048 }), "RSA-SHA256"],
  ] as const)("%s signs too, if the Base64 is percent-encoded", (kind, pair, algorithm) => {
    const publicKeyPem = pair.publicKey.export({ type: "spki", format: "pem" }).toString();
    venue.addAccount({ apiKey: kind, publicKeyPem });
    expect(outcome(raw(`${target}?${signedBy(pair.privateKey, algorithm)}`, { apiKey: kind }))).toBe("200");
    expect(outcome(raw(`${target}?${payload}&signature=${hmac(payload)}`, { apiKey: kind }))).toBe("400 -1022");
    expect(outcome(raw(`${target}?${signedBy(pair.privateKey, algorithm)}AA`, { apiKey: kind }))).toBe("400 -1022");
  });

  function signedBy(key: KeyObject, algorithm: string | null): string {
    return `${payload}&signature=${encodeURIComponent(sign(algorithm, Buffer.from(payload), key).toString("base64"))}`;
  }
});

describe("a Portfolio Margin account", () => {
  beforeEach(() => {
    venue.addAccount({ apiKey: "portfolio", secret: "secret", portfolioMargin: true });
  });

  test.each([
    ["GET /fapi/v3/positionRisk", "401 -2015"],
    ["GET /fapi/v1/accountConfig", "401 -2015"],
    ["POST /fapi/v1/order?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01", "401 -2015"],
    ["GET /fapi/v1/time", "200"],
    ["GET /papi/v1/account", "200"],
  ])("is answered %s with %s", (target, expected) => {
    expect(outcome(signed(target, { apiKey: "portfolio" }))).toBe(expected);
  });

  test("says on papi that it is normal, and an ordinary account is nobody there", () => {
    const account = parsed(signed("GET /papi/v1/account", { apiKey: "portfolio" }));
    expect(account).toMatchObject({ accountStatus: "NORMAL", uniMMR: expect.any(String) });
    expect(outcome(signed("GET /papi/v1/account"))).toBe("401 -2015");
    expect(outcome(raw("GET /papi/v1/account?timestamp=1&signature=00", { apiKey: "portfolio" }))).toBe("400 -1021");
  });
});

describe("timestamps", () => {
  const outside = "Timestamp for this request is outside of the recvWindow.";
  const ahead = "Timestamp for this request was 1000ms ahead of the server's time.";

  test.each([
    [0, null, null],
    [-5000, null, null],
    [-5001, null, outside],
    [-5001, 6000, null],
    [-60_000, 60_000, null],
    [-60_001, 60_000, outside],
    [-101, 100, outside],
    [999, null, null],
    [1000, null, ahead],
    [1000, 60_000, ahead],
  ])("%p ms from the venue's clock with recvWindow %p: %p", (offsetMs, recvWindow, msg) => {
    const window = recvWindow === null ? "" : `recvWindow=${recvWindow}&`;
    const query = `${window}timestamp=${now + offsetMs}`;
    const reply = raw(`GET /fapi/v3/positionRisk?${query}&signature=${hmac(query)}`);
    expect(reply.status).toBe(msg === null ? 200 : 400);
    if (msg !== null) expect(parsed(reply)).toEqual({ code: -1021, msg });
  });

  test("a recvWindow above 60000 is refused", () => {
    expect(outcome(signed("GET /fapi/v3/positionRisk?recvWindow=60001"))).toBe("400 -1130");
  });
});

describe("orders", () => {
  const market = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01";

  test.each([
    ["side=BUY&type=MARKET&quantity=0.01", "400 -1102"],
    ["symbol=DOGEUSDT&side=BUY&type=MARKET&quantity=0.01", "400 -1121"],
    ["symbol=BTCUSDT&type=MARKET&quantity=0.01", "400 -1102"],
    ["symbol=BTCUSDT&side=LONG&type=MARKET&quantity=0.01", "400 -1117"],
    ["symbol=BTCUSDT&side=BUY&quantity=0.01", "400 -1102"],
    ["symbol=BTCUSDT&side=BUY&type=market&quantity=0.01", "400 -1116"],
    ["symbol=BTCUSDT&side=BUY&type=STOP_MARKET&stopPrice=90000&quantity=0.01", "400 -4120"],
    ["symbol=BTCUSDT&side=BUY&type=TRAILING_STOP_MARKET&callbackRate=1&quantity=0.01", "400 -4120"],
    ["symbol=BTCUSDT&side=BUY&type=MARKET", "400 -1102"],
    ["symbol=BTCUSDT&side=BUY&type=MARKET&quantity=", "400 -1102"],
    ["symbol=BTCUSDT&side=BUY&type=MARKET&quantity=-0.01", "400 -1102"],
    ["symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1e-2", "400 -1102"],
    ["symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0", "400 -4003"],
    ["symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=0.01&timeInForce=GTC", "400 -1102"],
    ["symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=0.01&price=88000", "400 -1102"],
    ["symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=0.01&price=88000&timeInForce=NOW", "400 -1115"],
    [`${market}&positionSide=UP`, "400 -4060"],
    [`${market}&positionSide=LONG`, "400 -4061"],
    [`${market}&reduceOnly=maybe`, "400 -4062"],
    [`${market}&reduceOnly=true`, "400 -2022"],
    [`${market}&newOrderRespType=FULL`, "400 -1130"],
    [`${market}&newClientOrderId=${"a".repeat(37)}`, "400 -4015"],
    [market, "200"],
  ])("%s is answered %s", (query, expected) => {
    expect(outcome(signed(`POST /fapi/v1/order?${query}`))).toBe(expected);
  });

  test("an ACK says nothing of the execution, a RESULT all", () => {
    expect(parsed(signed(`POST /fapi/v1/order?${market}`))).toMatchObject({ status: "NEW", executedQty: "0.000" });
    const result = parsed(signed(`POST /fapi/v1/order?${market}&newOrderRespType=RESULT`));
    expect(result).toMatchObject({ status: "FILLED", executedQty: "0.010", cumQty: "0.010", side: "BUY" });
    expect(held(venue)).toEqual(["BTCUSDT BOTH 0.02"]);
  });

  test("an answer to a POST has no avgPrice and no cumQuote; a query has both", () => {
    const placed = parsed(signed(`POST /fapi/v1/order?${market}&newClientOrderId=mine&newOrderRespType=RESULT`));
    expect([placed["avgPrice"], placed["cumQuote"]]).toEqual([undefined, undefined]);
    const queried = parsed(signed("GET /fapi/v1/order?symbol=BTCUSDT&origClientOrderId=mine"));
    expect(queried).toMatchObject({ avgPrice: "88000.00000", cumQuote: "880.00000", status: "FILLED", time: NOW });
  });

  test("ids are JSON numbers, however long", () => {
    const reply = signed("POST /fapi/v1/order?symbol=ETHUSDT&side=BUY&type=MARKET&quantity=1");
    expect(reply.body).toContain('"orderId":8389765500000000001,');
  });

  test("order/test judges and forgets", () => {
    expect(outcome(signed(`POST /fapi/v1/order/test?${market}`))).toBe("200");
    expect(outcome(signed(`POST /fapi/v1/order/test?${market}&reduceOnly=true`))).toBe("400 -2022");
    expect(held(venue)).toEqual([]);
  });

  test("a batch answers 200 with each order's own fate, in order", () => {
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.01" });
    const close = { side: "SELL", type: "MARKET", quantity: "0.01", reduceOnly: "true", newOrderRespType: "RESULT" };
    const batch = [
      { ...close, symbol: "ETHUSDT" },
      { ...close, symbol: "BTCUSDT" },
      { ...close, symbol: "NOPE" },
    ];
    const reply = signed(`POST /fapi/v1/batchOrders?batchOrders=${encodeURIComponent(JSON.stringify(batch))}`);
    expect(reply.status).toBe(200);
    expect(JSON.parse(reply.body)).toMatchObject([{ code: -2022 }, { status: "FILLED" }, { code: -1121 }]);
  });

  test.each([
    ["[]", "400 -4082"],
    [JSON.stringify(Array(6).fill({})), "400 -4082"],
    ["{}", "400 -4082"],
    ["[1]", "400 -1130"],
    ["[", "400 -1130"],
  ])("a batch of %s is refused as a whole", (batch, expected) => {
    expect(outcome(signed(`POST /fapi/v1/batchOrders?batchOrders=${encodeURIComponent(batch)}`))).toBe(expected);
  });

  test.each([
    ["0.1", "200"],
    ["20", "200"],
    ["0.09", "400 -1130"],
    ["20.1", "400 -1130"],
  ])("a trailing stop of %s %% is answered %s", (rate, expected) => {
    const trailing = "algoType=CONDITIONAL&symbol=BTCUSDT&side=SELL&type=TRAILING_STOP_MARKET&quantity=0.01";
    expect(outcome(signed(`POST /fapi/v1/algoOrder?${trailing}&callbackRate=${rate}`))).toBe(expected);
  });

  test("conditional orders go to algoOrder and are told apart in the lists", () => {
    const algo = "symbol=BTCUSDT&side=SELL&type=STOP_MARKET&quantity=0.01&triggerPrice=80000&clientAlgoId=stop-1";
    expect(outcome(signed(`POST /fapi/v1/algoOrder?${algo}`))).toBe("400 -1102");
    const placed = parsed(signed(`POST /fapi/v1/algoOrder?algoType=CONDITIONAL&${algo}`));
    expect(placed).toMatchObject({ algoStatus: "NEW", orderType: "STOP_MARKET", triggerPrice: "80000.00" });
    expect(signed("GET /fapi/v1/openOrders").body).toBe("[]");
    expect(JSON.parse(signed("GET /fapi/v1/openAlgoOrders").body)).toMatchObject([{ clientAlgoId: "stop-1" }]);
    expect(outcome(signed("DELETE /fapi/v1/order?symbol=BTCUSDT&origClientOrderId=stop-1"))).toBe("400 -2011");
    expect(outcome(signed("DELETE /fapi/v1/algoOrder?clientAlgoId=stop-1"))).toBe("200 200");
    expect(parsed(signed("GET /fapi/v1/algoOrder?clientAlgoId=stop-1"))).toMatchObject({ algoStatus: "CANCELED" });
  });
});

describe("whatever a client sends", () => {
  const paths = ROUTES.map(({ method, path }) => `${method} ${path}`);
  const values: Readonly<Record<string, readonly string[]>> = {
    symbol: ["BTCUSDT", "ETHUSDT", "nope", "", "%00"],
    side: ["BUY", "SELL", "buy", ""],
    type: ["MARKET", "LIMIT", "STOP", "STOP_MARKET", "TRAILING_STOP_MARKET", "x"],
    algoType: ["CONDITIONAL", "VP"],
    positionSide: ["BOTH", "LONG", "SHORT", "x"],
    quantity: ["0.01", "0", "-1", "1e5", "0.0000001", "99999999999999999999", "x"],
    price: ["88000", "0", "88000.05", "1", "x"],
    triggerPrice: ["80000", "90000", "0", "x"],
    callbackRate: ["1", "0", "100", "x"],
    timeInForce: ["GTC", "IOC", "FOK", "GTX", "GTE_GTC", "x"],
    reduceOnly: ["true", "false", "TRUE", "1"],
    closePosition: ["true", "false", "1"],
    newOrderRespType: ["ACK", "RESULT", "FULL"],
    newClientOrderId: ["a", "b", "%20", "a".repeat(40)],
    clientAlgoId: ["a", "b"],
    orderId: ["1", "4000000001", "8389765500000000001", "x", "-1"],
    origClientOrderId: ["a", "b"],
    algoId: ["2000000001", "x"],
    limit: ["0", "1", "100000", "x"],
    fromId: ["0", "700000001", "99999999999999999999"],
    recvWindow: ["0", "5000", "60001", "x"],
    batchOrders: ["%5B%7B%7D%5D", "%5B%7B%22symbol%22%3A1%2C%22side%22%3Anull%7D%5D", "null", "%5Bnull%5D"],
  };
  const params = fc.record(
    Object.fromEntries(Object.entries(values).map(([name, list]) => [name, fc.constantFrom(...list)])),
    { requiredKeys: [] },
  );
  const calls = fc.array(fc.record({ path: fc.constantFrom(...paths), params, hedge: fc.boolean() }), {
    maxLength: 12,
  });

  test("the answer is a result or a refusal of the table, never a fault of the simulator", () => {
    fc.assert(
      fc.property(calls, (sequence) => {
        venue = venueOf({ now: () => now as UnixMillis });
        gateway = new Gateway(venue);
        venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.02" });
        for (const { path, params: sent, hedge } of sequence) {
          const query = Object.entries(sent).map(([name, value]) => `${name}=${String(value)}`);
          const reply = signed(`${path}?${query.join("&")}`, { apiKey: hedge ? "hedge" : "one-way" });
          // Neither account is a Portfolio Margin one.
          expect(path.includes("/papi/") ? [401] : [200, 400]).toContain(reply.status);
          expect(() => JSON.parse(reply.body)).not.toThrow();
        }
      }),
    );
  });

  test("a mistake in the scene is not blamed on the client", () => {
    venue.addAccount({ apiKey: "broken", publicKeyPem: "no key" });
    const reply = signed("GET /fapi/v3/positionRisk", { apiKey: "broken" });
    expect(outcome(reply)).toBe("500 -1000");
    expect(reply.body).toContain("simulator:");
  });
});

describe("position lists", () => {
  test("v3 shows symbols with a position or an open order, v2 shows all", () => {
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "-0.002" });
    signed("POST /fapi/v1/order?symbol=SOLUSDT&side=BUY&type=LIMIT&timeInForce=GTC&price=130&quantity=1");
    const v3 = JSON.parse(signed("GET /fapi/v3/positionRisk").body);
    expect(v3).toMatchObject([
      {
        symbol: "BTCUSDT",
        positionSide: "BOTH",
        positionAmt: "-0.002",
        notional: "-176.00000000",
        marginAsset: "USDT",
      },
      { symbol: "SOLUSDT", positionSide: "BOTH", positionAmt: "0.00", entryPrice: "0", bidNotional: "130" },
    ]);
    expect(JSON.parse(signed("GET /fapi/v2/positionRisk").body)).toHaveLength(venue.symbols().length);
    expect(JSON.parse(signed("GET /fapi/v3/positionRisk?symbol=ETHUSDT").body)).toEqual([]);
  });

  test("the account's totals are those of USDT, as in single-asset mode; each asset has its own", () => {
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.1", entryPrice: "87000" });
    venue.openPosition("one-way", { symbol: "BTCUSDC", amount: "0.1", entryPrice: "87490" });
    venue.transfer("one-way", "BNB", "3");
    const { totalMarginBalance, assets } = JSON.parse(signed("GET /fapi/v3/account").body);
    expect(totalMarginBalance).toBe("100100.00000000");
    const balances = assets.map((row: { asset: string; marginBalance: string }) => [row.asset, row.marginBalance]);
    expect(Object.fromEntries(balances)).toEqual({
      USDT: "100100.00000000",
      USDC: "100050.00000000",
      BNFCR: "100000.00000000",
      BNB: "3.00000000",
    });
  });

  test("a waiting conditional order puts no symbol on the list", () => {
    const algo = "algoType=CONDITIONAL&symbol=BTCUSDT&side=SELL&type=STOP_MARKET&quantity=0.01&triggerPrice=80000";
    expect(outcome(signed(`POST /fapi/v1/algoOrder?${algo}`))).toBe("200");
    expect(signed("GET /fapi/v3/positionRisk").body).toBe("[]");
  });

  test("the row has the documented fields, and profit is spelt as documented", () => {
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "1" });
    const documented =
      "symbol,positionSide,positionAmt,entryPrice,breakEvenPrice,markPrice,unRealizedProfit,liquidationPrice,isolatedMargin,notional,marginAsset,isolatedWallet,initialMargin,maintMargin,positionInitialMargin,openOrderInitialMargin,adl,bidNotional,askNotional,updateTime";
    const [row] = JSON.parse(signed("GET /fapi/v3/positionRisk").body);
    expect(Object.keys(row).join()).toBe(documented);
    const [held] = JSON.parse(signed("GET /fapi/v3/account").body).positions;
    expect(held).toMatchObject({ positionAmt: "1.000", unrealizedProfit: "0.00000000" });
  });

  test("hedge accounts show one row per leg", () => {
    venue.openPosition("hedge", { symbol: "BTCUSDT", positionSide: "LONG", amount: "1" });
    venue.openPosition("hedge", { symbol: "BTCUSDT", positionSide: "SHORT", amount: "-2" });
    const rows = JSON.parse(signed("GET /fapi/v3/positionRisk", { apiKey: "hedge" }).body);
    expect(rows).toMatchObject([
      { positionSide: "LONG", positionAmt: "1.000" },
      { positionSide: "SHORT", positionAmt: "-2.000" },
    ]);
    const v2 = JSON.parse(signed("GET /fapi/v2/positionRisk?symbol=ETHUSDT", { apiKey: "hedge" }).body);
    expect(v2.map((row: { positionSide: string }) => row.positionSide)).toEqual(["LONG", "SHORT"]);
    expect(parsed(signed("GET /fapi/v1/accountConfig", { apiKey: "hedge" }))).toMatchObject({ dualSidePosition: true });
  });
});

describe("trades", () => {
  test("are paged by id, time, order and limit", () => {
    for (let second = 0; second < 5; second += 1) {
      now = NOW + second * 1000;
      signed("POST /fapi/v1/order?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01");
    }
    const times = (query: string) =>
      JSON.parse(signed(`GET /fapi/v1/userTrades?symbol=BTCUSDT${query}`).body).map(
        (row: { time: number }) => (row.time - NOW) / 1000,
      );
    expect(times("")).toEqual([0, 1, 2, 3, 4]);
    expect(times("&limit=2")).toEqual([3, 4]);
    expect(times(`&startTime=${NOW + 1000}&limit=2`)).toEqual([1, 2]);
    expect(times(`&startTime=${NOW + 1000}&endTime=${NOW + 3000}`)).toEqual([1, 2, 3]);
    expect(times("&fromId=700000004")).toEqual([3, 4]);
    expect(times("&orderId=4000000002")).toEqual([1]);
  });
});

describe("what was", () => {
  const list = (target: string) => JSON.parse(signed(`GET /fapi/v1/${target}`).body);
  const buy = (query = "") => signed(`POST /fapi/v1/order?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01${query}`);

  test("trades without a time are those of the last week, with one a week from then", () => {
    for (const days of [0, 6, 8, 16]) {
      now = NOW + days * 86_400_000;
      buy();
    }
    const days = (query: string) =>
      list(`userTrades?symbol=BTCUSDT${query}`).map((row: { time: number }) => (row.time - NOW) / 86_400_000);
    expect(days("")).toEqual([16]);
    expect(days(`&startTime=${NOW}`)).toEqual([0, 6]);
    expect(days(`&endTime=${NOW + 86_400_000 * 9}`)).toEqual([6, 8]);
    expect(days("&fromId=700000002")).toEqual([6, 8, 16]);
  });

  test("orders are told open and closed, oldest first; one without a fill is forgotten after three days", () => {
    buy("&newClientOrderId=filled");
    const resting = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01";
    signed(`POST /fapi/v1/order?${resting}&price=85000&newClientOrderId=cancelled`);
    signed("DELETE /fapi/v1/order?symbol=BTCUSDT&origClientOrderId=cancelled");
    signed(`POST /fapi/v1/order?${resting}&price=84000&newClientOrderId=rests`);
    const ids = (query = "") =>
      list(`allOrders?symbol=BTCUSDT${query}`).map((row: { clientOrderId: string }) => row.clientOrderId);
    expect(ids()).toEqual(["filled", "cancelled", "rests"]);
    expect(ids("&limit=1")).toEqual(["rests"]);
    expect(ids(`&startTime=${NOW}&limit=1`)).toEqual(["filled"]);
    expect(ids("&orderId=4000000002")).toEqual(["cancelled", "rests"]);
    now = NOW + 3 * 86_400_000 + 1;
    expect(ids()).toEqual(["filled", "rests"]);
    now = NOW + 8 * 86_400_000;
    expect(ids()).toEqual([]);
    expect(ids(`&startTime=${NOW}`)).toEqual(["filled", "rests"]);
    expect(list("allOrders?symbol=ETHUSDT")).toEqual([]);
  });

  test("income is what was moved, paid and earned, and of one type where asked", () => {
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "-0.01", entryPrice: "90000" });
    venue.transfer("one-way", "USDT", "-12.5");
    now = NOW + 1_000;
    buy();
    const flows = (query = "") =>
      list(`income${query}`).map((row: { incomeType: string; income: string }) => [row.incomeType, row.income]);
    expect(flows()).toEqual([
      ["TRANSFER", "-12.50000000"],
      ["REALIZED_PNL", "20.00000000"],
      ["COMMISSION", "-0.44000000"],
    ]);
    expect(flows("?incomeType=TRANSFER")).toEqual([["TRANSFER", "-12.50000000"]]);
    expect(flows(`?startTime=${now}&limit=1`)).toEqual([["REALIZED_PNL", "20.00000000"]]);
    expect(flows(`?endTime=${NOW}`)).toEqual([["TRANSFER", "-12.50000000"]]);
    expect(list("income?incomeType=TRANSFER")).toEqual([
      {
        symbol: "",
        incomeType: "TRANSFER",
        income: "-12.50000000",
        asset: "USDT",
        info: "TRANSFER",
        time: NOW,
        tranId: 9_000_000_001,
        tradeId: "",
      },
    ]);
  });

  test("candles of the mark have Binance's twelve fields, and the present one is as it is so far", () => {
    now = NOW + 90_000;
    venue.setMark("BTCUSDT", "87000");
    venue.setMark("BTCUSDT", "87500");
    const klines = (query: string) => JSON.parse(raw(`GET /fapi/v1/markPriceKlines?symbol=BTCUSDT&${query}`).body);
    expect(klines("interval=1m&limit=2")).toEqual([
      [NOW, ...Array(4).fill("88000.00000000"), "0", NOW + 59_999, "0", 60, "0", "0", "0"],
      [
        ...[NOW + 60_000, "88000.00000000", "88000.00000000", "87000.00000000", "87500.00000000"],
        ...["0", NOW + 119_999, "0", 60, "0", "0", "0"],
      ],
    ]);
    const opens = (query: string) => klines(query).map(([openTime]: [number]) => (openTime - NOW) / 60_000);
    expect(opens(`interval=1m&startTime=${NOW - 1}&limit=5`)).toEqual([0, 1]);
    expect(opens(`interval=1m&startTime=${NOW - 120_000}&limit=2`)).toEqual([-2, -1]);
    expect(opens(`interval=1m&startTime=${NOW - 120_000}&endTime=${NOW}`)).toEqual([-2, -1, 0]);
    expect(opens(`interval=1m&endTime=${NOW}&limit=1`)).toEqual([0]);
    expect(klines("interval=1d&limit=2")).toHaveLength(2);
  });
});

describe("limits", () => {
  function limited(limits: Partial<Limits>): void {
    gateway = new Gateway(venue, limits);
  }

  test.each([
    ["GET /fapi/v1/ping", 1],
    ["GET /fapi/v1/time", 1],
    ["GET /fapi/v1/exchangeInfo", 1],
    ["GET /fapi/v1/premiumIndex?symbol=BTCUSDT", 1],
    ["GET /fapi/v1/premiumIndex", 10],
    ["GET /fapi/v1/ticker/bookTicker?symbol=BTCUSDT", 2],
    ["GET /fapi/v1/ticker/bookTicker", 5],
    ["GET /fapi/v3/positionRisk", 5],
    ["GET /fapi/v3/account", 5],
    ["GET /fapi/v1/accountConfig", 5],
    ["GET /fapi/v1/positionSide/dual", 30],
    ["GET /fapi/v1/openOrders", 40],
    ["GET /fapi/v1/openOrders?symbol=BTCUSDT", 1],
    ["GET /fapi/v1/openAlgoOrders", 40],
    ["GET /fapi/v1/openAlgoOrders?symbol=BTCUSDT", 1],
    ["DELETE /fapi/v1/allOpenOrders?symbol=BTCUSDT", 1],
    ["POST /fapi/v1/order?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01", 0],
    ["POST /fapi/v1/batchOrders?batchOrders=%5B%5D", 5],
    ["GET /fapi/v1/userTrades?symbol=BTCUSDT", 5],
    ["GET /fapi/v1/allOrders?symbol=BTCUSDT", 5],
    ["GET /fapi/v1/income", 30],
    ["GET /fapi/v1/markPriceKlines?symbol=BTCUSDT&interval=1m", 5],
    ["GET /fapi/v1/markPriceKlines?symbol=BTCUSDT&interval=1m&limit=99", 1],
    ["GET /fapi/v1/markPriceKlines?symbol=BTCUSDT&interval=1m&limit=100", 2],
    ["GET /fapi/v1/markPriceKlines?symbol=BTCUSDT&interval=1m&limit=1000", 5],
    ["GET /fapi/v1/markPriceKlines?symbol=BTCUSDT&interval=1m&limit=1001", 10],
  ])("%s weighs %p", (target, weight) => {
    expect(signed(target).headers["X-MBX-USED-WEIGHT-1M"]).toBe(String(weight));
  });

  test("over the weight it is 429, then 418 until the ban is over", () => {
    limited({ weightPerMinute: 2, refusalsBeforeBan: 2, banMs: 120_000 });
    const answers = Array.from({ length: 6 }, () => outcome(raw("GET /fapi/v1/ping")));
    expect(answers).toEqual(["200", "200", "429 -1003", "429 -1003", "418 -1003", "418 -1003"]);
    expect(parsed(raw("GET /fapi/v1/ping"))["msg"]).toContain(`IP banned until ${NOW + 120_000}.`);
    now = NOW + 119_999;
    expect(outcome(raw("GET /fapi/v1/ping"))).toBe("418 -1003");
    now = NOW + 120_000;
    expect(outcome(raw("GET /fapi/v1/ping"))).toBe("200");
  });

  test("a client that stops at 429 is not banned: each minute counts afresh", () => {
    limited({ weightPerMinute: 1, refusalsBeforeBan: 1 });
    for (const minute of [0, 1, 2]) {
      now = NOW + minute * 60_000;
      expect([1, 2].map(() => outcome(raw("GET /fapi/v1/ping")))).toEqual(["200", "429 -1003"]);
    }
  });

  test("a second ban is twice as long", () => {
    limited({ weightPerMinute: 0, refusalsBeforeBan: 0, banMs: 120_000 });
    raw("GET /fapi/v1/ping");
    now = NOW + 120_000;
    expect(parsed(raw("GET /fapi/v1/ping"))["msg"]).toContain(`until ${now + 240_000}.`);
  });

  test("a new minute is a new budget, and other addresses have their own", () => {
    limited({ weightPerMinute: 1 });
    expect(outcome(raw("GET /fapi/v1/ping"))).toBe("200");
    expect(outcome(raw("GET /fapi/v1/ping"))).toBe("429 -1003");
    expect(outcome(raw("GET /fapi/v1/ping", { ip: "127.0.0.2" }))).toBe("200");
    now = NOW + 60_000;
    expect(outcome(raw("GET /fapi/v1/ping"))).toBe("200");
  });

  test("reduce-only orders are not exempt from any limit", () => {
    limited({ weightPerMinute: 1 });
    raw("GET /fapi/v1/ping");
    raw("GET /fapi/v1/ping");
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.01" });
    const close = "POST /fapi/v1/order?symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.01&reduceOnly=true";
    expect(outcome(signed(close))).toBe("429 -1003");
    expect(held(venue)).toEqual(["BTCUSDT BOTH 0.01"]);
  });

  test("over the account's orders it is -1015, per 10 seconds and per minute", () => {
    limited({ ordersPer10s: 2, ordersPerMinute: 3 });
    const place = () => signed("POST /fapi/v1/order?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01");
    expect(place().headers).toMatchObject({ "X-MBX-ORDER-COUNT-10S": "1", "X-MBX-ORDER-COUNT-1M": "1" });
    expect(place().headers).toMatchObject({ "X-MBX-ORDER-COUNT-10S": "2", "X-MBX-ORDER-COUNT-1M": "2" });
    const msg = "Too many new orders; current limit is 2 orders per 10 SECOND.";
    expect(parsed(place())).toEqual({ code: -1015, msg });
    now = NOW + 10_000;
    expect(outcome(place())).toBe("200");
    expect(outcome(place())).toBe("429 -1015");
    now = NOW + 60_000;
    expect(outcome(place())).toBe("200");
    expect(parsed(signed("GET /fapi/v1/rateLimit/order"))).toMatchObject([{ limit: 2 }, { limit: 3 }]);
  });

  test("a refused order carries no order counts but uses them up", () => {
    const bad = signed("POST /fapi/v1/order?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01&reduceOnly=true");
    expect(bad.headers["X-MBX-ORDER-COUNT-10S"]).toBeUndefined();
    const good = signed("POST /fapi/v1/order?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01");
    expect(good.headers["X-MBX-ORDER-COUNT-10S"]).toBe("2");
  });

  test("a batch counts five in 10 seconds and one in the minute", () => {
    const batch = encodeURIComponent(JSON.stringify([{ symbol: "BTCUSDT" }]));
    const reply = signed(`POST /fapi/v1/batchOrders?batchOrders=${batch}`);
    expect(reply.headers).toMatchObject({ "X-MBX-ORDER-COUNT-10S": "5", "X-MBX-ORDER-COUNT-1M": "1" });
  });
});

import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import type { BinanceExchange } from "../../../src/adapters/binance/exchange.ts";
import { decimal, plain } from "../../../src/core/decimal.ts";
import { known } from "../../../src/core/reading.ts";
import type { UnixMillis } from "../../../src/core/time.ts";
import type { ProtectiveStop } from "../../../src/ports/exit-venue.ts";
import { API_KEY, connect, on, SECRET } from "./scripted-exchange.ts";
import { json, type Reply, refusal, type ScriptedVenue, serveScript } from "./scripted-venue.ts";

const ALGO = "/fapi/v1/algoOrder";
const KLINES = "/fapi/v1/markPriceKlines";

const stop: ProtectiveStop = {
  symbol: "BTCUSDT",
  positionSide: "BOTH",
  side: "SELL",
  triggerPrice: decimal("80000.10"),
  clientOrderId: "qb-1",
};

const placed = (fields: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> => ({
  algoId: 2_146_760,
  clientAlgoId: stop.clientOrderId,
  algoType: "CONDITIONAL",
  orderType: "STOP_MARKET",
  symbol: stop.symbol,
  algoStatus: "NEW",
  closePosition: true,
  ...fields,
});

describe("protect() on the wire", () => {
  const query = (more: string): string =>
    `algoType=CONDITIONAL&symbol=BTCUSDT&${more}&type=STOP_MARKET&triggerPrice=80000.1&closePosition=true&workingType=MARK_PRICE&clientAlgoId=qb-1&recvWindow=5000`;

  test.each([
    ["of a one-way account", stop, query("side=SELL")],
    ["of a short in a one-way account", { ...stop, side: "BUY" as const }, query("side=BUY")],
    ["of a long leg", { ...stop, positionSide: "LONG" as const }, query("side=SELL&positionSide=LONG")],
    [
      "of a short leg",
      { ...stop, positionSide: "SHORT" as const, side: "BUY" as const },
      query("side=BUY&positionSide=SHORT"),
    ],
  ])("%s takes the whole leg by the mark, and says no quantity and no reduceOnly", async (_fact, order, expected) => {
    await using venue = await serveScript(on(ALGO, json(placed())));
    await using exchange = connect(venue);
    expect(await exchange.exits.protect(order)).toEqual({ kind: "resting", orderId: "2146760" });
    const [sent] = venue.received.filter((request) => request.path === ALGO);
    expect(sent).toMatchObject({ method: "POST", body: "", apiKey: API_KEY });
    expect(sent?.target).toMatch(new RegExp(`^${ALGO}\\?${expected}&timestamp=\\d{13}&signature=[0-9a-f]{64}$`));
    const [signed = "", signature] = (sent?.target ?? "").slice(ALGO.length + 1).split("&signature=");
    expect(signature).toBe(createHmac("sha256", SECRET).update(signed).digest("hex"));
  });

  test.each([
    ["buying on the long leg", { ...stop, positionSide: "LONG" as const, side: "BUY" as const }],
    ["selling on the short leg", { ...stop, positionSide: "SHORT" as const }],
    ["a trigger of zero", { ...stop, triggerPrice: decimal("0") }],
    ["a trigger below zero", { ...stop, triggerPrice: decimal("-1") }],
    ["an id of 37 characters", { ...stop, clientOrderId: "x".repeat(37) }],
    ["an id with a slash", { ...stop, clientOrderId: "a/b" }],
  ])("%s is refused here, and nothing is sent", async (_fact, order) => {
    await using venue = await serveScript(on(ALGO, json(placed())));
    await using exchange = connect(venue);
    const outcome = await exchange.exits.protect(order);
    expect(outcome).toMatchObject({ kind: "refused", cause: "other", why: expect.stringMatching(/^Not sent: /) });
    expect(venue.received).toEqual([]);
  });

  const answers: readonly (readonly [fact: string, reply: Reply, outcome: object])[] = [
    ["-2021", refusal(400, -2021, "Order would immediately trigger."), { kind: "refused", cause: "crossed" }],
    ["-4142", refusal(400, -4142, "REJECT"), { kind: "refused", cause: "crossed" }],
    ["-4130", refusal(400, -4130, "An open stop or take profit order"), { kind: "refused", cause: "exists" }],
    ["-4045", refusal(400, -4045, "Reach max stop order limit."), { kind: "refused", cause: "other" }],
    ["-4210", refusal(400, -4210, "Stop price is higher"), { kind: "refused", cause: "other" }],
    ["-4061", refusal(400, -4061, "position side"), { kind: "refused", cause: "other" }],
    ["-1021", refusal(400, -1021, "Timestamp"), { kind: "refused", cause: "other" }],
    ["-1003", refusal(429, -1003, "Too many requests"), { kind: "refused", cause: "other" }],
    ["-4116", refusal(400, -4116, "ClientOrderId is duplicated."), { kind: "unknown" }],
    ["a code that is not documented", refusal(400, -4999, "?"), { kind: "unknown" }],
    ["-2021 in a server error", refusal(502, -2021, "?"), { kind: "unknown" }],
    ["-1007", refusal(408, -1007, "Timeout"), { kind: "unknown" }],
    ["503 that leaves it open", { status: 503, body: "Unknown error, please check" }, { kind: "unknown" }],
    ["503 that is a failure", { status: 503, body: "Service Unavailable." }, { kind: "refused", cause: "other" }],
    ["no answer", "hang", { kind: "unknown" }],
    ["a broken connection", "reset", { kind: "unknown" }],
    ["half an answer", "cut", { kind: "unknown" }],
    ["no JSON", { body: "<html>" }, { kind: "unknown" }],
    ["an answer without an id", json(placed({ algoId: undefined })), { kind: "unknown" }],
    ["an answer about another stop", json(placed({ clientAlgoId: "qb-2" })), { kind: "unknown" }],
    ["an answer about another symbol", json(placed({ symbol: "ETHUSDT" })), { kind: "unknown" }],
    ["a stop that triggers already", json(placed({ algoStatus: "TRIGGERING" })), { kind: "unknown" }],
    [
      "a stop that may open",
      json(placed({ closePosition: false })),
      { kind: "unknown", why: expect.stringContaining("it may open a position") },
    ],
  ];
  for (const [fact, reply, outcome] of answers) {
    test(`${fact} leaves it ${JSON.stringify(outcome)}, and is sent once`, async () => {
      await using venue = await serveScript(on(ALGO, reply));
      await using exchange = connect(venue);
      expect(await exchange.exits.protect(stop)).toMatchObject(outcome);
      expect(venue.count(ALGO)).toBe(1);
    });
  }

  test("no connection is certain: it does not rest", async () => {
    const venue = await serveScript(() => undefined);
    await venue[Symbol.asyncDispose]();
    await using exchange = connect(venue);
    expect(await exchange.exits.protect(stop)).toMatchObject({ kind: "refused", cause: "other" });
  });

  test("counts in the account's order limit, which it shares with the closes", async () => {
    await using venue = await serveScript(on(ALGO, json(placed())));
    await using exchange = connect(venue);
    const used = (): number => exchange.orderBudget().reduce((total, window) => total + window.used, 0);
    const before = used();
    await exchange.exits.protect(stop);
    // In both windows, unless one has just ended.
    expect(used() - before).toBeGreaterThanOrEqual(1);
  });
});

describe("what is asked", () => {
  const since = (Date.now() - 3_600_000) as UnixMillis;
  const asked = (venue: ScriptedVenue, path: string): readonly Record<string, string>[] =>
    venue.received
      .filter((request) => request.path === path)
      .map(({ query }) => {
        const { timestamp: _t, signature: _s, recvWindow: _r, ...rest } = Object.fromEntries(query);
        return rest;
      });

  test("transfers are asked for by type and time", async () => {
    await using venue = await serveScript(on("/fapi/v1/income", json([])));
    await using exchange = connect(venue);
    expect(await exchange.exits.transfersSince(since)).toEqual(known({ net: decimal("0"), count: 0 }));
    expect(asked(venue, "/fapi/v1/income")).toEqual([{ incomeType: "TRANSFER", startTime: `${since}`, limit: "1000" }]);
  });

  test("a transfer from before counts for nothing, even where the venue tells it", async () => {
    const row = (income: string, asset: string, time: number) => ({ incomeType: "TRANSFER", income, asset, time });
    const rows = [row("7", "USDT", since - 1), row("1", "BTC", since - 1), row("-2.5", "USDT", since)];
    await using venue = await serveScript(on("/fapi/v1/income", json(rows)));
    await using exchange = connect(venue);
    expect(await exchange.exits.transfersSince(since)).toEqual(known({ net: decimal("-2.5"), count: 1 }));
  });

  test("a full page of transfers is unknown, and so is what the venue does not keep", async () => {
    const row = { incomeType: "TRANSFER", income: "1", asset: "USDT", time: Date.now() };
    await using venue = await serveScript(on("/fapi/v1/income", json(Array(1_000).fill(row))));
    await using exchange = connect(venue);
    expect(await exchange.exits.transfersSince(since)).toMatchObject({ known: false });
    const old = (Date.now() - 90 * 86_400_000) as UnixMillis;
    expect(await exchange.exits.transfersSince(old)).toMatchObject({ known: false });
    expect(venue.count("/fapi/v1/income")).toBe(1);
  });

  test.each([
    ["fillsSince", "/fapi/v1/userTrades"],
    ["ordersSince", "/fapi/v1/allOrders"],
  ] as const)("%s asks in weeks, of any symbol", async (method, path) => {
    await using venue = await serveScript(on(path, json([])));
    await using exchange = connect(venue);
    const symbol = "币安人生USDT";
    expect(await exchange.exits[method](symbol, since)).toEqual({ known: true, value: [] });
    expect(asked(venue, path)).toEqual([{ symbol, startTime: `${since}`, limit: "1000" }]);
    const earlier = (since - 7 * 86_400_000) as UnixMillis;
    await exchange.exits[method](symbol, earlier);
    const endTime = earlier + 7 * 86_400_000 - 1;
    const weeks = asked(venue, path).slice(1);
    expect(weeks.toSorted((one, other) => Number(one["startTime"]) - Number(other["startTime"]))).toEqual([
      { symbol, startTime: `${earlier}`, endTime: `${endTime}`, limit: "1000" },
      { symbol, startTime: `${endTime + 1}`, limit: "1000" },
    ]);
  });

  test("candles are asked for without a signature, and not one before that minute counts", async () => {
    const now = Date.parse("2026-11-12T10:30:20Z");
    const candle = (openTime: number, low: string, high: string) => [openTime, high, high, low, low, "0", 0, "0"];
    const minute = Date.parse("2026-11-12T10:28:00Z");
    const page = [candle(minute - 60_000, "1", "9"), candle(minute, "5", "6"), candle(minute + 60_000, "4", "5")];
    await using venue = await serveScript(on(KLINES, json(page)), () => now);
    await using exchange = connect(venue);
    const reading = await exchange.exits.markExtremesSince("BTCUSDT", (minute + 59_999) as UnixMillis);
    expect(reading.known && [plain(reading.value.low), plain(reading.value.high)]).toEqual(["4", "6"]);
    const [request, ...more] = venue.received.filter(({ path }) => path === KLINES);
    expect(more).toEqual([]);
    expect(request?.apiKey).toBeUndefined();
    expect(Object.fromEntries(request?.query ?? [])).toEqual({
      symbol: "BTCUSDT",
      interval: "1m",
      startTime: `${minute}`,
      limit: "4",
    });
  });

  test("candles of long ago are few: minutes, hours and days", async () => {
    const now = Date.parse("2026-11-12T10:30:20Z");
    const opened = Date.parse("2025-11-12T22:58:30Z");
    const script = on(KLINES, ({ query }) => json([[Number(query.get("startTime")), "2", "3", "1", "2"]]));
    await using venue = await serveScript(script, () => now);
    await using exchange = connect(venue);
    expect(await exchange.exits.markExtremesSince("BTCUSDT", opened as UnixMillis)).toMatchObject({ known: true });
    const limits = asked(venue, KLINES).map(({ interval, limit }) => `${interval} ${limit}`);
    expect(limits.toSorted()).toEqual(["1d 366", "1h 2", "1m 3"]);
    const ancient = (now - 1_600 * 86_400_000) as UnixMillis;
    expect(await exchange.exits.markExtremesSince("BTCUSDT", ancient)).toMatchObject({ known: false });
  });

  test("extremes are unknown where a stretch of candles is missing", async () => {
    const now = Date.parse("2026-11-12T10:30:20Z");
    const script = on(KLINES, ({ query }) => {
      const startTime = Number(query.get("startTime"));
      return json(query.get("interval") === "1h" ? [] : [[startTime, "2", "3", "1", "2"]]);
    });
    await using venue = await serveScript(script, () => now);
    await using exchange = connect(venue);
    const twoDays = (now - 2 * 86_400_000) as UnixMillis;
    expect(await exchange.exits.markExtremesSince("BTCUSDT", twoDays)).toEqual({
      known: false,
      why: `GET ${KLINES}: BTCUSDT: not all candles are there`,
    });
  });
});

describe("what can't be read is unknown, and says what was asked", () => {
  const since = (Date.now() - 3_600_000) as UnixMillis;
  const asks = [
    ["/fapi/v3/account", (exchange: BinanceExchange) => exchange.exits.equity()],
    ["/fapi/v1/income", (exchange: BinanceExchange) => exchange.exits.transfersSince(since)],
    ["/fapi/v1/openAlgoOrders", (exchange: BinanceExchange) => exchange.exits.protectiveStops()],
    ["/fapi/v1/userTrades", (exchange: BinanceExchange) => exchange.exits.fillsSince("BTCUSDT", since)],
    ["/fapi/v1/allOrders", (exchange: BinanceExchange) => exchange.exits.ordersSince("BTCUSDT", since)],
    [KLINES, (exchange: BinanceExchange) => exchange.exits.markExtremesSince("BTCUSDT", since)],
  ] as const;
  const troubles: readonly (readonly [fact: string, reply: Reply])[] = [
    ["an error", refusal(400, -1121, "Invalid symbol.")],
    ["a server error", { status: 502, body: "<html>" }],
    ["another shape", json({ rows: [] })],
    ["a row that is none", json([null])],
    ["a broken connection", "reset"],
  ];
  for (const [path, ask] of asks) {
    test.each(troubles)(`${path}: %s`, async (_fact, reply) => {
      await using venue = await serveScript(on(path, reply));
      await using exchange = connect(venue);
      const reading = await ask(exchange);
      expect(reading).toMatchObject({ known: false, why: expect.stringContaining(`GET ${path}`) });
      expect(JSON.stringify(reading)).not.toContain(API_KEY);
      expect(JSON.stringify(reading)).not.toContain("signature");
    });
  }

  test("a venue that hangs is given up on", async () => {
    await using venue = await serveScript(on("/fapi/v1/userTrades", "hang"));
    await using exchange = connect(venue, { queryDeadlineMs: 300 });
    expect(await exchange.exits.fillsSince("BTCUSDT", since)).toMatchObject({ known: false });
  });

  test("while the address must be silent nothing is sent, by either port", async () => {
    const banned = refusal(418, -1003, `Way too many requests; IP banned until ${Date.now() + 120_000}.`);
    await using venue = await serveScript(on("/fapi/v3/account", banned));
    await using exchange = connect(venue);
    expect(await exchange.exits.equity()).toMatchObject({ known: false });
    const sent = venue.received.length;
    for (const [, ask] of asks) expect(await ask(exchange)).toMatchObject({ known: false });
    expect(await exchange.exits.protect(stop)).toMatchObject({ kind: "refused", cause: "other" });
    expect(await exchange.positions()).toMatchObject({ known: false });
    expect(venue.received.length).toBe(sent);
  });
});

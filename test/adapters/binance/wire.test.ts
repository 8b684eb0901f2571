import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  complaint,
  parseJson,
  readAccountConfig,
  readAccountPositions,
  readAlgoOrders,
  readBody,
  readFillTimes,
  readOrder,
  readOrderLimits,
  readPositions,
  readRegularOrders,
  readRulebook,
} from "../../../src/adapters/binance/wire.ts";
import { decimal, plain } from "../../../src/core/decimal.ts";

describe("parseJson()", () => {
  test("keeps every number as it was written", () => {
    expect(parseJson('{"a":9223372036854775807,"b":[1.10,-0,1e-7],"c":"1","d":null,"e":true}')).toEqual({
      a: "9223372036854775807",
      b: ["1.10", "-0", "1e-7"],
      c: "1",
      d: null,
      e: true,
    });
  });

  test("keeps the digits of any whole number", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n }), (id) => {
        expect(parseJson(`{"id":${id}}`)).toEqual({ id: `${id}` });
      }),
    );
  });
});

// Recorded or documented by Binance: binance.md 4.1 (documentation), freqtrade#11783 (a real row, shortened).
const documentedRow =
  '{"symbol":"ADAUSDT","positionSide":"BOTH","positionAmt":"30","entryPrice":"0.385","breakEvenPrice":"0.385077","markPrice":"0.41047590","unRealizedProfit":"0.76427700","liquidationPrice":"0","isolatedMargin":"0","notional":"12.31427700","marginAsset":"USDT","isolatedWallet":"0","initialMargin":"0.61571385","maintMargin":"0.08004280","positionInitialMargin":"0.61571385","openOrderInitialMargin":"0","adl":2,"bidNotional":"0","askNotional":"0","updateTime":1720736417660}';

describe("readPositions()", () => {
  const read = (text: string): unknown[] =>
    readPositions(parseJson(text)).map(({ symbol, positionSide, amount, entryPrice, markPrice, unrealizedPnl }) => [
      symbol,
      positionSide,
      ...[amount, entryPrice, markPrice, unrealizedPnl].map(plain),
    ]);
  const row = (fields: object): string =>
    `[${JSON.stringify({ symbol: "X", positionSide: "BOTH", positionAmt: "1", entryPrice: "2", markPrice: "3", unRealizedProfit: "4", ...fields })}]`;

  const rows: readonly (readonly [fact: string, text: string, positions: unknown[]])[] = [
    ["the documented row", `[${documentedRow}]`, [["ADAUSDT", "BOTH", "30", "0.385", "0.4104759", "0.764277"]]],
    ["a short", row({ positionAmt: "-1.000" }), [["X", "BOTH", "-1", "2", "3", "4"]]],
    ["numbers that are not quoted", row({ positionAmt: 0.1, entryPrice: 7 }), [["X", "BOTH", "0.1", "7", "3", "4"]]],
    [
      "exponents",
      row({ entryPrice: "0E-8", markPrice: "1.25e+3", unRealizedProfit: "-5E-7" }),
      [["X", "BOTH", "1", "0", "1250", "-0.0000005"]],
    ],
    [
      "a short leg is short whatever its sign",
      row({ positionSide: "SHORT", positionAmt: "5" }),
      [["X", "SHORT", "-5", "2", "3", "4"]],
    ],
    [
      "a long leg is long whatever its sign",
      row({ positionSide: "LONG", positionAmt: "-5" }),
      [["X", "LONG", "5", "2", "3", "4"]],
    ],
    ["zero in any spelling is nothing", row({ positionAmt: "-0.000" }), []],
    ["no rows", "[]", []],
  ];
  for (const [fact, text, positions] of rows) {
    test(`reads ${fact}`, () => expect(read(text)).toEqual(positions));
  }

  const extras = (fields: object): unknown => {
    const [leg] = readPositions(parseJson(row(fields)));
    return [leg?.leverage, leg?.liquidationPrice].map((value) => value && plain(value));
  };
  test.each([
    [
      "v3: notional by margin, rounded",
      { notional: "12.31427700", positionInitialMargin: "0.61571385" },
      ["20", undefined],
    ],
    ["v3: of a short", { notional: "-49.72023376", positionInitialMargin: "2.48601169" }, ["20", undefined]],
    [
      "v3: rounded margins still make it whole",
      { notional: "0.01", positionInitialMargin: "0.00008065" },
      ["124", undefined],
    ],
    ["v3: no margin, no leverage", { notional: "12", positionInitialMargin: "0" }, [undefined, undefined]],
    ["v3: no notional, no leverage", { positionInitialMargin: "1" }, [undefined, undefined]],
    ["v3: less than its margin is no leverage", { notional: "1", positionInitialMargin: "9" }, [undefined, undefined]],
    ["v2: as told", { leverage: "7", notional: "12", positionInitialMargin: "1" }, ["7", undefined]],
    ["v2: as a bare number", { leverage: 10 }, ["10", undefined]],
    ["v2: zero is no leverage", { leverage: "0" }, [undefined, undefined]],
    ["a liquidation price", { liquidationPrice: "78313.3755" }, [undefined, "78313.3755"]],
    ["no liquidation price is nowhere", { liquidationPrice: "0" }, [undefined, null]],
    ["nowhere, by an exponent", { liquidationPrice: "0E-8" }, [undefined, null]],
    ["below zero is nowhere", { liquidationPrice: "-5.5" }, [undefined, null]],
    [
      "what is no number is not known",
      { leverage: "--", liquidationPrice: "", notional: null },
      [undefined, undefined],
    ],
    ["what is something else is not known", { leverage: {}, liquidationPrice: [] }, [undefined, undefined]],
  ])("knows leverage and liquidation price: %s", (_fact, fields, expected) => {
    expect(extras(fields)).toEqual(expected);
  });

  test("knows the leverage of the documented row, and that it is liquidated nowhere", () => {
    const [leg] = readPositions(parseJson(`[${documentedRow}]`));
    expect([leg?.leverage && plain(leg.leverage), leg?.liquidationPrice]).toEqual(["20", null]);
  });

  test("a leg whose leverage is not known has no such field", () => {
    expect(Object.keys(readPositions(parseJson(row({})))[0] ?? {})).not.toContain("leverage");
  });

  const unreadable = [
    ["no list", "{}"],
    ["null", "null"],
    ["a row that is null", "[null]"],
    ["no symbol", row({ symbol: undefined })],
    ["an empty symbol", row({ symbol: "" })],
    ["another leg", row({ positionSide: "both" })],
    ["no amount", row({ positionAmt: undefined })],
    ["an empty amount", row({ positionAmt: "" })],
    ["an amount that is null", row({ positionAmt: null })],
    ["an amount in words", row({ positionAmt: "Infinity" })],
    ["an amount with a comma", row({ positionAmt: "1,5" })],
    ["an endless exponent", row({ positionAmt: "1e9999" })],
    ["no mark price", row({ markPrice: undefined })],
    ["one bad row of two", `[${documentedRow},{"symbol":"X"}]`],
  ] as const;
  for (const [fact, text] of unreadable) {
    test(`refuses ${fact}`, () => expect(() => read(text)).toThrow());
  }

  test("says where the first unexpected value is", () => {
    let said = "";
    try {
      read(`[${documentedRow},${row({ positionSide: "UP" }).slice(1, -1)}]`);
    } catch (error) {
      said = complaint(error);
    }
    expect(said).toBe('unexpected value at "1.positionSide"');
  });
});

describe("readAccountPositions()", () => {
  const read = (rows: unknown): unknown[] =>
    readAccountPositions(parseJson(JSON.stringify({ positions: rows }))).map((leg) => [
      `${leg.symbol} ${leg.positionSide} ${plain(leg.amount)}`,
      ...[leg.markPrice, leg.entryPrice, leg.unrealizedPnl].map(plain),
    ]);
  const row = { symbol: "X", positionSide: "BOTH", positionAmt: "2", notional: "10", unrealizedProfit: "4" };

  test.each([
    ["a long: mark from the notional, entry from the profit", row, ["X BOTH 2", "5", "3", "4"]],
    ["a short", { ...row, positionAmt: "-2", notional: "-10" }, ["X BOTH -2", "5", "7", "4"]],
    [
      "a short leg in hedge mode",
      { ...row, positionSide: "SHORT", positionAmt: "-2", notional: "-10" },
      ["X SHORT -2", "5", "7", "4"],
    ],
  ])("reads %s", (_fact, leg, expected) => expect(read([leg])).toEqual([expected]));

  test("leaves out what is empty, and takes nothing for empty that it can't read", () => {
    expect(read([{ ...row, positionAmt: "0.000" }])).toEqual([]);
    expect(() => read([row, { symbol: "Y" }])).toThrow();
    expect(() => readAccountPositions(parseJson("{}"))).toThrow();
  });
});

describe("readRulebook()", () => {
  const rules = (filters: readonly object[], more: object = {}): unknown =>
    readRulebook(parseJson(JSON.stringify({ symbols: [{ symbol: "X", ...more, filters }] }))).get("X");
  const lot = { filterType: "LOT_SIZE", minQty: "0.1", maxQty: "50", stepSize: "0.1" };
  const market = { filterType: "MARKET_LOT_SIZE", minQty: "0.1", maxQty: "100", stepSize: "0.1" };
  const band = { filterType: "PERCENT_PRICE", multiplierUp: "1.05", multiplierDown: "0.95", multiplierDecimal: "4" };
  const price = { filterType: "PRICE_FILTER", minPrice: "0.1", maxPrice: "9", tickSize: "0.01" };

  test("takes the market lot, within the limit lot, and the price band on its grid", () => {
    expect(rules([price, lot, market, band])).toEqual({
      lot: { min: decimal("0.1"), max: decimal("50"), step: decimal("0.1") },
      band: { up: decimal("1.05"), down: decimal("0.95"), tick: decimal("0.01") },
    });
  });

  test("does without what is not there or can't be right", () => {
    expect(rules([])).toEqual({ lot: null, band: null });
    expect(rules([{ ...market, stepSize: "0" }, { ...band, multiplierUp: "0.5" }, price])).toEqual({
      lot: null,
      band: null,
    });
  });

  test("knows a contract of any type and status: TradFi perpetuals, and what Binance thinks of next", () => {
    const known = rules([market], { contractType: "TRADIFI_PERPETUAL", status: "NEVER_HEARD_OF" });
    expect(known).toMatchObject({ lot: { step: decimal("0.1") } });
  });
});

describe("readOrder()", () => {
  // Recorded on production (ccxt#10245, 2021); the second as documented since 2026-07, without avgPrice and cumQuote.
  const recorded =
    '{"orderId":13970573661,"symbol":"MATICUSDT","status":"FILLED","clientOrderId":"x-xcKtGhcu506ba24b0bc2b85dd987a1","price":"0","avgPrice":"1.49490","origQty":"811","executedQty":"811","cumQty":"811","cumQuote":"1212.36390","timeInForce":"GTC","type":"MARKET","reduceOnly":false,"closePosition":false,"side":"BUY","positionSide":"BOTH","stopPrice":"0","workingType":"CONTRACT_PRICE","priceProtect":false,"origType":"MARKET","updateTime":1634432817603}';
  for (const text of [
    recorded,
    recorded.replace('"avgPrice":"1.49490",', "").replace('"cumQuote":"1212.36390",', ""),
  ]) {
    test(`reads ${text.includes("avgPrice") ? "a recorded fill" : "a fill without avgPrice and cumQuote"}`, () => {
      const { executed, ...order } = readOrder(parseJson(text));
      expect({ ...order, executed: plain(executed) }).toEqual({
        symbol: "MATICUSDT",
        orderId: "13970573661",
        clientOrderId: "x-xcKtGhcu506ba24b0bc2b85dd987a1",
        status: "FILLED",
        executed: "811",
        reduceOnly: false,
      });
    });
  }
});

test("each family of resting orders has its own name for the id", () => {
  expect(readRegularOrders(parseJson('[{"symbol":"A","orderId":1}]'))).toMatchObject([
    { family: "regular", orderId: "1" },
  ]);
  expect(readAlgoOrders(parseJson('[{"symbol":"A","algoId":2}]'))).toMatchObject([{ family: "algo", orderId: "2" }]);
  expect(() => readRegularOrders(parseJson('[{"symbol":"A","algoId":2}]'))).toThrow();
  expect(() => readAlgoOrders(parseJson('[{"symbol":"A","algoId":2.5}]'))).toThrow();
});

test("readFillTimes() reads times as numbers", () => {
  expect(readFillTimes(parseJson('[{"time":1569514978020,"price":"1"}]')).map(Number)).toEqual([1_569_514_978_020]);
});

describe("readOrderLimits()", () => {
  const tenSeconds = { rateLimitType: "ORDERS", interval: "SECOND", intervalNum: 10, limit: 10_000 };
  const minute = { rateLimitType: "ORDERS", interval: "MINUTE", intervalNum: 1, limit: 20_000 };
  const weight = { rateLimitType: "REQUEST_WEIGHT", interval: "MINUTE", intervalNum: 1, limit: 2_400 };
  const rows: readonly (readonly [fact: string, body: unknown, per10s: number, perMinute: number])[] = [
    ["the venue's limits", { rateLimits: [weight, minute, tenSeconds], symbols: [] }, 10_000, 20_000],
    ["the account's own, as a bare list", [tenSeconds, minute], 10_000, 20_000],
    ["the default for a limit that is not listed", { rateLimits: [weight, minute] }, 300, 20_000],
    ["the defaults from an empty list", [], 300, 1_200],
    [
      "the default for a limit of nothing",
      [
        { ...tenSeconds, limit: 0 },
        { ...minute, limit: -1 },
      ],
      300,
      1_200,
    ],
    [
      "no limit of another length",
      [
        { ...tenSeconds, intervalNum: 1 },
        { ...minute, interval: "DAY" },
      ],
      300,
      1_200,
    ],
  ];
  for (const [fact, body, per10s, perMinute] of rows) {
    test(`reads ${fact}`, () => {
      expect(readOrderLimits(parseJson(JSON.stringify(body)))).toEqual({ per10s, perMinute });
    });
  }

  for (const text of ["{}", "null", '[{"rateLimitType":"ORDERS"}]', '{"rateLimits":{}}']) {
    test(`refuses ${text}`, () => expect(() => readOrderLimits(parseJson(text))).toThrow());
  }
});

test.each([
  [true, "hedge"],
  [false, "one_way"],
] as const)("readAccountConfig() reads dualSidePosition %p as %s", (dualSidePosition, mode) => {
  const body = JSON.stringify({ feeTier: 0, canTrade: false, dualSidePosition, tradeGroupId: -1 });
  expect(readAccountConfig(parseJson(body))).toEqual({ canTrade: false, mode });
  expect(() => readAccountConfig(parseJson('{"canTrade":true}'))).toThrow();
});

describe("readBody()", () => {
  const rows: readonly (readonly [status: number, text: string, body: object])[] = [
    [200, "[]", { ok: true, json: [] }],
    [200, '{"code":200,"msg":"done"}', { ok: true, json: { code: "200", msg: "done" } }],
    [200, '{"code":-2022,"msg":"no"}', { ok: false, error: { status: 200, code: -2022, message: "no" } }],
    [400, '{"code":-2022,"msg":"no"}', { ok: false, error: { status: 400, code: -2022, message: "no" } }],
    [400, '{"code":200,"msg":"done"}', { ok: false, error: { status: 400, code: 200, message: "done" } }],
    [503, "Service Unavailable.", { ok: false, error: { status: 503, code: null, message: "Service Unavailable." } }],
    [
      403,
      "<html>…</html>",
      { ok: false, error: { code: null, message: "a body of 14 characters that is no JSON error" } },
    ],
    [307, "", { ok: false, error: { status: 307, code: null, message: "" } }],
    [500, "[]", { ok: false, error: { status: 500, code: null, message: "[]" } }],
  ];
  for (const [status, text, body] of rows) {
    test(`${status} ${text || "(empty)"}`, () => expect(readBody(status, text)).toMatchObject(body));
  }

  for (const text of ["", "<html>", '{"orderId":']) {
    test(`refuses 200 with ${JSON.stringify(text)}`, () => expect(() => readBody(200, text)).toThrow());
  }
});

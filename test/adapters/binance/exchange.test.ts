import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { papiBaseFor } from "../../../src/adapters/binance/base-url.ts";
import { type BinanceExchange, type BinanceOptions, binanceExchange } from "../../../src/adapters/binance/exchange.ts";
import { hostClock } from "../../../src/adapters/host/clock.ts";
import { decimal, plain } from "../../../src/core/decimal.ts";
import type { CloseOrder } from "../../../src/core/position.ts";
import type { UnixMillis } from "../../../src/core/time.ts";
import { all } from "../../support/core.ts";
import { API_KEY, connect, on, SECRET } from "./scripted-exchange.ts";
import { json, type Received, type Reply, refusal, serveScript } from "./scripted-venue.ts";

const ORDER = "/fapi/v1/order";

const oneWay: CloseOrder = {
  symbol: "BTCUSDT",
  positionSide: "BOTH",
  side: "SELL",
  quantity: decimal("0.0020"),
  mode: "one_way",
  limitPrice: null,
  clientOrderId: "quantum-1",
};

const report = (fields: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> => ({
  symbol: oneWay.symbol,
  orderId: 4_087_922_044,
  clientOrderId: oneWay.clientOrderId,
  status: "FILLED",
  executedQty: "0.002",
  ...fields,
});

describe("close() on the wire", () => {
  const rows: readonly (readonly [fact: string, order: CloseOrder, query: string])[] = [
    [
      "one-way mode says reduceOnly and no leg",
      oneWay,
      "symbol=BTCUSDT&side=SELL&reduceOnly=true&type=MARKET&quantity=0.002&newClientOrderId=quantum-1&newOrderRespType=RESULT&recvWindow=5000",
    ],
    [
      "hedge mode says the leg and no reduceOnly",
      { ...oneWay, positionSide: "SHORT", side: "BUY", mode: "hedge" },
      "symbol=BTCUSDT&side=BUY&positionSide=SHORT&type=MARKET&quantity=0.002&newClientOrderId=quantum-1&newOrderRespType=RESULT&recvWindow=5000",
    ],
    [
      "a sold row of a hedge account can only be its long leg, whatever the row calls it",
      { ...oneWay, mode: "hedge" },
      "symbol=BTCUSDT&side=SELL&positionSide=LONG&type=MARKET&quantity=0.002&newClientOrderId=quantum-1&newOrderRespType=RESULT&recvWindow=5000",
    ],
    [
      "a limit price makes it a limit order that never rests",
      { ...oneWay, limitPrice: decimal("48000.0") },
      "symbol=BTCUSDT&side=SELL&reduceOnly=true&type=LIMIT&timeInForce=IOC&price=48000&quantity=0.002&newClientOrderId=quantum-1&newOrderRespType=RESULT&recvWindow=5000",
    ],
    [
      "a symbol that is not ASCII is percent-encoded",
      { ...oneWay, symbol: "币安人生USDT", quantity: decimal("123456789") },
      "symbol=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT&side=SELL&reduceOnly=true&type=MARKET&quantity=123456789&newClientOrderId=quantum-1&newOrderRespType=RESULT&recvWindow=5000",
    ],
    [
      "a tiny quantity is written without an exponent",
      { ...oneWay, quantity: decimal("0.00000001") },
      "symbol=BTCUSDT&side=SELL&reduceOnly=true&type=MARKET&quantity=0.00000001&newClientOrderId=quantum-1&newOrderRespType=RESULT&recvWindow=5000",
    ],
  ];
  for (const [fact, order, query] of rows) {
    test(fact, async () => {
      await using venue = await serveScript(on(ORDER, json(report({ symbol: order.symbol }))));
      await using exchange = connect(venue);
      expect(await exchange.close(order)).toMatchObject({ kind: "executed" });
      const [sent] = venue.received.filter((request) => request.path === ORDER);
      expect(sent).toMatchObject({ method: "POST", body: "", apiKey: API_KEY });
      expect(sent?.target).toMatch(new RegExp(`^${ORDER}\\?${query}&timestamp=\\d{13}&signature=[0-9a-f]{64}$`));
      const [signed, signature] = (sent?.target ?? "").slice(ORDER.length + 1).split("&signature=");
      expect(signature).toBe(
        createHmac("sha256", SECRET)
          .update(signed ?? "")
          .digest("hex"),
      );
    });
  }

  test("a base URL with a path keeps it", async () => {
    await using venue = await serveScript((request) =>
      json(request.path.endsWith("/time") ? { serverTime: Date.now() } : report()),
    );
    await using exchange = connect(venue, { baseUrl: `${venue.url}/proxy/` });
    expect(await exchange.close(oneWay)).toMatchObject({ kind: "executed" });
    expect(venue.count("/proxy/fapi/v1/order")).toBe(1);
  });

  const unsendable: readonly (readonly [fact: string, order: CloseOrder])[] = [
    ["buying on the long leg", { ...oneWay, positionSide: "LONG", side: "BUY" }],
    ["selling on the short leg", { ...oneWay, positionSide: "SHORT", side: "SELL" }],
    ["a quantity of zero", { ...oneWay, quantity: decimal("0") }],
    ["a negative quantity", { ...oneWay, quantity: decimal("-1") }],
    ["a client order id of 37 characters", { ...oneWay, clientOrderId: "x".repeat(37) }],
    ["a client order id with a slash", { ...oneWay, clientOrderId: "a/b" }],
  ];
  for (const [fact, order] of unsendable) {
    test(`${fact} is refused here and never sent`, async () => {
      await using venue = await serveScript(on(ORDER, json(report())));
      await using exchange = connect(venue);
      expect(await exchange.close(order)).toMatchObject({ kind: "refused", code: null });
      expect(venue.count(ORDER)).toBe(0);
    });
  }
});

describe("close() reports what the answer proves, having sent the order once", () => {
  const page = "<html><body><h1>503 Service Unavailable</h1></body></html>";
  const rows: readonly (readonly [fact: string, reply: Reply, outcome: Readonly<Record<string, unknown>>])[] = [
    ["filled", json(report()), { kind: "executed", orderId: "4087922044" }],
    [
      "an id above 2^53 keeps its digits",
      { body: JSON.stringify(report()).replace("4087922044", "9223372036854775807") },
      { kind: "executed", orderId: "9223372036854775807" },
    ],
    ["expired", json(report({ status: "EXPIRED", executedQty: "0.001" })), { kind: "executed" }],
    ["expired in match", json(report({ status: "EXPIRED_IN_MATCH", executedQty: "0" })), { kind: "executed" }],
    ["cancelled", json(report({ status: "CANCELED", executedQty: "0" })), { kind: "executed" }],
    ["rejected", json(report({ status: "REJECTED", executedQty: "0" })), { kind: "executed" }],
    ["new", json(report({ status: "NEW", executedQty: "0" })), { kind: "unknown" }],
    ["partially filled", json(report({ status: "PARTIALLY_FILLED", executedQty: "0.001" })), { kind: "unknown" }],
    ["a status nobody has heard of", json(report({ status: "ABDUCTED" })), { kind: "unknown" }],
    ["another order's report", json(report({ clientOrderId: "quantum-2" })), { kind: "unknown" }],
    ["another symbol's report", json(report({ symbol: "ETHUSDT" })), { kind: "unknown" }],
    ["reduce-only, and the venue says so", json(report({ reduceOnly: true })), { kind: "executed" }],
    [
      "the venue dropped the reduce-only flag",
      json(report({ reduceOnly: false })),
      {
        kind: "unknown",
        why: expect.stringContaining("came back with reduceOnly false: it may have opened a position"),
      },
    ],
    ["no executed quantity", json(report({ executedQty: undefined })), { kind: "unknown" }],
    ["an executed quantity that is no number", json(report({ executedQty: "many" })), { kind: "unknown" }],
    ["an empty 200", { body: "" }, { kind: "unknown" }],
    ["a page with 200", { body: page }, { kind: "unknown" }],
    ["a list", json([report()]), { kind: "unknown" }],
    ["reduce-only rejected", refusal(400, -2022, "ReduceOnly Order is rejected."), { kind: "refused", code: -2022 }],
    ["a refusal with 200", refusal(200, -2022, "ReduceOnly Order is rejected."), { kind: "refused", code: -2022 }],
    [
      "a wrong timestamp",
      refusal(400, -1021, "Timestamp for this request is outside of the recvWindow."),
      { kind: "refused", code: -1021 },
    ],
    ["a code nobody has heard of", refusal(400, -9999, "Surprise."), { kind: "unknown" }],
    [
      "execution status unknown",
      refusal(408, -1007, "Timeout waiting for response from backend server."),
      { kind: "unknown" },
    ],
    ["408 without a body", { status: 408, body: "" }, { kind: "unknown" }],
    [
      "503 unknown error",
      refusal(503, -1000, "Unknown error, please check your request or try again later."),
      { kind: "unknown" },
    ],
    [
      "503 unknown error as text",
      { status: 503, body: "Unknown error, please check your request or try again later." },
      { kind: "unknown" },
    ],
    ["503 service unavailable as text", { status: 503, body: "Service Unavailable." }, { kind: "refused", code: null }],
    [
      "503 throttled",
      refusal(503, -1008, "Request throttled by system-level protection."),
      { kind: "refused", code: -1008 },
    ],
    ["503 as a balancer's page", { status: 503, body: page }, { kind: "unknown" }],
    [
      "500 with a code that would be a refusal elsewhere",
      refusal(500, -2022, "ReduceOnly Order is rejected."),
      { kind: "unknown" },
    ],
    ["502", { status: 502, body: "<html>Bad gateway</html>" }, { kind: "unknown" }],
    ["429", { status: 429, body: "" }, { kind: "refused", code: null }],
    ["307", { status: 307, body: "", headers: { location: "/fapi/v1/order?again=1" } }, { kind: "unknown" }],
    ["the socket closes", "reset", { kind: "unknown" }],
    ["the body is cut off", "cut", { kind: "unknown" }],
    ["what comes is no HTTP", "garbage", { kind: "unknown" }],
    ["no answer", "hang", { kind: "unknown" }],
  ];
  for (const [fact, reply, outcome] of rows) {
    test(`${fact}: ${String(outcome["kind"])}`, async () => {
      await using venue = await serveScript(on(ORDER, reply));
      await using exchange = connect(venue);
      // A kept-alive socket is where a hidden retry would happen.
      expect(await exchange.warm(1)).toMatchObject({ known: true });
      expect(await exchange.close(oneWay)).toMatchObject(outcome);
      expect(venue.count(ORDER)).toBe(1);
    });
  }

  test("executed is exactly what the venue says, not what was asked for", async () => {
    await using venue = await serveScript(on(ORDER, json(report({ status: "EXPIRED", executedQty: "0.00150" }))));
    await using exchange = connect(venue);
    const outcome = await exchange.close(oneWay);
    expect(outcome.kind === "executed" ? plain(outcome.executed) : outcome).toBe("0.0015");
  });

  test("where nobody listens the order was certainly not executed", async () => {
    const venue = await serveScript(() => undefined);
    await venue[Symbol.asyncDispose]();
    await using exchange = connect(venue);
    expect(await exchange.close(oneWay)).toMatchObject({
      kind: "refused",
      code: null,
      why: expect.stringMatching(/^POST \/fapi\/v1\/order: .*; it was not sent$/),
    });
  });
});

describe("a question", () => {
  const row = {
    symbol: "BTCUSDT",
    positionSide: "BOTH",
    positionAmt: "0.002",
    entryPrice: "51000.0",
    markPrice: "52000.5",
    unRealizedProfit: "2.001",
  };
  const RISK = "/fapi/v3/positionRisk";

  const readings: readonly (readonly [fact: string, reply: Reply, reading: unknown])[] = [
    ["an empty list is flat", json([]), { known: true, value: [] }],
    [
      "rows of amount zero are nothing",
      json([
        { ...row, positionAmt: "0" },
        { ...row, positionAmt: "0.000" },
      ]),
      { known: true, value: [] },
    ],
    [
      "fields nobody needs are ignored",
      json([{ ...row, adl: 2, news: {} }]),
      { known: true, value: [{ symbol: "BTCUSDT" }] },
    ],
    ["a row without amount makes all unknown", json([row, { ...row, positionAmt: undefined }]), { known: false }],
    [
      "a row with an unreadable amount makes all unknown",
      json([row, { ...row, positionAmt: "NaN" }]),
      { known: false },
    ],
    ["a leg nobody has heard of makes all unknown", json([{ ...row, positionSide: "DIAGONAL" }]), { known: false }],
    ["an object is unknown", json({}), { known: false }],
    ["a page is unknown", { body: "<html></html>" }, { known: false }],
    ["half a list is unknown", { body: '[{"symbol":' }, { known: false }],
    [
      "a refused key is unknown",
      refusal(401, -2015, "Invalid API-key, IP, or permissions for action."),
      { known: false },
    ],
    ["a server error is unknown", { status: 502, body: "" }, { known: false }],
    ["a redirect is unknown", { status: 307, body: "", headers: { location: "/" } }, { known: false }],
    ["a closed socket is unknown", "reset", { known: false }],
    ["silence is unknown", "hang", { known: false }],
  ];
  for (const [fact, reply, reading] of readings) {
    test(`positions(): ${fact}`, async () => {
      await using venue = await serveScript(on(RISK, reply));
      await using exchange = connect(venue);
      expect(await exchange.positions()).toMatchObject(reading as object);
      expect(venue.count(RISK)).toBe(1);
    });
  }

  test("refused for its timestamp is asked once more, by the venue's clock", async () => {
    let asked = 0;
    const script = on(RISK, () => {
      asked += 1;
      return asked === 1
        ? refusal(400, -1021, "Timestamp for this request is outside of the recvWindow.")
        : json([row]);
    });
    await using venue = await serveScript(script);
    await using exchange = connect(venue);
    expect(await exchange.positions()).toMatchObject({ known: true, value: [{ symbol: "BTCUSDT" }] });
    expect(asked).toBe(2);
  });

  test("refused for its timestamp twice is unknown, and not asked a third time", async () => {
    await using venue = await serveScript(on(RISK, refusal(400, -1021, "Timestamp.")));
    await using exchange = connect(venue);
    expect(await exchange.positions()).toMatchObject({
      known: false,
      why: expect.stringContaining("GET /fapi/v3/positionRisk: HTTP 400, code -1021: Timestamp."),
    });
    expect(venue.count(RISK)).toBe(2);
  });

  describe("positions() where v3 fails", () => {
    const FALLBACK = "/fapi/v2/positionRisk";
    const failures: readonly (readonly [fact: string, reply: Reply])[] = [
      ["answers 503", { status: 503, body: "Service Unavailable." }],
      ["never answers", "hang"],
      ["resets the connection", "reset"],
      ["sends half an answer", "cut"],
      ["sends a row that can't be read", json([{ ...row, positionAmt: "many" }])],
      ["is gone", { status: 404, body: "" }],
    ];

    test.each(failures)("and %s, the older list is the answer", async (_fact, reply) => {
      const rows = [row, { ...row, symbol: "ETHUSDT", positionAmt: "0.000" }];
      await using venue = await serveScript((request) => on(RISK, reply)(request) ?? on(FALLBACK, json(rows))(request));
      await using exchange = connect(venue);
      const reading = await exchange.positions();
      if (!reading.known) throw new Error(reading.why);
      expect(reading.value.map(({ symbol, amount }) => `${symbol} ${plain(amount)}`)).toEqual(["BTCUSDT 0.002"]);
    });

    test("and the older list too, the account's own legs are the answer", async () => {
      const legs = [
        { ...row, notional: "120", unrealizedProfit: "-4" },
        { symbol: "ETHUSDT", positionSide: "BOTH", positionAmt: "0", notional: "0", unrealizedProfit: "0" },
      ];
      const account = on("/fapi/v3/account", json({ positions: legs, assets: [] }));
      const gone = { status: 503, body: "Service Unavailable." };
      const script = (request: Received): Reply | undefined =>
        on(RISK, gone)(request) ?? on(FALLBACK, gone)(request) ?? account(request);
      await using venue = await serveScript(script);
      await using exchange = connect(venue);
      const reading = await exchange.positions();
      if (!reading.known) throw new Error(reading.why);
      const [leg, ...more] = reading.value;
      expect([leg?.symbol, more.length]).toEqual(["BTCUSDT", 0]);
      const shown = [leg?.amount, leg?.markPrice, leg?.entryPrice, leg?.unrealizedPnl];
      expect(shown.map((value) => value && plain(value))).toEqual(["0.002", "60000", "62000", "-4"]);
    });

    test("and the older list too, it is unknown for both reasons, never empty", async () => {
      const refused = refusal(400, -1000, "An unknown error occured.");
      await using venue = await serveScript((request) => on(RISK, refused)(request) ?? on(FALLBACK, "reset")(request));
      await using exchange = connect(venue);
      const reading = await exchange.positions();
      if (reading.known) throw new Error("expected no answer");
      expect(reading.why).toContain("GET /fapi/v3/positionRisk: HTTP 400");
      expect(reading.why).toContain("GET /fapi/v2/positionRisk: ");
    });
  });

  test("answered in time by v3, the older list is not asked for", async () => {
    await using venue = await serveScript(on(RISK, json([row])));
    await using exchange = connect(venue);
    expect((await exchange.positions()).known).toBe(true);
    expect(venue.count("/fapi/v2/positionRisk")).toBe(0);
  });

  test("carries the venue's time, slightly in the past, while the wall clock here is a year off", async () => {
    const venueTime = (): number => 1_900_000_000_000 + performance.now();
    await using venue = await serveScript(on(RISK, json([])), venueTime);
    await using exchange = connect(venue, {
      clock: { ...hostClock, wall: () => (Date.now() + 366 * 86_400_000) as UnixMillis },
    });
    expect(await exchange.positions()).toEqual({ known: true, value: [] });
    const behindMs = venueTime() - Number(venue.received.at(-1)?.query.get("timestamp"));
    expect(behindMs).toBeGreaterThan(0);
    expect(behindMs).toBeLessThan(1_000);
  });

  test("carries the wall clock's time while the venue's clock cannot be read", async () => {
    await using venue = await serveScript((request) => {
      if (request.path === "/fapi/v1/time") return "hang";
      return request.path === RISK ? json([]) : undefined;
    });
    await using exchange = connect(venue);
    const before = Date.now();
    expect(await exchange.positions()).toEqual({ known: true, value: [] });
    expect(Number(venue.received.at(-1)?.query.get("timestamp"))).toBeGreaterThanOrEqual(before);
  });
});

describe("restingOrders()", () => {
  const regular = on("/fapi/v1/openOrders", json([{ symbol: "BTCUSDT", orderId: 11, type: "LIMIT" }]));
  const algo = on("/fapi/v1/openAlgoOrders", { body: '[{"symbol":"ETHUSDT","algoId":9007199254740993}]' });

  const plainLeg = { positionSide: "BOTH", closesPosition: false } as const;

  test("joins both families and keeps the digits of their ids", async () => {
    await using venue = await serveScript((request) => regular(request) ?? algo(request));
    await using exchange = connect(venue);
    expect(await exchange.restingOrders()).toEqual({
      known: true,
      value: [
        { symbol: "BTCUSDT", family: "regular", orderId: "11", ...plainLeg },
        { symbol: "ETHUSDT", family: "algo", orderId: "9007199254740993", ...plainLeg },
      ],
    });
  });

  for (const [name, script] of [
    ["algo", regular],
    ["regular", algo],
  ] as const) {
    test(`is unknown where the ${name} family cannot be read`, async () => {
      await using venue = await serveScript(script);
      await using exchange = connect(venue);
      expect(await exchange.restingOrders()).toMatchObject({ known: false });
    });
  }
});

describe("cancel()", () => {
  const done = json({ code: 200, msg: "The operation of cancel all open order is done." });
  const rows: readonly (readonly [fact: string, reply: Reply, kind: "cancelled" | "failed"])[] = [
    ["code 200 is success", done, "cancelled"],
    ["nothing to cancel is cancelled", refusal(400, -2011, "Unknown order sent."), "cancelled"],
    ["a refusal fails", refusal(400, -1121, "Invalid symbol."), "failed"],
    [
      "an unknown outcome fails",
      refusal(503, -1000, "Unknown error, please check your request or try again later."),
      "failed",
    ],
    ["an answer that cannot be read fails", json({}), "failed"],
    ["a closed socket fails", "reset", "failed"],
    ["silence fails", "hang", "failed"],
  ];
  for (const [fact, reply, kind] of rows) {
    test(fact, async () => {
      await using venue = await serveScript(on("/fapi/v1/allOpenOrders", reply));
      await using exchange = connect(venue);
      expect(await exchange.cancel(all("BTCUSDT", "regular"))).toMatchObject({ kind });
      expect(venue.count("/fapi/v1/allOpenOrders")).toBe(1);
    });
  }

  test("each family has its own call, for one symbol", async () => {
    await using venue = await serveScript((request) => (request.method === "DELETE" ? done : undefined));
    await using exchange = connect(venue);
    await exchange.cancel(all("BTCUSDT", "regular"));
    await exchange.cancel(all("ETHUSDT", "algo"));
    const deletes = venue.received.filter((request) => request.method === "DELETE");
    expect(deletes.map(({ path, query }) => `${path} ${query.get("symbol")}`)).toEqual([
      "/fapi/v1/allOpenOrders BTCUSDT",
      "/fapi/v1/algoOpenOrders ETHUSDT",
    ]);
  });
});

describe("warm()", () => {
  test("opens as many sockets as asked for, and the orders that follow open none", async () => {
    await using venue = await serveScript(
      on(ORDER, ({ query }) => json(report({ clientOrderId: query.get("newClientOrderId") }))),
    );
    await using exchange = connect(venue);
    expect(await exchange.warm(8)).toMatchObject({ known: true, value: expect.any(Number) });
    const warmed = venue.sockets();
    expect(warmed).toBeGreaterThanOrEqual(8);
    const orders = Array.from({ length: 8 }, (_, i) => exchange.close({ ...oneWay, clientOrderId: `q-${i}` }));
    for (const outcome of await Promise.all(orders)) expect(outcome.kind).toBe("executed");
    expect(venue.sockets()).toBe(warmed);
  });

  test("looks at the venue's clock when it has not lately", async () => {
    await using venue = await serveScript(() => undefined);
    await using exchange = connect(venue);
    await exchange.warm(1);
    const looks = venue.count("/fapi/v1/time");
    await exchange.warm(1);
    expect([looks > 0, venue.count("/fapi/v1/time")]).toEqual([true, looks]);
  });

  for (const path of ["/fapi/v1/ping", "/fapi/v1/time"]) {
    test(`is unknown while ${path} fails`, async () => {
      await using venue = await serveScript(on(path, { status: 500, body: "" }));
      await using exchange = connect(venue);
      expect(await exchange.warm(1)).toMatchObject({
        known: false,
        why: expect.stringContaining(`GET ${path}: HTTP 500`),
      });
    });
  }
});

test("orders do not wait behind queries that hang, however many", async () => {
  await using venue = await serveScript((request) => (request.path === ORDER ? json(report()) : "hang"));
  await using exchange = connect(venue, { queryDeadlineMs: 3_000, orderDeadlineMs: 3_000 });
  const queries = Array.from({ length: 100 }, () => exchange.positions());
  expect(await exchange.close(oneWay)).toMatchObject({ kind: "executed" });
  await exchange.dispose();
  for (const reading of await Promise.all(queries)) expect(reading.known).toBe(false);
});

describe("lookUp() of an order", () => {
  test.each([
    ["that the venue does not know says that it is absent", refusal(400, -2013, "Order does not exist."), true],
    ["on a symbol that the venue does not know does not", refusal(400, -1121, "Invalid symbol."), false],
    ["that is not answered does not", "reset" as const, false],
    ["that still works does not", json(report({ status: "NEW", executedQty: "0" })), false],
  ])("%s", async (_fact, reply, absent) => {
    await using venue = await serveScript(on(ORDER, reply));
    await using exchange = connect(venue);
    const outcome = await exchange.lookUp(oneWay);
    expect(outcome).toHaveProperty("kind", "unknown");
    expect("absent" in outcome).toBe(absent);
  });
});

describe("while the address must be silent", () => {
  const RISK = "/fapi/v3/positionRisk";
  const tooMany = { status: 429, body: "", headers: { "Retry-After": "60" } };

  const untold = /until 2\d{3}-\d\d-\d\d \d\d:\d\d:\d\d UTC, because the venue answered HTTP 429; it was not sent/;
  const everything: readonly (readonly [
    call: string,
    ask: (exchange: BinanceExchange) => Promise<unknown>,
    answer: object,
  ])[] = [
    ["close()", (exchange) => exchange.close(oneWay), { kind: "refused", cause: "address_limit", code: null }],
    ["cancel()", (exchange) => exchange.cancel(all("BTCUSDT", "algo")), { kind: "failed" }],
    ["positions()", (exchange) => exchange.positions(), { known: false }],
    ["restingOrders()", (exchange) => exchange.restingOrders(), { known: false }],
    ["rulebook()", (exchange) => exchange.rulebook(), { known: false }],
    ["positionMode()", (exchange) => exchange.positionMode(), { known: false }],
    ["lookUp()", (exchange) => exchange.lookUp(oneWay), { kind: "unknown" }],
    ["lastFillAt()", (exchange) => exchange.lastFillAt(["BTCUSDT"], 0 as UnixMillis), { known: false }],
    ["warm()", (exchange) => exchange.warm(3), { known: false }],
    ["now()", (exchange) => exchange.now(), { known: false }],
    ["access()", (exchange) => exchange.access(), { kind: "unknown" }],
  ];

  test.each(everything)("%s is not sent, and says until when and why", async (_call, ask, answer) => {
    await using venue = await serveScript(on(RISK, tooMany));
    await using exchange = connect(venue);
    expect(exchange.silentUntil()).toBeNull();
    await exchange.positions();
    const before = venue.received.length;
    expect(await ask(exchange)).toMatchObject({ ...answer, why: expect.stringMatching(untold) });
    expect(venue.received.length).toBe(before);
    const silentMs = (exchange.silentUntil() ?? 0) - hostClock.now();
    expect(silentMs).toBeWithin(50_000, 60_001);
  });

  test("the end of the silence is the end of it", async () => {
    let asked = 0;
    const script = on(RISK, () => {
      asked += 1;
      return asked === 1 ? { status: 418, body: "", headers: { "retry-after": "1" } } : json([]);
    });
    await using venue = await serveScript(script);
    await using exchange = connect(venue);
    expect(await exchange.positions()).toMatchObject({ known: false });
    await hostClock.sleep((exchange.silentUntil() ?? 0) - hostClock.now() + 10);
    expect(exchange.silentUntil()).toBeNull();
    expect(await exchange.positions()).toEqual({ known: true, value: [] });
  });

  test("an order limit is no silence", async () => {
    await using venue = await serveScript(on(ORDER, refusal(429, -1015, "Too many new orders.")));
    await using exchange = connect(venue);
    expect(await exchange.close(oneWay)).toMatchObject({ kind: "refused", cause: "order_limit", code: -1015 });
    expect(exchange.silentUntil()).toBeNull();
  });
});

describe("orderBudget()", () => {
  const used = (exchange: BinanceExchange): readonly number[] => exchange.orderBudget().map((window) => window.used);

  // Venue time stands still, lest a window ends in the middle of a test.
  const venueTime = (): number => 1_900_000_000_000;

  test("counts orders when they are sent, and takes the venue's counts when it answers", async () => {
    const headers = { "X-MBX-ORDER-COUNT-10S": "40", "X-MBX-ORDER-COUNT-1M": "90" };
    const answer = { body: JSON.stringify(report()), headers };
    await using venue = await serveScript(on(ORDER, answer), venueTime);
    await using exchange = connect(venue);
    await exchange.warm(1);
    expect(used(exchange)).toEqual([0, 0]);
    const closing = exchange.close(oneWay);
    await Promise.resolve();
    await Promise.resolve();
    expect(used(exchange)).toEqual([1, 1]);
    await closing;
    expect(used(exchange)).toEqual([40, 90]);
  });

  test("counts an order whose answer is lost, and no cancel", async () => {
    await using venue = await serveScript(on(ORDER, "reset"), venueTime);
    await using exchange = connect(venue);
    await exchange.close(oneWay);
    await exchange.cancel(all("BTCUSDT", "regular"));
    expect(used(exchange)).toEqual([1, 1]);
  });

  test("is used up once the venue says so", async () => {
    await using venue = await serveScript(on(ORDER, refusal(429, -1015, "Too many new orders.")), venueTime);
    await using exchange = connect(venue);
    await exchange.close(oneWay);
    expect(used(exchange)).toEqual([300, 1]);
  });
});

describe("lastFillAt()", () => {
  const TRADES = "/fapi/v1/userTrades";
  const since = 1_700_000_000_000 as UnixMillis;
  const fills = (times: readonly number[]): Reply => json(times.map((time) => ({ time, id: 1 })));

  test("is the latest fill of any symbol", async () => {
    const script = on(TRADES, ({ query }) =>
      fills(query.get("symbol") === "BTCUSDT" ? [since, since + 5] : [since + 3]),
    );
    await using venue = await serveScript(script);
    await using exchange = connect(venue);
    const reading = await exchange.lastFillAt(["BTCUSDT", "ETHUSDT"], since);
    expect(reading).toEqual({ known: true, value: (since + 5) as UnixMillis });
    expect(venue.received.at(-1)?.query.get("startTime")).toBe(`${since}`);
  });

  test("is null without fills, and fills before `since` do not count", async () => {
    await using venue = await serveScript(on(TRADES, fills([since - 1])));
    await using exchange = connect(venue);
    expect(await exchange.lastFillAt(["BTCUSDT"], since)).toEqual({ known: true, value: null });
  });

  test("is unknown where one symbol cannot be read or has more fills than one answer holds", async () => {
    const many = Array.from({ length: 1_000 }, (_, i) => since + i);
    await using venue = await serveScript(
      on(TRADES, ({ query }) => (query.get("symbol") === "BTCUSDT" ? fills(many) : { status: 502, body: "" })),
    );
    await using exchange = connect(venue);
    expect(await exchange.lastFillAt(["BTCUSDT"], since)).toMatchObject({ known: false });
    expect(await exchange.lastFillAt(["ETHUSDT"], since)).toMatchObject({ known: false });
  });
});

describe("access()", () => {
  const rows: readonly (readonly [fact: string, reply: Reply, access: object])[] = [
    ["a list of positions is granted", json([]), { kind: "granted" }],
    ["-2015 is refused", refusal(401, -2015, "Invalid API-key, IP, or permissions for action."), { kind: "refused" }],
    ["-2014 is refused", refusal(401, -2014, "API-key format invalid."), { kind: "refused" }],
    ["-1022 is refused", refusal(400, -1022, "Signature for this request is not valid."), { kind: "refused" }],
    ["a rate limit says nothing about the key", refusal(429, -1003, "Too many requests."), { kind: "unknown" }],
    ["a server error says nothing about the key", refusal(500, -2015, "Invalid API-key."), { kind: "unknown" }],
    ["silence says nothing about the key", "hang", { kind: "unknown" }],
  ];
  for (const [fact, reply, access] of rows) {
    test(fact, async () => {
      await using venue = await serveScript(on("/fapi/v3/positionRisk", reply));
      await using exchange = connect(venue);
      expect(await exchange.access()).toMatchObject(access);
    });
  }
});

describe("access() with -2015 asks papi, once", () => {
  const PAPI = "/papi/v1/account";
  const rejected = on("/fapi/v3/positionRisk", refusal(401, -2015, "Invalid API-key, IP, or permissions for action."));
  const fourCauses = [
    "of another venue",
    "not on the key's whitelist",
    "no futures permission",
    "Portfolio Margin account",
  ];

  test("and names a Portfolio Margin account", async () => {
    await using venue = await serveScript((request) => rejected(request) ?? on(PAPI, json({ uniMMR: "5.1" }))(request));
    await using exchange = connect(venue);
    const access = await exchange.access();
    expect(access).toMatchObject({
      kind: "refused",
      why: expect.stringContaining("(this is a Portfolio Margin account: "),
    });
    expect(JSON.stringify(access)).not.toContain("one of four");
    expect(venue.count(PAPI)).toBe(1);
    const asked = venue.received.find(({ path }) => path === PAPI);
    expect(asked).toMatchObject({ method: "GET", apiKey: API_KEY });
    expect(asked?.target).toMatch(/^\/papi\/v1\/account\?recvWindow=5000&timestamp=\d{13}&signature=[0-9a-f]{64}$/);
  });

  const noes: readonly (readonly [fact: string, reply: Reply])[] = [
    ["rejects the key, too", refusal(401, -2015, "Invalid API-key, IP, or permissions for action.")],
    ["knows no such path", { status: 404, body: "" }],
    ["never answers", "hang"],
    ["resets the connection", "reset"],
  ];
  test.each(noes)("and names all four causes where papi %s", async (_fact, reply) => {
    await using venue = await serveScript((request) => rejected(request) ?? on(PAPI, reply)(request));
    await using exchange = connect(venue);
    const access = await exchange.access();
    expect(access.kind).toBe("refused");
    for (const cause of fourCauses) expect(JSON.stringify(access)).toContain(cause);
    expect(venue.count(PAPI)).toBe(1);
  });

  test("and for no other refusal of the key", async () => {
    await using venue = await serveScript(on("/fapi/v3/positionRisk", refusal(400, -1022, "Signature.")));
    await using exchange = connect(venue);
    expect(await exchange.access()).toMatchObject({
      kind: "refused",
      why: expect.stringContaining(
        "(the secret is wrong, or the encoding: it will not heal; expected a key of this venue",
      ),
    });
    expect(venue.count(PAPI)).toBe(0);
  });
});

test.each([
  ["https://fapi.binance.com", "https://papi.binance.com"],
  ["https://demo-fapi.binance.com", null],
  ["http://127.0.0.1:8700", "http://127.0.0.1:8700"],
  ["https://proxy.example/binance", "https://proxy.example/binance"],
])("papi beside %s is %p", (fapi, papi) => {
  expect(papiBaseFor(fapi)).toBe(papi);
});

describe("now()", () => {
  test("is the venue's time, asked for each time", async () => {
    const venueTime = (): number => 1_900_000_000_000 + performance.now();
    await using venue = await serveScript(() => undefined, venueTime);
    await using exchange = connect(venue);
    for (const asked of [1, 2]) {
      const before = venueTime();
      const reading = await exchange.now();
      const after = venueTime();
      // Half of the round trip is added to the venue's answer: on a busy machine the halves are not alike.
      const offMs = after - before + 2;
      expect(reading.known ? Number(reading.value) : reading).toBeWithin(before - offMs, after + offMs);
      expect(venue.count("/fapi/v1/time")).toBe(asked);
    }
  });

  test("is unknown while the venue does not answer", async () => {
    await using venue = await serveScript(() => "hang");
    await using exchange = connect(venue);
    expect(await exchange.now()).toMatchObject({ known: false });
  });
});

test("no `why` holds a key, a signature or a query, even where the venue echoes them", async () => {
  const signatures: string[] = [];
  const echo = (status: number) => (request: Received) => {
    signatures.push(request.query.get("signature") ?? "none");
    const words = `${request.target} ${request.query.get("signature")} ${request.apiKey} ${SECRET.length}`;
    return status === 200 ? { body: words } : refusal(status, -1022, words);
  };
  for (const status of [200, 400, 500]) {
    await using venue = await serveScript((request) =>
      request.apiKey === undefined ? undefined : echo(status)(request),
    );
    await using exchange = connect(venue);
    const outcomes = JSON.stringify([
      await exchange.close(oneWay),
      await exchange.cancel(all("BTCUSDT", "algo")),
      await exchange.positions(),
      await exchange.restingOrders(),
      await exchange.lastFillAt(["BTCUSDT"], 0 as UnixMillis),
      await exchange.access(),
    ]);
    for (const secret of [API_KEY, SECRET, "timestamp=", "signature=", ...signatures]) {
      expect(outcomes).not.toContain(secret);
    }
  }
  expect(signatures.length).toBeGreaterThan(15);
});

describe("binanceExchange()", () => {
  const usable: BinanceOptions = { baseUrl: "http://127.0.0.1:1", apiKey: "k", secret: "s", clock: hostClock };
  const rows: readonly (readonly [options: Partial<BinanceOptions>, message: string])[] = [
    [{ baseUrl: "fapi.binance.com" }, "Cannot use the venue's base URL"],
    [{ baseUrl: "ftp://fapi.binance.com" }, "Cannot use the venue's base URL"],
    [{ baseUrl: "https://user:word@fapi.binance.com" }, "Cannot use the venue's base URL"],
    [{ baseUrl: "https://fapi.binance.com/?a=1" }, "Cannot use the venue's base URL"],
    [{ apiKey: "" }, "Cannot use the API key"],
    [{ apiKey: "two\nlines" }, "Cannot use the API key"],
    [{ secret: "" }, "the API secret is empty"],
    [{ recvWindowMs: 0 }, "Cannot use a recvWindow of 0 ms: expected 1 to 60000"],
    [{ recvWindowMs: 60_001 }, "Cannot use a recvWindow of 60001 ms: expected 1 to 60000"],
  ];
  for (const [options, message] of rows) {
    test(`refuses ${JSON.stringify(options)}`, () => {
      expect(() => binanceExchange({ ...usable, ...options })).toThrow(message);
    });
  }
});

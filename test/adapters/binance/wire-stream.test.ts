import { describe, expect, test } from "bun:test";
import { readAccountNotice, readStreamedMarks } from "../../../src/adapters/binance/wire-stream.ts";
import { plain } from "../../../src/core/decimal.ts";

/** The example of the documentation, `ap` as of 2026 included (USDⓈ-M docs, Mark Price Stream for All market). */
const MARK = {
  e: "markPriceUpdate",
  E: 1562305380000,
  s: "BTCUSDT",
  p: "11185.87786614",
  ap: "11185.87786614",
  P: "11784.25641265",
  i: "11784.62659091",
  r: "0.00030000",
  T: 1562306400000,
};

const marks = (message: unknown, wanted: readonly string[] = ["BTCUSDT", "币安人生USDT"]): unknown =>
  readStreamedMarks(JSON.stringify(message), (symbol) => wanted.includes(symbol)).marks.map(
    ({ symbol, price }) => `${symbol} ${plain(price)}`,
  );

describe("marks", () => {
  test.each([
    ["the example of the documentation", [MARK], ["BTCUSDT 11185.87786614"]],
    ["in the combined form", { stream: "!markPrice@arr@1s", data: [MARK] }, ["BTCUSDT 11185.87786614"]],
    ["of a symbol that is no ASCII", [{ ...MARK, s: "币安人生USDT", p: "0.12" }], ["币安人生USDT 0.12"]],
    ["of none", [], []],
    ["only those that are wanted", [{ ...MARK, s: "ETHUSDT" }, MARK], ["BTCUSDT 11185.87786614"]],
    ["the last of a symbol", [MARK, { ...MARK, p: "2.5" }], ["BTCUSDT 2.5"]],
    ["beside a row that nobody wants and nobody can read", [{ s: "ODD" }, MARK], ["BTCUSDT 11185.87786614"]],
  ])("are read: %s", (_fact, message, expected) => {
    expect(marks(message)).toEqual(expected);
  });

  test.each([
    ["an object", MARK],
    ["a reply", { result: null, id: 1 }],
    ["an error", { error: { code: 2, msg: "Invalid request" } }],
    ["null", null],
    ["a row without a symbol", [{ ...MARK, s: undefined }]],
    ["a row with another event", [{ ...MARK, e: "24hrTicker" }]],
    ["a row without a time", [{ ...MARK, E: undefined }]],
    ["a row without a price", [{ ...MARK, p: undefined }]],
    ["a price that is a float", [{ ...MARK, p: 11185.87786614 }]],
    ["a price that is no number", [{ ...MARK, p: "NaN" }]],
    ["a price of zero", [{ ...MARK, p: "0.00000000" }]],
    ["a negative price", [{ ...MARK, p: "-1" }]],
    ["two where one can't be read", [MARK, { ...MARK, p: "" }]],
  ])("are not made of %s", (_fact, message) => {
    expect(() => marks(message)).toThrow();
  });

  test.each([
    ["of the newest of them", [MARK, { ...MARK, s: "币安人生USDT", E: MARK.E + 5 }], MARK.E + 5],
    ["of those that are wanted", [MARK, { ...MARK, s: "ETHUSDT", E: MARK.E + 5 }], MARK.E],
    ["of none", [{ ...MARK, s: "ETHUSDT" }], null],
  ])("have the venue's time, %s", (_fact, message, expected) => {
    const wants = (symbol: string): boolean => symbol !== "ETHUSDT";
    expect(readStreamedMarks(JSON.stringify(message), wants).at as number | null).toBe(expected);
  });

  test("are not made of half a message", () => {
    expect(() => readStreamedMarks(JSON.stringify([MARK]).slice(0, -3), () => true)).toThrow();
  });
});

describe("what the account's stream says", () => {
  test.each([
    ["ACCOUNT_UPDATE", "changed"],
    ["ORDER_TRADE_UPDATE", "changed"],
    ["TRADE_LITE", "changed"],
    ["ALGO_UPDATE", "changed"],
    ["ACCOUNT_CONFIG_UPDATE", "changed"],
    ["MARGIN_CALL", "changed"],
    ["listenKeyExpired", "key_expired"],
    ["SOMETHING_NEW", "nothing"],
  ] as const)("%s means %s", (event, notice) => {
    expect(readAccountNotice(JSON.stringify({ e: event, E: 1 }))).toBe(notice);
    expect(readAccountNotice(JSON.stringify({ stream: "key", data: { e: event } }))).toBe(notice);
  });

  test.each(["", "[]", "null", "{}", '{"e":1}', "pong"])("%j can't be read", (text) => {
    expect(() => readAccountNotice(text)).toThrow();
  });
});

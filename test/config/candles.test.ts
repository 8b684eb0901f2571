import { describe, expect, test } from "bun:test";
import { candlesOf } from "../../src/config/candles.ts";
import { plain } from "../../src/core/decimal.ts";
import { refused } from "./refused.ts";

/** Each candle as `opened–closed open high low close`, with times in seconds since the first. */
function read(text: string): readonly string[] {
  const rows = [...candlesOf("c.csv", text)];
  const start = rows[0]?.candle.openedAt ?? 0;
  return rows.map(({ candle: { openedAt, closedAt, open, high, low, close } }) => {
    const prices = [open, high, low, close].map(plain).join(" ");
    return `${(openedAt - start) / 1_000}-${(closedAt - start) / 1_000} ${prices}`;
  });
}

const TWO = ["0-59.999 10.5 12 9.1 11", "60-119.999 11 11 11 11"];

describe("candles are read", () => {
  test.each([
    ["with names", "time,open,high,low,close\n1771063200,10.5,12,9.1,11\n1771063260,11,11,11,11\n"],
    ["without", "1771063200,10.5,12,9.1,11\n1771063260,11,11,11,11\n"],
    ["without a line end at the end", "1771063200,10.5,12,9.1,11\n1771063260,11,11,11,11"],
    [
      "with the line ends of Windows and a byte order mark",
      "\ufefftime,open,high,low,close\r\n1771063200,10.5,12,9.1,11\r\n1771063260,11,11,11,11\r\n",
    ],
    ["in milliseconds, with volume", "1771063200000,10.5,12,9.1,11,5\n1771063260000,11,11,11,11,0\n"],
    ["in microseconds", "1771063200000000,10.5,12,9.1,11\n1771063260000000,11,11,11,11\n"],
    ["in ISO 8601, with blanks", "2026-02-14 10:00:00, 10.5, 12, 9.1, 11\n\n2026-02-14T10:01:00Z, 11.0, 11, 11, 11\n"],
    [
      "as Binance gives them out",
      "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore\n1771063200000,10.50,12.00,9.10,11.00,5.1,1771063259999,1,1,1,1,0\n1771063260000,11.00,11.00,11.00,11.00,5.1,1771063319999,1,1,1,1,0\n",
    ],
    [
      "with columns in another order",
      "Close,Low,High,Open,Date\n11,9.1,12,10.5,2026-02-14\n11,11,11,11,2026-02-14 00:01\n",
    ],
  ] as const)("%s", (_what, text) => {
    expect(read(text)).toEqual(TWO);
  });

  test("a gap does not make a candle longer, not the first one either", () => {
    const at = (minute: number): string => `${1771063200 + 60 * minute},1,1,1,1`;
    expect(read([0, 1, 5, 6].map(at).join("\n")).map((row) => row.split(" ")[0])).toEqual([
      "0-59.999",
      "60-119.999",
      "300-359.999",
      "360-419.999",
    ]);
    expect(read([0, 5, 6].map(at).join("\n")).map((row) => row.split(" ")[0])).toEqual([
      "0-59.999",
      "300-359.999",
      "360-419.999",
    ]);
  });

  test("a shorter distance that comes late makes candles end in time", () => {
    const minutes = [...Array.from({ length: 1_500 }, (_, i) => 5 * i), 7_496];
    const rows = read(minutes.map((minute) => `${1771063200 + 60 * minute},1,1,1,1`).join("\n"));
    expect(rows[0]).toBe("0-299.999 1 1 1 1");
    expect(rows.at(-1)).toBe("449760-449819.999 1 1 1 1");
  });

  test("one alone lasts a minute", () => {
    expect(read("1771063200,1,1,1,1")).toEqual(["0-59.999 1 1 1 1"]);
  });

  test("with how far that is in the file", () => {
    const rows = [
      ...candlesOf("c.csv", "1771063200,1,1,1,1\n1771063260,1,1,1,1\n1771063320,1,1,1,1\n1771063380,1,1,1,1\n"),
    ];
    expect(rows.map(({ progress }) => progress)).toEqual([0.25, 0.5, 0.75, 1]);
  });
});

const GOOD = "time,open,high,low,close\n1771063200,10,12,9,11\n";

describe("a file is refused by line, where", () => {
  test.each([
    ["it is empty", "", "c.csv: has no candle, expected lines of time,open,high,low,close"],
    [
      "it has names only",
      "time,open,high,low,close\n",
      "c.csv: has no candle, expected lines of time,open,high,low,close",
    ],
    [
      "a column is named twice",
      "time,open,high,low,close,Close\n1771063200,10,12,9,11,11\n",
      'c.csv:1: names the column "close" twice, expected it once',
    ],
    [
      "a column has no name",
      "time,open,high,low,price\n1771063200,1,1,1,1",
      'c.csv:1: names the columns "time,open,high,low,price", expected time,open,high,low,close among them',
    ],
    [
      "it has other separators",
      "1771063200;1;1;1;1\n",
      "c.csv:1: has 1 columns, expected 5 or more: time,open,high,low,close",
    ],
    [
      "a row is short",
      `${GOOD}1771063260,1,1\n`,
      "c.csv:3: has 3 columns, expected 5 or more: time,open,high,low,close",
    ],
    [
      "a time is none",
      `${GOOD}yesterday,1,1,1,1\n`,
      'c.csv:3: time is "yesterday", expected Unix seconds, milliseconds or microseconds, or ISO 8601 such as 2026-02-14T10:00:00Z',
    ],
    [
      "a time is not later",
      `${GOOD}1771063200,1,1,1,1\n`,
      "c.csv:3: is at 2026-02-14T10:00:00.000Z, expected a later time than the line before, 2026-02-14T10:00:00.000Z",
    ],
    [
      "the newest is first",
      `${GOOD}\n1771063140,1,1,1,1\n`,
      "c.csv:4: is at 2026-02-14T09:59:00.000Z, expected a later time than the line before, 2026-02-14T10:00:00.000Z",
    ],
    [
      "a price is missing",
      `${GOOD}1771063260,1,,1,1\n`,
      'c.csv:3: high is "", expected a price above 0, such as 60000.1',
    ],
    [
      "a price is none",
      `${GOOD}1771063260,1,1,NaN,1\n`,
      'c.csv:3: low is "NaN", expected a price above 0, such as 60000.1',
    ],
    [
      "a price is zero",
      `${GOOD}1771063260,1,1,1,0.0\n`,
      'c.csv:3: close is "0.0", expected a price above 0, such as 60000.1',
    ],
    [
      "a price is negative",
      `${GOOD}1771063260,-1,1,1,1\n`,
      'c.csv:3: open is "-1", expected a price above 0, such as 60000.1',
    ],
    [
      "a price has an exponent",
      `${GOOD}1771063260,6e4,60000,1,1\n`,
      'c.csv:3: open is "6e4", expected a price above 0, such as 60000.1',
    ],
    [
      "a price is in quotes",
      `${GOOD}1771063260,"1",1,1,1\n`,
      'c.csv:3: open is "\\"1\\"", expected a price above 0, such as 60000.1',
    ],
    ["the high is below the open", `${GOOD}1771063260,3,2,1,2\n`, "c.csv:3: high is 2, expected at least the open, 3"],
    [
      "the high is below the close",
      `${GOOD}1771063260,1,2,1,3\n`,
      "c.csv:3: high is 2, expected at least the close, 3",
    ],
    ["the low is above the open", `${GOOD}1771063260,1,9,2,3\n`, "c.csv:3: low is 2, expected at most the open, 1"],
    ["the low is above the close", `${GOOD}1771063260,3,9,2,1\n`, "c.csv:3: low is 2, expected at most the close, 1"],
    ["the low is above the high", `${GOOD}1771063260,3,3,4,3\n`, "c.csv:3: high is 3, expected at least the low, 4"],
    [
      "the names are there twice",
      `${GOOD}time,open,high,low,close\n`,
      'c.csv:3: time is "time", expected Unix seconds',
    ],
    ["it is no CSV", "{}\n", 'c.csv:1: names the columns "{}", expected time,open,high,low,close among them'],
  ] as const)("%s", (_what, text, expected) => {
    expect(refused(() => read(text))).toStartWith(expected);
  });
});

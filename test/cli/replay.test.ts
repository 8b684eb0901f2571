/** `quantum brain replay`: no Redis, no key and no venue is set in here. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { ROOT } from "../support/run.ts";
import { cli, type Ran, type Surroundings } from "./fake-io.ts";

const folder = mkdtempSync(join(tmpdir(), "quantum-replay-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const EXAMPLE = relative(process.cwd(), join(ROOT, "examples", "exits.yaml"));
const CANDLES = relative(process.cwd(), join(ROOT, "examples", "candles.csv"));
const LONG = ["--symbol", "ETHUSDT", "--leverage", "10"];
const SHORT = ["--symbol", "BTCUSDT", "--side", "short", "--size", "0.25", "--entry-time", "2026-02-02 03:00"];
const ESCAPE = "\u001b[";

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function replay(words: readonly string[], surroundings: Surroundings = {}): Promise<Ran> {
  const argv = ["brain", "replay", "--policy", EXAMPLE, "--candles", CANDLES, "--entry", "60000", ...words];
  return await cli(argv, surroundings);
}

function golden(name: string): string {
  return readFileSync(join(import.meta.dir, "golden", name), "utf8");
}

describe("a replay of the example, letter for letter", () => {
  test.each([
    ["replay-long.txt", LONG],
    ["replay-short.txt", SHORT],
  ] as const)("%s", async (name, words) => {
    const { code, out, err } = await replay(words);
    expect({ code, err }).toEqual({ code: 0, err: [] });
    expect(`${out.join("\n")}\n`).toBe(golden(name));
  });

  test("replay-long.json", async () => {
    const { code, out, err } = await replay([...LONG, "--json"]);
    expect({ code, err, lines: out.length }).toEqual({ code: 0, err: [], lines: 1 });
    const expected = JSON.parse(golden("replay-long.json")) as object;
    expect(JSON.parse(out.join(""))).toEqual({ ...expected, policy: EXAMPLE, candles: CANDLES });
  });
});

describe("the chart", () => {
  test.each([60, 80, 100, 200])("fits a terminal of %d columns", async (columns) => {
    const { out } = await replay(LONG, { terminal: true, columns, env: { NO_COLOR: "1" } });
    const chart = out.filter((line) => /^ *[\d,.]+ [┼┤]/.test(line));
    expect(chart).toHaveLength(15);
    const widest = Math.max(...chart.map((line) => line.length));
    expect(widest).toBeLessThanOrEqual(columns);
    expect(widest).toBeGreaterThan(columns - 5);
  });

  test("has colours on a terminal, none with NO_COLOR, and the same signs in both", async () => {
    const coloured = await replay(LONG, { terminal: true });
    const plain = await replay(LONG, { terminal: true, env: { NO_COLOR: "1" } });
    expect(coloured.out.join("\n")).toContain(ESCAPE);
    expect(plain.out.join("\n")).not.toContain(ESCAPE);
    const chart = ({ out }: Ran): readonly string[] => out.slice(-25).map(stripVTControlCharacters);
    expect(chart(coloured)).toEqual(chart(plain));
  });

  test("of a path that goes nowhere, and of one candle, is still one", async () => {
    const one = file("one.csv", "2026-01-01,60000,60000,60000,60000\n");
    const policy = file("limit.yaml", "defaults: { time-limit: 1h }");
    const { code, out } = await cli(["brain", "replay", "--policy", policy, "--candles", one, "--entry", "60000"]);
    expect(code).toBe(0);
    expect(out.slice(0, 2)).toEqual([
      "POSITION: long 1 at 60,000, 2026-01-01 00:00:00, no stop loss",
      "Nothing was decided: no rule was reached",
    ]);
    expect(out).toContain("60,000 ┼───");
    expect(out).toContain("Not closed in 1 candle: 1 of 1 is still open at 60,000 (0.00); P&L 0.00 by 0 closes");
  });
});

test("what is not in the result is said", async () => {
  const { out } = await replay(["--symbol", "ETHUSDT", "--entry-time", "1770000900"]);
  expect(out.filter((line) => line.startsWith("  - "))).toEqual([
    "  - fees, funding and slippage are not in it; closes are at the mark that caused them",
    expect.stringMatching(/^ {2}- the entry price 60,000 is not among those of the first candle, [\d,.]+ to [\d,.]+$/),
    "  - 3 candles that began before the entry are left out",
    "  - liquidation-distance is not in it: --leverage or --liquidation-price says where liquidation is",
    "  - the limits of the portfolio are not in it: they need the account's equity",
  ]);
});

test("candles that are missing while the leg is open are said, and decide nothing", async () => {
  const minutes = [0, 1440, 1441, 1450, 1451];
  const rows = minutes.map((minute) => `${1_770_000_000 + 60 * minute},60000,60100,59900,60050`);
  const policy = file("hours.yaml", "defaults: { time-limit: 1445m }\n");
  const argv = ["brain", "replay", "--policy", policy, "--candles", file("gaps.csv", rows.join("\n"))];
  const { out } = await cli([...argv, "--entry", "60000", "--json"]);
  const document = JSON.parse(out.join("")) as { decisions: readonly { at: number }[]; notes: readonly string[] };
  expect(document.decisions.map(({ at }) => (at - 1_770_000_000_000) / 60_000)).toEqual([1450]);
  expect(document.notes[1]).toBe(
    "candles are missing in 2 places, the longest of 86,340 s: the price jumps there, its way is not known",
  );
});

test("a liquidation price that is given is the one", async () => {
  const { out } = await replay(["--symbol", "ETHUSDT", "--liquidation-price", "59500", "--json"]);
  const document = JSON.parse(out.join("")) as { decisions: readonly { reason: string }[]; notes: readonly string[] };
  expect(document.decisions[0]?.reason).toContain("close all of ETHUSDT: liquidation at 59,500 is 0.83 % away");
  expect(document.notes.join("\n")).not.toContain("liquidation is taken");
});

test("a stop is asked for at once, and is no answer", async () => {
  const rows = Array.from({ length: 600 }, (_, i) => `${1_770_000_000 + 60 * i},60000,60000,60000,60000`);
  const path = file("long.csv", rows.join("\n"));
  const signal = AbortSignal.abort();
  const argv = ["brain", "replay", "--policy", EXAMPLE, "--candles", path, "--entry", "60000", "--symbol", "ETHUSDT"];
  expect(await cli(argv, { signal })).toEqual({
    code: 1,
    out: [],
    err: ["quantum: Stopped before the end of the candles"],
  });
});

describe("a replay is refused in one line, where", () => {
  let noOverrides = "";
  let ofMargin = "";
  beforeAll(() => {
    noOverrides = file("none.yaml", "defaults: { stop-loss: 2 % }");
    ofMargin = file("margin.yaml", "defaults: { stop-loss: 30 % of margin }");
  });

  const rows: readonly (readonly [what: string, argv: () => readonly string[], expected: string])[] = [
    ["no policy is given", () => ["--candles", CANDLES, "--entry", "1"], "Missing required argument: policy"],
    ["no candles are given", () => ["--policy", EXAMPLE, "--entry", "1"], "Missing required argument: candles"],
    ["no entry is given", () => ["--policy", EXAMPLE, "--candles", CANDLES], "Missing required argument: entry"],
    [
      "a symbol has rules of its own, and none is given",
      () => ["--policy", EXAMPLE, "--candles", CANDLES, "--entry", "60000"],
      `--symbol is not given, and ${EXAMPLE} has rules of its own for BTCUSDT: expected --symbol, any`,
    ],
    [
      "the policy is wrong",
      () => ["--policy", file("bad.yaml", "\nx: 1"), "--candles", CANDLES, "--entry", "60000"],
      "bad.yaml:2: x is not a key here: expected one of defaults, symbols, portfolio",
    ],
    [
      "a row is wrong behind the end of the leg",
      () => {
        const more = `${readFileSync(CANDLES, "utf8")}1970000000,1,1,1\n`;
        return ["--policy", noOverrides, "--candles", file("bad.csv", more), "--entry", "60000"];
      },
      "bad.csv:62: has 4 columns, expected 5 or more: time,open,high,low,close",
    ],
    [
      "there are no candles",
      () => ["--policy", noOverrides, "--candles", join(folder, "no.csv"), "--entry", "60000"],
      "no.csv can't be read (ENOENT), expected a readable file",
    ],
    [
      "the stop loss needs a leverage",
      () => ["--policy", ofMargin, "--candles", CANDLES, "--entry", "60000"],
      "--leverage is not given, and the stop loss is in percent of margin: expected it, such as 10",
    ],
    ...(
      [
        [["--entry", "60,000"], '--entry is "60,000": expected a price above 0, such as 60000'],
        [["--entry", "0"], '--entry is "0": expected a price above 0, such as 60000'],
        [["--size", "-1"], '--size is "-1": expected a quantity above 0, such as 0.5'],
        [["--leverage", "151"], '--leverage is "151": expected a number from 1 to 150, such as 10'],
        [["--leverage", "0.5"], '--leverage is "0.5": expected a number from 1 to 150, such as 10'],
        [["--leverage", "10x"], '--leverage is "10x": expected a number from 1 to 150, such as 10'],
        [["--side", "up"], 'Argument: side, Given: "up", Choices: '],
        [["--symbol", "btcusdt"], '--symbol is "btcusdt": expected one as the venue writes it, such as BTCUSDT'],
        [["--entry-time", "noon"], '--entry-time is "noon": expected Unix seconds, milliseconds or microseconds, or'],
        [["--entry-time", "2030-01-01"], "--entry-time is 2030-01-01: expected one before the last candle of "],
        [["--liquidation-price", "60000"], '--liquidation-price is "60000": expected one below the entry of a long'],
        [
          ["--liquidation-price", "59000", "--side", "short"],
          '--liquidation-price is "59000": expected one above the entry of a short',
        ],
      ] as const
    ).map(([words, expected]): readonly [string, () => readonly string[], string] => {
      const entry = words[0] === "--entry" ? [] : ["--entry", "60000"];
      return [words.join(" "), () => ["--policy", noOverrides, "--candles", CANDLES, ...entry, ...words], expected];
    }),
  ];

  test.each(rows)("%s", async (_what, argv, expected) => {
    const { code, out, err } = await cli(["brain", "replay", ...argv()]);
    expect({ code, out, lines: err.length }).toEqual({ code: 2, out: [], lines: 1 });
    expect(err.join("")).toStartWith("quantum: ");
    expect(err.join("")).toContain(expected);
  });
});

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { checkPolicy, loadPolicy, problemLine, readPolicy } from "../../src/config/policy.ts";
import { decimal } from "../../src/core/decimal.ts";
import type { ExitPolicy, LegPolicy } from "../../src/core/exit-policy.ts";
import { rules } from "../support/exits.ts";
import { ROOT } from "../support/run.ts";
import { anyPolicy, printPolicy } from "./policy-print.ts";
import { refused } from "./refused.ts";

const folder = mkdtempSync(join(tmpdir(), "quantum-policy-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** The problems of a file, each as `line: words`. */
function problems(text: string): readonly string[] {
  const reading = readPolicy(text);
  return reading.ok ? [] : reading.problems.map(({ line, what }) => `${line}: ${what}`);
}

function policy(text: string): ExitPolicy {
  const reading = readPolicy(text);
  if (!reading.ok) throw new Error(reading.problems.map(({ what }) => what).join("\n"));
  return reading.policy;
}

function defaults(text: string): LegPolicy {
  return policy(`defaults:\n  ${text}`).defaults;
}

/** Decimals as text: two that are equal are written alike. */
function plainly(value: unknown): string {
  return JSON.stringify(value, (_key, part) => (part instanceof Map ? [...part] : part));
}

const NONE = rules();

/** A failure is told before it is made small, if that would take long. */
const BOUNDED = { interruptAfterTimeLimit: 20_000, markInterruptAsFailure: true } as const;

describe("the example", () => {
  const example = checkPolicy(join(ROOT, "examples", "exits.yaml"));

  test("is read whole: what BTCUSDT says goes before the defaults, rule by rule", () => {
    const defaults: LegPolicy = {
      stopLoss: { percent: decimal("2"), of: "entry" },
      ladder: [
        { at: { unit: "r", value: decimal("1.5") }, closePercent: decimal("50") },
        { at: { unit: "percent", value: decimal("4") }, closePercent: decimal("50") },
      ],
      breakEven: { at: { unit: "r", value: decimal("1") }, offsetPercent: decimal("0") },
      trailing: {
        activation: { unit: "percent", value: decimal("2") },
        distance: { unit: "percent", value: decimal("1") },
      },
      timeLimitMs: 8 * 3_600_000,
      liquidationDistancePercent: decimal("5"),
      backstopPercent: decimal("12"),
    };
    const bitcoin = { ...defaults, stopLoss: { percent: decimal("1"), of: "entry" }, trailing: null };
    expect(plainly(example)).toBe(
      plainly({
        ok: true,
        policy: {
          defaults,
          symbols: new Map([["BTCUSDT", bitcoin]]),
          portfolio: { dailyLossPercent: decimal("5"), drawdownPercent: decimal("10") },
        },
      }),
    );
  });
});

describe("a value is read exactly", () => {
  test.each([
    ["stop-loss: 2 %", { stopLoss: { percent: decimal("2"), of: "entry" } }],
    ["stop-loss: 2% of entry", { stopLoss: { percent: decimal("2"), of: "entry" } }],
    ["stop-loss: '0.30000000 %'", { stopLoss: { percent: decimal("0.3"), of: "entry" } }],
    ["stop-loss: 0.1 % # tight", { stopLoss: { percent: decimal("0.1"), of: "entry" } }],
    ["stop-loss: 30 % of margin", { stopLoss: { percent: decimal("30"), of: "margin" } }],
    ["stop-loss: 100 % of margin", { stopLoss: { percent: decimal("100"), of: "margin" } }],
    ["break-even: 3 %", { breakEven: { at: { unit: "percent", value: decimal("3") }, offsetPercent: decimal("0") } }],
    [
      "break-even: { at: 3 %, offset: 0.1 % }",
      { breakEven: { at: { unit: "percent", value: decimal("3") }, offsetPercent: decimal("0.1") } },
    ],
    [
      "trailing-stop: { distance: 0.5 % }",
      { trailing: { activation: null, distance: { unit: "percent", value: decimal("0.5") } } },
    ],
    ["time-limit: 90s", { timeLimitMs: 90_000 }],
    ["time-limit: 45m", { timeLimitMs: 2_700_000 }],
    ["time-limit: 8 h", { timeLimitMs: 28_800_000 }],
    ["time-limit: 366d", { timeLimitMs: 366 * 86_400_000 }],
    ["liquidation-distance: 99.99999999 %", { liquidationDistancePercent: decimal("99.99999999") }],
    ["backstop: 12 %", { backstopPercent: decimal("12") }],
    // A symbol or a person may switch off what is not on.
    ["{ backstop: 12 %, stop-loss: off, take-profit: off }", { backstopPercent: decimal("12") }],
  ] as const)("%s", (text, expected) => {
    expect(plainly(defaults(text))).toBe(plainly({ ...NONE, ...expected }));
  });

  test("R with a stop loss beside it, in a ladder, a break-even move and a trailing stop", () => {
    const leg = defaults(
      "{ stop-loss: 2 %, take-profit: [{ at: 0.5R, close: 33.3 % }, { at: 1.1 %, close: 66.7% }], break-even: 1 R, trailing-stop: { activation: 1.5R, distance: 0.5R } }",
    );
    expect(leg.ladder.map(({ at }) => at.unit)).toEqual(["r", "percent"]);
    expect(leg.breakEven?.at.unit).toBe("r");
    expect(leg.trailing?.distance.unit).toBe("r");
  });

  test("%YAML 1.1 makes nothing else of it: off is the word, digits are digits", () => {
    const { defaults } = policy("%YAML 1.1\n---\ndefaults: { stop-loss: 010 %, backstop: off }\n");
    expect(plainly(defaults)).toBe(plainly({ ...NONE, stopLoss: { percent: decimal("10"), of: "entry" } }));
  });
});

describe("a symbol", () => {
  const text = [
    "defaults: { stop-loss: 2 %, backstop: 12 %, time-limit: 8h }",
    "symbols:",
    "  BTCUSDT: { stop-loss: 1 %, time-limit: off }",
    "  BTCUSDT_231229: { backstop: 20 % }",
    "  币安人生USDT: { stop-loss: off, backstop: off, time-limit: off }",
  ].join("\n");

  test.each([
    ["BTCUSDT", { stopLoss: { percent: decimal("1"), of: "entry" }, backstopPercent: decimal("12") }],
    [
      "BTCUSDT_231229",
      { stopLoss: { percent: decimal("2"), of: "entry" }, timeLimitMs: 28_800_000, backstopPercent: decimal("20") },
    ],
    ["币安人生USDT", {}],
  ] as const)("%s has its own rules, and those of the defaults that it says nothing of", (name, expected) => {
    expect(plainly(policy(text).symbols.get(name))).toBe(plainly({ ...NONE, ...expected }));
  });

  test("may stand alone, as the portfolio may", () => {
    expect(policy("symbols: { BTCUSDT: { stop-loss: 1 % } }").defaults).toEqual(NONE);
    const { portfolio } = policy("portfolio: { drawdown: 10 % }");
    expect(plainly(portfolio)).toBe(plainly({ dailyLossPercent: null, drawdownPercent: decimal("10") }));
  });
});

const LEG = "stop-loss, take-profit, break-even, trailing-stop, time-limit, liquidation-distance, backstop";
const STOP = 'expected a percentage such as "2 %" of the entry price (below 100), or "30 % of margin", or off';
const PART = 'expected a percentage above 0 and below 100, such as "5 %", or off';
const TARGET = 'expected a profit above 0, such as "3 %" of the entry price or "1.5R"';
const SPAN = 'expected a time such as "90s", "45m", "8h" or "3d", up to 366d, or off';
const SHARE = 'expected a percentage above 0 and up to 100, such as "50 %"';
const NEEDS_STOP =
  "expected a percentage, or a stop-loss beside it: R is the distance from entry to the first stop loss";

describe("a file is refused by line, key, value and what was expected, where", () => {
  test.each([
    ["it is empty", "", "1: is empty: expected a policy, with defaults, symbols or portfolio"],
    ["it has comments only", "# nothing\n", "1: is empty: expected a policy, with defaults, symbols or portfolio"],
    ["it is a list", "- a", "1: the file is a list: expected a policy, with defaults, symbols or portfolio"],
    ["it is a word", "off", '1: the file is "off": expected a policy, with defaults, symbols or portfolio'],
    [
      "no rule is on",
      "\ndefaults: { stop-loss: off }\nsymbols: { BTCUSDT: { backstop: off } }\nportfolio: { drawdown: off }",
      "1: no rule is on: expected at least one, a policy without protects nothing",
    ],
    ["a section is empty", "defaults:\n", '1: defaults has no value: expected rules such as "stop-loss: 2 %"'],
    ["a mapping is empty", "defaults: {}", '1: defaults is an empty mapping: expected rules such as "stop-loss: 2 %"'],
    [
      "a symbol says nothing",
      "symbols:\n  BTCUSDT:\n  ETHUSDT: { stop-loss: 1 % }",
      '2: symbols.BTCUSDT has no value: expected rules such as "stop-loss: 2 %"',
    ],
    [
      "no symbol is named",
      "symbols: {}",
      '1: symbols is an empty mapping: expected symbols with their rules, such as "BTCUSDT: { stop-loss: 1 % }"',
    ],
    ["a section is unknown", "default:\n  x: 1", "1: default is not a key here: expected defaults, perhaps"],
    [
      "nothing like it exists",
      "exchange: binance",
      "1: exchange is not a key here: expected one of defaults, symbols, portfolio",
    ],
    [
      "a rule is unknown",
      "defaults:\n  stop-loss: 2 %\n  leverage: 5",
      `3: defaults.leverage is not a key here: expected one of ${LEG}`,
    ],
    [
      "freqtrade's name is used",
      "defaults: { stoploss: 2 % }",
      "1: defaults.stoploss is not a key here: expected stop-loss, perhaps",
    ],
    [
      "an underscore is used",
      "defaults: { stop_loss: 2 % }",
      "1: defaults.stop_loss is not a key here: expected stop-loss, perhaps",
    ],
    [
      "a slip of the hand",
      "defaults: { tiem-limit: 2h }",
      "1: defaults.tiem-limit is not a key here: expected time-limit, perhaps",
    ],
    [
      "an object of JavaScript's is named",
      "defaults: { toString: 2 %, constructor: 1 %, stop-loss: 1 % }",
      `1: defaults.toString is not a key here: expected one of ${LEG}`,
      `1: defaults.constructor is not a key here: expected one of ${LEG}`,
    ],
    [
      "__proto__ is a key",
      "symbols: { __proto__: { stop-loss: 1 % } }",
      "1: has the key __proto__: expected a key of a policy",
    ],
    [
      "the portfolio has a rule of a leg",
      "portfolio: { stop-loss: 1 % }",
      "1: portfolio.stop-loss is not a key here: expected one of daily-loss, drawdown",
    ],
    ["a percent sign is missing", "defaults:\n  stop-loss: 2", `2: defaults.stop-loss is "2": ${STOP}`],
    ["a value is a fraction", "defaults: { stop-loss: 0.02 }", `1: defaults.stop-loss is "0.02": ${STOP}`],
    ["a value is negative", "defaults: { stop-loss: -2 % }", `1: defaults.stop-loss is "-2 %": ${STOP}`],
    ["a value has a comma", "defaults:\n  stop-loss: 1,5 %", `2: defaults.stop-loss is "1,5 %": ${STOP}`],
    ["a value has an exponent", "defaults: { stop-loss: 1e1 % }", `1: defaults.stop-loss is "1e1 %": ${STOP}`],
    ["a value is in hex", "defaults: { stop-loss: 0x2 % }", `1: defaults.stop-loss is "0x2 %": ${STOP}`],
    [
      "a value is endless",
      "defaults: { stop-loss: 0.123456789 % }",
      `1: defaults.stop-loss is "0.123456789 %": ${STOP}`,
    ],
    ["a stop loss is nothing", "defaults: { stop-loss: 0.0 % }", `1: defaults.stop-loss is "0.0 %": ${STOP}`],
    ["a stop loss is all of the price", "defaults: { stop-loss: 100 % }", `1: defaults.stop-loss is "100 %": ${STOP}`],
    [
      "a stop loss is more than the margin",
      "defaults: { stop-loss: 101 % of margin }",
      `1: defaults.stop-loss is "101 % of margin": ${STOP}`,
    ],
    [
      "a stop loss is of something else",
      "defaults: { stop-loss: 2 % of equity }",
      `1: defaults.stop-loss is "2 % of equity": ${STOP}`,
    ],
    ["a stop loss is in R", "defaults: { stop-loss: 1R }", `1: defaults.stop-loss is "1R": ${STOP}`],
    ["a value is missing", "defaults:\n  stop-loss:\n  backstop: 3 %", `2: defaults.stop-loss has no value: ${STOP}`],
    ["a key in braces has none", "defaults: { stop-loss }", `1: defaults.stop-loss has no value: ${STOP}`],
    ["a value is null in YAML", "defaults: { stop-loss: ~ }", `1: defaults.stop-loss is "~": ${STOP}`],
    ["a value is a list", "defaults: { stop-loss: [2 %] }", `1: defaults.stop-loss is a list: ${STOP}`],
    ["a value is a mapping", "defaults: { stop-loss: { at: 2 % } }", `1: defaults.stop-loss is a mapping: ${STOP}`],
    ["a rule is off in another word", "defaults: { backstop: none }", `1: defaults.backstop is "none": ${PART}`],
    [
      "a value goes on for two lines",
      "defaults:\n  backstop: 5 %\n    6 %",
      `2: defaults.backstop is "5 % 6 %": ${PART}`,
    ],
    ["a limit is all", "portfolio:\n  daily-loss: 100 %", `2: portfolio.daily-loss is "100 %": ${PART}`],
    ["a limit is nothing", "portfolio:\n  drawdown: 0 %", `2: portfolio.drawdown is "0 %": ${PART}`],
    ["a time has no unit", "defaults: { time-limit: 8 }", `1: defaults.time-limit is "8": ${SPAN}`],
    ["a time is none", "defaults: { time-limit: 0h }", `1: defaults.time-limit is "0h": ${SPAN}`],
    ["a time is more than a year", "defaults: { time-limit: 367d }", `1: defaults.time-limit is "367d": ${SPAN}`],
    ["a time is in two units", "defaults: { time-limit: 1h30m }", `1: defaults.time-limit is "1h30m": ${SPAN}`],
    ["a time is in milliseconds", "defaults: { time-limit: 500ms }", `1: defaults.time-limit is "500ms": ${SPAN}`],
    [
      "a ladder is no list",
      "defaults: { take-profit: 3 % }",
      '1: defaults.take-profit is "3 %": expected a list of steps such as "{ at: 1.5R, close: 50 % }", or off',
    ],
    [
      "a ladder has no step",
      "defaults: { take-profit: [] }",
      '1: defaults.take-profit is an empty list: expected a list of steps such as "{ at: 1.5R, close: 50 % }", or off',
    ],
    [
      "a step is no mapping",
      "defaults:\n  take-profit:\n    - 3 %",
      '3: defaults.take-profit[step 1] is "3 %": expected a step such as "{ at: 1.5R, close: 50 % }"',
    ],
    [
      "a step says half of it",
      "defaults:\n  take-profit:\n    - at: 3 %\n    - close: 3 %",
      `3: defaults.take-profit[step 1].close is missing: ${SHARE}`,
      `4: defaults.take-profit[step 2].at is missing: ${TARGET}`,
    ],
    [
      "a step says too much",
      "defaults:\n  take-profit:\n    - { at: 3 %, close: 50 %, order: limit }",
      "3: defaults.take-profit[step 1].order is not a key here: expected one of at, close",
    ],
    [
      "a step closes nothing, another more than all",
      "defaults:\n  take-profit:\n    - { at: 3 %, close: 0 % }\n    - { at: 4 %, close: 101 % }",
      `3: defaults.take-profit[step 1].close is "0 %": ${SHARE}`,
      `4: defaults.take-profit[step 2].close is "101 %": ${SHARE}`,
    ],
    [
      "a step is at a loss",
      "defaults:\n  take-profit:\n    - { at: -3 %, close: 50 % }",
      `3: defaults.take-profit[step 1].at is "-3 %": ${TARGET}`,
    ],
    [
      "the steps close more than all",
      "defaults:\n  stop-loss: 1 %\n  take-profit:\n    - { at: 3 %, close: 50 % }\n    - { at: 4 %, close: 50.1 % }",
      "3: defaults.take-profit closes 100.1 % in all: expected 100 % at most",
    ],
    [
      "the steps do not rise",
      "defaults:\n  take-profit:\n    - { at: 4 %, close: 50 % }\n    - { at: 3 %, close: 50 % }",
      '4: defaults.take-profit[step 2].at is "3 %": expected more than the step before it, 4 %',
    ],
    [
      "two steps are at the same profit, written otherwise",
      "defaults:\n  take-profit:\n    - { at: 4 %, close: 50 % }\n    - { at: 4.0%, close: 50 % }",
      '4: defaults.take-profit[step 2].at is "4.0%": expected more than the step before it, 4 %',
    ],
    [
      "two steps are at the same profit, one in R",
      "defaults:\n  stop-loss: 2 %\n  take-profit:\n    - { at: 1.5R, close: 50 % }\n    - { at: 3 %, close: 50 % }",
      '5: defaults.take-profit[step 2].at is "3 %": expected more than the step before it, 1.5R (3 % of the entry price)',
    ],
    [
      "the steps do not rise in R, with a stop loss of margin",
      "defaults:\n  stop-loss: 20 % of margin\n  take-profit:\n    - { at: 2R, close: 50 % }\n    - { at: 1R, close: 50 % }",
      '5: defaults.take-profit[step 2].at is "1R": expected more than the step before it, 2R',
    ],
    [
      "nobody can tell which step comes first",
      "defaults:\n  stop-loss: 20 % of margin\n  take-profit:\n    - { at: 1R, close: 50 % }\n    - { at: 3 %, close: 50 % }",
      '5: defaults.take-profit[step 2].at is "3 %": expected all steps in R, or all in percent: with a stop loss of margin it depends on the leverage which of them is reached first',
    ],
    [
      "R is measured by nothing",
      "defaults:\n  take-profit:\n    - { at: 1R, close: 50 % }\n  break-even: 1R\n  trailing-stop:\n    activation: 1R\n    distance: 1R",
      `3: defaults.take-profit[step 1].at is "1R": ${NEEDS_STOP}`,
      `4: defaults.break-even is "1R": ${NEEDS_STOP}`,
      `6: defaults.trailing-stop.activation is "1R": ${NEEDS_STOP}`,
      `7: defaults.trailing-stop.distance is "1R": ${NEEDS_STOP}`,
    ],
    [
      "a symbol takes its stop loss away from an R of the defaults",
      "defaults:\n  stop-loss: 2 %\n  break-even: 1R\nsymbols:\n  BTCUSDT:\n    stop-loss: off",
      `6: symbols.BTCUSDT.stop-loss: with this, defaults.break-even is "1R": ${NEEDS_STOP}`,
    ],
    [
      "a symbol brings an R that no stop loss measures",
      "defaults:\n  backstop: 12 %\nsymbols:\n  BTCUSDT:\n    break-even: { at: 1R }",
      `5: symbols.BTCUSDT.break-even.at is "1R": ${NEEDS_STOP}`,
    ],
    [
      "a symbol's stop loss makes another order of the defaults' ladder",
      "defaults:\n  stop-loss: 2 %\n  take-profit:\n    - { at: 1.5R, close: 50 % }\n    - { at: 4 %, close: 50 % }\nsymbols:\n  BTCUSDT:\n    stop-loss: 3 %",
      '8: symbols.BTCUSDT.stop-loss: with this, defaults.take-profit[step 2].at is "4 %": expected more than the step before it, 1.5R (4.5 % of the entry price)',
    ],
    ["a break-even move is a guess", "defaults: { break-even: yes }", `1: defaults.break-even is "yes": ${TARGET}`],
    [
      "a break-even move is a list",
      "defaults: { break-even: [1R] }",
      '1: defaults.break-even is a list: expected a profit such as "1R", "{ at: 1R, offset: 0.1 % }", or off',
    ],
    [
      "a break-even stop is beyond the mark that puts it there",
      "defaults:\n  break-even: { at: 1 %, offset: 1 % }",
      '2: defaults.break-even.offset is "1 %": expected less than the profit at which the stop is moved, 1 %',
    ],
    [
      "the same, in R",
      "defaults:\n  stop-loss: 2 %\n  break-even: { at: 0.5R, offset: 1.5 % }",
      '3: defaults.break-even.offset is "1.5 %": expected less than the profit at which the stop is moved, 1 %',
    ],
    [
      "a break-even stop is as far from entry as zero is",
      "defaults:\n  break-even: { at: 200 %, offset: 100 % }",
      '2: defaults.break-even.offset is "100 %": expected a percentage of the entry price from 0 to below 100, such as "0.1 %"',
    ],
    [
      "an offset is in R",
      "defaults:\n  break-even: { at: 1 %, offset: 0.1R }",
      '2: defaults.break-even.offset is "0.1R": expected a percentage of the entry price from 0 to below 100, such as "0.1 %"',
    ],
    [
      "a trailing stop has no distance",
      "defaults: { trailing-stop: { activation: 1 % } }",
      '1: defaults.trailing-stop.distance is missing: expected a distance above 0 and below 100 %, such as "1 %" of the best mark or "0.5R"',
    ],
    [
      "a trailing stop trails by all",
      "defaults: { trailing-stop: { distance: 100 % } }",
      '1: defaults.trailing-stop.distance is "100 %": expected a distance above 0 and below 100 %, such as "1 %" of the best mark or "0.5R"',
    ],
    [
      "a trailing stop is a number",
      "defaults: { trailing-stop: 1 % }",
      '1: defaults.trailing-stop is "1 %": expected "{ activation: 2 %, distance: 1 % }", or off',
    ],
    [
      "the venue's stop is as near as the brain's",
      "defaults:\n  backstop: 2 %\n  stop-loss: 2 %",
      '2: defaults.backstop is "2 %": expected more than the stop loss, 2 %: the venue\'s stop is for when nobody is there',
    ],
    [
      "the venue's stop is nearer than a symbol's",
      "defaults:\n  backstop: 3 %\n  stop-loss: 2 %\nsymbols:\n  BTCUSDT: { stop-loss: 4 % }",
      '5: symbols.BTCUSDT.stop-loss: with this, defaults.backstop is "3 %": expected more than the stop loss, 4 %: the venue\'s stop is for when nobody is there',
    ],
    [
      "a symbol is in small letters",
      "symbols:\n  btcusdt: { stop-loss: 1 % }",
      "2: symbols.btcusdt is not a symbol: expected one as the venue writes it, such as BTCUSDT",
    ],
    [
      "a symbol is written as elsewhere",
      "symbols:\n  BTC/USDT:USDT: { stop-loss: 1 % }",
      '2: symbols."BTC/USDT:USDT" is not a symbol: expected one as the venue writes it, such as BTCUSDT',
    ],
    [
      "a rule has slipped to the left",
      "symbols:\n  BTCUSDT:\n    stop-loss: 1 %\n  backstop: 5 %",
      "4: symbols.backstop is not a symbol: expected one as the venue writes it, such as BTCUSDT",
    ],
    [
      "a key is there twice",
      "defaults:\n  stop-loss: 2 %\n  backstop: 5 %\n  stop-loss: 3 %",
      "4: has the key stop-loss a second time: expected it once",
    ],
    ["a tab indents", "defaults:\n\tstop-loss: 2 %", "2: is indented with a tab: expected spaces"],
    [
      "a second document begins",
      "portfolio: { drawdown: 5 % }\n---\nx: 1",
      "2: begins a second document: expected one policy in a file",
    ],
    [
      "one value stands for another",
      "defaults: &all { stop-loss: 2 % }\nsymbols:\n  BTCUSDT: *all",
      "1: has the anchor &all: expected the value alone",
      "3: has the alias *all: expected the value itself",
    ],
    ["an alias stands for nothing", "defaults: *all", "1: has the alias *all: expected the value itself"],
    [
      "something is to be merged",
      "symbols:\n  BTCUSDT:\n    <<: { stop-loss: 2 % }",
      "3: has a merge key (<<): expected the rules themselves",
    ],
    ["a value has a tag", "defaults: { time-limit: !!int 8 }", "1: has a tag (!): expected the value alone"],
    ["a key is a list", "? [defaults]\n: { stop-loss: 2 % }", "1: has a key that is no word: expected a plain key"],
    [
      "it is not YAML",
      "defaults: { stop-loss: 2 %\nportfolio: { drawdown: 5 % }",
      "2: is not YAML: Flow map in block collection must be sufficiently indented and end with a }",
    ],
    ["a quote is open", "defaults:\n  stop-loss: '2 %\n", "3: is not YAML: Missing closing 'quote"],
    ["it is deep", "[".repeat(50_000), "1: is nested too deeply to be a policy"],
    ["it is deep in lists", `defaults: ${"[".repeat(40)}${"]".repeat(40)}`, "1: is nested too deeply to be a policy"],
    [
      "a value is a novel",
      `defaults: { stop-loss: "${"x".repeat(100)}\\n" }`,
      `1: defaults.stop-loss is "${"x".repeat(59)}…": ${STOP}`,
    ],
  ] as const)("%s", (_what, text, ...expected) => {
    expect(problems(text)).toEqual(expected as readonly string[]);
  });
});

test("everything that is wrong is said at once, from top to bottom", () => {
  const text =
    "portfolio:\n  daily-loss: 5\ndefaults:\n  stoploss: 2 %\n  time-limit: 8\n  break-even: { at: 1, offset: 2 }\n";
  expect(problems(text).map((line) => line.slice(0, line.indexOf(" is ")))).toEqual([
    "2: portfolio.daily-loss",
    "4: defaults.stoploss",
    "5: defaults.time-limit",
    "6: defaults.break-even.at",
    "6: defaults.break-even.offset",
  ]);
});

test("any policy that is written down is read again as the same", () => {
  fc.assert(
    fc.property(anyPolicy, (policy) => {
      expect(plainly(readPolicy(printPolicy(policy)))).toBe(plainly({ ok: true, policy }));
    }),
    { numRuns: 300, ...BOUNDED },
  );
});

test("no text at all makes the reader throw, or say more than a line", () => {
  const words = [
    "defaults",
    "stop-loss",
    ":",
    " ",
    "\n",
    "  ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "2 %",
    "1R",
    "&a",
    "*a",
    "'",
    '"',
    "#",
    "|",
    "?",
    "\t",
    "!!x",
    "---",
    "off",
  ];
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(fc.constantFrom(...words)).map((parts) => parts.join("")),
      ),
      (text) => {
        for (const problem of problems(text)) expect(problem).toMatch(/^\d+: .+$/);
      },
    ),
    { numRuns: 2_000, ...BOUNDED },
  );
});

describe("loading", () => {
  test("refuses with the first problem, by file and line, and says how many more there are", () => {
    const path = file("two.yaml", "defaults:\n  stop-loss: 2\n  time-limit: 8\n");
    expect(refused(() => loadPolicy(path))).toBe(
      `${path}:2: defaults.stop-loss is "2": ${STOP} (and 1 more: quantum brain --check-policy shows all)`,
    );
    const reading = checkPolicy(path);
    const lines = reading.ok ? [] : reading.problems.map((problem) => problemLine(path, problem));
    expect(lines[1]).toBe(`${path}:3: defaults.time-limit is "8": ${SPAN}`);
  });

  test("takes a file with a byte order mark and lines that end as on Windows", () => {
    const path = file("windows.yaml", "\ufeffdefaults:\r\n  stop-loss: 2 %\r\n");
    expect(plainly(loadPolicy(path).defaults.stopLoss)).toBe(plainly({ percent: decimal("2"), of: "entry" }));
  });

  const files: readonly (readonly [what: string, path: () => string, expected: string])[] = [
    ["is not there", () => join(folder, "none.yaml"), "can't be read (ENOENT), expected a readable file"],
    ["is a folder", () => folder, "can't be read (EISDIR), expected a readable file"],
    ["never ends", () => "/dev/zero", "is too long, expected 262144 bytes at most"],
    ["is too long", () => file("long.yaml", "#".repeat(262_145)), "is too long, expected 262144 bytes at most"],
    ["is no text", () => file("latin.yaml", new Uint8Array([0x23, 0xe4, 0x0a])), "is not UTF-8, expected a text file"],
  ];
  test.each(files)("refuses a file that %s", (_what, path, expected) => {
    expect(refused(() => loadPolicy(path()))).toBe(`--policy: ${path()} ${expected}`);
  });

  test("takes the longest file that is allowed", () => {
    const rule = "defaults: { stop-loss: 2 % }\n#";
    expect(loadPolicy(file("full.yaml", rule + "x".repeat(262_144 - rule.length))).symbols.size).toBe(0);
  });
});

/** An exit policy, as terminal text or as a JSON document; no decisions. */

import type { PolicyProblem } from "../config/policy.ts";
import { type Decimal, plain } from "../core/decimal.ts";
import { durationName, type ExitPolicy, type LegPolicy, type Target, targetName } from "../core/exit-policy.ts";
import { newTable } from "./table.ts";

/** `brain --check-policy --json`, where the file is in order. */
export function policyDocument(file: string, { defaults, symbols, portfolio }: ExitPolicy): object {
  return {
    ok: true,
    file,
    defaults: legDocument(defaults),
    symbols: Object.fromEntries([...symbols].map(([name, leg]) => [name, legDocument(leg)])),
    portfolio: {
      daily_loss_percent: number(portfolio.dailyLossPercent),
      drawdown_percent: number(portfolio.drawdownPercent),
    },
    problems: [],
  };
}

/** The same, where it is not. */
export function problemsDocument(file: string, problems: readonly PolicyProblem[]): object {
  return { ok: false, file, problems: problems.map(({ line, what }) => ({ line, problem: what })) };
}

function legDocument(leg: LegPolicy): object {
  const { breakEven, ladder, stopLoss, trailing } = leg;
  return {
    stop_loss: stopLoss && { percent: plain(stopLoss.percent), of: stopLoss.of },
    take_profit: ladder.map(({ at, closePercent }) => ({ at: targetName(at), close_percent: plain(closePercent) })),
    break_even: breakEven && { at: targetName(breakEven.at), offset_percent: plain(breakEven.offsetPercent) },
    trailing_stop: trailing && {
      activation: trailing.activation && targetName(trailing.activation),
      distance: targetName(trailing.distance),
    },
    time_limit_ms: leg.timeLimitMs,
    liquidation_distance_percent: number(leg.liquidationDistancePercent),
    backstop_percent: number(leg.backstopPercent),
  };
}

function number(value: Decimal | null): string | null {
  return value && plain(value);
}

/** `brain --check-policy` for people: what holds for whom, rule by rule, and what wins. */
export function renderPolicy(file: string, { defaults, symbols, portfolio }: ExitPolicy, colour: boolean): string {
  const lines = [`${file} says:`, "", `Every position${symbols.size > 0 ? " that is not named below" : ""}`];
  lines.push(table(ruleRows(defaults), colour));
  const usual = new Set(ruleRows(defaults).map(([rule, words]) => `${rule} ${words}`));
  for (const [name, leg] of symbols) {
    const rows = ruleRows(leg).map(([rule, words]): Row => {
      return [rule, words, usual.has(`${rule} ${words}`) ? "as every position" : "its own"];
    });
    lines.push("", name, table(rows, colour));
  }
  lines.push("", "The account as a whole, by a panic that closes everything and halts trading");
  const { dailyLossPercent: daily, drawdownPercent: drawdown } = portfolio;
  const rows: readonly Row[] = [
    ["daily loss", daily === null ? NONE : `${plain(daily)} % of the equity at 00:00 UTC`],
    ["drawdown", drawdown === null ? NONE : `${plain(drawdown)} % of the highest equity`],
  ];
  lines.push(table(rows, colour), "", WHAT_WINS);
  return lines.join("\n");
}

type Row = readonly [rule: string, words: string, from?: string];

const NONE = "none";

const WHAT_WINS = [
  "What wins where several rules hold at once: the account's limits, the distance to liquidation, the stop (the tightest",
  "of stop loss, break-even and trailing stop), the time limit, the ladder from its lowest step.",
].join("\n");

function table(rows: readonly Row[], colour: boolean): string {
  const wide = rows.some(([, , from]) => from !== undefined);
  const made = newTable(wide ? ["rule", "what it does", "whose"] : ["rule", "what it does"], colour);
  for (const row of rows) made.push([...row].map((cell) => cell ?? ""));
  return made.toString();
}

/** Every rule, also those that are not on: what protects nobody is to be seen. */
function ruleRows(leg: LegPolicy): readonly Row[] {
  const { backstopPercent, breakEven, ladder, liquidationDistancePercent, stopLoss, timeLimitMs, trailing } = leg;
  const profit = (at: Target): string => profitWords(leg, at);
  const stop = `close all at a loss of ${stopLoss && plain(stopLoss.percent)} % of the ${stopLoss?.of === "margin" ? "margin" : "entry price"}`;
  const steps = ladder.map(({ at, closePercent }) => `at ${profit(at)} close ${plain(closePercent)} %`);
  return [
    ["stop loss", stopLoss === null ? NONE : stop],
    ["take profit", steps.length === 0 ? NONE : steps.join("\n")],
    ["break-even", breakEven === null ? NONE : `from ${profit(breakEven.at)} on: stop at ${entryWords(breakEven)}`],
    ["trailing stop", trailing === null ? NONE : trailingWords(trailing, profit)],
    ["time limit", timeLimitMs === null ? NONE : `close all ${durationName(timeLimitMs)} after the opening`],
    [
      "liquidation distance",
      liquidationDistancePercent === null
        ? NONE
        : `close all when liquidation is ${plain(liquidationDistancePercent)} % of the mark away, or less`,
    ],
    ["backstop", backstopPercent === null ? NONE : `a stop at the venue, ${plain(backstopPercent)} % from entry`],
  ];
}

function profitWords({ stopLoss }: LegPolicy, at: Target): string {
  const known = at.unit === "r" && stopLoss?.of === "entry";
  return `+${targetName(at)}${known ? ` (${plain(at.value.times(stopLoss.percent))} %)` : ""}`;
}

function entryWords({ offsetPercent }: NonNullable<LegPolicy["breakEven"]>): string {
  return offsetPercent.gt("0") ? `entry + ${plain(offsetPercent)} %` : "entry";
}

function trailingWords(
  { activation, distance }: NonNullable<LegPolicy["trailing"]>,
  profit: (at: Target) => string,
): string {
  const from = activation === null ? "from the start" : `from ${profit(activation)} on`;
  return `${from}: stop ${targetName(distance)} behind the best mark`;
}

/** What a policy would have done, as terminal text or as a JSON document; no decisions. */

import { cents, type Decimal, plain } from "../core/decimal.ts";
import { readable } from "../core/exit-decision.ts";
import { pnlOf, type Replay, type ReplayDecision, realized } from "../core/exit-replay.ts";
import type { Position } from "../core/position.ts";
import type { UnixMillis } from "../core/time.ts";
import { CHART_LEGEND, renderChart } from "./chart.ts";
import { newTable } from "./table.ts";

/** A replay that has come to the end of its candles. */
export interface ReplayView {
  readonly policy: string;
  readonly candles: string;
  /** As it was opened. */
  readonly leg: Position;
  readonly openedAt: UnixMillis;
  /** What 1R is worth for the whole leg; null where no stop loss says it. */
  readonly risk: Decimal | null;
  readonly firstStop: Decimal | null;
  readonly end: Replay;
  /** One for each candle from the entry on. */
  readonly path: readonly PathPoint[];
  /** For each decision, the candle in which it was made. */
  readonly candleOf: readonly number[];
  /** What is not in the result. */
  readonly notes: readonly string[];
}

/** A candle as the chart shows it. */
export interface PathPoint {
  readonly openedAt: UnixMillis;
  readonly close: number;
  readonly stop: number | null;
}

/** `brain replay --json`. */
export function replayDocument(view: ReplayView): object {
  const { leg, end, risk } = view;
  const pnl = realized(end);
  return {
    policy: view.policy,
    candles: view.candles,
    candles_replayed: view.path.length,
    symbol: leg.symbol,
    side: leg.amount.gt("0") ? "long" : "short",
    size: plain(leg.amount.abs()),
    entry: plain(leg.entryPrice),
    opened_at: view.openedAt,
    first_stop: view.firstStop && plain(view.firstStop),
    decisions: end.decisions.map(({ at, mark, kind, step, reason, quantity, pnl, left }, i) => ({
      number: i + 1,
      candle: candleTime(view, i),
      at,
      mark: plain(mark),
      kind,
      step,
      reason,
      quantity: plain(quantity),
      pnl: plain(pnl),
      r: inR(pnl, risk),
      left: plain(left),
    })),
    pnl: plain(pnl),
    r: inR(pnl, risk),
    open: end.leg && {
      quantity: plain(end.leg.amount.abs()),
      mark: plain(end.mark),
      unrealized_pnl: plain(pnlOf(end.leg, end.leg.amount.abs(), end.mark)),
    },
    notes: view.notes,
  };
}

/** `brain replay` for people: the decisions, the chart, the sum of it. */
export function renderReplay(view: ReplayView, { colour, width }: { colour: boolean; width: number }): string {
  const { leg, end, firstStop, path } = view;
  const side = leg.amount.gt("0") ? "long" : "short";
  const stop = firstStop === null ? "no stop loss" : `stop loss ${readable(firstStop)}`;
  const lines = [
    `${leg.symbol}: ${side} ${plain(leg.amount.abs())} at ${readable(leg.entryPrice)}, ${shortTime(view.openedAt)}, ${stop}`,
  ];
  if (end.decisions.length > 0) lines.push(decisionTable(view, colour));
  else lines.push("Nothing was decided: no rule was reached");
  const marks = end.decisions.map(({ mark }, i) => ({
    at: view.candleOf[i] ?? 0,
    price: Number(plain(mark)),
    sign: signOf(i),
  }));
  const shown = path.slice(0, shownCandles(view));
  const chart = renderChart(
    {
      prices: shown.map(({ close }) => close),
      stops: shown.map(({ stop }) => stop),
      entry: Number(plain(leg.entryPrice)),
      marks,
      width,
      places: end.places,
    },
    colour,
  );
  lines.push("", ...chart, `${" ".repeat(2)}${CHART_LEGEND}`, "", summary(view));
  lines.push(...view.notes.map((note) => `  - ${note}`));
  return lines.join("\n");
}

/** What came long after the leg is no part of its story: it would only make that one small. */
function shownCandles({ candleOf, end, path }: ReplayView): number {
  const last = candleOf.at(-1);
  if (end.leg !== null || last === undefined) return path.length;
  return last + 1 + Math.max(AFTER_MIN, Math.ceil(last / AFTER_PART));
}

/** So many candles after the last close at least, and a quarter of those before it. */
const AFTER_MIN = 10;
const AFTER_PART = 4;

function candleTime({ candleOf, path }: ReplayView, decision: number): UnixMillis {
  return path[candleOf[decision] ?? 0]?.openedAt ?? (0 as UnixMillis);
}

function decisionTable(view: ReplayView, colour: boolean): string {
  const { end, risk } = view;
  const table = newTable(["#", "candle (UTC)", "mark", "what", "quantity", "P&L", "R"], colour);
  end.decisions.forEach((decision, i) => {
    const { mark, quantity, pnl, reason } = decision;
    const closes = quantity.gt("0");
    table.push(
      [
        { content: signOf(i), rowSpan: 2 },
        shortTime(candleTime(view, i)),
        readable(mark),
        what(decision),
        closes ? plain(quantity) : "",
        closes ? money(pnl) : "",
        closes ? (inR(pnl, risk) ?? "-") : "",
      ],
      [{ content: reason, colSpan: 6 }],
    );
  });
  return table.toString();
}

function what({ kind, step }: ReplayDecision): string {
  switch (kind) {
    case "step":
      return `step +${step}`;
    case "all":
      return "close all";
    case "stop_moved":
      return "stop moved";
    case "backstop":
      return "backstop";
    case "liquidation":
      return "LIQUIDATED";
  }
}

function summary(view: ReplayView): string {
  const { end, leg, path, risk } = view;
  const pnl = realized(end);
  const r = inR(pnl, risk);
  const closes = end.decisions.filter(({ quantity }) => quantity.gt("0")).length;
  const result = `P&L ${money(pnl)}${r === null ? "" : ` (${r}R)`} by ${counted(closes, "close")}`;
  if (end.leg === null) {
    const at = shortTime(candleTime(view, end.decisions.length - 1));
    return `Closed in the candle of ${at}: ${result}, ${counted(path.length, "candle")} in all`;
  }
  const open = end.leg.amount.abs();
  const rest = pnlOf(end.leg, open, end.mark);
  const still = `${plain(open)} of ${plain(leg.amount.abs())} is still open at ${readable(end.mark)} (${money(rest)})`;
  return `Not closed in ${counted(path.length, "candle")}: ${still}; ${result}`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** Two places, with its sign, for display. */
function inR(pnl: Decimal, risk: Decimal | null): string | null {
  return risk?.gt("0") ? signed(cents(pnl.div(risk))) : null;
}

function money(value: Decimal): string {
  return signed(cents(value).replace(/\B(?=(\d{3})+\.)/g, ","));
}

function signed(text: string): string {
  return /[1-9]/.test(text) && !text.startsWith("-") ? `+${text}` : text.replace(/^-(?=[0.]+$)/, "");
}

/** One character each, so that the chart has room for it. */
function signOf(i: number): string {
  return "123456789abcdefghijklmnopqrstuvwxyz"[i] ?? "*";
}

function shortTime(at: UnixMillis): string {
  return new Date(at).toISOString().slice(0, 19).replace("T", " ");
}

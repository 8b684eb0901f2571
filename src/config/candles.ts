/** A file of candles (`--candles`): CSV as exchanges and tools export it → prices in the order of time. */

import { type Decimal, decimal } from "../core/decimal.ts";
import type { Candle } from "../core/exit-replay.ts";
import type { UnixMillis } from "../core/time.ts";
import { MOMENTS, moment } from "./moment.ts";
import { Refusal } from "./refusal.ts";

/** A candle and how far into the file its line ends, from 0 to 1. */
export interface CandleRow {
  readonly candle: Candle;
  readonly progress: number;
}

type Column = "time" | "open" | "high" | "low" | "close";

/** The names that exports give to the five columns, without case, spaces and underscores. */
const NAMES: Readonly<Record<Column, readonly string[]>> = {
  time: ["time", "timestamp", "date", "datetime", "opentime", "t"],
  open: ["open", "o"],
  high: ["high", "h"],
  low: ["low", "l"],
  close: ["close", "c"],
};

const COLUMNS = Object.keys(NAMES) as readonly Column[];

const EXPECTED = "time,open,high,low,close";

/** The row of a line, before it is known when the candle ends. */
type Row = Omit<Candle, "closedAt"> & { readonly end: number };

/**
 * Reads the candles of a text, one by one. Columns are found by a first line of names, or else are the first five; others are left out.
 *
 * A candle lasts as long as the shortest so far and of the next thousand, and never into the next one; a gap in the file is a gap in
 * the prices.
 *
 * @throws {Refusal} naming file and line where a row is not a candle, or not later than the one before; and where there is none.
 */
export function* candlesOf(file: string, text: string): Generator<CandleRow> {
  // Read and not handed on yet: a gap behind the first candle does not tell how long that is, those behind it do.
  const waiting: Row[] = [];
  let most = ROWS_AHEAD;
  let lengthMs = Number.POSITIVE_INFINITY;
  let before: Row | null = null;
  for (const row of rowsOf(file, text)) {
    if (before !== null) lengthMs = Math.min(lengthMs, row.openedAt - before.openedAt);
    before = row;
    if (waiting.length >= most) {
      for (const one of waiting.splice(0)) yield ended(one, lengthMs, text.length);
      most = 1;
    }
    waiting.push(row);
  }
  if (before === null) throw new Refusal(`${file}: has no candle, expected lines of ${EXPECTED}`);
  // One candle alone does not say how long it is.
  for (const one of waiting) yield ended(one, Number.isFinite(lengthMs) ? lengthMs : MINUTE_MS, text.length);
}

/** Enough for the gaps at the beginning of any file that is of use. */
const ROWS_AHEAD = 1_000;

const MINUTE_MS = 60_000;

function ended({ end, ...candle }: Row, lengthMs: number, of: number): CandleRow {
  const closedAt = (candle.openedAt + lengthMs - 1) as UnixMillis;
  return { candle: { ...candle, closedAt }, progress: end / of };
}

function* rowsOf(file: string, text: string): Generator<Row> {
  let order: readonly number[] | null = null;
  let before: UnixMillis | null = null;
  let line = 0;
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline + 1;
    const fields = text.slice(start, end).split(",");
    start = end;
    line++;
    const cells = fields.map((field) => field.trim());
    if (cells.length === 1 && cells[0] === "") continue;
    const refuse = (what: string): never => {
      throw new Refusal(`${file}:${line}: ${what}`);
    };
    if (order === null) {
      const named = orderOf(cells);
      order = named ?? [0, 1, 2, 3, 4];
      if (named !== null) {
        const bare = cells.map(bareName);
        const twice = named.find((at) => bare.indexOf(bare[at] ?? "") !== bare.lastIndexOf(bare[at] ?? ""));
        if (twice !== undefined) refuse(`names the column ${shown(cells[twice] ?? "")} twice, expected it once`);
        continue;
      }
      if (isHeader(cells)) refuse(`names the columns ${shown(cells.join(","))}, expected ${EXPECTED} among them`);
    }
    const row = rowOf(cells, order, refuse);
    if (before !== null && row.openedAt <= before) {
      refuse(`is at ${iso(row.openedAt)}, expected a later time than the line before, ${iso(before)}`);
    }
    before = row.openedAt;
    yield { ...row, end };
  }
}

/** Where each of the five columns is; null where the line does not name all of them. */
function orderOf(cells: readonly string[]): readonly number[] | null {
  const bare = cells.map(bareName);
  const order = COLUMNS.map((column) => bare.findIndex((cell) => NAMES[column].includes(cell)));
  return order.every((at) => at >= 0) ? order : null;
}

function bareName(cell: string): string {
  return cell.toLowerCase().replaceAll(/["\s_]/g, "");
}

function isHeader(cells: readonly string[]): boolean {
  return cells.every((cell) => !/^[+-]?[\d.]/.test(cell));
}

function rowOf(cells: readonly string[], order: readonly number[], refuse: (what: string) => never): Omit<Row, "end"> {
  const needed = Math.max(...order) + 1;
  if (cells.length < needed) refuse(`has ${cells.length} columns, expected ${needed} or more: ${EXPECTED}`);
  const [time = "", ...prices] = order.map((at) => cells[at] ?? "");
  const openedAt = moment(time) ?? refuse(`time is ${shown(time)}, expected ${MOMENTS}`);
  const [open, high, low, close] = prices.map((price, i) => priceOf(price, COLUMNS[i + 1] ?? "", refuse));
  if (open === undefined || high === undefined || low === undefined || close === undefined)
    return refuse("is no candle");
  for (const [name, price] of [["open", open] as const, ["low", low] as const, ["close", close] as const]) {
    if (high.lt(price)) refuse(`high is ${high.toFixed()}, expected at least the ${name}, ${price.toFixed()}`);
  }
  for (const [name, price] of [["open", open] as const, ["close", close] as const]) {
    if (low.gt(price)) refuse(`low is ${low.toFixed()}, expected at most the ${name}, ${price.toFixed()}`);
  }
  return { openedAt, open, high, low, close };
}

function priceOf(text: string, name: string, refuse: (what: string) => never): Decimal {
  const price = /^\d{1,15}(\.\d{1,15})?$/.test(text) ? decimal(text) : null;
  return price?.gt("0") ? price : refuse(`${name} is ${shown(text)}, expected a price above 0, such as 60000.1`);
}

function iso(time: UnixMillis): string {
  return new Date(time).toISOString();
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 59)}…` : text);
}

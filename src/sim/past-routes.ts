/**
 * The paths that tell what was: trades, orders, income and the mark's candles. Each answers a page at a time, from a window
 * of time; what is asked wrongly is refused, as Binance does (Account Trade List, All Orders, Get Income History, Mark Price
 * Kline; -4165 of Error Codes).
 */

import type { UnixMillis } from "../core/time.ts";
import { CANDLE_MS, type Candle, type CandleInterval } from "./mark-candles.ts";
import type { Params } from "./params.ts";
import { refuse } from "./refusals.ts";
import type { SymbolRules } from "./symbols.ts";
import type { Venue } from "./venue.ts";
import type { Row } from "./wire.ts";
import { fillIncomeRows, queriedOrderRow, tradeRow, transferRow } from "./wire-orders.ts";

interface PublicCall {
  readonly venue: Venue;
  readonly params: Params;
}

interface AccountCall extends PublicCall {
  readonly apiKey: string;
}

const WINDOW_DAYS_MAX = 7;
const DAY_MS = 86_400_000;
const PAGE_MAX = 1_000;
const PAGE_DEFAULT = 500;
const INCOME_PAGE_DEFAULT = 100;
const CANDLES_MAX = 1_500;

/** Where the weight of a page of candles grows: from so many on, so much. */
const KLINE_WEIGHTS: readonly (readonly [from: number, weight: number])[] = [
  [1_001, 10],
  [500, 5],
  [100, 2],
  [0, 1],
];

/** What a page of candles weighs, by its `limit`. */
export function klinesWeight(query: URLSearchParams): number {
  const limit = Number(query.get("limit") ?? PAGE_DEFAULT);
  return KLINE_WEIGHTS.find(([from]) => limit >= from)?.[1] ?? 1;
}

/** `GET /fapi/v1/userTrades`: the symbol's trades from `fromId` or `startTime` on, or else the newest of the last week. */
export function userTrades({ venue, apiKey, params }: AccountCall): readonly Row[] {
  const rules = listed(venue, params);
  const fromId = params.digits("fromId");
  const orderId = params.digits("orderId");
  if (fromId !== null && (params.has("startTime") || params.has("endTime"))) throw refuse("badCombination");
  const fills = venue
    .fills(apiKey)
    .filter((fill) => fill.symbol === rules.symbol && (orderId === null || fill.orderId === orderId));
  const limit = pageSize(params, PAGE_DEFAULT, PAGE_MAX);
  if (fromId !== null) {
    const page = fills.filter((fill) => BigInt(fill.tradeId) >= BigInt(fromId)).slice(0, limit);
    return page.map((fill) => tradeRow(rules, fill));
  }
  return page(fills, window(params, venue.now()), limit).map((fill) => tradeRow(rules, fill));
}

/**
 * `GET /fapi/v1/allOrders`: the symbol's orders from `orderId` or `startTime` on, or else the newest of the last week. Those that
 * ended without a fill are forgotten after three days.
 */
export function allOrders({ venue, apiKey, params }: AccountCall): readonly Row[] {
  const rules = listed(venue, params);
  const orderId = params.digits("orderId");
  const limit = pageSize(params, PAGE_DEFAULT, PAGE_MAX);
  const keptSince = venue.now() - 3 * DAY_MS;
  const orders = venue
    .orders(apiKey, rules.symbol)
    .filter(({ status, executed, time }) => status === "NEW" || !executed.eq("0") || time >= keptSince);
  const found =
    orderId === null
      ? page(orders, window(params, venue.now()), limit)
      : orders.filter((order) => BigInt(order.orderId) >= BigInt(orderId)).slice(0, limit);
  return found.map((order) => queriedOrderRow(rules, order));
}

/** `GET /fapi/v1/income`: transfers, fees and realized profit, oldest first; of the last week, unless a time is given. */
export function income({ venue, apiKey, params }: AccountCall): readonly Row[] {
  const type = params.optional("incomeType");
  const symbol = params.optional("symbol");
  const startTime = params.integer("startTime");
  const endTime = params.integer("endTime");
  const from = startTime ?? (endTime === null ? venue.now() - WINDOW_DAYS_MAX * DAY_MS : 0);
  const limit = pageSize(params, INCOME_PAGE_DEFAULT, PAGE_MAX);
  const flows = [
    ...venue.transfers(apiKey).map(({ time, ...rest }) => ({ time, row: transferRow({ time, ...rest }) })),
    ...venue.fills(apiKey).flatMap((fill) => fillIncomeRows(fill).map((row) => ({ time: fill.time, row }))),
  ];
  return flows
    .filter(({ time }) => time >= from && (endTime === null || time <= endTime))
    .filter(({ row }) => (type === null || row["incomeType"] === type) && (symbol === null || row["symbol"] === symbol))
    .sort((one, other) => one.time - other.time)
    .slice(0, limit)
    .map(({ row }) => row);
}

/** `GET /fapi/v1/markPriceKlines`: candles from `startTime` on, or else the newest; of a minute, an hour or a day. */
export function markPriceKlines({ venue, params }: PublicCall): readonly unknown[] {
  const { symbol } = listed(venue, params);
  const interval = params.required("interval");
  if (!isKept(interval)) throw refuse("invalidInterval");
  const limit = pageSize(params, PAGE_DEFAULT, CANDLES_MAX);
  const to = (params.integer("endTime") ?? venue.now()) as UnixMillis;
  const newest = Math.min(to, venue.now()) - (limit - 1) * CANDLE_MS[interval];
  const from = (params.integer("startTime") ?? newest - (newest % CANDLE_MS[interval])) as UnixMillis;
  return venue.candles(symbol, interval, { from, to, limit }).map((candle) => klineRow(candle, CANDLE_MS[interval]));
}

function klineRow({ openTime, open, high, low, close }: Candle, lengthMs: number): readonly unknown[] {
  const prices = [open, high, low, close].map((price) => price.toFixed(8));
  return [openTime, ...prices, "0", openTime + lengthMs - 1, "0", lengthMs / 1_000, "0", "0", "0"];
}

/** What was in the window, oldest first, or only the newest of it where nobody said from when. */
function page<T extends { readonly time: UnixMillis }>(
  rows: readonly T[],
  within: Window,
  limit: number,
): readonly T[] {
  const { from, to, open } = within;
  const inside = rows.filter(({ time }) => time >= from && time <= to);
  return open ? inside.slice(-limit) : inside.slice(0, limit);
}

interface Window {
  readonly from: number;
  readonly to: number;
  /** No `startTime` was sent. */
  readonly open: boolean;
}

/** A week at most; from `startTime`, or up to `endTime`, or up to now. @throws {Refused} -4165 */
function window(params: Params, now: UnixMillis): Window {
  const startTime = params.integer("startTime");
  const endTime = params.integer("endTime");
  const longestMs = WINDOW_DAYS_MAX * DAY_MS;
  const to = endTime ?? (startTime === null ? now : startTime + longestMs);
  const from = startTime ?? to - longestMs;
  if (to - from > longestMs) throw refuse("windowTooLong", String(WINDOW_DAYS_MAX));
  return { from, to, open: startTime === null };
}

function pageSize(params: Params, usual: number, most: number): number {
  const limit = params.integer("limit") ?? usual;
  if (limit === 0) throw refuse("invalidParameter", "limit");
  return Math.min(limit, most);
}

function listed(venue: Venue, params: Params): SymbolRules {
  return venue.rules(params.required("symbol"));
}

function isKept(interval: string): interval is CandleInterval {
  return Object.hasOwn(CANDLE_MS, interval);
}

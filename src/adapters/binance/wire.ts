/**
 * Binance's JSON, parsed once: what leaves this file is ours and exact.
 *
 * Unknown fields are ignored and optional ones may be missing, but a row that cannot be read makes the whole text
 * unreadable: a position that is silently dropped would be reported flat.
 */

import * as z from "zod/mini";
import { type Decimal, decimal, ZERO } from "../../core/decimal.ts";
import type { LotRule } from "../../core/lots.ts";
import type { Position, PositionMode, RestingOrder } from "../../core/position.ts";
import type { PriceBand } from "../../core/price-band.ts";
import type { ContractRules, Rulebook } from "../../core/rulebook.ts";
import type { UnixMillis } from "../../core/time.ts";
import { digits, exact, name, positionSide, wholeNumber } from "./atoms.ts";
import type { VenueError } from "./errors.ts";
import { DEFAULT_ORDER_LIMITS, type OrderLimits } from "./rate-limits.ts";

const ONE = decimal("1");
/** big.js's name for it. */
const ROUND_HALF_UP = 1;

/** A number that a position can do without: one that is no number must not keep the leg from being seen. */
const spare = z.optional(z.unknown());

const positionRow = z.object({
  symbol: name,
  positionSide,
  positionAmt: digits,
  entryPrice: digits,
  markPrice: digits,
  unRealizedProfit: digits,
  notional: spare,
  positionInitialMargin: spare,
  leverage: spare,
  liquidationPrice: spare,
});

type PositionRow = z.infer<typeof positionRow>;

const accountRow = z.object({
  symbol: name,
  positionSide,
  positionAmt: digits,
  notional: digits,
  unrealizedProfit: digits,
});
const accountAnswer = z.object({ positions: z.array(accountRow) });
const configAnswer = z.object({ dualSidePosition: z.boolean() });
const accountConfig = z.extend(configAnswer, { canTrade: z.boolean() });

const restingRow = z.object({
  symbol: name,
  positionSide: z.optional(positionSide),
  closePosition: z.optional(z.boolean()),
});
const regularOrderRow = z.extend(restingRow, { orderId: wholeNumber });
const algoOrderRow = z.extend(restingRow, { algoId: wholeNumber });

const orderAnswer = z.object({
  symbol: name,
  orderId: wholeNumber,
  clientOrderId: z.string(),
  status: z.string(),
  executedQty: digits,
  reduceOnly: z.optional(z.boolean()),
});

const filterRow = z.object({
  filterType: z.string(),
  minQty: z.optional(digits),
  maxQty: z.optional(digits),
  stepSize: z.optional(digits),
  tickSize: z.optional(digits),
  multiplierUp: z.optional(digits),
  multiplierDown: z.optional(digits),
});
const symbolRow = z.object({ symbol: name, filters: z.array(filterRow) });
const exchangeInfo = z.object({ symbols: z.array(symbolRow) });

const rateLimitRow = z.object({
  rateLimitType: z.string(),
  interval: z.string(),
  intervalNum: wholeNumber,
  limit: wholeNumber,
});
const rateLimitRows = z.array(rateLimitRow);
const venueLimits = z.object({ rateLimits: rateLimitRows });

const tradeRow = z.object({ time: wholeNumber });
const timeAnswer = z.object({ serverTime: wholeNumber });
const cancelAnswer = z.object({ code: z.literal("200") });
const cancelledOrder = z.union([z.object({ orderId: wholeNumber }), z.object({ algoId: wholeNumber })]);
const errorBody = z.object({ code: wholeNumber, msg: z.optional(z.string()) });

/** What the venue says about an order of ours. */
export interface OrderReport {
  readonly symbol: string;
  readonly orderId: string;
  readonly clientOrderId: string;
  /** `FILLED`, `NEW`, …; Binance may add more. */
  readonly status: string;
  readonly executed: Decimal;
  /** Whether the venue took it as reduce-only; null where it does not say. */
  readonly reduceOnly: boolean | null;
}

/** What holds for the account as a whole. */
export interface AccountConfig {
  readonly canTrade: boolean;
  readonly mode: PositionMode;
}

/**
 * Parses JSON, with every number as the text it was written in.
 *
 * @throws {Error} if `text` is not JSON.
 */
export function parseJson(text: string): unknown {
  // `context.source` (ES2025) is the number as written; both runtimes have it.
  const keepDigits = (_key: string, value: unknown, context?: { readonly source?: string }): unknown => {
    if (typeof value !== "number") return value;
    if (context?.source === undefined) throw new Error("This runtime cannot tell how a JSON number was written");
    return context.source;
  };
  return JSON.parse(text, keepDigits);
}

/** Reads `GET /fapi/v3/positionRisk`. Rows of amount zero are the venue's own word for "nothing" and are left out. */
export function readPositions(body: unknown): readonly Position[] {
  return z
    .array(positionRow)
    .parse(body)
    .map((row) => ({
      symbol: row.symbol,
      positionSide: row.positionSide,
      amount: signedAmount(row.positionSide, exact(row.positionAmt)),
      entryPrice: exact(row.entryPrice),
      markPrice: exact(row.markPrice),
      unrealizedPnl: exact(row.unRealizedProfit),
      ...leverageOf(row),
      ...liquidationOf(row),
    }))
    .filter((position) => !position.amount.eq(ZERO));
}

/**
 * The leverage as v2 tells it. v3 does not, but the margin that the leg needs at the present mark, which is its notional by the
 * leverage, rounded to eight places; leverage is a whole number.
 */
function leverageOf({ leverage, notional, positionInitialMargin }: PositionRow): Pick<Position, "leverage"> {
  const told = spareNumber(leverage);
  if (told?.gt(ZERO)) return { leverage: told };
  const margin = spareNumber(positionInitialMargin);
  if (!margin?.gt(ZERO)) return {};
  const times = spareNumber(notional)?.abs().div(margin).round(0, ROUND_HALF_UP);
  return times?.gt(ZERO) ? { leverage: times } : {};
}

/** "0" is Binance's word for nowhere. */
function liquidationOf({ liquidationPrice }: PositionRow): Pick<Position, "liquidationPrice"> {
  const price = spareNumber(liquidationPrice);
  if (price === null) return {};
  return { liquidationPrice: price.gt(ZERO) ? price : null };
}

function spareNumber(value: unknown): Decimal | null {
  const isNumber = typeof value === "string" && /^-?\d{1,20}(\.\d{1,20})?([eE][+-]?\d{1,2})?$/.test(value);
  return isNumber ? exact(value) : null;
}

/**
 * Reads the legs of `GET /fapi/v3/account`. It has no prices: the mark follows from the notional and the entry from the
 * profit, both rounded, which is enough to show and to sort by.
 */
export function readAccountPositions(body: unknown): readonly Position[] {
  return accountAnswer.parse(body).positions.flatMap((row) => {
    const amount = signedAmount(row.positionSide, exact(row.positionAmt));
    if (amount.eq(ZERO)) return [];
    const markPrice = exact(row.notional).div(amount).abs().round(8);
    const unrealizedPnl = exact(row.unrealizedProfit);
    const entryPrice = markPrice.minus(unrealizedPnl.div(amount)).round(8);
    return [{ symbol: row.symbol, positionSide: row.positionSide, amount, entryPrice, markPrice, unrealizedPnl }];
  });
}

/** Reads `GET /fapi/v1/accountConfig` (binance.md 4.4). */
export function readPositionMode(body: unknown): PositionMode {
  return configAnswer.parse(body).dualSidePosition ? "hedge" : "one_way";
}

/** Reads `GET /fapi/v1/openOrders`. */
export function readRegularOrders(body: unknown): readonly RestingOrder[] {
  return z
    .array(regularOrderRow)
    .parse(body)
    .map((row) => resting(row, "regular", row.orderId));
}

/** Reads `GET /fapi/v1/openAlgoOrders`. */
export function readAlgoOrders(body: unknown): readonly RestingOrder[] {
  return z
    .array(algoOrderRow)
    .parse(body)
    .map((row) => resting(row, "algo", row.algoId));
}

function resting(row: z.infer<typeof restingRow>, family: RestingOrder["family"], orderId: string): RestingOrder {
  const { symbol, positionSide = "BOTH", closePosition = false } = row;
  return { symbol, family, orderId, positionSide, closesPosition: closePosition };
}

/** Reads the answer to `POST /fapi/v1/order`. `avgPrice` and `cumQuote` may be missing since 2026-07 and are not needed. */
export function readOrder(body: unknown): OrderReport {
  const { executedQty, reduceOnly = null, ...order } = orderAnswer.parse(body);
  return { ...order, executed: exact(executedQty), reduceOnly };
}

/**
 * Reads `GET /fapi/v1/exchangeInfo`: what a market order may hold, which is MARKET_LOT_SIZE and never more than LOT_SIZE,
 * and where a limit price may be (binance.md 4.5). What can't be used is null; the close then goes out without it.
 */
export function readRulebook(body: unknown): Rulebook {
  const rows = exchangeInfo.parse(body).symbols;
  return new Map(
    rows.map(({ symbol, filters }): [string, ContractRules] => {
      const find = (type: string): Filter =>
        filters.find(({ filterType }) => filterType === type) ?? { filterType: type };
      const lot = readLot(find("MARKET_LOT_SIZE"), find("LOT_SIZE"));
      return [symbol, { lot, band: readBand(find("PERCENT_PRICE"), find("PRICE_FILTER")) }];
    }),
  );
}

type Filter = z.infer<typeof filterRow>;

function readLot({ minQty, maxQty, stepSize }: Filter, limit: Filter): LotRule | null {
  if (minQty === undefined || maxQty === undefined || stepSize === undefined) return null;
  const max = exact(maxQty);
  const outer = limit.maxQty === undefined ? max : exact(limit.maxQty);
  const rule: LotRule = { min: exact(minQty), max: outer.lt(max) ? outer : max, step: exact(stepSize) };
  return rule.step.gt(ZERO) && rule.min.gt(ZERO) && rule.max.gte(rule.min) ? rule : null;
}

function readBand({ multiplierUp, multiplierDown }: Filter, { tickSize }: Filter): PriceBand | null {
  if (multiplierUp === undefined || multiplierDown === undefined || tickSize === undefined) return null;
  const band: PriceBand = { up: exact(multiplierUp), down: exact(multiplierDown), tick: exact(tickSize) };
  return band.tick.gt(ZERO) && band.up.gt(ONE) && band.down.lt(ONE) ? band : null;
}

/**
 * Reads how many orders an account may send: from `GET /fapi/v1/exchangeInfo`, or the account's own from
 * `GET /fapi/v1/rateLimit/order`, which is the bare list. A limit that is not listed is the documented default.
 */
export function readOrderLimits(body: unknown): OrderLimits {
  const rows = Array.isArray(body) ? rateLimitRows.parse(body) : venueLimits.parse(body).rateLimits;
  const limitFor = (interval: string, intervalNum: string): number | null => {
    const row = rows.find(
      (row) => row.rateLimitType === "ORDERS" && row.interval === interval && row.intervalNum === intervalNum,
    );
    const limit = Number(row?.limit);
    return limit > 0 ? limit : null;
  };
  return {
    per10s: limitFor("SECOND", "10") ?? DEFAULT_ORDER_LIMITS.per10s,
    perMinute: limitFor("MINUTE", "1") ?? DEFAULT_ORDER_LIMITS.perMinute,
  };
}

/** Reads `GET /fapi/v1/accountConfig`: whether the account may trade, and in which position mode it is (binance.md 4.4). */
export function readAccountConfig(body: unknown): AccountConfig {
  const { canTrade, dualSidePosition } = accountConfig.parse(body);
  return { canTrade, mode: dualSidePosition ? "hedge" : "one_way" };
}

/** Reads `GET /fapi/v1/userTrades` as the times of its fills, in the venue's time. */
export function readFillTimes(body: unknown): readonly UnixMillis[] {
  return z
    .array(tradeRow)
    .parse(body)
    .map((row) => Number(row.time) as UnixMillis);
}

/** Reads `GET /fapi/v1/time`. */
export function readServerTime(body: unknown): UnixMillis {
  return Number(timeAnswer.parse(body).serverTime) as UnixMillis;
}

/** Reads the answer to a cancel of all orders: `{"code":200}` is how Binance reports success. */
export function readCancelledAll(body: unknown): void {
  cancelAnswer.parse(body);
}

/** Reads the answer to a cancel of one order: the order. */
export function readCancelledOne(body: unknown): void {
  cancelledOrder.parse(body);
}

/** An answer's body: what was asked for, or the venue's error. */
export type Body = { readonly ok: true; readonly json: unknown } | { readonly ok: false; readonly error: VenueError };

/**
 * Parses the body of an answer. A status outside 2xx is an error, whatever its body; so is a 2xx with a negative code.
 *
 * @throws {Error} if a 2xx body is not JSON: then nobody knows what was answered.
 */
export function readBody(status: number, text: string): Body {
  const success = status >= 200 && status <= 299;
  let json: unknown;
  try {
    json = parseJson(text);
  } catch (error) {
    if (success) throw error;
    // A firewall's or a balancer's page: the status speaks for it.
    return { ok: false, error: { status, code: null, message: plainText(text) } };
  }
  const fields = errorBody.safeParse(json);
  const code = fields.success ? Number(fields.data.code) : null;
  if (success && (code === null || code >= 0)) return { ok: true, json };
  return { ok: false, error: { status, code, message: fields.data?.msg ?? plainText(text) } };
}

/** Why a body could not be read, in one line: where the first unexpected value is. */
export function complaint(error: unknown): string {
  if (error instanceof z.core.$ZodError) {
    const [issue] = error.issues;
    return `unexpected value at ${issue === undefined ? "an unknown place" : `"${issue.path.join(".")}"`}`;
  }
  return error instanceof Error ? error.message : String(error);
}

/** A short text body as it is (a 503's text tells it from another), and a page or a long text only by its size. */
function plainText(body: string): string {
  const text = body.trim();
  return text.length <= 200 && !text.includes("<") ? text : `a body of ${text.length} characters that is no JSON error`;
}

/**
 * A leg is long or short by its name, whatever sign the row carries: this way the order that closes it can only be
 * the closing one.
 */
function signedAmount(positionSide: Position["positionSide"], amount: Decimal): Decimal {
  if (positionSide === "BOTH") return amount;
  return positionSide === "LONG" ? amount.abs() : amount.abs().neg();
}

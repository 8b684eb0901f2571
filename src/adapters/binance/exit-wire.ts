/** Binance's JSON about an account's past, its equity and its protective stops, parsed once; as in `wire.ts`. */

import * as z from "zod/mini";
import { type Decimal, sum, ZERO } from "../../core/decimal.ts";
import { DOLLARS } from "../../core/dollars.ts";
import type { LegFill, PastOrder } from "../../core/exit-recall.ts";
import type { UnixMillis } from "../../core/time.ts";
import type { RestingStop } from "../../ports/exit-venue.ts";
import { digits, exact, name, positionSide, wholeNumber } from "./atoms.ts";
import type { PastRow } from "./past.ts";

const side = z.enum(["BUY", "SELL"]);

const assetRow = z.object({ asset: name, marginBalance: digits });
const accountAnswer = z.object({ totalMarginBalance: digits, assets: z.array(assetRow) });

const incomeRow = z.object({ incomeType: z.string(), income: digits, asset: name, time: wholeNumber });

const fillRow = z.object({
  id: wholeNumber,
  orderId: wholeNumber,
  side,
  positionSide,
  price: digits,
  qty: digits,
  time: wholeNumber,
});

const orderRow = z.object({
  orderId: wholeNumber,
  clientOrderId: z.string(),
  positionSide,
  executedQty: digits,
  time: wholeNumber,
});

const algoKind = z.object({ orderType: z.optional(z.string()), closePosition: z.optional(z.boolean()) });
const stopRow = z.object({
  algoId: wholeNumber,
  clientAlgoId: z.string(),
  symbol: name,
  side,
  positionSide,
  triggerPrice: digits,
});

const placedAlgo = z.object({
  algoId: wholeNumber,
  clientAlgoId: z.string(),
  symbol: name,
  algoStatus: z.string(),
  closePosition: z.boolean(),
});

/** Open time, open, high, low, and more that nobody asked for. */
const candleRow = z.tuple([wholeNumber, digits, digits, digits], z.unknown());

/** What came into an account, or left it. */
interface TransferRow {
  readonly asset: string;
  /** Negative where it left. */
  readonly amount: Decimal;
  readonly time: UnixMillis;
}

/** What the venue says about a stop that was just sent. */
export interface PlacedStop {
  readonly algoId: string;
  readonly clientAlgoId: string;
  readonly symbol: string;
  /** `NEW` while it waits for its trigger. */
  readonly algoStatus: string;
  readonly closePosition: boolean;
}

/** One candle of the mark. */
export interface CandleRange {
  readonly openTime: UnixMillis;
  readonly high: Decimal;
  readonly low: Decimal;
}

/**
 * Reads `GET /fapi/v3/account` as what all of it is worth in US dollars.
 *
 * In multi-assets mode that is the total. In single-asset mode the total is that of USDT alone, so what is held in other dollars
 * is added to it; what is held in coins is no margin of anything in dollars, and is left out.
 */
export function readEquity(body: unknown): Decimal {
  const { totalMarginBalance, assets } = accountAnswer.parse(body);
  const total = exact(totalMarginBalance);
  const balances = assets.map(({ asset, marginBalance }) => ({ asset, balance: exact(marginBalance) }));
  const tether = balances.find(({ asset }) => asset === "USDT")?.balance ?? ZERO;
  if (!tether.eq(total)) return total;
  return sum(balances.filter(({ asset }) => DOLLARS.has(asset)).map(({ balance }) => balance));
}

/** Reads `GET /fapi/v1/income` of `incomeType=TRANSFER`; other rows are left out. */
export function readTransfers(body: unknown): readonly TransferRow[] {
  return z
    .array(incomeRow)
    .parse(body)
    .filter(({ incomeType }) => incomeType === "TRANSFER")
    .map(({ income, asset, time }) => ({ asset, amount: exact(income), time: millis(time) }));
}

/** Reads `GET /fapi/v1/userTrades`. */
export function readFills(body: unknown): readonly PastRow<LegFill>[] {
  return z
    .array(fillRow)
    .parse(body)
    .map(({ id, price, qty, ...row }) => {
      const quantity = exact(qty);
      // A fill of nothing, or of less, would turn the story of its leg round.
      if (quantity.lte(ZERO)) throw new Error(`fill ${id} has a quantity of ${qty}`);
      const time = millis(row.time);
      return { id, time, value: { ...row, price: exact(price), quantity, time } };
    });
}

/** Reads `GET /fapi/v1/allOrders`. */
export function readPastOrders(body: unknown): readonly PastRow<PastOrder>[] {
  return z
    .array(orderRow)
    .parse(body)
    .map(({ executedQty, ...row }) => {
      const time = millis(row.time);
      return { id: row.orderId, time, value: { ...row, executed: exact(executedQty), time } };
    });
}

/** Reads the stops of the whole leg among `GET /fapi/v1/openAlgoOrders`; all others are left out. */
export function readProtectiveStops(body: unknown): readonly RestingStop[] {
  return z
    .array(z.unknown())
    .parse(body)
    .flatMap((row) => {
      const { orderType, closePosition } = algoKind.parse(row);
      if (orderType !== "STOP_MARKET" || closePosition !== true) return [];
      const { algoId, clientAlgoId, triggerPrice, ...rest } = stopRow.parse(row);
      return [{ ...rest, orderId: algoId, clientOrderId: clientAlgoId, triggerPrice: exact(triggerPrice) }];
    });
}

/** Reads the answer to `POST /fapi/v1/algoOrder`. */
export function readPlacedStop(body: unknown): PlacedStop {
  return placedAlgo.parse(body);
}

/** Reads `GET /fapi/v1/markPriceKlines`. */
export function readCandles(body: unknown): readonly CandleRange[] {
  return z
    .array(candleRow)
    .parse(body)
    .map(([openTime, , high, low]) => ({ openTime: millis(openTime), high: exact(high), low: exact(low) }));
}

function millis(text: string): UnixMillis {
  return Number(text) as UnixMillis;
}

/** When a conditional order fires. Pure: the mark comes in, the verdict goes out. Binance docs, Algo Order (binance.md 5). */

import { type Decimal, decimal } from "../core/decimal.ts";
import type { AlgoOrder, AlgoRequest } from "./orders.ts";

const HUNDRED = decimal("100");
const ONE = decimal("1");

/** What one mark price does to a waiting order. */
export interface AlgoVerdict {
  readonly fires: boolean;
  /** The best mark a trailing stop has seen since its activation; `null` before, and for all other types. */
  readonly extreme: Decimal | null;
}

/** Judges a waiting conditional order at `mark`. */
export function judgeAlgo(algo: AlgoOrder, mark: Decimal): AlgoVerdict {
  if (algo.type === "TRAILING_STOP_MARKET") return judgeTrailing(algo, mark);
  return { fires: triggers(algo, mark), extreme: null };
}

/**
 * Whether a stop or take-profit would fire at `mark`; always false for trailing stops.
 *
 * Stops fire when the mark moves against the position (a SELL stop when it falls), take-profits when it moves with it.
 */
export function triggers(algo: AlgoRequest, mark: Decimal): boolean {
  if (algo.triggerPrice === null) return false;
  const isStop = algo.type === "STOP" || algo.type === "STOP_MARKET";
  return isStop === (algo.side === "BUY") ? mark.gte(algo.triggerPrice) : mark.lte(algo.triggerPrice);
}

function judgeTrailing(algo: AlgoOrder, mark: Decimal): AlgoVerdict {
  const sells = algo.side === "SELL";
  const activated =
    algo.extreme !== null ||
    algo.activatePrice === null ||
    (sells ? mark.gte(algo.activatePrice) : mark.lte(algo.activatePrice));
  if (!activated) return { fires: false, extreme: null };
  const before = algo.extreme ?? mark;
  const extreme = sells === mark.gt(before) ? mark : before;
  const rate = (algo.callbackRate ?? ONE).div(HUNDRED);
  const limit = extreme.times(sells ? ONE.minus(rate) : ONE.plus(rate));
  return { fires: sells ? mark.lte(limit) : mark.gte(limit), extreme };
}

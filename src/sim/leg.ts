/** The arithmetic of one position leg: what a fill does to amount, entry price and realized profit. */

import { type Decimal, ZERO } from "../core/decimal.ts";
import type { PositionSide } from "../core/position.ts";
import type { UnixMillis } from "../core/time.ts";
import type { Side } from "./orders.ts";

/** One leg of an account; it exists, possibly empty, once the symbol was traded. */
export interface Leg {
  readonly symbol: string;
  readonly positionSide: PositionSide;
  /** Signed: a short is negative, in hedge mode too. */
  readonly amount: Decimal;
  /** Zero while the leg is empty. */
  readonly entryPrice: Decimal;
  readonly updateTime: UnixMillis;
}

/** A leg after a fill, and what the fill earned before fees. */
export interface FilledLeg {
  readonly leg: Leg;
  readonly realizedPnl: Decimal;
}

/**
 * Applies one fill.
 *
 * Growing averages the entry price; shrinking keeps it and realizes the difference; crossing zero realizes the old leg
 * and opens the rest at the fill's price.
 */
export function fillLeg(leg: Leg, side: Side, quantity: Decimal, price: Decimal, now: UnixMillis): FilledLeg {
  const change = side === "BUY" ? quantity : quantity.neg();
  const amount = leg.amount.plus(change);
  const grows = leg.amount.eq(ZERO) || leg.amount.gt(ZERO) === change.gt(ZERO);
  if (grows) {
    const cost = leg.amount.times(leg.entryPrice).plus(change.times(price));
    return { leg: { ...leg, amount, entryPrice: cost.div(amount), updateTime: now }, realizedPnl: ZERO };
  }
  const closed = quantity.gt(leg.amount.abs()) ? leg.amount.abs() : quantity;
  const perUnit = leg.amount.gt(ZERO) ? price.minus(leg.entryPrice) : leg.entryPrice.minus(price);
  const crossed = !amount.eq(ZERO) && amount.gt(ZERO) !== leg.amount.gt(ZERO);
  const entryPrice = amount.eq(ZERO) ? ZERO : crossed ? price : leg.entryPrice;
  return { leg: { ...leg, amount, entryPrice, updateTime: now }, realizedPnl: perUnit.times(closed) };
}

/** The profit the leg would realize at `mark`. */
export function unrealizedPnl(leg: Leg, mark: Decimal): Decimal {
  return mark.minus(leg.entryPrice).times(leg.amount);
}

/** How much an order on `side` can take away from the leg: all of it, or nothing if it would grow it. */
export function reducibleBy(leg: Leg, side: Side): Decimal {
  const reduces = side === "SELL" ? leg.amount.gt(ZERO) : leg.amount.lt(ZERO);
  return reduces ? leg.amount.abs() : ZERO;
}

/** What the venue takes in one market order, and how a larger position is split (Binance, MARKET_LOT_SIZE). */

import { type Decimal, sum } from "./decimal.ts";

/** The quantities of one market order on a symbol. */
export interface LotRule {
  readonly min: Decimal;
  /** At least `min`. */
  readonly max: Decimal;
  /** Positive. A quantity is a multiple of it, counted from `min`. */
  readonly step: Decimal;
}

/** More orders than this for one leg would use up the account's limit of 300 in ten seconds; the next attempt goes on. */
const CHUNKS_MAX = 100;

/**
 * Splits a positive quantity into market orders that add up to it exactly, the last one carrying the remainder.
 *
 * What is below a step or the minimum can't be ordered and is left out; so is what is over the most orders per leg.
 */
export function chunks(quantity: Decimal, { min, max, step }: LotRule): readonly Decimal[] {
  const largest = min.plus(floorTo(max.minus(min), step));
  const parts: Decimal[] = [];
  let rest = quantity;
  while (rest.gt(largest) && parts.length < CHUNKS_MAX - 1) {
    parts.push(largest);
    rest = rest.minus(largest);
  }
  if (rest.gte(min)) {
    const last = min.plus(floorTo(rest.minus(min), step));
    parts.push(last.gt(largest) ? largest : last);
    return parts;
  }
  // A remainder below the minimum borrows from the order before it, which then is smaller but never below it.
  const before = parts.pop();
  if (before === undefined) return [];
  const both = before.plus(rest);
  if (both.lt(min.plus(min))) return [...parts, before];
  return [...parts, min.plus(floorTo(both.minus(min).minus(min), step)), min];
}

/** What `chunks` leaves out. */
export function dustOf(quantity: Decimal, rule: LotRule): Decimal {
  return quantity.minus(sum(chunks(quantity, rule)));
}

function floorTo(value: Decimal, step: Decimal): Decimal {
  return value.minus(value.mod(step));
}

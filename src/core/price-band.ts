/** The price of a limit order that must execute at once and stay inside the venue's price band (Binance, PERCENT_PRICE). */

import { type Decimal, decimal, ZERO } from "./decimal.ts";
import type { CloseOrder } from "./position.ts";

/** How far from the mark a limit price may be, and on which grid. */
export interface PriceBand {
  /** A buy's price is at most the mark times this; above one. */
  readonly up: Decimal;
  /** A sell's price is at least the mark times this; below one. */
  readonly down: Decimal;
  /** A price is a multiple of it. Positive. */
  readonly tick: Decimal;
}

const ONE = decimal("1");

/**
 * How much of the band's width is left unused. The venue judges by the mark of that moment and we only know the one that
 * was read before; at the very edge a tick of the mark would get the order refused (-4016, -4024).
 */
const SLACK = decimal("0.2");

/** The worst price at which an order on `side` is still well inside the band; null where no such price is above zero. */
export function priceInside(band: PriceBand, side: CloseOrder["side"], mark: Decimal): Decimal | null {
  const edge = side === "SELL" ? band.down : band.up;
  const inside = edge.plus(ONE.minus(edge).times(SLACK));
  const price = mark.times(inside);
  const below = price.minus(price.mod(band.tick));
  // Rounded towards the mark: a sell's price up, a buy's down.
  const onGrid = side === "SELL" && below.lt(price) ? below.plus(band.tick) : below;
  return onGrid.gt(ZERO) ? onGrid : null;
}

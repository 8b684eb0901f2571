/** Positions in, close orders out that can only reduce. */

import type { Decimal } from "./decimal.ts";
import { fnv1a } from "./fnv.ts";
import { chunks, type LotRule } from "./lots.ts";
import { type CloseOrder, legName, notional, type Position, type PositionMode } from "./position.ts";
import { priceInside } from "./price-band.ts";
import type { Reading } from "./reading.ts";
import type { Rulebook } from "./rulebook.ts";

/** What an exit is planned from. */
export interface Situation {
  readonly eventId: string;
  /** 1 for the event that opened its incident. */
  readonly attempt: number;
  readonly found: readonly Position[];
  /** The account's own word on its mode. */
  readonly mode: Reading<PositionMode>;
  readonly rulebook: Rulebook;
}

/**
 * The close orders for every open leg, largest notional first; a leg over the market lot size takes several.
 *
 * The quantities of a leg add up to exactly what is open, less what is too small to order. The order ids follow from
 * event, leg and place alone, so whoever plans the same exit again, after a crash too, names the same orders.
 */
export function flattenPlan({ eventId, attempt, found, mode, rulebook }: Situation): readonly CloseOrder[] {
  return [...found]
    .sort((a, b) => notional(b).cmp(notional(a)) || (legName(a) < legName(b) ? -1 : 1))
    .flatMap((position) =>
      ordersFor(eventId, position, modeFor(position, mode, attempt), rulebook.get(position.symbol)?.lot ?? null),
    );
}

/**
 * The same close as a limit order that executes at once inside the price band, for a market order that the band refused;
 * null where the band is not known. Another id: it is another order.
 */
export function insideBand(order: CloseOrder, leg: Position, rulebook: Rulebook): CloseOrder | null {
  const band = rulebook.get(order.symbol)?.band ?? null;
  const limitPrice = band === null ? null : priceInside(band, order.side, leg.markPrice);
  return limitPrice === null ? null : { ...order, limitPrice, clientOrderId: `${order.clientOrderId}L` };
}

function ordersFor(
  eventId: string,
  position: Position,
  mode: PositionMode,
  lot: LotRule | null,
): readonly CloseOrder[] {
  const { symbol, positionSide, amount } = position;
  const quantities: readonly Decimal[] = lot === null ? [amount.abs()] : chunks(amount.abs(), lot);
  return quantities.map((quantity, i) => ({
    symbol,
    positionSide,
    side: amount.gt("0") ? "SELL" : "BUY",
    quantity,
    mode,
    limitPrice: null,
    clientOrderId: `${legOrderId(eventId, legName(position))}-${i + 1}`,
  }));
}

/**
 * The account's own word counts, and the row's where there is none. If the two differ, one of them is wrong, and the venue
 * refuses the wrong one for certain (-4061, -1106): every second attempt takes the row's.
 */
function modeFor({ positionSide }: Position, mode: Reading<PositionMode>, attempt: number): PositionMode {
  const shown: PositionMode = positionSide === "BOTH" ? "one_way" : "hedge";
  return mode.known && attempt % 2 === 1 ? mode.value : shown;
}

/**
 * With what is put behind it, at most 36 characters of `[A-Za-z0-9_-]` (Binance, New Order). Symbols may be non-ASCII, hence
 * the hash. A clash of two legs in one event would only make the venue refuse the second id while the first order rests.
 */
function legOrderId(eventId: string, leg: string): string {
  return `q-${eventId.replaceAll("-", "").slice(0, 16)}-${fnv1a(leg)}`;
}

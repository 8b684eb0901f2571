/** Positions in, reduce-only close orders out. */

import { chunks, type LotRule, type LotRules } from "./lots.ts";
import { type CloseOrder, legName, notional, type Position } from "./position.ts";

/**
 * The close orders for every open leg, largest notional first; a leg over the market lot size takes several.
 *
 * The quantities of a leg add up to exactly what is open, less what is too small to order. The order ids follow from
 * event, leg and place alone, so whoever plans the same exit again, after a crash too, names the same orders.
 */
export function flattenPlan(eventId: string, positions: readonly Position[], lots: LotRules): readonly CloseOrder[] {
  return [...positions]
    .sort((a, b) => notional(b).cmp(notional(a)) || (legName(a) < legName(b) ? -1 : 1))
    .flatMap((position) => ordersFor(eventId, position, lots.get(position.symbol)));
}

function ordersFor(eventId: string, position: Position, rule: LotRule | undefined): readonly CloseOrder[] {
  const { symbol, positionSide, amount } = position;
  const quantities = rule === undefined ? [amount.abs()] : chunks(amount.abs(), rule);
  return quantities.map((quantity, i) => ({
    symbol,
    positionSide,
    side: amount.gt("0") ? "SELL" : "BUY",
    quantity,
    mode: positionSide === "BOTH" ? "one_way" : "hedge",
    limitPrice: null,
    clientOrderId: `${legOrderId(eventId, legName(position))}-${i + 1}`,
  }));
}

/**
 * With the place behind it, at most 36 characters of `[A-Za-z0-9_-]` (Binance, New Order). Symbols may be non-ASCII, hence the hash.
 * A clash of two legs in one event would only make the venue refuse the second id while the first order rests.
 */
function legOrderId(eventId: string, leg: string): string {
  return `q-${eventId.replaceAll("-", "").slice(0, 16)}-${fnv1a(leg)}`;
}

/** FNV-1a, 32 bit, over UTF-16 units: eight hex digits. */
function fnv1a(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, "0");
}

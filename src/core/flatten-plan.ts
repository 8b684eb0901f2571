/** Positions in, reduce-only close orders out. */

import { type CloseOrder, legName, notional, type Position } from "./position.ts";

/**
 * One close order for each open leg, largest notional first.
 *
 * The quantity is exactly what is open. The order ids follow from the event and the leg alone, so whoever
 * plans the same exit again, after a crash too, names the same orders.
 */
export function flattenPlan(eventId: string, positions: readonly Position[]): readonly CloseOrder[] {
  return [...positions]
    .sort((a, b) => notional(b).cmp(notional(a)) || (legName(a) < legName(b) ? -1 : 1))
    .map((position) => ({
      symbol: position.symbol,
      positionSide: position.positionSide,
      side: position.amount.gt("0") ? "SELL" : "BUY",
      quantity: position.amount.abs(),
      clientOrderId: closeOrderId(eventId, legName(position)),
    }));
}

/**
 * At most 36 characters of `[A-Za-z0-9_-]` (Binance, New Order). Symbols may be non-ASCII, hence the hash.
 * A clash of two legs in one event would only make the venue refuse the second id while the first order rests.
 */
function closeOrderId(eventId: string, leg: string): string {
  return `quantum-${eventId.replaceAll("-", "").slice(0, 16)}-${fnv1a(leg)}`;
}

/** FNV-1a, 32 bit, over UTF-16 units: eight hex digits. */
function fnv1a(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, "0");
}

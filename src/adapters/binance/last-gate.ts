/** The last gate before the wire: what could open a position does not pass. */

import type { PositionSide } from "../../core/position.ts";

/** What makes an order closing or opening, and what names it. */
interface Order {
  readonly symbol: string;
  readonly positionSide: PositionSide;
  readonly side: "BUY" | "SELL";
  readonly clientOrderId: string;
}

/** Why an order must not be sent because of its side or its name, or null. */
export function objectionToSide({ symbol, positionSide, side, clientOrderId }: Order): string | null {
  const opening = (positionSide === "LONG" && side !== "SELL") || (positionSide === "SHORT" && side !== "BUY");
  if (opening) return `Not sent: ${side} on the ${positionSide} leg of ${symbol} would open, not close`;
  if (!/^[A-Za-z0-9_-]{1,36}$/.test(clientOrderId)) {
    return `Not sent: client order id ${JSON.stringify(clientOrderId)} is not 1 to 36 of A-Z a-z 0-9 _ -`;
  }
  return null;
}

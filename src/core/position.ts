/** What an account holds and what is sent to leave it, in the field's words. */

import type { Decimal } from "./decimal.ts";

/** Which leg a position or order belongs to: `BOTH` in one-way mode, `LONG` or `SHORT` in hedge mode. */
export type PositionSide = "BOTH" | "LONG" | "SHORT";

/** One open leg as the venue reports it. */
export interface Position {
  readonly symbol: string;
  readonly positionSide: PositionSide;
  /** Signed: a short is negative, in hedge mode too. Never zero: adapters drop empty rows. */
  readonly amount: Decimal;
  readonly entryPrice: Decimal;
  readonly markPrice: Decimal;
  /** In the margin asset of the symbol. */
  readonly unrealizedPnl: Decimal;
}

/** An order that rests on the venue and could still fill. */
export interface RestingOrder {
  readonly symbol: string;
  /** Binance keeps conditional ("algo") orders apart; each family is cancelled by its own call. */
  readonly family: "regular" | "algo";
  readonly orderId: string;
}

/** One reduce-only market order. By construction it cannot open or grow a position (design rule 3). */
export interface CloseOrder {
  readonly symbol: string;
  readonly positionSide: PositionSide;
  readonly side: "BUY" | "SELL";
  /** Positive. */
  readonly quantity: Decimal;
  /** At most 36 characters of `[A-Za-z0-9_-]`; the same intent always has the same id. */
  readonly clientOrderId: string;
}

/** What became of one close order. */
export type CloseOutcome =
  /** The venue's final word on the order. `executed` may be less than asked for: the rest was not filled. */
  | { readonly kind: "executed"; readonly orderId: string; readonly executed: Decimal }
  /** Certain: nothing of the order was or will be executed. */
  | { readonly kind: "refused"; readonly code: number | null; readonly why: string }
  /** It may have been executed in full, in part or not at all. Only a later read can tell. */
  | { readonly kind: "unknown"; readonly why: string };

/** What became of one cancel request. */
export type CancelOutcome = { readonly kind: "cancelled" } | { readonly kind: "failed"; readonly why: string };

/** Names a leg in maps and reports: `BTCUSDT`, or `BTCUSDT:LONG` in hedge mode. */
export function legName(leg: { readonly symbol: string; readonly positionSide: PositionSide }): string {
  return leg.positionSide === "BOTH" ? leg.symbol : `${leg.symbol}:${leg.positionSide}`;
}

/** What the leg is worth at its mark price, always positive. */
export function notional(position: Position): Decimal {
  return position.amount.times(position.markPrice).abs();
}

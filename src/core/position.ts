/** What an account holds and what is sent to leave it, in the field's words. */

import type { Decimal } from "./decimal.ts";
import type { Instant } from "./time.ts";

/** Which leg a position or order belongs to: `BOTH` in one-way mode, `LONG` or `SHORT` in hedge mode. */
export type PositionSide = "BOTH" | "LONG" | "SHORT";

/** Whether the account holds one leg per symbol, or a long and a short one. */
export type PositionMode = "one_way" | "hedge";

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
  /** How many times its margin the leg is worth. Not set: not known, as where the fallback lists are all that answers. */
  readonly leverage?: Decimal;
  /** Where the venue would liquidate the leg; null: nowhere. Not set: not known. */
  readonly liquidationPrice?: Decimal | null;
}

/** A leg as a pass has found it open: what its report counts, also where another pass of the same event makes the report. */
export type FoundLeg = Pick<Position, "symbol" | "positionSide" | "amount" | "markPrice">;

/** Positions as they were. Closing what is gone since then is harmless: a close can only reduce. */
export interface Snapshot {
  readonly positions: readonly Position[];
  readonly takenAt: Instant;
}

/** An order that rests on the venue and could still fill. */
export interface RestingOrder {
  readonly symbol: string;
  /** Binance keeps conditional ("algo") orders apart; each family is cancelled by its own call. */
  readonly family: "regular" | "algo";
  readonly orderId: string;
  readonly positionSide: PositionSide;
  /** A protective stop that takes the whole leg when it triggers, and nothing once the leg is gone. */
  readonly closesPosition: boolean;
}

/** One order that only reduces. By construction it cannot open or grow a position (design rule 3). */
export interface CloseOrder {
  readonly symbol: string;
  readonly positionSide: PositionSide;
  readonly side: "BUY" | "SELL";
  /** How the order says that it only reduces: by the reduce-only flag, or by being the closing side of its leg. */
  readonly mode: PositionMode;
  /** Null for a market order; else it executes at this price or better, at once, or not at all. */
  readonly limitPrice: Decimal | null;
  /** Positive. */
  readonly quantity: Decimal;
  /** At most 36 characters of `[A-Za-z0-9_-]`; the same intent always has the same id. */
  readonly clientOrderId: string;
}

/** Why an order was refused, as far as it makes a difference to what is done next. */
export type RefusalCause =
  /** No counterparty within the price band: a market order can't be had. */
  | "price_band"
  /** The account's order limit is used up. */
  | "order_limit"
  /** Too many requests from this address, or a ban of it. */
  | "address_limit"
  /** The order speaks the other position mode's language. */
  | "position_mode"
  /** Other orders on the leg are in the way, or it is flat already. */
  | "blocked"
  | "other";

/** What became of one close order. */
export type CloseOutcome =
  /** The venue's final word on the order. `executed` may be less than asked for: the rest was not filled. */
  | { readonly kind: "executed"; readonly orderId: string; readonly executed: Decimal }
  /** Certain: nothing of the order was or will be executed. */
  | { readonly kind: "refused"; readonly cause: RefusalCause; readonly code: number | null; readonly why: string }
  /**
   * It may have been executed in full, in part or not at all. Only a later read can tell. `absent`: the venue was asked for the
   * order and knows none of that id, which seconds after a send is no proof yet.
   */
  | { readonly kind: "unknown"; readonly why: string; readonly absent?: true };

/** What is cancelled in one request: all that rests of a family on a symbol, or one order of it. */
export interface CancelRequest {
  readonly symbol: string;
  readonly family: RestingOrder["family"];
  /** Null: all of the family. */
  readonly orderId: string | null;
}

/** What became of one cancel request. */
export type CancelOutcome = { readonly kind: "cancelled" } | { readonly kind: "failed"; readonly why: string };

/** Names a leg in maps and reports: `BTCUSDT`, or `BTCUSDT:LONG` in hedge mode. */
export function legName(leg: { readonly symbol: string; readonly positionSide: PositionSide }): string {
  return leg.positionSide === "BOTH" ? leg.symbol : `${leg.symbol}:${leg.positionSide}`;
}

/** What the leg is worth at its mark price, always positive. */
export function notional({ amount, markPrice }: FoundLeg): Decimal {
  return amount.times(markPrice).abs();
}

/** Every leg of both lists once: as `first` has it, where both do. */
export function everyLeg(first: readonly FoundLeg[], then: readonly FoundLeg[]): readonly FoundLeg[] {
  const names = new Set(first.map(legName));
  return [...first, ...then.filter((leg) => !names.has(legName(leg)))];
}

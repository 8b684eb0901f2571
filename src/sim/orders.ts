/** What can be asked of the venue and what it keeps: orders, conditional ("algo") orders and fills. */

import type { Decimal } from "../core/decimal.ts";
import type { PositionSide } from "../core/position.ts";
import type { UnixMillis } from "../core/time.ts";

/** Which way an order trades. */
export type Side = "BUY" | "SELL";

/** How long an order may rest. */
export type TimeInForce = "GTC" | "IOC" | "FOK" | "GTX" | "GTD" | "GTE_GTC";

/** The types the regular order endpoint takes; all others moved to the Algo service (binance.md 5). */
export type OrderType = "MARKET" | "LIMIT";

/** The conditional types of the Algo service. */
export type AlgoType = "STOP_MARKET" | "TAKE_PROFIT_MARKET" | "STOP" | "TAKE_PROFIT" | "TRAILING_STOP_MARKET";

/** The price that triggers a conditional order. */
export type WorkingType = "MARK_PRICE" | "CONTRACT_PRICE";

/** A regular order as a client asks for it, already parsed but not yet judged. */
export interface OrderRequest {
  readonly symbol: string;
  readonly side: Side;
  readonly type: OrderType;
  readonly positionSide: PositionSide;
  readonly quantity: Decimal;
  /** `null` for market orders. */
  readonly price: Decimal | null;
  readonly timeInForce: TimeInForce;
  /** `null` if it was not sent: in hedge mode sending it at all is an error. */
  readonly reduceOnly: boolean | null;
  /** `null` lets the venue choose one. */
  readonly clientOrderId: string | null;
}

/** Where a regular order stands. The last three are final. */
type OrderStatus = "NEW" | "PARTIALLY_FILLED" | "FILLED" | "CANCELED" | "EXPIRED";

/** A regular order the venue took. */
export interface Order {
  /** Digits; unique per symbol only, and possibly more than a JavaScript number holds. */
  readonly orderId: string;
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly side: Side;
  readonly type: OrderType;
  readonly positionSide: PositionSide;
  readonly quantity: Decimal;
  readonly price: Decimal | null;
  readonly timeInForce: TimeInForce;
  /** True also for the closing side of a hedge leg, as Binance reports it (binance.md 4.6). */
  readonly reduceOnly: boolean;
  readonly status: OrderStatus;
  readonly executed: Decimal;
  /** Executed quantity times price, summed. */
  readonly executedQuote: Decimal;
  readonly time: UnixMillis;
  readonly updateTime: UnixMillis;
}

/** A conditional order as a client asks for it. */
export interface AlgoRequest {
  readonly symbol: string;
  readonly side: Side;
  readonly type: AlgoType;
  readonly positionSide: PositionSide;
  /** `null` with `closePosition`: the whole leg at the time it triggers. */
  readonly quantity: Decimal | null;
  /** The limit price of `STOP` and `TAKE_PROFIT`. */
  readonly price: Decimal | null;
  /** `null` for trailing stops. */
  readonly triggerPrice: Decimal | null;
  /** Trailing stops only: from where they follow the mark; `null` is at once. */
  readonly activatePrice: Decimal | null;
  /** Trailing stops only: percent. */
  readonly callbackRate: Decimal | null;
  readonly timeInForce: TimeInForce;
  readonly reduceOnly: boolean | null;
  readonly closePosition: boolean;
  /** What triggers it; kept and shown, for here the last price is the mark. Binance's default is `CONTRACT_PRICE`. */
  readonly workingType?: WorkingType;
  readonly clientAlgoId: string | null;
}

/** Where a conditional order stands. Only `NEW` rests. */
type AlgoStatus = "NEW" | "CANCELED" | "TRIGGERED" | "FINISHED" | "REJECTED" | "EXPIRED";

/** A conditional order the venue took. */
export interface AlgoOrder extends AlgoRequest {
  readonly algoId: string;
  readonly clientAlgoId: string;
  readonly status: AlgoStatus;
  /** The regular order it became. */
  readonly actualOrderId: string | null;
  /** Trailing stops: the best mark seen since activation; `null` before. */
  readonly extreme: Decimal | null;
  readonly createTime: UnixMillis;
  readonly updateTime: UnixMillis;
  readonly triggerTime: UnixMillis | null;
}

/** One execution. */
export interface Fill {
  readonly tradeId: string;
  readonly orderId: string;
  readonly symbol: string;
  readonly side: Side;
  readonly positionSide: PositionSide;
  readonly quantity: Decimal;
  readonly price: Decimal;
  readonly realizedPnl: Decimal;
  readonly commission: Decimal;
  readonly commissionAsset: string;
  readonly maker: boolean;
  readonly time: UnixMillis;
}

/** Names one order: by the venue's id or by the client's. */
export type OrderRef = { readonly orderId: string } | { readonly clientOrderId: string };

/** What is left to execute. */
export function remaining(order: Order): Decimal {
  return order.quantity.minus(order.executed);
}

/**
 * Whether the side closes a hedge leg.
 *
 * In hedge mode the pair says it all: SELL+LONG and BUY+SHORT reduce, the other two open (binance.md 4.6).
 */
export function closesLeg(side: Side, positionSide: PositionSide): boolean {
  return (positionSide === "LONG" && side === "SELL") || (positionSide === "SHORT" && side === "BUY");
}

/** Whether a limit order at `price` executes at once. */
export function crosses(side: Side, price: Decimal, mark: Decimal): boolean {
  return side === "BUY" ? price.gte(mark) : price.lte(mark);
}

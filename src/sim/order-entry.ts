/** Parameters → orders: what can be judged without knowing the account. Binance docs, New Order and New Algo Order (binance.md 4.6, 5). */

import { type Decimal, decimal } from "../core/decimal.ts";
import type { PositionSide } from "../core/position.ts";
import type { AlgoRequest, AlgoType, OrderRef, OrderRequest, Side, TimeInForce, WorkingType } from "./orders.ts";
import type { Params } from "./params.ts";
import { refuse } from "./refusals.ts";

const ALGO_TYPES: ReadonlySet<string> = new Set<AlgoType>([
  "STOP_MARKET",
  "TAKE_PROFIT_MARKET",
  "STOP",
  "TAKE_PROFIT",
  "TRAILING_STOP_MARKET",
]);
const CALLBACK_RATE_MIN = decimal("0.1");
const CALLBACK_RATE_MAX = decimal("20");
const TIMES_IN_FORCE: ReadonlySet<string> = new Set<TimeInForce>(["GTC", "IOC", "FOK", "GTX", "GTD", "GTE_GTC"]);

/** Reads a regular order. @throws {Refused} -1102, -1115, -1116, -1117, -4060, -4062 or, for conditional types, -4120. */
export function readOrder(params: Params): OrderRequest {
  const symbol = params.required("symbol");
  const side = readSide(params);
  const type = params.required("type");
  if (ALGO_TYPES.has(type)) throw refuse("useAlgoService");
  if (type !== "MARKET" && type !== "LIMIT") throw refuse("invalidOrderType");
  const isLimit = type === "LIMIT";
  return {
    symbol,
    side,
    type,
    positionSide: readPositionSide(params),
    quantity: mandatory(params.decimal("quantity"), "quantity"),
    price: isLimit ? mandatory(params.decimal("price"), "price") : null,
    timeInForce: isLimit ? readTimeInForce(params.required("timeInForce")) : "GTC",
    reduceOnly: readReduceOnly(params),
    clientOrderId: params.optional("newClientOrderId"),
  };
}

/** Reads a conditional order. @throws {Refused} -1102, -1115, -1116, -1117, -1130, -4031, -4060 or -4062. */
export function readAlgoOrder(params: Params): AlgoRequest {
  if (params.required("algoType") !== "CONDITIONAL") throw refuse("invalidParameter", "algoType");
  const symbol = params.required("symbol");
  const side = readSide(params);
  const type = params.required("type");
  if (!isAlgoType(type)) throw refuse("invalidOrderType");
  const trails = type === "TRAILING_STOP_MARKET";
  const isLimit = type === "STOP" || type === "TAKE_PROFIT";
  const closePosition = params.flag("closePosition") ?? false;
  if (closePosition && type !== "STOP_MARKET" && type !== "TAKE_PROFIT_MARKET") throw refuse("invalidOrderType");
  return {
    symbol,
    side,
    type,
    positionSide: readPositionSide(params),
    quantity: params.decimal("quantity"),
    price: isLimit ? mandatory(params.decimal("price"), "price") : null,
    triggerPrice: trails ? null : mandatory(params.decimal("triggerPrice"), "triggerPrice"),
    // ccxt sends the old name of the parameter; both are read.
    activatePrice: trails ? (params.decimal("activatePrice") ?? params.decimal("activationPrice")) : null,
    callbackRate: trails ? readCallbackRate(params) : null,
    timeInForce: readTimeInForce(params.optional("timeInForce") ?? "GTC"),
    reduceOnly: readReduceOnly(params),
    closePosition,
    workingType: readWorkingType(params.optional("workingType") ?? "CONTRACT_PRICE"),
    clientAlgoId: params.optional("clientAlgoId"),
  };
}

/** Reads which regular order is meant; the venue's id wins. @throws {Refused} -1102 if neither id was sent. */
export function readOrderRef(params: Params): OrderRef {
  const orderId = params.digits("orderId");
  if (orderId !== null) return { orderId };
  return { clientOrderId: params.required("origClientOrderId") };
}

/** Reads which conditional order is meant. @throws {Refused} -1102 if neither id was sent. */
export function readAlgoRef(params: Params): { readonly algoId: string } | { readonly clientAlgoId: string } {
  const algoId = params.digits("algoId");
  if (algoId !== null) return { algoId };
  return { clientAlgoId: params.required("clientAlgoId") };
}

/** 0.1 to 20 percent: the upper bound since 2026-10-23 (binance.md 5). */
function readCallbackRate(params: Params): Decimal {
  const rate = mandatory(params.decimal("callbackRate"), "callbackRate");
  if (rate.lt(CALLBACK_RATE_MIN) || rate.gt(CALLBACK_RATE_MAX)) throw refuse("invalidParameter", "callbackRate");
  return rate;
}

function readSide(params: Params): Side {
  const side = params.required("side");
  if (side !== "BUY" && side !== "SELL") throw refuse("invalidSide");
  return side;
}

function readPositionSide(params: Params): PositionSide {
  const positionSide = params.optional("positionSide") ?? "BOTH";
  if (positionSide !== "BOTH" && positionSide !== "LONG" && positionSide !== "SHORT")
    throw refuse("invalidPositionSide");
  return positionSide;
}

function readReduceOnly(params: Params): boolean | null {
  const text = params.optional("reduceOnly")?.toLowerCase() ?? null;
  if (text !== null && text !== "true" && text !== "false") throw refuse("badReduceOnly");
  return text === null ? null : text === "true";
}

function readTimeInForce(text: string): TimeInForce {
  if (!isTimeInForce(text)) throw refuse("invalidTimeInForce");
  return text;
}

function readWorkingType(text: string): WorkingType {
  if (text !== "MARK_PRICE" && text !== "CONTRACT_PRICE") throw refuse("invalidWorkingType", text);
  return text;
}

function isTimeInForce(text: string): text is TimeInForce {
  return TIMES_IN_FORCE.has(text);
}

function isAlgoType(text: string): text is AlgoType {
  return ALGO_TYPES.has(text);
}

function mandatory(value: Decimal | null, name: string): Decimal {
  if (value === null) throw refuse("mandatory", name);
  return value;
}

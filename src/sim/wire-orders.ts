/** Orders, conditional orders and trades → Binance's JSON (binance.md 4.6, 4.10, 5). */

import { type Decimal, plain, ZERO } from "../core/decimal.ts";
import type { Transfer } from "./account.ts";
import type { AlgoOrder, Fill, Order } from "./orders.ts";
import type { SymbolRules } from "./symbols.ts";
import type { Row } from "./wire.ts";

/**
 * An order as `POST` and `DELETE` answer it.
 *
 * `avgPrice` and `cumQuote` are left out: both official SDKs dropped them in July 2026 (binance.md 4.6). Whether the live
 * venue did is unverified, and a client that can do without them can do with them.
 */
export function orderRow(rules: SymbolRules, order: Order): Row {
  return {
    orderId: order.orderId,
    symbol: order.symbol,
    status: order.status,
    clientOrderId: order.clientOrderId,
    price: order.price === null ? "0.00" : order.price.toFixed(rules.pricePrecision),
    origQty: order.quantity.toFixed(rules.quantityPrecision),
    executedQty: order.executed.toFixed(rules.quantityPrecision),
    cumQty: order.executed.toFixed(rules.quantityPrecision),
    timeInForce: order.timeInForce,
    type: order.type,
    reduceOnly: order.reduceOnly,
    closePosition: false,
    side: order.side,
    positionSide: order.positionSide,
    stopPrice: "0.00",
    workingType: "CONTRACT_PRICE",
    priceProtect: false,
    origType: order.type,
    priceMatch: "NONE",
    selfTradePreventionMode: "EXPIRE_MAKER",
    goodTillDate: 0,
    updateTime: order.updateTime,
  };
}

/** An order as `newOrderRespType=ACK`, the default, answers it: taken, nothing said about its execution. */
export function ackRow(rules: SymbolRules, order: Order): Row {
  return orderRow(rules, { ...order, status: "NEW", executed: ZERO, updateTime: order.time });
}

/** An order as the `GET` endpoints answer it. */
export function queriedOrderRow(rules: SymbolRules, order: Order): Row {
  const average = order.executed.eq(ZERO) ? ZERO : order.executedQuote.div(order.executed);
  const { cumQty: _, ...row } = orderRow(rules, order);
  return { ...row, avgPrice: average.toFixed(5), cumQuote: order.executedQuote.toFixed(5), time: order.time };
}

/** A conditional order as `POST /fapi/v1/algoOrder` answers it (binance.md 5). */
export function algoRow(rules: SymbolRules, algo: AlgoOrder): Row {
  const asPrice = (value: Decimal | null) => (value ?? ZERO).toFixed(rules.pricePrecision);
  return {
    algoId: algo.algoId,
    clientAlgoId: algo.clientAlgoId,
    algoType: "CONDITIONAL",
    orderType: algo.type,
    symbol: algo.symbol,
    side: algo.side,
    positionSide: algo.positionSide,
    timeInForce: algo.closePosition ? "GTE_GTC" : algo.timeInForce,
    quantity: (algo.quantity ?? ZERO).toFixed(rules.quantityPrecision),
    algoStatus: algo.status,
    triggerPrice: asPrice(algo.triggerPrice),
    price: asPrice(algo.price),
    icebergQuantity: null,
    selfTradePreventionMode: "EXPIRE_MAKER",
    workingType: algo.workingType ?? "CONTRACT_PRICE",
    priceMatch: "NONE",
    closePosition: algo.closePosition,
    priceProtect: false,
    reduceOnly: algo.reduceOnly === true || algo.closePosition,
    activatePrice: algo.activatePrice === null ? "" : asPrice(algo.activatePrice),
    callbackRate: algo.callbackRate === null ? "" : plain(algo.callbackRate),
    createTime: algo.createTime,
    updateTime: algo.updateTime,
    triggerTime: algo.triggerTime ?? 0,
    goodTillDate: 0,
  };
}

/** A conditional order as the `GET` endpoints answer it. */
export function queriedAlgoRow(rules: SymbolRules, algo: AlgoOrder): Row {
  return { ...algoRow(rules, algo), actualOrderId: algo.actualOrderId ?? "", actualPrice: "0.00000" };
}

/** One row of `GET /fapi/v1/income`. */
export function transferRow({ transferId, asset, amount, time }: Transfer): Row {
  const flow = { symbol: "", incomeType: "TRANSFER", income: amount.toFixed(8), asset, info: "TRANSFER" };
  return { ...flow, time, tranId: transferId, tradeId: "" };
}

/** What one fill is in `GET /fapi/v1/income`: its fee, and what it realized. */
export function fillIncomeRows(fill: Fill): readonly Row[] {
  const { symbol, commissionAsset: asset, tradeId, time } = fill;
  const flow = (incomeType: string, income: Decimal): Row => {
    return { symbol, incomeType, income: income.toFixed(8), asset, info: tradeId, time, tranId: tradeId, tradeId };
  };
  const fee = flow("COMMISSION", fill.commission.neg());
  return fill.realizedPnl.eq(ZERO) ? [fee] : [flow("REALIZED_PNL", fill.realizedPnl), fee];
}

/** One row of `GET /fapi/v1/userTrades`. */
export function tradeRow(rules: SymbolRules, fill: Fill): Row {
  return {
    symbol: fill.symbol,
    id: fill.tradeId,
    orderId: fill.orderId,
    side: fill.side,
    price: fill.price.toFixed(rules.pricePrecision),
    qty: fill.quantity.toFixed(rules.quantityPrecision),
    realizedPnl: fill.realizedPnl.toFixed(8),
    quoteQty: fill.quantity.times(fill.price).toFixed(8),
    commission: fill.commission.toFixed(8),
    commissionAsset: fill.commissionAsset,
    time: fill.time,
    positionSide: fill.positionSide,
    buyer: fill.side === "BUY",
    maker: fill.maker,
  };
}

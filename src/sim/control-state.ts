/** The truth about the venue as JSON, whatever clients were told of it. */

import { plain } from "../core/decimal.ts";
import type { AlgoOrder, Order } from "./orders.ts";
import type { Venue } from "./venue.ts";

/** Every mark and every account: wallet, positions, waiting orders and fills. */
export function venueState(venue: Venue): Readonly<Record<string, unknown>> {
  return {
    marks: Object.fromEntries(venue.symbols().map(({ symbol }) => [symbol, plain(venue.mark(symbol))])),
    accounts: venue.apiKeys().map((apiKey) => accountState(venue, apiKey)),
  };
}

/** The account's open legs. */
export function positionsState(venue: Venue, apiKey: string): unknown {
  return venue.positions(apiKey).map(({ symbol, positionSide, amount, entryPrice }) => ({
    symbol,
    positionSide,
    amount: plain(amount),
    entryPrice: plain(entryPrice),
  }));
}

/** One regular order. */
export function orderState(order: Order): unknown {
  return {
    symbol: order.symbol,
    orderId: order.orderId,
    clientOrderId: order.clientOrderId,
    side: order.side,
    positionSide: order.positionSide,
    type: order.type,
    status: order.status,
    quantity: plain(order.quantity),
    executed: plain(order.executed),
    price: order.price === null ? null : plain(order.price),
    reduceOnly: order.reduceOnly,
  };
}

/** One conditional order. */
export function algoState(algo: AlgoOrder): unknown {
  return {
    symbol: algo.symbol,
    algoId: algo.algoId,
    clientAlgoId: algo.clientAlgoId,
    side: algo.side,
    positionSide: algo.positionSide,
    type: algo.type,
    status: algo.status,
    quantity: algo.quantity === null ? null : plain(algo.quantity),
    triggerPrice: algo.triggerPrice === null ? null : plain(algo.triggerPrice),
    reduceOnly: algo.reduceOnly,
    closePosition: algo.closePosition,
  };
}

function accountState(venue: Venue, apiKey: string): unknown {
  return {
    apiKey,
    hedge: venue.hedge(apiKey),
    wallet: Object.fromEntries(venue.assets(apiKey).map((asset) => [asset, plain(venue.walletBalance(apiKey, asset))])),
    positions: positionsState(venue, apiKey),
    openOrders: venue.openOrders(apiKey).map(orderState),
    openAlgoOrders: venue.openAlgoOrders(apiKey).map(algoState),
    fills: venue.fills(apiKey).map((fill) => ({
      symbol: fill.symbol,
      orderId: fill.orderId,
      side: fill.side,
      positionSide: fill.positionSide,
      quantity: plain(fill.quantity),
      price: plain(fill.price),
      time: fill.time,
    })),
  };
}

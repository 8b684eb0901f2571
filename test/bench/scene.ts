/** Sets the scene on a simulated venue: positions, and the orders that rest around them. */

import { decimal, ZERO } from "../../src/core/decimal.ts";
import type { Venue } from "../../src/sim/venue.ts";
import type { BenchContract } from "./contracts.ts";

/** Puts `contracts` on the account, half of them with resting orders if asked for, after taking off all that was there. */
export function setScene(venue: Venue, apiKey: string, contracts: readonly BenchContract[], orders: boolean): void {
  clear(venue, apiKey);
  for (const { rules, amount } of contracts) venue.openPosition(apiKey, { symbol: rules.symbol, amount });
  if (!orders) return;
  const withOrders = contracts.filter((_, index) => index % 2 === 0);
  withOrders.forEach((contract, index) => {
    rest(venue, apiKey, contract, index);
  });
}

function clear(venue: Venue, apiKey: string): void {
  for (const { symbol } of venue.openOrders(apiKey)) venue.cancelAll(apiKey, symbol);
  for (const { symbol } of venue.openAlgoOrders(apiKey)) venue.cancelAllAlgo(apiKey, symbol);
  for (const { symbol } of venue.positions(apiKey)) venue.openPosition(apiKey, { symbol, amount: "0" });
}

/**
 * What bots leave around a position: by turns a take-profit with a stop, a stop alone, and an order to enter more.
 * The first two promise the whole position away, so that a close which comes before its cancel is refused (-4118).
 */
function rest(venue: Venue, apiKey: string, contract: BenchContract, index: number): void {
  const turn = index % 3;
  if (turn === 0) limit(venue, apiKey, contract, true);
  if (turn <= 1) stop(venue, apiKey, contract);
  if (turn === 2) limit(venue, apiKey, contract, false);
}

/** A limit order beyond the mark, so that it rests: one that takes the profit, or one that enters more. */
function limit(venue: Venue, apiKey: string, { rules, amount }: BenchContract, reduceOnly: boolean): void {
  const held = decimal(amount);
  const sells = held.gt(ZERO) === reduceOnly;
  venue.place(apiKey, {
    symbol: rules.symbol,
    side: sells ? "SELL" : "BUY",
    type: "LIMIT",
    positionSide: "BOTH",
    quantity: held.abs(),
    price: decimal(rules.mark).times(decimal(sells ? "1.02" : "0.98")),
    timeInForce: "GTC",
    reduceOnly,
    clientOrderId: null,
  });
}

function stop(venue: Venue, apiKey: string, { rules, amount }: BenchContract): void {
  const held = decimal(amount);
  venue.placeAlgo(apiKey, {
    symbol: rules.symbol,
    side: held.gt(ZERO) ? "SELL" : "BUY",
    type: "STOP_MARKET",
    positionSide: "BOTH",
    quantity: held.abs(),
    price: null,
    triggerPrice: decimal(rules.mark).times(decimal(held.gt(ZERO) ? "0.97" : "1.03")),
    activatePrice: null,
    callbackRate: null,
    timeInForce: "GTC",
    reduceOnly: true,
    closePosition: false,
    clientAlgoId: null,
  });
}

/**
 * Whether the venue takes an order: everything that can be refused, before anything has happened.
 *
 * Source: Binance docs, New Order and Error Codes (binance.md 4.6, 5, 6, 7).
 */

import { type Decimal, ZERO } from "../core/decimal.ts";
import type { PositionSide } from "../core/position.ts";
import type { Account } from "./account.ts";
import { triggers } from "./algo.ts";
import { checkNotional, checkPrice, checkQuantity } from "./filters.ts";
import { reducibleBy } from "./leg.ts";
import { type AlgoRequest, closesLeg, crosses, type OrderRequest, type Side } from "./orders.ts";
import { refuse } from "./refusals.ts";
import type { SymbolRules } from "./symbols.ts";

/** The points on which Binance's behaviour is not known for certain. Each default is the less convenient one, or the better founded. */
export interface VenuePolicy {
  /**
   * Refuse a reduce-only order while resting reduce-only orders on the same side already cover the position: -4118, in
   * hedge mode -2022 (ccxt#8304). Default true: seen live (Qubx#386), though a Binance FAQ says that a full-size market
   * order has priority (binance.md 7.2).
   */
  readonly refuseBehindReduceOnly: boolean;
  /**
   * A reducing order larger than the position: `clip` executes the position and expires the rest, `refuse` answers -2022.
   * Unverified (binance.md 10.1). Default `clip`, as the expire reason "reversed positions would be opened" suggests.
   */
  readonly oversizedReduce: "clip" | "refuse";
  /**
   * Whether the closing side of a hedge leg is exempt from MIN_NOTIONAL, as `reduceOnly=true` is in one-way mode.
   * Unverified (binance.md 10.5). Default true: Binance reports such orders as `reduceOnly: true`.
   */
  readonly hedgeCloseNotionalExempt: boolean;
  /**
   * Whether a waiting `closePosition` order counts among the resting reduce-only orders of `refuseBehindReduceOnly`.
   * Default false: it has no quantity, and nothing is checked or held before the trigger (binance.md 5).
   */
  readonly closePositionBlocks: boolean;
  /**
   * Whether `closePosition` orders expire by themselves once their leg is empty, as GTE_GTC promises (binance.md 5).
   * Default true; where false they wait on, and fire into nothing or into the next position.
   */
  readonly protectiveStopsExpire: boolean;
}

/** What holds unless a venue is told otherwise. */
export const DEFAULT_POLICY: VenuePolicy = {
  refuseBehindReduceOnly: true,
  oversizedReduce: "clip",
  hedgeCloseNotionalExempt: true,
  closePositionBlocks: false,
  protectiveStopsExpire: true,
};

/** What an order meets on its contract. */
export interface Market {
  readonly rules: SymbolRules;
  readonly mark: Decimal;
  /** The best price is outside the price band: no market order finds a counterparty. */
  readonly marketBlocked: boolean;
  readonly policy: VenuePolicy;
}

/** Binance's cap on waiting conditional orders, over all symbols (binance.md 4.5). */
const OPEN_ALGOS_MAX = 200;
const CLIENT_ORDER_ID = /^[.A-Z:/a-z0-9_-]{1,36}$/;

/**
 * Judges a regular order; the answer is whether it counts as reduce-only.
 *
 * @throws {Refused}
 */
export function admitOrder(account: Account, market: Market, request: OrderRequest): boolean {
  const { rules, mark, policy } = market;
  const reduceOnly = judgeMode(account, request);
  checkQuantity(rules, request.type, request.quantity);
  if (request.price !== null) checkPrice(rules, request.side, request.price, mark);
  judgeClientId(request.clientOrderId);
  // Only open orders count: the id of a filled order may be used again (binance.md 7.8).
  const id = request.clientOrderId;
  if (id !== null && account.hasOpenClientId(id)) throw refuse("duplicateClientOrderId");
  if (rules.status === "CLOSE") throw refuse("symbolClosed");
  if (rules.status !== "TRADING" && !reduceOnly) throw refuse("notTrading");
  const exempt = reduceOnly && (!account.hedge || policy.hedgeCloseNotionalExempt);
  if (!exempt) checkNotional(rules, request.quantity, request.price ?? mark);
  if (account.holdings.openOrderCount(request.symbol) >= rules.ordersMax) throw refuse("tooManyOpenOrders");
  if (reduceOnly) judgeReduction(account, policy, request);
  if (request.price !== null) judgeCrossing(request, crosses(request.side, request.price, mark));
  // Last, for it is the matching engine that finds no counterparty.
  if (request.type === "MARKET" && market.marketBlocked) throw refuse("priceBand");
  return reduceOnly;
}

/**
 * Judges a conditional order. Neither margin nor position is looked at before it triggers (binance.md 5).
 *
 * @throws {Refused}
 */
export function admitAlgo(account: Account, { rules, mark }: Market, request: AlgoRequest): void {
  judgeMode(account, request);
  if (request.closePosition) judgeClosePosition(account, request);
  else if (request.quantity === null) throw refuse("mandatory", "quantity");
  else checkQuantity(rules, request.price === null ? "MARKET" : "LIMIT", request.quantity);
  if (request.price !== null) checkPrice(rules, request.side, request.price, mark);
  judgeClientId(request.clientAlgoId);
  const waiting = account.holdings.openAlgos();
  if (waiting.some((algo) => algo.clientAlgoId === request.clientAlgoId)) throw refuse("duplicateClientOrderId");
  if (waiting.length >= OPEN_ALGOS_MAX) throw refuse("tooManyAlgoOrders");
  if (triggers(request, mark)) throw refuse("wouldTrigger");
}

/**
 * Checks that the order speaks the account's position mode, and says whether it counts as reduce-only.
 *
 * Hedge orders must not carry `reduceOnly` at all: "Parameter 'reduceonly' sent when not required." (nautilus#4231).
 */
function judgeMode(
  account: Account,
  request: { readonly side: Side; readonly positionSide: PositionSide; readonly reduceOnly: boolean | null },
): boolean {
  if (account.hedge === (request.positionSide === "BOTH")) throw refuse("positionSideMismatch");
  if (!account.hedge) return request.reduceOnly === true;
  if (request.reduceOnly !== null) throw refuse("notRequired", "reduceonly");
  return closesLeg(request.side, request.positionSide);
}

/** There must be something to reduce, and nobody ahead in the queue for all of it. */
function judgeReduction(account: Account, policy: VenuePolicy, request: OrderRequest): void {
  const leg = account.holdings.leg(request.symbol, request.positionSide);
  const reducible = reducibleBy(leg, request.side);
  if (reducible.eq(ZERO)) throw refuse("reduceOnlyRejected");
  if (policy.refuseBehindReduceOnly) {
    // A take-profit may be placed to rest beside a waiting stop, as bots do; what executes now may not overtake either.
    const mayRest = request.type === "LIMIT" && request.timeInForce !== "IOC" && request.timeInForce !== "FOK";
    const counted = { algos: !mayRest, closePosition: policy.closePositionBlocks };
    const promised = account.holdings.promised(leg, request.side, counted);
    if (promised.gte(reducible)) throw refuse(account.hedge ? "reduceOnlyRejected" : "blockedByReduceOnly");
  }
  if (policy.oversizedReduce === "refuse" && request.quantity.gt(reducible)) throw refuse("reduceOnlyRejected");
}

function judgeClosePosition(account: Account, request: AlgoRequest): void {
  if (request.quantity !== null) throw refuse("closePositionQuantity");
  if (request.reduceOnly === true) throw refuse("notRequired", "reduceonly");
  if (account.hedge && !closesLeg(request.side, request.positionSide)) throw refuse("positionSideMismatch");
  // Of a kind: clients have a stop and a take-profit of the whole leg at the same time. In hedge mode the side says which leg.
  const { symbol, side, type } = request;
  const exists = account.holdings.openAlgos(symbol).some((a) => a.closePosition && a.side === side && a.type === type);
  if (exists) throw refuse("protectiveStopExists");
}

function judgeClientId(id: string | null): void {
  if (id !== null && !CLIENT_ORDER_ID.test(id)) throw refuse("clientOrderId");
}

function judgeCrossing(request: OrderRequest, crossing: boolean): void {
  if (request.timeInForce === "FOK" && !crossing) throw refuse("fillOrKill");
  if (request.timeInForce === "GTX" && crossing) throw refuse("postOnly");
}

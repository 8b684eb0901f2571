/**
 * The simulated exchange itself: accounts, orders, positions and marks, following Binance USDⓈ-M as written down in
 * binance.md. No HTTP, no timers and no clock of its own, so the same model serves virtual time and real sockets.
 *
 * Where Binance's behaviour is not known for certain, `VenueOptions` has a switch that says so.
 */

import { type Decimal, decimal, ZERO } from "../core/decimal.ts";
import type { PositionSide } from "../core/position.ts";
import type { UnixMillis } from "../core/time.ts";
import { Account, type AccountSpec, DEFAULT_LEVERAGE, LEVERAGE_MAX, type Transfer } from "./account.ts";
import { admitAlgo, admitOrder, DEFAULT_POLICY, type Market, type VenuePolicy } from "./admission.ts";
import { judgeAlgo } from "./algo.ts";
import { HistoryTable } from "./history.ts";
import type { Holdings } from "./holdings.ts";
import { fillLeg, reducibleBy } from "./leg.ts";
import { ListenKeys } from "./listen-keys.ts";
import { type Candle, type CandleInterval, MarkCandles } from "./mark-candles.ts";
import {
  type AlgoOrder,
  type AlgoRequest,
  closesLeg,
  crosses,
  type Fill,
  type Order,
  type OrderRef,
  type OrderRequest,
  remaining,
} from "./orders.ts";
import { type Mark, PastVenue } from "./past-venue.ts";
import { Refused, refuse } from "./refusals.ts";
import { DEFAULT_SYMBOLS, type LotChange, type SymbolRules, type SymbolStatus, withLots } from "./symbols.ts";
import type { Onlooker, VenueChange } from "./venue-change.ts";
import { VenueView } from "./venue-view.ts";

/** What can be chosen about a venue. Each default is the less convenient reading of the documentation. */
export interface VenueOptions extends Partial<VenuePolicy> {
  /** The venue's wall clock; every time stamp comes from here. */
  readonly now: () => UnixMillis;
  /** The contracts listed; `DEFAULT_SYMBOLS` if not given. */
  readonly symbols?: readonly SymbolRules[];
}

/** One position to put in place, past all orders and filters: for tests and drills. */
export interface PositionSetup {
  readonly symbol: string;
  /** Defaults to `BOTH`; hedge accounts must say `LONG` or `SHORT`. */
  readonly positionSide?: PositionSide;
  /** Signed decimal string, a short is negative; "0" empties the leg. */
  readonly amount: string;
  /** The mark if not given. */
  readonly entryPrice?: string;
}

/** 0.05 %, the taker fee of the lowest tier. */
const TAKER_FEE = decimal("0.0005");
const MAKER_FEE = decimal("0.0002");

/**
 * The venue. Methods that a client could be refused by throw `Refused`; all others throw only for programmers' mistakes.
 *
 * What it reads out is the truth, not a client's view of it; `asOf` reads out what was true.
 */
export class Venue extends VenueView {
  /** The keys of the accounts' streams. */
  readonly listenKeys: ListenKeys;
  readonly #onlookers = new Set<Onlooker>();
  readonly #now: () => UnixMillis;
  readonly #policy: VenuePolicy;
  readonly #rules = new Map<string, SymbolRules>();
  readonly #marks: HistoryTable<Mark>;
  readonly #candles = new Map<string, MarkCandles>();
  readonly #accounts = new Map<string, Account>();
  readonly #nextOrderId = new Map<string, bigint>();
  /** Contracts whose best price is outside the price band. */
  readonly #marketBlocked = new Set<string>();
  #nextAlgoId = 2_000_000_001n;
  #nextTradeId = 700_000_001n;
  #nextTransferId = 9_000_000_001n;

  constructor(options: VenueOptions) {
    super();
    const { now, symbols = DEFAULT_SYMBOLS, ...policy } = options;
    this.#now = now;
    this.listenKeys = new ListenKeys(now);
    this.#marks = new HistoryTable(now);
    this.#policy = { ...DEFAULT_POLICY, ...policy };
    for (const rules of symbols) {
      this.#rules.set(rules.symbol, rules);
      const mark = decimal(rules.mark);
      this.#putMark(rules.symbol, mark);
      this.#marks.forgetPast(rules.symbol);
      this.#candles.set(rules.symbol, new MarkCandles(mark));
      this.#nextOrderId.set(rules.symbol, BigInt(rules.firstOrderId));
    }
  }

  /** Tells `onlooker` of every change from now on; returns how to stop that. */
  watch(onlooker: Onlooker): () => void {
    this.#onlookers.add(onlooker);
    return () => this.#onlookers.delete(onlooker);
  }

  /** The venue's time. */
  override now(): UnixMillis {
    return this.#now();
  }

  override symbols(): readonly SymbolRules[] {
    return [...this.#rules.values()];
  }

  override rules(symbol: string): SymbolRules {
    const rules = this.#rules.get(symbol);
    if (rules === undefined) throw refuse("invalidSymbol");
    return rules;
  }

  override mark(symbol: string): Decimal {
    const mark = this.#marks.get(symbol);
    if (mark === undefined) throw refuse("invalidSymbol");
    return mark.price;
  }

  /** The account and the marks as they were at that moment, at most a minute back; the contracts are those of now. */
  asOf(apiKey: string, at: UnixMillis): VenueView {
    return new PastVenue(this, this.#account(apiKey).holdings.asOf(at), this.#marks.asOf(at), at);
  }

  /** Moves the mark; resting and conditional orders of every account that it reaches execute now. */
  setMark(symbol: string, price: string): void {
    const mark = decimal(price);
    if (mark.lte(ZERO)) throw new Error(`Cannot set the mark of ${symbol}: ${price} is not positive`);
    this.rules(symbol);
    this.#putMark(symbol, mark);
    this.#candles.get(symbol)?.move(mark, this.now());
    this.#tell({ kind: "mark", symbol });
    for (const account of this.#accounts.values()) {
      this.#fireAlgos(account, symbol, mark);
      this.#matchResting(account, symbol, mark);
    }
  }

  /**
   * The mark's candles that open from `from` to `to`, oldest first, up to `limit` of them; the present one as it is so far.
   *
   * @throws {Refused} -1121 for a symbol that is not listed.
   */
  candles(
    symbol: string,
    interval: CandleInterval,
    { from, to, limit }: { readonly from: UnixMillis; readonly to: UnixMillis; readonly limit: number },
  ): readonly Candle[] {
    const until = Math.min(to, this.now()) as UnixMillis;
    return this.#candles.get(this.rules(symbol).symbol)?.between(interval, from, until, limit) ?? [];
  }

  /**
   * Moves the best price of the contract out of the price band, or back: out of it, market orders are refused with -4131,
   * and limit orders that cross the mark fill at their own price, for nothing better is to be had (binance.md 6, 7.18).
   */
  setMarketBlocked(symbol: string, blocked: boolean): void {
    const { symbol: listed } = this.rules(symbol);
    if (blocked) this.#marketBlocked.add(listed);
    else this.#marketBlocked.delete(listed);
  }

  /** Changes the contract's status, as delisting and settlement do (binance.md 7.7). */
  setStatus(symbol: string, status: SymbolStatus): void {
    this.#rules.set(symbol, { ...this.rules(symbol), status });
  }

  /**
   * Changes the contract's lots; what is not named stays. An enlarged step leaves dust behind (binance.md 7.10).
   *
   * @throws {Error} for a number that is not positive, or a minimum above a maximum; then nothing has changed.
   */
  setLots(symbol: string, change: LotChange): void {
    this.#rules.set(symbol, withLots(this.rules(symbol), change));
  }

  /** Adds an account, flat and without orders. */
  addAccount(spec: AccountSpec): void {
    if (this.#accounts.has(spec.apiKey)) throw new Error(`Account ${spec.apiKey} exists already`);
    const { leverage = DEFAULT_LEVERAGE } = spec;
    if (!Number.isInteger(leverage) || leverage < 1 || leverage > LEVERAGE_MAX) {
      throw new Error(
        `Leverage ${leverage} of account ${spec.apiKey}: expected a whole number from 1 to ${LEVERAGE_MAX}`,
      );
    }
    this.#accounts.set(spec.apiKey, new Account(spec, this.#now));
  }

  /** The accounts' API keys. */
  apiKeys(): readonly string[] {
    return [...this.#accounts.keys()];
  }

  override accountSpec(apiKey: string): AccountSpec | null {
    return this.#accounts.get(apiKey)?.spec ?? null;
  }

  /** Puts a position in place, replacing what the leg held. No order, no fill, no filter. */
  openPosition(apiKey: string, setup: PositionSetup): void {
    const account = this.#account(apiKey);
    const positionSide = setup.positionSide ?? "BOTH";
    const amount = decimal(setup.amount);
    const what = `Cannot open ${setup.amount} ${setup.symbol} ${positionSide}`;
    if ((positionSide === "BOTH") === account.hedge) {
      throw new Error(`${what}: the account is in ${account.hedge ? "hedge" : "one-way"} mode`);
    }
    if ((positionSide === "LONG" && amount.lt(ZERO)) || (positionSide === "SHORT" && amount.gt(ZERO))) {
      throw new Error(`${what}: amounts are signed, a short is negative`);
    }
    const price = setup.entryPrice === undefined ? this.mark(setup.symbol) : decimal(setup.entryPrice);
    const entryPrice = amount.eq(ZERO) ? ZERO : price;
    const { symbol } = this.rules(setup.symbol);
    const leg = { symbol, positionSide, amount, entryPrice, updateTime: this.now() };
    account.holdings.stageLeg(leg);
    this.#tell({ kind: "leg", apiKey, leg, byHand: true });
    this.#expireUseless(account, setup.symbol);
  }

  /**
   * Books what somebody put into the account, or took out of it where `amount` is negative.
   *
   * @throws {Error} for an amount that is zero.
   */
  transfer(apiKey: string, asset: string, amount: string): Transfer {
    const account = this.#account(apiKey);
    const moved = decimal(amount);
    if (moved.eq(ZERO)) throw new Error(`A transfer of ${amount} ${asset} moves nothing`);
    const transfer = { transferId: String(this.#nextTransferId++), asset, amount: moved, time: this.now() };
    account.saveTransfer(transfer);
    this.#tell({ kind: "transfer", apiKey, transfer });
    return transfer;
  }

  /** What came into the account and left it, oldest first. */
  transfers(apiKey: string): readonly Transfer[] {
    return this.#account(apiKey).transfers();
  }

  /** The account's regular orders of a symbol, open and closed, oldest first. */
  orders(apiKey: string, symbol: string): readonly Order[] {
    return this.#account(apiKey).orders(this.rules(symbol).symbol);
  }

  /** The account's executions, oldest first. */
  fills(apiKey: string): readonly Fill[] {
    return this.#account(apiKey).fills();
  }

  /** One regular order, open or closed; `null` if there is none. */
  order(apiKey: string, symbol: string, ref: OrderRef): Order | null {
    return this.#account(apiKey).findOrder(symbol, ref);
  }

  /** One conditional order, waiting or not; `null` if there is none. */
  algoOrder(apiKey: string, ref: { readonly algoId: string } | { readonly clientAlgoId: string }): AlgoOrder | null {
    return this.#account(apiKey).findAlgo(ref);
  }

  /**
   * Takes a regular order and executes what can be executed now: market orders at the mark, limit orders that cross it
   * at the mark too. Source: Binance docs, New Order (binance.md 4.6).
   *
   * `fraction`, from 0 to 1, leaves a market or IOC order without a counterparty for the rest: that part executes, rounded
   * down to the lot step, and the order ends EXPIRED, if need be with nothing (expire reason 9).
   *
   * @throws {Refused} without any effect.
   */
  place(apiKey: string, request: OrderRequest, fraction: Decimal | null = null): Order {
    const account = this.#account(apiKey);
    const reduceOnly = admitOrder(account, this.#market(request.symbol), request);
    return this.#execute(account, this.#accept(account, request, reduceOnly), fraction);
  }

  /** Judges an order as `place` would, and forgets it (`POST /fapi/v1/order/test`). @throws {Refused} */
  test(apiKey: string, request: OrderRequest): void {
    admitOrder(this.#account(apiKey), this.#market(request.symbol), request);
  }

  /** Cancels one resting order. @throws {Refused} -2011 if it does not rest, as for a conditional order (binance.md 5). */
  cancel(apiKey: string, symbol: string, ref: OrderRef): Order {
    const account = this.#account(apiKey);
    const order = account.findOrder(this.rules(symbol).symbol, ref);
    if (order === null || !isOpen(order)) throw refuse("unknownOrder");
    return this.#close(account, order, "CANCELED");
  }

  /** Cancels the symbol's resting regular orders; conditional ones stay (binance.md 4.8). */
  cancelAll(apiKey: string, symbol: string): void {
    const account = this.#account(apiKey);
    for (const order of account.holdings.openOrders(this.rules(symbol).symbol)) this.#close(account, order, "CANCELED");
  }

  /**
   * Takes a conditional order. Neither margin nor position is looked at before it triggers (binance.md 5).
   *
   * @throws {Refused} without any effect.
   */
  placeAlgo(apiKey: string, request: AlgoRequest): AlgoOrder {
    const account = this.#account(apiKey);
    admitAlgo(account, this.#market(request.symbol), request);
    const now = this.now();
    const algoId = String(this.#nextAlgoId++);
    const algo: AlgoOrder = {
      ...request,
      reduceOnly: request.reduceOnly === true || (account.hedge && closesLeg(request.side, request.positionSide)),
      algoId,
      clientAlgoId: request.clientAlgoId ?? `sim-algo-${algoId}`,
      status: "NEW",
      actualOrderId: null,
      extreme: null,
      createTime: now,
      updateTime: now,
      triggerTime: null,
    };
    const waiting = { ...algo, extreme: judgeAlgo(algo, this.mark(algo.symbol)).extreme };
    account.saveAlgo(waiting);
    this.#tell({ kind: "algo", apiKey, algo: waiting });
    return waiting;
  }

  /** Cancels one waiting conditional order. @throws {Refused} -2011 if it does not wait. */
  cancelAlgo(apiKey: string, ref: { readonly algoId: string } | { readonly clientAlgoId: string }): AlgoOrder {
    const account = this.#account(apiKey);
    const algo = account.findAlgo(ref);
    if (algo === null || algo.status !== "NEW") throw refuse("unknownOrder");
    return this.#closeAlgo(account, algo, "CANCELED");
  }

  /** Cancels the symbol's waiting conditional orders. */
  cancelAllAlgo(apiKey: string, symbol: string): void {
    const account = this.#account(apiKey);
    for (const algo of account.holdings.openAlgos(this.rules(symbol).symbol))
      this.#closeAlgo(account, algo, "CANCELED");
  }

  protected override holdings(apiKey: string): Holdings {
    return this.#account(apiKey).holdings;
  }

  #tell(change: VenueChange): void {
    for (const onlooker of this.#onlookers) onlooker(change);
  }

  #tellOrder(account: Account, order: Order, execution: "NEW" | "TRADE" | "CANCELED" | "EXPIRED", fill?: Fill): void {
    this.#tell({ kind: "order", apiKey: account.spec.apiKey, order, execution, fill: fill ?? null });
  }

  #putMark(symbol: string, price: Decimal): void {
    this.#marks.set(symbol, { symbol, price });
  }

  #account(apiKey: string): Account {
    const account = this.#accounts.get(apiKey);
    if (account === undefined) throw new Error(`No account has the API key ${apiKey}`);
    return account;
  }

  #market(symbol: string): Market {
    return {
      rules: this.rules(symbol),
      mark: this.mark(symbol),
      marketBlocked: this.#marketBlocked.has(symbol),
      policy: this.#policy,
    };
  }

  #accept(account: Account, request: OrderRequest, reduceOnly: boolean): Order {
    const id = this.#nextOrderId.get(request.symbol) ?? 1n;
    this.#nextOrderId.set(request.symbol, id + 1n);
    const now = this.now();
    const order: Order = {
      ...request,
      orderId: String(id),
      clientOrderId: request.clientOrderId ?? `sim-${id}`,
      reduceOnly,
      status: "NEW",
      executed: ZERO,
      executedQuote: ZERO,
      time: now,
      updateTime: now,
    };
    account.saveOrder(order);
    this.#tellOrder(account, order, "NEW");
    return order;
  }

  #execute(account: Account, order: Order, fraction: Decimal | null): Order {
    const mark = this.mark(order.symbol);
    if (order.price !== null && !crosses(order.side, order.price, mark)) {
      const rests = order.timeInForce !== "IOC" && order.timeInForce !== "FOK";
      return rests ? order : this.#close(account, order, "EXPIRED");
    }
    const price = this.#marketBlocked.has(order.symbol) ? (order.price ?? mark) : mark;
    const partial = fraction !== null && (order.type === "MARKET" || order.timeInForce === "IOC");
    return this.#fill(account, order, price, false, partial ? fraction : null);
  }

  /** Executes what is left of the order, or that part of it; a reducing order no more than the leg holds, the rest expires. */
  #fill(account: Account, order: Order, price: Decimal, maker: boolean, fraction: Decimal | null): Order {
    const before = account.holdings.leg(order.symbol, order.positionSide);
    const left = remaining(order);
    const most = order.reduceOnly ? smaller(left, reducibleBy(before, order.side)) : left;
    const step = decimal(this.rules(order.symbol).marketLot.step);
    const quantity = fraction === null ? most : floorTo(most.times(fraction), step);
    if (quantity.eq(ZERO)) return this.#close(account, order, "EXPIRED");

    const now = this.now();
    const { leg, realizedPnl } = fillLeg(before, order.side, quantity, price, now);
    const filled: Order = {
      ...order,
      executed: order.executed.plus(quantity),
      executedQuote: order.executedQuote.plus(quantity.times(price)),
      status: quantity.eq(left) ? "FILLED" : "EXPIRED",
      updateTime: now,
    };
    account.holdings.saveLeg(leg);
    account.saveOrder(filled);
    const fill: Fill = {
      tradeId: String(this.#nextTradeId++),
      orderId: order.orderId,
      symbol: order.symbol,
      side: order.side,
      positionSide: order.positionSide,
      quantity,
      price,
      realizedPnl,
      commission: quantity.times(price).times(maker ? MAKER_FEE : TAKER_FEE),
      commissionAsset: this.rules(order.symbol).marginAsset,
      maker,
      time: now,
    };
    account.saveFill(fill);
    this.#tellOrder(
      account,
      filled.status === "FILLED" ? filled : { ...filled, status: "PARTIALLY_FILLED" },
      "TRADE",
      fill,
    );
    this.#tell({ kind: "leg", apiKey: account.spec.apiKey, leg, byHand: false });
    if (filled.status === "EXPIRED") this.#tellOrder(account, filled, "EXPIRED");
    this.#expireUseless(account, order.symbol);
    return filled;
  }

  /**
   * Expires what a smaller position has made pointless: reduce-only orders with nothing left to reduce (Binance's expire
   * reason 4) and, unless the policy says otherwise, `closePosition` orders of an empty leg (GTE_GTC, binance.md 5).
   * Reduce-only conditional orders stay.
   */
  #expireUseless(account: Account, symbol: string): void {
    for (const order of account.holdings.openOrders(symbol)) {
      const leg = account.holdings.leg(symbol, order.positionSide);
      if (order.reduceOnly && reducibleBy(leg, order.side).eq(ZERO)) this.#close(account, order, "EXPIRED");
    }
    if (!this.#policy.protectiveStopsExpire) return;
    for (const algo of account.holdings.openAlgos(symbol)) {
      const leg = account.holdings.leg(symbol, algo.positionSide);
      if (algo.closePosition && reducibleBy(leg, algo.side).eq(ZERO)) this.#closeAlgo(account, algo, "EXPIRED");
    }
  }

  #matchResting(account: Account, symbol: string, mark: Decimal): void {
    for (const { orderId } of account.holdings.openOrders(symbol)) {
      // Read again: an earlier fill of this round may have expired it.
      const order = account.findOrder(symbol, { orderId });
      if (order === null || !isOpen(order) || order.price === null) continue;
      if (crosses(order.side, order.price, mark)) this.#fill(account, order, order.price, true, null);
    }
  }

  #fireAlgos(account: Account, symbol: string, mark: Decimal): void {
    for (const { algoId } of account.holdings.openAlgos(symbol)) {
      const algo = account.findAlgo({ algoId });
      if (algo === null || algo.status !== "NEW") continue;
      const { fires, extreme } = judgeAlgo(algo, mark);
      if (fires) this.#fireAlgo(account, algo);
      else account.saveAlgo({ ...algo, extreme });
    }
  }

  /** Turns a conditional order into a regular one. A refusal now is the order's end, not an error: nobody is asking. */
  #fireAlgo(account: Account, algo: AlgoOrder): void {
    const triggered = { ...algo, triggerTime: this.now() };
    const leg = account.holdings.leg(algo.symbol, algo.positionSide);
    this.#closeAlgo(account, triggered, "TRIGGERED");
    try {
      const order = this.place(account.spec.apiKey, {
        symbol: algo.symbol,
        side: algo.side,
        type: algo.price === null ? "MARKET" : "LIMIT",
        positionSide: algo.positionSide,
        quantity: algo.quantity ?? leg.amount.abs(),
        price: algo.price,
        timeInForce: "GTC",
        reduceOnly: account.hedge ? null : algo.reduceOnly === true || algo.closePosition,
        clientOrderId: null,
      });
      this.#closeAlgo(account, { ...triggered, actualOrderId: order.orderId }, "FINISHED");
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#closeAlgo(account, triggered, "REJECTED");
    }
  }

  #close(account: Account, order: Order, status: "CANCELED" | "EXPIRED"): Order {
    const closed = { ...order, status, updateTime: this.now() };
    account.saveOrder(closed);
    this.#tellOrder(account, closed, status);
    return closed;
  }

  #closeAlgo(account: Account, algo: AlgoOrder, status: Exclude<AlgoOrder["status"], "NEW">): AlgoOrder {
    const closed = { ...algo, status, updateTime: this.now() };
    account.saveAlgo(closed);
    this.#tell({ kind: "algo", apiKey: account.spec.apiKey, algo: closed });
    return closed;
  }
}

function isOpen(order: Order): boolean {
  return order.status === "NEW" || order.status === "PARTIALLY_FILLED";
}

/** Rounds down to a whole number of steps. */
function floorTo(quantity: Decimal, step: Decimal): Decimal {
  return quantity.minus(quantity.mod(step));
}

function smaller(a: Decimal, b: Decimal): Decimal {
  return a.lt(b) ? a : b;
}

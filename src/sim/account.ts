/** What the venue keeps for one account. It only stores and finds; the rules are in `admission.ts` and `venue.ts`. */

import type { Decimal } from "../core/decimal.ts";
import type { UnixMillis } from "../core/time.ts";
import { Holdings } from "./holdings.ts";
import type { AlgoOrder, Fill, Order, OrderRef } from "./orders.ts";

/** Who may trade as whom. One of `secret` and `publicKeyPem` is needed to sign over HTTP; in memory neither is. */
export interface AccountSpec {
  readonly apiKey: string;
  /** HMAC-SHA256. */
  readonly secret?: string;
  /** SPKI PEM of an Ed25519 or RSA key. */
  readonly publicKeyPem?: string;
  /** Hedge mode: a long and a short leg per symbol. One-way by default. */
  readonly hedge?: boolean;
  /** Wallet balance per margin asset, as a decimal string; "100000" by default. */
  readonly balance?: string;
  /** How many times its margin every leg is worth, 1 to 125; 20 by default. */
  readonly leverage?: number;
  /** The account was switched to Portfolio Margin: every signed fapi call answers -2015 (binance.md 7.9). */
  readonly portfolioMargin?: boolean;
}

/** Money that came into the account from outside, or left it. */
export interface Transfer {
  readonly transferId: string;
  readonly asset: string;
  /** Negative where it left. */
  readonly amount: Decimal;
  readonly time: UnixMillis;
}

/** What an account has per margin asset where its spec does not say. */
export const DEFAULT_BALANCE = "100000";

/** What an account trades at where its spec does not say. */
export const DEFAULT_LEVERAGE = 20;

/** The most that Binance gives, on its largest contracts. */
export const LEVERAGE_MAX = 125;

/** Closed orders, fills and transfers kept per account; older ones are forgotten, as Binance forgets them after days (binance.md 4.10). */
const HISTORY_MAX = 10_000;

/** One account's state. */
export class Account {
  readonly spec: AccountSpec;
  readonly hedge: boolean;
  /** What it holds now; the closed orders and the fills are kept here. */
  readonly holdings: Holdings;
  readonly #closedOrders = new Map<string, Order>();
  readonly #closedAlgos = new Map<string, AlgoOrder>();
  /** The key of the newest order with that client id: ids may repeat once the order is closed (binance.md 7.8). */
  readonly #newestByClientId = new Map<string, string>();
  readonly #openClientIds = new Set<string>();
  readonly #fills: Fill[] = [];
  readonly #transfers: Transfer[] = [];

  constructor(spec: AccountSpec, now: () => UnixMillis) {
    this.spec = spec;
    this.hedge = spec.hedge ?? false;
    this.holdings = Holdings.empty(now);
  }

  /** Stores an order where its status says it belongs. */
  saveOrder(order: Order): void {
    const key = orderKey(order.symbol, order.orderId);
    this.#newestByClientId.set(orderKey(order.symbol, order.clientOrderId), key);
    if (order.status === "NEW" || order.status === "PARTIALLY_FILLED") {
      this.holdings.keepOrder(key, order);
      this.#openClientIds.add(order.clientOrderId);
      return;
    }
    this.holdings.dropOrder(key);
    this.#openClientIds.delete(order.clientOrderId);
    const forgotten = remember(this.#closedOrders, key, order);
    if (forgotten === null) return;
    const name = orderKey(forgotten.symbol, forgotten.clientOrderId);
    if (this.#newestByClientId.get(name) === orderKey(forgotten.symbol, forgotten.orderId)) {
      this.#newestByClientId.delete(name);
    }
  }

  /** The symbol's orders, open and closed, oldest first. */
  orders(symbol: string): readonly Order[] {
    const closed = [...this.#closedOrders.values()].filter((order) => order.symbol === symbol);
    return [...closed, ...this.holdings.openOrders(symbol)].sort((one, other) =>
      compareIds(one.orderId, other.orderId),
    );
  }

  /** Stores a conditional order where its status says it belongs. */
  saveAlgo(algo: AlgoOrder): void {
    if (algo.status === "NEW") {
      this.holdings.keepAlgo(algo);
      return;
    }
    this.holdings.dropAlgo(algo.algoId);
    remember(this.#closedAlgos, algo.algoId, algo);
  }

  /** Whether a resting order of any symbol has that client id. */
  hasOpenClientId(clientOrderId: string): boolean {
    return this.#openClientIds.has(clientOrderId);
  }

  /** The order, open or closed; by client id the newest one. */
  findOrder(symbol: string, ref: OrderRef): Order | null {
    const key =
      "orderId" in ref
        ? orderKey(symbol, ref.orderId)
        : this.#newestByClientId.get(orderKey(symbol, ref.clientOrderId));
    if (key === undefined) return null;
    return this.holdings.openOrder(key) ?? this.#closedOrders.get(key) ?? null;
  }

  /** The conditional order, waiting or not. */
  findAlgo(ref: { readonly algoId: string } | { readonly clientAlgoId: string }): AlgoOrder | null {
    if ("algoId" in ref) return this.holdings.openAlgo(ref.algoId) ?? this.#closedAlgos.get(ref.algoId) ?? null;
    const candidates = [...this.#closedAlgos.values(), ...this.holdings.openAlgos()];
    return candidates.findLast((algo) => algo.clientAlgoId === ref.clientAlgoId) ?? null;
  }

  /** Keeps a fill and books what it earned. */
  saveFill(fill: Fill): void {
    this.#fills.push(fill);
    if (this.#fills.length > HISTORY_MAX) this.#fills.shift();
    this.holdings.credit(fill.commissionAsset, fill.realizedPnl.minus(fill.commission));
  }

  /** Keeps a transfer and books it. */
  saveTransfer(transfer: Transfer): void {
    this.#transfers.push(transfer);
    if (this.#transfers.length > HISTORY_MAX) this.#transfers.shift();
    this.holdings.credit(transfer.asset, transfer.amount);
  }

  /** The transfers, oldest first. */
  transfers(): readonly Transfer[] {
    return this.#transfers;
  }

  /** The fills, oldest first. */
  fills(): readonly Fill[] {
    return this.#fills;
  }
}

/** Ids are unique per symbol only, the venue's as well as the client's. */
function orderKey(symbol: string, id: string): string {
  return `${symbol}/${id}`;
}

/** Ids count up, and may have more digits than a number holds. */
function compareIds(one: string, other: string): number {
  return one.length === other.length ? (one < other ? -1 : 1) : one.length - other.length;
}

/** Adds to a bounded history; returns what was forgotten for it. */
function remember<T>(history: Map<string, T>, key: string, value: T): T | null {
  history.set(key, value);
  if (history.size <= HISTORY_MAX) return null;
  const [oldest] = history;
  if (oldest === undefined) return null;
  history.delete(oldest[0]);
  return oldest[1];
}

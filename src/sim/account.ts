/** What the venue keeps for one account. It only stores and finds; the rules are in `admission.ts` and `venue.ts`. */

import { type Decimal, ZERO } from "../core/decimal.ts";
import { legName, type PositionSide } from "../core/position.ts";
import type { UnixMillis } from "../core/time.ts";
import type { Leg } from "./leg.ts";
import { type AlgoOrder, type Fill, type Order, type OrderRef, remaining, type Side } from "./orders.ts";

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
}

/** Closed orders and fills kept per account; older ones are forgotten, as Binance forgets them after days (binance.md 4.10). */
const HISTORY_MAX = 10_000;

/** One account's state. */
export class Account {
  readonly spec: AccountSpec;
  readonly hedge: boolean;
  readonly #legs = new Map<string, Leg>();
  readonly #openOrders = new Map<string, Order>();
  readonly #closedOrders = new Map<string, Order>();
  readonly #openAlgos = new Map<string, AlgoOrder>();
  readonly #closedAlgos = new Map<string, AlgoOrder>();
  readonly #fills: Fill[] = [];
  readonly #earned = new Map<string, Decimal>();

  constructor(spec: AccountSpec) {
    this.spec = spec;
    this.hedge = spec.hedge ?? false;
  }

  /** The leg, empty if the symbol was never traded. */
  leg(symbol: string, positionSide: PositionSide): Leg {
    const empty: Leg = { symbol, positionSide, amount: ZERO, entryPrice: ZERO, updateTime: 0 as UnixMillis };
    return this.#legs.get(legName(empty)) ?? empty;
  }

  /** Every leg that was ever traded, empty ones too. */
  legs(): readonly Leg[] {
    return [...this.#legs.values()];
  }

  /** Stores a leg. */
  saveLeg(leg: Leg): void {
    this.#legs.set(legName(leg), leg);
  }

  /** Stores an order where its status says it belongs. */
  saveOrder(order: Order): void {
    const key = `${order.symbol}/${order.orderId}`;
    if (order.status === "NEW" || order.status === "PARTIALLY_FILLED") {
      this.#openOrders.set(key, order);
      return;
    }
    this.#openOrders.delete(key);
    remember(this.#closedOrders, key, order);
  }

  /** Stores a conditional order where its status says it belongs. */
  saveAlgo(algo: AlgoOrder): void {
    if (algo.status === "NEW") {
      this.#openAlgos.set(algo.algoId, algo);
      return;
    }
    this.#openAlgos.delete(algo.algoId);
    remember(this.#closedAlgos, algo.algoId, algo);
  }

  /** The resting orders, of one symbol or of all. */
  openOrders(symbol?: string): readonly Order[] {
    return [...this.#openOrders.values()].filter((order) => symbol === undefined || order.symbol === symbol);
  }

  /** The conditional orders that wait for their trigger. */
  openAlgos(symbol?: string): readonly AlgoOrder[] {
    return [...this.#openAlgos.values()].filter((algo) => symbol === undefined || algo.symbol === symbol);
  }

  /** The order, open or closed; by client id the newest one, for ids may repeat (binance.md 7.8). */
  findOrder(symbol: string, ref: OrderRef): Order | null {
    if ("orderId" in ref) {
      const key = `${symbol}/${ref.orderId}`;
      return this.#openOrders.get(key) ?? this.#closedOrders.get(key) ?? null;
    }
    const candidates = [...this.#closedOrders.values(), ...this.#openOrders.values()];
    const matches = (order: Order) => order.symbol === symbol && order.clientOrderId === ref.clientOrderId;
    return candidates.findLast(matches) ?? null;
  }

  /** The conditional order, waiting or not. */
  findAlgo(ref: { readonly algoId: string } | { readonly clientAlgoId: string }): AlgoOrder | null {
    if ("algoId" in ref) return this.#openAlgos.get(ref.algoId) ?? this.#closedAlgos.get(ref.algoId) ?? null;
    const candidates = [...this.#closedAlgos.values(), ...this.#openAlgos.values()];
    return candidates.findLast((algo) => algo.clientAlgoId === ref.clientAlgoId) ?? null;
  }

  /** Keeps a fill and books what it earned. */
  saveFill(fill: Fill): void {
    this.#fills.push(fill);
    if (this.#fills.length > HISTORY_MAX) this.#fills.shift();
    const before = this.earned(fill.commissionAsset);
    this.#earned.set(fill.commissionAsset, before.plus(fill.realizedPnl).minus(fill.commission));
  }

  /** The fills, oldest first. */
  fills(): readonly Fill[] {
    return this.#fills;
  }

  /** Realized profit less fees in one asset since the account was added. */
  earned(asset: string): Decimal {
    return this.#earned.get(asset) ?? ZERO;
  }

  /** How much of the leg resting reduce-only orders on `side` would close already. */
  promised(leg: Leg, side: Side, families: "regular" | "both"): Decimal {
    let total = ZERO;
    for (const order of this.openOrders(leg.symbol)) {
      if (order.reduceOnly && order.side === side && order.positionSide === leg.positionSide) {
        total = total.plus(remaining(order));
      }
    }
    if (families === "regular") return total;
    for (const algo of this.openAlgos(leg.symbol)) {
      if (algo.side !== side || algo.positionSide !== leg.positionSide) continue;
      if (algo.closePosition) total = total.plus(leg.amount.abs());
      else if (algo.reduceOnly === true && algo.quantity !== null) total = total.plus(algo.quantity);
    }
    return total;
  }
}

function remember<T>(history: Map<string, T>, key: string, value: T): void {
  history.set(key, value);
  if (history.size <= HISTORY_MAX) return;
  for (const oldest of history.keys()) {
    history.delete(oldest);
    return;
  }
}

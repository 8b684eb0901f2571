/** What an account holds: its legs, the orders that wait, what its wallet was credited with. Now, or as it was within the last minute. */

import { type Decimal, ZERO } from "../core/decimal.ts";
import { legName, type PositionSide } from "../core/position.ts";
import type { UnixMillis } from "../core/time.ts";
import { HistoryTable } from "./history.ts";
import type { Leg } from "./leg.ts";
import { type AlgoOrder, type Order, remaining, type Side } from "./orders.ts";

/** What was credited in one asset; `symbol` is the asset's. */
interface Credit {
  readonly symbol: string;
  readonly amount: Decimal;
}

interface Tables {
  readonly legs: HistoryTable<Leg>;
  readonly orders: HistoryTable<Order>;
  readonly algos: HistoryTable<AlgoOrder>;
  readonly credits: HistoryTable<Credit>;
}

/** One account's holdings. */
export class Holdings {
  readonly #tables: Tables;

  private constructor(tables: Tables) {
    this.#tables = tables;
  }

  /** Nothing held yet; changes are remembered by that clock. */
  static empty(now: () => UnixMillis): Holdings {
    return new Holdings({
      legs: new HistoryTable(now),
      orders: new HistoryTable(now),
      algos: new HistoryTable(now),
      credits: new HistoryTable(now),
    });
  }

  /** All of it as it was at that moment, at most a minute back. */
  asOf(at: UnixMillis): Holdings {
    const { legs, orders, algos, credits } = this.#tables;
    return new Holdings({
      legs: legs.asOf(at),
      orders: orders.asOf(at),
      algos: algos.asOf(at),
      credits: credits.asOf(at),
    });
  }

  /** The leg, empty if the symbol was never traded. */
  leg(symbol: string, positionSide: PositionSide): Leg {
    const empty: Leg = { symbol, positionSide, amount: ZERO, entryPrice: ZERO, updateTime: 0 as UnixMillis };
    return this.#tables.legs.get(legName(empty)) ?? empty;
  }

  /** Every leg that was ever traded, empty ones too. */
  legs(): readonly Leg[] {
    return this.#tables.legs.values();
  }

  /** Stores a leg. */
  saveLeg(leg: Leg): void {
    this.#tables.legs.set(legName(leg), leg);
  }

  /** Stores a leg as one that has always been so: a scene has no past, and a stale read must not invent one. */
  stageLeg(leg: Leg): void {
    this.saveLeg(leg);
    this.#tables.legs.forgetPast(legName(leg));
  }

  /** The resting orders, of one symbol or of all. */
  openOrders(symbol?: string): readonly Order[] {
    return this.#tables.orders.values(symbol);
  }

  /** How many orders rest on the symbol. */
  openOrderCount(symbol: string): number {
    return this.#tables.orders.count(symbol);
  }

  /** The resting order of that key, if it rests. */
  openOrder(key: string): Order | undefined {
    return this.#tables.orders.get(key);
  }

  /** Keeps a resting order. */
  keepOrder(key: string, order: Order): void {
    this.#tables.orders.set(key, order);
  }

  /** The order no longer rests. */
  dropOrder(key: string): void {
    this.#tables.orders.delete(key);
  }

  /** The conditional orders that wait for their trigger. */
  openAlgos(symbol?: string): readonly AlgoOrder[] {
    return this.#tables.algos.values(symbol);
  }

  /** The waiting conditional order of that id, if it waits. */
  openAlgo(algoId: string): AlgoOrder | undefined {
    return this.#tables.algos.get(algoId);
  }

  /** Keeps a waiting conditional order. */
  keepAlgo(algo: AlgoOrder): void {
    this.#tables.algos.set(algo.algoId, algo);
  }

  /** The conditional order no longer waits. */
  dropAlgo(algoId: string): void {
    this.#tables.algos.delete(algoId);
  }

  /** What the wallet was credited with in one asset since the account was added: profit less fees, and transfers. */
  credited(asset: string): Decimal {
    return this.#tables.credits.get(asset)?.amount ?? ZERO;
  }

  /** The assets that anything was credited in. */
  creditedAssets(): readonly string[] {
    return this.#tables.credits.values().map(({ symbol }) => symbol);
  }

  /** Books what the wallet is credited with; negative: charged. */
  credit(asset: string, amount: Decimal): void {
    this.#tables.credits.set(asset, { symbol: asset, amount: this.credited(asset).plus(amount) });
  }

  /**
   * How much of the leg resting reduce-only orders on `side` would close already: regular ones, and where `algos` says so
   * waiting conditional ones too; `closePosition` says whether those that take the whole leg count among them.
   */
  promised(leg: Leg, side: Side, { algos, closePosition }: { algos: boolean; closePosition: boolean }): Decimal {
    let total = ZERO;
    for (const order of this.openOrders(leg.symbol)) {
      if (order.reduceOnly && order.side === side && order.positionSide === leg.positionSide) {
        total = total.plus(remaining(order));
      }
    }
    if (!algos) return total;
    for (const algo of this.openAlgos(leg.symbol)) {
      if (algo.side !== side || algo.positionSide !== leg.positionSide) continue;
      if (algo.closePosition) total = closePosition ? total.plus(leg.amount.abs()) : total;
      else if (algo.reduceOnly === true && algo.quantity !== null) total = total.plus(algo.quantity);
    }
    return total;
  }
}

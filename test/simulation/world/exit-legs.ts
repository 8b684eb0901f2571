/** Each leg from its opening until it is flat or has turned, by the venue's own executions. */

import { type Decimal, ZERO } from "../../../src/core/decimal.ts";
import type { Instant } from "../../../src/core/time.ts";
import type { Fill } from "../../../src/sim/orders.ts";
import type { World } from "../../../src/sim/world.ts";
import type { Witness } from "./witness.ts";

/** A leg that is missing in the lists for 3 s is gone, with what was under way for it. */
export const GONE_MS = 2_900;

/** The brain looks once a second. */
const CYCLE_MS = 1_000;

/** One opening of a leg. */
export interface LegLife {
  readonly symbol: string;
  readonly isLong: boolean;
  readonly openedAt: Instant;
  amount: Decimal;
  /** The largest that it has been. */
  max: Decimal;
  grownAt: Instant;
  entryPrice: Decimal;
  /** Executed by orders of the brain, by the tag of the ladder's step. */
  readonly taken: Map<string, Decimal>;
  /** The best mark of the lists that the brain has had since the leg was opened or last grown. */
  best: Decimal | null;
  /** The brain has lost all that it had written down of the leg while an order's fate was open: nobody can know what it did. */
  isForgotten: boolean;
}

/** Who is told. */
interface LegEvents {
  /** An order is executed, before the leg changes. */
  executes(fill: Fill, life: LegLife | null): void;
  /** A leg is opened that was flat for so long. */
  opens(symbol: string, flatMs: number): void;
}

/** What is open. */
export class LegLives {
  readonly #world: World<Witness>;
  readonly #open = new Map<string, LegLife>();
  /** What was open before, and until when. */
  readonly #closed = new Map<string, { readonly life: LegLife; readonly at: Instant }>();
  readonly #told: LegEvents;

  constructor(world: World<Witness>, told: LegEvents) {
    this.#world = world;
    this.#told = told;
    world.venue.watch((change) => {
      if (change.kind === "order" && change.execution === "TRADE" && change.fill !== null)
        told.executes(change.fill, this.of(change.fill.symbol));
      if (change.kind === "leg") this.#changes(change.leg.symbol, change.leg.amount, change.leg.entryPrice);
    });
  }

  of(symbol: string): LegLife | null {
    return this.#open.get(symbol) ?? null;
  }

  all(): readonly LegLife[] {
    return [...this.#open.values()];
  }

  #changes(symbol: string, amount: Decimal, entryPrice: Decimal): void {
    const now = this.#world.time.now();
    const life = this.of(symbol);
    const isLong = amount.gt(ZERO);
    if (amount.eq(ZERO) || (life !== null && life.isLong !== isLong)) {
      this.#open.delete(symbol);
      if (life !== null) this.#closed.set(symbol, { life, at: now });
    }
    if (amount.eq(ZERO)) return;
    const size = amount.abs();
    const known = this.of(symbol);
    if (known === null) {
      this.#told.opens(symbol, now - (this.#closed.get(symbol)?.at ?? 0));
      const max = this.#sizeBefore(symbol, isLong, size, entryPrice);
      const fresh = { symbol, isLong, openedAt: now, grownAt: now, amount: size, max, entryPrice };
      this.#open.set(symbol, { ...fresh, taken: new Map(), best: null, isForgotten: false });
      return;
    }
    if (size.gt(known.amount)) {
      known.grownAt = now;
      known.best = null;
    }
    known.amount = size;
    known.entryPrice = entryPrice;
    if (size.gt(known.max)) known.max = size;
  }
  /**
   * How large it is taken for at least: one that is closed and opened again at the very same price, or between two looks as a larger
   * one, is the same leg to whoever did not look meanwhile. A ladder's shares are of the largest size.
   */
  #sizeBefore(symbol: string, isLong: boolean, amount: Decimal, entryPrice: Decimal): Decimal {
    const closed = this.#closed.get(symbol);
    if (closed === undefined || closed.life.isLong !== isLong) return amount;
    const ago = this.#world.time.now() - closed.at;
    const isSamePrice = ago <= GONE_MS && closed.life.entryPrice.eq(entryPrice);
    const looksGrown = ago <= CYCLE_MS && amount.gt(closed.life.amount);
    return (isSamePrice || looksGrown) && closed.life.max.gt(amount) ? closed.life.max : amount;
  }
}

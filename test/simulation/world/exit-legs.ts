/** Each leg from its opening until it is flat or has turned, by the venue's own executions. */

import { type Decimal, ZERO } from "../../../src/core/decimal.ts";
import type { Instant } from "../../../src/core/time.ts";
import type { Fill } from "../../../src/sim/orders.ts";
import type { World } from "../../../src/sim/world.ts";
import type { Witness } from "./witness.ts";

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

/** What is open. */
export class LegLives {
  readonly #world: World<Witness>;
  readonly #open = new Map<string, LegLife>();
  /** When each symbol's leg was flat last. */
  readonly flatAt: Map<string, Instant> = new Map();

  /** `executes` is told of each execution of an order before the leg changes. */
  constructor(world: World<Witness>, executes: (fill: Fill, life: LegLife | null) => void) {
    this.#world = world;
    world.venue.watch((change) => {
      if (change.kind === "order" && change.execution === "TRADE" && change.fill !== null)
        executes(change.fill, this.of(change.fill.symbol));
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
      this.flatAt.set(symbol, now);
    }
    if (amount.eq(ZERO)) return;
    const [size, known] = [amount.abs(), this.of(symbol)];
    if (known === null) {
      const fresh = { symbol, isLong, openedAt: now, grownAt: now, amount: size, max: size, entryPrice };
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
}

/**
 * What the policy owes a leg where all is well: it is left beyond its stop and after its time (X6), and has its stop at the venue,
 * which nothing leaves behind (X7). The levels are reckoned here anew, from the venue's truth and the marks that were listed.
 */

import { type Decimal, decimal } from "../../../src/core/decimal.ts";
import { type LegPolicy, policyFor, type Target } from "../../../src/core/exit-policy.ts";
import type { Position } from "../../../src/core/position.ts";
import type { Instant } from "../../../src/core/time.ts";
import type { ExitsSetup } from "../../../src/sim/world/brain-policy.ts";
import type { World } from "../../../src/sim/world.ts";
import type { LegLife, LegLives } from "./exit-legs.ts";
import type { Break, Witness } from "./witness.ts";

/**
 * From then on that a leg is beyond its stop, and all has been well: the longest pause behind refused orders (8 s), or the proof
 * that an order never arrived (6 s), a cycle, and the way to the venue, twice for a close that other orders block.
 */
const LEFT_MS = 12_000;
/** Stops are listed every 30 s, and a list may have to be asked for again behind the one that the trouble has spoilt. */
const PROTECTED_MS = 40_000;
/** A leg that no list shows for 3 s is gone; two cycles, two seconds between two lists of stops, and the way to the venue. */
const TAKEN_AWAY_MS = 8_000;

/** The levels of one run. */
export class ExitLevelWatch {
  readonly #world: World<Witness>;
  readonly #setup: ExitsSetup;
  readonly #legs: LegLives;
  readonly #break: Break;
  /** The marks of the last list: counted with the next one, when what they mean was written down. */
  #listed: readonly Position[] = [];
  readonly #beyondSince = new Map<LegLife, Instant>();
  readonly #bareSince = new Map<LegLife, Instant>();
  readonly #strayStops = new Map<string, Instant>();

  constructor(world: World<Witness>, setup: ExitsSetup, legs: LegLives, fails: Break) {
    this.#world = world;
    this.#setup = setup;
    this.#legs = legs;
    this.#break = fails;
  }

  /** The brain has got a list, and is about to act on it. */
  listed(positions: readonly Position[]): void {
    for (const { symbol, amount, entryPrice, markPrice } of this.#listed) {
      const life = this.#legs.of(symbol);
      const isOfIt = life?.amount.eq(amount.abs()) === true && life.entryPrice.eq(entryPrice);
      if (!isOfIt || life.isLong !== amount.gt("0")) continue;
      if (life.best === null || isBetter(life.isLong, markPrice, life.best)) life.best = markPrice;
    }
    this.#listed = positions;
  }

  /** What it has not written down it need not know. */
  dies(): void {
    this.#listed = [];
  }

  /** `wellMs`: for how long the brain could have acted. */
  look(wellMs: number): void {
    const now = this.#world.time.now();
    for (const life of this.#legs.all()) {
      this.#lookForLeaving(life, wellMs, now);
      this.#lookForStop(life, wellMs, now);
    }
    this.#lookForStrays(wellMs, now);
  }

  #lookForLeaving(life: LegLife, wellMs: number, now: Instant): void {
    const why = this.#whyLeave(life);
    if (why === null) {
      this.#beyondSince.delete(life);
      return;
    }
    const since = this.#beyondSince.get(life) ?? now;
    this.#beyondSince.set(life, since);
    if (now - since < LEFT_MS || wellMs < LEFT_MS) return;
    this.#break("X6", `${life.symbol} ${life.amount.toFixed()} is open ${Math.round(now - since)} ms after ${why}`);
    this.#beyondSince.set(life, Number.POSITIVE_INFINITY as Instant);
  }

  #whyLeave(life: LegLife): string | null {
    const { venue, time } = this.#world;
    const policy = policyFor(this.#setup.policy, life.symbol);
    const mark = venue.mark(life.symbol);
    const stops = stopsOf(policy, life, venue.leverage(this.#world.apiKey));
    const stop = stops.find(({ level }) => !isBetter(life.isLong, mark, level));
    if (stop !== undefined) return `its ${stop.rule} at ${stop.level.toFixed(2)} (mark ${mark.toFixed(2)})`;
    const { timeLimitMs } = policy;
    // The limit is measured by the host's wall clock.
    const isOnTime = this.#world.hosts.brain.wallOffset(time.now()) === 0;
    if (timeLimitMs === null || !isOnTime || time.now() - life.grownAt < timeLimitMs) return null;
    return `its time limit of ${timeLimitMs} ms`;
  }

  #lookForStop(life: LegLife, wellMs: number, now: Instant): void {
    const { backstopPercent } = policyFor(this.#setup.policy, life.symbol);
    if (backstopPercent === null) return;
    const exact = moved(life.isLong, life.entryPrice, life.entryPrice.times(backstopPercent).div("100").neg());
    const tick = decimal(this.#world.venue.rules(life.symbol).price.tick);
    const stops = this.#world.venue
      .openAlgoOrders(this.#world.apiKey, life.symbol)
      .filter(({ closePosition, side }) => closePosition && (side === "SELL") === life.isLong);
    const [stop, ...others] = stops;
    const offBy = stop?.triggerPrice?.minus(exact).abs();
    if (others.length === 0 && offBy?.lte(tick) === true) {
      this.#bareSince.delete(life);
      return;
    }
    const since = Math.max(this.#bareSince.get(life) ?? now, life.grownAt) as Instant;
    this.#bareSince.set(life, since);
    // Where all has been well since the leg took this shape, a list was asked for at once.
    const limitMs = wellMs >= now - life.grownAt ? LEFT_MS : PROTECTED_MS;
    if (now - since < limitMs || wellMs < limitMs) return;
    const words = stops.map(({ triggerPrice }) => triggerPrice?.toFixed() ?? "-").join(", ") || "none";
    this.#break("X7", `${life.symbol} should have one stop at ${exact.toFixed(2)} at the venue, and has ${words}`);
    this.#bareSince.set(life, Number.POSITIVE_INFINITY as Instant);
  }

  /** A stop of ours that nothing is open for any more. */
  #lookForStrays(wellMs: number, now: Instant): void {
    for (const { clientAlgoId, algoId, symbol, side } of this.#world.venue.openAlgoOrders(this.#world.apiKey)) {
      const life = this.#legs.of(symbol);
      const protects = life !== null && (side === "SELL") === life.isLong;
      if (protects || !clientAlgoId.startsWith("qb-")) {
        this.#strayStops.delete(algoId);
        continue;
      }
      const since = this.#strayStops.get(algoId) ?? now;
      this.#strayStops.set(algoId, since);
      // Where all has been well since the leg is gone, a list was asked for as soon as that was certain.
      const limitMs = wellMs >= now - since ? TAKEN_AWAY_MS : PROTECTED_MS;
      if (now - since < limitMs || wellMs < limitMs) continue;
      this.#break("X7", `${clientAlgoId} rests on ${symbol}, and nothing is open there`);
      this.#strayStops.set(algoId, Number.POSITIVE_INFINITY as Instant);
    }
  }
}

interface Stop {
  readonly level: Decimal;
  readonly rule: string;
}

/** The levels that the leg's stop is at, or beyond, by what was listed of it. */
function stopsOf(
  { breakEven, stopLoss, trailing }: LegPolicy,
  { best, entryPrice, isLong }: LegLife,
  leverage: Decimal,
): readonly Stop[] {
  const r =
    stopLoss === null
      ? null
      : entryPrice
          .times(stopLoss.percent)
          .div("100")
          .div(stopLoss.of === "margin" ? leverage : "1");
  const distance = (of: Decimal, { unit, value }: Target): Decimal | null =>
    unit === "percent" ? of.times(value).div("100") : (r?.times(value) ?? null);
  const reached = (at: Target): boolean => {
    const far = distance(entryPrice, at);
    return best !== null && far !== null && !isBetter(isLong, moved(isLong, entryPrice, far), best);
  };
  const stops: Stop[] = [];
  if (r !== null) stops.push({ level: moved(isLong, entryPrice, r.neg()), rule: "stop loss" });
  if (breakEven !== null && reached(breakEven.at)) {
    const offset = entryPrice.times(breakEven.offsetPercent).div("100");
    stops.push({ level: moved(isLong, entryPrice, offset), rule: "break-even stop" });
  }
  if (trailing !== null && best !== null && (trailing.activation === null || reached(trailing.activation))) {
    const behind = distance(best, trailing.distance);
    if (behind !== null) stops.push({ level: moved(isLong, best, behind.neg()), rule: "trailing stop" });
  }
  return stops;
}

function isBetter(isLong: boolean, one: Decimal, other: Decimal): boolean {
  return isLong ? one.gt(other) : one.lt(other);
}

function moved(isLong: boolean, price: Decimal, distance: Decimal): Decimal {
  return isLong ? price.plus(distance) : price.minus(distance);
}

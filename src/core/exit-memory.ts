/**
 * What the brain must not forget of a leg from one cycle, and from one life, to the next.
 *
 * All of it only moves one way while the leg lasts: the best mark gets better, the stop gets tighter, a step that was done stays
 * done. So a memory that was written twice, or read late, does no harm.
 */

import { type Decimal, decimal, ZERO } from "./decimal.ts";
import { type LegPolicy, type Target, targetName } from "./exit-policy.ts";
import type { Position } from "./position.ts";
import type { UnixMillis } from "./time.ts";

/** By it and not by a division: that one is cut after twenty places. */
const HUNDREDTH = decimal("0.01");
const ONE = decimal("1");

/** Which way a leg earns. */
export type Side = "long" | "short";

/** What is known of one rung of the ladder. */
export interface StepProgress {
  /** Executed by orders of this step. */
  readonly taken: Decimal;
  /** Nothing more is ordered for it. */
  readonly done: boolean;
}

/** Where the leg is left in any case, and the rule that put the level there. */
export interface StopLevel {
  readonly level: Decimal;
  readonly rule: "stop_loss" | "break_even" | "trailing";
}

/** The memory of one leg, from its opening until it is flat or has turned. */
export interface LegMemory {
  readonly side: Side;
  readonly openedAt: UnixMillis;
  /** The rules that `stop` and `r` follow from, in one text: other rules, other levels. */
  readonly rules: string;
  /** As last seen; levels are planned from it. */
  readonly entryPrice: Decimal;
  /** As last seen, without its sign. */
  readonly amount: Decimal;
  /** The largest that it has been: percentages of the ladder are of this. */
  readonly size: Decimal;
  /** The most favourable mark since the leg was opened or last grown. */
  readonly best: Decimal;
  /** The tightest stop so far; null: none, or none that is known. */
  readonly stop: StopLevel | null;
  /** The price distance of 1R; null where no stop loss says it, or the leverage that it needs is not known. */
  readonly r: Decimal | null;
  /** By the name of the step's profit, such as `1.5R`. */
  readonly steps: Readonly<Record<string, StepProgress>>;
  /** Why the whole leg is being left: once decided it stays so, whatever the mark does. Null: it is not. */
  readonly exiting: string | null;
  /** How many orders were sent for the leg. */
  readonly sent: number;
}

/** What happened to the leg beside our own orders. */
export type Change = "none" | "reopened" | "turned" | "grown" | "shrunk" | "other_rules";

/** Which way the leg earns. */
export function sideOf({ amount }: Pick<Position, "amount">): Side {
  return amount.gt(ZERO) ? "long" : "short";
}

/** Whether `one` is a better price to leave at than `other`, or the same. */
export function atLeastAsGood(side: Side, one: Decimal, other: Decimal): boolean {
  return side === "long" ? one.gte(other) : one.lte(other);
}

/** `price`, moved by `distance` to the side of profit; a negative distance is a loss. */
export function towardsProfit(side: Side, price: Decimal, distance: Decimal): Decimal {
  return side === "long" ? price.plus(distance) : price.minus(distance);
}

/** So many percent of a price. */
export function percentOf(price: Decimal, percent: Decimal): Decimal {
  return price.times(percent).times(HUNDREDTH);
}

/** The memory of a leg that was just opened, or that nothing is known of. */
export function beginLeg(policy: LegPolicy, leg: Position, openedAt: UnixMillis): LegMemory {
  const side = sideOf(leg);
  const fresh: LegMemory = {
    side,
    openedAt,
    rules: rulesOf(policy),
    entryPrice: leg.entryPrice,
    amount: leg.amount.abs(),
    size: leg.amount.abs(),
    best: leg.markPrice,
    stop: null,
    r: null,
    steps: {},
    exiting: null,
    sent: 0,
  };
  return tighten(policy, withRisk(policy, fresh, leg));
}

/** How far the price of what was added may be from the mark: that has moved since, by a second's worth. */
const ADDED_APART = decimal("0.005");

/**
 * The memory after the venue has shown the leg again.
 *
 * An entry price that has changed without the leg having grown, or by more than what was added could have changed it, means that it
 * was closed and opened again. One that has grown is planned anew from its new entry: its best mark starts over, and its stop stays
 * where that is tighter.
 *
 * Grown and reduced looks as if it was opened again, so orders are counted on: ids of the leg that it may still be don't come again.
 * Closed and opened again as a larger one at much the same price looks as if it had grown, and keeps the largest size and the steps
 * that were taken: the steps that are left may take more of it than their share.
 */
export function follow(
  policy: LegPolicy,
  memory: LegMemory,
  leg: Position,
  now: UnixMillis,
): readonly [LegMemory, Change] {
  const amount = leg.amount.abs();
  if (sideOf(leg) !== memory.side) return [beginLeg(policy, leg, now), "turned"];
  const sameEntry = leg.entryPrice.eq(memory.entryPrice);
  if (!sameEntry && !isGrowth(memory, leg)) return [{ ...beginLeg(policy, leg, now), sent: memory.sent }, "reopened"];
  const { entryPrice, markPrice } = leg;
  const grown = amount.gt(memory.amount);
  const size = amount.gt(memory.size) ? amount : memory.size;
  const best = grown || !atLeastAsGood(memory.side, memory.best, markPrice) ? markPrice : memory.best;
  // Where nothing has changed it is the same memory: what is new is written down, each second anew.
  const isSame = sameEntry && best === memory.best && amount.eq(memory.amount);
  const seen: LegMemory = isSame ? memory : { ...memory, entryPrice, amount, size, best };
  const rules = rulesOf(policy);
  if (rules !== memory.rules) {
    // A person has said otherwise: what was tightened by the old rules is not theirs any more.
    const other = { ...seen, rules, stop: null, r: null };
    return [tighten(policy, withRisk(policy, other, leg)), "other_rules"];
  }
  const change: Change = grown ? "grown" : amount.lt(memory.amount) ? "shrunk" : "none";
  const risked = grown || seen.r === null ? withRisk(policy, seen, leg) : seen;
  return [tighten(policy, risked), change];
}

function isGrowth(memory: LegMemory, { amount, entryPrice, markPrice }: Position): boolean {
  const added = amount.abs().minus(memory.amount);
  // Where our own order has closed all that was known of it the rest is what others added before, or another leg.
  if (added.lte(ZERO) || memory.amount.eq(ZERO)) return false;
  const paid = entryPrice.times(amount.abs()).minus(memory.entryPrice.times(memory.amount));
  const worth = markPrice.times(added);
  return paid.minus(worth).abs().lte(worth.times(ADDED_APART));
}

/** The memory after another mark was seen, where nothing else of the leg is known anew. */
export function watchMark(policy: LegPolicy, memory: LegMemory, mark: Decimal): LegMemory {
  if (atLeastAsGood(memory.side, memory.best, mark)) return memory;
  return tighten(policy, { ...memory, best: mark });
}

/** Two memories of the same opening of a leg as one: nothing that either knows is forgotten. `one` is the later of the two. */
export function join(one: LegMemory, other: LegMemory): LegMemory {
  const { side } = one;
  const steps = { ...other.steps };
  for (const [name, step] of Object.entries(one.steps)) {
    const known = steps[name] ?? step;
    const taken = known.taken.gt(step.taken) ? known.taken : step.taken;
    steps[name] = { taken, done: known.done || step.done };
  }
  const best = atLeastAsGood(side, one.best, other.best) ? one.best : other.best;
  const stop = one.rules === other.rules && other.stop !== null ? tighter(side, one.stop, other.stop) : one.stop;
  return {
    ...one,
    openedAt: Math.min(one.openedAt, other.openedAt) as UnixMillis,
    size: one.size.gt(other.size) ? one.size : other.size,
    best,
    stop,
    steps,
    exiting: one.exiting ?? other.exiting,
    sent: Math.max(one.sent, other.sent),
  };
}

/** What an order of a step, or of the whole leg where `step` is null, has executed is booked; `done` ends the step. */
export function settle(memory: LegMemory, step: string | null, executed: Decimal, done: boolean): LegMemory {
  const amount = executed.gt(memory.amount) ? ZERO : memory.amount.minus(executed);
  if (step === null) return { ...memory, amount };
  const before = memory.steps[step] ?? { taken: ZERO, done: false };
  const progress = { taken: before.taken.plus(executed), done: before.done || done };
  return { ...memory, amount, steps: { ...memory.steps, [step]: progress } };
}

/** The price at which a profit is reached; null where it is in R and R is not known. */
export function levelOf(memory: Pick<LegMemory, "side" | "entryPrice" | "r">, at: Target): Decimal | null {
  const distance = distanceOf(memory.r, memory.entryPrice, at);
  return distance === null ? null : towardsProfit(memory.side, memory.entryPrice, distance);
}

function distanceOf(r: Decimal | null, price: Decimal, { unit, value }: Target): Decimal | null {
  if (unit === "percent") return percentOf(price, value);
  return r === null ? null : r.times(value);
}

/** 1R and the stop loss, from the entry as it is now. */
function withRisk(policy: LegPolicy, memory: LegMemory, leg: Position): LegMemory {
  const { stopLoss } = policy;
  if (stopLoss === null) return memory;
  const leverage = stopLoss.of === "entry" ? ONE : leg.leverage;
  if (leverage === undefined || leverage.lte(ZERO)) return memory;
  const r = percentOf(memory.entryPrice, stopLoss.percent).div(leverage);
  const level = towardsProfit(memory.side, memory.entryPrice, r.neg());
  return { ...memory, r, stop: tighter(memory.side, memory.stop, { level, rule: "stop_loss" }) };
}

/** Moves the stop to where the best mark so far has put it; never away from the mark. */
function tighten({ breakEven, trailing }: LegPolicy, memory: LegMemory): LegMemory {
  const { best, entryPrice, r, side } = memory;
  let { stop } = memory;
  const reached = (at: Target): boolean => {
    const level = levelOf(memory, at);
    return level !== null && atLeastAsGood(side, best, level);
  };
  if (breakEven !== null && reached(breakEven.at)) {
    const level = towardsProfit(side, entryPrice, percentOf(entryPrice, breakEven.offsetPercent));
    stop = tighter(side, stop, { level, rule: "break_even" });
  }
  if (trailing !== null && (trailing.activation === null || reached(trailing.activation))) {
    const distance = distanceOf(r, best, trailing.distance);
    if (distance !== null) {
      stop = tighter(side, stop, { level: towardsProfit(side, best, distance.neg()), rule: "trailing" });
    }
  }
  return stop === memory.stop ? memory : { ...memory, stop };
}

/** The stop that is nearer to the side of profit; of two at the same level the one that was there first. */
function tighter(side: Side, one: StopLevel | null, other: StopLevel): StopLevel {
  return one !== null && atLeastAsGood(side, one.level, other.level) ? one : other;
}

/** What stop and R follow from, as text. The ladder is not in it: its steps are known by name. */
function rulesOf({ stopLoss, breakEven, trailing }: LegPolicy): string {
  const stop = stopLoss === null ? "-" : `${stopLoss.percent.toFixed()}/${stopLoss.of}`;
  const even = breakEven === null ? "-" : `${targetName(breakEven.at)}+${breakEven.offsetPercent.toFixed()}`;
  if (trailing === null) return `${stop} ${even} -`;
  const from = trailing.activation === null ? "0" : targetName(trailing.activation);
  return `${stop} ${even} ${from}~${targetName(trailing.distance)}`;
}

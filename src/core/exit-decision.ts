/**
 * Whether a leg is left now, how much of it, and why: a pure function of policy, position, mark, memory and time.
 *
 * What wins where several rules hold at once: the distance to liquidation, then the stop (the tightest of stop loss, break-even
 * and trailing stop), then the time limit; each closes the whole leg. Only then the ladder, lowest step first.
 */

import { type Decimal, decimal, plain, sum, ZERO } from "./decimal.ts";
import { atLeastAsGood, type LegMemory, levelOf, percentOf } from "./exit-memory.ts";
import { durationName, type LegPolicy, targetName } from "./exit-policy.ts";
import { chunks, type LotRule } from "./lots.ts";
import { legName, type Position } from "./position.ts";
import type { UnixMillis } from "./time.ts";

const HUNDRED = decimal("100");

/** A part of a leg, or all of it, that is to be closed. */
export interface PlannedClose {
  /** Positive, never more than is open. Zero: the step is due and too small to be ordered. */
  readonly quantity: Decimal;
  /** The ladder's step by the name of its profit; null: the whole leg. */
  readonly step: string | null;
  /** For people: what is closed, which rule says so, and from which prices. */
  readonly reason: string;
}

/**
 * What is due on a leg, in the order in which it is to be done: one close of all of it, or the steps of the ladder that are reached.
 *
 * `memory` is the leg's, after `follow` has seen this very position.
 */
export function due(
  policy: LegPolicy,
  leg: Position,
  memory: LegMemory,
  lot: LotRule | null,
  now: UnixMillis,
): readonly PlannedClose[] {
  const whole = memory.exiting ?? wholeReason(policy, leg, memory, now);
  if (whole !== null) return [{ quantity: leg.amount.abs(), step: null, reason: whole }];
  return ladderSteps(policy, leg, memory, lot);
}

/** Which of the policy's rules can't be judged for want of a reading; null: all can. Unknown is danger, so it is told and degrades. */
export function blindRule(policy: LegPolicy, leg: Position, memory: LegMemory): string | null {
  if (policy.stopLoss !== null && memory.stop === null) {
    return `the stop loss of ${legName(leg)} is in percent of margin, and the venue does not tell its leverage`;
  }
  if (policy.liquidationDistancePercent !== null && leg.liquidationPrice === undefined) {
    return `the liquidation price of ${legName(leg)} can't be read`;
  }
  return null;
}

function wholeReason(policy: LegPolicy, leg: Position, memory: LegMemory, now: UnixMillis): string | null {
  const close = `close all of ${legName(leg)}`;
  const { liquidationDistancePercent: nearest, timeLimitMs } = policy;
  const { liquidationPrice, markPrice } = leg;
  if (nearest !== null && liquidationPrice !== undefined && liquidationPrice !== null) {
    const distance = markPrice.minus(liquidationPrice).abs();
    const beyond = atLeastAsGood(memory.side, liquidationPrice, markPrice);
    if (beyond || distance.lte(percentOf(markPrice, nearest))) {
      const percent = beyond ? "0" : distance.times(HUNDRED).div(markPrice).toFixed(2);
      return `${close}: liquidation at ${readable(liquidationPrice)} is ${percent} % away, limit ${plain(nearest)} % (${prices(leg)})`;
    }
  }
  if (memory.stop !== null && atLeastAsGood(memory.side, memory.stop.level, markPrice)) {
    return `${close}: ${STOP_WORDS[memory.stop.rule]} ${readable(memory.stop.level)} reached (${prices(leg)})`;
  }
  if (timeLimitMs !== null && now - memory.openedAt >= timeLimitMs) {
    return `${close}: time limit of ${durationName(timeLimitMs)} reached (${prices(leg)})`;
  }
  return null;
}

/** The rules of a stop, in words. */
export const STOP_WORDS = { stop_loss: "stop loss", break_even: "break-even stop", trailing: "trailing stop" } as const;

/**
 * The steps that the mark has reached and that are not done, each with what is still to be closed of its share.
 *
 * Shares are counted from the largest size and rounded down together, so that a ladder of 100 % leaves nothing behind.
 */
function ladderSteps(
  { ladder }: LegPolicy,
  leg: Position,
  memory: LegMemory,
  lot: LotRule | null,
): readonly PlannedClose[] {
  const steps: PlannedClose[] = [];
  let left = leg.amount.abs();
  let percentBefore = ZERO;
  for (const { at, closePercent } of ladder) {
    const [from, to] = [percentBefore, percentBefore.plus(closePercent)];
    percentBefore = to;
    const level = levelOf(memory, at);
    if (level === null || !atLeastAsGood(memory.side, leg.markPrice, level)) continue;
    const step = targetName(at);
    const { taken, done } = memory.steps[step] ?? { taken: ZERO, done: false };
    if (done) continue;
    const share = floored(percentOf(memory.size, to), lot).minus(floored(percentOf(memory.size, from), lot));
    const missing = share.minus(taken);
    const open = missing.gt(left) ? left : missing;
    const quantity = open.gt(ZERO) ? orderable(open, lot) : ZERO;
    left = left.minus(quantity);
    const reason = `close ${plain(closePercent)} % of ${legName(leg)}: +${step} reached (${prices(leg)})`;
    steps.push({ quantity, step, reason });
  }
  return steps;
}

/** What one order, or several, can take of a quantity. */
function orderable(quantity: Decimal, lot: LotRule | null): Decimal {
  return lot === null ? quantity : sum(chunks(quantity, lot));
}

function floored(quantity: Decimal, lot: LotRule | null): Decimal {
  return lot === null ? quantity : quantity.minus(quantity.mod(lot.step));
}

/** The two prices that a decision is about, for people. */
export function prices({ entryPrice, markPrice }: Position): string {
  return `entry ${readable(entryPrice)}, mark ${readable(markPrice)}`;
}

/** A price as people read it: `61,812.5`. For display only. */
export function readable(price: Decimal): string {
  const [whole = "", fraction] = plain(price).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

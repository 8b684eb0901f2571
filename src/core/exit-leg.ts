/**
 * One leg under a policy: what is remembered of it, what a list makes of that, and what the venue's records do.
 *
 * What other hands do to a leg is noticed, told, and planned for. Where nobody saw what they did its records are asked.
 */

import { type Decimal, plain } from "./decimal.ts";
import { beginLeg, type Change, follow, join, type LegMemory, sideOf, watchMark } from "./exit-memory.ts";
import { type ExitPolicy, policyFor } from "./exit-policy.ts";
import { type CloseOrder, legName, type Position, type PositionSide } from "./position.ts";
import type { Rulebook } from "./rulebook.ts";
import { info, type Tell } from "./tell.ts";
import { after, type Instant, type UnixMillis } from "./time.ts";

/** An order that was sent, or is about to be, and whose outcome is not certain. */
export interface PendingExit {
  readonly order: CloseOrder;
  readonly step: string | null;
  /** What is missing of the step, or open of the leg: this order may be a part of it. */
  readonly wanted: Decimal;
}

/** What is written down of a leg. */
export interface ExitRecord {
  readonly symbol: string;
  readonly positionSide: PositionSide;
  readonly memory: LegMemory;
  /** What is remembered of a leg that this may be still, or not: the venue's records tell. Null: there is no such doubt. */
  readonly earlier: LegMemory | null;
  readonly pending: PendingExit | null;
  /** What the venue has on record of the leg is in it; false: that was not asked for yet, or could not be read. */
  readonly recalled: boolean;
}

/** A leg in this life. */
export interface LegState extends Omit<ExitRecord, "recalled"> {
  /** The memory as it was last written down; null: it was not. */
  readonly written: LegMemory | null;
  /** As last listed; null before this life has seen it. */
  readonly seen: Position | null;
  /** The list does not show it, since then. */
  readonly missingSince: Instant | null;
  /** A list may still show it as it was before its last order. */
  readonly lag: { readonly before: Decimal; readonly until: Instant } | null;
  /** Whether the venue's records were asked for what is not remembered; until then no step of the ladder is taken. */
  readonly recall:
    | { readonly kind: "settled" }
    | { readonly kind: "wanted"; readonly at: Instant }
    | { readonly kind: "asked" };
  /**
   * No order before this; `count` refusals in a row. That a step of the ladder was refused, as where other orders are to
   * close the leg, holds up no close of the `whole` leg: a stop may be due.
   */
  readonly pause: { readonly until: Instant; readonly count: number; readonly whole: boolean } | null;
  /** The price band has refused a market order: the next one has a limit inside of it. */
  readonly inBand: boolean;
  /** Since when the order under way was sent at the latest: in this life, or before it began. Null: none is. */
  readonly sentAt: Instant | null;
  /** The order's answer is under way: it is not asked for. */
  readonly waiting: boolean;
  /** What was told of closes that were not made. */
  readonly told: ReadonlySet<string>;
}

/** What holds for all legs in one look. */
export interface Look {
  readonly policy: ExitPolicy;
  readonly rulebook: Rulebook;
  readonly wall: UnixMillis;
  readonly now: Instant;
  /** What is done about a close that is due: it is made, or told, or neither while somebody else is at work. */
  readonly stance: "act" | "tell" | "watch";
}

const SETTLED = { kind: "settled" } as const;

/** A leg of an earlier life, from what that has written down. */
export function openLeg({ recalled, ...record }: ExitRecord, now: Instant): LegState {
  return {
    ...record,
    earlier: recalled ? null : record.earlier,
    written: record.memory,
    seen: null,
    missingSince: null,
    lag: null,
    recall: recalled ? SETTLED : { kind: "wanted", at: now },
    pause: null,
    inBand: false,
    sentAt: record.pending === null ? null : now,
    waiting: false,
    told: new Set<string>(),
  };
}

/** A leg that this life has not seen, and no record knows. */
export function firstSeen(look: Look, position: Position): readonly [LegState, readonly Tell[]] {
  const memory = beginLeg(policyFor(look.policy, position.symbol), position, look.wall);
  const { symbol, positionSide } = position;
  const leg: LegState = {
    symbol,
    positionSide,
    memory,
    pending: null,
    written: null,
    earlier: null,
    seen: position,
    missingSince: null,
    lag: null,
    recall: { kind: "wanted", at: look.now },
    pause: null,
    inBand: false,
    sentAt: null,
    waiting: false,
    told: new Set(),
  };
  return [leg, [info(`${legName(leg)} ${plain(position.amount)} is under the policy${stopWords(memory)}`)]];
}

/** A leg after the venue has listed it again. */
export function seenAgain(look: Look, leg: LegState, position: Position): readonly [LegState, readonly Tell[]] {
  const policy = policyFor(look.policy, leg.symbol);
  const seen: LegState = { ...leg, seen: position, missingSince: null };
  const isLate = isOld(leg, position, look);
  if (leg.pending !== null || isLate) {
    // What the list shows may be from before the order, from after it, or from in between.
    return [{ ...seen, memory: watchMark(policy, leg.memory, position.markPrice) }, []];
  }
  const wasAway = leg.seen === null || leg.missingSince !== null;
  const [followed, change] = follow(policy, leg.memory, position, look.wall);
  const words = (memory: LegMemory, what: Change): readonly Tell[] => {
    const line = CHANGE_WORDS[what];
    const { amount, side } = leg.memory;
    const amounts = `${plain(side === "long" ? amount : amount.neg())} → ${plain(position.amount)}`;
    return line === null ? [] : [info(`${legName(leg)} ${line}: ${amounts}${stopWords(memory)}`)];
  };
  const isTurned = change === "turned";
  if (change === "reopened" || (wasAway && !isTurned && !position.entryPrice.eq(leg.memory.entryPrice))) {
    // Nobody has seen whether it grew, was reduced and grew again, or was opened anew: until its records tell, only what holds for
    // a new leg does. The levels of the old one might be beyond its mark.
    const memory = { ...beginLeg(policy, position, look.wall), sent: leg.memory.sent };
    // What has not grown is rarely the same. By this host's clock, which may be off, that could not be told from the records.
    const isLarger = position.amount.abs().gt(leg.memory.amount);
    const before = leg.earlier ?? (isLarger || leg.recall.kind === "settled" ? leg.memory : null);
    const earlier = before === null ? null : { ...before, best: position.markPrice };
    const recall = { kind: "wanted", at: look.now } as const;
    return [{ ...seen, memory, earlier, lag: null, recall, told: new Set() }, words(memory, "reopened")];
  }
  // When it was opened is on record, and not when it was seen.
  const recall = isTurned ? ({ kind: "wanted", at: look.now } as const) : seen.recall;
  const told = isTurned ? new Set<string>() : seen.told;
  const earlier = isTurned ? null : leg.earlier;
  return [{ ...seen, memory: followed, earlier, lag: null, recall, told }, words(followed, change)];
}

const CHANGE_WORDS: Readonly<Record<Change, string | null>> = {
  none: null,
  reopened: "was opened again by other hands, or has grown unseen",
  turned: "was turned by other hands",
  grown: "has grown by other hands, its levels are planned anew",
  shrunk: "was reduced by other hands",
  other_rules: "is under other rules than before",
};

/** Whether what is listed may be from before the last order was executed: an order that only reduces changes neither side nor entry. */
export function isOld(leg: LegState, listed: Position, { now }: Look): boolean {
  const { lag, memory } = leg;
  if (lag === null || now >= lag.until || !isOfMemory(leg, listed)) return false;
  const amount = listed.amount.abs();
  return amount.gt(memory.amount) && amount.lte(lag.before);
}

/** Whether a listed leg is the one that is remembered, and not one that other hands have turned or grown since. */
export function isOfMemory({ memory }: LegState, listed: Position): boolean {
  return sideOf(listed) === memory.side && listed.entryPrice.eq(memory.entryPrice);
}

function stopWords({ stop }: LegMemory): string {
  return stop === null ? "" : `, stop at ${plain(stop.level)}`;
}

/** A leg after its records were read; null: they have nothing. `clockApartMs`: how far the venue's clock may be ahead of this host's. */
export function withRecords(leg: LegState, records: LegMemory | null, clockApartMs: number): LegState {
  const { earlier, memory } = leg;
  const settled: LegState = { ...leg, earlier: null, recall: SETTLED };
  if (records === null) return { ...settled, memory: earlier === null ? memory : join(memory, earlier) };
  // A leg that was opened later than what is remembered of it is another one; in doubt, that counts to the millisecond.
  const isNewer =
    earlier === null ? records.openedAt > memory.openedAt + clockApartMs : records.openedAt > earlier.openedAt;
  const isOfIt = records.side === memory.side && (earlier !== null || !isNewer);
  const known = isOfIt ? join(memory, records) : records;
  return { ...settled, memory: earlier === null || isNewer || !isOfIt ? known : join(known, earlier) };
}

/** The leg behind an order that did nothing: `refusedPauseMs`, doubled with each in a row up to eight times. */
export function paused(refusedPauseMs: number, leg: LegState, { step }: PendingExit, now: Instant): LegState {
  const whole = step === null;
  const count = (leg.pause?.whole === whole ? leg.pause.count : 0) + 1;
  const ms = refusedPauseMs * 2 ** Math.min(count - 1, 3);
  return { ...leg, pause: { until: after(now, ms), count, whole } };
}

/** What is written down of a leg. */
export function recordOf({ symbol, positionSide, memory, earlier, pending, recall }: LegState): ExitRecord {
  return { symbol, positionSide, memory, earlier, pending, recalled: recall.kind === "settled" };
}

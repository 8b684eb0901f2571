/**
 * What a policy would have done with a leg on a path of prices that is known: the very decisions of `exit-decision.ts`, carried out
 * at once and in full at the mark that caused them.
 *
 * A candle does not say which of its extremes came first. It is walked worst case first: open, the extreme on the side of loss, the
 * one on the side of profit, close. Between these the price passes every tick, so that a level is left where it is crossed; from one
 * candle to the next it jumps.
 */

import { type Decimal, decimal, plain, sum, ZERO } from "./decimal.ts";
import { due, prices, readable } from "./exit-decision.ts";
import {
  atLeastAsGood,
  beginLeg,
  follow,
  type LegMemory,
  levelOf,
  percentOf,
  type StopLevel,
  settle,
  sideOf,
  towardsProfit,
} from "./exit-memory.ts";
import type { LegPolicy } from "./exit-policy.ts";
import { legName, type Position } from "./position.ts";
import type { UnixMillis } from "./time.ts";

/** The prices of a span of time. `low` is not above the others, `high` not below. */
export interface Candle {
  readonly openedAt: UnixMillis;
  /** Its last moment. */
  readonly closedAt: UnixMillis;
  readonly open: Decimal;
  readonly high: Decimal;
  readonly low: Decimal;
  readonly close: Decimal;
}

/** One thing that was decided. */
export interface ReplayDecision {
  /** When: the moment of the candle's price that the mark was under way to. */
  readonly at: UnixMillis;
  readonly mark: Decimal;
  /** `stop_moved` closes nothing; `backstop` and `liquidation` are the venue's doing. */
  readonly kind: "step" | "all" | "backstop" | "liquidation" | "stop_moved";
  /** The ladder's step by the name of its profit; null for everything else. */
  readonly step: string | null;
  readonly reason: string;
  /** What was closed; zero where nothing was. */
  readonly quantity: Decimal;
  /** Of this quantity, in the margin asset, without fees and funding. */
  readonly pnl: Decimal;
  /** What is open after it. */
  readonly left: Decimal;
}

/** A leg on its way through the candles. */
export interface Replay {
  /** As last seen; null: it is closed. */
  readonly leg: Position | null;
  readonly memory: LegMemory;
  readonly decisions: readonly ReplayDecision[];
  /** The mark and the time that it has come to. */
  readonly mark: Decimal;
  readonly at: UnixMillis;
  /** Places behind the point of the finest price so far: a tick. */
  readonly places: number;
}

/** The leg right after it was opened, at its entry price. */
export function beginReplay(policy: LegPolicy, leg: Position, openedAt: UnixMillis): Replay {
  const memory = beginLeg(policy, leg, openedAt);
  return { leg, memory, decisions: [], mark: leg.entryPrice, at: openedAt, places: placesOf(leg.entryPrice) };
}

/** The leg after one more candle, which begins no earlier than where it is. */
export function replayCandle(policy: LegPolicy, replay: Replay, candle: Candle): Replay {
  if (replay.leg === null) return replay;
  const { openedAt, closedAt, open, high, low, close } = candle;
  const places = Math.max(replay.places, ...[open, high, low, close].map(placesOf));
  const [worse, better] = replay.memory.side === "long" ? [low, high] : [high, low];
  const third = Math.floor((closedAt - openedAt) / 3);
  let now = jump(policy, { ...replay, places }, open, openedAt);
  now = walk(policy, now, worse, (openedAt + third) as UnixMillis);
  now = walk(policy, now, better, (openedAt + 2 * third) as UnixMillis);
  return walk(policy, now, close, closedAt);
}

/** What was earned or lost by the closes so far. */
export function realized({ decisions }: Pick<Replay, "decisions">): Decimal {
  return sum(decisions.map(({ pnl }) => pnl));
}

/** What a close of this quantity at this mark earns; negative for a loss. */
export function pnlOf(leg: Position, quantity: Decimal, mark: Decimal): Decimal {
  const gain = mark.minus(leg.entryPrice).times(quantity);
  return sideOf(leg) === "long" ? gain : gain.neg();
}

/** The mark is there at once. */
function jump(policy: LegPolicy, replay: Replay, mark: Decimal, at: UnixMillis): Replay {
  return carryOut(policy, replay, mark, at, at);
}

/** The mark passes every tick on its way. The clock is judged at the end of the way: when it passed a level nobody knows. */
function walk(policy: LegPolicy, replay: Replay, to: Decimal, at: UnixMillis): Replay {
  const times = { by: replay.at, at };
  const now = breakEvenTicks(policy, replay, to).reduce((so, tick) => walkTo(policy, so, tick, times), replay);
  return carryOut(policy, walkTo(policy, now, to, times), to, at, at);
}

/**
 * The ticks before and at the break-even move, where they are on the way: the stop may go there from a trailing one and be trailing
 * again further on, which the ends of the way do not show.
 */
function breakEvenTicks({ breakEven }: LegPolicy, { mark, memory, places }: Replay, to: Decimal): readonly Decimal[] {
  const level = breakEven === null ? null : levelOf(memory, breakEven.at);
  if (level === null) return [];
  const { side } = memory;
  const tick = ONE.div(decimal("10").pow(places));
  const first = level.round(places, side === "long" ? UP : DOWN);
  const ticks = [towardsProfit(side, first, tick.neg()), first];
  return ticks.filter((on) => atLeastAsGood(side, on, mark) && atLeastAsGood(side, to, on));
}

/** When what is decided on the way is judged, and the time that is noted for it. */
interface WayTimes {
  readonly by: UnixMillis;
  readonly at: UnixMillis;
}

/** One stretch of the way. */
function walkTo(policy: LegPolicy, replay: Replay, to: Decimal, { by, at }: WayTimes): Replay {
  let now = replay;
  while (now.leg !== null && !now.mark.eq(to) && changes(policy, now, to, by)) {
    const [before, mark] = firstChange(policy, now, to, by);
    // The stop trails up to there, and what it is moved from is told.
    now = carryOut(policy, now, before, by, at);
    now = carryOut(policy, now, mark, by, at);
  }
  return now.leg === null ? now : carryOut(policy, now, to, by, at);
}

/** The first tick on the way at which something is decided, and the one before it; something is at its end. */
function firstChange(
  policy: LegPolicy,
  replay: Replay,
  to: Decimal,
  now: UnixMillis,
): readonly [before: Decimal, first: Decimal] {
  const { mark, places } = replay;
  const ticks = decimal("10").pow(places);
  // Whole ticks, exactly: no price is finer.
  let [before, after] = [ZERO, to.minus(mark).abs().times(ticks)];
  const at = (tick: Decimal): Decimal => {
    const way = tick.div(ticks);
    return to.gt(mark) ? mark.plus(way) : mark.minus(way);
  };
  while (after.minus(before).gt(ONE)) {
    const middle = after.plus(before).div(TWO).round(0, DOWN);
    if (changes(policy, replay, at(middle), now)) after = middle;
    else before = middle;
  }
  return [at(before), at(after)];
}

const [ONE, TWO, DOWN, UP] = [decimal("1"), decimal("2"), 0, 3] as const;

function changes(policy: LegPolicy, { leg, memory }: Replay, mark: Decimal, now: UnixMillis): boolean {
  if (leg === null) return false;
  const [next, closes] = look(policy, { ...leg, markPrice: mark }, memory, now);
  return closes.length > 0 || next.stop?.rule !== memory.stop?.rule;
}

type Close = Pick<ReplayDecision, "kind" | "step" | "reason" | "quantity">;

/** The memory once this mark was seen, and what is due then. The venue's own liquidation comes before any decision. */
function look(
  policy: LegPolicy,
  leg: Position,
  memory: LegMemory,
  now: UnixMillis,
): readonly [LegMemory, readonly Close[]] {
  const [next] = follow(policy, memory, leg, now);
  const { liquidationPrice, markPrice } = leg;
  const venue = (kind: "backstop" | "liquidation", level: Decimal): Close => {
    const words = kind === "backstop" ? "backstop" : "LIQUIDATED by the venue: liquidation";
    const reason = `close all of ${legName(leg)}: ${words} ${readable(level)} reached (${prices(leg)})`;
    return { kind, step: null, reason, quantity: leg.amount.abs() };
  };
  if (liquidationPrice && atLeastAsGood(memory.side, liquidationPrice, markPrice)) {
    return [next, [venue("liquidation", liquidationPrice)]];
  }
  const closes = due(policy, leg, next, null, now).map(
    ({ quantity, step, reason }): Close => ({ kind: step === null ? "all" : "step", step, reason, quantity }),
  );
  if (closes.some(({ kind }) => kind === "all") || policy.backstopPercent === null) return [next, closes];
  const backstop = towardsProfit(memory.side, leg.entryPrice, percentOf(leg.entryPrice, policy.backstopPercent).neg());
  return [next, atLeastAsGood(memory.side, backstop, markPrice) ? [venue("backstop", backstop)] : closes];
}

/** Sees the mark, and does what is due there. `now` is the time by which it is judged, `at` the one that is noted. */
function carryOut(policy: LegPolicy, replay: Replay, mark: Decimal, now: UnixMillis, at: UnixMillis): Replay {
  if (replay.leg === null) return { ...replay, mark, at };
  const seen: Position = { ...replay.leg, markPrice: mark };
  let [memory, closes] = look(policy, seen, replay.memory, now);
  const decisions = [...stopMoved(seen, replay.memory.stop, memory.stop, at)];
  let left = seen.amount.abs();
  for (const close of closes) {
    memory = settle(memory, close.step, close.quantity, true);
    if (close.quantity.lte(ZERO)) continue;
    left = left.minus(close.quantity);
    decisions.push({ ...close, at, mark, pnl: pnlOf(seen, close.quantity, mark), left });
  }
  const amount = memory.side === "long" ? left : left.neg();
  const unrealizedPnl = pnlOf(seen, left, mark);
  return {
    ...replay,
    leg: left.gt(ZERO) ? { ...seen, amount, unrealizedPnl } : null,
    memory,
    decisions: decisions.length === 0 ? replay.decisions : [...replay.decisions, ...decisions],
    mark,
    at,
  };
}

const RULES = { stop_loss: "stop loss", break_even: "break-even", trailing: "trailing stop" } as const;

/** Told when another rule holds the stop; that a trailing stop trails is its ordinary course. */
function stopMoved(
  leg: Position,
  before: StopLevel | null,
  stop: StopLevel | null,
  at: UnixMillis,
): readonly ReplayDecision[] {
  if (stop === null || stop.rule === before?.rule) return [];
  const from = before === null ? "" : ` from ${readable(before.level)}`;
  const reason = `stop of ${legName(leg)} moved${from} to ${readable(stop.level)}: ${RULES[stop.rule]} (${prices(leg)})`;
  const left = leg.amount.abs();
  return [{ at, mark: leg.markPrice, kind: "stop_moved", step: null, reason, quantity: ZERO, pnl: ZERO, left }];
}

function placesOf(price: Decimal): number {
  const [, fraction = ""] = plain(price).split(".");
  return fraction.length;
}

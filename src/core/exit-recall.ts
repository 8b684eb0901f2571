/**
 * What can be told of a leg from the venue's own records, where nothing was remembered: when it was opened, how large it has
 * been, which steps of the ladder were taken, how far the mark has come.
 */

import { type Decimal, ZERO } from "./decimal.ts";
import { beginLeg, type LegMemory, type StepProgress, watchMark } from "./exit-memory.ts";
import { EXIT_ORDER, stepTag } from "./exit-order.ts";
import { type LegPolicy, targetName } from "./exit-policy.ts";
import type { Position, PositionSide } from "./position.ts";
import type { UnixMillis } from "./time.ts";

/** One execution on a leg. */
export interface LegFill {
  readonly positionSide: PositionSide;
  readonly side: "BUY" | "SELL";
  /** Positive. */
  readonly quantity: Decimal;
  readonly price: Decimal;
  readonly orderId: string;
  readonly time: UnixMillis;
}

/** An order that was sent, open or ended. */
export interface PastOrder {
  readonly orderId: string;
  readonly clientOrderId: string;
  readonly positionSide: PositionSide;
  readonly executed: Decimal;
  readonly time: UnixMillis;
}

/** The highest and the lowest mark of a time. */
export interface MarkExtremes {
  readonly high: Decimal;
  readonly low: Decimal;
}

/** What the venue has on record of one symbol beside its fills. */
interface LegPast {
  readonly orders: readonly PastOrder[];
  /** Since a moment at or before the last fill that made the leg larger. */
  readonly extremes: MarkExtremes;
}

/** When a leg was opened and last grown, and the largest it has been since it was opened. */
export interface LegStory {
  /** The fills reach back to where the leg was flat; else the opening is earlier than `openedAt`. */
  readonly isWhole: boolean;
  readonly openedAt: UnixMillis;
  /** Orders from then on were the leg's own. */
  readonly ordersFrom: UnixMillis;
  readonly grownAt: UnixMillis;
  readonly size: Decimal;
}

/** An order is older than its fills. Ours execute at once or not at all: a minute is more than the venue may take. */
const ORDER_LEAD_MS = 60_000;

/**
 * Follows a leg's fills back from what is open now to where it was flat. Where they do not reach that far the oldest of them counts
 * as the opening; null if there is none at all.
 */
export function storyOf(leg: Position, fills: readonly LegFill[]): LegStory | null {
  let amount = leg.amount;
  let size = amount.abs();
  let isWhole = false;
  let [openedAt, grownAt]: [UnixMillis | null, UnixMillis | null] = [null, null];
  for (const fill of [...fills].reverse()) {
    if (fill.positionSide !== leg.positionSide) continue;
    if (amount.abs().gt(size)) size = amount.abs();
    const before = fill.side === "BUY" ? amount.minus(fill.quantity) : amount.plus(fill.quantity);
    openedAt = fill.time;
    if (before.abs().lt(amount.abs())) grownAt ??= fill.time;
    // At zero, or on the other side, the leg did not exist yet.
    isWhole = before.eq(ZERO) || before.gt(ZERO) !== leg.amount.gt(ZERO);
    if (isWhole) break;
    amount = before;
  }
  if (openedAt === null) return null;
  // The oldest fill may be a close of ours, and before it the leg was larger. Behind an opening nothing of that kind can lie.
  const ordersFrom = isWhole ? openedAt : ((openedAt - ORDER_LEAD_MS) as UnixMillis);
  if (!isWhole && amount.abs().gt(size)) size = amount.abs();
  return { isWhole, openedAt, ordersFrom, grownAt: grownAt ?? openedAt, size };
}

/** The memory of a leg as the venue's records give it. A step that has executed anything counts as done: it is not repeated. */
export function recallLeg(policy: LegPolicy, leg: Position, story: LegStory, past: LegPast): LegMemory {
  const fresh = beginLeg(policy, leg, story.openedAt);
  const ours = past.orders.filter(
    ({ clientOrderId, positionSide, time }) =>
      clientOrderId.startsWith(EXIT_ORDER) && positionSide === leg.positionSide && time >= story.ordersFrom,
  );
  const steps: Record<string, StepProgress> = {};
  for (const { at } of policy.ladder) {
    const name = targetName(at);
    const taken = ours.filter(({ clientOrderId }) => clientOrderId.split("-")[2] === stepTag(name));
    const executed = taken.reduce((total, order) => total.plus(order.executed), ZERO);
    if (executed.gt(ZERO)) steps[name] = { taken: executed, done: true };
  }
  const remembered: LegMemory = { ...fresh, size: story.size, steps, sent: ours.length };
  const best = fresh.side === "long" ? past.extremes.high : past.extremes.low;
  return watchMark(policy, remembered, best);
}

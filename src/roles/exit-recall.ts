import type { LegMemory } from "../core/exit-memory.ts";
import type { LegPolicy } from "../core/exit-policy.ts";
import { type LegStory, recallLeg, storyOf } from "../core/exit-recall.ts";
import type { Position } from "../core/position.ts";
import { known, type Reading } from "../core/reading.ts";
import type { UnixMillis } from "../core/time.ts";
import type { ExitVenue } from "../ports/exit-venue.ts";

const DAY_MS = 86_400_000;
/** How far back a leg's opening is looked for, each only where the one before did not reach it. Binance keeps fills for three months. */
const REACHES_MS = [DAY_MS, 7 * DAY_MS, 89 * DAY_MS];

/** What the venue's own records say of a leg; null where it has none. Unknown where any of them can't be read. */
export async function recallFromVenue(
  venue: ExitVenue,
  policy: LegPolicy,
  leg: Position,
  wall: UnixMillis,
): Promise<Reading<LegMemory | null>> {
  let story: LegStory | null = null;
  for (const reachMs of REACHES_MS) {
    const fills = await venue.fillsSince(leg.symbol, (wall - reachMs) as UnixMillis);
    if (!fills.known) return fills;
    story = storyOf(leg, fills.value);
    if (story?.isWhole === true) break;
  }
  if (story === null) return known(null);
  const [orders, extremes] = await Promise.all([
    venue.ordersSince(leg.symbol, story.openedAt),
    venue.markExtremesSince(leg.symbol, story.grownAt),
  ]);
  if (!orders.known) return orders;
  if (!extremes.known) return extremes;
  return known(recallLeg(policy, leg, story, { orders: orders.value, extremes: extremes.value }));
}

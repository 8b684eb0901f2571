import type { LegMemory } from "../core/exit-memory.ts";
import type { LegPolicy } from "../core/exit-policy.ts";
import { type LegStory, type MarkExtremes, recallLeg, storyOf } from "../core/exit-recall.ts";
import { legName, type Position } from "../core/position.ts";
import { known, type Reading, unknown } from "../core/reading.ts";
import type { UnixMillis } from "../core/time.ts";
import type { Exchange } from "../ports/exchange.ts";
import type { ExitVenue } from "../ports/exit-venue.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/**
 * How far back a leg's opening is looked for, each only where the one before did not reach it. Binance keeps fills for three
 * months, of 89 days at least; a day less, for this clock is not the venue's, and the question takes its time.
 */
const REACHES_MS = [DAY_MS, 7 * DAY_MS, 88 * DAY_MS];

/**
 * What the venue's own records say of a leg; null where it has none. Unknown where any of them can't be read, or where the leg has
 * changed meanwhile: a fill that the list of positions does not show yet makes another story of it.
 */
export async function recallFromVenue(
  venue: ExitVenue,
  exchange: Pick<Exchange, "positions">,
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
  const positions = await exchange.positions();
  if (!positions.known) return positions;
  const listed = positions.value.find((position) => legName(position) === legName(leg));
  if (listed === undefined || !listed.amount.eq(leg.amount) || !listed.entryPrice.eq(leg.entryPrice)) {
    return unknown(`${legName(leg)} has changed while its records were read`);
  }
  if (story === null) return known(null);
  const [orders, extremes] = await Promise.all([
    venue.ordersSince(leg.symbol, story.ordersFrom),
    extremesAfter(venue, leg, story.grownAt, wall),
  ]);
  if (!orders.known) return orders;
  if (!extremes.known) return extremes;
  return known(recallLeg(policy, leg, story, { orders: orders.value, extremes: extremes.value }));
}

/**
 * The marks from the next full minute on: the candle in which the leg grew knows those before it, too, and a stop that trails
 * behind one of them would be no stop of this leg.
 */
function extremesAfter(
  venue: ExitVenue,
  { markPrice, symbol }: Position,
  grownAt: UnixMillis,
  wall: UnixMillis,
): Promise<Reading<MarkExtremes>> {
  const from = (Math.ceil(grownAt / MINUTE_MS) * MINUTE_MS) as UnixMillis;
  if (from >= wall) return Promise.resolve(known({ high: markPrice, low: markPrice }));
  return venue.markExtremesSince(symbol, from);
}

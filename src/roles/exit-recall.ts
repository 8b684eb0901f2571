import type { LegMemory } from "../core/exit-memory.ts";
import type { LegPolicy } from "../core/exit-policy.ts";
import { type LegStory, type MarkExtremes, recallLeg, storyOf } from "../core/exit-recall.ts";
import { legName, type Position } from "../core/position.ts";
import { known, type Reading, unknown } from "../core/reading.ts";
import type { UnixMillis } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { Exchange } from "../ports/exchange.ts";
import type { ExitVenue } from "../ports/exit-venue.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/**
 * How far back a leg's opening is looked for, each only where the one before did not reach it. Binance keeps fills for three
 * months, of 89 days at least; a day less, for this clock is not the venue's, and the question takes its time.
 */
const REACHES_MS = [DAY_MS, 7 * DAY_MS, 28 * DAY_MS, 88 * DAY_MS];

/**
 * What recalling may use of the 2400 that an address has in a minute, beside the looks of brain and worker and a bot of the same
 * address: whoever uses up the rest is refused, and then nobody there sees or closes anything for the rest of the minute.
 */
const WEIGHT_PER_MINUTE = 400;

/** As `adapters/binance/exit-venue.ts` has them: a list of the past for each week, the candles of a mark at most, the positions. */
const WEIGHT = { week: 5, candles: 12, positions: 5 } as const;

interface RecallWorld {
  readonly clock: Clock;
  readonly exchange: Pick<Exchange, "positions">;
  readonly exits: ExitVenue;
}

/**
 * What the venue's own records say of a leg; null where they have nothing. Unknown where any of them can't be read. One leg at a time,
 * and then a pause for what that has cost: of many legs the last may have to wait for minutes.
 */
export function recaller({ clock, exchange, exits }: RecallWorld) {
  let free: Promise<unknown> = Promise.resolve();
  return (policy: LegPolicy, leg: Position): Promise<Reading<LegMemory | null>> => {
    let weight: number = WEIGHT.positions;
    const recalled = free.then(async (): Promise<Reading<LegMemory | null>> => {
      // Its fills are followed back from what is open now, not from what was before the wait.
      const listed = await exchange.positions();
      if (!listed.known) return listed;
      const current = listed.value.find((one) => legName(one) === legName(leg));
      if (current === undefined) return unknown("it is not listed just now");
      return recallFromVenue(exits, exchange, policy, current, clock.wall(), (more) => {
        weight += more;
      });
    });
    free = recalled.then(() => clock.sleep((weight / WEIGHT_PER_MINUTE) * MINUTE_MS));
    return recalled;
  };
}

/**
 * What the venue's own records say of a leg; null where it has none. Unknown where any of them can't be read, or where the leg has
 * changed meanwhile: a fill that the list of positions does not show yet makes another story of it.
 */
async function recallFromVenue(
  venue: ExitVenue,
  exchange: Pick<Exchange, "positions">,
  policy: LegPolicy,
  leg: Position,
  wall: UnixMillis,
  spend: (weight: number) => void,
): Promise<Reading<LegMemory | null>> {
  let story: LegStory | null = null;
  for (const reachMs of REACHES_MS) {
    spend(weeksOf(reachMs) * WEIGHT.week);
    const fills = await venue.fillsSince(leg.symbol, (wall - reachMs) as UnixMillis);
    if (!fills.known) return fills;
    story = storyOf(leg, fills.value);
    if (story?.isWhole === true) break;
  }
  spend(WEIGHT.positions);
  const positions = await exchange.positions();
  if (!positions.known) return positions;
  const listed = positions.value.find((position) => legName(position) === legName(leg));
  if (listed === undefined || !listed.amount.eq(leg.amount) || !listed.entryPrice.eq(leg.entryPrice)) {
    return unknown(`${legName(leg)} has changed while its records were read`);
  }
  if (story === null) return known(null);
  spend(weeksOf(wall - story.ordersFrom) * WEIGHT.week + WEIGHT.candles);
  const [orders, extremes] = await Promise.all([
    venue.ordersSince(leg.symbol, story.ordersFrom),
    extremesAfter(venue, leg, story.grownAt, wall),
  ]);
  if (!orders.known) return orders;
  if (!extremes.known) return extremes;
  return known(recallLeg(policy, leg, story, { orders: orders.value, extremes: extremes.value }));
}

function weeksOf(ms: number): number {
  return Math.max(1, Math.ceil(ms / (7 * DAY_MS)));
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

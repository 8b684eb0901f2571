/** A venue on a bad day, as an `Exchange`: what it refuses, delays, fills in part, or shows as it was. */

import { decimal } from "../../core/decimal.ts";
import type { CloseOutcome, RefusalCause } from "../../core/position.ts";
import { type Reading, unknown } from "../../core/reading.ts";
import { after, type Instant, type UnixMillis } from "../../core/time.ts";
import type { Exchange } from "../../ports/exchange.ts";
import type { ExitVenue } from "../../ports/exit-venue.ts";
import type { VirtualClock } from "../clock.ts";
import { simulatedExchange } from "../exchange.ts";
import { simulatedExits } from "../exits.ts";
import type { Venue } from "../venue.ts";
import type { VenueView } from "../venue-view.ts";
import { type Draw, pick, span } from "./draw.ts";
import type { Life } from "./host.ts";

/** What the venue does to what it is asked. Probabilities are from 0 to 1. */
export interface VenueWeather {
  /** A list is not to be had: 5xx, a timeout inside. */
  readonly unread: number;
  /** An order or a cancel is refused, for one cause or another. */
  readonly refuse: number;
  /** An order is answered with 503, and executed all the same: now, or seconds later. */
  readonly late: number;
  /** A part of an order finds no counterparty. */
  readonly partial: number;
  /** Lists show what was up to so long ago, each another moment; 0: what is. */
  readonly staleMs: number;
  /** Until then every call is answered 418. */
  readonly bannedUntil: Instant;
}

/** Nothing goes wrong. */
export const CLEAR: VenueWeather = {
  unread: 0,
  refuse: 0,
  late: 0,
  partial: 0,
  staleMs: 0,
  bannedUntil: 0 as Instant,
};

const REFUSALS: readonly (readonly [cause: RefusalCause, code: number])[] = [
  ["order_limit", -1015],
  ["price_band", -4131],
  ["blocked", -2022],
  ["other", -2019],
  ["other", -1001],
];
const FRACTIONS = ["0", "0.1", "0.25", "0.5", "0.75", "0.9"] as const;
/** An order whose fate the venue did not know may still come through for so long. */
const LATE_MS = [1, 8_000] as const;

/** Everything of the venue that one account's client needs. */
export interface VenueSide {
  readonly venue: Venue;
  readonly apiKey: string;
  readonly time: VirtualClock;
  readonly weather: () => VenueWeather;
  readonly draw: Draw;
  /** When an order whose fate is not known comes through after all, from and to; `LATE_MS` if not given. */
  readonly lateMs?: readonly [number, number];
}

/**
 * What the brain sends is refused once it is older than its receive window of 5 s (binance.md 2.5): so much of that is left
 * behind the slowest way to the venue.
 */
export const LATE_IN_WINDOW_MS = [1, 3_200] as const;

/** The account as a client in that process sees it; bans are remembered by the process, as the adapter does. */
export function exchangeIn(side: VenueSide, life: Life): Exchange {
  const { venue, apiKey, time, weather, draw, lateMs = LATE_MS } = side;
  const calm = simulatedExchange(venue, apiKey, {
    seen: () => seenIn(side),
    filled: () => (draw() < weather().partial ? decimal(pick(draw, FRACTIONS)) : null),
  });
  let silentUntil: Instant | null = null;
  const banned = (): boolean => {
    const leftMs = weather().bannedUntil - time.now();
    if (leftMs <= 0) return false;
    silentUntil = after(life.now(), leftMs);
    return true;
  };
  const list = async <T>(read: () => Promise<Reading<T>>): Promise<Reading<T>> => {
    if (banned()) return unknown("418 -1003: banned");
    return draw() < weather().unread ? unknown("500 -1000: internal error") : await read();
  };
  return {
    ...calm,
    positions: () => list(calm.positions),
    restingOrders: () => list(calm.restingOrders),
    positionMode: () => list(calm.positionMode),
    rulebook: () => list(calm.rulebook),
    lookUp: async (order) => {
      const answer = await list(async () => ({ known: true as const, value: await calm.lookUp(order) }));
      return answer.known ? answer.value : { kind: "unknown", why: answer.why };
    },
    cancel: async (request) => {
      if (banned()) return { kind: "failed", why: "418 -1003: banned" };
      return draw() < weather().refuse ? { kind: "failed", why: "400 -1000: refused" } : await calm.cancel(request);
    },
    close: async (order): Promise<CloseOutcome> => {
      if (banned()) return { kind: "refused", cause: "address_limit", code: -1003, why: "418 -1003: banned" };
      if (draw() < weather().refuse) {
        const [cause, code] = pick(draw, REFUSALS);
        return { kind: "refused", cause, code, why: `refused: ${code}` };
      }
      if (draw() >= weather().late) return await calm.close(order);
      time.at(after(time.now(), span(draw, ...lateMs)), () => void calm.close(order));
      return { kind: "unknown", why: "503: execution status unknown" };
    },
    silentUntil: () => (silentUntil !== null && silentUntil > life.now() ? silentUntil : null),
  };
}

/** The same for what an exit policy asks and places besides. */
export function exitsIn(side: VenueSide): ExitVenue {
  const { venue, apiKey, time, weather, draw, lateMs = LATE_MS } = side;
  const calm = simulatedExits(venue, apiKey, () => seenIn(side));
  const read = async <T>(answer: () => Promise<Reading<T>>): Promise<Reading<T>> => {
    if (weather().bannedUntil > time.now()) return unknown("418 -1003: banned");
    return draw() < weather().unread ? unknown("500 -1000: internal error") : await answer();
  };
  return {
    equity: () => read(calm.equity),
    transfersSince: (since) => read(() => calm.transfersSince(since)),
    protectiveStops: () => read(calm.protectiveStops),
    fillsSince: (symbol, since) => read(() => calm.fillsSince(symbol, since)),
    ordersSince: (symbol, since) => read(() => calm.ordersSince(symbol, since)),
    markExtremesSince: (symbol, since) => read(() => calm.markExtremesSince(symbol, since)),
    protect: async (stop) => {
      if (weather().bannedUntil > time.now()) return { kind: "refused", cause: "other", why: "418 -1003: banned" };
      if (draw() < weather().refuse) return { kind: "refused", cause: "other", why: "refused: -1001" };
      if (draw() >= weather().late) return await calm.protect(stop);
      time.at(after(time.now(), span(draw, ...lateMs)), () => void calm.protect(stop));
      return { kind: "unknown", why: "503: execution status unknown" };
    },
  };
}

/** What a list shows that is asked for now. */
function seenIn({ venue, apiKey, weather, draw }: VenueSide): VenueView {
  const { staleMs } = weather();
  return staleMs === 0 ? venue : venue.asOf(apiKey, (venue.now() - Math.round(staleMs * draw())) as UnixMillis);
}

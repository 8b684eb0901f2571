/** What time it is at the venue, kept as an offset to the local monotonic clock: a jump of the wall clock changes nothing. */

import type { Instant, UnixMillis } from "../../core/time.ts";

/** One answer to "what time is it?". */
export interface TimeSample {
  readonly sentAt: Instant;
  readonly receivedAt: Instant;
  readonly serverTime: UnixMillis;
}

/**
 * How long an offset is good for. Two quartz clocks part by less than 0.1 ms a second, so 30 s cost 3 ms; what it has to
 * bound is a suspended host, whose monotonic clock stands still.
 */
const OFFSET_MS_MAX_AGE = 30_000;

/**
 * How far a timestamp is held back. The venue takes a stamp 5000 ms old (`recvWindow`) but refuses one 1000 ms ahead
 * whatever the window (binance.md 2.5), so an error to the past is the cheap one.
 */
const HOLD_BACK_MS = 50;

/** The venue's clock as far as it is known. */
export interface ServerTime {
  /** Takes the best, which is the fastest, of samples made just now; earlier ones no longer count. No samples change nothing. */
  learn(samples: readonly TimeSample[]): void;
  /** A timestamp for a request sent at `now`: never ahead of the venue. `null` while nothing has been learned. */
  timestamp(now: Instant): UnixMillis | null;
  /** Whether to ask again in a quiet moment. */
  isStale(now: Instant): boolean;
}

/** A clock that knows nothing yet. */
export function serverTime(): ServerTime {
  let best: { readonly offsetMs: number; readonly learnedAt: Instant } | null = null;

  return {
    learn(samples) {
      const [fastest] = samples.toSorted((a, b) => roundTripMs(a) - roundTripMs(b));
      if (fastest === undefined) return;
      // The venue read its clock somewhere between the two instants: the middle is off by half the round trip at most,
      // and taking that half off again leaves a stamp that cannot be ahead.
      const middle = (fastest.sentAt + fastest.receivedAt) / 2;
      best = {
        offsetMs: fastest.serverTime - middle - roundTripMs(fastest) / 2,
        learnedAt: fastest.receivedAt,
      };
    },
    timestamp(now) {
      return best === null ? null : (Math.floor(now + best.offsetMs - HOLD_BACK_MS) as UnixMillis);
    },
    isStale(now) {
      return best === null || now - best.learnedAt > OFFSET_MS_MAX_AGE;
    },
  };
}

function roundTripMs(sample: TimeSample): number {
  return sample.receivedAt - sample.sentAt;
}

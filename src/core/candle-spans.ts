/** Which candles together cover the time since a moment, and nothing that was before its minute. */

import type { Decimal } from "./decimal.ts";
import type { MarkExtremes } from "./exit-recall.ts";
import type { UnixMillis } from "./time.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MINUTE_MS = 60_000;

/** A run of candles of one length: those that open from `from` to `to`; null: up to now. */
export interface CandleSpan {
  readonly interval: "1m" | "1h" | "1d";
  readonly from: UnixMillis;
  readonly to: UnixMillis | null;
}

/**
 * Minutes up to the next full hour, hours up to the next full day (UTC), days from there: exact to the minute, and few candles
 * however long it is ago.
 */
export function candleSpans(since: UnixMillis, now: UnixMillis): readonly CandleSpan[] {
  const minute = since - (since % MINUTE_MS);
  const hour = Math.ceil(minute / HOUR_MS) * HOUR_MS;
  const day = Math.ceil(hour / DAY_MS) * DAY_MS;
  const runs = [
    { interval: "1m", from: minute, end: hour },
    { interval: "1h", from: hour, end: day },
    { interval: "1d", from: day, end: Number.POSITIVE_INFINITY },
  ] as const;
  return runs
    .filter(({ from, end }) => from < end)
    .filter(({ from }, index) => index === 0 || from <= now)
    .map(({ interval, from, end }) => {
      const to = end > now ? null : ((end - 1) as UnixMillis);
      return { interval, from: from as UnixMillis, to };
    });
}

/**
 * The highest and the lowest of the candles that were found for the spans. Null where a span that is over has none: its candles
 * are not all there. The last one may have none yet, for its first candle may have begun just now.
 */
export function extremesOf(found: readonly (readonly Range[])[]): MarkExtremes | null {
  if (found.slice(0, -1).some((span) => span.length === 0)) return null;
  const [first, ...rest] = found.flat();
  if (first === undefined) return null;
  let { high, low } = first;
  for (const candle of rest) {
    if (candle.high.gt(high)) high = candle.high;
    if (candle.low.lt(low)) low = candle.low;
  }
  return { high, low };
}

/** What matters of a candle here. */
interface Range {
  readonly high: Decimal;
  readonly low: Decimal;
}

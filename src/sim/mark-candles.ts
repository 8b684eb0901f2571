/** One contract's marks as candles, as far back as they are kept; the venue's `markPriceKlines`. */

import type { Decimal } from "../core/decimal.ts";
import type { UnixMillis } from "../core/time.ts";

/** How long a candle is. Binance has more; these are the ones that are kept here. */
export const CANDLE_MS = { "1m": 60_000, "1h": 3_600_000, "1d": 86_400_000 } as const;

/** The name of a candle's length. */
export type CandleInterval = keyof typeof CANDLE_MS;

/** The marks of one stretch of time. */
export interface Candle {
  readonly openTime: UnixMillis;
  readonly open: Decimal;
  readonly high: Decimal;
  readonly low: Decimal;
  readonly close: Decimal;
}

/** Candles in which the mark moved that are kept per interval: beyond it the oldest are forgotten. */
const KEPT_MAX = 1_500;

const INTERVALS = Object.keys(CANDLE_MS) as CandleInterval[];

/** What is kept of one interval: the candles in which the mark moved; those between are flat. */
interface Kept {
  readonly moved: Candle[];
  /** Where the record begins, once something was forgotten; before that the mark has always been where it began. */
  forgottenUntil: UnixMillis | null;
}

/** The candles of one contract. A scene has no past: before its first move the mark has always been where it began. */
export class MarkCandles {
  readonly #first: Decimal;
  readonly #kept: Readonly<Record<CandleInterval, Kept>>;

  constructor(first: Decimal) {
    this.#first = first;
    const nothing = (): Kept => ({ moved: [], forgottenUntil: null });
    this.#kept = { "1m": nothing(), "1h": nothing(), "1d": nothing() };
  }

  /** The mark moves, now. Times must not go back. */
  move(price: Decimal, at: UnixMillis): void {
    for (const interval of INTERVALS) {
      const kept = this.#kept[interval];
      const openTime = startOf(interval, at);
      const last = kept.moved.at(-1);
      if (last !== undefined && last.openTime >= openTime) {
        kept.moved[kept.moved.length - 1] = withMark(last, price);
        continue;
      }
      const open = last?.close ?? this.#first;
      kept.moved.push(withMark({ openTime, open, high: open, low: open, close: open }, price));
      if (kept.moved.length <= KEPT_MAX) continue;
      kept.moved.shift();
      kept.forgottenUntil = kept.moved[0]?.openTime ?? null;
    }
  }

  /** The candles that open from `from` to `to`, oldest first, `limit` at most; none from a time that is forgotten. */
  between(interval: CandleInterval, from: UnixMillis, to: UnixMillis, limit: number): readonly Candle[] {
    const { moved, forgottenUntil } = this.#kept[interval];
    const lengthMs = CANDLE_MS[interval];
    const begin = Math.max(Math.ceil(from / lengthMs) * lengthMs, forgottenUntil ?? 0);
    const candles: Candle[] = [];
    let next = moved.findIndex(({ openTime }) => openTime >= begin);
    if (next < 0) next = moved.length;
    let close = moved[next - 1]?.close ?? moved[next]?.open ?? this.#first;
    for (let openTime = begin; openTime <= to && candles.length < limit; openTime += lengthMs) {
      const candle = moved[next];
      if (candle?.openTime === openTime) {
        candles.push(candle);
        close = candle.close;
        next += 1;
      } else {
        candles.push({ openTime: openTime as UnixMillis, open: close, high: close, low: close, close });
      }
    }
    return candles;
  }
}

/** When the candle opens that this moment is in. */
function startOf(interval: CandleInterval, at: UnixMillis): UnixMillis {
  return (at - (at % CANDLE_MS[interval])) as UnixMillis;
}

function withMark(candle: Candle, price: Decimal): Candle {
  return {
    ...candle,
    high: price.gt(candle.high) ? price : candle.high,
    low: price.lt(candle.low) ? price : candle.low,
    close: price,
  };
}

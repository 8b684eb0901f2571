import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decimal, plain } from "../../src/core/decimal.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { CANDLE_MS, type Candle, type CandleInterval, MarkCandles } from "../../src/sim/mark-candles.ts";
import { NOW } from "./scene.ts";

const MINUTE_MS = 60_000;
const at = (ms: number): UnixMillis => (NOW + ms) as UnixMillis;

/** `minutes-after-NOW open high low close` of each candle. */
const words = (candles: readonly Candle[]): readonly string[] =>
  candles.map(({ openTime, open, high, low, close }) =>
    [(openTime - NOW) / MINUTE_MS, ...[open, high, low, close].map(plain)].join(" "),
  );

describe("MarkCandles", () => {
  test("a candle holds every mark from its opening on, the one that it began with too", () => {
    const candles = new MarkCandles(decimal("100"));
    candles.move(decimal("90"), at(10));
    candles.move(decimal("110"), at(20));
    candles.move(decimal("105"), at(59_999));
    candles.move(decimal("120"), at(60_000));
    expect(words(candles.between("1m", at(0), at(60_000), 10))).toEqual(["0 100 110 90 105", "1 105 120 105 120"]);
  });

  test("where the mark does not move the candles are flat, before the first move too", () => {
    const candles = new MarkCandles(decimal("100"));
    candles.move(decimal("90"), at(0));
    candles.move(decimal("95"), at(3 * MINUTE_MS));
    const flat = (minute: number, price: string) => `${minute} ${price} ${price} ${price} ${price}`;
    expect(words(candles.between("1m", at(-MINUTE_MS), at(4 * MINUTE_MS), 10))).toEqual([
      flat(-1, "100"),
      "0 100 100 90 90",
      flat(1, "90"),
      flat(2, "90"),
      "3 90 95 90 95",
      flat(4, "95"),
    ]);
    expect(candles.between("1m", at(0), at(4 * MINUTE_MS), 2)).toHaveLength(2);
  });

  test("what is forgotten is not made up", () => {
    const candles = new MarkCandles(decimal("100"));
    for (let minute = 0; minute < 1_600; minute += 1) candles.move(decimal(`${200 + minute}`), at(minute * MINUTE_MS));
    const found = candles.between("1m", at(0), at(1_600 * MINUTE_MS), 5_000);
    expect(words(found.slice(0, 1))).toEqual(["100 299 300 299 300"]);
    expect(found).toHaveLength(1_501);
  });

  const moves = fc.array(fc.record({ passes: fc.nat(20 * 3_600_000), mark: fc.integer({ min: 1, max: 1_000 }) }), {
    minLength: 1,
    maxLength: 60,
  });

  test.each(["1m", "1h", "1d"] as const)("%s candles are what a list of all marks would give", (interval) => {
    fc.assert(
      fc.property(moves, (sequence) => {
        const candles = new MarkCandles(decimal("500"));
        const marks: { readonly at: number; readonly mark: number }[] = [{ at: Number.NEGATIVE_INFINITY, mark: 500 }];
        let now: number = NOW;
        for (const { passes, mark } of sequence) {
          now += passes;
          candles.move(decimal(`${mark}`), now as UnixMillis);
          marks.push({ at: now, mark });
        }
        const from = NOW - (NOW % CANDLE_MS[interval]);
        const found = candles.between(interval, from as UnixMillis, now as UnixMillis, 1_000_000);
        // Of the minutes only those in which something happens, and those beside them: there are many.
        const looked = found.filter(({ openTime }, index) => interval !== "1m" || index % 97 === 0 || moved(openTime));
        function moved(openTime: number): boolean {
          return marks.some((known) => known.at >= openTime && known.at < openTime + CANDLE_MS["1m"]);
        }
        for (const candle of looked) expect(words([candle])).toEqual([expected(candle.openTime, interval, marks)]);
      }),
      { numRuns: 30 },
    );
  });
});

function expected(
  openTime: UnixMillis,
  interval: CandleInterval,
  marks: readonly { readonly at: number; readonly mark: number }[],
): string {
  const open = marks.findLast((known) => known.at < openTime)?.mark ?? 500;
  const inside = marks.filter((known) => known.at >= openTime && known.at < openTime + CANDLE_MS[interval]);
  const all = [open, ...inside.map(({ mark }) => mark)];
  return [(openTime - NOW) / MINUTE_MS, open, Math.max(...all), Math.min(...all), all.at(-1)].join(" ");
}

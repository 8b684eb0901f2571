import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { candleSpans, extremesOf } from "../../src/core/candle-spans.ts";
import { decimal, plain } from "../../src/core/decimal.ts";
import type { UnixMillis } from "../../src/core/time.ts";

const LENGTH_MS = { "1m": 60_000, "1h": 3_600_000, "1d": 86_400_000 } as const;
const time = (text: string): UnixMillis => Date.parse(`${text}Z`) as UnixMillis;

/** `interval from to` of each span. */
const words = (since: string, now: string): readonly string[] =>
  candleSpans(time(since), time(now)).map(({ interval, from, to }) => {
    const shown = (at: number) => new Date(at).toISOString().slice(0, 16);
    return [interval, shown(from), to === null ? "now" : shown(to)].join(" ");
  });

describe("candleSpans()", () => {
  test.each([
    ["within the hour, minutes", "2026-11-12T10:30:20", "2026-11-12T10:45:00", ["1m 2026-11-12T10:30 now"]],
    ["at this very moment, one minute", "2026-11-12T10:30:20", "2026-11-12T10:30:20", ["1m 2026-11-12T10:30 now"]],
    [
      "within the day, minutes up to the hour and hours from there",
      "2026-11-12T10:30:20",
      "2026-11-12T13:00:00",
      ["1m 2026-11-12T10:30 2026-11-12T10:59", "1h 2026-11-12T11:00 now"],
    ],
    [
      "longer ago, days from the next midnight on",
      "2026-11-10T10:30:20",
      "2026-11-12T13:00:00",
      ["1m 2026-11-10T10:30 2026-11-10T10:59", "1h 2026-11-10T11:00 2026-11-10T23:59", "1d 2026-11-11T00:00 now"],
    ],
    [
      "in the last hour of a day, no hours",
      "2026-11-10T23:30:20",
      "2026-11-12T13:00:00",
      ["1m 2026-11-10T23:30 2026-11-10T23:59", "1d 2026-11-11T00:00 now"],
    ],
    ["from a full hour, no minutes", "2026-11-12T10:00:00", "2026-11-12T13:00:00", ["1h 2026-11-12T10:00 now"]],
    ["from midnight, days alone", "2026-11-11T00:00:00", "2026-11-12T13:00:00", ["1d 2026-11-11T00:00 now"]],
    [
      "up to a full hour, that hour's candle",
      "2026-11-12T10:30:00",
      "2026-11-12T11:00:00",
      ["1m 2026-11-12T10:30 2026-11-12T10:59", "1h 2026-11-12T11:00 now"],
    ],
    ["ahead of now, by a clock that is", "2026-11-12T10:00:00", "2026-11-12T09:59:59", ["1h 2026-11-12T10:00 now"]],
  ] as const)("%s", (_fact, since, now, spans) => expect(words(since, now)).toEqual([...spans]));

  test("together they cover every moment from that minute on, once, and none before it", () => {
    const moments = fc.integer({ min: time("2026-01-01T00:00"), max: time("2026-12-31T00:00") });
    fc.assert(
      fc.property(moments, fc.nat(100 * 86_400_000), (since, passes) => {
        const now = (since + passes) as UnixMillis;
        const spans = candleSpans(since as UnixMillis, now);
        expect(spans[0]?.from).toBe((since - (since % 60_000)) as UnixMillis);
        for (const [index, { interval, from, to }] of spans.entries()) {
          expect(from % LENGTH_MS[interval]).toBe(0);
          const next = spans[index + 1];
          expect(to).toBe(next === undefined ? null : ((next.from - 1) as UnixMillis));
          // Few candles, so one answer holds them.
          expect(((to ?? now) - from) / LENGTH_MS[interval]).toBeLessThan(101);
        }
      }),
    );
  });
});

describe("extremesOf()", () => {
  const candle = (low: string, high: string) => ({ low: decimal(low), high: decimal(high) });
  const found = (...spans: Parameters<typeof extremesOf>[0]) => {
    const extremes = extremesOf(spans);
    return extremes && [plain(extremes.low), plain(extremes.high)];
  };

  test("are the lowest and the highest of all spans", () => {
    expect(found([candle("5", "6"), candle("4", "5")], [candle("7", "9")], [candle("6", "8")])).toEqual(["4", "9"]);
  });

  test("are not known where a span that is over has no candle", () => {
    expect(found([], [candle("7", "9")])).toBeNull();
    expect(found([candle("5", "6")], [], [candle("7", "9")])).toBeNull();
    expect(found([])).toBeNull();
    expect(found()).toBeNull();
  });

  test("are known where the last span has not begun", () => {
    expect(found([candle("5", "6")], [])).toEqual(["5", "6"]);
  });
});

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { serverTime, type TimeSample } from "../../../src/adapters/binance/server-time.ts";
import type { Instant, UnixMillis } from "../../../src/core/time.ts";

const at = (ms: number): Instant => ms as Instant;
const sample = (sentAt: number, receivedAt: number, serverMs: number): TimeSample => ({
  sentAt: at(sentAt),
  receivedAt: at(receivedAt),
  serverTime: serverMs as UnixMillis,
});

describe("serverTime()", () => {
  test("knows nothing before the first sample", () => {
    const time = serverTime();
    expect(time.timestamp(at(0))).toBeNull();
    expect(time.isStale(at(0))).toBe(true);
    time.learn([]);
    expect(time.timestamp(at(0))).toBeNull();
  });

  test("corrects for half the round trip and holds back the other half and 50 ms", () => {
    const time = serverTime();
    // Asked at 1000, answered at 1100: at 1050 the venue's clock read 5_000_000.
    time.learn([sample(1_000, 1_100, 5_000_000)]);
    expect(Number(time.timestamp(at(2_050)))).toBe(5_001_000 - 50 - 50);
  });

  test("believes the fastest of several samples", () => {
    const time = serverTime();
    time.learn([sample(0, 900, 10_000), sample(0, 10, 10_005), sample(0, 400, 10_300)]);
    expect(Number(time.timestamp(at(10)))).toBe(10_005 + 5 - 5 - 50);
  });

  test("believes a new look more than an old one, however slow", () => {
    const time = serverTime();
    time.learn([sample(0, 2, 10_000)]);
    time.learn([sample(1_000, 1_200, 99_000)]);
    expect(Number(time.timestamp(at(1_200)))).toBe(99_000 + 100 - 100 - 50);
  });

  test("is stale 30 s after it was learned", () => {
    const time = serverTime();
    time.learn([sample(0, 10, 10_000)]);
    expect([time.isStale(at(30_010)), time.isStale(at(30_011))]).toEqual([false, true]);
  });

  test("a timestamp is never ahead of the venue and never older than the round trip and 51 ms", () => {
    const ms = fc.integer({ min: 0, max: 5_000 });
    fc.assert(
      fc.property(ms, ms, ms, (thereMs, backMs, laterMs) => {
        // The venue's clock is the local one plus a million, read after the way there.
        const time = serverTime();
        time.learn([sample(0, thereMs + backMs, 1_000_000 + thereMs)]);
        const now = thereMs + backMs + laterMs;
        const behindMs = 1_000_000 + now - Number(time.timestamp(at(now)));
        expect(behindMs).toBeGreaterThanOrEqual(0);
        expect(behindMs).toBeLessThanOrEqual(thereMs + backMs + 51);
      }),
    );
  });
});

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { EffectKind, FaultRequest } from "../../src/sim/fault-effects.ts";
import { faultsFromSeed } from "../../src/sim/fault-seed.ts";
import { splitmix32 } from "../../src/sim/splitmix.ts";

const order: FaultRequest = {
  method: "POST",
  path: "/fapi/v1/order",
  symbol: "BTCUSDT",
  apiKey: "one-way",
  ip: "127.0.0.1",
};
const read: FaultRequest = { ...order, method: "GET", path: "/fapi/v3/positionRisk", symbol: null };

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const requests = fc.array(fc.constantFrom(order, read), { minLength: 1, maxLength: 200 });

describe("splitmix32", () => {
  test("gives the numbers it has always given", () => {
    const draw = splitmix32(7);
    const numbers = [draw(), draw(), draw()].map((value) => Math.floor(value * 2 ** 32));
    expect(numbers).toEqual([3838393609, 4210744933, 801465066]);
  });

  test("gives numbers from 0 to 1, evenly", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const draw = splitmix32(seed);
        const numbers = Array.from({ length: 1000 }, draw);
        for (const value of numbers) expect(value >= 0 && value < 1).toBe(true);
        const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
        expect(Math.abs(mean - 0.5)).toBeLessThan(0.06);
      }),
    );
  });
});

describe("a seed", () => {
  test("draws the same effects for the same requests", () => {
    fc.assert(
      fc.property(seeds, requests, (seed, sequence) => {
        const [one, other] = [faultsFromSeed(seed), faultsFromSeed(seed)];
        for (const request of sequence) expect(one.next(request)).toEqual(other.next(request));
      }),
    );
  });

  test("decides each request's fate by its place, not by what the others asked for", () => {
    fc.assert(
      fc.property(seeds, requests, requests, (seed, some, others) => {
        const [one, other] = [faultsFromSeed(seed, 1), faultsFromSeed(seed, 1)];
        const length = Math.min(some.length, others.length);
        for (const request of some.slice(0, length)) one.next(request);
        for (const request of others.slice(0, length)) other.next(request);
        expect(one.next(order)).toEqual(other.next(order));
      }),
    );
  });

  test("switches some kinds off, others on, and the odds add up to the intensity", () => {
    fc.assert(
      fc.property(seeds, fc.double({ min: 0.01, max: 1, noNaN: true }), (seed, intensity) => {
        const { odds } = faultsFromSeed(seed, intensity);
        expect(odds.size).toBeGreaterThanOrEqual(1);
        const sum = [...odds.values()].reduce((before, probability) => before + probability, 0);
        expect(sum).toBeCloseTo(intensity, 8);
      }),
    );
  });

  test("draws no kind that it has switched off", () => {
    fc.assert(
      fc.property(seeds, requests, (seed, sequence) => {
        const stream = faultsFromSeed(seed, 1);
        for (const request of sequence) {
          const effect = stream.next(request);
          if (effect !== null) expect(stream.odds.has(effect.kind)).toBe(true);
        }
      }),
    );
  });

  test("of a hundred, every kind is drawn by some and switched off by some", () => {
    const drawn = new Set<EffectKind>();
    const off = new Set<EffectKind>();
    const all = new Set(Array.from({ length: 100 }, (_, seed) => [...faultsFromSeed(seed).odds.keys()]).flat());
    for (let seed = 0; seed < 100; seed += 1) {
      const stream = faultsFromSeed(seed, 1);
      for (let count = 0; count < 200; count += 1) {
        const effect = stream.next(count % 2 === 0 ? order : read);
        if (effect !== null) drawn.add(effect.kind);
      }
      for (const kind of all) if (!stream.odds.has(kind)) off.add(kind);
    }
    expect(drawn.size).toBe(14);
    expect([...off].sort()).toEqual([...drawn].sort());
  });

  test.each([
    [0, 0],
    [-1, 0],
    [1, 1000],
    [7, 1000],
  ])("with the intensity %d strikes about %d of a thousand orders and reads", (intensity, about) => {
    const struck = Array.from({ length: 20 }, (_, seed) => {
      const stream = faultsFromSeed(seed, intensity);
      return Array.from({ length: 1000 }, (__, count) => stream.next(count % 2 === 0 ? order : read)).filter(
        (effect) => effect !== null,
      ).length;
    });
    const mean = struck.reduce((sum, count) => sum + count, 0) / struck.length;
    // Some kinds fit only orders, others only reads, and pass where they do not fit.
    expect(mean).toBeLessThanOrEqual(about);
    expect(mean).toBeGreaterThanOrEqual(about * 0.6);
  });

  test("begins what lasts so seldom that most of a run is not about it", () => {
    for (let seed = 0; seed < 100; seed += 1) {
      const { odds } = faultsFromSeed(seed, 1);
      const lasting = (["ban", "throttle", "order_limit"] as const).map((kind) => odds.get(kind) ?? 0);
      expect(lasting.reduce((sum, probability) => sum + probability, 0)).toBeLessThan(0.7);
    }
  });

  test("gives no garbage that could be read as an empty list", () => {
    for (let seed = 0; seed < 200; seed += 1) {
      const stream = faultsFromSeed(seed, 1);
      for (let count = 0; count < 50; count += 1) {
        const effect = stream.next(read);
        if (effect?.kind === "garbage") expect(effect.body).not.toBe("[]");
      }
    }
  });
});

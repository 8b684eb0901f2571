import { expect, test } from "bun:test";
import fc from "fast-check";
import type { UnixMillis } from "../../src/core/time.ts";
import { WATCHDOG_LIMITS } from "../../src/core/watchdog-state.ts";
import { UNSUPERVISED } from "../../src/ports/service.ts";
import { runWatchdog } from "../../src/roles/watchdog.ts";
import { SimulatedBus } from "../../src/sim/bus.ts";
import { VirtualClock } from "../../src/sim/clock.ts";
import { aBeat, at } from "../support/core.ts";

const STARTS_AT = 1_795_000_000_000 as UnixMillis;

test("time moves for a timer that is set again for the moment that has come", async () => {
  const clock = new VirtualClock(STARTS_AT);
  const fired: number[] = [];
  const again = (): void => {
    fired.push(clock.now());
    if (fired.length < 3) clock.at(at(100), again);
  };
  clock.at(at(100), again);
  await clock.runUntil(() => fired.length === 3, 1_000);
  expect(fired[0]).toBe(100);
  expect(fired[1]).toBeGreaterThan(100);
  expect(fired[2]).toBeGreaterThan(fired[1] ?? 0);
  expect(fired[2]).toBeLessThan(100.01);
});

test("timers fire by their time, those of the same time as they were set, cancelled ones never", () => {
  const row = fc.record({ at: fc.integer({ min: 1, max: 20 }), cancelled: fc.boolean() });
  return fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 60 }), async (rows) => {
      const clock = new VirtualClock(STARTS_AT);
      const fired: number[] = [];
      const cancels = rows.map(({ at: ms }, i) => clock.at(at(ms), () => fired.push(i)));
      rows.forEach(({ cancelled }, i) => {
        if (cancelled) cancels[i]?.();
      });
      await clock.runUntil(() => false, 100);
      const live = [...rows.keys()].filter((i) => rows[i]?.cancelled === false);
      expect(fired).toEqual(live.sort((i, j) => (rows[i]?.at ?? 0) - (rows[j]?.at ?? 0) || i - j));
    }),
  );
});

test("a timer that another one cancels at the same time does not fire", async () => {
  const clock = new VirtualClock(STARTS_AT);
  const fired: string[] = [];
  clock.at(at(5), () => {
    fired.push("first");
    cancel();
  });
  const cancel = clock.at(at(5), () => fired.push("second"));
  await clock.runUntil(() => false, 10);
  expect(fired).toEqual(["first"]);
});

test("what lies behind the end of a run is left for the next", async () => {
  const clock = new VirtualClock(STARTS_AT);
  const fired: number[] = [];
  for (const ms of [10, 30, 20]) clock.at(at(ms), () => fired.push(clock.now()));
  await clock.runUntil(() => false, 20);
  expect({ now: clock.now(), fired: [...fired] }).toEqual({ now: at(20), fired: [10, 20] });
  await clock.runUntil(() => false, 20);
  expect({ now: clock.now(), fired }).toEqual({ now: at(40), fired: [10, 20, 30] });
});

test("time stands still until all that needs no waiting has run, however much it sets off", async () => {
  const clock = new VirtualClock(STARTS_AT);
  const seen: number[] = [];
  const workThrough = async (steps: number): Promise<void> => {
    for (let step = 0; step < steps; step++) await Promise.resolve();
    await Promise.all([1, 2].map(async () => await Promise.resolve()));
    seen.push(clock.now());
  };
  clock.at(at(1), () => void workThrough(2_000));
  clock.at(at(1), () => void workThrough(3));
  clock.at(at(2), () => void workThrough(500));
  clock.at(at(3), () => seen.push(clock.now()));
  await clock.runUntil(() => false, 10);
  expect(seen).toEqual([1, 1, 2, 3]);
});

test("what a timer throws ends the run", async () => {
  const clock = new VirtualClock(STARTS_AT);
  clock.at(at(1), () => {
    throw new Error("a defect");
  });
  expect(clock.runUntil(() => false, 10)).rejects.toThrow("a defect");
});

test("a sleep ends with its time or with its signal, whichever comes first", async () => {
  const clock = new VirtualClock(STARTS_AT);
  const [stop, other] = [new AbortController(), new AbortController()];
  const woken: string[] = [];
  const sleep = (name: string, ms: number, signal: AbortSignal): void =>
    void clock.sleep(ms, signal).then(() => woken.push(`${name} at ${clock.now()}`));
  sleep("short", 10, stop.signal);
  sleep("long", 100, stop.signal);
  sleep("as long", 100, stop.signal);
  sleep("another's", 100, other.signal);
  clock.at(at(50), () => stop.abort());
  await clock.runUntil(() => false, 200);
  sleep("late", 100, stop.signal);
  await clock.runUntil(() => false, 200);
  expect(woken).toEqual(["short at 10", "long at 50", "as long at 50", "another's at 100", "late at 200"]);
});

test("the wall clock shows whole milliseconds", async () => {
  const clock = new VirtualClock(STARTS_AT);
  await clock.runUntil(() => false, 0.75);
  expect(clock.wall()).toBe(STARTS_AT);
});

test("a watchdog whose limit is reached to the millisecond trips behind it, and time goes on", async () => {
  const clock = new VirtualClock(STARTS_AT);
  const bus = new SimulatedBus(clock);
  const stop = new AbortController();
  await bus.pulse().beat("brain", aBeat().heartbeat);
  const log = { write: () => undefined };
  const identity = { serviceId: "watchdog", instanceId: "w" };
  const ended = runWatchdog(
    { clock, service: UNSUPERVISED, bus: bus.watchdog(), direct: null, log, limits: WATCHDOG_LIMITS, identity },
    stop.signal,
  );
  expect(await clock.runUntil(() => bus.panics().length > 0, 6_000)).toBe(true);
  expect(clock.now()).toBeGreaterThan(5_000);
  expect(clock.now()).toBeLessThan(5_001);
  stop.abort();
  await clock.runUntil(() => false, 5_000);
  await ended;
});

import { expect, test } from "bun:test";
import type { UnixMillis } from "../../src/core/time.ts";
import { WATCHDOG_LIMITS } from "../../src/core/watchdog-state.ts";
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
    { clock, bus: bus.watchdog(), direct: null, log, limits: WATCHDOG_LIMITS, identity },
    stop.signal,
  );
  expect(await clock.runUntil(() => bus.panics().length > 0, 6_000)).toBe(true);
  expect(clock.now()).toBeGreaterThan(5_000);
  expect(clock.now()).toBeLessThan(5_001);
  stop.abort();
  await clock.runUntil(() => false, 5_000);
  await ended;
});

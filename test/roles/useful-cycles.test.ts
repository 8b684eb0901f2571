/**
 * What each role tells its supervisor, on virtual time: that it does its work, and never that a timer fires. Where every answer
 * takes as long as it may, the longest time between two useful cycles is what `WatchdogSec=` must leave room for.
 */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { BRAIN_LIMITS } from "../../src/core/brain.ts";
import { EEW_LIMITS } from "../../src/core/eew.ts";
import { GUARD_LIMITS } from "../../src/core/guard-state.ts";
import type { PanicEvent } from "../../src/core/messages.ts";
import { known, unknown } from "../../src/core/reading.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { WATCHDOG_LIMITS } from "../../src/core/watchdog-state.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Exchange } from "../../src/ports/exchange.ts";
import { runBrain } from "../../src/roles/brain.ts";
import { runEew } from "../../src/roles/eew.ts";
import { runGuard } from "../../src/roles/guard.ts";
import { runWatchdog } from "../../src/roles/watchdog.ts";
import { SimulatedBus } from "../../src/sim/bus.ts";
import { VirtualClock } from "../../src/sim/clock.ts";
import { simulatedExchange } from "../../src/sim/exchange.ts";
import { Venue } from "../../src/sim/venue.ts";
import { aBeat, aHalt } from "../support/core.ts";
import { SECOND_LINE } from "../support/second-line.ts";
import { type Supervised, supervised } from "../support/supervised.ts";

const KEY = "useful-key";
/** `config/redis.ts`; a read that blocks for a second has so much longer. */
const REDIS_LIMIT_MS = 700;
/** `adapters/binance/exchange.ts`: three lists, each asked 700 ms after the one before, with 2500 ms for each. */
const POSITIONS_LIMIT_MS = 3_900;
const ORDER_LIMIT_MS = 3_500;
const QUERY_LIMIT_MS = 2_500;

/** How a port answers: at once, at the end of its deadline, never in time but within it, or not at all. */
type Mood = "well" | "slow" | "failing" | "hanging";

let clock: VirtualClock;
let bus: SimulatedBus;
let venue: Venue;
let stop: AbortController;
let redis: Mood;
let venueMood: Mood;
/** Methods of the bus that are in another mood than `redis`. */
let exceptions: Readonly<Record<string, Mood>>;
let service: Supervised;

beforeEach(() => {
  clock = new VirtualClock(1_795_000_000_000 as UnixMillis);
  bus = new SimulatedBus(clock);
  venue = new Venue({ now: () => clock.wall() });
  venue.addAccount({ apiKey: KEY, secret: "secret" });
  venue.openPosition(KEY, { symbol: "BTCUSDT", amount: "0.5" });
  venue.openPosition(KEY, { symbol: "ETHUSDT", amount: "-2" });
  stop = new AbortController();
  [redis, venueMood, exceptions] = ["well", "well", {}];
  service = supervised(clock);
});
// What hangs never ends, so nobody waits for it.
afterEach(() => stop.abort());

const pass = (ms: number): Promise<unknown> => clock.runUntil(() => false, ms);

/** The port as it answers in `mood`, each method within its deadline. */
function moody<P extends object>(
  port: P,
  mood: (method: string) => Mood,
  limitMs: (method: string) => number,
  failure: (method: string) => unknown,
): P {
  const methods = Object.entries(port).map(([name, method]: [string, (...args: unknown[]) => unknown]) => [
    name,
    name === "eventIdOf" || name === "orderBudget" || name === "silentUntil"
      ? method
      : async (...args: unknown[]) => {
          const now = mood(name);
          if (now === "hanging") return await new Promise(() => undefined);
          if (now !== "well") await clock.sleep(limitMs(name));
          return now === "failing" ? failure(name) : await method(...args);
        },
  ]);
  return Object.fromEntries(methods) as P;
}

function onBus<P extends object>(side: P): P {
  // A read that blocks has waited its second in the simulation already, where it has an answer.
  const limitMs = (name: string): number => {
    const blocks = name === "next" || name === "watch";
    return REDIS_LIMIT_MS + (blocks && (exceptions[name] ?? redis) === "failing" ? 1_000 : 0);
  };
  return moody(
    side,
    (name) => exceptions[name] ?? redis,
    limitMs,
    () => unknown("no answer"),
  );
}

function exchange(): Exchange {
  const limits: Readonly<Record<string, number>> = { positions: POSITIONS_LIMIT_MS, close: ORDER_LIMIT_MS };
  const failure = (name: string): unknown =>
    name === "close" || name === "cancel" ? { kind: "unknown", why: "no answer" } : unknown("no answer");
  return moody(
    simulatedExchange(venue, KEY),
    () => venueMood,
    (name) => limits[name] ?? QUERY_LIMIT_MS,
    failure,
  );
}

const log = { write: () => undefined };
const identity = { serviceId: "s", instanceId: "i" };

function startBrain(): void {
  const world = {
    clock,
    bus: onBus(bus.brain()),
    exchange: exchange(),
    log,
    service,
    limits: BRAIN_LIMITS,
    identity,
    policy: null,
  };
  void runBrain(world, stop.signal);
}

/** A bot that runs until it is ended; how often it was started and ended. */
function startGuard(): { readonly starts: number; readonly ends: number } {
  const counts = { starts: 0, ends: 0 };
  const running = {
    ended: new Promise<never>(() => undefined),
    signal: () => undefined,
    end: async () => {
      counts.ends += 1;
      return [];
    },
  };
  const bot = {
    start: async () => {
      counts.starts += 1;
      return known(running);
    },
  };
  const world = { clock, bus: onBus(bus.brain()), exchange: exchange(), bot, probes: [], direct: null, log, service };
  void runGuard({ ...world, limits: GUARD_LIMITS, identity }, stop.signal);
  return counts;
}

function startWatchdog(): void {
  const world = { clock, bus: onBus(bus.watchdog()), direct: null, log, service, limits: WATCHDOG_LIMITS, identity };
  void runWatchdog(world, stop.signal);
}

function startEew(on: Clock = clock): void {
  const own = { ...SECOND_LINE, service, rulebooks: { load: () => new Map(), save: () => true } };
  const world = {
    clock: on,
    bus: onBus(bus.eew("w")),
    exchange: exchange(),
    log,
    limits: EEW_LIMITS,
    identity,
    ...own,
  };
  void runEew(world, { signal: stop.signal });
}

function panic(eventId = "e1"): PanicEvent {
  return { eventId, reason: "TEST", issuedBy: "ops", ts: clock.wall() };
}

/** Beats as a brain, as long as the test lasts. */
async function beating(): Promise<void> {
  for (let seq = 1; !stop.signal.aborted; seq++) {
    await bus.pulse().beat("brain", aBeat("ALIVE", "x", { seq }).heartbeat);
    await clock.sleep(1_000, stop.signal);
  }
}

describe("the brain", () => {
  test("is ready with its first confirmed heartbeat, and works with each cycle that the bus has", async () => {
    startBrain();
    await pass(10_500);
    expect(service.readyAt()).toBe(service.workedAt[0] ?? -1);
    expect(service.workedAt).toHaveLength(11);
    expect(service.lines).toEqual(["starting: no heartbeat confirmed yet", "watching 2 positions"]);
  });

  test.each(["failing", "hanging"] as const)("feeds nothing where its heartbeats come back %s", async (mood) => {
    exceptions = { beat: mood };
    startBrain();
    await pass(60_000);
    expect([service.readyAt(), service.workedAt]).toEqual([null, []]);
    expect(service.lines.at(-1)).toStartWith("fenced: no heartbeat is confirmed");
  });

  test("stops to feed once they are not confirmed any more", async () => {
    startBrain();
    await pass(5_000);
    exceptions = { beat: "failing" };
    await pass(60_000);
    expect(Math.max(...service.workedAt)).toBeLessThan(5_001);
  });

  test("feeds nothing while a cycle hangs, although it beats DEGRADED by a timer", async () => {
    let beats = 0;
    startBrain();
    await pass(5_000);
    venueMood = "hanging";
    const heartbeats = bus.peers();
    const before = await heartbeats.lastHeard(["brain"]);
    await pass(60_000);
    const after = await heartbeats.lastHeard(["brain"]);
    beats += before.known && after.known && before.value[0]?.last?.entry !== after.value[0]?.last?.entry ? 1 : 0;
    expect(beats).toBe(1);
    expect(Math.max(...service.workedAt)).toBeLessThan(5_001);
    expect(service.lines.at(-1)).toStartWith("DEGRADED: positions can't be read in time");
  });

  test("goes on to feed while the venue can't be read, which is a failure that it knows", async () => {
    startBrain();
    await pass(5_000);
    venueMood = "failing";
    await pass(60_000);
    expect(service.widestGapMs()).toBeLessThan(6_000);
    expect(service.workedAt.length).toBeGreaterThan(15);
  });

  // The next cycle begins a second after the last one, reads the positions for 3.9 s, and its heartbeat takes 0.7 s.
  test("leaves 5.6 s at most between two, with every answer at the end of its deadline", async () => {
    startBrain();
    await pass(5_000);
    [redis, venueMood] = ["slow", "slow"];
    await pass(120_000);
    expect(service.widestGapMs()).toBeWithin(4_000, 5_601);
  });

  test("shows a halt", async () => {
    startBrain();
    await pass(2_000);
    await bus.eew("w").writeHalt(aHalt("e1"));
    await pass(2_000);
    expect(service.lines.at(-1)).toBe("halted, watching 2 positions");
  });
});

describe("the guard", () => {
  test("is ready with its first confirmed heartbeat, works with each look at the halt, and says whom it guards", async () => {
    startGuard();
    await pass(10_500);
    expect(service.readyAt()).toBeCloseTo(2_000, 1);
    expect(service.widestGapMs()).toBeLessThan(100);
    expect(service.lines).toEqual([
      "starting",
      "starting the bot",
      "UNPROTECTED: the bot runs, and has not passed its probes yet",
      "guarding the bot, 2 positions",
    ]);
  });

  test("is ready under a halt, for which it waits without a bot", async () => {
    await bus.eew("w").writeHalt(aHalt("e1"));
    const bot = startGuard();
    await pass(60_000);
    expect(service.readyAt()).toBeCloseTo(0, 1);
    expect(service.widestGapMs()).toBeLessThan(100);
    expect(service.lines.at(-1)).toStartWith("halted: the bot is not started until a person resets: EXIT_BRAIN_");
    expect(bot).toEqual({ starts: 0, ends: 0 });
  });

  test("is not ready, and works all the same, while no heartbeat is confirmed; then its bot is ended, and it as well", async () => {
    exceptions = { beat: "failing" };
    const bot = startGuard();
    await pass(5_900);
    expect([service.readyAt(), bot.ends]).toEqual([null, 0]);
    await pass(200);
    expect(bot).toEqual({ starts: 1, ends: 1 });
    await pass(20_000);
    expect(service.lines.at(-1)).toBe("the bot has ended");
    expect(Math.max(...service.workedAt)).toBeWithin(20_000, 21_100);
  });

  test("feeds nothing while a look at the halt hangs, and ends its bot in time", async () => {
    const bot = startGuard();
    await pass(5_000);
    exceptions = { halt: "hanging" };
    await pass(4_100);
    expect(bot.ends).toBe(1);
    await pass(60_000);
    expect(Math.max(...service.workedAt)).toBeLessThan(5_001);
  });

  test.each(["slow", "failing"] as const)("leaves a second at most between two where Redis is %s", async (mood) => {
    startGuard();
    await pass(5_000);
    [redis, venueMood] = [mood, "slow"];
    await pass(4_000);
    expect(service.widestGapMs()).toBeWithin(700, 1_001);
  });
});

describe("the watchdog", () => {
  test("is ready after its first look, also without Redis, and says what it waits for", async () => {
    exceptions = { attach: "failing" };
    startWatchdog();
    await pass(5_000);
    expect(service.readyAt()).toBe(700);
    expect(service.lines.at(-1)).toBe("Redis can't be used: no answer; attaching, UNPROTECTED");
    exceptions = {};
    await pass(2_000);
    expect(service.lines.at(-1)).toBe("waiting: no brain yet, UNPROTECTED");
  });

  test("works with each look", async () => {
    void beating();
    startWatchdog();
    await pass(60_500);
    expect(service.workedAt.length).toBeWithin(60, 65);
    expect(service.lines.at(-1)).toBe("armed: the brain beats, 2 positions");
  });

  test("feeds nothing while a look hangs", async () => {
    startWatchdog();
    await pass(5_000);
    exceptions = { watch: "hanging" };
    await pass(60_000);
    expect(Math.max(...service.workedAt)).toBeLessThan(6_001);
  });

  test("goes on to feed while Redis can't be read: to judge that is its work", async () => {
    void beating();
    startWatchdog();
    await pass(5_000);
    redis = "failing";
    await pass(60_000);
    expect(service.widestGapMs()).toBeLessThan(2_000);
    expect(service.lines.at(-1)).toMatch(
      /^Redis can't be used: no answer; tripping: incident \S+ attempt 1, not confirmed/,
    );
  });

  test.each(["slow", "failing"] as const)("leaves 2.4 s at most between two where Redis is %s", async (mood) => {
    void beating();
    startWatchdog();
    await pass(5_000);
    redis = mood;
    await pass(60_000);
    redis = "well";
    await pass(60_000);
    expect(service.widestGapMs()).toBeWithin(1_000, 2_400);
  });

  test("shows the incident, its attempt, and how it ended", async () => {
    await bus.pulse().beat("brain", aBeat().heartbeat);
    startWatchdog();
    await pass(6_000);
    const tripped = service.lines.find((line) => line.startsWith("tripped: "));
    expect(tripped).toMatch(/^tripped: incident \S+ attempt 1, no completion yet$/);
    await pass(11_000);
    expect(service.lines).toContainEqual(expect.stringMatching(/^tripped: incident \S+ attempt 2, no completion yet$/));
  });
});

describe("the worker", () => {
  test("is ready when it listens, works with each look, and says so", async () => {
    startEew();
    await pass(60_500);
    expect(service.readyAt()).toBe(0);
    expect(service.widestGapMs()).toBeLessThan(1_100);
    expect(service.lines).toEqual(["listening"]);
  });

  test.each(["next", "vigil", "sightOf"])("feeds nothing more while `%s` hangs", async (method) => {
    startEew();
    await pass(5_000);
    exceptions = { [method]: "hanging" };
    await pass(60_000);
    expect(Math.max(...service.workedAt)).toBeLessThan(6_001);
  });

  test("goes on to feed while Redis can't be used, and says why", async () => {
    startEew();
    await pass(5_000);
    redis = "failing";
    await pass(60_000);
    expect(service.widestGapMs()).toBeLessThan(2_000);
    expect(service.lines.at(-1)).toBe("Redis can't be used: no answer; listening by the direct line");
  });

  test("feeds through a pass on a venue that takes its time, and says what it executes", async () => {
    venueMood = "slow";
    startEew();
    await pass(5_000);
    await bus.publish(panic());
    await pass(20_000);
    expect(bus.completions()).toHaveLength(1);
    expect(service.widestGapMs()).toBeLessThan(1_300);
    expect(service.lines).toEqual([
      "listening",
      "executing e1",
      "reporting e1",
      "listening",
      "halted: listening, and looking that nothing opens",
    ]);
  });

  test.each([
    ["slow", "slow"],
    ["failing", "failing"],
    ["failing", "slow"],
    ["slow", "failing"],
  ] as const)("leaves 2.6 s at most between two where Redis is %s and the venue %s", async (bad, mood) => {
    void beating();
    startEew();
    await pass(5_000);
    await bus.publish(panic());
    await pass(100);
    [redis, venueMood] = [bad, mood];
    await pass(60_000);
    [redis, venueMood] = ["well", "well"];
    await pass(60_000);
    await bus.publish(panic("e2"));
    await pass(30_000);
    expect(bus.completions().length).toBeGreaterThan(1);
    expect(service.widestGapMs()).toBeWithin(1_000, 2_600);
  });

  test("feeds no longer than the pass may take where its loop does not go on", async () => {
    let stuck = false;
    // The loop's timers are lost, and the venue gives it nothing to go on with; everything else in the process lives.
    const deaf: Clock = {
      now: () => clock.now(),
      wall: () => clock.wall(),
      at: (at, fire) => (stuck ? () => undefined : clock.at(at, fire)),
      sleep: (ms, signal) => clock.sleep(ms, signal),
    };
    startEew(deaf);
    await pass(5_000);
    [stuck, venueMood] = [true, "hanging"];
    await bus.publish(panic());
    await pass(60_000);
    expect(bus.completions()).toEqual([]);
    const last = Math.max(...service.workedAt);
    expect(last).toBeWithin(5_000 + EEW_LIMITS.passMs, 5_000 + EEW_LIMITS.passMs + 1_600);
  });
});

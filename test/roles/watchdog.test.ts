/** The watchdog's loop on virtual time: what it asks the bus, and when, after it stood still or lost the link. */

import { afterEach, beforeEach, expect, test } from "bun:test";
import { known, type Reading, unknown } from "../../src/core/reading.ts";
import type { About } from "../../src/core/tell.ts";
import { after, type UnixMillis } from "../../src/core/time.ts";
import { type Standing, WATCHDOG_LIMITS } from "../../src/core/watchdog-state.ts";
import type { Drain, Watch, WatchdogBus } from "../../src/ports/bus.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { DirectCall } from "../../src/ports/direct-line.ts";
import type { Log } from "../../src/ports/log.ts";
import type { Service } from "../../src/ports/service.ts";
import { runWatchdog } from "../../src/roles/watchdog.ts";
import { VirtualClock } from "../../src/sim/clock.ts";
import { aBeat } from "../support/core.ts";

const STANDING: Standing = {
  halt: null,
  haltedBy: null,
  outcomes: new Map(),
  absenceId: "absence-1",
  lostEvent: null,
};
/** Over `stallMs`: every timer fires as late as after a standstill. */
const LATE_MS = 300;

let clock: VirtualClock;
let stop: AbortController;
let ended: Promise<void>;
/** What was published, with the moment, and how often it was asked to attach and to drain. */
let published: string[];
let attaches: number;
let drains: number;
/** Every call by the direct line, with the moment. */
let called: string[];
/** Whether Redis confirms what is published. */
let confirms: boolean;
/** What it told, with the mark where there is one. */
let told: string[];
/** What the supervisor was told, with the moment; every line of the log with its event. */
let supervised: string[];
let about: (About | undefined)[];
/** By how much the next sleep is too long. */
let heldUpMs: number;

beforeEach(() => {
  clock = new VirtualClock(1_795_000_000_000 as UnixMillis);
  stop = new AbortController();
  published = [];
  drains = 0;
  attaches = 0;
  called = [];
  confirms = true;
  told = [];
  supervised = [];
  about = [];
  heldUpMs = 0;
});
afterEach(async () => {
  stop.abort();
  await clock.runUntil(() => false, 20_000);
  await ended;
});

const silence = <T>(): Promise<T> => clock.sleep(1_000_000, stop.signal).then(() => unknown("stopped") as T);

/** Attached at 0 to a brain that beat just then. */
function start(watch: () => Promise<Reading<Watch>>, drain: () => Promise<Reading<Drain>>): void {
  const bus: WatchdogBus = {
    attach: async () => {
      attaches += 1;
      return known({ standing: STANDING, lastBeat: { beat: aBeat(), ageMs: 0, incidentCompleted: false } });
    },
    watch,
    drain: () => {
      drains += 1;
      return drain();
    },
    publish: async ({ incidentId }, reason) => {
      published.push(`${clock.now()} ${incidentId} ${reason}`);
      return confirms ? known(incidentId) : unknown("no answer");
    },
    eventIdOf: ({ incidentId, number }) => `${incidentId}/${number}`,
    beat: async () => known(null),
    lastHeard: silence,
  };
  const late: Clock = {
    now: () => clock.now(),
    wall: () => clock.wall(),
    at: (at, fire) => clock.at(after(at, LATE_MS), fire),
    sleep: (ms, signal) => {
      const tooLong = heldUpMs;
      heldUpMs = 0;
      return clock.sleep(ms + tooLong, signal);
    },
  };
  const identity = { serviceId: "watchdog", instanceId: "w" };
  const log: Log = {
    write: (_level, text, mark, event) => {
      told.push(mark === undefined ? text : `${text} [${mark}]`);
      about.push(event);
    },
  };
  const service: Service = {
    ready: () => void supervised.push(`${clock.now()} ready`),
    worked: () => void supervised.push(`${clock.now()} worked`),
    status: (text) => void supervised.push(`${clock.now()} ${text}`),
  };
  const direct: DirectCall = {
    call: async ({ incidentId, number }) => {
      called.push(`${clock.now()} ${incidentId} ${number}`);
      return known({ outcome: called.length === 1 ? "NOT_FLAT" : "FLAT", open: [] });
    },
  };
  const world = { clock: late, bus, direct, log, service, limits: WATCHDOG_LIMITS, identity };
  ended = runWatchdog(world, stop.signal);
}

function drained(...ages: readonly number[]): Reading<Drain> {
  const beats = ages.map((ageMs, i) => ({ beat: aBeat("ALIVE", `incident-${i + 2}`, { seq: i + 2 }), ageMs }));
  return known({ beats, standing: STANDING });
}

test("it attaches once: a heartbeat between two attaches would be heard by neither", async () => {
  start(silence, silence);
  await clock.runUntil(() => false, 1_000);
  expect(attaches).toBe(1);
});

test("after a standstill it leaves the look under way and drains, once, and a brain that beat is not missed", async () => {
  start(silence, async () => drained(4_300, 2_300, 300));
  await clock.runUntil(() => false, 6_000);
  expect({ drains, published }).toEqual({ drains: 1, published: [] });
});

test("a standstill that breaks no rule drains too: a beat that waited is not taken for a fresh one", async () => {
  const answers = [drained(700), drained()];
  start(silence, async () => answers.shift() ?? unknown("no more"));
  await clock.runUntil(() => false, 900);
  // It means to look up at 1250 ms, and does at 2250: the brain beat last at 1550.
  heldUpMs = 1_000;
  await clock.runUntil(() => published.length > 0, 20_000);
  expect(published).toEqual([`${6_550 + LATE_MS} incident-2 EXIT_BRAIN_HEARTBEAT_MISSING_(5.3S_>_5.0S)`]);
});

test("a drain that fails is no excuse: it judges at once", async () => {
  start(silence, async () => unknown("no answer"));
  await clock.runUntil(() => published.length > 0, 10_000);
  expect(published).toEqual(["5300 incident-1 EXIT_BRAIN_HEARTBEAT_MISSING_(5.3S_>_5.0S)"]);
});

test("nor is one that never ends: it judges half a second later", async () => {
  start(silence, silence);
  await clock.runUntil(() => published.length > 0, 10_000);
  expect(published).toEqual([`${5_800 + LATE_MS} incident-1 EXIT_BRAIN_HEARTBEAT_MISSING_(6.1S_>_5.0S)`]);
});

test("a look that it is called away from is no useful cycle, and a drain is one once it has ended", async () => {
  start(silence, silence);
  await clock.runUntil(() => false, 8_000);
  const worked = (): readonly string[] => supervised.filter((line) => line.endsWith("worked"));
  expect({ drains, worked: worked() }).toEqual({ drains: 1, worked: ["0 worked"] });
});

test("a follow-up's lines name its event before it is published, and its incident", async () => {
  confirms = false;
  start(silence, async () => unknown("no answer"));
  await clock.runUntil(() => called.length === 2, 10_000);
  const event = about[told.indexOf("Attempt: 2 of incident incident-1")];
  expect<unknown>(event).toEqual({ eventId: "incident-1/2", incidentId: "incident-1" });
  expect(supervised.at(-1)).toEndWith("; tripping: incident incident-1 attempt 2, not confirmed published");
});

test("what waited while the link was lost has its true age, not that of the moment it was read", async () => {
  let asked = 0;
  const lostOnce = async (): Promise<Reading<Watch>> => {
    if (asked++ > 0) return await silence();
    await clock.sleep(4_000);
    return unknown("no answer");
  };
  // Read at 4250 ms: the brain beat last at 1250 ms.
  const answers = [drained(3_000), drained()];
  start(lostOnce, async () => answers.shift() ?? unknown("no more"));
  await clock.runUntil(() => published.length > 0, 20_000);
  expect(published).toEqual([`${6_250 + LATE_MS} incident-2 EXIT_BRAIN_HEARTBEAT_MISSING_(5.3S_>_5.0S)`]);
});

test("calls the worker while Redis confirms nothing, follows up what it left open, and publishes on", async () => {
  confirms = false;
  start(silence, async () => unknown("no answer"));
  await clock.runUntil(() => called.length === 2, 10_000);
  // A second after the outcome, and then with the next timer: each is late by 300 ms.
  expect(called).toEqual(["5300 incident-1 1", "6400 incident-1 2"]);
  confirms = true;
  await clock.runUntil(() => false, 2_000);
  expect([called.length, published.at(-1)]).toEqual([2, expect.stringContaining("PANIC_CLOSE_INCOMPLETE_(NOT_FLAT)")]);
});

test("does not call the worker where Redis confirms the panic", async () => {
  start(silence, async () => unknown("no answer"));
  await clock.runUntil(() => false, 10_000);
  expect([called, published.length]).toEqual([[], 1]);
});

test("an outage is told once, and once more, as an alarm, if it turns out that a person is needed", async () => {
  const answers = [
    unknown("no answer"),
    unknown("no answer"),
    unknown("OOM", true),
    unknown("OOM", true),
    drained(500),
  ];
  const next = async (): Promise<Reading<Drain>> => answers.shift() ?? (await silence());
  start(async () => (answers.length === 5 ? unknown("no answer") : await silence()), next);
  await clock.runUntil(() => told.includes("Redis can be used again"), 20_000);
  expect(told.filter((line) => line.includes("Redis"))).toEqual([
    "Redis can't be used, heartbeats cannot be seen: no answer",
    "Redis can't be used, heartbeats cannot be seen: OOM [alarm]",
    "Redis can be used again",
  ]);
});

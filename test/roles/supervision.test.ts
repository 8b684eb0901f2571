/** Brain and watchdog on virtual time: what they tell of each other, and when the brain stops itself. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { BRAIN_LIMITS } from "../../src/core/brain.ts";
import { EEW_LIMITS } from "../../src/core/eew.ts";
import type { Heartbeat } from "../../src/core/messages.ts";
import { type Reading, unknown } from "../../src/core/reading.ts";
import type { Instant, UnixMillis } from "../../src/core/time.ts";
import { WATCHDOG_LIMITS } from "../../src/core/watchdog-state.ts";
import type { BeatingRole } from "../../src/ports/bus.ts";
import { UNSUPERVISED } from "../../src/ports/service.ts";
import { runBrain } from "../../src/roles/brain.ts";
import { runEew } from "../../src/roles/eew.ts";
import { runWatchdog } from "../../src/roles/watchdog.ts";
import { SimulatedBus } from "../../src/sim/bus.ts";
import { VirtualClock } from "../../src/sim/clock.ts";
import { simulatedExchange } from "../../src/sim/exchange.ts";
import { Venue } from "../../src/sim/venue.ts";
import { aBeat, aHalt } from "../support/core.ts";
import { SECOND_LINE } from "../support/second-line.ts";

const API_KEY = "supervision-key";
const STARTS_AT = 1_795_000_000_000 as UnixMillis;

let clock: VirtualClock;
let bus: SimulatedBus;
let stop: AbortController;
let ended: Promise<unknown>[];

beforeEach(() => {
  clock = new VirtualClock(STARTS_AT);
  bus = new SimulatedBus(clock);
  stop = new AbortController();
  ended = [];
});
afterEach(async () => {
  stop.abort();
  await clock.runUntil(() => false, 5_000);
  await Promise.all(ended);
});

/** A role's log, line by line. */
type Lines = readonly string[];

type BrainBus = ReturnType<SimulatedBus["brain"]>;

function startBrain(on: BrainBus = bus.brain()): Lines {
  const lines: string[] = [];
  const venue = new Venue({ now: () => clock.wall() });
  venue.addAccount({ apiKey: API_KEY, secret: "secret" });
  const world = {
    clock,
    service: UNSUPERVISED,
    bus: on,
    exchange: simulatedExchange(venue, API_KEY),
    log: { write: (_level: string, text: string) => void lines.push(text) },
    limits: BRAIN_LIMITS,
    policy: null,
    identity: { serviceId: "exit_brain", instanceId: "b" },
  };
  ended.push(runBrain(world, stop.signal));
  return lines;
}

function startWatchdog(): Lines {
  const lines: string[] = [];
  const log = { write: (_level: string, text: string) => void lines.push(text) };
  const identity = { serviceId: "watchdog", instanceId: "w" };
  ended.push(
    runWatchdog(
      { clock, service: UNSUPERVISED, bus: bus.watchdog(), direct: null, log, limits: WATCHDOG_LIMITS, identity },
      stop.signal,
    ),
  );
  return lines;
}

/** Lets a role beat once a second, until it is told to fall silent. */
function beating(role: BeatingRole): { silence(): void } {
  let silent = false;
  let seq = 0;
  const beat = (): void => {
    if (silent) return;
    seq += 1;
    void bus.pulse().beat(role, aBeat("ALIVE", "incident-1", { seq }).heartbeat);
    clock.at((clock.now() + 1_000) as Instant, beat);
  };
  beat();
  return {
    silence: () => {
      silent = true;
    },
  };
}

async function pass(ms: number): Promise<void> {
  await clock.runUntil(() => false, ms);
}

/** The brain's last heartbeat. */
async function lastBeat(): Promise<Heartbeat | undefined> {
  const attached = await bus.watchdog().attach();
  return attached.known ? attached.value.lastBeat?.beat.heartbeat : undefined;
}

const about = (lines: Lines, word: string): Lines => lines.filter((line) => line.includes(word));

describe("the brain", () => {
  test("tells once that the watchdog is lost, within a second of the limit, and once that it is back", async () => {
    beating("eew");
    const watchdog = beating("watchdog");
    const lines = startBrain();
    await pass(30_000);
    expect(about(lines, "watchdog")).toEqual([]);
    watchdog.silence();
    await pass(9_000);
    expect(about(lines, "watchdog")).toEqual([]);
    await pass(20_000);
    expect(about(lines, "watchdog")).toEqual([expect.stringMatching(/^watchdog lost: no heartbeat for 1[01]\.\ds$/)]);
    beating("watchdog");
    await pass(5_000);
    expect(about(lines, "watchdog")).toEqual([expect.stringContaining("lost"), "watchdog is back"]);
    expect(about(lines, "eew")).toEqual([]);
  });

  test("warns once of a protector that was never there", async () => {
    beating("watchdog");
    const lines = startBrain();
    await pass(9_000);
    expect(about(lines, "eew")).toEqual([]);
    await pass(30_000);
    expect(about(lines, "eew")).toEqual(["eew: no heartbeat has ever been seen"]);
  });

  test("goes on beating though the others can't be looked at", async () => {
    const never = (): Promise<Reading<never>> => new Promise(() => undefined);
    startBrain({ ...bus.brain(), lastHeard: never });
    await pass(10_000);
    expect((await lastBeat())?.ts).toBeGreaterThan(STARTS_AT + 8_000);
    // This question is never answered, so this brain never ends.
    ended = [];
  });

  test("fences itself when its heartbeats are not confirmed, says so once and in them, and is free when they are", async () => {
    let confirming = true;
    const inner = bus.brain();
    const lines = startBrain({
      ...inner,
      beat: async (role, heartbeat) => {
        const answer = await inner.beat(role, heartbeat);
        return confirming ? answer : unknown("no answer");
      },
    });
    await pass(20_000);
    expect(about(lines, "enced")).toEqual([]);
    expect((await lastBeat())?.details?.state).toBeUndefined();
    confirming = false;
    await pass(20_000);
    expect(about(lines, "enced")).toEqual(["Fenced: no heartbeat confirmed for 4.0s, no orders until one is"]);
    expect((await lastBeat())?.details).toMatchObject({ mode: "live", state: "fenced" });
    confirming = true;
    await pass(3_000);
    expect(about(lines, "enced").slice(1)).toEqual(["No longer fenced: a heartbeat was confirmed"]);
    expect((await lastBeat())?.details?.state).toBeUndefined();
  });

  test("obeys a halt, and one that can't be read, and tells each once", async () => {
    let readable = true;
    const inner = bus.brain();
    const lines = startBrain({ ...inner, halt: async () => (readable ? await inner.halt() : unknown("no answer")) });
    await pass(5_000);
    expect((await lastBeat())?.details?.mode).toBe("live");
    await bus.eew("worker").writeHalt(aHalt("e1"));
    await pass(5_000);
    expect((await lastBeat())?.details?.mode).toBe("halted");
    bus.reset();
    readable = false;
    await pass(5_000);
    expect((await lastBeat())?.details?.mode).toBe("halted");
    readable = true;
    await pass(5_000);
    expect((await lastBeat())?.details?.mode).toBe("live");
    expect(about(lines, "Trading")).toEqual([
      `Trading is halted: ${aHalt().reason}`,
      "Trading is halted: the halt can't be read, no answer",
      "Trading is allowed",
    ]);
  });
});

describe("the watchdog", () => {
  test("tells once that the worker is lost, and once that it is back", async () => {
    beating("brain");
    const eew = beating("eew");
    const lines = startWatchdog();
    await pass(15_000);
    expect(about(lines, "eew")).toEqual([]);
    eew.silence();
    await pass(30_000);
    beating("eew");
    await pass(5_000);
    expect(about(lines, "eew")).toEqual([
      expect.stringMatching(/^eew lost: no heartbeat for 1[01]\.\ds$/),
      "eew is back",
    ]);
    expect(bus.panics()).toEqual([]);
  });
});

describe("the worker", () => {
  /** A worker on a venue that never answers: each pass takes all of its ten seconds. */
  function startEew(): { readonly states: readonly string[]; readonly widestGapMs: () => number } {
    const states: string[] = [];
    const beatenAt: number[] = [];
    const inner = bus.eew("worker");
    const venue = new Venue({ now: () => clock.wall() });
    venue.addAccount({ apiKey: API_KEY, secret: "secret" });
    const open = simulatedExchange(venue, API_KEY);
    const world = {
      clock,
      bus: {
        ...inner,
        beat: async (role: BeatingRole, heartbeat: Heartbeat) => {
          states.push(heartbeat.details?.state ?? "");
          beatenAt.push(clock.now());
          return await inner.beat(role, heartbeat);
        },
      },
      exchange: { ...open, positions: (): Promise<never> => new Promise(() => undefined) },
      rulebooks: { load: () => new Map(), save: () => true },
      log: { write: () => undefined },
      limits: EEW_LIMITS,
      identity: { serviceId: "emergency_exit_worker", instanceId: "e" },
      ...SECOND_LINE,
    };
    // What waits for this venue never ends, so this worker is not waited for.
    void runEew(world, { signal: stop.signal });
    return { states, widestGapMs: () => Math.max(...beatenAt.slice(1).map((at, i) => at - (beatenAt[i] ?? 0))) };
  }

  test("beats about once a second in the middle of a pass, as executing, and nobody takes it for lost", async () => {
    beating("brain");
    const worker = startEew();
    const lines = startWatchdog();
    await pass(5_000);
    expect(worker.states.every((state) => state === "idle")).toBe(true);
    await bus.publish({ eventId: "e1", reason: "TEST", issuedBy: "ops", ts: clock.wall() });
    await pass(10_000);
    expect(worker.states.filter((state) => state === "executing")).toHaveLength(10);
    // The watchdog follows up: it goes on like this.
    await pass(40_000);
    expect(bus.completions().length).toBeGreaterThan(2);
    expect(worker.widestGapMs()).toBeLessThanOrEqual(2_000);
    expect(about(lines, "eew")).toEqual([]);
  });
});

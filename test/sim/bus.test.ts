/** What the bus in memory does when answers get lost and data is forgotten: as Redis and its adapters do. */

import { beforeEach, describe, expect, test } from "bun:test";
import type { PanicEvent } from "../../src/core/messages.ts";
import { known, unknown } from "../../src/core/reading.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { type BusLink, SimulatedBus } from "../../src/sim/bus.ts";
import { VirtualClock } from "../../src/sim/clock.ts";
import { aBeat, aCompletion, aHalt } from "../support/core.ts";

const EVENT: PanicEvent = { eventId: "e1", reason: "TEST", issuedBy: "ops", ts: 0 as UnixMillis };

let clock: VirtualClock;
let bus: SimulatedBus;

beforeEach(() => {
  clock = new VirtualClock(1_795_000_000_000 as UnixMillis);
  bus = new SimulatedBus(clock);
});

/** A link that loses the answer of everything while it is told to. */
function lossy(): BusLink & { loses: boolean } {
  const link = {
    loses: false,
    read: async <T>(what: string, question: () => Promise<T>) => {
      const value = await question();
      return link.loses ? unknown(`${what}: lost`) : known(value);
    },
    write: <T>(what: string, question: () => Promise<T>) => link.read(what, question),
  };
  return link;
}

async function seqs(answer: ReturnType<ReturnType<SimulatedBus["watchdog"]>["drain"]>): Promise<unknown> {
  const drained = await answer;
  if (!drained.known) return drained.why;
  return drained.value.beats.map((aged) => ("malformed" in aged ? null : aged.beat.heartbeat.details?.seq));
}

const beat = (seq: number): unknown => bus.pulse().beat("brain", aBeat("ALIVE", "i", { seq }).heartbeat);

describe("an answer that is lost", () => {
  test("leaves the event that it held to the worker's next question", async () => {
    const link = lossy();
    const worker = bus.eew("w1", link);
    await bus.publish(EVENT);
    link.loses = true;
    expect((await worker.next()).known).toBe(false);
    link.loses = false;
    expect(await worker.next()).toMatchObject({ value: { eventId: "e1" } });
  });

  test("leaves the heartbeats that it held to the watchdog's next look", async () => {
    const link = lossy();
    const watchdog = bus.watchdog(link);
    await watchdog.attach();
    beat(1);
    link.loses = true;
    expect((await watchdog.watch([])).known).toBe(false);
    link.loses = false;
    expect(await seqs(watchdog.drain([]))).toEqual([1]);
    expect(await seqs(watchdog.drain([]))).toEqual([]);
  });
});

describe("a loss of data", () => {
  test("is told to a watchdog once, as unknown, and the newest there comes with the next drain", async () => {
    const watchdog = bus.watchdog();
    beat(0);
    beat(1);
    const failOver = bus.checkpoint();
    beat(2);
    await watchdog.attach();
    failOver();
    expect(await seqs(watchdog.drain([]))).toBe("heartbeats that were there are gone");
    expect(await seqs(watchdog.drain([]))).toEqual([1]);
  });

  test("takes back a report and its halt, and leaves what is older", async () => {
    const worker = bus.eew("w1");
    await bus.publish(EVENT);
    const failOver = bus.checkpoint();
    const delivery = await worker.next();
    if (!delivery.known || delivery.value === null) throw new Error("no event");
    await worker.report(delivery.value, aCompletion("e1"), aHalt("e1"));
    failOver();
    expect(bus.completions()).toEqual([]);
    expect(bus.panics()).toEqual([EVENT]);
    expect(await bus.brain().halt()).toEqual(known(null));
    expect(await bus.eew("w2").next()).toMatchObject({ value: { eventId: "e1", completed: false } });
  });
});

test("a worker gets again what a former read of its own has got, once nobody has renewed it for two seconds", async () => {
  const worker = bus.eew("w1");
  await bus.publish(EVENT);
  const first = await worker.next();
  const early = worker.next();
  await clock.runUntil(() => false, 1_500);
  expect(await early).toEqual(known(null));
  if (!first.known || first.value === null) throw new Error("no event");
  await worker.renew(first.value);
  await clock.runUntil(() => false, 900);
  const renewed = worker.next();
  await clock.runUntil(() => false, 1_050);
  expect(await renewed).toEqual(known(null));
  await clock.runUntil(() => false, 500);
  const late = worker.next();
  await clock.runUntil(() => false, 1_500);
  expect(await late).toMatchObject({ value: { eventId: "e1" } });
});

test("who waits for something new goes on waiting when something else has come", async () => {
  let heardAt: number | null = null;
  void bus
    .eew("w1")
    .next()
    .then(() => {
      heardAt = clock.now();
    });
  await clock.runUntil(() => false, 100);
  await beat(1);
  await clock.runUntil(() => false, 100);
  expect(heardAt).toBeNull();
  await bus.publish(EVENT);
  await clock.runUntil(() => heardAt !== null, 100);
  expect(Number(heardAt)).toBe(200);
});

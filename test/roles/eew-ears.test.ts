/** What a worker makes of an event that it has begun already, on the bus in memory and on virtual time. */

import { beforeEach, expect, test } from "bun:test";
import { violationIdOf } from "../../src/adapters/redis/event-id.ts";
import type { EewEvent } from "../../src/core/eew.ts";
import type { Delivery } from "../../src/core/messages.ts";
import { known, unknown } from "../../src/core/reading.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import type { EewBus } from "../../src/ports/bus.ts";
import { type EarsWorld, ears, type Passed } from "../../src/roles/eew-ears.ts";
import { SimulatedBus } from "../../src/sim/bus.ts";
import { VirtualClock } from "../../src/sim/clock.ts";
import { aCompletion, aDelivery, aHalt, aPosition } from "../support/core.ts";
import { SECOND_LINE } from "../support/second-line.ts";

const VIOLATION = violationIdOf("e1");

let clock: VirtualClock;
let bus: SimulatedBus;
beforeEach(async () => {
  clock = new VirtualClock(1_795_000_000_000 as UnixMillis);
  bus = new SimulatedBus(clock);
  await bus.publish({ eventId: "e1", reason: "R", issuedBy: "ops", ts: 0 as UnixMillis });
  const other = bus.eew("other");
  const delivery = await other.next();
  if (!delivery.known || delivery.value === null) throw new Error("no event");
  await other.report(delivery.value, aCompletion("e1"), aHalt("e1"));
});

/** What a worker hears first, within half a minute, in a world with these changes. */
async function firstHeard(
  changes: Pick<EarsWorld, "bus"> & Partial<EarsWorld>,
  memory: Parameters<typeof ears>[1],
  passes: Parameters<typeof ears>[2],
): Promise<EewEvent | null> {
  const stop = new AbortController();
  const identity = { serviceId: "emergency_exit_worker", instanceId: "w" };
  const world = { clock, log: { write: () => undefined }, identity, ...SECOND_LINE, ...changes };
  let event: EewEvent | null = null;
  const done = ears(world, memory, passes, () => undefined)
    .next(stop.signal)
    .then((first) => {
      event = first;
    });
  await clock.runUntil(() => event !== null, 30_000);
  stop.abort();
  await clock.runUntil(() => false, 5_000);
  await done;
  return event;
}

/** The same under a violated halt, if it has begun the violation's event so; `unreadable` outcomes first. */
async function heard(begun: Passed, unreadable = 0): Promise<EewEvent | null> {
  const side = bus.eew("worker");
  let failures = unreadable;
  const outcome: EewBus["outcome"] = async (eventId) =>
    failures-- > 0 ? unknown("no answer") : await side.outcome(eventId);
  const memory = {
    flatAt: null,
    get snapshot() {
      return { positions: [aPosition("BTCUSDT", "0.5")], takenAt: clock.now() };
    },
  };
  return await firstHeard({ bus: { ...side, outcome } }, memory, new Map([[VIOLATION, begun]]));
}

test.each([
  ["by the bus", false],
  ["by itself", true],
])(
  "a violation that it has executed %s is executed anew if it is violated again, and Redis has lost the end",
  async (_how, own) => {
    expect(await heard({ own, onRecord: true })).toMatchObject({
      kind: "panic",
      delivery: { eventId: VIOLATION, completed: false },
    });
  },
);

test("what became of an event that comes again is asked until it is known: unknown is not completed", async () => {
  expect(await heard({ own: false, onRecord: true }, 3)).toMatchObject({
    kind: "panic",
    delivery: { eventId: VIOLATION, completed: false },
  });
});

test("a violation whose report is owed is not raised again: the report says what came of it", async () => {
  expect(await heard({ own: false, onRecord: false })).toBeNull();
  expect(bus.panics().map(({ eventId }) => eventId)).toEqual(["e1"]);
});

test("what the direct line has shown to have ended is asked about anew where the bus delivers it as it was read before", async () => {
  const event = aDelivery({ eventId: "e1" });
  let [isCalled, isRead] = [false, false];
  const byBus = async (): Promise<Delivery | null> => {
    await clock.sleep(100);
    const isFirst = !isRead;
    isRead = true;
    return isFirst ? event : null;
  };
  const byLine = async (): Promise<Delivery> => {
    if (isCalled) return await new Promise(() => undefined);
    isCalled = true;
    await clock.sleep(10);
    return { ...event, entryId: "" };
  };
  const changes = {
    bus: { ...bus.eew("worker"), next: async () => known(await byBus()) },
    direct: { next: byLine, ended: () => undefined },
  };
  const heardFirst = await firstHeard(changes, { flatAt: null, snapshot: null }, new Map());
  expect(event.completed).toBe(false);
  expect(heardFirst).toMatchObject({ kind: "panic", delivery: { eventId: "e1", completed: true } });
});

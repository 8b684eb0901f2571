/** The worker on virtual time, with a Redis that goes away and comes back: what it executes, once, and what is on record. */

import { afterEach, beforeEach, expect, test } from "bun:test";
import { JournalMemory } from "../../src/adapters/host/journal-memory.ts";
import { eventIdOf } from "../../src/adapters/redis/event-id.ts";
import { ZERO } from "../../src/core/decimal.ts";
import { EEW_LIMITS } from "../../src/core/eew.ts";
import type { Completion, Delivery, Ending } from "../../src/core/messages.ts";
import { known, unknown } from "../../src/core/reading.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import type { EewBus } from "../../src/ports/bus.ts";
import type { Journal, JournalRecord, Unfinished } from "../../src/ports/journal.ts";
import { runEew } from "../../src/roles/eew.ts";
import { SimulatedBus } from "../../src/sim/bus.ts";
import { VirtualClock } from "../../src/sim/clock.ts";
import { simulatedExchange } from "../../src/sim/exchange.ts";
import { Venue } from "../../src/sim/venue.ts";
import { aBeat, aDelivery } from "../support/core.ts";
import { SECOND_LINE } from "../support/second-line.ts";

const KEY = "direct-key";
const COMPLETION: Omit<Completion, "outcome"> = {
  eventId: "first",
  positionsTotal: 0,
  positionsClosed: 0,
  positionsFailed: 0,
  failedSymbols: [],
  executionTimeMs: 1,
  reason: "R",
  source: "watchdog",
  ordersCancelled: 0,
  residual: [],
  notionalUsd: ZERO,
};
/** How long a bus that is away takes to say so. */
const NO_ANSWER_MS = 20;

let clock: VirtualClock;
let bus: SimulatedBus;
let venue: Venue;
let away: boolean;
/** The event whose report alone does not get through. */
let stuck: string | null;
/** Events that the bus delivers once more, whatever became of them. */
let again: Delivery[];
/** The bus has lost every outcome. */
let forgetful: boolean;
/** The worker hears no heartbeat between its looks. */
let deaf: boolean;
/** How often the worker has looked at the bus. */
let looks: number;
let lines: string[];
let journal: JournalRecord[];
let endings: string[];
let stop: AbortController;
let ended: Promise<unknown>;
let call: (delivery: Delivery) => void;
/** What an earlier life raised and did not finish. */
let left: readonly Unfinished[];
/** What is known of passes in earlier lives. */
let before: ReadonlyMap<string, Ending>;

beforeEach(() => {
  clock = new VirtualClock(1_795_000_000_000 as UnixMillis);
  bus = new SimulatedBus(clock);
  venue = new Venue({ now: () => clock.wall() });
  venue.addAccount({ apiKey: KEY, secret: "secret" });
  venue.openPosition(KEY, { symbol: "BTCUSDT", amount: "0.5" });
  [stuck, looks, again, forgetful, left, deaf] = [null, 0, [], false, [], false];
  [away, lines, journal, endings, before] = [false, [], [], [], new Map()];
  stop = new AbortController();
});
afterEach(async () => {
  away = false;
  stop.abort();
  await clock.runUntil(() => false, 30_000);
  await ended;
});

/** The worker's side of the bus: unknown, every method, while Redis is away. */
function breakable(whole: EewBus): EewBus {
  const broken = Object.entries(whole).map(([name, method]: [string, (...args: unknown[]) => unknown]) => [
    name,
    async (...args: unknown[]) => {
      if (name === "next" && again.length > 0) return known(again.shift());
      if (name === "outcome" && forgetful) return known(null);
      const isStuck = name === "report" && (args[0] as Delivery).eventId === stuck;
      if (name === "vigil") looks += 1;
      const isDeaf = name === "hearBrain" && deaf;
      if (!away && !isStuck && !isDeaf) return await method(...args);
      await clock.sleep(NO_ANSWER_MS);
      return unknown("no answer");
    },
  ]);
  return Object.fromEntries(broken) as EewBus;
}

function start(line: { next?: () => Promise<Delivery> } = {}): void {
  let heard: ((delivery: Delivery) => void) | null = null;
  const waiting: Delivery[] = [];
  call = (delivery) => {
    waiting.push(delivery);
    heard?.(waiting.shift() as Delivery);
    heard = null;
  };
  const direct = {
    next: () =>
      new Promise<Delivery>((resolve) => {
        const next = waiting.shift();
        if (next === undefined) heard = resolve;
        else resolve(next);
      }),
    ended: (eventId: string, { outcome, open }: Ending) =>
      void endings.push(`${eventId} ${outcome} ${open.join()}`.trim()),
    ...line,
  };
  const kept: Journal = {
    append: (record) => journal.push(record) > 0,
    unfinished: () => left,
    executed: (eventId) => before.get(eventId) ?? null,
    halt: () => {
      const last = journal.findLast((record) => record.kind === "executed");
      if (last === undefined) return null;
      const isReport = (record: JournalRecord): boolean =>
        record.kind === "reconciled" && record.eventId === last.halt.eventId;
      return { ...last, onRecord: journal.some(isReport) };
    },
    trouble: () => null,
  };
  ended = runEew(
    {
      ...SECOND_LINE,
      clock,
      bus: breakable(bus.eew("worker")),
      exchange: simulatedExchange(venue, KEY),
      rulebooks: { load: () => new Map(), save: () => true },
      log: { write: (_level, text) => void lines.push(text) },
      limits: EEW_LIMITS,
      identity: { serviceId: "eew", instanceId: "eew" },
      direct,
      journal: kept,
    },
    { signal: stop.signal },
  );
}

const direct = (eventId: string, changes: Partial<Delivery> = {}): Delivery =>
  aDelivery({ entryId: "", eventId, ageMs: 0, ...changes });

/** By event id and outcome, in the order of the record. */
const record = (): readonly string[] => bus.completions().map(({ eventId, outcome }) => `${eventId} ${outcome}`);
const passes = (): number => lines.filter((line) => line.startsWith("Trigger validated")).length;
const pause = (ms: number): Promise<unknown> => clock.runUntil(() => false, ms);

test("an hour of looks at the bus leaves nothing behind at the direct line, which is asked once", async () => {
  let heard = 0;
  class Quiet extends Promise<Delivery> {
    // biome-ignore lint/suspicious/noThenProperty: whoever waits for a promise calls it, by name or by a race
    override then: Promise<Delivery>["then"] = (...args) => {
      heard += 1;
      return super.then(...args) as never;
    };
  }
  const quiet = new Quiet(() => undefined);
  start({ next: () => quiet });
  await pause(3_600_000);
  expect(looks).toBeGreaterThan(3_000);
  expect(heard).toBe(1);
});

test("without Redis the next event does not wait for the last one's report; back, each is on record once, in order", async () => {
  start();
  await pause(1_000);
  away = true;
  venue.setMarketBlocked("BTCUSDT", true);
  call(direct("first"));
  await clock.runUntil(() => endings.length === 1, 30_000);
  venue.setMarketBlocked("BTCUSDT", false);
  call(direct("second", { followsUp: { incidentId: "first", number: 2 } }));
  await clock.runUntil(() => endings.length === 2, 60_000);
  expect(endings).toEqual(["first NOT_FLAT BTCUSDT 0.5", "second FLAT"]);
  expect(record()).toEqual([]);
  away = false;
  stuck = "first";
  await pause(3_000);
  expect(record()).toEqual([]);
  stuck = null;
  await pause(3_000);
  expect(record()).toEqual(["first NOT_FLAT", "second FLAT"]);
  expect(bus.panics().map(({ eventId }) => eventId)).toEqual(["first", "second"]);
  expect(await bus.brain().halt()).toMatchObject({ value: { eventId: "second" } });
  expect(journal.filter(({ kind }) => kind === "reconciled")).toMatchObject([
    { eventId: "first" },
    { eventId: "second" },
  ]);
});

test("listens with one pair of ears again once the report it had listened beside is confirmed", async () => {
  start();
  await pause(1_000);
  away = true;
  call(direct("first"));
  await pause(10_000);
  away = false;
  await pause(2_000);
  const before = looks;
  await pause(10_000);
  // A look waits a second for an event.
  expect(looks - before).toBeLessThanOrEqual(11);
});

test("what the watchdog publishes besides is not executed a second time, nor told as refused", async () => {
  start();
  await pause(1_000);
  away = true;
  call(direct("first"));
  await clock.runUntil(() => endings.length === 1, 30_000);
  await bus.publish({ eventId: "first", reason: "R", issuedBy: "watchdog", ts: clock.wall() });
  away = false;
  await pause(5_000);
  expect([record(), passes()]).toEqual([["first FLAT"], 1]);
  expect(lines).toContain("Event first came by the bus as well: executed already");
  expect(lines.filter((line) => line.includes("not executed"))).toEqual([]);
});

test("an event of the bus whose report was lost is read anew, and not executed anew", async () => {
  start();
  await pause(1_000);
  await bus.publish({ eventId: "first", reason: "R", issuedBy: "watchdog", ts: clock.wall() });
  await clock.runUntil(() => lines.some((line) => line.startsWith("Trigger validated")), 30_000);
  away = true;
  await clock.runUntil(() => endings.length === 1, 30_000);
  call(direct("second"));
  await clock.runUntil(() => endings.length === 2, 60_000);
  away = false;
  await pause(5_000);
  expect([record(), passes()]).toEqual([["first FLAT", "second FLAT"], 2]);
});

test("an event that is delivered again is executed again only if its report is on record no more", async () => {
  start();
  await pause(1_000);
  await bus.publish({ eventId: "first", reason: "R", issuedBy: "watchdog", ts: clock.wall() });
  await clock.runUntil(() => endings.length === 1, 30_000);
  await pause(2_000);
  again = [aDelivery({ eventId: "first" })];
  await pause(5_000);
  expect(passes()).toBe(1);
  // A failover to a replica that never got the report.
  forgetful = true;
  again = [aDelivery({ eventId: "first" })];
  await pause(5_000);
  expect([passes(), endings]).toEqual([2, ["first FLAT", "first FLAT"]]);
});

test("its own second line does not raise what the watchdog has raised by the direct line", async () => {
  start();
  await bus.pulse().beat("brain", aBeat().heartbeat);
  await bus.pulse().beat("watchdog", aBeat().heartbeat);
  await pause(3_000);
  const vigil = await bus.eew("other").vigil();
  const incidentId = vigil.known ? (vigil.value.brain?.incidentId ?? "") : "";
  away = true;
  call(direct(incidentId));
  await pause(20_000);
  expect(passes()).toBe(1);
  away = false;
  await pause(5_000);
  expect(record()).toEqual([`${incidentId} FLAT`]);
});

test("what an earlier life raised is executed, unless it is on record already: then the halt stays with whoever has it now", async () => {
  const halt = { reason: "R", source: "eew", eventId: "first", positionsClosed: 1 };
  await bus.eew("other").report(aDelivery({ entryId: "", eventId: "first" }), { ...COMPLETION, outcome: "FLAT" }, halt);
  const newer = { ...halt, eventId: "newer" };
  left = [
    { eventId: "first", reason: "REDIS_LOST", found: [] },
    { eventId: "second", reason: "REDIS_LOST", found: [] },
  ];
  await bus.eew("other").writeHalt(newer);
  start();
  await pause(50);
  expect(journal.filter(({ kind }) => kind !== "raised")[0]).toEqual({ kind: "reconciled", eventId: "first" });
  await pause(5_000);
  expect([passes(), endings]).toEqual([1, ["second FLAT"]]);
});

test("what an earlier life raised is over where a later attempt of its incident ended FLAT: what was opened behind a reset stays", async () => {
  const halt = {
    reason: "R",
    source: "eew",
    eventId: eventIdOf({ incidentId: "first", number: 2 }),
    positionsClosed: 1,
  };
  const followsUp = { incidentId: "first", number: 2 };
  await bus
    .eew("other")
    .report(
      aDelivery({ entryId: "", eventId: halt.eventId, followsUp }),
      { ...COMPLETION, eventId: halt.eventId, outcome: "FLAT" },
      halt,
    );
  bus.reset();
  left = [{ eventId: "first", reason: "REDIS_LOST", found: [] }];
  start();
  await pause(5_000);
  expect(journal.filter(({ kind }) => kind === "reconciled")).toEqual([{ kind: "reconciled", eventId: "first" }]);
  expect([passes(), await bus.brain().halt()]).toEqual([0, known(null)]);
});

test("a follow-up that an earlier life has begun stays one: the first attempt, reported late, does not take the halt back", async () => {
  const followsUp = { incidentId: "first", number: 2 };
  away = true;
  start();
  call({ ...direct("second"), followsUp });
  await clock.runUntil(() => journal.some(({ kind }) => kind === "raised"), 5_000);
  left = new JournalMemory(journal).unfinished();
  stop.abort();
  await clock.runUntil(() => false, 30_000);
  await ended;

  away = false;
  stop = new AbortController();
  start();
  await pause(5_000);
  expect(lines).toContain("Attempt: 2 of incident first");
  const halt = { reason: "R", source: "watchdog", eventId: "first", positionsClosed: 0 };
  await bus
    .eew("other")
    .report(
      aDelivery({ entryId: "", eventId: "first" }),
      { ...COMPLETION, eventId: "first", outcome: "NOT_FLAT" },
      halt,
    );
  expect(await bus.brain().halt()).toMatchObject({ value: { eventId: "second", source: "watchdog" } });
});

/** Redis is lost right after a heartbeat that the watchdog has heard, and that no look of the worker has shown. */
async function lostAfterUnseenBeat(): Promise<{ readonly seen: string; readonly unseen: string }> {
  start();
  const newest = async (): Promise<string> => {
    const vigil = await bus.eew("other").vigil();
    return vigil.known ? (vigil.value.brain?.incidentId ?? "") : "";
  };
  await bus.pulse().beat("brain", aBeat().heartbeat);
  await bus.pulse().beat("watchdog", aBeat().heartbeat);
  await pause(2_000);
  const seen = await newest();
  const before = looks;
  await clock.runUntil(() => looks > before, 5_000);
  await pause(10);
  await bus.pulse().beat("brain", aBeat().heartbeat);
  const unseen = await newest();
  away = true;
  expect(unseen).not.toBe(seen);
  return { seen, unseen };
}

test("its own second line raises nothing over an account that the watchdog's event has left flat, whatever id that has", async () => {
  deaf = true;
  const { unseen } = await lostAfterUnseenBeat();
  call(direct(unseen));
  await pause(30_000);
  expect([passes(), endings]).toEqual([1, [`${unseen} FLAT`]]);
  away = false;
  await pause(5_000);
  expect(record()).toEqual([`${unseen} FLAT`]);
  expect(bus.panics().map(({ eventId }) => eventId)).toEqual([unseen]);
});

test("whoever is first, its own second line or the watchdog, both name the incident by the last heartbeat: there is one", async () => {
  const { unseen } = await lostAfterUnseenBeat();
  await clock.runUntil(() => endings.length === 1, 30_000);
  expect(lines).toContain("FAILURE DETECTED: REDIS_LOST_(5.1S_>_5.0S)");
  call(direct(unseen));
  await pause(30_000);
  away = false;
  await pause(5_000);
  expect([passes(), record()]).toEqual([1, [`${unseen} FLAT`]]);
});

test("but it does over one that the watchdog's event has left open", async () => {
  deaf = true;
  const { seen, unseen } = await lostAfterUnseenBeat();
  venue.setMarketBlocked("BTCUSDT", true);
  call(direct(unseen));
  await clock.runUntil(() => endings.length === 1, 30_000);
  venue.setMarketBlocked("BTCUSDT", false);
  await pause(30_000);
  expect(endings).toEqual([`${unseen} NOT_FLAT BTCUSDT 0.5`, `${seen} FLAT`]);
});

test.each([
  ["by the journal, where Redis is away", "direct"],
  ["by the bus", "bus"],
] as const)(
  "a pass that a former life was killed in counts what that one closed: it comes again %s",
  async (_how, way) => {
    venue.openPosition(KEY, { symbol: "ETHUSDT", amount: "-2" });
    start();
    await pause(1_000);
    away = way === "direct";
    stuck = "first";
    if (way === "direct") call(direct("first"));
    else await bus.publish({ eventId: "first", reason: "R", issuedBy: "watchdog", ts: clock.wall() });
    // The second leg is refused, so the pass goes on when the first is closed; then the process is gone.
    venue.setMarketBlocked("ETHUSDT", true);
    await clock.runUntil(() => venue.positions(KEY).length === 1, 5_000);
    left = new JournalMemory(journal).unfinished();
    stop.abort();
    await clock.runUntil(() => false, 30_000);
    await ended;
    expect(record()).toEqual([]);

    venue.setMarketBlocked("ETHUSDT", false);
    [away, stuck] = [false, null];
    stop = new AbortController();
    start();
    await clock.runUntil(() => bus.completions().length > 0, 30_000);
    const [report] = bus.completions();
    expect(report).toMatchObject({ outcome: "FLAT", positionsTotal: 2, positionsClosed: 2, positionsFailed: 0 });
    expect(report?.notionalUsd.gt(venue.mark("BTCUSDT").times("0.5"))).toBe(true);
    expect(await bus.brain().halt()).toMatchObject({ value: { positionsClosed: 2 } });
    expect(lines).toContain("Closed: 2/2");
  },
);

test("what an earlier life raised is executed where Redis can't be asked", async () => {
  left = [{ eventId: "first", reason: "REDIS_LOST", found: [] }];
  away = true;
  start();
  await pause(5_000);
  expect(endings).toEqual(["first FLAT"]);
});

test.each([
  ["in an earlier life", "NOT_FLAT", ["BTCUSDT 0.5"]],
  ["by another worker", "FLAT", []],
] as const)("what was executed %s is answered, and not executed again", async (who, outcome, open) => {
  if (who === "in an earlier life") before = new Map([["first", { outcome, open }]]);
  else {
    const other = bus.eew("other");
    await bus.publish({ eventId: "first", reason: "R", issuedBy: "watchdog", ts: clock.wall() });
    const delivery = await other.next();
    if (!delivery.known || delivery.value === null) throw new Error("not delivered");
    const halt = { reason: "R", source: "watchdog", eventId: "first", positionsClosed: 1 };
    await other.report(delivery.value, { ...COMPLETION, outcome }, halt);
    bus.reset();
  }
  start();
  await pause(1_000);
  call(direct("first"));
  await pause(5_000);
  expect([passes(), endings]).toEqual([0, [`first ${outcome} ${open.join()}`.trim()]]);
  expect(await bus.brain().halt()).toEqual({ known: true, value: null });
});

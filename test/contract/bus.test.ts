/** One suite for the bus, run on Redis and on the bus in memory: where they differ, the one in memory is wrong. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { hostClock } from "../../src/adapters/host/clock.ts";
import { redisBrainBus } from "../../src/adapters/redis/brain-bus.ts";
import { redisEewBus } from "../../src/adapters/redis/eew-bus.ts";
import { redisWatchdogBus } from "../../src/adapters/redis/watchdog-bus.ts";
import { plain } from "../../src/core/decimal.ts";
import type { PastHalt } from "../../src/core/halt-memory.ts";
import type { Attempt, Delivery, Halt } from "../../src/core/messages.ts";
import { type FoundLeg, legName } from "../../src/core/position.ts";
import type { Reading } from "../../src/core/reading.ts";
import type { BrainBus, EewBus, WatchdogBus } from "../../src/ports/bus.ts";
import { SimulatedBus } from "../../src/sim/bus.ts";
import { type AclRedis, type AclUser, startAclRedis } from "../support/acl.ts";
import { aBeat, aCompletion, aHalt, aPosition } from "../support/core.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";

/** Every side of one bus. */
interface Sides {
  readonly brain: BrainBus;
  watchdog(): WatchdogBus;
  eew(worker: string): EewBus;
  /** `DEL system:state:trading`. */
  reset(): Promise<void>;
  /** `FLUSHALL`. */
  flush(): Promise<void>;
  close(): void;
}

let redis: TestRedis;
let guarded: AclRedis;
let namespaces = 0;

function onRedis(): Sides {
  return sidesOn(redis, () => redis.url);
}

/** Each side as the user that `redis/users.acl` has for it. */
function onGuardedRedis(): Sides {
  return sidesOn(guarded, guarded.urlOf);
}

function sidesOn(server: TestRedis, urlOf: (user: AclUser) => string): Sides {
  const options = { namespace: `t${namespaces++}`, triggerSecret: null, deadlineMs: 2_000 };
  const open: { close(): void }[] = [];
  const keep = <T extends { close(): void }>(side: T): T => {
    open.push(side);
    return side;
  };
  return {
    brain: keep(redisBrainBus({ ...options, url: urlOf("quantum-brain") })),
    watchdog: () => keep(redisWatchdogBus({ ...options, url: urlOf("quantum-watchdog"), clock: hostClock })),
    eew: (worker) => keep(redisEewBus({ ...options, url: urlOf("quantum-eew"), worker, clock: hostClock })),
    reset: async () => {
      await server.command("DEL", `${options.namespace}:system:state:trading`);
    },
    flush: async () => {
      await server.command("FLUSHALL");
    },
    close: () => {
      for (const side of open) side.close();
    },
  };
}

function inMemory(): Sides {
  const bus = new SimulatedBus(hostClock);
  return {
    brain: bus.brain(),
    watchdog: () => bus.watchdog(),
    eew: (worker) => bus.eew(worker),
    reset: async () => bus.reset(),
    flush: async () => bus.flush(),
    close: () => undefined,
  };
}

beforeAll(async () => {
  [redis, guarded] = await Promise.all([startRedis(), startAclRedis("t*:")]);
});
afterAll(() => Promise.all([redis.stop(), guarded.stop()]));

const HEARTBEAT = aBeat().heartbeat;

/** The attempt that opens an incident. */
function first(incidentId: string): Attempt {
  return { incidentId, number: 1 };
}

async function get<T>(question: Promise<Reading<T>>): Promise<T> {
  const answer = await question;
  if (!answer.known) throw new Error(answer.why);
  return answer.value;
}

function legWords(leg: FoundLeg): string {
  return `${legName(leg)} ${plain(leg.amount)} ${plain(leg.markPrice)}`;
}

/** The next event, however many empty reads come before it. */
async function nextEvent(eew: EewBus): Promise<Delivery> {
  for (let reads = 0; reads < 10; reads++) {
    const delivery = await get(eew.next());
    if (delivery !== null) return delivery;
  }
  throw new Error("no event came");
}

describe.each([
  ["Redis", onRedis],
  ["Redis with the least rights", onGuardedRedis],
  ["memory", inMemory],
] as const)("the bus on %s", (_name, open) => {
  let sides: Sides;
  beforeEach(() => {
    sides = open();
    return () => sides.close();
  });

  test("a worker hears each heartbeat when it comes, under the name that a look gives it", async () => {
    const eew = sides.eew("worker");
    await get(sides.brain.beat("brain", HEARTBEAT));
    expect(await get(eew.hearBrain())).toBeNull();
    const waiting = get(eew.hearBrain());
    await get(sides.brain.beat("brain", HEARTBEAT));
    const heard = await waiting;
    expect(heard).not.toBeNull();
    expect((await get(eew.vigil())).brain?.incidentId).toBe(heard ?? "");
    await get(sides.brain.beat("brain", HEARTBEAT));
    await get(sides.brain.beat("brain", HEARTBEAT));
    const last = await get(eew.hearBrain());
    expect((await get(eew.vigil())).brain?.incidentId).toBe(last ?? "");
    expect(await get(eew.hearBrain())).toBeNull();
  });

  test("a watchdog that attaches to nothing sees nothing", async () => {
    expect(await get(sides.watchdog().attach())).toEqual({
      standing: { halt: null, haltedBy: null, outcomes: new Map(), absenceId: expect.any(String), lostEvent: null },
      lastBeat: null,
    });
  });

  test("a watchdog that attaches sees the last heartbeat with its age", async () => {
    await get(sides.brain.beat("brain", HEARTBEAT));
    const { lastBeat } = await get(sides.watchdog().attach());
    expect(lastBeat?.beat.heartbeat).toEqual(HEARTBEAT);
    expect(lastBeat?.ageMs).toBeLessThan(5_000);
    expect(lastBeat?.incidentCompleted).toBe(false);
  });

  test.each([
    ["brain", () => sides.brain, "watchdog"],
    ["watchdog", () => sides.watchdog(), "brain"],
  ] as const)("a %s sees who was heard last, and when", async (_who, side, silent) => {
    const reader = side();
    expect(await get(reader.lastHeard([silent, "eew"]))).toEqual([
      { role: silent, last: null },
      { role: "eew", last: null },
    ]);
    await get(sides.eew("worker").beat("eew", HEARTBEAT));
    const [mute, eew] = await get(reader.lastHeard([silent, "eew"]));
    expect(mute?.last).toBeNull();
    expect(eew?.last?.ageMs).toBeLessThan(5_000);
    const [again] = await get(reader.lastHeard(["eew"]));
    expect(again?.last?.entry).toBe(eew?.last?.entry ?? "");
    await get(sides.eew("worker").beat("eew", HEARTBEAT));
    const [newer] = await get(reader.lastHeard(["eew"]));
    expect(newer?.last?.entry).not.toBe(eew?.last?.entry ?? "");
  });

  test("every heartbeat after the attach is seen once, in order", async () => {
    const watchdog = sides.watchdog();
    await get(sides.brain.beat("brain", HEARTBEAT));
    await get(watchdog.attach());
    await get(sides.brain.beat("brain", { ...HEARTBEAT, status: "DEGRADED" }));
    await get(sides.brain.beat("brain", HEARTBEAT));
    const seen: string[] = [];
    while (seen.length < 2) {
      const { beats } = await get(watchdog.watch([]));
      seen.push(...beats.map((beat) => ("malformed" in beat ? "malformed" : beat.heartbeat.status)));
    }
    expect(seen).toEqual(["DEGRADED", "ALIVE"]);
    expect((await get(watchdog.watch([]))).beats).toEqual([]);
  });

  test("a drain brings what arrived since the last look at once, with its age, and brings it once", async () => {
    const watchdog = sides.watchdog();
    await get(sides.brain.beat("brain", HEARTBEAT));
    await get(watchdog.attach());
    await get(sides.brain.beat("brain", { ...HEARTBEAT, status: "DEGRADED" }));
    await hostClock.sleep(200);
    await get(sides.brain.beat("brain", HEARTBEAT));
    const { beats, standing } = await get(watchdog.drain([]));
    const aged = beats.flatMap((beat) => ("malformed" in beat ? [] : [beat]));
    expect(aged.map(({ beat }) => beat.heartbeat.status)).toEqual(["DEGRADED", "ALIVE"]);
    const [old, young] = aged.map(({ ageMs }) => ageMs);
    // A busy machine may take long over it; two heartbeats 200 ms apart stay apart.
    expect((old ?? 0) - (young ?? 0)).toBeGreaterThanOrEqual(190);
    expect(young).toBeGreaterThanOrEqual(0);
    expect(young).toBeLessThan(5_000);
    expect(standing.halt).toBeNull();
    expect((await get(watchdog.drain([]))).beats).toEqual([]);
    expect((await get(watchdog.watch([]))).beats).toEqual([]);
  });

  test("a drain overtakes the look under way, and no heartbeat is lost or brought twice", async () => {
    const watchdog = sides.watchdog();
    await get(watchdog.attach());
    const overtaken = watchdog.watch([]);
    expect((await get(watchdog.drain([]))).beats).toEqual([]);
    await get(sides.brain.beat("brain", HEARTBEAT));
    expect((await get(watchdog.watch([]))).beats).toHaveLength(1);
    expect((await overtaken).known).toBe(false);
    expect((await get(watchdog.drain([]))).beats).toEqual([]);
  });

  test("a drain reads the halt and the outcomes too", async () => {
    const eew = sides.eew("worker");
    const watchdog = sides.watchdog();
    await get(watchdog.attach());
    await get(watchdog.publish(first("e1"), "TEST"));
    await get(eew.report(await nextEvent(eew), aCompletion("e1"), aHalt("e1")));
    await sides.reset();
    const { standing } = await get(watchdog.drain(["e1"]));
    expect(standing.halt).toBeNull();
    expect([...standing.outcomes]).toEqual([["e1", "FLAT"]]);
  });

  test("all watchdogs name the same incident where no brain ever came, and another one after each completion", async () => {
    const [one, two] = [sides.watchdog(), sides.watchdog()];
    const absence = (await get(one.attach())).standing.absenceId;
    expect((await get(two.attach())).standing.absenceId).toBe(absence);
    const eew = sides.eew("worker");
    await get(one.publish(first(absence), "TEST"));
    expect((await get(two.attach())).standing.absenceId).toBe(absence);
    await get(eew.report(await nextEvent(eew), aCompletion(absence), aHalt(absence)));
    const next = (await get(one.watch([]))).standing.absenceId;
    expect(next).not.toBe(absence);
    expect((await get(two.drain([]))).standing.absenceId).toBe(next);
  });

  test("a waiting watchdog is woken by a heartbeat", async () => {
    const watchdog = sides.watchdog();
    await get(watchdog.attach());
    const watched = get(watchdog.watch([]));
    await get(sides.brain.beat("brain", HEARTBEAT));
    expect((await watched).beats).toHaveLength(1);
  });

  test("two watchdogs name the same incident after the same heartbeat, and another after the next", async () => {
    const [one, two] = [sides.watchdog(), sides.watchdog()];
    await get(sides.brain.beat("brain", HEARTBEAT));
    const first = (await get(one.attach())).lastBeat?.beat.incidentId;
    expect((await get(two.attach())).lastBeat?.beat.incidentId).toBe(first ?? "");
    await get(sides.brain.beat("brain", HEARTBEAT));
    expect((await get(two.attach())).lastBeat?.beat.incidentId).not.toBe(first ?? "");
  });

  test("a brain names its own incident as a watchdog does that misses its last heartbeat", async () => {
    const watchdog = sides.watchdog();
    const other = aBeat("ALIVE", "", { instanceId: "instance-2" }).heartbeat;
    const unheard = await sides.brain.ownIncident("instance-1");
    expect(unheard).toMatch(/^[\da-f]{8}-[\da-f]{4}-5[\da-f]{3}-[\da-f]{4}-[\da-f]{12}$/);
    expect(await sides.brain.ownIncident("instance-1")).toBe(unheard);
    expect(await sides.brain.ownIncident("instance-2")).not.toBe(unheard);
    await get(sides.brain.beat("brain", HEARTBEAT));
    await get(sides.brain.beat("brain", HEARTBEAT));
    const missed = (await get(watchdog.attach())).lastBeat?.beat.incidentId;
    expect(await sides.brain.ownIncident("instance-1")).toBe(missed ?? "");
    await get(sides.brain.beat("brain", other));
    expect(await sides.brain.ownIncident("instance-1")).toBe(missed ?? "");
    expect(await sides.brain.ownIncident("instance-2")).not.toBe(missed ?? "");
  });

  test("a panic that a brain raises is one with the watchdog's that follows, and says who was first", async () => {
    const [eew, watchdog] = [sides.eew("worker"), sides.watchdog()];
    await get(sides.brain.beat("brain", HEARTBEAT));
    const incidentId = await sides.brain.ownIncident("instance-1");
    await get(sides.brain.raise(incidentId, "BOT_GONE"));
    await get(sides.brain.raise(incidentId, "BOT_GONE"));
    expect(await get(watchdog.publish(first(incidentId), "MISSING"))).toBe(incidentId);
    const delivery = await nextEvent(eew);
    expect(delivery).toMatchObject({
      eventId: incidentId,
      reason: "BOT_GONE",
      issuedBy: "exit_brain",
      followsUp: null,
    });
    await get(eew.acknowledge(delivery));
    expect(await get(eew.next())).toBeNull();
  });

  test("an event that is published twice is delivered once", async () => {
    const eew = sides.eew("worker");
    await get(sides.watchdog().publish(first("e1"), "TEST"));
    await get(sides.watchdog().publish(first("e1"), "TEST"));
    await get(sides.watchdog().publish(first("e2"), "TEST"));
    expect((await nextEvent(eew)).eventId).toBe("e1");
    expect((await nextEvent(eew)).eventId).toBe("e2");
    expect(await get(eew.next())).toBeNull();
  });

  test("an event published before any worker existed is delivered", async () => {
    await get(sides.watchdog().publish(first("early"), "TEST"));
    expect(await nextEvent(sides.eew("worker"))).toMatchObject({
      eventId: "early",
      reason: "TEST",
      issuedBy: "watchdog",
      signature: "not_required",
      completed: false,
    });
  });

  test("a worker that is started again finds what it left unfinished, and only that", async () => {
    await get(sides.watchdog().publish(first("e1"), "TEST"));
    await nextEvent(sides.eew("worker"));
    expect(await get(sides.eew("another").next())).toBeNull();
    const delivery = await nextEvent(sides.eew("worker"));
    expect(delivery.eventId).toBe("e1");
  });

  test("an event that another worker has begun and left is taken over, by one", async () => {
    await get(sides.watchdog().publish(first("e1"), "TEST"));
    await nextEvent(sides.eew("dead"));
    const [one, two] = [sides.eew("one"), sides.eew("two")];
    const taken: Delivery[] = [];
    const until = Date.now() + 8_000;
    while (taken.length === 0 && Date.now() < until) {
      for (const answer of await Promise.all([get(one.next()), get(two.next())]))
        if (answer !== null) taken.push(answer);
    }
    expect(taken.map(({ eventId }) => eventId)).toEqual(["e1"]);
  }, 20_000);

  test("an event that a former read of the same worker has got is delivered after all", async () => {
    const [former, worker] = [sides.eew("worker"), sides.eew("worker")];
    // It has found the group, and nothing that was left.
    for (let i = 0; i < 2; i++) expect(await get(worker.next())).toBeNull();
    await get(sides.watchdog().publish(first("e1"), "TEST"));
    await nextEvent(former);
    let again: Delivery | null = null;
    for (const until = Date.now() + 8_000; again === null && Date.now() < until; ) again = await get(worker.next());
    expect(again?.eventId).toBe("e1");
  }, 20_000);

  test("an event whose claim is renewed stays with its worker, for as long as it is", async () => {
    await get(sides.watchdog().publish(first("e1"), "TEST"));
    const owner = sides.eew("owner");
    const delivery = await nextEvent(owner);
    const other = sides.eew("other");
    const until = Date.now() + 4_500;
    while (Date.now() < until) {
      await get(owner.renew(delivery));
      expect(await get(other.next())).toBeNull();
    }
    await get(owner.report(delivery, aCompletion("e1"), aHalt("e1")));
    expect(await get(other.next())).toBeNull();
  }, 20_000);

  test("what a pass has found open comes with the event until its report, each leg once and as it was found first", async () => {
    await get(sides.watchdog().publish(first("e1"), "TEST"));
    await get(sides.watchdog().publish(first("e2"), "TEST"));
    const eew = sides.eew("worker");
    const delivery = await nextEvent(eew);
    expect(delivery.foundBefore).toEqual([]);
    await get(
      eew.noteFound(delivery, [aPosition("BTCUSDT", "0.0000005", "50000"), aPosition("ETHUSDT", "-2", "2000.5")]),
    );
    const next = await nextEvent(sides.eew("worker"));
    expect(next.eventId).toBe("e1");
    expect(next.foundBefore.map(legWords)).toEqual(["BTCUSDT 0.0000005 50000", "ETHUSDT -2 2000.5"]);
    await get(eew.noteFound(next, [aPosition("ETHUSDT", "-1", "2000"), aPosition("ETHUSDT", "3", "2000", "LONG")]));
    const third = await nextEvent(sides.eew("worker"));
    const all = ["BTCUSDT 0.0000005 50000", "ETHUSDT -2 2000.5", "ETHUSDT:LONG 3 2000"];
    expect(third.foundBefore.map(legWords)).toEqual(all);
    await get(eew.report(third, aCompletion("e1"), aHalt("e1")));
    await get(eew.noteFound(third, [aPosition("BTCUSDT", "1")]));
    const other = await nextEvent(sides.eew("worker"));
    expect([other.eventId, other.foundBefore]).toEqual(["e2", []]);
  });

  test("what was found open is lost with the rest, and no further", async () => {
    await get(sides.watchdog().publish(first("e1"), "TEST"));
    const eew = sides.eew("worker");
    await get(eew.noteFound(await nextEvent(eew), [aPosition("BTCUSDT", "1")]));
    await sides.flush();
    await get(sides.watchdog().publish(first("e1"), "TEST"));
    expect((await nextEvent(sides.eew("worker"))).foundBefore).toEqual([]);
  });

  test("an acknowledged event is not delivered again", async () => {
    await get(sides.watchdog().publish(first("e1"), "TEST"));
    const eew = sides.eew("worker");
    await get(eew.acknowledge(await nextEvent(eew)));
    expect(await get(sides.eew("worker").next())).toBeNull();
  });

  test("the halt can be read once written, and a report updates it", async () => {
    const eew = sides.eew("worker");
    expect(await get(sides.brain.halt())).toBeNull();
    await get(sides.watchdog().publish(first("e1"), "TEST"));
    const delivery = await nextEvent(eew);
    const halt: Halt = aHalt("e1");
    await get(eew.writeHalt(halt));
    expect(await get(sides.brain.halt())).toEqual(halt);
    await get(eew.report(delivery, aCompletion("e1"), { ...halt, positionsClosed: 2 }));
    expect(await get(sides.brain.halt())).toEqual({ ...halt, positionsClosed: 2 });
  });

  test("a DEL of the halt in the middle of a pass is undone by the report", async () => {
    const eew = sides.eew("worker");
    await get(sides.watchdog().publish(first("e1"), "TEST"));
    const delivery = await nextEvent(eew);
    await get(eew.writeHalt(aHalt("e1")));
    await sides.reset();
    await get(eew.report(delivery, aCompletion("e1"), aHalt("e1")));
    expect(await get(sides.brain.halt())).not.toBeNull();
  });

  test("a report that is repeated after a reset does not halt again", async () => {
    const eew = sides.eew("worker");
    await get(sides.watchdog().publish(first("e1"), "TEST"));
    const delivery = await nextEvent(eew);
    await get(eew.report(delivery, aCompletion("e1"), aHalt("e1")));
    await sides.reset();
    await get(eew.report(delivery, aCompletion("e1"), aHalt("e1")));
    expect(await get(sides.brain.halt())).toBeNull();
  });

  test("a reported event is acknowledged, and known as completed", async () => {
    const eew = sides.eew("worker");
    await get(sides.watchdog().publish(first("e1"), "TEST"));
    await get(eew.report(await nextEvent(eew), aCompletion("e1"), aHalt("e1")));
    expect(await get(sides.eew("worker").next())).toBeNull();
    expect(await get(sides.eew("another").outcome("e1"))).toBe("FLAT");
    expect(await get(sides.eew("another").outcome("e2"))).toBeNull();
  });

  test("a brain sees the end of its own panic", async () => {
    const eew = sides.eew("worker");
    const hasEnded = async (eventId: string | null) => (await get(sides.brain.permission(eventId))).ownEnded;
    await get(sides.watchdog().publish(first("e1"), "TEST"));
    const delivery = await nextEvent(eew);
    expect([await hasEnded("e1"), await hasEnded(null)]).toEqual([false, false]);
    await get(eew.report(delivery, aCompletion("e1", "UNKNOWN"), aHalt("e1")));
    expect([await hasEnded("e1"), await hasEnded("e2")]).toEqual([true, false]);
  });

  test("a watchdog sees the outcome of the halt's event and of its own incident", async () => {
    const eew = sides.eew("worker");
    const watchdog = sides.watchdog();
    await get(watchdog.attach());
    await get(watchdog.publish(first("e1"), "TEST"));
    await get(eew.report(await nextEvent(eew), aCompletion("e1", "NOT_FLAT"), aHalt("e1")));
    const halted = (await get(watchdog.watch(["e1"]))).standing;
    expect(halted.halt?.eventId).toBe("e1");
    expect([...halted.outcomes]).toEqual([["e1", "NOT_FLAT"]]);
    await sides.reset();
    const reset = (await get(watchdog.watch(["e1"]))).standing;
    expect(reset.halt).toBeNull();
    expect([...reset.outcomes]).toEqual([["e1", "NOT_FLAT"]]);
  });

  test("an attach after a reset knows that the last heartbeat's incident is over", async () => {
    await get(sides.brain.beat("brain", HEARTBEAT));
    const incident = (await get(sides.watchdog().attach())).lastBeat?.beat.incidentId ?? "";
    const eew = sides.eew("worker");
    await get(sides.watchdog().publish(first(incident), "TEST"));
    await get(eew.report(await nextEvent(eew), aCompletion(incident), aHalt(incident)));
    await sides.reset();
    const { lastBeat, standing } = await get(sides.watchdog().attach());
    expect(standing.halt).toBeNull();
    expect(lastBeat?.incidentCompleted).toBe(true);
  });

  test("a follow-up is another event, named by its incident and number alone, and published once", async () => {
    const eew = sides.eew("worker");
    const [one, two] = [sides.watchdog(), sides.watchdog()];
    expect(await get(one.publish(first("e1"), "TEST"))).toBe("e1");
    const followUp: Attempt = { incidentId: "e1", number: 2 };
    const eventId = await get(one.publish(followUp, "PANIC_CLOSE_INCOMPLETE_(NOT_FLAT)"));
    expect(await get(two.publish(followUp, "PANIC_CLOSE_INCOMPLETE_(NOT_FLAT)"))).toBe(eventId);
    expect(await get(one.publish({ incidentId: "e1", number: 3 }, "TEST"))).not.toBe(eventId);
    expect(await nextEvent(eew)).toMatchObject({ eventId: "e1", followsUp: null });
    expect(await nextEvent(eew)).toMatchObject({ eventId, followsUp: followUp });
    expect((await nextEvent(eew)).followsUp).toEqual({ incidentId: "e1", number: 3 });
  });

  test("a halt says which attempt of which incident set it", async () => {
    const watchdog = sides.watchdog();
    const eew = sides.eew("worker");
    await get(watchdog.attach());
    const eventId = await get(watchdog.publish({ incidentId: "e1", number: 2 }, "TEST"));
    await get(eew.writeHalt(aHalt("e1")));
    expect((await get(watchdog.watch([]))).standing.haltedBy).toEqual(first("e1"));
    await get(eew.writeHalt(aHalt(eventId)));
    expect((await get(watchdog.watch([]))).standing.haltedBy).toEqual({ incidentId: "e1", number: 2 });
    await get(eew.writeHalt(aHalt("")));
    expect((await get(watchdog.watch([]))).standing.haltedBy).toBeNull();
  });

  describe("a halt by a later attempt", () => {
    const second: Attempt = { incidentId: "e1", number: 2 };
    let watchdog: WatchdogBus;
    let eew: EewBus;
    let later: string;

    /** `e1` is published and its pass begun, and while that lasts the next attempt has ended FLAT. */
    async function overtake(): Promise<Delivery> {
      [watchdog, eew] = [sides.watchdog(), sides.eew("worker")];
      await get(watchdog.publish(first("e1"), "TEST"));
      const late = await nextEvent(eew);
      await get(eew.writeHalt(aHalt("e1")));
      later = await get(watchdog.publish(second, "TEST"));
      const delivery = await nextEvent(sides.eew("other"));
      await get(eew.writeHalt(aHalt(later)));
      await get(eew.report(delivery, aCompletion(later), aHalt(later)));
      return late;
    }

    test("stays when an earlier one is reported late, which comes on record once and is acknowledged", async () => {
      const late = await overtake();
      await get(eew.report(late, aCompletion("e1", "UNKNOWN"), aHalt("e1")));
      await get(eew.report(late, aCompletion("e1", "FLAT"), aHalt("e1")));
      expect(await get(sides.brain.halt())).toEqual(aHalt(later));
      expect(await get(eew.outcome("e1"))).toBe("UNKNOWN");
      expect((await get(watchdog.watch([]))).standing).toMatchObject({ haltedBy: second });
      expect((await get(eew.vigil())).violationId).not.toBeNull();
      expect(await get(sides.eew("worker").next())).toBeNull();
    });

    test("ends an earlier one with it: nothing is left to do of that, reported or not", async () => {
      const late = await overtake();
      const other = sides.eew("other");
      expect(await get(other.ended(late))).toBe("FLAT");
      expect(await get(other.ended({ eventId: later, followsUp: second }))).toBe("FLAT");
      expect(await get(other.ended({ eventId: "e2", followsUp: null }))).toBeNull();
      await get(eew.report(late, aCompletion("e1", "UNKNOWN"), aHalt("e1")));
      expect(await get(other.ended(late))).toBe("UNKNOWN");
    });

    test("stays when an earlier one is begun late", async () => {
      await overtake();
      await get(eew.writeHalt(aHalt("e1")));
      expect(await get(sides.brain.halt())).toEqual(aHalt(later));
    });

    test("that is gone makes way for the earlier one, and what opens under that is watched for: the account was flat", async () => {
      const late = await overtake();
      await sides.reset();
      await get(eew.writeHalt(aHalt("e1")));
      expect((await get(eew.vigil())).violationId).toBeNull();
      await get(eew.report(late, aCompletion("e1", "UNKNOWN"), aHalt("e1")));
      expect(await get(sides.brain.halt())).toEqual(aHalt("e1"));
      expect((await get(eew.vigil())).violationId).not.toBeNull();
    });

    test("that did not end FLAT leaves what is open to its follow-ups", async () => {
      [watchdog, eew] = [sides.watchdog(), sides.eew("worker")];
      await get(watchdog.publish(first("e1"), "TEST"));
      await get(eew.report(await nextEvent(eew), aCompletion("e1", "NOT_FLAT"), aHalt("e1")));
      expect((await get(eew.vigil())).violationId).toBeNull();
    });

    test("makes way for another incident, whichever began first: what that leaves open is followed up", async () => {
      await overtake();
      await get(watchdog.publish(first("e3"), "TEST"));
      await get(eew.report(await nextEvent(eew), aCompletion("e3", "NOT_FLAT"), aHalt("e3")));
      expect(await get(sides.brain.halt())).toEqual(aHalt("e3"));
      await get(eew.writeHalt(aHalt("e1")));
      expect(await get(sides.brain.halt())).toEqual(aHalt("e1"));
    });
  });

  describe("what opens under a halt", () => {
    /** Executes an event to FLAT. */
    async function flatten(eew: EewBus, eventId: string): Promise<void> {
      await get(sides.watchdog().publish(first(eventId), "TEST"));
      await get(eew.report(await nextEvent(eew), aCompletion(eventId), aHalt(eventId)));
    }

    test("begins an incident that every worker names alike, and another one under the halt of each event", async () => {
      const [eew, other] = [sides.eew("worker"), sides.eew("other")];
      await flatten(eew, "e1");
      const violation = (await get(eew.vigil())).violationId ?? "";
      expect(violation).not.toBe("");
      expect((await get(other.vigil())).violationId).toBe(violation);
      await flatten(eew, "e2");
      expect((await get(eew.vigil())).violationId).not.toBe(violation);
    });

    test("begins a new one where the halt was violated before and is put back: what is completed is not executed", async () => {
      const [eew, other] = [sides.eew("worker"), sides.eew("other")];
      await flatten(eew, "e1");
      const violation = (await get(eew.vigil())).violationId ?? "";
      await flatten(eew, violation);
      const next = (await get(eew.vigil())).violationId;
      await sides.reset();
      await get(eew.writeHalt(aHalt("e1")));
      const again = await get(eew.vigil());
      expect(again.violationId).not.toBe(violation);
      expect(again.violationId).toBe(next);
      expect((await get(other.vigil())).violationId).toBe(next);
    });
  });

  describe("a past halt", () => {
    /** One event executed, from its entry to its report. */
    async function execute(eew: EewBus, attempt: Attempt): Promise<PastHalt> {
      const eventId = await get(sides.watchdog().publish(attempt, "TEST"));
      const delivery = await nextEvent(eew);
      const halt = { ...aHalt(eventId), positionsClosed: 2 };
      await get(eew.report(delivery, aCompletion(eventId, "NOT_FLAT"), halt));
      const { entryId, followsUp } = delivery;
      return { halt, outcome: "NOT_FLAT", entryId, followsUp, onRecord: true };
    }

    test("is seen with its record, without its halt after a reset, and not at all after a loss", async () => {
      const eew = sides.eew("worker");
      const past = await execute(eew, first("e1"));
      const standing = { ...past, entryId: "" };
      expect(await get(eew.sightOf(past))).toEqual({ halted: true, record: "completed", standing });
      await sides.reset();
      expect(await get(eew.sightOf(past))).toEqual({ halted: false, record: "completed", standing: null });
      await sides.flush();
      expect(await get(eew.sightOf(past))).toEqual({ halted: false, record: "gone", standing: null });
    });

    test("is seen by a worker that knows of none, with the attempt that it was, once its pass is over", async () => {
      const [eew, other] = [sides.eew("worker"), sides.eew("other")];
      expect((await get(other.sightOf(null))).standing).toBeNull();
      await get(eew.writeHalt(aHalt("e0")));
      expect(await get(other.sightOf(null))).toEqual({ halted: true, record: "gone", standing: null });
      const past = await execute(eew, { incidentId: "e1", number: 2 });
      expect((await get(other.sightOf(null))).standing).toEqual({ ...past, entryId: "" });
      // A halt that a person has set is theirs to remember.
      await get(eew.writeHalt(aHalt("")));
      expect(await get(other.sightOf(null))).toMatchObject({ halted: true, standing: null });
    });

    test("whose event is there without a completion is still to be executed: nothing of it is put back", async () => {
      const eew = sides.eew("worker");
      await get(sides.watchdog().publish(first("e1"), "TEST"));
      const past: PastHalt = { halt: aHalt("e1"), outcome: "FLAT", entryId: "", followsUp: null, onRecord: false };
      expect(await get(eew.sightOf(past))).toEqual({ halted: false, record: "published", standing: null });
      expect(await get(eew.putBack(past))).toBe("nothing");
      expect(await get(sides.brain.halt())).toBeNull();
      // Unless it was completed before, on a server that knew more than this one.
      expect(await get(eew.putBack({ ...past, onRecord: true }))).toBe("halt");
      expect(await get(eew.sightOf(past))).toMatchObject({ halted: true, record: "completed" });
    });

    test("that was lost is put back once, with its outcome, and with the attempt that it was", async () => {
      const eew = sides.eew("worker");
      const watchdog = sides.watchdog();
      const past = await execute(eew, { incidentId: "e1", number: 2 });
      await sides.flush();
      expect(await get(eew.putBack(past))).toBe("halt");
      expect(await get(sides.brain.halt())).toEqual(past.halt);
      const { standing } = await get(watchdog.attach());
      expect([...standing.outcomes]).toEqual([[past.halt.eventId, "NOT_FLAT"]]);
      expect(standing.haltedBy).toEqual({ incidentId: "e1", number: 2 });
      expect(await get(eew.sightOf(past))).toMatchObject({ halted: true, record: "completed" });
      expect(await get(eew.putBack(past))).toBe("nothing");
      await sides.reset();
      expect(await get(eew.putBack(past))).toBe("nothing");
      expect(await get(sides.brain.halt())).toBeNull();
    });

    test("that was lost under another halt comes back on record only", async () => {
      const eew = sides.eew("worker");
      const past = await execute(eew, first("e1"));
      await sides.flush();
      await get(eew.writeHalt(aHalt("e2")));
      expect(await get(eew.putBack(past))).toBe("record");
      expect(await get(sides.brain.halt())).toEqual(aHalt("e2"));
      await sides.reset();
      expect(await get(eew.sightOf(past))).toMatchObject({ halted: false, record: "completed" });
    });

    test("that was put back keeps its event from being executed again", async () => {
      const eew = sides.eew("worker");
      const past = await execute(eew, first("e1"));
      await sides.flush();
      await get(eew.putBack(past));
      await get(sides.watchdog().publish(first("e1"), "TEST"));
      expect((await nextEvent(eew)).completed).toBe(true);
    });
  });
});

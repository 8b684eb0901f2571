/** What only a real Redis shows of the worker's side; what every bus must do is in test/contract/bus.test.ts. */

import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { hostClock } from "../../../src/adapters/host/clock.ts";
import { redisBrainBus } from "../../../src/adapters/redis/brain-bus.ts";
import { redisEewBus } from "../../../src/adapters/redis/eew-bus.ts";
import { eventIdFor } from "../../../src/adapters/redis/event-id.ts";
import { keysOf } from "../../../src/adapters/redis/keys.ts";
import { redisOperatorBus } from "../../../src/adapters/redis/operator-bus.ts";
import type { RedisBusOptions } from "../../../src/adapters/redis/redis.ts";
import { decimal } from "../../../src/core/decimal.ts";
import type { PastHalt } from "../../../src/core/halt-memory.ts";
import type { Completion, Delivery, PanicEvent } from "../../../src/core/messages.ts";
import { legName } from "../../../src/core/position.ts";
import type { Reading } from "../../../src/core/reading.ts";
import type { UnixMillis } from "../../../src/core/time.ts";
import type { EewBus } from "../../../src/ports/bus.ts";
import { aBeat, aHalt, aPosition } from "../../support/core.ts";
import { startRedis, type TestRedis } from "../../support/redis.ts";
import { lossyProxy } from "./hostile.ts";

// Real processes: a busy machine may be slow, and what is measured has bounds of its own.
setDefaultTimeout(30_000);

const SECRET = "trigger-secret";
const EVENT: PanicEvent = {
  eventId: "550e8400-e29b-41d4-a716-446655440000",
  reason: "TEST",
  issuedBy: "watchdog",
  ts: 1_795_450_000_000 as UnixMillis,
};
const COMPLETION: Completion = {
  eventId: EVENT.eventId,
  outcome: "FLAT",
  positionsTotal: 1,
  positionsClosed: 1,
  positionsFailed: 0,
  failedSymbols: [],
  executionTimeMs: 40,
  reason: EVENT.reason,
  source: EVENT.issuedBy,
  ordersCancelled: 0,
  residual: [],
  notionalUsd: decimal("100"),
};

let redis: TestRedis;
let namespaces = 0;
const open: { close(): void }[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());
afterEach(() => {
  for (const side of open.splice(0)) side.close();
});

function keep<T extends { close(): void }>(side: T): T {
  open.push(side);
  return side;
}

function fresh(triggerSecret: string | null = null): RedisBusOptions {
  return { url: redis.url, namespace: `eew${namespaces++}`, triggerSecret, deadlineMs: 2_000 };
}

function workerOn(options: RedisBusOptions): EewBus {
  return keep(redisEewBus({ ...options, worker: "worker", clock: hostClock }));
}

async function get<T>(question: Promise<Reading<T>>): Promise<T> {
  const answer = await question;
  if (!answer.known) throw new Error(answer.why);
  return answer.value;
}

/** The next event, however many empty reads come before it. */
async function nextEvent(eew: EewBus): Promise<Delivery> {
  for (let reads = 0; reads < 5; reads++) {
    const delivery = await get(eew.next());
    if (delivery !== null) return delivery;
  }
  throw new Error("no event came");
}

/** How many delivered events wait for their acknowledgement. */
async function pending(panic: string): Promise<number> {
  const [count] = (await redis.command("XPENDING", panic, "emergency_exit_worker")) as readonly [number];
  return count;
}

describe("with a trigger secret", () => {
  test("an event published by a side that knows it is valid", async () => {
    const options = fresh(SECRET);
    await get(keep(redisOperatorBus(options)).publish(EVENT));
    expect(await nextEvent(workerOn(options))).toMatchObject({ eventId: EVENT.eventId, signature: "valid" });
  });

  test.each([
    ["another secret", "wrong", "guessed"],
    ["no secret", "missing", null],
  ] as const)("an event published with %s is %s", async (_what, signature, secret) => {
    const options = fresh(SECRET);
    await get(keep(redisOperatorBus({ ...options, triggerSecret: secret })).publish(EVENT));
    expect(await nextEvent(workerOn(options))).toMatchObject({ eventId: EVENT.eventId, signature });
  });

  test("an event whose fields were changed after signing is forged", async () => {
    const options = fresh(SECRET);
    const { panic } = keysOf(options.namespace);
    await get(keep(redisOperatorBus(options)).publish(EVENT));
    const sig = await redis.command("EVAL", "return redis.call('XRANGE', KEYS[1], '-', '+')[1][2][12]", "1", panic);
    await redis.command("DEL", panic);
    const fields = ["event_id", EVENT.eventId, "reason", "CHANGED", "severity", "CRITICAL", "issued_by", "watchdog"];
    await redis.command("XADD", panic, "*", ...fields, "ts", String(EVENT.ts), "sig", String(sig));
    expect(await nextEvent(workerOn(options))).toMatchObject({ reason: "CHANGED", signature: "wrong" });
  });
});

test("an event handed out in an answer that was lost on the way is read again", async () => {
  const options = fresh();
  const { panic } = keysOf(options.namespace);
  let port: number;
  let eew: EewBus;
  {
    await using proxy = await lossyProxy(redis.url);
    port = proxy.port;
    eew = workerOn({ ...options, url: `redis://127.0.0.1:${port}` });
    // Makes the group, and finds nothing left over from a former life: from here on it reads what is new.
    for (const _ of ["the group", "the rest"]) expect(await get(eew.next())).toBeNull();
    proxy.loseReplies();
    await get(keep(redisOperatorBus(options)).publish(EVENT));
    expect((await eew.next()).known).toBe(false);
    expect(await pending(panic)).toBe(1);
  }
  await using _ = await lossyProxy(redis.url, port);
  const deadline = Date.now() + 15_000;
  let answer = await eew.next();
  while (!(answer.known && answer.value !== null) && Date.now() < deadline) {
    await Bun.sleep(50);
    answer = await eew.next();
  }
  expect(answer).toMatchObject({ known: true, value: { eventId: EVENT.eventId } });
});

describe("an event that somebody else wrote by hand", () => {
  test("with neither event_id nor issued_by is delivered with nulls and an id derived from its entry", async () => {
    const options = fresh();
    const entryId = String(await redis.command("XADD", keysOf(options.namespace).panic, "*", "why", "fire"));
    const { ageMs, ...delivery } = await nextEvent(workerOn(options));
    expect(delivery).toEqual({
      followsUp: null,
      entryId,
      eventId: eventIdFor(entryId),
      reason: null,
      issuedBy: null,
      signature: "not_required",
      completed: false,
      beforeReset: false,
      foundBefore: [],
    });
    expect(ageMs).toBeLessThan(2_000);
  });

  test("with empty fields is delivered as one without them", async () => {
    const options = fresh();
    const empty = ["event_id", "", "reason", "", "issued_by", ""];
    const entryId = String(await redis.command("XADD", keysOf(options.namespace).panic, "*", ...empty));
    const expected = { eventId: eventIdFor(entryId), reason: null, issuedBy: null };
    expect(await nextEvent(workerOn(options))).toMatchObject(expected);
  });

  test("from an hour ago on the server's clock is delivered with that age", async () => {
    const options = fresh();
    const entryId = `${Date.now() - 3_600_000}-0`;
    await redis.command("XADD", keysOf(options.namespace).panic, entryId, "event_id", "old", "issued_by", "ops");
    const { ageMs } = await nextEvent(workerOn(options));
    expect(ageMs).toBeGreaterThanOrEqual(3_600_000 - 1_000);
    expect(ageMs).toBeLessThan(3_600_000 + 10_000);
  });
});

describe("a note of what was found open", () => {
  const LEG = { symbol: "BTCUSDT", positionSide: "BOTH", positionAmt: "0.5", markPrice: "50000" } as const;

  test.each([
    ["that is no JSON", "fire"],
    ["in another shape", JSON.stringify({ BTCUSDT: "0.5" })],
    ["with a number that is none", JSON.stringify([{ ...LEG, positionAmt: "much" }])],
  ])("%s is not counted, and keeps no event from being delivered", async (_fact, text) => {
    const options = fresh();
    const { found } = keysOf(options.namespace);
    await get(keep(redisOperatorBus(options)).publish(EVENT));
    await redis.command("HSET", found, EVENT.eventId, text);
    const eew = workerOn(options);
    const delivery = await nextEvent(eew);
    expect(delivery).toMatchObject({ eventId: EVENT.eventId, foundBefore: [] });
    const leg = aPosition("ETHUSDT", "-2", "2000");
    await get(eew.noteFound(delivery, [leg]));
    const again = await nextEvent(workerOn(options));
    expect(again.foundBefore.map(legName)).toEqual(["ETHUSDT"]);
  });

  test("under a key of another kind keeps no event from being delivered, and no report from being made", async () => {
    const options = fresh();
    const { found, completed } = keysOf(options.namespace);
    await get(keep(redisOperatorBus(options)).publish(EVENT));
    await redis.command("SET", found, "fire");
    const eew = workerOn(options);
    const delivery = await nextEvent(eew);
    expect(delivery.foundBefore).toEqual([]);
    expect((await eew.noteFound(delivery, [aPosition("ETHUSDT", "-2", "2000")])).known).toBe(false);
    await get(eew.report(delivery, COMPLETION, aHalt(EVENT.eventId)));
    expect(await redis.command("XLEN", completed)).toBe(1);
  });
});

describe("an event and the mark of the last reset", () => {
  /** A worker that reads an entry while the mark stands at `mark`; `later` are entries behind it. */
  async function beforeReset(entryId: string, mark: string, later: readonly string[] = []): Promise<boolean> {
    const options = fresh();
    const keys = keysOf(options.namespace);
    for (const id of [entryId, ...later])
      await redis.command("XADD", keys.panic, id, "event_id", id, "issued_by", "ops");
    await redis.command("SET", keys.reset, mark);
    return (await nextEvent(workerOn(options))).beforeReset;
  }

  test.each([
    ["at the mark is from before", "1795000000000-1", "1795000000000-1", [], true],
    ["below it is from before", "1795000000000-0", "1795000000000-1", ["1795000000000-1"], true],
    ["above it is new", "1795000000000-2", "1795000000000-1", [], false],
    ["above it in an id longer than the mark's is new", "1795000000000-10", "1795000000000-9", [], false],
    ["below a mark that is newer than the whole stream is new: that stream is gone", "5-0", "9-0", ["6-0"], false],
    ["beside a mark that is no id is new", "5-0", "yesterday", [], false],
  ] as const)("%s", async (_fact, entryId, mark, later, expected) => {
    expect(await beforeReset(entryId, mark, later)).toBe(expected);
  });
});

test("a past event that somebody else wrote by hand counts as published by its entry", async () => {
  const options = fresh();
  const { panic } = keysOf(options.namespace);
  const eew = workerOn(options);
  const entryId = String(await redis.command("XADD", panic, "*", "event_id", "e1", "issued_by", "ops"));
  const past: PastHalt = { halt: aHalt("e1"), outcome: "FLAT", entryId, followsUp: null, onRecord: false };
  expect(await get(eew.sightOf(past))).toMatchObject({ halted: false, record: "published" });
  await redis.command("DEL", panic);
  expect(await get(eew.sightOf(past))).toMatchObject({ halted: false, record: "gone" });
});

test("after a FLUSHALL the group is created again at 0, and an event published meanwhile is delivered", async () => {
  const options = fresh();
  const eew = workerOn(options);
  expect(await get(eew.next())).toBeNull();
  expect(await get(eew.next())).toBeNull();
  await redis.command("FLUSHALL");
  await get(keep(redisOperatorBus(options)).publish(EVENT));
  expect((await nextEvent(eew)).eventId).toBe(EVENT.eventId);
});

test("a FLUSHALL under a waiting read is an unknown or an empty answer, never an end of listening", async () => {
  const options = fresh();
  const eew = workerOn(options);
  await get(eew.next());
  await get(eew.next());
  const waiting = eew.next();
  await redis.command("FLUSHALL");
  const answer = await waiting;
  expect(answer.known ? answer.value : null).toBeNull();
  await get(keep(redisOperatorBus(options)).publish(EVENT));
  expect((await nextEvent(eew)).eventId).toBe(EVENT.eventId);
});

test("namespaces keep accounts apart: event, halt and heartbeat of one are not seen in another", async () => {
  const [mine, yours] = [fresh(), fresh()];
  const eew = workerOn(mine);
  await get(keep(redisOperatorBus(mine)).publish(EVENT));
  await get(eew.report(await nextEvent(eew), COMPLETION, aHalt(EVENT.eventId)));
  await get(keep(redisBrainBus(mine)).beat("brain", aBeat().heartbeat));
  const operator = keep(redisOperatorBus(yours));
  expect(await get(operator.overview())).toEqual({
    roles: [
      { role: "brain", last: null },
      { role: "watchdog", last: null },
      { role: "eew", last: null },
    ],
    halt: null,
    lastPanic: null,
  });
  expect(await get(operator.completion(EVENT.eventId))).toBeNull();
  expect(await get(workerOn(yours).next())).toBeNull();
  expect(await get(keep(redisOperatorBus(mine)).completion(EVENT.eventId))).toMatchObject({ outcome: "FLAT" });
});

test("without a namespace the keys are the contract's", async () => {
  const options = { ...fresh(), namespace: "" };
  const eew = workerOn(options);
  await get(keep(redisOperatorBus(options)).publish(EVENT));
  await get(eew.report(await nextEvent(eew), COMPLETION, aHalt(EVENT.eventId)));
  await get(keep(redisBrainBus(options)).beat("brain", aBeat().heartbeat));
  await get(eew.beat("eew", aBeat().heartbeat));
  const keys = ["exit_brain:heartbeat", "eew:heartbeat", "system:panic_close", "system:panic_close:completed"];
  expect(await redis.command("EXISTS", ...keys, "system:state:trading")).toBe(5);
  const groups = await redis.command("XINFO", "GROUPS", "system:panic_close");
  expect(groups).toMatchObject([expect.arrayContaining(["name", "emergency_exit_worker"])]);
});

test("an event that is reported twice has exactly one completion, and halt and acknowledgement come with it", async () => {
  const options = fresh();
  const { panic, completed, halt } = keysOf(options.namespace);
  const eew = workerOn(options);
  await get(keep(redisOperatorBus(options)).publish(EVENT));
  const delivery = await nextEvent(eew);
  expect(await pending(panic)).toBe(1);
  await get(eew.report(delivery, COMPLETION, aHalt(EVENT.eventId)));
  await get(eew.report(delivery, { ...COMPLETION, outcome: "UNKNOWN" }, aHalt(EVENT.eventId)));
  expect(await redis.command("XLEN", completed)).toBe(1);
  expect(await get(keep(redisOperatorBus(options)).completion(EVENT.eventId))).toMatchObject({ outcome: "FLAT" });
  expect(await pending(panic)).toBe(0);
  expect(await redis.command("HGET", halt, "halted")).toBe("true");
});

test("a report whose halt Redis can't take is not acknowledged, and is complete once it can", async () => {
  const options = fresh();
  const { panic, completed, halt } = keysOf(options.namespace);
  const eew = workerOn(options);
  await get(keep(redisOperatorBus(options)).publish(EVENT));
  const delivery = await nextEvent(eew);
  // Somebody's mistake: SET instead of HSET.
  await redis.command("SET", halt, "true");
  expect((await eew.report(delivery, COMPLETION, aHalt(EVENT.eventId))).known).toBe(false);
  expect(await pending(panic)).toBe(1);
  await redis.command("DEL", halt);
  await get(eew.report(delivery, COMPLETION, aHalt(EVENT.eventId)));
  expect(await pending(panic)).toBe(0);
  expect(await redis.command("XLEN", completed)).toBe(1);
});

test("a report that Redis can't take is written whole when it is repeated", async () => {
  const options = fresh();
  const { completed, halt } = keysOf(options.namespace);
  const eew = workerOn(options);
  await get(keep(redisOperatorBus(options)).publish(EVENT));
  const delivery = await nextEvent(eew);
  await redis.command("SET", completed, "in the way");
  expect((await eew.report(delivery, COMPLETION, aHalt(EVENT.eventId))).known).toBe(false);
  await redis.command("DEL", completed);
  await get(eew.report(delivery, COMPLETION, aHalt(EVENT.eventId)));
  expect(await redis.command("XLEN", completed)).toBe(1);
  expect(await redis.command("HGET", halt, "halted")).toBe("true");
});

test("a publish that Redis refused is not taken for done when it is repeated", async () => {
  const options = fresh();
  const { panic } = keysOf(options.namespace);
  const watchdog = keep(redisOperatorBus(options));
  await redis.command("SET", panic, "in the way");
  expect((await watchdog.publish(EVENT)).known).toBe(false);
  expect((await watchdog.publish(EVENT)).known).toBe(false);
});

test("the stream of heartbeats is trimmed to about a thousand, the panics never are", async () => {
  const options = fresh();
  const keys = keysOf(options.namespace);
  const brain = keep(redisBrainBus(options));
  const watchdog = keep(redisOperatorBus(options));
  await Promise.all(Array.from({ length: 1_500 }, () => get(brain.beat("brain", aBeat().heartbeat))));
  await Promise.all(Array.from({ length: 1_500 }, (_, i) => get(watchdog.publish({ ...EVENT, eventId: `e${i}` }))));
  const beats = Number(await redis.command("XLEN", keys.heartbeat.brain));
  expect(beats).toBeGreaterThanOrEqual(1_000);
  expect(beats).toBeLessThan(1_200);
  expect(await redis.command("XLEN", keys.panic)).toBe(1_500);
});

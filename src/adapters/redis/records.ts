/** Reads and writes that several sides of the bus share. */

import type { Redis } from "ioredis";
import type { Attempt, Halt, Heartbeat, Outcome, PanicEvent } from "../../core/messages.ts";
import { known, type Reading } from "../../core/reading.ts";
import type { BeatingRole } from "../../ports/bus.ts";
import {
  attemptText,
  fieldsOf,
  heartbeatFields,
  panicFields,
  parseAttempt,
  parseHalt,
  parseHeartbeat,
  parseOutcome,
  type RawEntry,
} from "./codec.ts";
import type { Keys } from "./keys.ts";
import type { RedisLink } from "./link.ts";
import { sign } from "./signature.ts";
import { isBefore, newest } from "./streams.ts";

/** Heartbeats kept per stream (contract 3.1). */
const HEARTBEATS_KEPT = 1_000;

/**
 * Publishes unless an event with the same id was published before. Keys: panic stream, set of ids, attempts. Args:
 * event id, which attempt of which incident it is (empty for the first), fields.
 * A script is not rolled back when a command in it fails, so what says "done" is written last.
 */
const PUBLISH = `
if redis.call('SISMEMBER', KEYS[2], ARGV[1]) == 0 then
  if ARGV[2] ~= '' then redis.call('HSET', KEYS[3], ARGV[1], ARGV[2]) end
  redis.call('XADD', KEYS[1], '*', unpack(ARGV, 3))
  redis.call('SADD', KEYS[2], ARGV[1])
end
return 'OK'`;

/** Adds one heartbeat; the value is its entry id. */
export function addBeat(
  link: RedisLink,
  keys: Keys,
  role: BeatingRole,
  heartbeat: Heartbeat,
): Promise<Reading<string>> {
  const key = keys.heartbeat[role];
  return link.ask(`heartbeat to ${key}`, async (redis) =>
    String(await redis.xadd(key, "MAXLEN", "~", HEARTBEATS_KEPT, "*", ...heartbeatFields(heartbeat))),
  );
}

/** The same for who does not need to know which entry it is. */
export async function beat(
  link: RedisLink,
  keys: Keys,
  role: BeatingRole,
  heartbeat: Heartbeat,
): Promise<Reading<null>> {
  const answer = await addBeat(link, keys, role, heartbeat);
  return answer.known ? known(null) : answer;
}

/** Publishes a panic event once, however often it is called with the same id. */
export function publish(link: RedisLink, keys: Keys, secret: string | null, event: PanicEvent): Promise<Reading<null>> {
  return link.ask(`publish to ${keys.panic}`, async (redis) => {
    const fields = panicFields(event, secret === null ? null : sign(secret, event));
    const attempt = event.followsUp === undefined ? "" : attemptText(event.followsUp);
    await redis.eval(PUBLISH, 3, keys.panic, keys.published, keys.attempts, event.eventId, attempt, ...fields);
    return null;
  });
}

/** How far back a heartbeat that can be parsed is looked for; what can't be is no heartbeat (design section 3). */
const BEATS_SEARCHED = 100;

/** A role's newest heartbeat that can be read, as its entry; null if there is none. */
export async function lastBeat(redis: Redis, key: string): Promise<RawEntry | null> {
  const entries = await redis.xrevrange(key, "+", "-", "COUNT", BEATS_SEARCHED);
  return entries.find((entry) => !("malformed" in parseHeartbeat(fieldsOf(entry)))) ?? null;
}

/** The newest heartbeat of one instance, as its entry id; null if there is none among the last ones. */
export async function lastBeatOf(redis: Redis, key: string, instanceId: string): Promise<string | null> {
  const entries = await redis.xrevrange(key, "+", "-", "COUNT", BEATS_SEARCHED);
  return entries.find((entry) => fieldsOf(entry).get("instance_id") === instanceId)?.[0] ?? null;
}

/** The halt; null if there is none. */
export async function readHalt(redis: Redis, keys: Keys): Promise<Halt | null> {
  return parseHalt(await redis.hgetall(keys.halt));
}

/** Which attempt of which incident an event is; an event that nobody followed up with opened its own. */
export async function readAttempt(redis: Redis, keys: Keys, eventId: string): Promise<Attempt> {
  return parseAttempt(await redis.hget(keys.attempts, eventId)) ?? { incidentId: eventId, number: 1 };
}

/**
 * Whether an entry of the panic stream was there already when `quantum reset` cleared the halt last. In doubt it was not:
 * a mark that can't be read proves nothing, nor does one that is newer than the whole stream. That stream was deleted, and
 * on a clock that was set back since then the next one begins below it.
 */
export async function isBeforeReset(redis: Redis, keys: Keys, entryId: string): Promise<boolean> {
  const mark = await redis.get(keys.reset);
  if (mark === null || !/^\d{1,20}-\d{1,20}$/.test(mark) || isBefore(mark, entryId)) return false;
  const last = await newest(redis, keys.panic);
  return last !== null && !isBefore(last[0], mark);
}

/** The outcomes on record of the given events. */
export async function readOutcomes(
  redis: Redis,
  keys: Keys,
  eventIds: readonly string[],
): Promise<ReadonlyMap<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  if (eventIds.length === 0) return outcomes;
  const found = await redis.hmget(keys.outcomes, ...eventIds);
  for (const [i, eventId] of eventIds.entries()) {
    const outcome = parseOutcome(found[i]);
    if (outcome !== null) outcomes.set(eventId, outcome);
  }
  return outcomes;
}

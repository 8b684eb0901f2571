import type { Redis } from "ioredis";
import type { HaltSight, PutBack } from "../../core/halt-memory.ts";
import { type Delivery, ISSUERS, type PanicEvent } from "../../core/messages.ts";
import type { FoundLeg } from "../../core/position.ts";
import { known, type Reading } from "../../core/reading.ts";
import type { UnixMillis } from "../../core/time.ts";
import type { EewBus } from "../../ports/bus.ts";
import type { Clock } from "../../ports/clock.ts";
import { Claims } from "./claims.ts";
import {
  attemptText,
  completionFields,
  fieldsOf,
  foundText,
  haltFields,
  parseAttempt,
  parseFollowUp,
  parseFound,
  parseHalt,
  parseHeartbeat,
  parseOutcome,
  type RawEntry,
} from "./codec.ts";
import { eventIdFor, laterIds, violationIdOf } from "./event-id.ts";
import { GROUP, keysOf } from "./keys.ts";
import { RedisLink } from "./link.ts";
import { beat, isBeforeReset, lastBeat, publish, readAttempt, readHalt, readOutcomes } from "./records.ts";
import type { RedisBusOptions } from "./redis.ts";
import { checkSignature } from "./signature.ts";
import { ageOf, entriesOf, newest, serverTime } from "./streams.ts";

/** How long a read waits for the next event; it bounds how late a dead link is noticed, not how late an event is. */
const BLOCK_MS = 1_000;

/**
 * Whether the halt stands for a later attempt of the incident than the event is. An earlier one that is begun or reported late
 * never moves it back: trading is halted, and what is known of the account is known by the later attempt. Another incident
 * moves it whichever was first, so that what it has left open is followed up. Keys: halt, attempts. Args: event id.
 */
const IS_AHEAD = `
local function attemptOf(event)
  local attempt = redis.call('HGET', KEYS[2], event) or ''
  local incident, number = string.match(attempt, '^(%S+) (%d+)$')
  return incident or event, tonumber(number or 1)
end
local isAhead = false
local halt = redis.call('HGETALL', KEYS[1])
for i = 1, #halt, 2 do
  if halt[i] == 'event_id' then
    local incident, number = attemptOf(ARGV[1])
    local haltedBy, later = attemptOf(halt[i + 1])
    isAhead = haltedBy == incident and later > number
  end
end`;

/** The halt. Keys and args as above, and the halt's fields. */
const HALT = `${IS_AHEAD}
if not isAhead then redis.call('HSET', KEYS[1], unpack(ARGV, 2)) end
return 'OK'`;

/**
 * The report, once, with the halt and the acknowledgement: one atomic step (design section 4).
 * A report that is already on record is only acknowledged, so that a repeat cannot halt again after a reset.
 * A script is not rolled back when a command in it fails, so what says "done" is written last. The note of what was found is
 * not worth failing for.
 * Keys: halt, attempts, completed stream, panic stream, outcomes, claims, found. Args: event id, outcome, entry id, group, number
 * of completion fields, completion fields, halt fields.
 */
const REPORT = `
if redis.call('HEXISTS', KEYS[5], ARGV[1]) == 0 then
  ${IS_AHEAD}
  local last = 5 + tonumber(ARGV[5])
  if not isAhead then redis.call('HSET', KEYS[1], unpack(ARGV, last + 1)) end
  redis.call('XADD', KEYS[3], '*', unpack(ARGV, 6, last))
  redis.call('HSET', KEYS[5], ARGV[1], ARGV[2])
end
if ARGV[3] ~= '' then
  redis.call('XACK', KEYS[4], ARGV[4], ARGV[3])
  redis.call('HDEL', KEYS[6], ARGV[3])
end
redis.pcall('HDEL', KEYS[7], ARGV[1])
return 'OK'`;

/**
 * What a pass has found open, beside what earlier ones have: a leg stays as it was found first. Nothing after the report, which
 * has removed it. Keys: found, outcomes. Args: event id, legs as JSON.
 */
const NOTE_FOUND = `
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then return 'OK' end
local legs, names = {}, {}
local function add(leg)
  local name = type(leg) == 'table' and tostring(leg.symbol) .. ' ' .. tostring(leg.positionSide)
  if not name or names[name] then return end
  names[name] = true
  legs[#legs + 1] = leg
end
local isRead, noted = pcall(cjson.decode, redis.call('HGET', KEYS[1], ARGV[1]) or '[]')
if isRead and type(noted) == 'table' then
  for _, leg in ipairs(noted) do add(leg) end
end
for _, leg in ipairs(cjson.decode(ARGV[2])) do add(leg) end
redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(legs))
return 'OK'`;

/**
 * What is on record of an event. Keys: halt, outcomes, published, panic stream, attempts. Args: event id, entry id. An event
 * that was written by hand is not among the published ones, so its entry counts too.
 */
const RECORD = `
local record = 'gone'
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then
  record = 'completed'
elseif redis.call('SISMEMBER', KEYS[3], ARGV[1]) == 1 then
  record = 'published'
elseif ARGV[2] ~= '' and #redis.call('XRANGE', KEYS[4], ARGV[2], ARGV[2]) > 0 then
  record = 'published'
end`;

/**
 * Halt and record in one picture: read one after the other, a reset in between would look like a loss, or the reverse. With
 * them the halt's fields, and the outcome and the attempt of its event, empty where there is none.
 */
const SIGHT = `${RECORD}
local halt = redis.call('HGETALL', KEYS[1])
local outcome, attempt = '', ''
for i = 1, #halt, 2 do
  if halt[i] == 'event_id' then
    outcome = redis.call('HMGET', KEYS[2], halt[i + 1])[1] or ''
    attempt = redis.call('HGET', KEYS[5], halt[i + 1]) or ''
  end
end
return {#halt, record, halt, outcome, attempt}`;

/**
 * Puts back what was lost, unless something of it is there again. Args besides: outcome, which attempt of which incident it is
 * (empty for the first), whether the event was completed on record before, halt fields. What says "done" is written last, as
 * above.
 */
const PUT_BACK = `${RECORD}
if record == 'completed' or (record == 'published' and ARGV[5] ~= 'on record') then return 'nothing' end
local put = 'record'
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], unpack(ARGV, 6))
  put = 'halt'
end
if ARGV[4] ~= '' then redis.call('HSET', KEYS[5], ARGV[1], ARGV[4]) end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
return put`;

type RawSight = readonly [size: number, HaltSight["record"], halt: readonly string[], outcome: string, attempt: string];

/** Who reads, and with which clock records are stamped. */
export interface RedisEewBusOptions extends RedisBusOptions {
  /** The consumer's name: the same after a restart, so that it finds what it left unfinished. */
  readonly worker: string;
  readonly clock: Clock;
}

/** The worker's side of the bus on Redis. Reading, hearing the brain and writing have a connection each: a blocked read delays no report. */
export function redisEewBus(options: RedisEewBusOptions): EewBus & { close(): void } {
  const keys = keysOf(options.namespace);
  const reading = new RedisLink(options);
  const hearing = new RedisLink(options);
  const writing = new RedisLink(options);
  const recordKeys = [keys.halt, keys.outcomes, keys.published, keys.panic, keys.attempts];
  const claims = new Claims(keys, options.worker, options.clock);
  // "0" reads what a former life left unfinished; ">" only what nobody has read yet.
  let from: "0" | ">" = "0";
  let connection: Redis | null = null;
  /** The last heartbeat that was there or came, by its entry; null on a connection that has not looked yet. */
  let heard: string | null = null;
  let heardOn: Redis | null = null;

  async function read(redis: Redis): Promise<RawEntry | null> {
    // A new connection follows each lost answer, in which an event may have been handed out; and it may lead to another
    // master, on which what was reported to the old one is unfinished.
    if (redis !== connection) from = "0";
    connection = redis;
    try {
      const block = from === ">" ? BLOCK_MS : 1;
      const reply = await redis.xreadgroup(
        ...(["GROUP", GROUP, options.worker, "COUNT", 1, "BLOCK", block, "STREAMS", keys.panic, from] as const),
      );
      const [entry] = entriesOf(reply);
      if (entry === undefined) from = ">";
      return entry ?? null;
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith("NOGROUP"))) throw error;
      // From 0: an event that was published before the group existed must not be lost.
      await redis.xgroup("CREATE", keys.panic, GROUP, "0", "MKSTREAM");
      return null;
    }
  }

  /**
   * By this attempt, or by a later one: where the halt of that is gone, as after a DEL, an earlier one that is reported late
   * halts again.
   */
  async function endedFlat(redis: Redis, eventId: string): Promise<boolean> {
    const later = laterIds(await readAttempt(redis, keys, eventId));
    const outcomes = await readOutcomes(redis, keys, [eventId, ...later]);
    return outcomes.has(eventId) && [...outcomes.values()].includes("FLAT");
  }

  /** A halt that was put back may have been violated before, and an event that is completed is not executed again. */
  async function nextViolation(redis: Redis, haltedBy: string): Promise<string> {
    const violation = violationIdOf(haltedBy);
    const completed = await readOutcomes(redis, keys, [violation]);
    return completed.size === 0 ? violation : await nextViolation(redis, violation);
  }

  async function raise({ eventId, reason, issuedBy, followsUp }: Delivery): Promise<Reading<null>> {
    const issuer = ISSUERS.find((known) => known === issuedBy) ?? "eew";
    const event: PanicEvent = { eventId, reason: reason ?? "", issuedBy: issuer, ts: options.clock.wall() };
    const whole = followsUp === null ? event : { ...event, followsUp };
    return await publish(writing, keys, options.triggerSecret, whole);
  }

  async function deliver(redis: Redis, entry: RawEntry, now: UnixMillis): Promise<Delivery> {
    const fields = fieldsOf(entry);
    const eventId = fields.get("event_id") || eventIdFor(entry[0]);
    const [outcomes, beforeReset, foundBefore] = await Promise.all([
      readOutcomes(redis, keys, [eventId]),
      isBeforeReset(redis, keys, entry[0]),
      readFound(redis, eventId),
    ]);
    return {
      entryId: entry[0],
      eventId,
      reason: fields.get("reason") || null,
      issuedBy: fields.get("issued_by") || null,
      ageMs: ageOf(entry[0], now),
      followsUp: parseFollowUp(fields),
      signature: checkSignature(options.triggerSecret, fields),
      completed: outcomes.size > 0,
      beforeReset,
      foundBefore,
    };
  }

  /** What can't be read is not counted: an event is executed all the same. */
  async function readFound(redis: Redis, eventId: string): Promise<readonly FoundLeg[]> {
    try {
      return parseFound(await redis.hget(keys.found, eventId));
    } catch {
      return [];
    }
  }

  return {
    next: () =>
      reading.ask(
        `read ${keys.panic}`,
        async (redis) => {
          const entry = (await read(redis)) ?? (await claims.takeOver(redis));
          // Asked after an empty read too: an answer proves that the link lives and the silence is real.
          const now = await serverTime(redis);
          return entry === null ? null : await deliver(redis, entry, now);
        },
        BLOCK_MS,
      ),

    writeHalt: (halt) =>
      writing.ask(`write ${keys.halt}`, async (redis) => {
        const fields = haltFields(halt, options.clock.wall());
        await redis.eval(HALT, 2, keys.halt, keys.attempts, halt.eventId, ...fields);
        return null;
      }),

    hearBrain: () =>
      hearing.ask(
        `hear ${keys.heartbeat.brain}`,
        async (redis) => {
          // A new connection may lead to another master, whose ids may be lower.
          if (redis !== heardOn) [heardOn, heard] = [redis, null];
          const from = heard ?? (await newest(redis, keys.heartbeat.brain))?.[0] ?? "0-0";
          const entries = entriesOf(await redis.xread("BLOCK", BLOCK_MS, "STREAMS", keys.heartbeat.brain, from));
          heard = entries.at(-1)?.[0] ?? from;
          const last = entries.findLast((entry) => !("malformed" in parseHeartbeat(fieldsOf(entry))));
          return last === undefined ? null : eventIdFor(last[0]);
        },
        BLOCK_MS,
      ),

    vigil: () =>
      reading.ask("look at the heartbeats", async (redis) => {
        const [brain, watchdog] = [
          await lastBeat(redis, keys.heartbeat.brain),
          await lastBeat(redis, keys.heartbeat.watchdog),
        ];
        const halt = await readHalt(redis, keys);
        const haltedBy = halt?.eventId ?? "";
        const isFlat = haltedBy !== "" && (await endedFlat(redis, haltedBy));
        const incidentId = brain === null ? null : eventIdFor(brain[0]);
        const completed = incidentId === null ? 0 : (await readOutcomes(redis, keys, [incidentId])).size;
        const now = await serverTime(redis);
        return {
          brain:
            brain === null || incidentId === null
              ? null
              : { incidentId, ageMs: ageOf(brain[0], now), incidentCompleted: completed > 0 },
          watchdog: watchdog === null ? null : { entry: watchdog[0], ageMs: ageOf(watchdog[0], now) },
          halted: halt !== null,
          violationId: isFlat ? await nextViolation(redis, haltedBy) : null,
        };
      }),

    outcome: (eventId) =>
      writing.ask(`read ${keys.outcomes}`, async (redis) => {
        return (await readOutcomes(redis, keys, [eventId])).get(eventId) ?? null;
      }),

    ended: ({ eventId, followsUp }) =>
      writing.ask(`read ${keys.outcomes}`, async (redis) => {
        const later = laterIds(followsUp ?? { incidentId: eventId, number: 1 });
        const outcomes = await readOutcomes(redis, keys, [eventId, ...later]);
        return outcomes.get(eventId) ?? later.map((id) => outcomes.get(id)).find((one) => one === "FLAT") ?? null;
      }),

    sightOf: (past) =>
      reading.ask(`look for ${keys.halt}`, async (redis) => {
        const args = [past?.halt.eventId ?? "", past?.entryId ?? ""];
        const answer = await redis.eval(SIGHT, recordKeys.length, ...recordKeys, ...args);
        const [size, record, fields, outcome, attempt] = answer as RawSight;
        const halt = parseHalt(Object.fromEntries(fieldsOf(["", fields])));
        const ended = parseOutcome(outcome === "" ? null : outcome);
        const over = halt !== null && ended !== null;
        const followsUp = parseAttempt(attempt);
        const standing = over ? { halt, outcome: ended, entryId: "", followsUp, onRecord: true } : null;
        return { halted: size > 0, record, standing };
      }),

    putBack: ({ halt, outcome, entryId, followsUp, onRecord }) =>
      writing.ask(`put back ${keys.halt}`, async (redis) => {
        const attempt = followsUp === null ? "" : attemptText(followsUp);
        const args = [halt.eventId, entryId, outcome, attempt, onRecord ? "on record" : ""];
        const fields = haltFields(halt, options.clock.wall());
        return (await redis.eval(PUT_BACK, recordKeys.length, ...recordKeys, ...args, ...fields)) as PutBack;
      }),

    raise,

    noteFound: ({ eventId }, found) =>
      writing.ask(`write ${keys.found}`, async (redis) => {
        await redis.eval(NOTE_FOUND, 2, keys.found, keys.outcomes, eventId, foundText(found));
        return null;
      }),

    report: async (delivery, completion, halt) => {
      if (delivery.entryId === "") {
        const raised = await raise(delivery);
        if (!raised.known) return raised;
      }
      return await writing.ask(`report to ${keys.completed}`, async (redis) => {
        const now = options.clock.wall();
        const fields = completionFields(completion, options.worker, now);
        await redis.eval(
          REPORT,
          7,
          ...[keys.halt, keys.attempts, keys.completed, keys.panic, keys.outcomes, keys.claims, keys.found],
          ...[completion.eventId, completion.outcome, delivery.entryId, GROUP, String(fields.length)],
          ...fields,
          ...haltFields(halt, now),
        );
        return null;
      });
    },

    acknowledge: (delivery) =>
      writing.ask(`acknowledge on ${keys.panic}`, async (redis) => {
        await redis.xack(keys.panic, GROUP, delivery.entryId);
        return null;
      }),

    renew: async (delivery) =>
      // Nobody else has seen it, so nobody could take it over.
      delivery.entryId === ""
        ? known(null)
        : await writing.ask(`renew the claim on ${delivery.eventId}`, async (redis) => {
            await claims.renew(redis, delivery.entryId);
            return null;
          }),

    beat: (role, heartbeat) => beat(writing, keys, role, heartbeat),
    close: () => {
      reading.close();
      hearing.close();
      writing.close();
    },
  };
}

import type { Redis } from "ioredis";
import type { UnixMillis } from "../../core/time.ts";
import type { BeatingRole, DrillBus, PanicRecord, ResetAnswer, RolePulse } from "../../ports/bus.ts";
import { readLegRecord } from "../exits/record.ts";
import { parseNote } from "./brain-note.ts";
import {
  drillFields,
  entryTime,
  fieldsOf,
  parseCompletion,
  parseDrill,
  parseHeartbeat,
  parsePanic,
  type RawEntry,
} from "./codec.ts";
import { GROUP, type Keys, keysOf } from "./keys.ts";
import { RedisLink } from "./link.ts";
import { publish, readHalt, readOutcomes } from "./records.ts";
import type { RedisBusOptions } from "./redis.ts";
import { ageOf, newest, serverTime, since } from "./streams.ts";

const ROLES: readonly BeatingRole[] = ["brain", "watchdog", "eew"];

/** How many completions are searched for an event, newest first; a year of weekly drills fits. */
const COMPLETIONS_SEARCHED = 100;

/** How many entries a drill reads at once; a heartbeat a second fills this in a quarter of an hour. */
const ENTRIES_READ = 1_000;

/** Records of drills that are kept: two for each, so ten years of monthly ones. */
const DRILL_RECORDS_KEPT = 240;

/**
 * The reset, on the grounds that were seen and while no exit is ordered and not done: one atomic step, so that a panic which
 * is published meanwhile is not lost. An event is done once it is acknowledged. Keys: halt, panic stream, outcomes, mark.
 * Args: newest entry and halt's event as they were seen, group, how many entries are counted at most.
 */
const RESET = `
local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
local last = newest[1] and newest[1][1] or '0-0'
if last ~= ARGV[1] then return {'panic_published', 0} end
local event = redis.call('HGET', KEYS[1], 'event_id') or ''
if event ~= ARGV[2] then return {'halt_changed', 0} end
if event ~= '' and redis.call('HEXISTS', KEYS[3], event) == 0 then return {'unreported', 0} end
if last ~= '0-0' then
  local read, undone = '0-0', 0
  for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[2])) do
    local of = {}
    for i = 1, #group, 2 do of[group[i]] = group[i + 1] end
    if of['name'] == ARGV[3] then read, undone = of['last-delivered-id'], of['pending'] end
  end
  undone = undone + #redis.call('XRANGE', KEYS[2], '(' .. read, '+', 'COUNT', ARGV[4])
  if undone > 0 then return {'undone', undone} end
end
redis.call('SET', KEYS[4], last)
redis.call('DEL', KEYS[1])
return {'cleared', 0}`;

/** Lets a brain in shadow act (core/standing.ts). Keys: panic stream, halt, permission. Args: the permission's id. */
const ALLOW_LIVE = `
if #redis.call('HGETALL', KEYS[2]) > 0 then return 'halted' end
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local time = redis.call('TIME')
local at = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('HSET', KEYS[3], 'id', ARGV[1], 'up_to', newest[1] and newest[1][1] or '0-0', 'at', at)
return 'allowed'`;

/** The operator's and the drill's side of the bus on Redis. */
export function redisOperatorBus(options: RedisBusOptions): DrillBus & { close(): void } {
  const keys = keysOf(options.namespace);
  const link = new RedisLink(options);
  return {
    halt: () => link.ask(`read ${keys.halt}`, (redis) => readHalt(redis, keys)),
    publish: (event) => publish(link, keys, options.triggerSecret, event),

    overview: () =>
      link.ask("read the overview", async (redis) => {
        const now = await serverTime(redis);
        const roles = await Promise.all(ROLES.map((role) => pulseOf(redis, keys, role, now)));
        const entry = await newest(redis, keys.panic);
        const [lastPanic] = entry === null ? [] : await panicRecords(redis, keys, [entry]);
        return { roles, halt: await readHalt(redis, keys), lastPanic: lastPanic ?? null };
      }),

    lastDrill: () =>
      link.ask(`read ${keys.drills}`, async (redis) => {
        const entry = await newest(redis, keys.drills);
        if (entry === null) return null;
        const now = await serverTime(redis);
        return { at: entryTime(entry[0]), ageMs: ageOf(entry[0], now), record: parseDrill(fieldsOf(entry)) };
      }),

    brainNote: () => link.ask(`read ${keys.brain}`, async (redis) => parseNote(await redis.hgetall(keys.brain))),

    // The portfolio's record is among them, and is no leg's.
    exitRecords: () =>
      link.ask(`read ${keys.exits}`, async (redis) =>
        Object.values(await redis.hgetall(keys.exits)).flatMap((text) => readLegRecord(text) ?? []),
      ),

    keepDrill: (record) =>
      link.ask(`write ${keys.drills}`, async (redis) => {
        await redis.xadd(keys.drills, "MAXLEN", DRILL_RECORDS_KEPT, "*", ...drillFields(record));
        return null;
      }),

    completion: (eventId) =>
      link.ask(`read ${keys.completed}`, async (redis) => {
        const entries = await redis.xrevrange(keys.completed, "+", "-", "COUNT", COMPLETIONS_SEARCHED);
        const fields = entries.map(fieldsOf).find((candidate) => candidate.get("event_id") === eventId);
        return fields === undefined ? null : parseCompletion(fields);
      }),

    resetGrounds: () =>
      link.ask(`read ${keys.halt}`, async (redis) => {
        const newestPanic = (await newest(redis, keys.panic))?.[0] ?? "0-0";
        const halt = await readHalt(redis, keys);
        return halt === null ? null : { halt, newestPanic };
      }),

    reset: ({ halt, newestPanic }) =>
      link.ask(`delete ${keys.halt}`, async (redis) => {
        const on = [keys.halt, keys.panic, keys.outcomes, keys.reset];
        const answer = await redis.eval(RESET, on.length, ...on, newestPanic, halt.eventId, GROUP, ENTRIES_READ);
        const [kind, events] = answer as readonly [ResetAnswer["kind"], number];
        return kind === "undone" ? { kind, events } : { kind };
      }),

    allowLive: (id) =>
      link.ask(`write ${keys.live}`, async (redis) => {
        const answer = await redis.eval(ALLOW_LIVE, 3, keys.panic, keys.halt, keys.live, id);
        return answer === "allowed" ? "allowed" : "halted";
      }),

    clearHalt: () => link.ask(`delete ${keys.halt}`, async (redis) => (await redis.del(keys.halt)) === 1),

    now: () => link.ask("read the time", serverTime),

    bookmark: () =>
      link.ask("read where the streams stand", async (redis) => ({
        heartbeat: (await newest(redis, keys.heartbeat.brain))?.[0] ?? "0-0",
        panic: (await newest(redis, keys.panic))?.[0] ?? "0-0",
      })),

    beatsSince: (bookmark) =>
      link.ask(`read ${keys.heartbeat.brain}`, async (redis) => {
        const entries = await since(redis, keys.heartbeat.brain, bookmark.heartbeat, ENTRIES_READ);
        return entries.flatMap((entry) => {
          const heartbeat = parseHeartbeat(fieldsOf(entry));
          if ("malformed" in heartbeat) return [];
          return [{ at: entryTime(entry[0]), instanceId: heartbeat.details?.instanceId ?? null, heartbeat }];
        });
      }),

    panicsSince: (bookmark) =>
      link.ask(`read ${keys.panic}`, async (redis) =>
        panicRecords(redis, keys, await since(redis, keys.panic, bookmark.panic, ENTRIES_READ)),
      ),

    close: () => link.close(),
  };
}

async function pulseOf(redis: Redis, keys: Keys, role: BeatingRole, now: UnixMillis): Promise<RolePulse> {
  const entry = await newest(redis, keys.heartbeat[role]);
  if (entry === null) return { role, last: null };
  const heartbeat = parseHeartbeat(fieldsOf(entry));
  return { role, last: "malformed" in heartbeat ? null : { heartbeat, ageMs: ageOf(entry[0], now) } };
}

/** Entries that can't be read as a panic event are left out: this is a view for people, not the worker's. */
async function panicRecords(redis: Redis, keys: Keys, entries: readonly RawEntry[]): Promise<readonly PanicRecord[]> {
  const events = entries.flatMap((entry) => {
    const event = parsePanic(fieldsOf(entry));
    return event === null ? [] : [{ event, publishedAt: entryTime(entry[0]) }];
  });
  const outcomes = await readOutcomes(
    redis,
    keys,
    events.map(({ event }) => event.eventId),
  );
  return events.map((record) => ({ ...record, outcome: outcomes.get(record.event.eventId) ?? null }));
}

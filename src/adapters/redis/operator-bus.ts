import type { Redis } from "ioredis";
import type { UnixMillis } from "../../core/time.ts";
import type { BeatingRole, DrillBus, PanicRecord, RolePulse } from "../../ports/bus.ts";
import { entryTime, fieldsOf, parseCompletion, parseHeartbeat, parsePanic, type RawEntry } from "./codec.ts";
import { type Keys, keysOf } from "./keys.ts";
import { RedisLink } from "./link.ts";
import { publish, readHalt, readOutcomes } from "./records.ts";
import type { RedisBusOptions } from "./redis.ts";
import { ageOf, newest, serverTime, since } from "./streams.ts";

const ROLES: readonly BeatingRole[] = ["brain", "watchdog", "eew"];

/** How many completions are searched for an event, newest first; a year of weekly drills fits. */
const COMPLETIONS_SEARCHED = 100;

/** How many entries a drill reads at once; a heartbeat a second fills this in a quarter of an hour. */
const ENTRIES_READ = 1_000;

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

    completion: (eventId) =>
      link.ask(`read ${keys.completed}`, async (redis) => {
        const entries = await redis.xrevrange(keys.completed, "+", "-", "COUNT", COMPLETIONS_SEARCHED);
        const fields = entries.map(fieldsOf).find((candidate) => candidate.get("event_id") === eventId);
        return fields === undefined ? null : parseCompletion(fields);
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

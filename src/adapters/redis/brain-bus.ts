import { known, type Reading } from "../../core/reading.ts";
import type { UnixMillis } from "../../core/time.ts";
import type { BrainBus } from "../../ports/bus.ts";
import { hostClock } from "../host/clock.ts";
import { brainEvent, eventIdFor, unheardIncidentId } from "./event-id.ts";
import { keysOf } from "./keys.ts";
import { RedisLink } from "./link.ts";
import { redisPeers } from "./peers.ts";
import { addBeat, lastBeatOf, publish, readHalt, readOutcomes } from "./records.ts";
import type { RedisBusOptions } from "./redis.ts";
import { newest } from "./streams.ts";

/** The copy of the exit policy's memory that survives the host. */
interface ExitsOnRedis {
  readExits(): Promise<Reading<ReadonlyMap<string, string>>>;
  writeExits(set: ReadonlyMap<string, string>, removed: readonly string[]): Promise<Reading<null>>;
}

/** The brain's side of the bus on Redis. */
export function redisBrainBus(options: RedisBusOptions): BrainBus & ExitsOnRedis & { close(): void } {
  const keys = keysOf(options.namespace);
  const link = new RedisLink(options);
  const peers = redisPeers(options);
  /** The last heartbeat that was confirmed, by instance. */
  const confirmed = new Map<string, string>();
  return {
    beat: async (role, heartbeat) => {
      const answer = await addBeat(link, keys, role, heartbeat);
      if (!answer.known) return answer;
      const instanceId = heartbeat.details?.instanceId ?? null;
      if (instanceId !== null) confirmed.set(instanceId, answer.value);
      return known(null);
    },
    halt: () => link.ask(`read ${keys.halt}`, (redis) => readHalt(redis, keys)),
    lastHeard: peers.lastHeard,

    // Read, and not remembered: one that was not confirmed may have arrived, and then it is the one that is missed.
    ownIncident: async (instanceId) => {
      const key = keys.heartbeat.brain;
      const answer = await link.ask(`read ${key}`, (redis) => lastBeatOf(redis, key, instanceId));
      const entryId = (answer.known ? answer.value : null) ?? confirmed.get(instanceId);
      return entryId === undefined ? unheardIncidentId(instanceId) : eventIdFor(entryId);
    },
    permission: (ownPanic) =>
      link.ask(`read ${keys.live}`, async (redis) => {
        // The permission first: a panic that comes between the two is then not covered by it.
        const given = await redis.hgetall(keys.live);
        const newestPanic = (await newest(redis, keys.panic))?.[0] ?? null;
        const ownEnded = ownPanic !== null && (await readOutcomes(redis, keys, [ownPanic])).size > 0;
        const { at = "0", id, up_to: upTo } = given;
        if (id === undefined || upTo === undefined) return { newestPanic, given: null, ownEnded };
        return { newestPanic, given: { id, upTo, at: Number(at) as UnixMillis }, ownEnded };
      }),

    readExits: () =>
      link.ask(`read ${keys.exits}`, async (redis) => new Map(Object.entries(await redis.hgetall(keys.exits)))),

    writeExits: (set, removed) =>
      link.ask(`write ${keys.exits}`, async (redis) => {
        const step = redis.multi();
        if (set.size > 0) step.hset(keys.exits, ...[...set].flat());
        if (removed.length > 0) step.hdel(keys.exits, ...removed);
        for (const [error] of (await step.exec()) ?? []) if (error !== null) throw error;
        return null;
      }),

    raise: (incidentId, reason) =>
      publish(link, keys, options.triggerSecret, brainEvent(incidentId, reason, hostClock.wall())),

    close: () => {
      link.close();
      peers.close();
    },
  };
}

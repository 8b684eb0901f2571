import { known } from "../../core/reading.ts";
import type { BrainBus } from "../../ports/bus.ts";
import { hostClock } from "../host/clock.ts";
import { brainEvent, eventIdFor, unheardIncidentId } from "./event-id.ts";
import { keysOf } from "./keys.ts";
import { RedisLink } from "./link.ts";
import { redisPeers } from "./peers.ts";
import { addBeat, lastBeatOf, publish, readHalt } from "./records.ts";
import type { RedisBusOptions } from "./redis.ts";

/** The brain's side of the bus on Redis. */
export function redisBrainBus(options: RedisBusOptions): BrainBus & { close(): void } {
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
    raise: (incidentId, reason) =>
      publish(link, keys, options.triggerSecret, brainEvent(incidentId, reason, hostClock.wall())),

    close: () => {
      link.close();
      peers.close();
    },
  };
}

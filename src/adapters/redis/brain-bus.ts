import type { HaltReader, PeerReader, Pulse } from "../../ports/bus.ts";
import { keysOf } from "./keys.ts";
import { RedisLink } from "./link.ts";
import { redisPeers } from "./peers.ts";
import { beat, readHalt } from "./records.ts";
import type { RedisBusOptions } from "./redis.ts";

/** The brain's side of the bus on Redis. */
export function redisBrainBus(options: RedisBusOptions): Pulse & HaltReader & PeerReader & { close(): void } {
  const keys = keysOf(options.namespace);
  const link = new RedisLink(options);
  const peers = redisPeers(options);
  return {
    beat: (role, heartbeat) => beat(link, keys, role, heartbeat),
    halt: () => link.ask(`read ${keys.halt}`, (redis) => readHalt(redis, keys)),
    lastHeard: peers.lastHeard,
    close: () => {
      link.close();
      peers.close();
    },
  };
}

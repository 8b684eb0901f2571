import type { Redis } from "ioredis";
import type { LastHeard } from "../../core/peers.ts";
import type { BeatingRole, PeerReader } from "../../ports/bus.ts";
import { type Keys, keysOf } from "./keys.ts";
import { RedisLink } from "./link.ts";
import { lastBeat } from "./records.ts";
import type { RedisBusOptions } from "./redis.ts";
import { ageOf, serverTime } from "./streams.ts";

/**
 * Who was heard when, on Redis. It has a connection of its own: a question that fails ends its connection, and no
 * panic, halt or heartbeat may be on it.
 */
export function redisPeers(options: RedisBusOptions): PeerReader & { close(): void } {
  const keys = keysOf(options.namespace);
  const link = new RedisLink(options);
  return {
    lastHeard: (roles) =>
      link.ask("read the other roles' heartbeats", (redis) =>
        Promise.all(roles.map((role) => lastHeard(redis, keys, role))),
      ),
    close: () => link.close(),
  };
}

async function lastHeard(redis: Redis, keys: Keys, role: BeatingRole): Promise<LastHeard> {
  const newest = await lastBeat(redis, keys.heartbeat[role]);
  if (newest === null) return { role, last: null };
  return { role, last: { entry: newest[0], ageMs: ageOf(newest[0], await serverTime(redis)) } };
}

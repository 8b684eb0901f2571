/** What `quantum doctor` asks Redis. */

import type { Reading } from "../../core/reading.ts";
import type { Clock } from "../../ports/clock.ts";
import { keysOf } from "./keys.ts";
import { RedisLink } from "./link.ts";
import type { RedisBusOptions } from "./redis.ts";

/** Enough that one slow answer shows, few enough that nobody waits. */
const PINGS = 5;

/** The probe removes itself even where removing it fails. */
const PROBE_MS = 10_000;

/** Questions about a Redis. As everywhere on the bus, none rejects and each has its deadline. */
export interface RedisCheckup {
  /** The slowest of a few round trips, connecting not included. */
  roundTripMs(): Promise<Reading<number>>;
  /** How much memory it may use, 0 for no limit, and what it does when that is used up. From INFO, which needs no CONFIG. */
  memory(): Promise<Reading<{ readonly maxBytes: number; readonly policy: string }>>;
  /** Whether each change goes to its disk at once. From INFO, too. */
  disk(): Promise<Reading<{ readonly appends: boolean }>>;
  /** Writes a key, reads it back and removes it. */
  write(): Promise<Reading<null>>;
  close(): void;
}

/** Asks the Redis of a deployment. */
export function redisCheckup(options: RedisBusOptions & { readonly clock: Clock }): RedisCheckup {
  const { clock } = options;
  const key = keysOf(options.namespace).probe;
  const link = new RedisLink(options);
  return {
    roundTripMs: () =>
      link.ask("ping", async (redis) => {
        let slowestMs = 0;
        for (let i = 0; i < PINGS; i++) {
          const askedAt = clock.now();
          await redis.ping();
          slowestMs = Math.max(slowestMs, clock.now() - askedAt);
        }
        return slowestMs;
      }),

    memory: () =>
      link.ask("read how much memory Redis may use", async (redis) => {
        const info = await redis.info("memory");
        const [, maxBytes] = /^maxmemory:(\d+)\r?$/m.exec(info) ?? [];
        const [, policy] = /^maxmemory_policy:(\S+)\r?$/m.exec(info) ?? [];
        if (maxBytes === undefined || policy === undefined) throw new Error("INFO does not say it");
        return { maxBytes: Number(maxBytes), policy };
      }),

    disk: () =>
      link.ask("read whether Redis writes to its disk", async (redis) => {
        const [, enabled] = /^aof_enabled:([01])\r?$/m.exec(await redis.info("persistence")) ?? [];
        if (enabled === undefined) throw new Error("INFO does not say it");
        return { appends: enabled === "1" };
      }),

    write: () =>
      link.ask(`write ${key}`, async (redis) => {
        const value = `${clock.wall()}`;
        await redis.set(key, value, "PX", PROBE_MS);
        const read = await redis.get(key);
        await redis.del(key);
        if (read !== value) throw new Error(`read back ${JSON.stringify(read)}, expected ${JSON.stringify(value)}`);
        return null;
      }),

    close: () => link.close(),
  };
}

import { afterAll, beforeAll, expect, test } from "bun:test";
import { requireRedis, tellEviction } from "../../src/cli/run/require-redis.ts";
import { loadRedis, type RedisConfig } from "../../src/config/redis.ts";
import type { Log } from "../../src/ports/log.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";

let redis: TestRedis;
let config: RedisConfig;
beforeAll(async () => {
  redis = await startRedis();
  config = loadRedis({ REDIS_URL: redis.url }, { redisUrl: undefined, namespace: undefined });
});
afterAll(() => redis.stop());

test("a start waits for a Redis that is slower than a panic would wait", async () => {
  redis.signal("SIGSTOP");
  const slowMs = 2 * config.deadlineMs;
  const woken = Bun.sleep(slowMs).then(() => redis.signal("SIGCONT"));
  await requireRedis(config);
  await woken;
  expect(slowMs).toBeGreaterThan(config.deadlineMs);
});

test("a start tells people of a Redis that may evict, and says nothing of one that does not", async () => {
  const told: string[] = [];
  const log: Log = { write: (level, text, mark) => void told.push(`${level} ${mark}: ${text}`) };
  await tellEviction(config, log);
  expect(told).toEqual([]);
  await redis.command("CONFIG", "SET", "maxmemory", "100mb");
  await redis.command("CONFIG", "SET", "maxmemory-policy", "volatile-lru");
  await tellEviction(config, log);
  expect(told).toEqual([
    `critical alarm: Redis at ${new URL(redis.url).host}: maxmemory is 104857600 bytes, maxmemory-policy is volatile-lru: ` +
      "set maxmemory-policy noeviction: any other lets Redis drop the halt or a panic event",
  ]);
});

import { afterAll, beforeAll, expect, test } from "bun:test";
import { requireRedis } from "../../src/cli/run/require-redis.ts";
import { loadRedis } from "../../src/config/redis.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

test("a start waits for a Redis that is slower than a panic would wait", async () => {
  const config = loadRedis({ REDIS_URL: redis.url }, { redisUrl: undefined, namespace: undefined });
  redis.signal("SIGSTOP");
  const slowMs = 2 * config.deadlineMs;
  const woken = Bun.sleep(slowMs).then(() => redis.signal("SIGCONT"));
  await requireRedis(config);
  await woken;
  expect(slowMs).toBeGreaterThan(config.deadlineMs);
});

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { hostClock } from "../../../src/adapters/host/clock.ts";
import { type RedisCheckup, redisCheckup } from "../../../src/adapters/redis/checkup.ts";
import { startRedis, type TestRedis } from "../../support/redis.ts";

setDefaultTimeout(30_000);

let redis: TestRedis;
let questions: RedisCheckup;

beforeAll(async () => {
  redis = await startRedis();
  questions = ask(redis.url);
});
afterAll(async () => {
  questions.close();
  await redis.stop();
});

function ask(url: string): RedisCheckup {
  return redisCheckup({ url, namespace: "checkup", triggerSecret: null, deadlineMs: 2_000, clock: hostClock });
}

test("roundTripMs() is how long it takes", async () => {
  const reading = await questions.roundTripMs();
  expect(reading.known ? reading.value : reading).toBeWithin(0, 2_000);
});

test("memory() is what Redis is set to, now", async () => {
  expect(await questions.memory()).toEqual({ known: true, value: { maxBytes: 0, policy: "noeviction" } });
  await redis.command("CONFIG", "SET", "maxmemory", "100mb");
  await redis.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
  expect(await questions.memory()).toEqual({ known: true, value: { maxBytes: 104_857_600, policy: "allkeys-lru" } });
  await redis.command("CONFIG", "SET", "maxmemory", "0");
});

test("write() leaves nothing behind", async () => {
  expect(await questions.write()).toEqual({ known: true, value: null });
  expect(await redis.command("KEYS", "*")).toEqual([]);
});

test("write() is unknown where the user may not, and says which key", async () => {
  await redis.command("ACL", "SETUSER", "reader", "on", ">pw", "~*", "+@read", "+@connection", "+info");
  const reader = ask(redis.url.replace("redis://", "redis://reader:pw@"));
  expect(await reader.write()).toMatchObject({
    known: false,
    why: expect.stringMatching(/^write checkup:quantum:doctor: .*NOPERM/),
  });
  expect((await reader.memory()).known).toBe(true);
  reader.close();
});

test("nothing is known of a Redis that is not there", async () => {
  const nobody = ask("redis://127.0.0.1:1");
  for (const reading of [await nobody.roundTripMs(), await nobody.memory(), await nobody.write()]) {
    expect(reading.known).toBe(false);
  }
  nobody.close();
});

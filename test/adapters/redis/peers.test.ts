/** Who was heard when, where Redis holds something else than the heartbeats of ours. */

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { hostClock } from "../../../src/adapters/host/clock.ts";
import { keysOf } from "../../../src/adapters/redis/keys.ts";
import { redisWatchdogBus } from "../../../src/adapters/redis/watchdog-bus.ts";
import type { WatchdogBus } from "../../../src/ports/bus.ts";
import { startRedis, type TestRedis } from "../../support/redis.ts";

let redis: TestRedis;
let bus: WatchdogBus & { close(): void };
const keys = keysOf("peers");

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  await redis.command("FLUSHALL");
  const options = { url: redis.url, namespace: "peers", triggerSecret: null, deadlineMs: 2_000 };
  bus = redisWatchdogBus({ ...options, clock: hostClock });
  return () => bus.close();
});

test("the age is the server's clock against the entry's id", async () => {
  await redis.command("XADD", keys.heartbeat.eew, `${Date.now() - 60_000}-7`, "status", "ALIVE");
  const heard = await bus.lastHeard(["eew"]);
  expect(heard).toMatchObject({ known: true, value: [{ role: "eew", last: { entry: expect.stringMatching(/-7$/) } }] });
  const ageMs = heard.known ? (heard.value[0]?.last?.ageMs ?? 0) : 0;
  expect(ageMs).toBeGreaterThanOrEqual(60_000);
  expect(ageMs).toBeLessThan(70_000);
});

test("what can't be read as a heartbeat is none: the one before counts", async () => {
  await redis.command("XADD", keys.heartbeat.eew, "1-1", "status", "ALIVE");
  await redis.command("XADD", keys.heartbeat.eew, "2-1", "something", "else");
  expect(await bus.lastHeard(["eew"])).toMatchObject({ known: true, value: [{ last: { entry: "1-1" } }] });
});

test("a key of another kind is unknown, and leaves the connection that publishes alone", async () => {
  await redis.command("SET", keys.heartbeat.eew, "true");
  const clients = async (): Promise<string> => String(await redis.command("CLIENT", "LIST"));
  await bus.publish({ incidentId: "e1", number: 1 }, "TEST");
  const before = /id=(\d+)[^\n]*cmd=eval/.exec(await clients())?.[1];
  expect(before).toBeDefined();
  expect(await bus.lastHeard(["eew"])).toMatchObject({ known: false, why: expect.stringContaining("WRONGTYPE") });
  await bus.publish({ incidentId: "e2", number: 1 }, "TEST");
  expect(/id=(\d+)[^\n]*cmd=eval/.exec(await clients())?.[1]).toBe(before ?? "");
});

import { afterEach, beforeEach, expect, test } from "bun:test";
import { redisBrainBus } from "../../../src/adapters/redis/brain-bus.ts";
import { aBeat } from "../../support/core.ts";
import { startRedis, type TestRedis } from "../../support/redis.ts";

let redis: TestRedis;
beforeEach(async () => {
  redis = await startRedis();
});
afterEach(() => redis.stop());

const HEARTBEAT = aBeat().heartbeat;
const open = (triggerSecret: string | null = null) =>
  redisBrainBus({ url: redis.url, namespace: "", triggerSecret, deadlineMs: 500 });

test("while Redis can't be read, the incident follows from the last heartbeat that it had confirmed", async () => {
  const bus = open();
  await bus.beat("brain", HEARTBEAT);
  const named = await bus.ownIncident("instance-1");
  await redis.die();
  expect(await bus.ownIncident("instance-1")).toBe(named);
  expect(await bus.ownIncident("instance-2")).not.toBe(named);
  expect(await bus.raise(named, "BOT_GONE")).toMatchObject({ known: false });
  bus.close();
});

test("a heartbeat that arrived without a confirmation is the one that is missed, and names the incident", async () => {
  const bus = open();
  await bus.beat("brain", HEARTBEAT);
  const before = await bus.ownIncident("instance-1");
  await redis.command("XADD", "exit_brain:heartbeat", "*", "status", "ALIVE", "instance_id", "instance-1");
  expect(await bus.ownIncident("instance-1")).not.toBe(before);
  bus.close();
});

test("a brain's panic is an event as the contract has it, signed where there is a secret", async () => {
  const bus = open("s3cret");
  await bus.raise("incident-1", "BOT_GONE");
  bus.close();
  const [entry] = (await redis.command("XRANGE", "system:panic_close", "-", "+")) as [string, string[]][];
  const fields = entry?.[1] ?? [];
  expect(fields.slice(0, 8)).toEqual([
    ...["event_id", "incident-1", "reason", "BOT_GONE"],
    ...["severity", "CRITICAL", "issued_by", "exit_brain"],
  ]);
  expect(fields.slice(-2)).toEqual(["sig", expect.stringMatching(/^[\da-f]{64}$/)]);
});

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { redisBrainBus } from "../../../src/adapters/redis/brain-bus.ts";
import { keysOf } from "../../../src/adapters/redis/keys.ts";
import { redisOperatorBus } from "../../../src/adapters/redis/operator-bus.ts";
import { known } from "../../../src/core/reading.ts";
import { NOT_YET, stand } from "../../../src/core/standing.ts";
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

describe("a person's permission", () => {
  /** Where a brain stands that has seen these panics, and reads the permission then; given behind all of them, or not at all. */
  async function stands(lookBefore: boolean, panics: readonly string[], isGiven = true): Promise<boolean> {
    const options = { url: redis.url, namespace: "", triggerSecret: null, deadlineMs: 500 };
    const [bus, operator] = [redisBrainBus(options), redisOperatorBus(options)];
    try {
      let standing = NOT_YET;
      const look = async (): Promise<void> => {
        const read = await bus.permission(null);
        if (!read.known) throw new Error(read.why);
        standing = stand({ shadow: false, autoLive: false }, standing, read.value, false);
      };
      for (const id of panics) await redis.command("XADD", keysOf("").panic, id, "event_id", "e");
      if (lookBefore) await look();
      if (lookBefore) await redis.command("FLUSHALL");
      if (isGiven) expect(await operator.allowLive("p")).toEqual(known("allowed"));
      await look();
      return standing.isLive;
    } finally {
      bus.close();
      operator.close();
    }
  }

  test("covers the panics on record", async () => {
    expect(await stands(false, ["*"])).toBe(true);
  });

  test("covers one that Redis has lost, and that the brain remembers", async () => {
    expect(await stands(true, ["*"])).toBe(true);
  });

  test("covers one on record from before the clock was set back", async () => {
    expect(await stands(false, [`${Date.now() + 3_600_000}-7`])).toBe(true);
  });

  test("does not cover the next one", async () => {
    const operator = redisOperatorBus({ url: redis.url, namespace: "", triggerSecret: null, deadlineMs: 500 });
    await operator.allowLive("p");
    operator.close();
    expect(await stands(false, ["1-0"], false)).toBe(false);
  });
});

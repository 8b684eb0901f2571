/** A halt that Redis has lost, on real processes: it comes back, and only a person ends it. */

import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ChildRun } from "../../src/adapters/host/processes.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { type BinanceServer, serveBinance } from "../../src/sim/binance-server.ts";
import { Venue } from "../../src/sim/venue.ts";
import { eventually } from "../support/eventually.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { QUANTUM, run } from "../support/run.ts";
import { startWorker, WORKER_KEY } from "../support/worker.ts";

setDefaultTimeout(60_000);

const HALT = "system:state:trading";

/** A quarter of a second on a machine that is idle; a busy one may be slow. */
const WINDOW_MS = 5_000;

let directory: string;
let redis: TestRedis;
let venue: Venue;
let server: BinanceServer;
const workers: ChildRun[] = [];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "quantum-memory-"));
  redis = await startRedis();
  venue = new Venue({ now: () => Date.now() as UnixMillis });
  venue.addAccount({ apiKey: WORKER_KEY.BINANCE_API_KEY, secret: WORKER_KEY.BINANCE_API_SECRET });
  venue.openPosition(WORKER_KEY.BINANCE_API_KEY, { symbol: "BTCUSDT", amount: "0.5" });
  server = await serveBinance({ venue, latencyMs: 20 });
});
afterEach(async () => {
  for (const worker of workers.splice(0)) await worker.end();
  await redis.stop();
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Its log goes on in each life, so what this life says is counted from here. */
async function start(name = "state"): Promise<ChildRun> {
  const worker = startWorker({ redis, server, directory, name });
  workers.push(worker);
  const before = worker.log().split("Listening").length;
  await eventually(`${name} listens`, () => worker.log().split("Listening").length > before || !worker.running());
  return worker;
}

const operator = (...args: readonly string[]): ReturnType<typeof run> => {
  const env = { ...WORKER_KEY, REDIS_URL: redis.url, BINANCE_TESTNET: "true", BINANCE_BASE_URL: server.url };
  return run(QUANTUM, args, { env });
};

const halted = async (): Promise<boolean> => (await redis.command("EXISTS", HALT)) === 1;

/** Everything is closed and reported; the event's id. */
async function panic(): Promise<string> {
  const { code, stdout } = await operator("panic", "--json");
  expect(code).toBe(0);
  return (JSON.parse(stdout) as { event_id: string }).event_id;
}

/** So many of the worker's looks later it has seen whatever there was to see. */
async function looks(count: number): Promise<void> {
  const beats = async (): Promise<number> => Number(await redis.command("XLEN", "eew:heartbeat"));
  const before = await beats();
  await eventually(`${count} looks`, async () => (await beats()) >= before + count);
}

describe("after a FLUSHALL", () => {
  test("the halt is back within seconds, with the event's record, and is told as a loss of data", async () => {
    const worker = await start();
    const eventId = await panic();
    await redis.command("FLUSHALL");
    const lostAt = performance.now();
    await eventually("the halt is back", halted);
    expect(performance.now() - lostAt).toBeLessThan(WINDOW_MS);
    expect(await redis.command("HGET", HALT, "event_id")).toBe(eventId);
    expect(await redis.command("HGET", HALT, "requires_manual_reset")).toBe("true");
    expect(await redis.command("HGET", "quantum:outcomes", eventId)).toBe("FLAT");
    expect((await operator("gate")).code).toBe(1);
    const told = `Event ${eventId} ended FLAT: its halt is put back from the journal`;
    await eventually("it is told", () => worker.log().includes(told));
    expect(worker.log()).toContain("Data loss, Redis has forgotten the halt");
  });

  test.each([
    ["quantum reset", async () => expect(await operator("reset")).toMatchObject({ code: 0 })],
    ["DEL by hand", async () => expect(await redis.command("DEL", HALT)).toBe(1)],
  ] as const)("%s ends the halt for good, for another loss and for the next life too", async (_how, reset) => {
    const worker = await start();
    await panic();
    await redis.command("FLUSHALL");
    await eventually("the halt is back", halted);
    await reset();
    await eventually("the worker has seen it", () => worker.log().includes("Halt cleared by a person"));
    await redis.command("FLUSHALL");
    await looks(2);
    expect(await halted()).toBe(false);
    await worker.end();
    await start();
    await looks(2);
    expect(await halted()).toBe(false);
  });
});

test("a Redis that comes back empty under a living worker is halted again within seconds of its return", async () => {
  await start();
  await panic();
  await redis.die();
  await redis.revive();
  const backAt = performance.now();
  await eventually("the halt is back", halted);
  expect(performance.now() - backAt).toBeLessThan(WINDOW_MS);
});

test("a halt whose worker is lost together with Redis's data is put back by another one that has seen it", async () => {
  const [one, two] = [await start("one"), await start("two")];
  const eventId = await panic();
  const isOne = one.log().includes("Trigger validated");
  const [executor, other] = isOne ? [one, two] : [two, one];
  const journal = join(directory, isOne ? "two" : "one", "journal.jsonl");
  await eventually(
    "the other has seen it",
    () => existsSync(journal) && readFileSync(journal, "utf8").includes(eventId),
  );
  await executor.end();
  await redis.command("FLUSHALL");
  await eventually("the halt is back", halted, 5_000);
  expect(await redis.command("HGET", HALT, "event_id")).toBe(eventId);
  const told = `Event ${eventId} ended FLAT: its halt is put back from the journal`;
  await eventually("the other tells it", () => other.log().includes(told));
});

test("a Redis that came back empty while the worker was dead is halted again at the worker's start", async () => {
  const worker = await start();
  await panic();
  await worker.end();
  await redis.die();
  await redis.revive();
  expect(await halted()).toBe(false);
  await start();
  await eventually("the halt is back", halted, 5_000);
});

test("a reset that nobody saw, because the worker was dead, is believed at its start", async () => {
  const worker = await start();
  await panic();
  await worker.end();
  expect(await operator("reset")).toMatchObject({ code: 0 });
  const next = await start();
  await eventually("it has seen it", () => next.log().includes("Halt cleared by a person"));
  expect(await halted()).toBe(false);
});

test("an event from before a quantum reset is refused when the group is lost and read anew, and one after it is not", async () => {
  const worker = await start();
  await panic();
  expect(await operator("reset")).toMatchObject({ code: 0 });
  await eventually("the worker has seen it", () => worker.log().includes("Halt cleared by a person"));
  await worker.end();
  // Everything is delivered again, and neither Redis nor the next life of the worker knows that it was done.
  await redis.command("DEL", "quantum:outcomes");
  await redis.command("XGROUP", "DESTROY", "system:panic_close", "emergency_exit_worker");
  const next = await start();
  await eventually("it is refused", () => next.log().includes("it was published before the last quantum reset"));
  expect(await halted()).toBe(false);
  await panic();
  expect(await halted()).toBe(true);
});

describe("a second worker with the same state directory", () => {
  test("is refused in one line that names the first, and can start the moment that one is killed", async () => {
    const first = await start();
    const env = {
      ...WORKER_KEY,
      REDIS_URL: redis.url,
      BINANCE_TESTNET: "true",
      BINANCE_BASE_URL: server.url,
      STATE_DIRECTORY: join(directory, "state"),
    };
    const second = await run(QUANTUM, ["eew"], { env });
    expect(second).toMatchObject({ code: 2, stdout: "" });
    expect(second.stderr).toMatch(
      /^quantum: Another quantum eew uses the state directory \S+ \((process \d+|a process that does not answer, perhaps frozen)\): stop that one, or set another STATE_DIRECTORY for this one\n$/,
    );
    expect(first.running()).toBe(true);
    await first.end();
    const third = await start();
    expect(third.running()).toBe(true);
  });
});

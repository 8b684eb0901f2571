/** The worker's second line on real processes: what it does when nobody else can speak. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
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

const LIMIT_MS = 60_000;

let directory: string;
let redis: TestRedis;
let venue: Venue;
let server: BinanceServer;
let worker: ChildRun | null = null;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "quantum-second-"));
  redis = await startRedis();
  venue = new Venue({ now: () => Date.now() as UnixMillis });
  venue.addAccount({ apiKey: WORKER_KEY.BINANCE_API_KEY, secret: WORKER_KEY.BINANCE_API_SECRET });
  venue.openPosition(WORKER_KEY.BINANCE_API_KEY, { symbol: "BTCUSDT", amount: "0.5" });
  venue.openPosition(WORKER_KEY.BINANCE_API_KEY, { symbol: "ETHUSDT", amount: "-2" });
  server = await serveBinance({ venue, latencyMs: 20 });
});
afterEach(async () => {
  await worker?.end();
  worker = null;
  await redis.stop();
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

async function start(...flags: readonly string[]): Promise<ChildRun> {
  const child = startWorker({ redis, server, directory, name: "state", flags });
  worker = child;
  await eventually("the worker listens", () => child.log().includes("Listening"));
  return child;
}

const PANIC = ["event_id", "e1", "reason", "R", "severity", "CRITICAL", "issued_by", "ops", "ts", "1"];

const reports = async (): Promise<number> => Number(await redis.command("XLEN", "system:panic_close:completed"));

const beat = (key: string): Promise<unknown> =>
  redis.command("XADD", key, "*", "status", "ALIVE", "active_positions", "2", "ts", String(Date.now()));

/** The worker has seen a brain that lives, and a watchdog. */
async function seen(): Promise<void> {
  await beat("exit_brain:heartbeat");
  await beat("watchdog:heartbeat");
  const before = Number(await redis.command("XLEN", "eew:heartbeat"));
  // Two looks later it has read both.
  await eventually(
    "the worker has looked",
    async () => Number(await redis.command("XLEN", "eew:heartbeat")) >= before + 2,
  );
}

const flat = (): boolean => venue.positions(WORKER_KEY.BINANCE_API_KEY).length === 0;

describe("a worker whose Redis is gone for good", () => {
  test(
    "closes everything within five seconds and a pass, and tells Redis once it is back",
    async () => {
      const own = await start();
      await seen();
      await redis.die();
      const diedAt = performance.now();
      await eventually("the account is flat", flat);
      const tookMs = performance.now() - diedAt;
      expect(tookMs).toBeGreaterThan(4_900);
      expect(tookMs).toBeLessThan(8_000);
      expect(own.log()).toContain("FAILURE DETECTED: REDIS_LOST_(5.");
      await redis.revive();
      await eventually(
        "the report is on record",
        async () => Number(await redis.command("XLEN", "system:panic_close:completed")) === 1,
      );
      const halt = (await redis.command("HGETALL", "system:state:trading")) as string[];
      expect(halt).toContain("true");
      const [event] = (await redis.command("XRANGE", "system:panic_close", "-", "+")) as [string, string[]][];
      expect(event?.[1]).toContain("eew");
      const [report] = (await redis.command("XRANGE", "system:panic_close:completed", "-", "+")) as [
        string,
        string[],
      ][];
      expect(report?.[1]).toContain("FLAT");
    },
    LIMIT_MS,
  );

  test(
    "and that dies before it could tell, tells after its restart",
    async () => {
      const own = await start();
      await seen();
      await redis.die();
      await eventually("the account is flat", flat);
      await eventually("the pass is over", () => own.log().includes("Report not confirmed"));
      await own.end();
      await redis.revive();
      await start();
      await eventually(
        "the report is on record",
        async () => Number(await redis.command("XLEN", "system:panic_close:completed")) === 1,
      );
      expect(worker?.log()).toContain("was raised in an earlier life and not reported");
    },
    LIMIT_MS,
  );

  test(
    "only says so, if that was chosen, and says from the start that it was",
    async () => {
      const own = await start("--redis-lost-alert-only");
      expect(own.log()).toContain("UNPROTECTED by choice: where Redis stays away");
      await seen();
      await redis.die();
      await eventually("it says so", () => own.log().includes("ALERT ONLY, nothing is closed: REDIS_LOST_(5."));
      expect(flat()).toBe(false);
    },
    LIMIT_MS,
  );
});

test(
  "an operator's direct call closes everything while Redis is dead, and is on record once it is back",
  async () => {
    await start();
    await redis.die();
    const socket = join(directory, "state", "eew.sock");
    const called = await run(QUANTUM, ["panic", "--direct", "--socket", socket, "--reason", "BY_HAND", "--json"]);
    expect([called.code, JSON.parse(called.stdout).outcome]).toEqual([0, "FLAT"]);
    expect(flat()).toBe(true);
    await redis.revive();
    await eventually(
      "the report is on record",
      async () => Number(await redis.command("XLEN", "system:panic_close:completed")) === 1,
    );
    const [event] = (await redis.command("XRANGE", "system:panic_close", "-", "+")) as [string, string[]][];
    expect(event?.[1]).toEqual(expect.arrayContaining(["ops", "BY_HAND"]));
  },
  LIMIT_MS,
);

test(
  "a position that opens under the halt of a flat account is closed again within ten seconds",
  async () => {
    const own = await start();
    await redis.command("XADD", "system:panic_close", "*", ...PANIC);
    await eventually("the account is flat", flat);
    await eventually("the report is on record", async () => (await reports()) === 1);
    venue.openPosition(WORKER_KEY.BINANCE_API_KEY, { symbol: "SOLUSDT", amount: "3" });
    const openedAt = performance.now();
    await eventually("the account is flat again", flat);
    expect(performance.now() - openedAt).toBeLessThan(10_000);
    expect(own.log()).toContain("FAILURE DETECTED: HALT_VIOLATED_(1_OPEN)");
    await eventually("the second report is on record", async () => (await reports()) === 2);
  },
  LIMIT_MS,
);

test(
  "a worker that hears neither brain nor watchdog raises the incident itself",
  async () => {
    const own = await start();
    await seen();
    await eventually("the account is flat", flat, 20_000);
    // The limit, and a look that comes each second.
    expect(own.log()).toMatch(/FAILURE DETECTED: WATCHDOG_LOST_\(1[01]\./);
    const events = (await redis.command("XRANGE", "system:panic_close", "-", "+")) as unknown[];
    expect(events).toHaveLength(1);
  },
  LIMIT_MS,
);

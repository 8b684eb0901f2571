/** A worker that is killed between its closes and its report, on real processes: the report counts what that one closed. */

import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newEventId } from "../../src/adapters/host/identity.ts";
import type { ChildRun } from "../../src/adapters/host/processes.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { type BinanceServer, serveBinance } from "../../src/sim/binance-server.ts";
import { Venue } from "../../src/sim/venue.ts";
import { eventually } from "../support/eventually.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { QUANTUM, run } from "../support/run.ts";
import { startWorker, WORKER_KEY } from "../support/worker.ts";

const LIMIT_MS = 60_000;
const KEY = WORKER_KEY.BINANCE_API_KEY;

let directory: string;
let redis: TestRedis;
let venue: Venue;
let server: BinanceServer;
/** The last life of each, by name. */
let workers: Map<string, ChildRun>;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "quantum-resumed-"));
  redis = await startRedis();
  venue = new Venue({ now: () => Date.now() as UnixMillis });
  venue.addAccount({ apiKey: KEY, secret: WORKER_KEY.BINANCE_API_SECRET });
  venue.openPosition(KEY, { symbol: "BTCUSDT", amount: "0.5" });
  venue.openPosition(KEY, { symbol: "ETHUSDT", amount: "-2" });
  // Slow enough that the worker can be met between its last order and the look that follows it.
  server = await serveBinance({ venue, latencyMs: 400 });
  workers = new Map();
});
afterEach(async () => {
  for (const worker of workers.values()) await worker.end();
  await redis.stop();
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

/** A worker that listens; one with the name of another is its next life. */
async function start(name: string): Promise<void> {
  // Its lives share a log.
  const before = workers.get(name)?.log().length ?? 0;
  const worker = startWorker({ redis, server, directory, name });
  workers.set(name, worker);
  await eventually("the worker listens", () => worker.log().slice(before).includes("Listening"));
}

async function publish(): Promise<void> {
  const words = { event_id: newEventId(), reason: "RESUMED", severity: "CRITICAL", issued_by: "ops", ts: "1" };
  await redis.command("XADD", "system:panic_close", "*", ...Object.entries(words).flat());
}

/** Kills whoever executes as soon as the account is flat, before anything can be reported. */
async function killBehindTheCloses(): Promise<void> {
  await eventually("both legs are closed", () => venue.positions(KEY).length === 0);
  const owner = [...workers.values()].find((worker) => worker.log().includes("Trigger validated"));
  owner?.signal("SIGKILL");
  await owner?.ended;
  expect(owner?.log()).not.toContain("Closed: ");
}

/** What the one report on record counts, and the halt with it. */
async function counted(): Promise<unknown> {
  const reports = async () =>
    (await redis.command("XRANGE", "system:panic_close:completed", "-", "+")) as [string, string[]][];
  await eventually("a report is on record", async () => (await reports()).length > 0);
  const [first, ...others] = (await reports()).map(([, fields]) => fieldsOf(fields));
  const halt = fieldsOf((await redis.command("HGETALL", "system:state:trading")) as string[]);
  expect(others).toEqual([]);
  expect(await redis.command("EXISTS", "quantum:found")).toBe(0);
  const { outcome, positions_total, positions_closed, notional_usd } = first ?? {};
  return { outcome, positions_total, positions_closed, notional_usd, halted: halt["positions_closed"] };
}

function fieldsOf(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(words.flatMap((word, i) => (i % 2 === 0 ? [[word, words[i + 1] ?? ""]] : [])));
}

/** Of both legs, at the marks of the venue. */
function both(): unknown {
  const notional = venue.mark("BTCUSDT").times("0.5").plus(venue.mark("ETHUSDT").times("2"));
  const closed = { positions_total: "2", positions_closed: "2", halted: "2" };
  return { outcome: "FLAT", ...closed, notional_usd: notional.toFixed(2) };
}

test(
  "what a killed worker has closed counts in the report of the one that takes the event over",
  async () => {
    await start("one");
    await start("two");
    await publish();
    await killBehindTheCloses();
    expect(await counted()).toEqual(both());
  },
  LIMIT_MS,
);

test(
  "what a killed worker has closed counts in the report of its next life",
  async () => {
    await start("one");
    await publish();
    await killBehindTheCloses();
    await start("one");
    expect(await counted()).toEqual(both());
  },
  LIMIT_MS,
);

test(
  "what a killed worker has closed without Redis counts in the report of its next life, by its journal",
  async () => {
    await start("one");
    await redis.die();
    const socket = join(directory, "one", "eew.sock");
    const called = run(QUANTUM, ["panic", "--direct", "--socket", socket, "--reason", "RESUMED", "--json"]);
    await killBehindTheCloses();
    await called;
    await start("one");
    await redis.revive();
    expect(await counted()).toEqual(both());
  },
  LIMIT_MS,
);

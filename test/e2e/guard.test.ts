/** A guard over a real bot that trades by `ccxt`, with every other part as a real process, too. */

import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../src/adapters/host/port.ts";
import { ChildRun } from "../../src/adapters/host/processes.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { type BinanceServer, serveBinance } from "../../src/sim/binance-server.ts";
import { Venue } from "../../src/sim/venue.ts";
import { eventually } from "../support/eventually.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { QUANTUM, ROOT, run } from "../support/run.ts";
import { startWatchdog, startWorker, WORKER_KEY } from "../support/worker.ts";

setDefaultTimeout(90_000);

const BOT = join(ROOT, "test", "bench", "guarded-bot.ts");

let directory: string;
let redis: TestRedis;
let venue: Venue;
let server: BinanceServer;
let runs: ChildRun[];
let guards: number;
let port: number;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "quantum-guard-"));
  redis = await startRedis();
  venue = new Venue({ now: () => Date.now() as UnixMillis });
  venue.addAccount({ apiKey: WORKER_KEY.BINANCE_API_KEY, secret: WORKER_KEY.BINANCE_API_SECRET });
  server = await serveBinance({ venue, latencyMs: 20 });
  [runs, guards, port] = [[], 0, await freePort()];
});
afterEach(async () => {
  // The guard first: it takes its bot along.
  for (const one of runs.reverse()) await one.end();
  await eventually("no bot is left", () => starts().every((pid) => !lives(pid)));
  await redis.stop();
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

const read = (name: string): string => {
  try {
    return readFileSync(join(directory, name), "utf8").trim();
  } catch {
    return "";
  }
};
/** The process ids of the bot, one for each start. */
const starts = (): readonly string[] => read("starts").split("\n").filter(Boolean);
const lives = (pid: string): boolean => {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
};
const isFlat = (): boolean => venue.positions(WORKER_KEY.BINANCE_API_KEY).length === 0;

type Entry = readonly [id: string, fields: readonly string[]];
const entries = async (key: string): Promise<readonly Entry[]> =>
  (await redis.command("XRANGE", key, "-", "+")) as readonly Entry[];
const field = ([, fields]: Entry, name: string): string => fields[fields.indexOf(name) + 1] ?? "";
const panics = (): Promise<readonly Entry[]> => entries("system:panic_close");
const beats = (): Promise<readonly Entry[]> => entries("exit_brain:heartbeat");
const at = ([id]: Entry): number => Number(id.split("-")[0]);

const guardEnv = () => ({
  ...WORKER_KEY,
  PATH: process.env["PATH"] ?? "",
  REDIS_URL: redis.url,
  BINANCE_TESTNET: "true",
  BINANCE_BASE_URL: server.url,
  LOG_FORMAT: "text",
  PLACE: directory,
  PORT: String(port),
});

function startGuard(flags: readonly string[]): ChildRun {
  const guard = new ChildRun({
    file: QUANTUM,
    args: ["brain", "guard", ...flags, "--", process.execPath, BOT],
    env: guardEnv(),
    cwd: directory,
    logFile: join(directory, `guard-${++guards}.log`),
  });
  runs.push(guard);
  return guard;
}

/** Worker, watchdog, and a bot that holds a position and is guarded. */
async function deploy(...flags: readonly string[]): Promise<ChildRun> {
  const common = { redis, server, directory };
  runs.push(startWorker({ ...common, name: "worker" }), startWatchdog({ ...common, name: "watchdog" }));
  const guard = startGuard(flags);
  await eventually("the bot holds its position", () => !isFlat());
  await eventually("the watchdog is armed", async () => {
    const last = (await entries("watchdog:heartbeat")).at(-1);
    return last !== undefined && field(last, "state") === "armed";
  });
  await eventually("the position is reported", async () => {
    const last = (await beats()).at(-1);
    return last !== undefined && field(last, "active_positions") === "1";
  });
  return guard;
}

/** What the bot is told by HTTP; one that crashes or hangs over it gives no answer. */
const tell = (what: string): Promise<unknown> =>
  fetch(`http://127.0.0.1:${port}/${what}`, { signal: AbortSignal.timeout(1_000) }).catch(() => null);
const signal = (name: NodeJS.Signals): void => void process.kill(Number(starts().at(-1)), name);

const HTTP = (): readonly string[] => ["--probe-http", `http://127.0.0.1:${port}/ping`];
const FILE = (): readonly string[] => ["--probe-file", "alive", "--max-age-ms", "1000"];
/** The same by a command. */
const COMMAND = (): readonly string[] => ["--probe-cmd", `find "$PLACE/alive" -newermt "-1 seconds" | grep -q .`];
const NONE = (): readonly string[] => [];

/** The account is flat and stays it: trading is halted, and nobody is there who could open anything. */
async function overAndDone(guard: ChildRun, since: number): Promise<Entry> {
  await eventually("a panic is published", async () => (await panics()).length > 0, 20_000);
  await eventually("the report is there", async () => (await entries("system:panic_close:completed")).length > 0);
  expect(isFlat()).toBe(true);
  expect(Date.now() - since).toBeLessThan(15_000);
  const [completed] = await entries("system:panic_close:completed");
  expect(completed && field(completed, "outcome")).toBe("FLAT");
  expect(await redis.command("HGET", "system:state:trading", "halted")).toBe("true");
  await eventually("the guard has ended", () => !guard.running());
  expect(starts()).toHaveLength(1);
  expect(starts().filter(lives)).toEqual([]);
  const all = await panics();
  expect(all).toHaveLength(1);
  const [panic] = all;
  if (panic === undefined) throw new Error("no panic");
  return panic;
}

describe("a bot that fails, found by its guard and then by the watchdog", () => {
  test.each([
    ["crashes", NONE, () => tell("crash"), /The bot has ended by itself, exit code 1: silent/],
    ["is killed", NONE, () => signal("SIGKILL"), /The bot has ended by itself, killed by SIGKILL: silent/],
    ["exits with 0", NONE, () => tell("exit"), /The bot has ended by itself, exit code 0: silent/],
    [
      "is stopped, and is asked by HTTP",
      HTTP,
      () => signal("SIGSTOP"),
      /Stopping the bot, because no heart.*no answer within 1000 ms/,
    ],
    ["is stopped, and writes a file", FILE, () => signal("SIGSTOP"), /Stopping the bot, because no heart.*not written/],
    ["runs in a loop, and is asked by HTTP", HTTP, () => tell("loop"), /Stopping the bot, because no heartbeat/],
    [
      "trades on, stops writing its file, and a command looks at that",
      COMMAND,
      () => tell("mute"),
      /Stopping the bot, because no heart.*exit code 1/,
    ],
    [
      "trades on, and stops writing its file",
      FILE,
      () => tell("mute"),
      /Stopping the bot, because no heart.*not written/,
    ],
  ] as const)("%s: flat within the limits, halted, and not started again", async (_what, flags, fail, words) => {
    const guard = await deploy(...flags());
    const failedAt = Date.now();
    await fail();
    const panic = await overAndDone(guard, failedAt);
    expect(field(panic, "issued_by")).toBe("watchdog");
    expect(field(panic, "reason")).toStartWith("EXIT_BRAIN_HEARTBEAT_MISSING_(5.");
    const lastBeat = (await beats()).at(-1);
    const missedMs = at(panic) - (lastBeat === undefined ? 0 : at(lastBeat));
    expect(missedMs).toBeGreaterThan(4_990);
    expect(missedMs).toBeLessThan(5_500);
    expect(guard.log()).toMatch(words);
  });
});

test("a bot is not started while trading is halted, and once a person has reset, it is", async () => {
  const first = await deploy();
  await tell("crash");
  await overAndDone(first, Date.now());
  const second = startGuard([]);
  await eventually("the guard waits", () => second.log().includes("The bot is not started"));
  expect(second.log()).toContain("quantum reset");
  const beatsBefore = (await beats()).length;
  // Long enough for many looks at the halt, each of which must say no.
  await eventually("it has looked for a while", async () => (await entries("watchdog:heartbeat")).length > 12);
  expect(starts()).toHaveLength(1);
  expect(await beats()).toHaveLength(beatsBefore);
  const { code } = await run(QUANTUM, ["reset"], { env: guardEnv() });
  expect(code).toBe(0);
  await eventually("the bot is started", () => starts().length === 2);
  await eventually("it is watched", async () => {
    const last = (await entries("watchdog:heartbeat")).at(-1);
    return last !== undefined && field(last, "state") === "armed";
  });
  expect(await panics()).toHaveLength(1);
});

test("a guard is no bot's second life: one whose bot was stopped by a halt ends, and starts nothing after the reset", async () => {
  const guard = await deploy();
  const { code } = await run(QUANTUM, ["panic"], { env: guardEnv() });
  expect(code).toBe(0);
  await eventually("the guard has ended", () => !guard.running());
  expect(guard.log()).toMatch(/Trading is halted: OPERATOR_PANIC\. Stopping the bot/);
  expect(guard.log()).toContain("bot: told to end");
  expect(starts().filter(lives)).toEqual([]);
  // What it may have opened between the halt and its end the worker closes, and then nobody is left to open anything.
  await eventually("the account is flat", isFlat);
  await eventually("every exit is reported", async () => {
    return (await entries("system:panic_close:completed")).length === (await panics()).length;
  });
  expect((await run(QUANTUM, ["reset"], { env: guardEnv() })).code).toBe(0);
  expect(starts()).toHaveLength(1);
});

describe("a guard to which the bot's end is proof", () => {
  test.each([
    ["is killed", "SIGKILL", "EXIT_BRAIN_BOT_EXITED_(SIGKILL)"],
    ["ends by itself", "SIGTERM", "EXIT_BRAIN_BOT_EXITED_(CODE_0)"],
  ] as const)(
    "raises the panic within 100 ms, and the account is flat within 500 ms, once it %s",
    async (_how, by, reason) => {
      const guard = await deploy("--trip-on-exit");
      const endedAt = Date.now();
      signal(by);
      await eventually("the account is flat", isFlat);
      const flatMs = Date.now() - endedAt;
      const panic = await overAndDone(guard, endedAt);
      const panicMs = at(panic) - endedAt;
      expect(panicMs).toBeLessThan(100);
      expect(flatMs).toBeLessThan(500);
      expect(field(panic, "issued_by")).toBe("exit_brain");
      expect(field(panic, "reason")).toBe(reason);
      // The watchdog misses the same heartbeat, and raises nothing of its own.
      const lastBeat = (await beats()).at(-1);
      await eventually(
        "the watchdog's limit is over",
        () => lastBeat !== undefined && Date.now() - at(lastBeat) > 6_000,
      );
      expect(await panics()).toHaveLength(1);
      expect(await entries("system:panic_close:completed")).toHaveLength(1);
    },
  );

  test("and that can't reach Redis calls the worker itself", async () => {
    const guard = await deploy("--trip-on-exit", "--direct-socket", join(directory, "worker", "eew.sock"));
    await redis.die();
    const endedAt = Date.now();
    signal("SIGKILL");
    await eventually("the account is flat", isFlat);
    // The worker's own patience with a Redis that is away is five seconds.
    expect(Date.now() - endedAt).toBeLessThan(4_000);
    await eventually("the worker has said so", () =>
      guard.log().includes("The worker has heard it by the direct line"),
    );
    expect(read("worker.log")).toContain("Source: exit_brain");
    await redis.revive();
    await eventually("the guard has ended", () => !guard.running(), 20_000);
    expect(await panics()).toHaveLength(1);
  });
});

describe("the end of the guard itself looks like a death", () => {
  test.each([
    ["SIGTERM", "bot: told to end"],
    ["SIGKILL", ""],
  ] as const)("by %s, which takes the bot along", async (by, words) => {
    const guard = await deploy();
    const endedAt = Date.now();
    guard.signal(by);
    await eventually("the bot is gone", () => !starts().some(lives), 4_000);
    const panic = await overAndDone(guard, endedAt);
    expect(field(panic, "reason")).toStartWith("EXIT_BRAIN_HEARTBEAT_MISSING_(5.");
    expect(guard.log()).toContain(words);
  });
});

test("a bot behind a Redis that goes away is stopped before everything is closed behind its back", async () => {
  const guard = await deploy();
  await redis.die();
  await eventually("the bot is gone", () => !starts().some(lives));
  expect(isFlat()).toBe(false);
  expect(guard.log()).toMatch(
    /Stopping the bot, because (no heartbeat for it was confirmed|whether trading is halted could not)/,
  );
  await eventually("the worker has closed", isFlat);
  expect(starts()).toHaveLength(1);
});

/** The watchdog's way to the worker without Redis, on real processes. But for one test the worker's own second line is switched off. */

import { afterEach, beforeEach, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../src/adapters/host/port.ts";
import type { ChildRun } from "../../src/adapters/host/processes.ts";
import { fieldsOf, type RawEntry } from "../../src/adapters/redis/codec.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { type BinanceServer, serveBinance } from "../../src/sim/binance-server.ts";
import { Venue } from "../../src/sim/venue.ts";
import { eventually } from "../support/eventually.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { QUANTUM, run } from "../support/run.ts";
import { startWatchdog, startWorker, WORKER_KEY } from "../support/worker.ts";

const LIMIT_MS = 60_000;
const SECRET = "the-trigger-secret-of-this-test";
const SIGNED = { QUANTUM_TRIGGER_SECRET: SECRET };
const ALERT_ONLY = ["--redis-lost-alert-only", "--watchdog-lost-alert-only"];

let directory: string;
let redis: TestRedis;
let venue: Venue;
let server: BinanceServer;
let children: ChildRun[];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "quantum-direct-"));
  redis = await startRedis();
  venue = new Venue({ now: () => Date.now() as UnixMillis });
  venue.addAccount({ apiKey: WORKER_KEY.BINANCE_API_KEY, secret: WORKER_KEY.BINANCE_API_SECRET });
  venue.openPosition(WORKER_KEY.BINANCE_API_KEY, { symbol: "BTCUSDT", amount: "0.5" });
  venue.openPosition(WORKER_KEY.BINANCE_API_KEY, { symbol: "ETHUSDT", amount: "-2" });
  server = await serveBinance({ venue, latencyMs: 20 });
  children = [];
});
afterEach(async () => {
  for (const child of children) await child.end();
  await redis.stop();
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Waits for the worker's next look at Redis. */
async function looked(): Promise<void> {
  const looks = async (): Promise<number> => Number(await redis.command("XLEN", "eew:heartbeat"));
  const before = await looks();
  await eventually("the worker has looked", async () => (await looks()) > before);
}

interface Roles {
  readonly worker: ChildRun;
  readonly watchdog: ChildRun;
}

/** Both protectors, with a brain that has beaten once and is silent from then on. */
async function start(
  flags: { worker?: readonly string[]; watchdog?: readonly string[] },
  env: Readonly<Record<string, string>>,
  watchdogsRedis: Pick<TestRedis, "url"> = redis,
  secondLine: readonly string[] = ALERT_ONLY,
): Promise<Roles> {
  const worker = startWorker({
    redis,
    server,
    directory,
    name: "eew",
    flags: [...secondLine, ...(flags.worker ?? [])],
    env,
  });
  children.push(worker);
  await eventually("the worker listens", () => worker.log().includes("Listening"));
  const watchdog = startWatchdog({
    redis: watchdogsRedis,
    directory,
    name: "watchdog",
    flags: flags.watchdog ?? [],
    env,
  });
  children.push(watchdog);
  await eventually("the watchdog waits", () => watchdog.log().includes("UNPROTECTED: waiting"));
  await beat();
  await eventually("the watchdog is armed", () => watchdog.log().includes("Armed"));
  return { worker, watchdog };
}

const bySocket = (): readonly string[] => ["--direct-socket", join(directory, "eew", "eew.sock")];

const beat = (): Promise<unknown> =>
  redis.command("XADD", "exit_brain:heartbeat", "*", "status", "ALIVE", "active_positions", "2", "ts", "1");

const flat = (): boolean => venue.positions(WORKER_KEY.BINANCE_API_KEY).length === 0;

async function records(stream: string, field: string): Promise<readonly (string | undefined)[]> {
  const entries = (await redis.command("XRANGE", stream, "-", "+")) as readonly RawEntry[];
  return entries.map((entry) => fieldsOf(entry).get(field));
}

/** Every event and its completion, once: by event id and outcome. */
async function onRecord(watchdog: ChildRun, attempts: number): Promise<readonly (string | undefined)[]> {
  await eventually(
    "every report is on record",
    async () => (await records("system:panic_close:completed", "outcome")).length >= attempts,
  );
  await eventually("the watchdog knows", () => watchdog.log().includes("ended FLAT: halted until a person resets it"));
  const events = await records("system:panic_close", "event_id");
  const completed = await records("system:panic_close:completed", "event_id");
  expect(new Set(completed)).toEqual(new Set(events));
  expect([events.length, completed.length]).toEqual([attempts, attempts]);
  return await records("system:panic_close:completed", "outcome");
}

test(
  "with Redis dead, the watchdog's call by the socket closes everything; back, it has one event and one completion",
  async () => {
    const { worker, watchdog } = await start({ watchdog: bySocket() }, SIGNED);
    await redis.die();
    const diedAt = performance.now();
    await eventually("the account is flat", flat);
    expect(performance.now() - diedAt).toBeLessThan(8_000);
    expect(worker.log()).toContain("Heard by the direct line: ");
    expect(worker.log()).toContain("Source: watchdog");
    await eventually("the watchdog hears of it", () => watchdog.log().includes("the worker says FLAT"));
    expect(watchdog.log()).not.toContain("Panic close published");
    const shown = spawnSync("ps", ["-ewwo", "args"], { encoding: "utf8" }).stdout;
    expect(shown).toContain("--direct-socket");
    expect(shown).not.toContain(SECRET);
    await redis.revive();
    expect(await onRecord(watchdog, 1)).toEqual(["FLAT"]);
    expect(await records("system:panic_close", "issued_by")).toEqual(["watchdog"]);
    expect(worker.log().match(/PANIC CLOSE EVENT RECEIVED/g)).toHaveLength(1);
  },
  LIMIT_MS,
);

test(
  "so does its call by HTTP, with one setting for both, as the units share it",
  async () => {
    const env = { ...SIGNED, QUANTUM_DIRECT_HTTP: `127.0.0.1:${await freePort()}` };
    const { worker, watchdog } = await start({}, env);
    redis.signal("SIGSTOP");
    await eventually("the account is flat", flat);
    expect(worker.log()).toContain("Heard by the direct line: ");
    redis.signal("SIGCONT");
    expect(await onRecord(watchdog, 1)).toEqual(["FLAT"]);
  },
  LIMIT_MS,
);

test(
  "an attempt that leaves something open is followed up by the direct line too, with Redis dead all the while",
  async () => {
    venue.setMarketBlocked("BTCUSDT", true);
    const { worker, watchdog } = await start({ watchdog: bySocket() }, SIGNED);
    await redis.die();
    // Only an attempt that knows its number offers a limit order inside the price band.
    await eventually("the account is flat", flat);
    expect(watchdog.log()).toContain(
      "By the direct line the worker says NOT_FLAT: positions may be open, still open: BTC",
    );
    expect(worker.log()).toContain("Attempt: 2 of incident");
    await eventually("the watchdog hears of it", () => watchdog.log().includes("the worker says FLAT"));
    await redis.revive();
    expect(await onRecord(watchdog, 2)).toEqual(["NOT_FLAT", "FLAT"]);
    const halt = (await redis.command("HGETALL", "system:state:trading")) as string[];
    expect(halt).toContain("PANIC_CLOSE_INCOMPLETE_(NOT_FLAT)");
  },
  LIMIT_MS,
);

test(
  "a watchdog that alone is cut off from Redis hears no heartbeat either: it closes by the direct line, once",
  async () => {
    const cut = await proxyTo(redis.url);
    const { watchdog } = await start({ watchdog: bySocket() }, SIGNED, cut);
    cut.sever();
    const beats = setInterval(() => void beat(), 500);
    await eventually("the account is flat", flat).finally(() => clearInterval(beats));
    await eventually(
      "the report is on record",
      async () => (await records("system:panic_close:completed", "outcome")).length === 1,
    );
    await cut.mend();
    expect(await onRecord(watchdog, 1)).toEqual(["FLAT"]);
    cut.sever();
  },
  LIMIT_MS,
);

test(
  "with the worker's second line on as well, there is one event and one completion: no look of the worker has shown the last heartbeat",
  async () => {
    const { worker, watchdog } = await start({ watchdog: bySocket() }, SIGNED, redis, []);
    await beat();
    await looked();
    await looked();
    await beat();
    // Long enough for the watchdog to take it in, and too short for the worker's next look.
    await Bun.sleep(100);
    await redis.die();
    const diedAt = performance.now();
    await eventually("the watchdog hears of it", () => watchdog.log().includes("the worker says FLAT"));
    // Five seconds from its last look, and a look each quarter of a second.
    await eventually("the second line's limit is over", () => performance.now() - diedAt > 8_000);
    await redis.revive();
    expect(await onRecord(watchdog, 1)).toEqual(["FLAT"]);
    expect(worker.log().match(/PANIC CLOSE EVENT RECEIVED/g)).toHaveLength(1);
  },
  LIMIT_MS,
);

test(
  "an operator calls by HTTP as by the socket: same words, same exit codes",
  async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const flags = ["--direct-http", url.slice("http://".length)];
    const worker = startWorker({ redis, server, directory, name: "eew", flags, env: SIGNED });
    children.push(worker);
    await eventually("the worker listens", () => worker.log().includes("Listening"));
    await redis.die();
    const panic = ["panic", "--direct", "--url", url, "--reason", "BY_HAND", "--json"];
    const unsigned = await run(QUANTUM, panic, { env: { QUANTUM_TRIGGER_SECRET: "another" } });
    expect([unsigned.code, unsigned.stderr]).toEqual([1, expect.stringContaining("its sig is missing or wrong")]);
    expect(flat()).toBe(false);
    const called = await run(QUANTUM, panic, { env: SIGNED });
    expect([called.code, JSON.parse(called.stdout).outcome]).toEqual([0, "FLAT"]);
    expect(flat()).toBe(true);
    expect(worker.log()).toContain("Refused on the direct line: event ");
    await redis.revive();
    await eventually("it is on record", async () => (await records("system:panic_close", "reason")).length === 1);
    expect(await records("system:panic_close", "reason")).toEqual(["BY_HAND"]);
  },
  LIMIT_MS,
);

test(
  "worker and watchdog that are started without Redis work: the one by its socket at once, the other once Redis is there",
  async () => {
    await redis.die();
    const worker = startWorker({ redis, server, directory, name: "eew", env: SIGNED });
    const watchdog = startWatchdog({ redis, directory, name: "watchdog", flags: bySocket(), env: SIGNED });
    children.push(worker, watchdog);
    for (const role of [worker, watchdog]) {
      await eventually("it says so", () => role.log().includes("Starting without Redis: Redis at 127.0.0.1:"));
    }
    await eventually("the worker listens", () => worker.log().includes("Listening"));
    const panic = ["panic", "--direct", "--socket", join(directory, "eew", "eew.sock"), "--json"];
    const called = await run(QUANTUM, panic, { env: SIGNED });
    expect([called.code, JSON.parse(called.stdout).outcome]).toEqual([0, "FLAT"]);
    expect(flat()).toBe(true);
    await redis.revive();
    expect(await onRecord(watchdog, 1)).toEqual(["FLAT"]);
  },
  LIMIT_MS,
);

test("a worker whose HTTP port is taken refuses to start, and says why", async () => {
  const port = await freePort();
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(port, "127.0.0.1", () => resolve()));
  const venueEnv = { ...WORKER_KEY, BINANCE_TESTNET: "true", BINANCE_BASE_URL: server.url };
  const env = { ...venueEnv, ...SIGNED, REDIS_URL: redis.url, STATE_DIRECTORY: join(directory, "eew") };
  const worker = await run(QUANTUM, ["eew", "--direct-http", `127.0.0.1:${port}`], { env });
  taken.close();
  expect(worker.code).toBe(2);
  expect(worker.stderr).toMatch(
    /QUANTUM_DIRECT_HTTP \(--direct-http\): 127\.0\.0\.1:\d+ can't be listened on \(.*EADDRINUSE/,
  );
});

/** A way to Redis that can be severed. */
async function proxyTo(url: string): Promise<{ readonly url: string; sever(): void; mend(): Promise<void> }> {
  const { port, hostname } = new URL(url);
  const [there, sockets] = [await freePort(), new Set<Socket>()];
  let proxy: Server | null = null;
  const mend = (): Promise<void> => {
    const listening = createServer((near) => {
      const far = connect({ port: Number(port), host: hostname });
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(one);
        one.on("error", () => undefined);
        one.once("close", () => other.destroy());
        one.pipe(other);
      }
    });
    proxy = listening;
    return new Promise((resolve) => listening.listen(there, "127.0.0.1", () => resolve()));
  };
  await mend();
  return {
    url: `redis://127.0.0.1:${there}`,
    mend,
    sever: () => {
      proxy?.close();
      for (const socket of sockets) socket.destroy();
      sockets.clear();
    },
  };
}

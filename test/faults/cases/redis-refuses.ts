/** Faults of a Redis that answers, and refuses: demoted, locked, busy, out of memory, out of disk. */

import { eventually } from "../../support/eventually.ts";
import { QUANTUM, run } from "../../support/run.ts";
import { WORKER_KEY } from "../../support/worker.ts";
import { AS_SHIPPED, atWork } from "../at-work.ts";
import { type FaultCase, type Measure, measure, must } from "../case.ts";
import { flatOnRecord, flatWithoutRedis, quiet } from "../expect.ts";
import { FLAT_MAX_MS, type Scene, WITHOUT_WATCHDOG_MAX_MS } from "../scene.ts";
import { typed } from "../typed.ts";

/** A refusal that lasts for less than the limit of 5 s. */
const FOR_MS = 2_500;

/** Nobody listens there. */
const DEMOTE = "REPLICAOF 127.0.0.1 1";
const PROMOTE = "REPLICAOF NO ONE";

const PASSWORD = "faults-password";

/** Something that Redis can be made to answer with; `begin` gives the way back. */
interface Refusal {
  readonly word: string;
  begin(url: string): Promise<() => Promise<unknown>>;
}

/** Who is connected already stays let in, so everybody has to come again. */
const NOAUTH: Refusal = {
  word: "NOAUTH",
  begin: async (url) => {
    await typed(url, `CONFIG SET requirepass ${PASSWORD}`, "CLIENT KILL TYPE normal");
    return () => typed(url, `AUTH ${PASSWORD}`, 'CONFIG SET requirepass ""');
  },
};

const KEYS_LOADED = 1_000;

/** All that a person or a master's return ends. */
const REFUSALS: readonly Refusal[] = [
  NOAUTH,
  {
    word: "LOADING",
    begin: async (url) => {
      const pauseUs = (FOR_MS * 1_000) / KEYS_LOADED;
      await typed(url, `DEBUG POPULATE ${KEYS_LOADED}`);
      await typed(url, `CONFIG SET key-load-delay ${pauseUs}`, "CONFIG SET loading-process-events-interval-bytes 1024");
      const reload = typed(url, "DEBUG RELOAD");
      return () => reload;
    },
  },
  {
    word: "MASTERDOWN",
    begin: async (url) => {
      await typed(url, "CONFIG SET replica-serve-stale-data no", DEMOTE);
      return () => typed(url, PROMOTE);
    },
  },
  {
    word: "BUSY",
    begin: async (url) => {
      await typed(url, "CONFIG SET busy-reply-threshold 100");
      typed(url, 'EVAL "while true do end" 0').catch(() => undefined);
      return () => typed(url, "SCRIPT KILL");
    },
  },
];

/** Redis answers with the word, and after a while it does not any more. */
async function refuseFor({ word, begin }: Refusal, url: string): Promise<void> {
  const end = await begin(url);
  let said = "";
  const asked = async (): Promise<string> => (said = await typed(url, "XLEN system:panic_close"));
  const refuses = async (): Promise<boolean> => (await asked()).startsWith(`-${word}`);
  await eventually(`Redis says ${word}`, refuses).catch(() => {
    throw new Error(`Redis does not say ${word}, it says ${said}`);
  });
  await Bun.sleep(FOR_MS);
  await end();
  await eventually(`Redis does not say ${word} any more`, async () => (await asked()).startsWith(":"));
}

/** Everything is refused that is written, until it ends: the exit is on record then, once. */
async function onRecordAfter(scene: Scene, end: () => Promise<unknown>): Promise<void> {
  await end();
  const { eventId } = await scene.report(undefined, 20_000);
  await flatOnRecord(scene, eventId);
}

/** Faults of what Redis answers. */
export const REDIS_REFUSAL_FAULTS: readonly FaultCase[] = [
  {
    row: 37,
    fault: "Redis is demoted to a replica",
    caused: "REPLICAOF for 2.5 s, then REPLICAOF NO ONE and a panic",
    holds: "S1 no panic; L2 readers that were thrown out read again, and the panic is executed",
    fast: true,
    run: async (scene) => {
      const { feed } = await atWork(scene, AS_SHIPPED);
      await typed(scene.redis.url, DEMOTE);
      const refused = await typed(scene.redis.url, "XADD refused * x 1");
      must(refused.startsWith("-READONLY"), `Redis says ${refused}`);
      await Bun.sleep(FOR_MS);
      await typed(scene.redis.url, PROMOTE);
      const before = feed.confirmed();
      const figures = await quiet(scene, 3_000);
      must(feed.confirmed() > before, "no heartbeat is taken");
      const panicMs = Date.now();
      const eventId = await scene.panic();
      await scene.untilFlat();
      await flatOnRecord(scene, eventId);
      return [...figures, measure("panic → flat", scene.lastFillMs() - panicMs, FLAT_MAX_MS)];
    },
  },
  {
    row: 38,
    fault: "Redis refuses: NOAUTH, LOADING, MASTERDOWN, BUSY",
    caused:
      "each for 2.5 s: a password set, a slow DEBUG RELOAD, a replica that serves no stale data, an endless script; then NOAUTH for good",
    holds: "S1 no panic below the limit; L4 the worker closes without Redis above it",
    fast: false,
    scene: { redis: ["--enable-debug-command", "yes"] },
    run: async (scene) => {
      const { feed } = await atWork(scene, AS_SHIPPED);
      for (const refusal of REFUSALS) {
        await refuseFor(refusal, scene.redis.url);
        const before = feed.confirmed();
        await eventually(`heartbeats after ${refusal.word}`, () => feed.confirmed() > before + 5);
      }
      const figures = await quiet(scene, 3_000);
      const lockedMs = Date.now();
      const unlock = await NOAUTH.begin(scene.redis.url);
      const flat = await flatWithoutRedis(scene, "NOAUTH", lockedMs);
      await onRecordAfter(scene, unlock);
      return [...figures, ...flat];
    },
  },
  {
    row: 39,
    fault: "Redis is out of memory",
    caused: "maxmemory 1mb with noeviction while everybody is at work: no heartbeat and no panic can be written",
    holds: "L4 the exit needs no write to Redis; S3 one event, one report once there is room",
    fast: false,
    run: async (scene) => {
      await atWork(scene);
      await typed(scene.redis.url, "CONFIG SET maxmemory 1mb");
      const fullMs = Date.now();
      const refused = await typed(scene.redis.url, "XADD refused * x 1");
      must(refused.startsWith("-OOM"), `Redis says ${refused}`);
      await scene.untilFlat(WITHOUT_WATCHDOG_MAX_MS + 5_000);
      const figures: readonly Measure[] = [
        measure("out of memory → flat", scene.lastFillMs() - fullMs, WITHOUT_WATCHDOG_MAX_MS),
      ];
      await onRecordAfter(scene, () => typed(scene.redis.url, "CONFIG SET maxmemory 0"));
      return figures;
    },
  },
  {
    row: 40,
    fault: "Redis evicts what nobody reads",
    caused: "maxmemory-policy allkeys-lru, and quantum doctor",
    holds: "said before it is needed: doctor fails, by name and with what to do",
    fast: true,
    scene: { redis: ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"] },
    run: async (scene) => {
      const env = {
        ...WORKER_KEY,
        REDIS_URL: scene.redis.url,
        BINANCE_TESTNET: "true",
        BINANCE_BASE_URL: scene.server.url,
        STATE_DIRECTORY: scene.directory,
      };
      const { code, stdout } = await run(QUANTUM, ["doctor", "--json"], { env });
      must(code === 1, `doctor ends with ${code}`);
      const { checks } = JSON.parse(stdout) as { checks: { name: string; result: string; found: string }[] };
      const memory = checks.find(({ name }) => name === "redis_memory");
      must(memory?.result === "fail", `redis_memory: ${JSON.stringify(memory)}`);
      must(memory?.found.includes("allkeys-lru") ?? false, `the policy is not named: ${memory?.found}`);
      return [];
    },
  },
  {
    row: 41,
    fault: "Redis can't save, and refuses every write",
    caused: "BGSAVE into a directory that can't be written, stop-writes-on-bgsave-error yes",
    holds: "L4 the worker closes without Redis; S3 one event, one report once it writes again",
    fast: false,
    scene: { redis: ["--enable-protected-configs", "yes"] },
    run: async (scene) => {
      await atWork(scene, AS_SHIPPED);
      const { url } = scene.redis;
      await typed(url, "CONFIG SET dir /proc", 'CONFIG SET save "3600 1000000"', "BGSAVE");
      const refused = async (): Promise<boolean> => (await typed(url, "XADD refused * x 1")).startsWith("-MISCONF");
      await eventually("Redis says MISCONF", refused);
      const fullMs = Date.now();
      const figures = await flatWithoutRedis(scene, "MISCONF", fullMs);
      await onRecordAfter(scene, () => typed(url, "CONFIG SET stop-writes-on-bgsave-error no"));
      return figures;
    },
  },
];

/** A watchdog that stood still, on real processes: it must neither take its own absence for the brain's, nor forgive the brain's. */

import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { entryTime, type Fields, fieldsOf, type RawEntry } from "../../src/adapters/redis/codec.ts";
import { RedisLink } from "../../src/adapters/redis/link.ts";
import { openSandbox, type Sandbox } from "../../src/chaos/sandbox.ts";
import { eventually } from "../support/eventually.ts";
import { QUANTUM } from "../support/run.ts";

/** Longer than the heartbeat limit, and than the read under way can wait. */
const STANDSTILL_MS = 8_000;

interface Scene {
  readonly sandbox: Sandbox;
  /** The entries of a stream, oldest first. */
  entries(key: string): Promise<readonly RawEntry[]>;
  /** Sends the watchdog a signal. */
  watchdog(signal: "SIGSTOP" | "SIGCONT"): void;
}

/** Runs `play` in a sandbox with an armed watchdog over a brain that has positions. */
async function inSandbox(play: (scene: Scene) => Promise<void>): Promise<void> {
  const signal = new AbortController().signal;
  const env = { PATH: process.env["PATH"] ?? "" };
  const sandbox = await openSandbox({ env, self: { file: QUANTUM, args: [] }, without: ["eew"], signal });
  const link = new RedisLink({ url: sandbox.redisUrl, deadlineMs: 2_000 });
  const entries = async (key: string): Promise<readonly RawEntry[]> => {
    const answer = await link.ask(key, (redis) => redis.xrange(key, "-", "+"));
    if (!answer.known) throw new Error(answer.why);
    return answer.value;
  };
  try {
    await eventually(
      "the watchdog is armed",
      async () => last(await entries("watchdog:heartbeat")).get("state") === "armed",
    );
    const pid = watchdogOf(sandbox);
    await play({ sandbox, entries, watchdog: (name) => process.kill(pid, name) });
  } finally {
    link.close();
    await sandbox.close();
  }
}

function last(entries: readonly RawEntry[]): Fields {
  const entry = entries.at(-1);
  return entry === undefined ? new Map() : fieldsOf(entry);
}

/** The sandbox's own watchdog: it is the one that calls the sandbox's directory its home. */
function watchdogOf({ env }: Sandbox): number {
  const read = (path: string): readonly string[] => {
    try {
      return readFileSync(path, "utf8").split("\0");
    } catch {
      return [];
    }
  };
  const pid = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .find(
      (name) =>
        read(`/proc/${name}/environ`).includes(`HOME=${env["HOME"]}`) &&
        read(`/proc/${name}/cmdline`).includes("watchdog"),
    );
  if (pid === undefined) throw new Error("No watchdog runs");
  return Number(pid);
}

test.concurrent(
  "a brain that beat all the while is not missed, and still watched",
  () =>
    inSandbox(async ({ sandbox, entries, watchdog }) => {
      watchdog("SIGSTOP");
      await Bun.sleep(STANDSTILL_MS);
      const before = (await entries("watchdog:heartbeat")).length;
      watchdog("SIGCONT");
      await eventually("the watchdog looks again", async () => {
        return (await entries("watchdog:heartbeat")).length > before + 2;
      });
      expect(sandbox.logTails().join("\n")).toContain("Stood still for");
      expect(await entries("system:panic_close")).toEqual([]);
      expect(last(await entries("watchdog:heartbeat")).get("state")).toBe("armed");

      await sandbox.supervisor.strike("brain", "SIGKILL");
      await eventually("its death is seen", async () => (await entries("system:panic_close")).length === 1);
    }),
  60_000,
);

test.concurrent(
  "a brain that died meanwhile is missed within a second, with its true age",
  () =>
    inSandbox(async ({ sandbox, entries, watchdog }) => {
      watchdog("SIGSTOP");
      await Bun.sleep(1_500);
      await sandbox.supervisor.strike("brain", "SIGKILL");
      await Bun.sleep(STANDSTILL_MS - 1_500);
      expect(await entries("system:panic_close")).toEqual([]);
      const goesOnAt = Date.now();
      watchdog("SIGCONT");
      await eventually("a panic is published", async () => (await entries("system:panic_close")).length === 1);
      const [panic] = await entries("system:panic_close");
      const beats = await entries("exit_brain:heartbeat");
      const publishedAt = entryTime(panic?.[0] ?? "");
      const silentMs = publishedAt - entryTime(beats.at(-1)?.[0] ?? "");
      expect(publishedAt - goesOnAt).toBeLessThan(1_000);
      const [, age] =
        /^EXIT_BRAIN_HEARTBEAT_MISSING_\((\d+\.\d)S_>_5\.0S\)$/.exec(
          last([...(panic ? [panic] : [])]).get("reason") ?? "",
        ) ?? [];
      // Rounded up to a tenth; and a moment passes between the judgement and the entry.
      expect(Number(age) * 1_000).toBeLessThan(silentMs + 150);
      expect(Number(age) * 1_000).toBeGreaterThan(silentMs - 500);
    }),
  60_000,
);

/** A real redis-server for tests, on a port of its own, ended by pid. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../src/adapters/host/port.ts";
import { ChildRun } from "../../src/adapters/host/processes.ts";
import { RedisLink } from "../../src/adapters/redis/link.ts";
import { eventually } from "./eventually.ts";

/** A server, and what a test may do to it. */
export interface TestRedis {
  readonly url: string;
  /** Sends one command as `redis-cli` would. */
  command(...args: readonly string[]): Promise<unknown>;
  /** Freezes or wakes the process. */
  signal(name: "SIGSTOP" | "SIGCONT"): void;
  /** Whether the process is there; a frozen one is. */
  running(): boolean;
  /** Kills the process; all data is lost, but for what its arguments make it write to its directory. */
  die(): Promise<void>;
  /** Starts it again with the same arguments, on the same port; empty, unless it wrote something to its directory. */
  revive(): Promise<void>;
  /** Ends the process and removes its files. */
  stop(): Promise<void>;
}

/** Starts a server on loopback and waits until it answers. */
export function startRedis(...extra: readonly string[]): Promise<TestRedis> {
  return startRedisAt({}, ...extra);
}

/** Where and how a server is started, if not as usual. */
export interface RedisPlace {
  /** Its address; loopback if not given. */
  readonly host?: string;
  /** What it is started by, such as `["ip", "netns", "exec", "cut"]`. */
  readonly by?: readonly string[];
  /** What its environment must have besides, such as a wall clock of its own. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The same somewhere else. */
export async function startRedisAt(place: RedisPlace, ...extra: readonly string[]): Promise<TestRedis> {
  const { host = "127.0.0.1", by = [] } = place;
  const directory = mkdtempSync(join(tmpdir(), "quantum-test-redis-"));
  const port = await freePort();
  const own = ["--bind", host, "--port", String(port), "--save", "", "--dir", directory, ...extra];
  const [file = "", ...args] = [...by, "redis-server", ...own];
  const env = { PATH: process.env["PATH"] ?? "", ...place.env };
  const start = (): ChildRun =>
    new ChildRun({ file, args, env, cwd: directory, logFile: join(directory, "redis.log") });
  let run = start();
  const url = `redis://${host}:${port}`;
  const link = new RedisLink({ url, deadlineMs: 2_000 });
  const command = async (...words: readonly string[]): Promise<unknown> => {
    const [name = "", ...rest] = words;
    const answer = await link.ask(name, (redis) => redis.call(name, ...rest));
    if (!answer.known) throw new Error(answer.why);
    return answer.value;
  };
  const answers = (): Promise<void> =>
    eventually("redis-server answers", async () => (await link.ask("ping", (redis) => redis.ping())).known);
  await answers();
  return {
    url,
    command,
    signal: (name) => void run.signal(name),
    running: () => run.running(),
    die: () => run.end(),
    revive: async () => {
      run = start();
      await answers();
    },
    stop: async () => {
      link.close();
      await run.end();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A worker, and a watchdog for it, as processes of their own, on a simulated venue in this one. */

import { join } from "node:path";
import { ChildRun } from "../../src/adapters/host/processes.ts";
import type { BinanceServer } from "../../src/sim/binance-server.ts";
import type { TestRedis } from "./redis.ts";
import { QUANTUM } from "./run.ts";

/** The account that it works on; the venue must know it. */
export const WORKER_KEY = { BINANCE_API_KEY: "worker-key", BINANCE_API_SECRET: "worker-secret" };

/** Where it lives. */
export interface WorkerOptions {
  readonly redis: Pick<TestRedis, "url">;
  readonly server: BinanceServer;
  /** Its state goes below it, under `name`, and its log beside. */
  readonly directory: string;
  readonly name: string;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts `quantum eew`; whoever starts it ends it. */
export function startWorker(options: WorkerOptions): ChildRun {
  const { server, directory, name } = options;
  const venue = { ...WORKER_KEY, BINANCE_TESTNET: "true", BINANCE_BASE_URL: server.url };
  return start("eew", options, { ...venue, STATE_DIRECTORY: join(directory, name) });
}

/** Starts `quantum watchdog`, which knows no venue; whoever starts it ends it. */
export function startWatchdog(options: Omit<WorkerOptions, "server">): ChildRun {
  return start("watchdog", options, {});
}

function start(
  role: string,
  { redis, directory, name, flags = [], env = {} }: Omit<WorkerOptions, "server">,
  own: Readonly<Record<string, string>>,
): ChildRun {
  const common = { PATH: process.env["PATH"] ?? "", REDIS_URL: redis.url, LOG_FORMAT: "text" };
  const logFile = join(directory, `${name}.log`);
  return new ChildRun({
    file: QUANTUM,
    args: [role, ...flags],
    env: { ...common, ...own, ...env },
    cwd: directory,
    logFile,
  });
}

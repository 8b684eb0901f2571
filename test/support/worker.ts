/** A worker as a process of its own, on a simulated venue in this one. */

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
}

/** Starts `quantum eew`; whoever starts it ends it. */
export function startWorker({ redis, server, directory, name, flags = [] }: WorkerOptions): ChildRun {
  const env = {
    ...WORKER_KEY,
    PATH: process.env["PATH"] ?? "",
    REDIS_URL: redis.url,
    BINANCE_TESTNET: "true",
    BINANCE_BASE_URL: server.url,
    STATE_DIRECTORY: join(directory, name),
    LOG_FORMAT: "text",
  };
  const logFile = join(directory, `${name}.log`);
  return new ChildRun({ file: QUANTUM, args: ["eew", ...flags], env, cwd: directory, logFile });
}

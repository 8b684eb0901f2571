/**
 * A whole deployment on this machine for the length of a drill: redis-server, the simulated exchange over HTTPS
 * and the three roles, as real processes. Nothing of it stays: no process and no file.
 */

import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostClock } from "../adapters/host/clock.ts";
import { freePort } from "../adapters/host/port.ts";
import { ChildRun } from "../adapters/host/processes.ts";
import type { SelfCommand } from "../adapters/host/self.ts";
import { reach } from "../adapters/redis/reach.ts";
import type { Env } from "../config/env.ts";
import { Failure, Refusal } from "../config/refusal.ts";
import { known, type Reading, unknown } from "../core/reading.ts";
import type { BeatingRole } from "../ports/bus.ts";
import type { Blow, Supervisor } from "../ports/supervisor.ts";
import { endGuard, GUARD_ARGS, type Struck, strikeBot } from "./guarded-bot.ts";

/** A running sandbox. */
export interface Sandbox {
  readonly redisUrl: string;
  /** The environment that points every command at the sandbox. */
  readonly env: Env;
  readonly supervisor: Supervisor;
  /** The last lines of each process, for a drill that failed. */
  logTails(): readonly string[];
  /** Ends every process and removes every file. Safe to call at any time, and more than once. */
  close(): Promise<void>;
}

/** What the drill closes: the runbook's "1-2 small positions", about $100 each (step 2). */
const POSITIONS = ["BTCUSDT=0.002", "ETHUSDT=-0.05"];

/** What a call takes there and back: a venue in the same region, not one on the same chip. */
const LATENCY_MS = "30";

/** How long a process may take to be usable. */
const READY_MS = 15_000;
const LOOK_EVERY_MS = 20;
const TAIL_LINES = 8;

/** What to start. */
export interface SandboxOptions {
  /** Where redis-server is found (`PATH`); nothing else of it reaches the sandbox. */
  readonly env: Env;
  /** The program whose roles are drilled. */
  readonly self: SelfCommand;
  /** Roles to leave out. */
  readonly without: readonly BeatingRole[];
  /** The brain is a guard over a small bot, and this is whom the blows strike; not set: it is the exit brain. */
  readonly guarded?: Struck | undefined;
  readonly signal: AbortSignal;
}

/**
 * Starts everything but the roles named in `without`.
 *
 * @throws {Refusal} if redis-server is not on the PATH or something does not come up; nothing is left behind then.
 */
export async function openSandbox({ env, self, without, guarded, signal }: SandboxOptions): Promise<Sandbox> {
  const directory = mkdtempSync(join(tmpdir(), "quantum-sandbox-"));
  const runs = new Map<string, ChildRun>();
  const end = async (name: string): Promise<void> => {
    const run = runs.get(name);
    if (run === undefined) return;
    await (name === "brain" && guarded !== undefined ? endGuard(run, directory) : run.end());
  };
  const close = async (): Promise<void> => {
    // The roles first: nobody should see the venue or Redis die before it does.
    for (const name of [...runs.keys()].reverse()) await end(name);
    rmSync(directory, { recursive: true, force: true });
  };
  const start = (name: string, file: string, args: readonly string[], processEnv: Record<string, string>): ChildRun => {
    const logFile = join(directory, `${name}.log`);
    const run = new ChildRun({ file, args, env: processEnv, cwd: directory, logFile });
    runs.set(name, run);
    return run;
  };

  try {
    const base = { PATH: env["PATH"] ?? "", HOME: directory };
    const redisUrl = await startRedis(start, base, directory, signal);
    const key = {
      BINANCE_API_KEY: randomBytes(32).toString("hex"),
      BINANCE_API_SECRET: randomBytes(32).toString("hex"),
    };
    const caFile = join(directory, "exchange.pem");
    const venueUrl = await startExchange(start, self, { ...base, ...key }, caFile, signal);
    const sandboxEnv = {
      ...base,
      ...key,
      REDIS_URL: redisUrl,
      BINANCE_TESTNET: "true",
      BINANCE_BASE_URL: venueUrl,
      BINANCE_CA_FILE: caFile,
      LOG_FORMAT: "text",
    };
    const startRole = (role: BeatingRole): void => {
      const direct = role === "watchdog" ? ["--direct-socket", join(directory, "eew", "eew.sock")] : [];
      const state = { STATE_DIRECTORY: join(directory, role) };
      const args = role === "brain" && guarded !== undefined ? GUARD_ARGS : [role, ...direct];
      start(role, self.file, [...self.args, ...args], { ...sandboxEnv, ...state });
    };
    const strike = (role: BeatingRole, blow: Blow): Reading<null> => {
      if (role === "brain" && guarded === "bot") return strikeBot(directory, blow);
      return runs.get(role)?.signal(blow) ?? unknown(`${role} was not started`);
    };
    for (const role of ["brain", "watchdog", "eew"] as const) if (!without.includes(role)) startRole(role);
    const supervisor: Supervisor = {
      running: async (role) => known(runs.get(role)?.running() ?? false),
      strike: async (role, blow) => strike(role, blow),
      restart: async (role) => {
        await end(role);
        startRole(role);
        return known(null);
      },
    };
    return { redisUrl, env: sandboxEnv, supervisor, logTails: () => tails(runs), close };
  } catch (error) {
    await close();
    throw error;
  }
}

type Start = (name: string, file: string, args: readonly string[], env: Record<string, string>) => ChildRun;

async function startRedis(
  start: Start,
  env: Record<string, string>,
  directory: string,
  signal: AbortSignal,
): Promise<string> {
  const port = await freePort();
  const quiet = ["--save", "", "--appendonly", "no", "--dir", directory];
  const run = start("redis", "redis-server", ["--bind", "127.0.0.1", "--port", String(port), ...quiet], env);
  const url = `redis://127.0.0.1:${port}`;
  await ready("redis-server", run, signal, async () => ((await reach({ url, deadlineMs: 500 })).known ? url : null));
  return url;
}

async function startExchange(
  start: Start,
  self: SelfCommand,
  env: Record<string, string>,
  caFile: string,
  signal: AbortSignal,
): Promise<string> {
  const positions = POSITIONS.flatMap((position) => ["--position", position]);
  const run = start(
    "exchange",
    self.file,
    [
      ...self.args,
      "exchange",
      "--json",
      "--port",
      "0",
      "--latency-ms",
      LATENCY_MS,
      "--https",
      "--ca-file",
      caFile,
      ...positions,
    ],
    env,
  );
  return await ready("the simulated exchange", run, signal, async () => {
    const url = /"base_url":"([^"]+)"/.exec(run.log());
    return url?.[1] ?? null;
  });
}

/** Waits until a process is usable; a process that ended will never be. */
async function ready<T>(what: string, run: ChildRun, signal: AbortSignal, look: () => Promise<T | null>): Promise<T> {
  const until = hostClock.now() + READY_MS;
  while (hostClock.now() < until && !signal.aborted) {
    const seen = await look();
    if (seen !== null) return seen;
    if (!run.running()) {
      const failure = await run.ended;
      if (failure !== null && what === "redis-server") throw new Refusal(REDIS_MISSING);
      throw new Refusal(
        `${what} ended at once: ${failure ?? (run.log().trim().split("\n").at(-1) || "without a word")}`,
      );
    }
    await hostClock.sleep(LOOK_EVERY_MS, signal);
  }
  if (signal.aborted) throw new Failure("The drill was interrupted");
  throw new Refusal(`${what} did not come up within ${READY_MS} ms`);
}

const REDIS_MISSING =
  "redis-server is not on the PATH: expected it installed, on Debian or Ubuntu with: sudo apt-get install -y redis-server";

function tails(runs: ReadonlyMap<string, ChildRun>): readonly string[] {
  return [...runs].flatMap(([name, run]) => {
    const lines = run.log().trim().split("\n").slice(-TAIL_LINES);
    return lines.map((line) => `${name}: ${line}`);
  });
}

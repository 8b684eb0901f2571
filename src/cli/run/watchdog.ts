import type { DirectWay } from "../../adapters/direct/call.ts";
import { byHttp } from "../../adapters/direct/call-http.ts";
import { bySocket } from "../../adapters/direct/call-unix.ts";
import { watchdogCall } from "../../adapters/direct/watchdog-call.ts";
import { hostClock } from "../../adapters/host/clock.ts";
import { newIdentity } from "../../adapters/host/identity.ts";
import { redisWatchdogBus } from "../../adapters/redis/watchdog-bus.ts";
import { loadAlerts } from "../../config/alerts.ts";
import { loadDirectHttp, loadDirectUrl, urlOfDoor } from "../../config/direct-http.ts";
import type { Env } from "../../config/env.ts";
import { loadLog } from "../../config/log.ts";
import { wholeNumber } from "../../config/number.ts";
import { loadRedis } from "../../config/redis.ts";
import { BRAIN_LIMITS } from "../../core/brain.ts";
import { overtakenFence } from "../../core/fence.ts";
import { WATCHDOG_LIMITS, type WatchdogLimits } from "../../core/watchdog-state.ts";
import type { Log } from "../../ports/log.ts";
import { say } from "../../roles/say.ts";
import { runWatchdog } from "../../roles/watchdog.ts";
import type { ExitCode, Io } from "../io.ts";
import { type Flags, redisFlags, text } from "../options.ts";
import { openService } from "./open-service.ts";
import { redisTrouble, tellEviction } from "./require-redis.ts";
import { openRoleLog } from "./role-log.ts";

/** Runs `quantum watchdog`. */
export async function watchdog(flags: Flags, io: Io): Promise<ExitCode> {
  const redis = loadRedis(io.env, redisFlags(flags));
  const logConfig = loadLog(io.env, io);
  const limits = limitsOf(flags);
  const alerts = loadAlerts(io.env);
  const ways = waysToWorker(flags, io.env, redis.triggerSecret);
  const trouble = await redisTrouble(redis, "watchdog");
  const bus = redisWatchdogBus({ ...redis, clock: hostClock });
  const { log, end } = openRoleLog("watchdog", logConfig, alerts, io.lastWords);
  if (trouble !== null) log.write("critical", trouble, "alarm");
  warnOfFence(log, limits);
  log.write(ways.length === 0 ? "warn" : "info", directWords(ways));
  const direct = ways.length === 0 ? null : watchdogCall(ways, redis.triggerSecret, hostClock);
  void tellEviction(redis, log);
  const service = openService(io, log);
  const identity = newIdentity("watchdog");
  await runWatchdog({ clock: hostClock, bus, direct, log, service, limits, identity }, io.signal);
  bus.close();
  await end();
  return 0;
}

/**
 * The ways to the worker without Redis, as they were set: never guessed, since on this machine another account's worker may
 * be the one that answers.
 *
 * @throws {Refusal} naming the setting that can't be used.
 */
function waysToWorker(flags: Flags, env: Env, triggerSecret: string | null): readonly DirectWay[] {
  const path = text(flags, "direct-socket");
  const door = loadDirectHttp(env, undefined, triggerSecret);
  const flag = loadDirectUrl("--direct-url", text(flags, "direct-url"), triggerSecret);
  const url = flag ?? (door === null ? undefined : urlOfDoor(door));
  return [...(path === undefined ? [] : [bySocket(path)]), ...(url === undefined ? [] : [byHttp(url, hostClock)])];
}

function directWords(ways: readonly DirectWay[]): string {
  if (ways.length > 0) return `The direct line to the worker: ${ways.map(({ name }) => name).join(", then ")}`;
  return "No direct line to the worker: a panic waits for Redis. Set QUANTUM_DIRECT_HTTP, --direct-url or --direct-socket";
}

/** What an operator may not have meant by a short limit. */
function warnOfFence(log: Log, { heartbeatMissingMs, unguardedMs }: WatchdogLimits): void {
  const { fenceMs } = BRAIN_LIMITS;
  const lines = [
    overtakenFence(fenceMs, "--heartbeat-missing-ms", heartbeatMissingMs),
    unguardedMs === null ? null : overtakenFence(fenceMs, "--unguarded-ms", unguardedMs),
  ];
  for (const line of lines) if (line !== null) say(log, line);
}

/** @throws {Refusal} if a limit is out of its range. */
function limitsOf(flags: Flags): WatchdogLimits {
  const given = (name: string, min: number, max: number): number | undefined =>
    wholeNumber(`--${name}`, text(flags, name), min, max);
  const standard = WATCHDOG_LIMITS;
  const heartbeatMissingMs = given("heartbeat-missing-ms", 500, 60_000) ?? standard.heartbeatMissingMs;
  return {
    ...standard,
    heartbeatMissingMs,
    // A longer one would not be a limit at all: the general one comes first.
    unguardedMs: given("unguarded-ms", 500, heartbeatMissingMs) ?? standard.unguardedMs,
    degradedMs: given("degraded-ms", 1_000, 60_000) ?? standard.degradedMs,
    decisionsStaleMs: given("decisions-stale-ms", 1_000, 600_000) ?? standard.decisionsStaleMs,
    crashLoopInstances: given("crash-loop-instances", 1, 100) ?? standard.crashLoopInstances,
    crashLoopMs: given("crash-loop-ms", 1_000, 600_000) ?? standard.crashLoopMs,
    requireBrainMs: given("require-brain-ms", 1_000, 3_600_000) ?? standard.requireBrainMs,
  };
}

import { watchdogCall } from "../../adapters/direct/watchdog-call.ts";
import { hostClock } from "../../adapters/host/clock.ts";
import { newIdentity } from "../../adapters/host/identity.ts";
import { redisWatchdogBus } from "../../adapters/redis/watchdog-bus.ts";
import { loadAlerts } from "../../config/alerts.ts";
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
import { directWords, waysToWorker } from "./ways-to-worker.ts";

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

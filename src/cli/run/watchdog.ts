import { hostClock } from "../../adapters/host/clock.ts";
import { newIdentity } from "../../adapters/host/identity.ts";
import { redisWatchdogBus } from "../../adapters/redis/watchdog-bus.ts";
import { loadAlerts } from "../../config/alerts.ts";
import { loadLog } from "../../config/log.ts";
import { wholeNumber } from "../../config/number.ts";
import { loadRedis } from "../../config/redis.ts";
import { WATCHDOG_LIMITS, type WatchdogLimits } from "../../core/watchdog-state.ts";
import { runWatchdog } from "../../roles/watchdog.ts";
import type { ExitCode, Io } from "../io.ts";
import { type Flags, redisFlags, text } from "../options.ts";
import { requireRedis, requireRights, tellEviction } from "./require-redis.ts";
import { openRoleLog } from "./role-log.ts";

/** Runs `quantum watchdog`. */
export async function watchdog(flags: Flags, io: Io): Promise<ExitCode> {
  const redis = loadRedis(io.env, redisFlags(flags));
  const logConfig = loadLog(io.env, io.terminal);
  const limits = limitsOf(flags);
  const alerts = loadAlerts(io.env);
  await requireRedis(redis);
  await requireRights(redis, "watchdog");
  const bus = redisWatchdogBus({ ...redis, clock: hostClock });
  const { log, end } = openRoleLog("watchdog", logConfig, alerts);
  void tellEviction(redis, log);
  await runWatchdog({ clock: hostClock, bus, log, limits, identity: newIdentity("watchdog") }, io.signal);
  bus.close();
  await end();
  return 0;
}

/** @throws {Refusal} if a limit is out of its range. */
function limitsOf(flags: Flags): WatchdogLimits {
  const given = (name: string, min: number, max: number): number | undefined =>
    wholeNumber(`--${name}`, text(flags, name), min, max);
  const standard = WATCHDOG_LIMITS;
  const heartbeatMissingMs = given("heartbeat-missing-ms", 1_000, 60_000) ?? standard.heartbeatMissingMs;
  return {
    ...standard,
    heartbeatMissingMs,
    // A longer one would not be a limit at all: the general one comes first.
    unguardedMs: given("unguarded-ms", 1_000, heartbeatMissingMs) ?? standard.unguardedMs,
    degradedMs: given("degraded-ms", 1_000, 60_000) ?? standard.degradedMs,
    decisionsStaleMs: given("decisions-stale-ms", 1_000, 600_000) ?? standard.decisionsStaleMs,
    crashLoopInstances: given("crash-loop-instances", 1, 100) ?? standard.crashLoopInstances,
    crashLoopMs: given("crash-loop-ms", 1_000, 600_000) ?? standard.crashLoopMs,
    requireBrainMs: given("require-brain-ms", 1_000, 3_600_000) ?? standard.requireBrainMs,
  };
}

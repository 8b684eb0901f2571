import { hostClock } from "../../adapters/host/clock.ts";
import { newIdentity } from "../../adapters/host/identity.ts";
import { redisWatchdogBus } from "../../adapters/redis/watchdog-bus.ts";
import { loadAlerts } from "../../config/alerts.ts";
import { loadLog } from "../../config/log.ts";
import { wholeNumber } from "../../config/number.ts";
import { loadRedis } from "../../config/redis.ts";
import { WATCHDOG_LIMITS } from "../../core/watchdog.ts";
import { runWatchdog } from "../../roles/watchdog.ts";
import type { ExitCode, Io } from "../io.ts";
import { type Flags, redisFlags, text } from "../options.ts";
import { requireRedis, requireRights } from "./require-redis.ts";
import { openRoleLog } from "./role-log.ts";

/** Runs `quantum watchdog`. */
export async function watchdog(flags: Flags, io: Io): Promise<ExitCode> {
  const redis = loadRedis(io.env, redisFlags(flags));
  const logConfig = loadLog(io.env, io.terminal);
  const alerts = loadAlerts(io.env);
  const limit = (name: string): number | undefined => wholeNumber(`--${name}`, text(flags, name), 1_000, 60_000);
  const limits = {
    ...WATCHDOG_LIMITS,
    heartbeatMissingMs: limit("heartbeat-missing-ms") ?? WATCHDOG_LIMITS.heartbeatMissingMs,
    degradedMs: limit("degraded-ms") ?? WATCHDOG_LIMITS.degradedMs,
  };
  await requireRedis(redis);
  await requireRights(redis, "watchdog");
  const bus = redisWatchdogBus({ ...redis, clock: hostClock });
  const { log, end } = openRoleLog("watchdog", logConfig, alerts);
  await runWatchdog({ clock: hostClock, bus, log, limits, identity: newIdentity("watchdog") }, io.signal);
  bus.close();
  await end();
  return 0;
}

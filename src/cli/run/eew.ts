import { hostClock } from "../../adapters/host/clock.ts";
import { newIdentity, workerName } from "../../adapters/host/identity.ts";
import { rulebookFile } from "../../adapters/host/rulebook-file.ts";
import { redisEewBus } from "../../adapters/redis/eew-bus.ts";
import { loadAlerts } from "../../config/alerts.ts";
import { loadLog } from "../../config/log.ts";
import { wholeNumber } from "../../config/number.ts";
import { loadRedis } from "../../config/redis.ts";
import { stateDirectory } from "../../config/state-directory.ts";
import { loadVenue } from "../../config/venue.ts";
import { EEW_LIMITS } from "../../core/eew.ts";
import { runEew } from "../../roles/eew.ts";
import type { ExitCode, Io } from "../io.ts";
import { type Flags, isSet, redisFlags, text } from "../options.ts";
import { openVenue } from "./open-venue.ts";
import { requireRedis, requireRights } from "./require-redis.ts";
import { openRoleLog } from "./role-log.ts";

/** Runs `quantum eew`. */
export async function eew(flags: Flags, io: Io): Promise<ExitCode> {
  const redis = loadRedis(io.env, redisFlags(flags));
  const venue = loadVenue(io.env, text(flags, "base-url"));
  const logConfig = loadLog(io.env, io.terminal);
  const alerts = loadAlerts(io.env);
  const maxAge = wholeNumber("--event-max-age-ms", text(flags, "event-max-age-ms"), 60_000, 604_800_000);
  const limits = { ...EEW_LIMITS, eventMaxAgeMs: maxAge ?? EEW_LIMITS.eventMaxAgeMs };
  await requireRedis(redis);
  await requireRights(redis, "eew");
  const exchange = await openVenue(venue);
  const bus = redisEewBus({ ...redis, clock: hostClock, worker: workerName(stateDirectory(io.env)) });
  const rulebooks = rulebookFile(stateDirectory(io.env));
  const { log, end } = openRoleLog("eew", logConfig, alerts);
  const identity = newIdentity("emergency_exit_worker");
  const once = isSet(flags, "once");
  const world = { clock: hostClock, bus, exchange, rulebooks, log, limits, identity };
  const reported = await runEew(world, { signal: io.signal, once });
  bus.close();
  await exchange.dispose();
  await end();
  return once && reported?.outcome !== "FLAT" ? 1 : 0;
}

import { hostClock } from "../../adapters/host/clock.ts";
import { newIdentity } from "../../adapters/host/identity.ts";
import { redisBrainBus } from "../../adapters/redis/brain-bus.ts";
import { loadAlerts } from "../../config/alerts.ts";
import { loadLog } from "../../config/log.ts";
import { loadRedis } from "../../config/redis.ts";
import { loadVenue } from "../../config/venue.ts";
import { BRAIN_LIMITS } from "../../core/brain.ts";
import { runBrain } from "../../roles/brain.ts";
import type { ExitCode, Io } from "../io.ts";
import { type Flags, redisFlags, text } from "../options.ts";
import { openService } from "./open-service.ts";
import { openVenue } from "./open-venue.ts";
import { requireRedis, requireRights, tellEviction } from "./require-redis.ts";
import { openRoleLog } from "./role-log.ts";

/** Runs `quantum brain`. */
export async function brain(flags: Flags, io: Io): Promise<ExitCode> {
  const redis = loadRedis(io.env, redisFlags(flags));
  const venue = loadVenue(io.env, text(flags, "base-url"));
  const logConfig = loadLog(io.env, io);
  const alerts = loadAlerts(io.env);
  await requireRedis(redis);
  await requireRights(redis, "brain");
  const exchange = await openVenue(venue);
  const bus = redisBrainBus(redis);
  const { log, end } = openRoleLog("brain", logConfig, alerts, io.lastWords);
  void tellEviction(redis, log);
  const identity = newIdentity("exit_brain");
  const service = openService(io, log);
  await runBrain(
    { clock: hostClock, bus, exchange, log, service, limits: BRAIN_LIMITS, identity, policy: null },
    io.signal,
  );
  bus.close();
  await exchange.dispose();
  await end();
  return 0;
}

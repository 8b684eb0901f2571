import { listenDirect } from "../../adapters/direct/listen.ts";
import { hostClock } from "../../adapters/host/clock.ts";
import { newIdentity, workerName } from "../../adapters/host/identity.ts";
import { journalFile } from "../../adapters/host/journal-file.ts";
import { rulebookFile } from "../../adapters/host/rulebook-file.ts";
import { redisEewBus } from "../../adapters/redis/eew-bus.ts";
import { loadAlerts } from "../../config/alerts.ts";
import { directSocket } from "../../config/direct-socket.ts";
import { loadLog } from "../../config/log.ts";
import { wholeNumber } from "../../config/number.ts";
import { loadRedis } from "../../config/redis.ts";
import { stateDirectory } from "../../config/state-directory.ts";
import { loadVenue } from "../../config/venue.ts";
import { EEW_LIMITS } from "../../core/eew.ts";
import { practise } from "../../core/practice.ts";
import { SECOND_LINE_LIMITS, type SelfTrip } from "../../core/second-line.ts";
import type { Journal } from "../../ports/journal.ts";
import type { Log } from "../../ports/log.ts";
import { runEew } from "../../roles/eew.ts";
import type { ExitCode, Io } from "../io.ts";
import { type Flags, isSet, redisFlags, text } from "../options.ts";
import { openVenue } from "./open-venue.ts";
import { requireRedis, requireRights, tellEviction } from "./require-redis.ts";
import { openRoleLog } from "./role-log.ts";

/** Runs `quantum eew`. */
export async function eew(flags: Flags, io: Io): Promise<ExitCode> {
  const redis = loadRedis(io.env, redisFlags(flags));
  const venue = loadVenue(io.env, text(flags, "base-url"));
  const logConfig = loadLog(io.env, io.terminal);
  const alerts = loadAlerts(io.env);
  const maxAge = wholeNumber("--event-max-age-ms", text(flags, "event-max-age-ms"), 60_000, 604_800_000);
  const limits = { ...EEW_LIMITS, eventMaxAgeMs: maxAge ?? EEW_LIMITS.eventMaxAgeMs };
  const journal = journalFile(stateDirectory(io.env), hostClock);
  // What an earlier life has left undone does not wait for Redis.
  if (journal.unfinished().length === 0) {
    await requireRedis(redis);
    await requireRights(redis, "eew");
  }
  const exchange = await openVenue(venue);
  const bus = redisEewBus({ ...redis, clock: hostClock, worker: workerName(stateDirectory(io.env)) });
  const rulebooks = rulebookFile(stateDirectory(io.env));
  const { log, end } = openRoleLog("eew", logConfig, alerts);
  void tellEviction(redis, log);
  const identity = newIdentity("emergency_exit_worker");
  const once = isSet(flags, "once");
  const alertOnly = alertOnlyCauses(flags);
  tellAtStart(log, journal, alertOnly);
  const line = await listenDirect(directSocket(io.env), redis.triggerSecret);
  if (!line.known) log.write("critical", `No direct line, only Redis can be heard: ${line.why}`, "alarm");
  const direct = line.known ? line.value : null;
  const secondLine = SECOND_LINE_LIMITS;
  const own = { journal, direct, secondLine, alertOnly };
  const world = { clock: hostClock, bus, exchange, rulebooks, log, limits, identity, ...own };
  practise();
  const reported = await runEew(world, { signal: io.signal, once });
  direct?.close();
  bus.close();
  await exchange.dispose();
  await end();
  return once && reported?.outcome !== "FLAT" ? 1 : 0;
}

function alertOnlyCauses(flags: Flags): ReadonlySet<SelfTrip["cause"]> {
  const causes = ["redis_lost", "watchdog_lost"] as const;
  return new Set(causes.filter((cause) => isSet(flags, `${cause.replace("_", "-")}-alert-only`)));
}

/** What an operator must not overlook. */
function tellAtStart(log: Log, journal: Journal, alertOnly: ReadonlySet<SelfTrip["cause"]>): void {
  for (const cause of alertOnly) {
    const what = cause === "redis_lost" ? "Redis stays away" : "the brain is silent and no watchdog is there";
    log.write("critical", `UNPROTECTED by choice: where ${what}, nothing is closed, it is only told`, "alarm");
  }
  const trouble = journal.trouble();
  if (trouble !== null) log.write("critical", `Look at ${trouble}`, "alarm");
  for (const { eventId } of journal.unfinished()) {
    log.write("critical", `Event ${eventId} was raised in an earlier life and not reported: executing it now`, "alarm");
  }
}

import { openHttpDoor } from "../../adapters/direct/http-door.ts";
import { directLine, type OpenLine } from "../../adapters/direct/line.ts";
import { openUnixDoor } from "../../adapters/direct/unix-door.ts";
import { hostClock } from "../../adapters/host/clock.ts";
import { newIdentity, workerName } from "../../adapters/host/identity.ts";
import { journalFile } from "../../adapters/host/journal-file.ts";
import { rulebookFile } from "../../adapters/host/rulebook-file.ts";
import { redisEewBus } from "../../adapters/redis/eew-bus.ts";
import { loadAlerts } from "../../config/alerts.ts";
import { type HostPort, loadDirectHttp } from "../../config/direct-http.ts";
import { directSocket } from "../../config/direct-socket.ts";
import { loadLog } from "../../config/log.ts";
import { wholeNumber } from "../../config/number.ts";
import { loadRedis } from "../../config/redis.ts";
import { Refusal } from "../../config/refusal.ts";
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
import { openService } from "./open-service.ts";
import { openVenue } from "./open-venue.ts";
import { redisTrouble, tellEviction } from "./require-redis.ts";
import { requireState } from "./require-state.ts";
import { openRoleLog } from "./role-log.ts";

/** Runs `quantum eew`. */
export async function eew(flags: Flags, io: Io): Promise<ExitCode> {
  const redis = loadRedis(io.env, redisFlags(flags));
  const venue = loadVenue(io.env, text(flags, "base-url"));
  const logConfig = loadLog(io.env, io);
  const alerts = loadAlerts(io.env);
  const directHttp = loadDirectHttp(io.env, text(flags, "direct-http"), redis.triggerSecret);
  const maxAge = wholeNumber("--event-max-age-ms", text(flags, "event-max-age-ms"), 60_000, 604_800_000);
  const limits = { ...EEW_LIMITS, eventMaxAgeMs: maxAge ?? EEW_LIMITS.eventMaxAgeMs };
  const directory = stateDirectory(io.env);
  using state = await requireState("eew", directory);
  const journal = journalFile(directory, hostClock);
  // What an earlier life has left undone does not wait for Redis.
  const trouble = journal.unfinished().length === 0 ? await redisTrouble(redis, "eew") : null;
  const exchange = await openVenue(venue);
  const bus = redisEewBus({ ...redis, clock: hostClock, worker: workerName(directory) });
  const rulebooks = rulebookFile(directory);
  const { log, end } = openRoleLog("eew", logConfig, alerts, io.lastWords);
  if (trouble !== null) log.write("critical", trouble, "alarm");
  void tellEviction(redis, log);
  const identity = newIdentity("emergency_exit_worker");
  const once = isSet(flags, "once");
  const alertOnly = alertOnlyCauses(flags);
  tellAtStart(log, journal, alertOnly);
  if (state.trouble !== null) log.write("critical", `Another worker may use the same state: ${state.trouble}`, "alarm");
  const direct = directLine(redis.triggerSecret, { clock: hostClock, log });
  const hangUp = await openDoors(directSocket(io.env), directHttp, direct, log);
  const secondLine = SECOND_LINE_LIMITS;
  const own = { journal, direct, secondLine, alertOnly };
  const service = openService(io, log);
  const world = { clock: hostClock, bus, exchange, rulebooks, log, service, limits, identity, ...own };
  practise();
  const reported = await runEew(world, { signal: io.signal, once });
  hangUp();
  bus.close();
  await exchange.dispose();
  await end();
  return once && reported?.outcome !== "FLAT" ? 1 : 0;
}

/**
 * Opens the worker's doors; returns what closes them. Without the socket it goes on, and says so.
 *
 * @throws {Refusal} if the HTTP door can't be opened: somebody has set it, and relies on it.
 */
async function openDoors(path: string, http: HostPort | null, line: OpenLine, log: Log): Promise<() => void> {
  const web = http === null ? null : await openHttpDoor(http, line, hostClock);
  if (http !== null && web?.known === false) {
    const where = `${http.host}:${http.port}`;
    throw new Refusal(
      `QUANTUM_DIRECT_HTTP (--direct-http): ${where} can't be listened on (${web.why}), expected it free`,
    );
  }
  const socket = await openUnixDoor(path, line);
  if (!socket.known) log.write("critical", `No direct line by the worker's socket: ${socket.why}`, "alarm");
  return () => {
    if (web?.known === true) web.value.close();
    if (socket.known) socket.value.close();
    line.close();
  };
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
  for (const { eventId, followsUp } of journal.unfinished()) {
    const line = `Event ${eventId} was raised in an earlier life and not reported: executing it now`;
    log.write("critical", line, "alarm", { eventId, incidentId: followsUp?.incidentId ?? eventId });
  }
}

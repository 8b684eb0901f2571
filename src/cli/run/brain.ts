import type { BinanceExchange } from "../../adapters/binance/exchange.ts";
import { binanceStream } from "../../adapters/binance/stream.ts";
import { brainCall } from "../../adapters/direct/watchdog-call.ts";
import { exitFile } from "../../adapters/exits/file.ts";
import { exitStore } from "../../adapters/exits/store.ts";
import { hostClock } from "../../adapters/host/clock.ts";
import { newIdentity } from "../../adapters/host/identity.ts";
import { rulebookFile } from "../../adapters/host/rulebook-file.ts";
import { redisBrainBus } from "../../adapters/redis/brain-bus.ts";
import { redisBrainNote } from "../../adapters/redis/brain-note.ts";
import { loadAlerts } from "../../config/alerts.ts";
import { loadLog } from "../../config/log.ts";
import { loadPolicyFile, type PolicyFile } from "../../config/policy.ts";
import { loadRedis } from "../../config/redis.ts";
import { stateDirectory } from "../../config/state-directory.ts";
import { loadStreamUrl, loadVenue } from "../../config/venue.ts";
import { BRAIN_LIMITS } from "../../core/brain.ts";
import type { BrainNote, BrainWork } from "../../core/brain-note.ts";
import type { ExitPolicy } from "../../core/exit-policy.ts";
import type { DirectCall } from "../../ports/direct-line.ts";
import type { Log } from "../../ports/log.ts";
import type { StreamName, VenueStream } from "../../ports/venue-stream.ts";
import { type PolicyWorld, runBrain } from "../../roles/brain.ts";
import { keepNote, notingQuiet } from "../../roles/brain-note.ts";
import type { ExitCode, Io } from "../io.ts";
import { type Flags, isSet, redisFlags, text } from "../options.ts";
import { openService } from "./open-service.ts";
import { openVenue } from "./open-venue.ts";
import { requireRedis, requireRights, tellEviction } from "./require-redis.ts";
import { requireState } from "./require-state.ts";
import { openRoleLog } from "./role-log.ts";
import { waysToWorker } from "./ways-to-worker.ts";

/** Runs `quantum brain`. */
export async function brain(flags: Flags, io: Io): Promise<ExitCode> {
  const redis = loadRedis(io.env, redisFlags(flags));
  const venue = loadVenue(io.env, text(flags, "base-url"));
  const streamUrl = loadStreamUrl(io.env, venue, text(flags, "stream-url"));
  const logConfig = loadLog(io.env, io);
  const alerts = loadAlerts(io.env);
  const ways = waysToWorker(flags, io.env, redis.triggerSecret);
  const policyPath = text(flags, "policy");
  const file = policyPath === undefined ? null : loadPolicyFile(policyPath);
  const directory = stateDirectory(io.env);
  // Without a policy nothing is remembered.
  using state = file === null ? null : await requireState("brain", directory);
  await requireRedis(redis);
  await requireRights(redis, "brain");
  const exchange = await openVenue(venue);
  const bus = redisBrainBus(redis);
  const { log, end } = openRoleLog("brain", logConfig, alerts, io.lastWords);
  void tellEviction(redis, log);
  const identity = newIdentity("exit_brain");
  const service = openService(io, log);
  const { listenKeys: keys } = exchange;
  const quiet = new Set<StreamName>();
  const venueStream = binanceStream({ streamUrl, keys, caPem: venue.caPem ?? undefined, clock: hostClock });
  const stream = notingQuiet(venueStream, quiet);
  const direct = ways.length === 0 ? null : brainCall(ways, redis.triggerSecret, hostClock);
  const carriedOut =
    file === null ? null : await policyWorld(file.policy, flags, { bus, direct, directory, exchange, log, stream });
  const trouble = state?.trouble ?? null;
  if (trouble !== null) log.write("critical", `Another brain may use the same state: ${trouble}`, "alarm");
  const world = { clock: hostClock, bus, exchange, log, service, limits: BRAIN_LIMITS, identity, policy: carriedOut };
  const noteNow = (): BrainNote => ({ instanceId: identity.instanceId, work: workOf(file, flags, quiet) });
  const notes = redisBrainNote(redis);
  const noting = keepNote({ clock: hostClock, write: notes.write }, noteNow, io.signal);
  await Promise.all([runBrain(world, io.signal), noting]);
  notes.close();
  bus.close();
  await exchange.dispose();
  await end();
  return 0;
}

function workOf(file: PolicyFile | null, flags: Flags, quiet: ReadonlySet<StreamName>): BrainWork {
  if (file === null) return { kind: "watch" };
  const mode = isSet(flags, "shadow") ? "shadow" : isSet(flags, "auto-live") ? "auto_live" : "live";
  return { kind: "policy", sha256: file.sha256, mode, quiet: [...quiet].sort() };
}

interface At {
  readonly bus: ReturnType<typeof redisBrainBus>;
  readonly exchange: BinanceExchange;
  readonly log: Log;
  readonly stream: VenueStream;
  readonly direct: DirectCall | null;
  readonly directory: string;
}

/** The policy with what earlier lives have written down of it. */
async function policyWorld(
  policy: ExitPolicy,
  flags: Flags,
  { bus, direct, directory, exchange, log, stream }: At,
): Promise<PolicyWorld> {
  const store = exitStore(exitFile(directory), { read: bus.readExits, write: bus.writeExits });
  const { memory, trouble } = await store.load();
  for (const line of trouble) log.write("warn", `Look at ${line}`, "alarm");
  const options = { shadow: isSet(flags, "shadow"), autoLive: isSet(flags, "auto-live") };
  const start = { policy, ...options, ...memory };
  return { start, direct, exits: exchange.exits, stream, store, rulebooks: rulebookFile(directory) };
}

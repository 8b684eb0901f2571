import { redisOperatorBus } from "../../adapters/redis/operator-bus.ts";
import { systemdSupervisor } from "../../adapters/systemd/supervisor.ts";
import type { DrillResult, Method } from "../../chaos/brain-kill.ts";
import { abortedRecord, begunRecord, newNotes, recordOf } from "../../chaos/notes.ts";
import type { Stage } from "../../chaos/stage.ts";
import { type AlertsConfig, loadAlerts } from "../../config/alerts.ts";
import { loadRedis, type RedisConfig } from "../../config/redis.ts";
import { Failure, Refusal } from "../../config/refusal.ts";
import { loadTestnet, loadVenue } from "../../config/venue.ts";
import { drillRefusedNews } from "../../core/drill.ts";
import { unknown } from "../../core/reading.ts";
import { coloursWanted, type ExitCode, type Io } from "../io.ts";
import { type Flags, isSet, redisFlags, text } from "../options.ts";
import { drillDocument, renderDrill } from "../render-drill.ts";
import { playDrill } from "./play-drill.ts";
import { PATIENT_MS } from "./require-redis.ts";
import { keepDrill, tellDrill } from "./settle-drill.ts";
import { tellPeople } from "./tell-people.ts";

/**
 * Runs the drill on a live testnet deployment. What comes of it is kept in Redis and told to people, also when it does not
 * come to its end. One that is refused has touched nothing and is not kept; unless a person sits there and reads it, people
 * are told, because a month in which the timer's drill is refused has no drill.
 */
export async function liveDrill(flags: Flags, io: Io, method: Method): Promise<ExitCode> {
  const alerts = loadAlerts(io.env);
  let account = "";
  try {
    refuseUnsafe(flags, io);
    const redis = loadRedis(io.env, redisFlags(flags));
    account = redis.namespace;
    loadVenue(io.env, text(flags, "base-url"));
    await confirm(flags, io);
    return await drill(flags, io, method, redis, alerts);
  } catch (error) {
    if (error instanceof Refusal && !io.terminal) {
      await tellPeople(alerts, "chaos", drillRefusedNews(error.message, account), io);
    }
    throw error;
  }
}

function refuseUnsafe(flags: Flags, io: Io): void {
  for (const name of ["brain", "strike"]) {
    if (text(flags, name) === undefined) continue;
    throw new Refusal(
      `--${name} is of the sandbox, a deployment has the brain that it has: expected --sandbox with it`,
    );
  }
  if (text(flags, "without") !== undefined) {
    throw new Refusal("--without leaves out a role of the sandbox: expected --sandbox with it");
  }
  if (!loadTestnet(io.env)) {
    throw new Refusal("BINANCE_TESTNET is false: a drill closes every position, expected true (testnet), or --sandbox");
  }
}

async function confirm(flags: Flags, io: Io): Promise<void> {
  if (isSet(flags, "yes")) return;
  io.err("=== CHAOS TEST: Exit Brain Kill ===");
  io.err("WARNING: This will close ALL test positions");
  const answer = await io.ask("Continue? (yes/no): ");
  if (answer?.trim() !== "yes") throw new Refusal("Not confirmed: expected yes, or --yes for scripts");
}

async function drill(
  flags: Flags,
  io: Io,
  method: Method,
  redis: RedisConfig,
  alerts: AlertsConfig,
): Promise<ExitCode> {
  const name = { drill: "brain-kill", method, target: "live" } as const;
  const { namespace } = redis;
  const notes = newNotes();
  // Of its own: the drill's is closed by the time at which there is something to keep.
  const bus = redisOperatorBus({ ...redis, deadlineMs: PATIENT_MS });
  const begin: Stage["begin"] = async (startedAt) => {
    const kept = await bus.keepDrill(begunRecord(name, startedAt));
    return kept.known
      ? kept
      : unknown(`The drill can't be put on record, and one that is not kept is none, ${kept.why}`);
  };
  const supervisor = systemdSupervisor(namespace);
  const place = {
    target: "live",
    env: io.env,
    flags,
    supervisor,
    victim: "brain",
    without: [],
    begin,
    notes,
    logTails: () => [],
  } as const;
  try {
    const result = await playDrill(place, io, method).catch(async (error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      const refused = error instanceof Refusal && !notes.struck;
      const record = refused ? null : abortedRecord(name, notes, why);
      if (record !== null) {
        const kept = await keepDrill(bus, record, io);
        if (!kept.known) io.err(`quantum: That the drill was aborted could not be kept, ${kept.why}`);
        await tellDrill(alerts, record, namespace, kept, io);
      }
      throw error;
    });
    const record = recordOf(result);
    const kept = await keepDrill(bus, record, io);
    show(result, kept.known, flags, io);
    await tellDrill(alerts, record, namespace, kept, io);
    if (kept.known) return result.passed ? 0 : 1;
    throw new Failure(`The verdict could not be kept, and a verdict that is not kept is none, ${kept.why}`);
  } finally {
    bus.close();
  }
}

function show(result: DrillResult, kept: boolean, flags: Flags, io: Io): void {
  const document = { ...drillDocument(result), kept };
  io.out(isSet(flags, "json") ? JSON.stringify(document) : renderDrill(result, coloursWanted(io)));
}

import { hostClock } from "../../adapters/host/clock.ts";
import { selfCommand } from "../../adapters/host/self.ts";
import { redisOperatorBus } from "../../adapters/redis/operator-bus.ts";
import { systemdSupervisor } from "../../adapters/systemd/supervisor.ts";
import { brainKill, type DrillResult, type Method } from "../../chaos/brain-kill.ts";
import { openSandbox } from "../../chaos/sandbox.ts";
import type { Stage } from "../../chaos/stage.ts";
import type { Env } from "../../config/env.ts";
import { loadRedis } from "../../config/redis.ts";
import { Refusal } from "../../config/refusal.ts";
import { loadTestnet, loadVenue } from "../../config/venue.ts";
import { coloursWanted, type ExitCode, type Io } from "../io.ts";
import { type Flags, isSet, redisFlags, text } from "../options.ts";
import { drillDocument, renderDrill } from "../render-drill.ts";
import { openVenue } from "./open-venue.ts";
import { PATIENT_MS, requireRedis } from "./require-redis.ts";

/** Where the drill plays, and what tells about it if it fails. */
interface Place extends Pick<Stage, "target" | "supervisor" | "without"> {
  readonly env: Env;
  readonly flags: Flags;
  logTails(): readonly string[];
}

/** Runs `quantum chaos`. */
export async function chaos(flags: Flags, io: Io): Promise<ExitCode> {
  const method = (text(flags, "method") ?? "sigkill") as Method;
  const result = isSet(flags, "sandbox") ? await inSandbox(flags, io, method) : await live(flags, io, method);
  io.out(isSet(flags, "json") ? JSON.stringify(drillDocument(result)) : renderDrill(result, coloursWanted(io)));
  return result.passed ? 0 : 1;
}

async function inSandbox(flags: Flags, io: Io, method: Method): Promise<DrillResult> {
  const left = text(flags, "without") as "watchdog" | "eew" | undefined;
  const without = left === undefined ? [] : [left];
  io.err("Starting redis-server, the simulated exchange and the three roles");
  const sandbox = await openSandbox({ env: io.env, self: selfCommand(), without, signal: io.signal });
  const { env, supervisor, logTails } = sandbox;
  try {
    return await drill({ target: "sandbox", env, flags: {}, supervisor, without, logTails }, io, method);
  } finally {
    await sandbox.close();
  }
}

async function live(flags: Flags, io: Io, method: Method): Promise<DrillResult> {
  if (text(flags, "without") !== undefined) {
    throw new Refusal("--without leaves out a role of the sandbox: expected --sandbox with it");
  }
  if (!loadTestnet(io.env)) {
    throw new Refusal("BINANCE_TESTNET is false: a drill closes every position, expected true (testnet), or --sandbox");
  }
  const supervisor = systemdSupervisor;
  const place: Place = { target: "live", env: io.env, flags, supervisor, without: [], logTails: () => [] };
  loadRedis(place.env, redisFlags(flags));
  loadVenue(place.env, text(flags, "base-url"));
  if (!isSet(flags, "yes")) {
    io.err("=== CHAOS TEST: Exit Brain Kill ===");
    io.err("WARNING: This will close ALL test positions");
    const answer = await io.ask("Continue? (yes/no): ");
    if (answer?.trim() !== "yes") throw new Refusal("Not confirmed: expected yes, or --yes for scripts");
  }
  return await drill(place, io, method);
}

async function drill({ env, flags, logTails, ...place }: Place, io: Io, method: Method): Promise<DrillResult> {
  const redis = loadRedis(env, redisFlags(flags));
  const venue = loadVenue(env, text(flags, "base-url"));
  await requireRedis(redis);
  const exchange = await openVenue(venue);
  const bus = redisOperatorBus({ ...redis, deadlineMs: PATIENT_MS });
  const startedAt = hostClock.now();
  const progress = (line: string): void => {
    io.err(`${((hostClock.now() - startedAt) / 1_000).toFixed(1).padStart(5)} s  ${line}`);
  };
  let passed = false;
  try {
    const result = await brainKill({ ...place, clock: hostClock, bus, exchange, progress, signal: io.signal }, method);
    passed = result.passed;
    return result;
  } finally {
    if (!passed && !io.signal.aborted) for (const line of logTails()) io.err(line);
    bus.close();
    await exchange.dispose();
  }
}

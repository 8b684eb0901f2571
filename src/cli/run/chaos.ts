import { hostClock } from "../../adapters/host/clock.ts";
import { redisOperatorBus } from "../../adapters/redis/operator-bus.ts";
import { systemdSupervisor } from "../../adapters/systemd/supervisor.ts";
import { brainKill, type DrillResult, METHODS, type Method } from "../../chaos/brain-kill.ts";
import { openSandbox, type Sandbox } from "../../chaos/sandbox.ts";
import type { Stage } from "../../chaos/stage.ts";
import type { Env } from "../../config/env.ts";
import { loadRedis } from "../../config/redis.ts";
import { Refusal } from "../../config/refusal.ts";
import { loadTestnet, loadVenue } from "../../config/venue.ts";
import type { ExitCode, Io } from "../io.ts";
import { type Flags, isSet, redisFlags, text } from "../options.ts";
import { drillDocument, renderDrill } from "../render-drill.ts";
import { openVenue } from "./open-venue.ts";
import { requireRedis } from "./require-redis.ts";

/** Runs `quantum chaos`. */
export async function chaos(flags: Flags, io: Io): Promise<ExitCode> {
  const method = (text(flags, "method") ?? "sigkill") as Method;
  if (!(method in METHODS)) throw new Refusal(`--method is ${method}: expected ${Object.keys(METHODS).join(", ")}`);
  const result = isSet(flags, "sandbox") ? await inSandbox(flags, io, method) : await live(flags, io, method);
  io.out(isSet(flags, "json") ? JSON.stringify(drillDocument(result)) : renderDrill(result, io.terminal));
  return result.passed ? 0 : 1;
}

async function inSandbox(flags: Flags, io: Io, method: Method): Promise<DrillResult> {
  const without = text(flags, "without") as "watchdog" | "eew" | undefined;
  io.err("Starting redis-server, the simulated exchange and the three roles");
  const sandbox = await openSandbox(io.env, without === undefined ? [] : [without], io.signal);
  try {
    const left = without === undefined ? [] : [without];
    return await onStage(
      sandbox.env,
      {},
      { target: "sandbox", supervisor: sandbox.supervisor, without: left },
      io,
      method,
      sandbox,
    );
  } finally {
    await sandbox.close();
  }
}

async function live(flags: Flags, io: Io, method: Method): Promise<DrillResult> {
  if (text(flags, "without") !== undefined)
    throw new Refusal("--without leaves out a role of the sandbox: expected --sandbox with it");
  if (!loadTestnet(io.env)) {
    throw new Refusal("BINANCE_TESTNET is false: a drill closes every position, expected true (testnet), or --sandbox");
  }
  if (!isSet(flags, "yes")) {
    io.err("=== CHAOS TEST: Exit Brain Kill ===\nWARNING: This will close ALL test positions");
    const answer = await io.ask("Continue? (yes/no): ");
    if (answer?.trim() !== "yes") throw new Refusal("Not confirmed: expected yes, or --yes for scripts");
  }
  return await onStage(io.env, flags, { target: "live", supervisor: systemdSupervisor, without: [] }, io, method, null);
}

async function onStage(
  env: Env,
  flags: Flags,
  place: Pick<Stage, "target" | "supervisor" | "without">,
  io: Io,
  method: Method,
  sandbox: Sandbox | null,
): Promise<DrillResult> {
  const redis = loadRedis(env, redisFlags(flags));
  const venue = loadVenue(env, text(flags, "base-url"));
  await requireRedis(redis);
  const exchange = await openVenue(venue);
  const bus = redisOperatorBus(redis);
  const startedAt = hostClock.now();
  const progress = (line: string): void => {
    io.err(`${((hostClock.now() - startedAt) / 1_000).toFixed(1).padStart(5)} s  ${line}`);
  };
  try {
    const result = await brainKill({ ...place, clock: hostClock, bus, exchange, progress, signal: io.signal }, method);
    if (!result.passed) for (const line of sandbox?.logTails() ?? []) io.err(line);
    return result;
  } catch (error) {
    for (const line of io.signal.aborted ? [] : (sandbox?.logTails() ?? [])) io.err(line);
    throw error;
  } finally {
    bus.close();
    await exchange.dispose();
  }
}

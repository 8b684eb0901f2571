import { hostClock } from "../../adapters/host/clock.ts";
import { redisOperatorBus } from "../../adapters/redis/operator-bus.ts";
import { brainKill, type DrillResult, type Method } from "../../chaos/brain-kill.ts";
import type { DrillNotes } from "../../chaos/notes.ts";
import type { Stage } from "../../chaos/stage.ts";
import type { Env } from "../../config/env.ts";
import { loadRedis } from "../../config/redis.ts";
import { loadVenue } from "../../config/venue.ts";
import type { Io } from "../io.ts";
import { type Flags, redisFlags, text } from "../options.ts";
import { openVenue } from "./open-venue.ts";
import { PATIENT_MS, requireRedis } from "./require-redis.ts";

/** Where the drill plays, what gets to know how it goes, and what tells about it if it fails. */
export interface Place extends Pick<Stage, "target" | "victim" | "supervisor" | "without" | "begin"> {
  readonly env: Env;
  readonly flags: Flags;
  readonly notes: DrillNotes;
  logTails(): readonly string[];
}

/** Plays a drill, and tells on stderr how it goes; throws as `brainKill` does. */
export async function playDrill(place: Place, io: Io, method: Method): Promise<DrillResult> {
  const { env, flags, notes, logTails, ...where } = place;
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
    const stage: Stage = { ...where, clock: hostClock, bus, exchange, progress, signal: io.signal };
    const result = await brainKill(stage, method, notes);
    passed = result.passed;
    return result;
  } finally {
    if (!passed && !io.signal.aborted) for (const line of logTails()) io.err(line);
    bus.close();
    await exchange.dispose();
  }
}

import { redisOperatorBus } from "../../adapters/redis/operator-bus.ts";
import { loadRedis } from "../../config/redis.ts";
import { Failure } from "../../config/refusal.ts";
import { isDrillable } from "../../config/venue.ts";
import { exitsAttention } from "../../core/brain-note.ts";
import { drillAttention } from "../../core/drill.ts";
import { problems } from "../../core/overview.ts";
import type { Overview } from "../../ports/bus.ts";
import { coloursWanted, type ExitCode, type Io } from "../io.ts";
import { type Flags, isSet, redisFlags } from "../options.ts";
import { renderStatus, statusDocument } from "../render.ts";
import { brainView } from "./brain-view.ts";
import { unusable } from "./require-redis.ts";

function holdsPositions({ roles }: Overview): boolean {
  return roles.some(({ last, role }) => role === "brain" && last?.heartbeat.activePositions !== 0);
}

/**
 * Runs `quantum status`.
 *
 * A drill that is missing, old or red asks for a person's eye and is no reason for exit code 1. That code means that nobody
 * is protected as things stand, and it wakes people: over an old drill it would be red for weeks on an account that is
 * guarded well, and whoever silences it misses the role that dies then. `quantum doctor` is where it fails.
 */
export async function status(flags: Flags, io: Io): Promise<ExitCode> {
  const redis = loadRedis(io.env, redisFlags(flags));
  const bus = redisOperatorBus(redis);
  const overview = await bus.overview();
  const lastDrill = await bus.lastDrill();
  const brain = await brainView(bus, overview);
  // What was closed by others is remembered for some seconds more.
  const isHolding = overview.known && overview.value.halt === null && holdsPositions(overview.value);
  const legs = brain.kind === "policy" && isHolding ? await bus.exitRecords() : null;
  bus.close();
  if (!overview.known) throw new Failure(`The state can't be read: ${unusable(redis, overview.why)}`);
  const { lastPanic } = overview.value;
  const found = problems({
    ...overview.value,
    lastPanic: lastPanic === null ? null : { eventId: lastPanic.event.eventId, outcome: lastPanic.outcome },
  });
  const exits = { brain, legs };
  const attention = [exitsAttention(brain), drillAttention(lastDrill, isDrillable(io.env))].filter(
    (line) => line !== null,
  );
  const view = { ...overview.value, exits, lastDrill, problems: found, attention };
  io.out(isSet(flags, "json") ? JSON.stringify(statusDocument(view)) : renderStatus(view, coloursWanted(io)));
  return found.length === 0 ? 0 : 1;
}

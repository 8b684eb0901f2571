import { redisOperatorBus } from "../../adapters/redis/operator-bus.ts";
import { loadRedis } from "../../config/redis.ts";
import { Failure, Refusal } from "../../config/refusal.ts";
import { loadVenue } from "../../config/venue.ts";
import { plain } from "../../core/decimal.ts";
import { legName } from "../../core/position.ts";
import type { OperatorBus } from "../../ports/bus.ts";
import type { Exchange } from "../../ports/exchange.ts";
import type { ExitCode, Io } from "../io.ts";
import { type Flags, isSet, redisFlags, text } from "../options.ts";
import { openVenue } from "./open-venue.ts";
import { requireRedis } from "./require-redis.ts";

/** Runs `quantum reset`. */
export async function reset(flags: Flags, io: Io): Promise<ExitCode> {
  const redis = loadRedis(io.env, redisFlags(flags));
  const venue = loadVenue(io.env, text(flags, "base-url"));
  await requireRedis(redis);
  const bus = redisOperatorBus(redis);
  const exchange = await openVenue(venue);
  try {
    const halt = await bus.halt();
    if (!halt.known) throw new Failure(`The halt can't be read, ${halt.why}`);
    if (halt.value !== null) await requireFlat(exchange);
    if (halt.value !== null && halt.value.eventId !== "") await requireCompleted(bus, halt.value.eventId);
    const cleared = await bus.clearHalt();
    if (!cleared.known) throw new Failure(`Not confirmed that the halt is cleared, run it again: ${cleared.why}`);
    if (isSet(flags, "json")) io.out(JSON.stringify({ cleared: cleared.value }));
    else io.out(cleared.value ? "Halt cleared: trading is allowed" : "Nothing to reset: trading was not halted");
    return 0;
  } finally {
    bus.close();
    await exchange.dispose();
  }
}

async function requireFlat(exchange: Exchange): Promise<void> {
  const [positions, resting] = await Promise.all([exchange.positions(), exchange.restingOrders()]);
  if (!positions.known)
    throw new Refusal(`Not reset: positions can't be read, and unknown is not flat. ${positions.why}`);
  if (!resting.known) throw new Refusal(`Not reset: orders can't be read, and unknown is not flat. ${resting.why}`);
  if (positions.value.length > 0) {
    const open = positions.value.map((leg) => `${legName(leg)} ${plain(leg.amount)}`).join(", ");
    throw new Refusal(`Not reset: positions are open (${open}). Close them first, for example with quantum panic`);
  }
  if (resting.value.length > 0) {
    const symbols = [...new Set(resting.value.map((order) => order.symbol))].join(", ");
    throw new Refusal(`Not reset: orders still rest on ${symbols} and could re-open a position. Cancel them first`);
  }
}

async function requireCompleted(bus: OperatorBus, eventId: string): Promise<void> {
  const completion = await bus.completion(eventId);
  if (!completion.known)
    throw new Refusal(`Not reset: the report of event ${eventId} can't be read. ${completion.why}`);
  if (completion.value === null) {
    throw new Refusal(`Not reset: event ${eventId} has no report yet. Is the emergency exit worker running?`);
  }
}

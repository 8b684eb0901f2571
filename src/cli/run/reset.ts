import { redisOperatorBus } from "../../adapters/redis/operator-bus.ts";
import { loadRedis } from "../../config/redis.ts";
import { Failure, Refusal } from "../../config/refusal.ts";
import { loadVenue } from "../../config/venue.ts";
import { plain } from "../../core/decimal.ts";
import { legName } from "../../core/position.ts";
import type { OperatorBus, ResetGrounds } from "../../ports/bus.ts";
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
    const grounds = await bus.resetGrounds();
    if (!grounds.known) throw new Failure(`The halt can't be read, ${grounds.why}`);
    if (grounds.value !== null) {
      await requireFlat(exchange);
      await clear(bus, grounds.value);
    }
    const cleared = grounds.value !== null;
    if (isSet(flags, "json")) io.out(JSON.stringify({ cleared }));
    else io.out(cleared ? "Halt cleared: trading is allowed" : "Nothing to reset: trading was not halted");
    if (cleared) await tellShadow(bus, io);
    return 0;
  } finally {
    bus.close();
    await exchange.dispose();
  }
}

/** A brain that has a policy comes back in shadow, this one or the next one with the same unit. */
async function tellShadow(bus: OperatorBus, io: Io): Promise<void> {
  const note = await bus.brainNote();
  if (!note.known || note.value?.work.kind !== "policy" || note.value.work.mode !== "live") return;
  io.err("The brain leaves no position by its exit policy until a person says: quantum brain live");
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

/** Clears the halt if what was seen still stands, and no exit is ordered and not done. */
async function clear(bus: OperatorBus, grounds: ResetGrounds): Promise<void> {
  const answer = await bus.reset(grounds);
  if (!answer.known) throw new Failure(`Not confirmed that the halt is cleared, run it again: ${answer.why}`);
  switch (answer.value.kind) {
    case "cleared":
      return;
    case "panic_published":
      throw new Refusal("Not reset: a panic was published meanwhile. Wait for its report, then run it again");
    case "halt_changed":
      throw new Refusal("Not reset: trading was halted anew, or cleared, meanwhile. Look at quantum status");
    case "unreported": {
      const { eventId } = grounds.halt;
      throw new Refusal(`Not reset: event ${eventId} has no report yet. Is the emergency exit worker running?`);
    }
    case "undone": {
      const { events } = answer.value;
      const ordered = events === 1 ? "1 panic event is" : `${events} panic events are`;
      const todo = "Is the emergency exit worker running? Started again, it takes up what is left";
      throw new Refusal(`Not reset: ${ordered} published and not worked off yet. ${todo}`);
    }
  }
}

import { redisOperatorBus } from "../../adapters/redis/operator-bus.ts";
import { loadRedis } from "../../config/redis.ts";
import { Failure } from "../../config/refusal.ts";
import { problems } from "../../core/overview.ts";
import { coloursWanted, type ExitCode, type Io } from "../io.ts";
import { type Flags, isSet, redisFlags } from "../options.ts";
import { renderStatus, statusDocument } from "../render.ts";
import { unusable } from "./require-redis.ts";

/** Runs `quantum status`. */
export async function status(flags: Flags, io: Io): Promise<ExitCode> {
  const redis = loadRedis(io.env, redisFlags(flags));
  const bus = redisOperatorBus(redis);
  const overview = await bus.overview();
  bus.close();
  if (!overview.known) throw new Failure(`The state can't be read: ${unusable(redis, overview.why)}`);
  const { lastPanic } = overview.value;
  const found = problems({
    ...overview.value,
    lastPanic: lastPanic === null ? null : { eventId: lastPanic.event.eventId, outcome: lastPanic.outcome },
  });
  io.out(
    isSet(flags, "json")
      ? JSON.stringify(statusDocument(overview.value, found))
      : renderStatus(overview.value, found, coloursWanted(io)),
  );
  return found.length === 0 ? 0 : 1;
}

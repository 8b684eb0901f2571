import { redisBrainBus } from "../../adapters/redis/brain-bus.ts";
import { loadRedis } from "../../config/redis.ts";
import type { ExitCode, Io } from "../io.ts";
import { type Flags, isSet, redisFlags } from "../options.ts";

/** Runs `quantum gate`. */
export async function gate(flags: Flags, io: Io): Promise<ExitCode> {
  const redis = loadRedis(io.env, redisFlags(flags));
  const bus = redisBrainBus(redis);
  const halt = await bus.halt();
  bus.close();
  const allowed = halt.known && halt.value === null;
  const why = !halt.known ? `unreadable counts as halted, ${halt.why}` : (halt.value?.reason ?? null);
  if (isSet(flags, "json")) io.out(JSON.stringify({ allowed, reason: why }));
  else io.out(allowed ? "Trading is allowed" : `Trading is halted: ${why}`);
  return allowed ? 0 : 1;
}

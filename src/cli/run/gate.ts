import { redisBrainBus } from "../../adapters/redis/brain-bus.ts";
import { loadRedis } from "../../config/redis.ts";
import type { ExitCode, Io } from "../io.ts";
import { type Flags, isSet, redisFlags } from "../options.ts";

/**
 * The answer is decided this long after the process was started. A caller waits 150 ms at most; the rest is for the words,
 * the exit, and what the process needed before its clock ran.
 */
const DECIDED_BY_MS = 100;

/** Redis gets at least this long, so that a start that was slow (from the sources, say) can still end in a yes. */
const ASKING_MS = 30;

/** Runs `quantum gate`. */
export async function gate(flags: Flags, io: Io): Promise<ExitCode> {
  const redis = loadRedis(io.env, redisFlags(flags));
  const deadlineMs = Math.max(ASKING_MS, Math.floor(DECIDED_BY_MS - io.uptimeMs()));
  const bus = redisBrainBus({ ...redis, deadlineMs });
  const halt = await bus.halt();
  bus.close();
  const allowed = halt.known && halt.value === null;
  const why = !halt.known ? `unreadable counts as halted, ${halt.why}` : (halt.value?.reason ?? null);
  if (isSet(flags, "json")) io.out(JSON.stringify({ allowed, reason: why }));
  else io.out(allowed ? "Trading is allowed" : `Trading is halted: ${why}`);
  return allowed ? 0 : 1;
}

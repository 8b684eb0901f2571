import { reach } from "../../adapters/redis/reach.ts";
import { type RedisConfig, redisAddress } from "../../config/redis.ts";
import { Refusal } from "../../config/refusal.ts";

/**
 * How long Redis may take where nothing is in a hurry: at a start, and for a drill's questions. A busy machine, with every
 * role starting at once, has been seen to need more than the deadline of a panic.
 */
export const PATIENT_MS = 3_000;

/**
 * Makes sure that Redis answers before anything is started on it.
 *
 * @throws {Refusal} naming the address and what to do. Under systemd the role is then started again until Redis is up.
 */
export async function requireRedis(config: RedisConfig): Promise<void> {
  const answer = await reach({ ...config, deadlineMs: PATIENT_MS });
  if (answer.known) return;
  throw new Refusal(unusable(config, answer.why));
}

/** One line that names the address, what happened and what to do. */
export function unusable(config: RedisConfig, why: string): string {
  return `Redis at ${redisAddress(config.url)} can't be used (${why}): expected a running Redis, set REDIS_URL or --redis-url`;
}

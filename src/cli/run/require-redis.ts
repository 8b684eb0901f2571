import { hostClock } from "../../adapters/host/clock.ts";
import { redisCheckup } from "../../adapters/redis/checkup.ts";
import { reach } from "../../adapters/redis/reach.ts";
import { refusedRights } from "../../adapters/redis/rights.ts";
import { type RedisConfig, redisAddress } from "../../config/redis.ts";
import { Refusal } from "../../config/refusal.ts";
import { redisMemory } from "../../core/checkup.ts";
import type { BeatingRole } from "../../ports/bus.ts";
import type { Log } from "../../ports/log.ts";

/**
 * How long Redis may take where nothing is in a hurry: at a start, and for a drill's questions. A busy machine, with every
 * role starting at once, has been seen to need more than the deadline of a panic.
 */
export const PATIENT_MS = 3_000;

/**
 * Makes sure that Redis answers before anything is started on it.
 *
 * @throws {Refusal} naming the address and what to do.
 */
export async function requireRedis(config: RedisConfig): Promise<void> {
  const answer = await reach({ ...config, deadlineMs: PATIENT_MS });
  if (answer.known) return;
  throw new Refusal(unusable(config, answer.why));
}

/**
 * What a protector has to know of Redis at its start: why it can't be used, in one line; null if it can.
 *
 * It starts all the same. A worker without Redis hears by its direct line, a watchdog counts the silence, and neither may be
 * missing when a host comes back without its Redis. Only a user that lacks a right is refused, because that does not pass.
 *
 * @throws {Refusal} naming the user and each command that is refused.
 */
export async function redisTrouble(config: RedisConfig, role: BeatingRole): Promise<string | null> {
  const answer = await reach({ ...config, deadlineMs: PATIENT_MS });
  if (!answer.known) return `Starting without Redis: ${unusable(config, answer.why)}`;
  await requireRights(config, role);
  return null;
}

/**
 * Makes sure that the user of `REDIS_URL` may do what the role will have to do: what it may not is found out now, and not
 * in the middle of an incident. A Redis that can't say what its users may do is believed to allow it.
 *
 * @throws {Refusal} naming the user and each command that is refused, and never the password.
 */
export async function requireRights(config: RedisConfig, role: BeatingRole): Promise<void> {
  const refused = await refusedRights({ ...config, deadlineMs: PATIENT_MS }, role);
  if (!refused.known || refused.value.commands.length === 0) return;
  const { user, commands } = refused.value;
  const where = `Redis at ${redisAddress(config.url)} does not let its user ${user} do what ${role} has to`;
  throw new Refusal(`${where}: ${commands.join(", ")}; expected the rights in redis/users.acl, see the README, Deploy`);
}

/**
 * Tells people if Redis may drop the halt or a panic event to make room for others. The role runs all the same: started
 * again in the middle of an incident, one that refused would protect nobody. `quantum doctor` fails.
 */
export async function tellEviction(config: RedisConfig, log: Log): Promise<void> {
  const questions = redisCheckup({ ...config, deadlineMs: PATIENT_MS, clock: hostClock });
  const memory = await questions.memory();
  questions.close();
  if (!memory.known) return;
  const { verdict, found, advice } = redisMemory(memory.value);
  if (verdict !== "ok") log.write("critical", `Redis at ${redisAddress(config.url)}: ${found}: ${advice}`, "alarm");
}

/** One line that names the address, what happened and what to do. */
export function unusable(config: RedisConfig, why: string): string {
  return `Redis at ${redisAddress(config.url)} can't be used (${why}): expected a running Redis, set REDIS_URL or --redis-url`;
}

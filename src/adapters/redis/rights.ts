/** What each role does on Redis, as far as rights are concerned: `redis/users.acl` grants this and no more. */

import type { Redis } from "ioredis";
import type { Reading } from "../../core/reading.ts";
import type { BeatingRole } from "../../ports/bus.ts";
import { GROUP, type Keys, keysOf } from "./keys.ts";
import { type LinkOptions, RedisLink } from "./link.ts";

/** A command as it would be sent. None of these is executed. */
type Command = readonly string[];

/** The commands of a role, those inside its scripts included: Redis checks them one by one. */
const COMMANDS: Readonly<Record<BeatingRole, (keys: Keys) => readonly Command[]>> = {
  brain: ({ heartbeat, halt, panic, published, attempts, outcomes, exits, live, brain }) => [
    ["XADD", heartbeat.brain, "*", "status", "ALIVE"],
    ["HGETALL", halt],
    ["TIME"],
    ["XREVRANGE", heartbeat.watchdog, "+", "-"],
    ["XREVRANGE", heartbeat.eew, "+", "-"],
    ["XREVRANGE", heartbeat.brain, "+", "-"],
    ["XREVRANGE", panic, "+", "-"],
    ["HGETALL", live],
    ["HMGET", outcomes, "id"],
    ["HGETALL", exits],
    ["HSET", exits, "leg", "{}"],
    ["HDEL", exits, "leg"],
    ["HSET", brain, "does", "watch"],
    ["MULTI"],
    ["EXEC"],
    ["EVAL", "return 1", "3", panic, published, attempts],
    ["SISMEMBER", published, "id"],
    ["XADD", panic, "*", "event_id", "id"],
    ["SADD", published, "id"],
  ],
  watchdog: ({ heartbeat, halt, attempts, outcomes, panic, published, completed }) => [
    ["TIME"],
    ["XREAD", "BLOCK", "1", "STREAMS", heartbeat.brain, "0-0"],
    ["XREVRANGE", heartbeat.brain, "+", "-"],
    ["XREVRANGE", completed, "+", "-"],
    ["XREVRANGE", heartbeat.eew, "+", "-"],
    ["HGETALL", halt],
    ["HGET", attempts, "id"],
    ["HMGET", outcomes, "id"],
    ["XADD", heartbeat.watchdog, "*", "status", "ALIVE"],
    ["EVAL", "return 1", "3", panic, published, attempts],
    ["SISMEMBER", published, "id"],
    ["HSET", attempts, "id", "1"],
    ["XADD", panic, "*", "event_id", "id"],
    ["SADD", published, "id"],
  ],
  eew: ({ heartbeat, halt, outcomes, panic, completed, claims, published, attempts, reset, found }) => [
    ["TIME"],
    ["XREAD", "BLOCK", "1", "STREAMS", heartbeat.brain, "0-0"],
    ["XREVRANGE", heartbeat.brain, "+", "-"],
    ["XREVRANGE", heartbeat.watchdog, "+", "-"],
    ["HGETALL", halt],
    ["XPENDING", panic, GROUP, "-", "+", "10"],
    ["HMGET", claims, "1-0"],
    ["EVAL", "return 1", "2", claims, panic],
    ["HGET", claims, "1-0"],
    ["HSET", claims, "1-0", "name:1"],
    ["XCLAIM", panic, GROUP, "name", "0", "1-0"],
    ["HDEL", claims, "1-0"],
    ["EVAL", "return 1", "3", panic, published, attempts],
    ["SISMEMBER", published, "id"],
    ["HSET", attempts, "id", "1"],
    ["XADD", panic, "*", "event_id", "id"],
    ["SADD", published, "id"],
    ["XREADGROUP", "GROUP", GROUP, "name", "STREAMS", panic, ">"],
    ["XGROUP", "CREATE", panic, GROUP, "0", "MKSTREAM"],
    ["XACK", panic, GROUP, "1-0"],
    ["HMGET", outcomes, "id"],
    ["GET", reset],
    ["XREVRANGE", panic, "+", "-"],
    ["XADD", heartbeat.eew, "*", "status", "ALIVE"],
    ["EVAL", "return 1", "5", halt, outcomes, published, panic, attempts],
    ["XRANGE", panic, "1-0", "1-0"],
    ["EXISTS", halt],
    ["HGET", attempts, "id"],
    ["HSET", halt, "halted", "true"],
    ["EVAL", "return 1", "2", found, outcomes],
    ["HGET", found, "id"],
    ["HSET", found, "id", "[]"],
    ["EVAL", "return 1", "7", halt, attempts, completed, panic, outcomes, claims, found],
    ["HDEL", found, "id"],
    ["HEXISTS", outcomes, "id"],
    ["XADD", completed, "*", "event_id", "id"],
    ["HSET", outcomes, "id", "FLAT"],
  ],
};

/** Who we are to Redis, and what it would refuse, each as a command and its keys. */
export interface RefusedRights {
  readonly user: string;
  readonly commands: readonly string[];
}

/**
 * Asks Redis what it would refuse a role, without doing any of it. Unknown where Redis can't say: before 7.0, or where
 * the user may not ask.
 */
export async function refusedRights(
  options: LinkOptions & { readonly namespace: string },
  role: BeatingRole,
): Promise<Reading<RefusedRights>> {
  const link = new RedisLink(options);
  const answer = await link.ask("ask for the rights", async (redis) => {
    const user = String(await redis.call("ACL", "WHOAMI"));
    const commands = COMMANDS[role](keysOf(options.namespace));
    const verdicts = await Promise.all(commands.map((command) => allowed(redis, user, command)));
    return { user, commands: commands.filter((_, i) => !verdicts[i]).map(inWords) };
  });
  link.close();
  return answer;
}

async function allowed(redis: Redis, user: string, command: Command): Promise<boolean> {
  return (await redis.call("ACL", "DRYRUN", user, ...command)) === "OK";
}

/** A command without its values: what is left names the right. */
function inWords([name = "", ...rest]: Command): string {
  if (name === "EVAL") return `EVAL on ${rest.slice(2).join(" ")}`;
  const key = rest.find((word) => word.includes(":"));
  const full = name === "XGROUP" ? "XGROUP CREATE" : name;
  return key === undefined ? full : `${full} on ${key}`;
}

import type { Redis } from "ioredis";
import type { Reading } from "../../core/reading.ts";
import { type LinkOptions, RedisLink } from "./link.ts";

/** Words of `ACL SETUSER`, by user. */
export type UserRules = ReadonlyMap<string, readonly string[]>;

/**
 * Gives Redis these users, and has it keep them over its own restart: in its ACL file if it has one, else in its
 * configuration. Unknown, with the reason, if either fails; a user that Redis would forget locks its role out.
 */
export function setUsers(options: LinkOptions, users: UserRules): Promise<Reading<null>> {
  return asAdministrator(options, "set the users", async (redis) => {
    for (const [name, rules] of users) await redis.call("ACL", "SETUSER", name, ...rules);
  });
}

/** Takes these users away for good; those who are logged in as one are thrown out. */
export function removeUsers(options: LinkOptions, names: readonly string[]): Promise<Reading<null>> {
  return asAdministrator(options, "remove the users", async (redis) => {
    await redis.call("ACL", "DELUSER", ...names);
  });
}

async function asAdministrator(
  options: LinkOptions,
  what: string,
  act: (redis: Redis) => Promise<void>,
): Promise<Reading<null>> {
  const link = new RedisLink(options);
  const answer = await link.ask(what, async (redis) => {
    await act(redis);
    const [, file = ""] = (await redis.config("GET", "aclfile")) as string[];
    if (file === "") await redis.config("REWRITE");
    else await redis.call("ACL", "SAVE");
    return null;
  });
  link.close();
  return answer;
}

/** Who may do what on Redis, as `quantum install --redis-users` decides it. */

import { randomBytes } from "node:crypto";
import { parseAddress } from "../../adapters/redis/address.ts";
import { type Env, variable } from "../../config/env.ts";
import { loadRedis, type RedisConfig } from "../../config/redis.ts";
import { Refusal } from "../../config/refusal.ts";
import { type Account, accountDirectory, type Layout } from "../../install/layout.ts";
import type { Wishes } from "../../install/plan.ts";
import { passwordIn, REDIS_USERS, type RedisUser } from "../../install/redis-users.ts";
import { parseSettings } from "../../install/settings.ts";
import { readSettings } from "../installed-settings.ts";

/** Where Redis is, as its administrator: `REDIS_ADMIN_URL`, else the URL of the account's settings. */
export function administrator(env: Env, settings: string): RedisConfig {
  const parsed = parseSettings(settings);
  const own = "malformed" in parsed ? {} : Object.fromEntries(parsed);
  const url = variable(env, "REDIS_ADMIN_URL") ?? own["REDIS_URL"];
  return loadRedis(own, { redisUrl: url, namespace: "" });
}

/**
 * The users of an account, with the passwords that they have already; null where they are neither there nor asked for. Once
 * there they are brought up to date with every upgrade: a new version may need a new right.
 *
 * @throws {Refusal} with sentinels: users are each server's own, and only one of them is reached.
 */
export function redisUsers(layout: Layout, account: Account, settings: string, asked: boolean): Wishes["redis"] {
  const directory = accountDirectory(layout, account);
  const passwords = new Map<RedisUser, string>();
  for (const user of REDIS_USERS) {
    const url = readSettings(`${directory}/quantum-${user}.env`)?.get("REDIS_URL");
    const password = url === undefined ? null : passwordIn(url);
    if (password === null && !asked) return null;
    passwords.set(user, password ?? randomBytes(24).toString("base64url"));
  }
  const { url } = administrator({}, settings);
  const address = parseAddress(url);
  if (!("malformed" in address) && address.sentinel !== null) {
    throw new Refusal(
      "--redis-users reaches one server, and REDIS_URL names sentinels: expected one Redis, or the users set on every server by hand, see the README",
    );
  }
  return { url, passwords };
}

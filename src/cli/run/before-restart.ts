/** What is looked at before a role is restarted that works: one that is stopped and can't start again protects nobody. */

import { redisOperatorBus } from "../../adapters/redis/operator-bus.ts";
import { loadAlerts } from "../../config/alerts.ts";
import { loadDirectHttp } from "../../config/direct-http.ts";
import type { Env } from "../../config/env.ts";
import { loadLog } from "../../config/log.ts";
import { loadRedis } from "../../config/redis.ts";
import { Refusal } from "../../config/refusal.ts";
import { loadStreamUrl, loadVenue } from "../../config/venue.ts";
import { type Account, accountDirectory, type Layout } from "../../install/layout.ts";
import { installedEnv } from "../installed-settings.ts";
import { checkInstalledPolicy } from "./policy-wish.ts";
import { PATIENT_MS } from "./require-redis.ts";

const NO_FLAGS = { redisUrl: undefined, namespace: undefined } as const;

/**
 * Reads the settings of every account as its roles will, and the exit policy of those who have one.
 *
 * @throws {Refusal} naming the account's folder and the setting that they would refuse, or what is wrong in the policy.
 */
export function checkSettings(layout: Layout, accounts: readonly Account[], withPolicy: readonly Account[]): void {
  for (const account of accounts) {
    if (withPolicy.includes(account)) checkInstalledPolicy(layout, account);
    const where = accountDirectory(layout, account);
    const env = installedEnv(layout, account, "all");
    if (env === null)
      throw new Refusal(`Nothing was touched: the settings in ${where} can't be read, expected quantum.env`);
    try {
      readAll(env);
    } catch (error) {
      if (error instanceof Refusal)
        throw new Refusal(`Nothing was touched, the settings in ${where}: ${error.message}`);
      throw error;
    }
  }
}

function readAll(env: Env): void {
  const { triggerSecret } = loadRedis(env, NO_FLAGS);
  loadStreamUrl(env, loadVenue(env));
  loadAlerts(env);
  loadLog(env, { terminal: false, journal: true });
  loadDirectHttp(env, undefined, triggerSecret);
}

/**
 * Why the roles should not be restarted now: an account is halted, and its incident may be under way, or whether it is can't
 * be read. Null: every account trades.
 */
export async function haltObjection(layout: Layout, accounts: readonly Account[]): Promise<string | null> {
  for (const account of accounts) {
    const env = installedEnv(layout, account, "no_secrets");
    const named = account === null ? "trading" : `trading of ${account}`;
    if (env === null) return `whether ${named} is halted can't be told without its settings`;
    const bus = redisOperatorBus({ ...loadRedis(env, NO_FLAGS), deadlineMs: PATIENT_MS });
    const halt = await bus.halt();
    bus.close();
    if (!halt.known) return `whether ${named} is halted can't be read: ${halt.why}`;
    if (halt.value !== null) return `${named} is halted (${halt.value.reason})`;
  }
  return null;
}

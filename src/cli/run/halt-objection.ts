import { redisOperatorBus } from "../../adapters/redis/operator-bus.ts";
import { loadRedis } from "../../config/redis.ts";
import type { Account, Layout } from "../../install/layout.ts";
import { installedEnv } from "../installed-settings.ts";
import { PATIENT_MS } from "./require-redis.ts";

/**
 * Why the roles should not be restarted now: an account is halted, and its incident may be under way, or whether it is can't
 * be read. Null: every account trades.
 */
export async function haltObjection(layout: Layout, accounts: readonly Account[]): Promise<string | null> {
  for (const account of accounts) {
    const env = installedEnv(layout, account, "no_secrets");
    const named = account === null ? "trading" : `trading of ${account}`;
    if (env === null) return `whether ${named} is halted can't be told without its settings`;
    const bus = redisOperatorBus({
      ...loadRedis(env, { redisUrl: undefined, namespace: undefined }),
      deadlineMs: PATIENT_MS,
    });
    const halt = await bus.halt();
    bus.close();
    if (!halt.known) return `whether ${named} is halted can't be read: ${halt.why}`;
    if (halt.value !== null) return `${named} is halted (${halt.value.reason})`;
  }
  return null;
}

/** Where the bus is (contract section 2). */

import { type Env, variable } from "./env.ts";
import { Refusal } from "./refusal.ts";

/** How to reach the bus. */
export interface RedisConfig {
  readonly url: string;
  readonly namespace: string;
  readonly triggerSecret: string | null;
  /** How long Redis may take to answer. Well under the heartbeat limit, so that a panic is tried several times. */
  readonly deadlineMs: number;
}

/** What the flags say; they win over the environment. */
export interface RedisFlags {
  readonly redisUrl: string | undefined;
  readonly namespace: string | undefined;
}

const DEADLINE_MS = 700;

/**
 * Reads where the bus is.
 *
 * @throws {Refusal} naming the setting that is wrong. A URL is never repeated: it may hold a password.
 */
export function loadRedis(env: Env, flags: RedisFlags): RedisConfig {
  const url = flags.redisUrl ?? variable(env, "REDIS_URL") ?? "redis://127.0.0.1:6379";
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || (parsed.protocol !== "redis:" && parsed.protocol !== "rediss:") || parsed.hostname === "") {
    throw new Refusal("REDIS_URL (--redis-url) is not a Redis URL: expected redis://host:port or rediss://host:port");
  }
  // ioredis takes any other path for database 0, and a query for options of its own: neither was meant.
  if (!/^\/?\d*$/.test(parsed.pathname) || parsed.search !== "" || parsed.hash !== "") {
    throw new Refusal("REDIS_URL (--redis-url) has more than host, port and database: expected redis://host:port/0");
  }
  const namespace = flags.namespace ?? variable(env, "QUANTUM_NAMESPACE") ?? "";
  if (!/^[A-Za-z0-9_.-]*$/.test(namespace)) {
    throw new Refusal(
      `QUANTUM_NAMESPACE (--namespace) is ${JSON.stringify(namespace)}: expected letters, digits, "_", "." and "-" only`,
    );
  }
  return { url, namespace, triggerSecret: variable(env, "QUANTUM_TRIGGER_SECRET"), deadlineMs: DEADLINE_MS };
}

/** The bus's address for people: host and port, never the user, the password or the database. */
export function redisAddress(url: string): string {
  const { hostname, port } = new URL(url);
  return `${hostname}:${port === "" ? "6379" : port}`;
}

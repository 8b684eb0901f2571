/** Where the bus is (contract section 2). */

import { inWords, parseAddress, type RedisAddress } from "../adapters/redis/address.ts";
import { type Env, variable } from "./env.ts";
import { loadCa } from "./file.ts";
import { Refusal } from "./refusal.ts";

/** How to reach the bus. */
export interface RedisConfig {
  /** As `adapters/redis/address.ts` reads it. */
  readonly url: string;
  /** A certificate authority to trust besides the public ones; null for none. */
  readonly caPem: string | null;
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
  const { tls } = addressOf(url);
  const caPem = loadCa("REDIS_CA_FILE", variable(env, "REDIS_CA_FILE"));
  if (caPem !== null && !tls) {
    throw new Refusal("REDIS_CA_FILE is set, but REDIS_URL (--redis-url) asks for no TLS: expected rediss:// in it");
  }
  const namespace = flags.namespace ?? variable(env, "QUANTUM_NAMESPACE") ?? "";
  if (!/^[A-Za-z0-9_.-]*$/.test(namespace)) {
    throw new Refusal(
      `QUANTUM_NAMESPACE (--namespace) is ${JSON.stringify(namespace)}: expected letters, digits, "_", "." and "-" only`,
    );
  }
  return { url, caPem, namespace, triggerSecret: variable(env, "QUANTUM_TRIGGER_SECRET"), deadlineMs: DEADLINE_MS };
}

/** The bus's address for people: hosts, ports and a master's name, never the user, the password or the database. */
export function redisAddress(url: string): string {
  return inWords(addressOf(url));
}

function addressOf(url: string): RedisAddress {
  const address = parseAddress(url);
  if ("malformed" in address) throw new Refusal(`REDIS_URL (--redis-url) ${address.malformed}`);
  return address;
}

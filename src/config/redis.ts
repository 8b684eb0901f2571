/** Where the bus is (contract section 2). */

import { inWords, parseAddress, type RedisAddress } from "../adapters/redis/address.ts";
import { type Env, variable } from "./env.ts";
import { keyMatches, loadCertificate, readOrRefuse } from "./file.ts";
import { Refusal } from "./refusal.ts";
import { secret } from "./secret.ts";

/** How to reach the bus. */
export interface RedisConfig {
  /** As `adapters/redis/address.ts` reads it. */
  readonly url: string;
  /** A certificate authority to trust besides the public ones; null for none. */
  readonly caPem: string | null;
  /** For a Redis that asks its clients for a certificate; null for none. */
  readonly own: { readonly cert: string; readonly key: string } | null;
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
  const url = flags.redisUrl ?? secret(env, "REDIS_URL") ?? "redis://127.0.0.1:6379";
  const { tls } = addressOf(url);
  const caPem = loadCertificate("REDIS_CA_FILE", variable(env, "REDIS_CA_FILE"));
  const own = loadOwn(env);
  if (!tls && (caPem !== null || own !== null)) {
    const name = caPem === null ? "REDIS_CERT_FILE" : "REDIS_CA_FILE";
    throw new Refusal(`${name} is set, but REDIS_URL (--redis-url) asks for no TLS: expected rediss:// in it`);
  }
  const namespace = flags.namespace ?? variable(env, "QUANTUM_NAMESPACE") ?? "";
  if (!/^[A-Za-z0-9_.-]*$/.test(namespace)) {
    throw new Refusal(
      `QUANTUM_NAMESPACE (--namespace) is ${JSON.stringify(namespace)}: expected letters, digits, "_", "." and "-" only`,
    );
  }
  const triggerSecret = secret(env, "QUANTUM_TRIGGER_SECRET");
  return { url, caPem, own, namespace, triggerSecret, deadlineMs: DEADLINE_MS };
}

/** The certificate and the key to it, from two files: one without the other is a mistake. */
function loadOwn(env: Env): RedisConfig["own"] {
  const [certFile, keyFile] = [variable(env, "REDIS_CERT_FILE"), variable(env, "REDIS_KEY_FILE")];
  if (certFile === null && keyFile === null) return null;
  const cert = loadCertificate("REDIS_CERT_FILE", certFile);
  if (cert === null || keyFile === null) {
    throw new Refusal(
      `${cert === null ? "REDIS_KEY_FILE" : "REDIS_CERT_FILE"} is set alone: expected both, or neither`,
    );
  }
  const key = readOrRefuse("REDIS_KEY_FILE", keyFile);
  if (keyMatches(cert, key)) return { cert, key };
  throw new Refusal(`REDIS_KEY_FILE: ${keyFile} is not the key to REDIS_CERT_FILE, expected that one, in PEM`);
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

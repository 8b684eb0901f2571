/** What the environment of `quantum install` gives: settings and secrets that the roles will read. */

import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { unseal } from "../../adapters/systemd/credentials.ts";
import { loadAlerts } from "../../config/alerts.ts";
import { type Env, variable } from "../../config/env.ts";
import { loadLog } from "../../config/log.ts";
import { loadRedis } from "../../config/redis.ts";
import { Refusal } from "../../config/refusal.ts";
import { secret } from "../../config/secret.ts";
import { loadTestnet } from "../../config/venue.ts";
import type { Account, Layout } from "../../install/layout.ts";
import { SECRETS, type SecretName, secretPath, variableOf } from "../../install/secrets.ts";
import { SETTINGS, valueObjection } from "../../install/settings.ts";

/**
 * The settings that are given, each read as the roles will read it.
 *
 * @throws {Refusal} naming the one that they would refuse.
 */
export function givenSettings(env: Env): Readonly<Record<string, string>> {
  const given: Record<string, string> = {};
  for (const name of SETTINGS) {
    const value = variable(env, name);
    if (value === null) continue;
    const objection = valueObjection(name, value);
    if (objection !== null) throw new Refusal(objection);
    given[name] = value;
  }
  if (given["BINANCE_TESTNET"] !== undefined) loadTestnet(env);
  loadRedis(env, { redisUrl: undefined, namespace: "" });
  loadAlerts(env);
  loadLog(env, { terminal: false, journal: false });
  return given;
}

/** What becomes of an account's secrets. */
export interface Secrets {
  /** New, or other than what is there. */
  readonly written: ReadonlyMap<SecretName, string>;
  /** Neither there nor given. */
  readonly missing: readonly SecretName[];
}

/** Those that are given; the one that panics are signed with is made here if nobody has one. */
export function givenSecrets(env: Env, layout: Layout, account: Account, sealed: boolean): Secrets {
  const written = new Map<SecretName, string>();
  const missing: SecretName[] = [];
  for (const name of SECRETS) {
    const given = secret({ ...env, CREDENTIALS_DIRECTORY: undefined }, variableOf(name));
    const path = secretPath(layout, account, name, sealed);
    if (given !== null) {
      if (given !== kept(name, path, sealed)) written.set(name, given);
    } else if (!existsSync(path)) {
      if (name === "quantum-trigger-secret") written.set(name, randomBytes(32).toString("hex"));
      else missing.push(name);
    }
  }
  return { written, missing };
}

/** What is there now; null if nothing is, or it can't be read: then it is written anew. */
function kept(name: SecretName, path: string, sealed: boolean): string | null {
  if (!existsSync(path)) return null;
  if (!sealed) return readFileSync(path, "utf8").trim();
  const value = unseal(name, path);
  return value.known ? value.value : null;
}

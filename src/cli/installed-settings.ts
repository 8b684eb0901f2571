/**
 * The settings of this host, for the commands that people type: what `quantum install` has put into /etc/quantum, so that at
 * three in the morning `quantum reset` is all there is to type.
 *
 * All or nothing: as soon as the environment says anything of Quantum's own, only the environment counts. A key from here and
 * a venue from there must never meet.
 */

import { existsSync, readFileSync } from "node:fs";
import { unseal } from "../adapters/systemd/credentials.ts";
import { type Env, variable } from "../config/env.ts";
import { Refusal } from "../config/refusal.ts";
import {
  type Account,
  accountDirectory,
  accountObjection,
  accountState,
  type Layout,
  policyPath,
} from "../install/layout.ts";
import { SECRETS, secretPath, variableOf } from "../install/secrets.ts";
import { parseSettings, SETTINGS } from "../install/settings.ts";

/** What a command takes of them. The gate is asked often, and needs no secret. */
export type HostSettings = "all" | "no_secrets" | "none";

/**
 * What a command that a person types goes by: its own environment, or the settings of this host where that says nothing. The
 * namespace names the account. Null: the environment is all there is.
 *
 * @throws {Refusal} naming the setting that can't be read.
 */
export function hostEnv(
  layout: Pick<Layout, "settings">,
  env: Env,
  { namespace, wanted }: { readonly namespace: string | undefined; readonly wanted: HostSettings },
): Env | null {
  if (wanted === "none" || saysItself(env)) return null;
  const name = (namespace ?? variable(env, "QUANTUM_NAMESPACE")) || null;
  const found = name !== null && accountObjection(name) !== null ? null : installedEnv(layout, name, wanted);
  if (found === null) {
    const only = name === null ? null : installedEnv(layout, null, wanted);
    return only?.["QUANTUM_NAMESPACE"] === name && only !== null ? { ...env, ...only } : null;
  }
  return { ...env, ...found };
}

/** Whether the environment says anything of its own. */
function saysItself(env: Env): boolean {
  const own = [
    "CREDENTIALS_DIRECTORY",
    ...SETTINGS.filter((name) => !name.startsWith("LOG_")),
    ...SECRETS.map(variableOf),
  ];
  return own.some((name) => variable(env, name) !== null || variable(env, `${name}_FILE`) !== null);
}

/**
 * The settings of an account as an environment; null if there are none that this user may read.
 *
 * @throws {Refusal} naming file and line of what can't be understood, and a secret that can't be opened.
 */
export function installedEnv(layout: Pick<Layout, "settings">, account: Account, wanted: HostSettings): Env | null {
  const directory = accountDirectory(layout, account);
  const settings = readSettings(`${directory}/quantum.env`);
  if (settings === null) return null;
  const forPeople = readSettings(`${directory}/quantum-ops.env`) ?? new Map<string, string>();
  const env: Record<string, string> = { ...Object.fromEntries(settings), ...Object.fromEntries(forPeople) };
  env["STATE_DIRECTORY"] ??= accountState(account);
  env["QUANTUM_POLICY"] ??= policyPath(layout, account);
  if (account !== null) env["QUANTUM_NAMESPACE"] ??= account;
  if (wanted === "no_secrets") return env;
  for (const name of SECRETS) {
    const [plain, sealed] = [secretPath(layout, account, name, false), secretPath(layout, account, name, true)];
    if (existsSync(plain)) env[`${variableOf(name)}_FILE`] ??= plain;
    else if (existsSync(sealed)) {
      const value = unseal(name, sealed);
      if (!value.known)
        throw new Refusal(`${sealed} can't be opened (${value.why}): expected it as quantum install wrote it`);
      env[variableOf(name)] ??= value.value;
    }
  }
  return env;
}

/**
 * A settings file; null if it is not there, or not for this user: then the environment and the defaults are left, as without
 * an installation.
 *
 * @throws {Refusal} naming the line that can't be understood.
 */
export function readSettings(path: string): ReadonlyMap<string, string> | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return null;
  }
  const settings = parseSettings(text);
  if ("malformed" in settings) throw new Refusal(`${path}, ${settings.malformed}: expected NAME=value lines`);
  return settings;
}

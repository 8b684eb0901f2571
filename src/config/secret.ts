/** Settings that nobody else may read: from the environment, from a file, or from systemd's credentials (contract section 2). */

import { statSync } from "node:fs";
import { join } from "node:path";
import { type Env, variable } from "./env.ts";
import { readOrRefuse } from "./file.ts";
import { Refusal } from "./refusal.ts";

/**
 * The variable `name`, else the file that `name_FILE` names, else the credential `credentialOf(name)` in
 * `$CREDENTIALS_DIRECTORY`; null if there is none of them. A file's line end at the end is not part of the secret.
 *
 * @throws {Refusal} naming the place, never what it holds, if a file can't be read or is empty.
 */
export function secret(env: Env, name: string): string | null {
  const direct = variable(env, name);
  if (direct !== null) return direct;
  const file = variable(env, `${name}_FILE`);
  if (file !== null) return readSecret(`${name}_FILE`, file);
  const directory = variable(env, "CREDENTIALS_DIRECTORY");
  if (directory === null) return null;
  const path = join(directory, credentialOf(name));
  return isAbsent(path) ? null : readSecret(`the systemd credential ${credentialOf(name)}`, path);
}

/** The name of a setting's credential: `BINANCE_API_KEY` is `binance-api-key`. */
export function credentialOf(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}

/** Certainly not there. What can't be looked at may be, and is then refused rather than left out. */
function isAbsent(path: string): boolean {
  try {
    statSync(path);
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ENOENT";
  }
}

function readSecret(what: string, path: string): string {
  const text = readOrRefuse(what, path).trim();
  if (text === "") throw new Refusal(`${what}: ${path} is empty, expected the secret in it`);
  return text;
}

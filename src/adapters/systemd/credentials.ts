/** Secrets as systemd-creds keeps them: encrypted with a key of this host, and opened only for the service that is to have them. */

import { spawnSync } from "node:child_process";
import { known, type Reading, unknown } from "../../core/reading.ts";

/** Encrypting waits for the host's key, the first time until it is made. */
const DEADLINE_MS = 20_000;

/** Whether this host can encrypt secrets: tried, for a host may have the program and neither a TPM nor a place for its key. */
export function canSeal(): boolean {
  return seal("quantum-trial", "trial").known;
}

/** The encrypted text of a secret, which systemd opens under this name only. The secret goes by a pipe: `ps` shows arguments. */
export function seal(name: string, value: string): Reading<string> {
  return creds(["encrypt", `--name=${name}`, "-", "-"], value);
}

/** What a sealed file holds; only root on the host that has sealed it can ask. */
export function unseal(name: string, path: string): Reading<string> {
  return creds(["decrypt", `--name=${name}`, path, "-"], "");
}

function creds(args: readonly string[], input: string): Reading<string> {
  const run = spawnSync("systemd-creds", [...args], { input, encoding: "utf8", timeout: DEADLINE_MS });
  if (run.error !== undefined) return unknown(`systemd-creds: ${run.error.message}`);
  if (run.status === 0) return known(run.stdout);
  return unknown(`systemd-creds ${args[0]}: ${run.stderr.trim().split("\n")[0] || `exit ${run.status}`}`);
}

import { homedir } from "node:os";
import { join } from "node:path";
import { type Env, variable } from "./env.ts";

/** Where a role keeps what must survive it (contract section 2): `STATE_DIRECTORY`, or the user's own. */
export function stateDirectory(env: Env): string {
  const given = variable(env, "STATE_DIRECTORY");
  // systemd passes several directories separated by colons; ours is the first.
  if (given !== null) return given.split(":")[0] ?? given;
  return join(variable(env, "XDG_STATE_HOME") ?? join(homedir(), ".local", "state"), "quantum");
}

import { join } from "node:path";
import { type Env, variable } from "./env.ts";
import { stateDirectory } from "./state-directory.ts";

/** The worker's socket (contract 3.5): in `RUNTIME_DIRECTORY` where that is set, else in the state directory. */
export function directSocket(env: Env): string {
  // systemd passes several directories separated by colons; ours is the first.
  const runtime = variable(env, "RUNTIME_DIRECTORY")?.split(":")[0];
  return join(runtime ?? stateDirectory(env), "eew.sock");
}

/** Brains that a script of ours plays, each in a process of its own. */

import { join } from "node:path";
import { ChildRun } from "../../../src/adapters/host/processes.ts";
import type { Scene } from "../scene.ts";

/** Starts `script` of this folder; it ends with the scene at the latest. */
export function startBrain(scene: Scene, script: "blocked-loop.ts" | "steady.ts"): ChildRun {
  const run = new ChildRun({
    file: process.execPath,
    args: [join(import.meta.dir, script)],
    env: { PATH: process.env["PATH"] ?? "", REDIS_URL: scene.redis.url },
    cwd: scene.directory,
    logFile: join(scene.directory, `${script}.log`),
  });
  scene.onClose(() => run.end());
  return run;
}

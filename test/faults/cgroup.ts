/** Control groups (version 1) for roles that are short of memory or of CPU. */

import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import type { Scene } from "./scene.ts";

/** A group of its own. */
export interface Cgroup {
  /** What a role in it is started by. */
  readonly by: readonly string[];
  set(file: string, value: number): void;
  read(file: string): number;
}

/** Why there can be no group of that controller here; null if there can. */
export function cgroupObjection(controller: "cpu" | "memory"): string | null {
  if (process.getuid?.() !== 0) return `root, for a ${controller} control group`;
  return existsSync(join(parentOf(controller), "cgroup.procs")) ? null : `the ${controller} controller of cgroup v1`;
}

/** Makes a group below this process's own; it ends with the scene, after every role in it that is started later. */
export function openCgroup(scene: Scene, controller: "cpu" | "memory"): Cgroup {
  const path = join(parentOf(controller), `quantum-fault-${crypto.randomUUID()}`);
  mkdirSync(path);
  // What was killed leaves it a moment later.
  scene.onClose(() => eventually(`${path} is empty`, () => removed(path), 5_000));
  return {
    by: ["sh", "-c", `echo $$ > ${path}/cgroup.procs && exec "$@"`, "sh"],
    set: (file, value) => writeFileSync(join(path, file), String(value)),
    read: (file) => Number(readFileSync(join(path, file), "utf8")),
  };
}

function removed(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch {
    return false;
  }
}

/** This process's own group: whatever bounds the harness bounds what it starts. */
function parentOf(controller: string): string {
  const mine = readFileSync("/proc/self/cgroup", "utf8")
    .split("\n")
    .map((line) => line.split(":"))
    .find(([, controllers]) => controllers?.split(",").includes(controller));
  return join("/sys/fs/cgroup", controller, mine?.[2] ?? "");
}

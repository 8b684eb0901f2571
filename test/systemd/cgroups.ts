/**
 * Control groups of its own for a machine: systemd counts its processes by them, and would take those of another machine, or of
 * this one, for its own.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";

const NAME = "quantum-machine-";

/** Makes a group for this process's machine in each hierarchy that systemd uses, and gives their paths. */
export function ownGroups(): readonly string[] {
  return parents().map((parent) => {
    removeAbandoned(parent);
    const path = join(parent, `${NAME}${process.pid}`);
    mkdirSync(path, { recursive: true });
    return path;
  });
}

/** Removes them, once nothing runs in them any more. @throws {Error} while something does. */
export function removeGroups(paths: readonly string[]): void {
  for (const path of paths.filter((one) => existsSync(one))) removeTree(path);
}

/** This process's own groups in the hierarchies that systemd uses: its own, and the unified one. */
function parents(): readonly string[] {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  const own = readFileSync("/proc/self/cgroup", "utf8").split("\n");
  return own.flatMap((line) => {
    const [, controllers, path] = /^\d+:(.*?):(.*)$/.exec(line) ?? [];
    if (path === undefined || (controllers !== "" && controllers !== "name=systemd")) return [];
    const type = controllers === "" ? / - cgroup2 / : / - cgroup \S+ .*name=systemd/;
    const mount = mounts.find((one) => type.test(one))?.split(" ")[4];
    return mount === undefined ? [] : [join(mount, path)];
  });
}

/** What is left of a run that was killed; its machine was killed with it. */
function removeAbandoned(parent: string): void {
  for (const name of readdirSync(parent).filter((one) => one.startsWith(NAME))) {
    const pid = name.slice(NAME.length);
    if (!existsSync(`/proc/${pid}`)) removeTree(join(parent, name));
  }
}

/** The files in a group are not its own: it is removed as a directory, when it has no group below it. */
function removeTree(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(path, entry.name));
  }
  rmdirSync(path);
}

/**
 * Everything that a program has started, also what has left its process group and its parent: each child inherits the
 * environment, so a mark in it finds them all (as Jenkins' process tree killer does). Only a program that cleans its
 * environment on purpose escapes.
 */

import { readdirSync, readFileSync } from "node:fs";

/** The variable that holds the mark. */
export const MARK = "QUANTUM_GUARD";

/**
 * The living processes of a group, and those that bear the mark, by id; the dead that nobody has asked after yet are none. Where
 * there is no /proc, only whether the group is there can be told: it is named by its leader.
 */
export function livingOf(group: number, mark: string): readonly number[] {
  let names: readonly string[];
  try {
    names = readdirSync("/proc");
  } catch {
    return isThere(-group) ? [group] : [];
  }
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && belongs(pid, group, mark));
}

function belongs(pid: number, group: number, mark: string): boolean {
  // Behind the name, which may hold anything: state, parent, group (proc_pid_stat(5)).
  const [, state, , pgrp] = /\) (\S) (\d+) (\d+)/.exec(read(`/proc/${pid}/stat`)) ?? [];
  if (state === undefined || state === "Z" || state === "X") return false;
  return Number(pgrp) === group || read(`/proc/${pid}/environ`).split("\0").includes(`${MARK}=${mark}`);
}

/** Empty where it can't be read: somebody else's process, or one that has just gone. */
function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function isThere(target: number): boolean {
  try {
    return process.kill(target, 0);
  } catch {
    return false;
  }
}

/** The runbook's names of the units, and what systemd knows of them. */

import type { Machine } from "./machine.ts";

/** A role's unit. */
export const BRAIN = "quantum-exit-brain.service";
export const WATCHDOG = "quantum-exit-brain-watchdog.service";
export const WORKER = "quantum-emergency-exit-worker.service";
/** What starts them all (README, Deploy). */
export const TARGET = "quantum.target";
export const REDIS = "redis-server.service";

/** Those that protect, then the one that is protected: the order in which they are started. */
export const PROTECTORS: readonly string[] = [WORKER, WATCHDOG];
export const UNITS: readonly string[] = [...PROTECTORS, BRAIN];

/** Some properties of a unit, by name; one that systemd does not know is missing. */
export async function properties(
  machine: Machine,
  unit: string,
  ...names: readonly string[]
): Promise<Readonly<Record<string, string>>> {
  const shown = await machine.must(`systemctl show --property=${names.join(",")} ${unit}`);
  const pairs = shown.trim().split("\n");
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
}

/** The unit's main process, as its machine counts; 0 if there is none. */
export async function mainPid(machine: Machine, unit: string): Promise<number> {
  return Number((await properties(machine, unit, "MainPID"))["MainPID"] ?? 0);
}

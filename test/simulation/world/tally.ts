/** What many seeds came to. */

import { FAULTS } from "./faults.ts";
import type { Outcome } from "./run.ts";
import { SITUATIONS } from "./situations.ts";

/** Counts over runs. */
export class Tally {
  seeds = 0;
  virtualMs = 0;
  broken = 0;
  readonly endings: Map<string, number> = new Map();
  readonly faults: Map<string, number> = new Map();
  /** In how many runs each was reached. */
  readonly situations: Map<string, number> = new Map();

  add({ ending, broken, virtualMs, faults, lines }: Outcome): void {
    this.seeds += 1;
    this.virtualMs += virtualMs;
    if (broken.length > 0) this.broken += 1;
    count(this.endings, ending, 1);
    for (const [fault, times] of faults) count(this.faults, fault, times);
    for (const [name, sign] of SITUATIONS) if (lines.some((line) => sign.test(line))) count(this.situations, name, 1);
  }

  /** The situations that no run has reached. */
  missed(): readonly string[] {
    return SITUATIONS.map(([name]) => name).filter((name) => !this.situations.has(name));
  }
}

function count(counts: Map<string, number>, name: string, times: number): void {
  counts.set(name, (counts.get(name) ?? 0) + times);
}

/** For people. */
export function summary(tally: Tally, seconds: number): string {
  const { seeds, virtualMs, endings, faults, situations, broken } = tally;
  const hours = virtualMs / 3_600_000;
  const rows = (names: readonly string[], counts: ReadonlyMap<string, number>): readonly string[] =>
    names.map((name) => `  ${`${counts.get(name) ?? 0}`.padStart(7)}  ${name}`);
  return [
    `${seeds} seeds, ${hours.toFixed(1)} simulated hours in ${seconds.toFixed(0)} s: ${(seeds / seconds).toFixed(1)} seeds/s`,
    "runs by their end",
    ...rows([...endings.keys()].sort(), endings),
    "faults by kind",
    ...rows(FAULTS, faults),
    "runs that reached a situation",
    ...rows(
      SITUATIONS.map(([name]) => name),
      situations,
    ),
    `${seeds - broken} of ${seeds} seeds held`,
  ].join("\n");
}

/** What many seeds came to. */

import { FAULTS } from "./faults.ts";
import type { Outcome } from "./run.ts";
import { SITUATIONS } from "./situations.ts";

/** What is counted of an outcome. */
export type Counted = Pick<Outcome, "ending" | "broken" | "virtualMs" | "faults" | "lines">;

/** A tally as JSON carries it. */
export interface TallyCounts {
  readonly seeds: number;
  readonly virtualMs: number;
  readonly broken: number;
  readonly endings: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  readonly situations: Readonly<Record<string, number>>;
}

/** Counts over runs. */
export class Tally {
  seeds = 0;
  virtualMs = 0;
  broken = 0;
  readonly endings: Map<string, number> = new Map();
  readonly faults: Map<string, number> = new Map();
  /** In how many runs each was reached. */
  readonly situations: Map<string, number> = new Map();

  add({ ending, broken, virtualMs, faults, lines }: Counted): void {
    this.seeds += 1;
    this.virtualMs += virtualMs;
    if (broken.length > 0) this.broken += 1;
    count(this.endings, ending, 1);
    for (const [fault, times] of faults) count(this.faults, fault, times);
    for (const [name, sign] of SITUATIONS) if (lines.some((line) => sign.test(line))) count(this.situations, name, 1);
  }

  /** What it has counted, for a process that adds it to its own. */
  counts(): TallyCounts {
    const { seeds, virtualMs, broken } = this;
    const endings = Object.fromEntries(this.endings);
    const faults = Object.fromEntries(this.faults);
    return { seeds, virtualMs, broken, endings, faults, situations: Object.fromEntries(this.situations) };
  }

  /** Adds what another one has counted. */
  merge({ seeds, virtualMs, broken, endings, faults, situations }: TallyCounts): void {
    this.seeds += seeds;
    this.virtualMs += virtualMs;
    this.broken += broken;
    for (const [name, times] of Object.entries(endings)) count(this.endings, name, times);
    for (const [name, times] of Object.entries(faults)) count(this.faults, name, times);
    for (const [name, times] of Object.entries(situations)) count(this.situations, name, times);
  }

  /** The situations that no run has reached. */
  missed(): readonly string[] {
    return SITUATIONS.map(([name]) => name).filter((name) => !this.situations.has(name));
  }
}

function count(counts: Map<string, number>, name: string, times: number): void {
  counts.set(name, (counts.get(name) ?? 0) + times);
}

/** For people; `jobs` processes took so many seconds. */
export function summary(tally: Tally, seconds: number, jobs: number): string {
  const { seeds, virtualMs, endings, faults, situations, broken } = tally;
  const hours = virtualMs / 3_600_000;
  const rows = (names: readonly string[], counts: ReadonlyMap<string, number>): readonly string[] =>
    names.map((name) => `  ${`${counts.get(name) ?? 0}`.padStart(7)}  ${name}`);
  return [
    `${seeds} seeds, ${hours.toFixed(1)} simulated hours in ${seconds.toFixed(0)} s: ${(seeds / seconds).toFixed(1)} seeds/s in all, ${(seeds / seconds / jobs).toFixed(1)} per core (${jobs} ${jobs === 1 ? "process" : "processes"})`,
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

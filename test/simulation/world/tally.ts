/** What many seeds came to. */

import { EXIT_FAULTS, FAULTS } from "./faults.ts";
import { POLICY } from "./policies.ts";
import type { Outcome } from "./run.ts";
import { sparedIn } from "./site-storm.ts";
import { SITUATIONS } from "./situations.ts";
import { type Row, Times } from "./times.ts";

/** What is counted of an outcome. */
export type Counted = Pick<
  Outcome,
  "ending" | "broken" | "virtualMs" | "faults" | "strikes" | "lines" | "sites" | "incidents" | "death"
>;

/** What is counted where a run has not come to an end. */
export const NOTHING: Omit<Counted, "broken"> = {
  ending: "BROKEN",
  virtualMs: 0,
  faults: new Map(),
  strikes: [],
  lines: [],
  sites: { passed: new Map(), struck: new Map() },
  incidents: [],
  death: null,
};

/** A tally as JSON carries it. */
export interface TallyCounts {
  readonly seeds: number;
  readonly virtualMs: number;
  readonly broken: number;
  readonly endings: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  readonly situations: Readonly<Record<string, number>>;
  /** Fault sites: how often each was passed, and struck. */
  readonly passed: Readonly<Record<string, number>>;
  readonly struck: Readonly<Record<string, number>>;
  /** The same of the runs with a policy: how often passed, and the logarithm of the chance that none of them has struck. */
  readonly passedByPolicy: Readonly<Record<string, number>>;
  readonly spared: Readonly<Record<string, number>>;
  readonly times: readonly (readonly [string, Row])[];
}

/**
 * A site that only runs with a policy pass, and few of them, such as its way around orders that block an exit, may be spared by
 * chance: it need not have been struck where that was likelier than this. Every other site must have been.
 */
const SPARED = 0.000_1;

/** Counts over runs. */
export class Tally {
  seeds = 0;
  virtualMs = 0;
  broken = 0;
  readonly endings: Map<string, number> = new Map();
  readonly faults: Map<string, number> = new Map();
  /** In how many runs each was reached. */
  readonly situations: Map<string, number> = new Map();
  readonly passed: Map<string, number> = new Map();
  readonly struck: Map<string, number> = new Map();
  readonly passedByPolicy: Map<string, number> = new Map();
  readonly spared: Map<string, number> = new Map();
  readonly times: Times = new Times();

  add(outcome: Counted): void {
    const { ending, broken, virtualMs, faults, strikes, lines, sites } = outcome;
    this.seeds += 1;
    this.virtualMs += virtualMs;
    if (broken.length > 0) this.broken += 1;
    count(this.endings, ending, 1);
    for (const [fault, times] of faults) count(this.faults, fault, times);
    for (const [name, sign] of SITUATIONS) if (lines.some((line) => sign.test(line))) count(this.situations, name, 1);
    for (const [site, times] of sites.passed) count(this.passed, site, times);
    for (const [site, times] of sites.struck) count(this.struck, site, times);
    if (strikes.includes(POLICY)) {
      for (const [site, times] of sites.passed) {
        count(this.passedByPolicy, site, times);
        count(this.spared, site, Math.log(sparedIn(times)));
      }
    }
    this.times.add(outcome);
  }

  /** What it has counted, for a process that adds it to its own. */
  counts(): TallyCounts {
    const { seeds, virtualMs, broken } = this;
    const endings = Object.fromEntries(this.endings);
    const faults = Object.fromEntries(this.faults);
    const situations = Object.fromEntries(this.situations);
    const [passed, struck] = [Object.fromEntries(this.passed), Object.fromEntries(this.struck)];
    const [passedByPolicy, spared] = [Object.fromEntries(this.passedByPolicy), Object.fromEntries(this.spared)];
    const times = [...this.times.rows];
    return {
      seeds,
      virtualMs,
      broken,
      endings,
      faults,
      situations,
      passed,
      struck,
      passedByPolicy,
      spared,
      times,
    };
  }

  /** Adds what another one has counted. */
  merge({ seeds, virtualMs, broken, times, ...counts }: TallyCounts): void {
    this.seeds += seeds;
    this.virtualMs += virtualMs;
    this.broken += broken;
    for (const name of ["endings", "faults", "situations", "passed", "struck", "passedByPolicy", "spared"] as const) {
      for (const [key, many] of Object.entries(counts[name])) count(this[name], key, many);
    }
    this.times.merge(times);
  }

  /** The situations that no run has reached, and the fault sites that should have been struck and were not. */
  missed(): readonly string[] {
    const situations = SITUATIONS.map(([name]) => name).filter((name) => !this.situations.has(name));
    const mayBeSpared = (site: string): boolean =>
      this.passed.get(site) === this.passedByPolicy.get(site) && Math.exp(this.spared.get(site) ?? 0) > SPARED;
    const sites = [...this.passed.keys()].filter((site) => !this.struck.has(site) && !mayBeSpared(site));
    return [...situations, ...sites];
  }
}

function count(counts: Map<string, number>, name: string, times: number): void {
  counts.set(name, (counts.get(name) ?? 0) + times);
}

/** For people; `jobs` processes took so many seconds. */
export function summary(tally: Tally, seconds: number, jobs: number): string {
  const { seeds, virtualMs, endings, faults, situations, passed, struck, broken } = tally;
  const hours = virtualMs / 3_600_000;
  const rows = (names: readonly string[], counts: ReadonlyMap<string, number>): readonly string[] =>
    names.map((name) => `  ${`${counts.get(name) ?? 0}`.padStart(7)}  ${name}`);
  return [
    `${seeds} seeds, ${hours.toFixed(1)} simulated hours in ${seconds.toFixed(0)} s: ${(seeds / seconds).toFixed(1)} seeds/s in all, ${(seeds / seconds / jobs).toFixed(1)} per core (${jobs} ${jobs === 1 ? "process" : "processes"})`,
    "runs by their end",
    ...rows([...endings.keys()].sort(), endings),
    "faults by kind",
    ...rows([...FAULTS, ...EXIT_FAULTS], faults),
    "runs that reached a situation",
    ...rows(
      SITUATIONS.map(([name]) => name),
      situations,
    ),
    `fault sites struck: ${struck.size} of ${passed.size} that were passed`,
    "milliseconds (median, 99 %, worst) from the brain's last moment until it was noticed, and from then until flat",
    ...tally.times.lines(),
    `${seeds - broken} of ${seeds} seeds held`,
  ].join("\n");
}

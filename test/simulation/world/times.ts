/** How long it took to notice, and from then on to get flat: over all runs, as one table. */

import type { Outcome } from "./run.ts";

/** Milliseconds of one kind of incident. */
export interface Row {
  readonly noticed: number[];
  readonly flat: number[];
}

const UNDER_FIRE = "whatever fails meanwhile, by a watchdog";
const UNDER_FIRE_BY_WORKER = "whatever fails meanwhile, by a worker itself";

/** Noticed: since the brain's death, or since its last heartbeat where anything else may fail too. Flat: since it was noticed. */
export class Times {
  readonly rows: Map<string, Row> = new Map();

  /** Adds what was seen in one run. */
  add({ death, incidents }: Pick<Outcome, "death" | "incidents">): void {
    if (death !== null) this.#add(`all well, then left: ${death.left}`, death.noticedMs, death.flatMs);
    for (const { by, reason, silenceMs, flatMs } of incidents) {
      if (silenceMs === null) continue;
      if (reason.startsWith("EXIT_BRAIN_HEARTBEAT_MISSING")) this.#add(UNDER_FIRE, silenceMs, flatMs);
      else if (by.startsWith("eew")) this.#add(UNDER_FIRE_BY_WORKER, silenceMs, flatMs);
    }
  }

  /** Adds all of another. */
  merge(other: Iterable<readonly [string, Row]>): void {
    for (const [name, { noticed, flat }] of other) {
      const row = this.#row(name);
      row.noticed.push(...noticed);
      row.flat.push(...flat);
    }
  }

  /** A line for each kind: how many, and the median, the 99th percentile and the worst of both times. */
  lines(): readonly string[] {
    return [...this.rows.keys()].sort().map((name) => {
      const { noticed, flat } = this.#row(name);
      return `  ${`${noticed.length}`.padStart(7)}  noticed ${spread(noticed)}  flat ${spread(flat)}  ${name}`;
    });
  }

  #add(name: string, noticedMs: number, flatMs: number | null): void {
    const row = this.#row(name);
    row.noticed.push(Math.round(noticedMs));
    if (flatMs !== null) row.flat.push(Math.round(flatMs));
  }

  #row(name: string): Row {
    const known = this.rows.get(name);
    if (known !== undefined) return known;
    const fresh: Row = { noticed: [], flat: [] };
    this.rows.set(name, fresh);
    return fresh;
  }
}

/** Median, 99th percentile and worst. */
function spread(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): string =>
    `${sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? "-"}`;
  return [at(0.5), at(0.99), at(1)].map((value) => value.padStart(6)).join(" ");
}

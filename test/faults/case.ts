/** What a fault is to the harness: how it is caused, what must hold, and the run that shows it. */

import type { Scene, SceneOptions } from "./scene.ts";

/** One figure of a run. */
export interface Measure {
  readonly what: string;
  readonly ms: number;
  /** A safety limit of the runbook or the design; a figure over it has failed. Null where there is none. */
  readonly limitMs: number | null;
}

/** A fault that is caused here, on real processes. */
export interface FaultCase {
  /** Its row in the catalogue of faults, from 1. */
  readonly row: number;
  readonly fault: string;
  /** How it is caused. */
  readonly caused: string;
  /** What must hold, in one line. */
  readonly holds: string;
  /** Runs with every change, in at most some ten seconds; the others run on demand, each in under a minute. */
  readonly fast: boolean;
  readonly scene?: SceneOptions;
  /** What has to be there besides what `npm run setup` installs; null where it is. */
  needs?(): string | null;
  /** Throws where the invariant does not hold. What every scene must hold is checked afterwards (`truth.ts`). */
  run(scene: Scene): Promise<readonly Measure[]>;
}

/** A figure without a limit, or with one. */
export function measure(what: string, ms: number, limitMs: number | null = null): Measure {
  return { what, ms: Math.round(ms), limitMs };
}

/** Says what does not hold. */
export function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

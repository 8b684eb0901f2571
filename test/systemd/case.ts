/** What a case on a booted machine is to the harness. */

import type { Site, SiteOptions } from "./site.ts";

/** Something that is done to a machine, and what must hold. */
export interface SystemdCase {
  /** For `--only`. */
  readonly name: string;
  /** How it is caused. */
  readonly caused: string;
  /** What must hold, in one line. */
  readonly holds: string;
  readonly site?: SiteOptions;
  /** Throws where it does not hold. What every case must hold is checked afterwards (`test/faults/truth.ts`). */
  run(site: Site): Promise<readonly Figure[]>;
}

/** Something that was measured. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  /** Empty for a count. */
  readonly unit: "ms" | "";
  /** A figure over it has failed. Null where there is none. */
  readonly limit: number | null;
}

/** A time. */
export function took(what: string, ms: number, limitMs: number | null = null): Figure {
  return { what, value: Math.round(ms), unit: "ms", limit: limitMs };
}

/** A count or a grade. */
export function counted(what: string, value: number, limit: number | null = null): Figure {
  return { what, value, unit: "", limit };
}

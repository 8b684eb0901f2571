/** What came of a case. */

import type { Figure } from "./case.ts";

/** As it is handed from the process that runs it to the one that shows it. */
export interface Verdict {
  readonly name: string;
  readonly figures: readonly Figure[];
  /** Empty where everything held. */
  readonly broken: readonly string[];
  /** The last lines of each unit's log; only of a case in which something is broken. */
  readonly tails: readonly string[];
  readonly tookMs: number;
}

/** Each figure over its limit, in words. What is no number was not measured, and has not held. */
export function overLimit({ what, value, unit, limit }: Figure): readonly string[] {
  if (Number.isNaN(value)) return [`${what} was not measured`];
  if (limit === null || value <= limit) return [];
  return [`${what}: ${value} ${unit}, the limit is ${limit} ${unit}`.replaceAll(" ,", ",").trimEnd()];
}

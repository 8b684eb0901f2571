/** What a long run shows: figures, what it says on the way, and whether what must hold did. */

/** One line of the result. */
export interface Finding {
  readonly what: string;
  readonly measured: string;
  readonly expected: string;
  readonly passed: boolean;
}

/** A long run; `tell` is its progress. */
export interface Series {
  readonly describe: string;
  /** How many times, or minutes, if nothing is said. */
  readonly usual: number;
  run(count: number, tell: (line: string) => void): Promise<readonly Finding[]>;
}

/** The value that `share` of the values do not exceed; not a number without values, so that it passes no limit. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

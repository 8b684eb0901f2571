/** Two clocks that cannot be mixed: the local monotonic one, which ages are measured on, and wall time, which is only shown. */

declare const monotonic: unique symbol;
declare const unix: unique symbol;

/** Milliseconds on this process's monotonic clock; fractions count. The only clock that ages and deadlines use (design rule 7). */
export type Instant = number & { readonly [monotonic]: true };

/** Milliseconds since 1970 on somebody's wall clock. It may be wrong by a year; nothing safe may depend on it. */
export type UnixMillis = number & { readonly [unix]: true };

/** The instant `ms` after `from`; a negative `ms` gives an earlier one. */
export function after(from: Instant, ms: number): Instant {
  return (from + ms) as Instant;
}

/** The later of two instants. */
export function latest(one: Instant, other: Instant): Instant {
  return Math.max(one, other) as Instant;
}

/** The earlier of the given deadlines; `null` means "no deadline" and never wins. */
export function earliest(...deadlines: readonly (Instant | null)[]): Instant | null {
  let first: Instant | null = null;
  for (const deadline of deadlines) {
    if (deadline !== null && (first === null || deadline < first)) first = deadline;
  }
  return first;
}

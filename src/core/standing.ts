/**
 * Whether a brain with a policy may act, or only says what it would do: after an incident it comes back in shadow, and a person
 * lets it live again with `quantum brain live`.
 *
 * A permission covers every panic event up to the moment at which it was given, by Redis's clock, also one that Redis has lost. A
 * missing one is no permission, once there was a panic.
 */

/** What the bus says about it. */
export interface Permission {
  /** Entry id of the newest panic event; null: there never was one. */
  readonly newestPanic: string | null;
  /** The last permission, and the last entry id that it covers; null: none was given. */
  readonly given: { readonly id: string; readonly upTo: string } | null;
}

/** How the brain was started. */
export interface StandingOptions {
  /** It never acts. */
  readonly shadow: boolean;
  /** It needs no permission. */
  readonly autoLive: boolean;
}

/** Where it stands. */
export interface Standing {
  readonly isLive: boolean;
  /** The newest panic that this life has seen: Redis may forget it. */
  readonly newestPanic: string | null;
  /** A halt was seen while this was the last permission: only another one counts. Not set: no halt was seen. */
  readonly spent?: string | null;
}

/** Before the bus was asked. */
export const NOT_YET: Standing = { isLive: false, newestPanic: null };

/** What a reading makes of it; `halted`: a halt was read at the same look. */
export function stand(
  options: StandingOptions,
  before: Standing,
  { given, newestPanic: newestOnRecord }: Permission,
  halted: boolean,
): Standing {
  const newestPanic = newer(before.newestPanic, newestOnRecord);
  if (halted) return { isLive: false, newestPanic, spent: given?.id ?? null };
  const isSpent = before.spent === (given?.id ?? null);
  const covers = newestPanic === null || (given !== null && compare(given.upTo, newestPanic) >= 0);
  const isLive = !options.shadow && (options.autoLive || (covers && !isSpent));
  return isLive ? { isLive, newestPanic } : { ...before, isLive, newestPanic };
}

function newer(one: string | null, other: string | null): string | null {
  if (one === null || other === null) return one ?? other;
  return compare(one, other) >= 0 ? one : other;
}

/** Entry ids in the order of the stream: milliseconds, then a number within them. */
function compare(one: string, other: string): number {
  const [first, second] = [numbersOf(one), numbersOf(other)];
  return first.ms - second.ms || first.seq - second.seq;
}

function numbersOf(id: string): { readonly ms: number; readonly seq: number } {
  const [ms, seq] = id.split("-").map(Number);
  return { ms: ms ?? 0, seq: seq ?? 0 };
}

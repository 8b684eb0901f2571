/**
 * Whether a brain with a policy may act, or only says what it would do: after an incident it comes back in shadow, and a person
 * lets it live again with `quantum brain live`.
 *
 * A permission covers every panic event up to the one that was the newest when it was given. A missing one is no permission, once
 * there was a panic.
 */

/** What the bus says about it. */
export interface Permission {
  /** Entry id of the newest panic event; null: there never was one. */
  readonly newestPanic: string | null;
  /** The last permission; null: none was given. */
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
  /**
   * Redis has lost that panic, and was seen without any permission since: the next one is given behind the loss, and a person
   * who gives it can name no panic.
   */
  readonly forgotten: boolean;
  /** A halt was seen while this was the last permission: only another one counts. Not set: no halt was seen. */
  readonly spent?: string | null;
}

/** Before the bus was asked. */
export const NOT_YET: Standing = { isLive: false, newestPanic: null, forgotten: false };

/** What a reading makes of it; `halted`: a halt was read at the same look. */
export function stand(
  options: StandingOptions,
  before: Standing,
  { given, newestPanic: newestOnRecord }: Permission,
  halted: boolean,
): Standing {
  const newestPanic =
    before.forgotten && newestOnRecord !== null ? newestOnRecord : newer(before.newestPanic, newestOnRecord);
  const isLost = newestPanic !== null && newestOnRecord === null;
  const forgotten = isLost && (before.forgotten || given === null);
  if (halted) return { isLive: false, newestPanic, forgotten, spent: given?.id ?? null };
  const isSpent = before.spent === (given?.id ?? null);
  const covers = newestPanic === null || (given !== null && (forgotten || compare(given.upTo, newestPanic) >= 0));
  const isLive = !options.shadow && (options.autoLive || (covers && !isSpent));
  return isLive ? { isLive, newestPanic, forgotten } : { ...before, isLive, newestPanic, forgotten };
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

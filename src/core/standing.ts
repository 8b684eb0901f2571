/**
 * Whether a brain with a policy may act, or only says what it would do: after an incident it comes back in shadow, and a person
 * lets it live again with `quantum brain live`.
 *
 * A permission covers every panic event up to the one that was the newest when it was given, and of those that Redis had lost by
 * then, and a brain remembers, all that were older by Redis's clock. A missing one is no permission, once there was a panic.
 */

import type { UnixMillis } from "./time.ts";

/** What the bus says about it. */
export interface Permission {
  /** Entry id of the newest panic event; null: there never was one. */
  readonly newestPanic: string | null;
  /**
   * The last permission, the newest panic that was on record then, and when that was by Redis's clock, which may be off: it counts
   * for nothing that is on record. Null: none was given.
   */
  readonly given: { readonly id: string; readonly upTo: string; readonly at: UnixMillis } | null;
  /** Whether the brain's own panic, which was asked about, has its report on record. Not set: it has none. */
  readonly ownEnded?: boolean;
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

/** One that was, and that every permission covers. */
const SOME_PANIC = "0-0";

/** What a reading makes of it; `halted`: a halt was read at the same look. */
export function stand(
  options: StandingOptions,
  before: Standing,
  { given, newestPanic: newestOnRecord }: Permission,
  halted: boolean,
): Standing {
  // Redis is empty: the next permission is given behind that, whatever its clock says. But without one nobody acts.
  const isEmptied = before.newestPanic !== null && newestOnRecord === null && given === null;
  const newestPanic = isEmptied ? SOME_PANIC : newer(before.newestPanic, newestOnRecord);
  if (halted) return { isLive: false, newestPanic, spent: given?.id ?? null };
  const isSpent = before.spent === (given?.id ?? null);
  const covers = newestPanic === null || (given !== null && coversAll(given, before.newestPanic, newestOnRecord));
  const isLive = !options.shadow && (options.autoLive || (covers && !isSpent));
  return isLive ? { isLive, newestPanic } : { ...before, isLive, newestPanic };
}

function coversAll(given: NonNullable<Permission["given"]>, seen: string | null, onRecord: string | null): boolean {
  const coversUpTo = (panic: string): boolean => compare(given.upTo, panic) >= 0;
  if (onRecord !== null && !coversUpTo(onRecord)) return false;
  return seen === null || coversUpTo(seen) || given.at > numbersOf(seen).ms;
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

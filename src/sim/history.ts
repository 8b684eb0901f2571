/** A table that remembers how it was: so that a read can lag, all of it by the same time. */

import type { UnixMillis } from "../core/time.ts";

/** How far back a table remembers; longer than any read is documented or reported to lag. */
export const HISTORY_MS = 60_000;
/** Changes kept at most: beyond it the oldest go first, and the past is remembered less far back. */
const CHANGES_MAX = 20_000;
/** How many changes may pass before the old ones are looked for. */
const PRUNE_EVERY = 256;

interface Change<V> {
  readonly at: UnixMillis;
  readonly key: string;
  /** `undefined` if the key was not there. */
  readonly before: V | undefined;
}

/** Values by key, grouped by symbol, with the changes of the last minute. */
export class HistoryTable<V extends { readonly symbol: string }> {
  readonly #now: () => UnixMillis;
  readonly #rows = new Map<string, V>();
  readonly #bySymbol = new Map<string, Map<string, V>>();
  #changes: Change<V>[] = [];

  constructor(now: () => UnixMillis) {
    this.#now = now;
  }

  /** The value of that key, if there is one. */
  get(key: string): V | undefined {
    return this.#rows.get(key);
  }

  /** All values, or those of one symbol: oldest key first. */
  values(symbol?: string): readonly V[] {
    if (symbol === undefined) return [...this.#rows.values()];
    return [...(this.#bySymbol.get(symbol)?.values() ?? [])];
  }

  /** How many values there are, or how many of one symbol. */
  count(symbol?: string): number {
    return symbol === undefined ? this.#rows.size : (this.#bySymbol.get(symbol)?.size ?? 0);
  }

  /** Stores a value under its key. */
  set(key: string, value: V): void {
    this.#remember(key);
    this.#put(key, value);
  }

  /** Removes the key, if it is there. */
  delete(key: string): void {
    if (!this.#rows.has(key)) return;
    this.#remember(key);
    this.#remove(key);
  }

  /** Makes the present value of the key the one it has always had: for scenes, which have no past. */
  forgetPast(key: string): void {
    this.#changes = this.#changes.filter((change) => change.key !== key);
  }

  /** The table as it was at that moment: changes of that very millisecond included, at most `HISTORY_MS` back. */
  asOf(at: UnixMillis): HistoryTable<V> {
    const past = new HistoryTable<V>(() => at);
    for (const [key, value] of this.#rows) past.#put(key, value);
    for (const { at: changedAt, key, before } of this.#changes.toReversed()) {
      if (changedAt <= at) continue;
      if (before === undefined) past.#remove(key);
      else past.#put(key, before);
    }
    return past;
  }

  #put(key: string, value: V): void {
    this.#rows.set(key, value);
    const group = this.#bySymbol.get(value.symbol) ?? new Map<string, V>();
    this.#bySymbol.set(value.symbol, group.set(key, value));
  }

  #remove(key: string): void {
    const value = this.#rows.get(key);
    if (value === undefined) return;
    this.#rows.delete(key);
    this.#bySymbol.get(value.symbol)?.delete(key);
  }

  #remember(key: string): void {
    const now = this.#now();
    this.#changes.push({ at: now, key, before: this.#rows.get(key) });
    if (this.#changes.length % PRUNE_EVERY !== 0) return;
    const recent = this.#changes.findIndex((change) => change.at >= now - HISTORY_MS);
    this.#changes.splice(0, Math.max(recent, this.#changes.length - CHANGES_MAX));
  }
}

/**
 * Everything since a moment, from a list that answers a page at a time and a week at most (Binance, Account Trade List and All
 * Orders): all of it, or unknown.
 */

import { known, type Reading, unknown } from "../../core/reading.ts";
import { after, type UnixMillis } from "../../core/time.ts";
import type { Clock } from "../../ports/clock.ts";

/** The most rows that Binance returns in one answer. */
export const PAGE_ROWS = 1_000;

/** Between `startTime` and `endTime`; one ms less, for it is not said whether both ends count. */
const WINDOW_MS = 7 * 86_400_000 - 1;

/** The venue keeps three months (change log 2026-08-26); three months have at least 89 days. */
const KEPT_MS = 89 * 86_400_000;

/** Of weight 5 each, so at most 200 of the 2400 that an address has in a minute. Enough for 13 weeks and 13 full pages. */
const READS_MAX = 40;

/** All reads together. One answers in tens of ms, and most run at the same time. */
const DEADLINE_MS = 10_000;

/** A row of such a list. Its id says which rows are one and the same, and which came first within a millisecond. */
export interface PastRow<T> {
  readonly id: string;
  readonly time: UnixMillis;
  readonly value: T;
}

/** One read of a list: what it has from `from` to `to`, both included; a `to` of null is now. A full page may lack some. */
export type ReadWindow<T> = (from: UnixMillis, to: UnixMillis | null) => Promise<Reading<readonly PastRow<T>[]>>;

/** Whether the venue still has what was then. */
export function isKept(since: UnixMillis, now: UnixMillis): boolean {
  return now - since < KEPT_MS;
}

/** All rows of the list `what` since then, oldest first; `now` is the venue's time. Settles within 10 s and one read. */
export async function allSince<T>(
  what: string,
  read: ReadWindow<T>,
  { since, now, clock }: { readonly since: UnixMillis; readonly now: UnixMillis; readonly clock: Clock },
): Promise<Reading<readonly T[]>> {
  if (!isKept(since, now)) return unknown(`${what}: the venue keeps three months, and ${day(since)} is before that`);
  const found = new Map<string, PastRow<T>>();
  const endAt = after(clock.now(), DEADLINE_MS);
  let readsLeft = READS_MAX;

  /** Null where the window has been read to the last row, else why not. */
  async function readAll(from: UnixMillis, to: UnixMillis | null): Promise<string | null> {
    if (readsLeft === 0) return `${what}: there is more since ${day(since)} than ${READS_MAX} answers hold`;
    if (clock.now() > endAt) return `${what}: not all of it could be read within ${DEADLINE_MS} ms`;
    readsLeft -= 1;
    const page = await read(from, to);
    if (!page.known) return page.why;
    for (const row of page.value) found.set(row.id, row);
    if (page.value.length < PAGE_ROWS) return null;
    // Which end of the window a full page is from is not documented: what lies on either side of it is read.
    const times = page.value.map(({ time }) => time);
    const first = Math.max(from, Math.min(...times)) as UnixMillis;
    const last = Math.min(to ?? Number.POSITIVE_INFINITY, Math.max(...times)) as UnixMillis;
    if (first === to || last === from) return `${what}: ${PAGE_ROWS} or more have the same time, ${last}`;
    return firstTrouble([readAll(from, first), readAll(last, to)]);
  }

  const windows: Promise<string | null>[] = [];
  for (let from: number = since; windows.length === 0 || from <= now; from += WINDOW_MS + 1) {
    const to = from + WINDOW_MS;
    windows.push(readAll(from as UnixMillis, to >= now ? null : (to as UnixMillis)));
  }
  const trouble = await firstTrouble(windows);
  if (trouble !== null) return unknown(trouble);
  const rows = [...found.values()].filter(({ time }) => time >= since).sort(inOrder);
  return known(rows.map(({ value }) => value));
}

async function firstTrouble(parts: readonly Promise<string | null>[]): Promise<string | null> {
  return (await Promise.all(parts)).find((trouble) => trouble !== null) ?? null;
}

function inOrder(one: PastRow<unknown>, other: PastRow<unknown>): number {
  if (one.time !== other.time) return one.time - other.time;
  return one.id.length === other.id.length ? (one.id < other.id ? -1 : 1) : one.id.length - other.id.length;
}

function day(time: UnixMillis): string {
  return new Date(time).toISOString().slice(0, 10);
}

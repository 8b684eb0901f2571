/**
 * What the account as a whole has lost, today and since its peak, and whether that is more than the policy allows.
 *
 * Money that was put in or taken out is neither profit nor loss: what is judged is equity less the net of all transfers. Transfers
 * are read once a minute, and again behind an equity by which a limit is broken: it counts where that finds nothing that was moved
 * meanwhile, or can't be read (unknown is danger).
 */

import { type Decimal, decimal, plain, ZERO } from "./decimal.ts";
import type { PortfolioPolicy } from "./exit-policy.ts";
import type { Reading } from "./reading.ts";
import { info, type Tell } from "./tell.ts";
import { after, type Instant, type UnixMillis } from "./time.ts";

const HUNDRED = decimal("100");
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** How far the venue's clock, by which transfers are noted, may be behind the host's, by which a record begins (binance.md 2.5). */
const CLOCK_APART_MS = 5_000;
/** A record that is so old begins to count transfers from a later moment: the venue keeps them for three months, and tells 1000. */
const FORWARD_AFTER_MS = 7 * DAY_MS;
/** Nothing was moved for so long: what the venue notes late is on record by then. */
const STILL_MS = HOUR_MS;
/** From then on, which is well within `STILL_MS`. */
const FORWARD_TO_MS = 50 * 60_000;
/** A record that nobody went on with for so long is no longer told by the venue's: losses count anew. */
const TOO_OLD_MS = 80 * DAY_MS;
/** So long a loss that was judged counts as one: where it may not be acted on it is judged again then. */
const BROKEN_MS = 10_000;
/** The same where transfers could not be read. */
const UNREAD_MS = 1_500;
/** How often transfers are read: 30 of the address's 2400 a minute each (Binance, Get Income History). */
const TRANSFERS_EVERY_MS = 60_000;

/** What was put into the account and taken out of it since a moment. */
export interface Transfers {
  /** In USD: what came in less what left. */
  readonly net: Decimal;
  /** How many: what came in and left again is nothing in the net. */
  readonly count: number;
}

/** What must survive a restart. */
export interface PortfolioRecord {
  /** Transfers are counted from here. */
  readonly since: UnixMillis;
  /** Their net as last read. */
  readonly net: Decimal;
  /** How many they were then. */
  readonly transfers: number;
  /** The highest equity less `net`. */
  readonly peak: Decimal;
  /** Days since 1970 in UTC, and equity less `net` at the first look of that day. */
  readonly day: number;
  readonly dayStart: Decimal;
  /** The newest panic at the record's beginning: behind another one, and its reset, losses count anew. Null: there was none. */
  readonly panic: string | null;
  /** A halt was read since it began: behind that losses count anew, also where its panic was seen before the halt was. */
  readonly halted: boolean;
  /**
   * Transfers were not read since it began: what was moved around its beginning may or may not be in its first equity. A life that
   * dies before that leaves it to the next.
   */
  readonly fresh: boolean;
}

/** What the account is worth. */
export interface Equity {
  readonly amount: Decimal;
  /** When the venue was asked: what was moved later may be in it or not. */
  readonly askedAt: Instant;
  readonly wall: UnixMillis;
}

/** The record, and where the reading of transfers is. */
export interface PortfolioState {
  /** What the next record begins behind. */
  readonly panic: string | null;
  /** Null before the account was seen. */
  readonly record: PortfolioRecord | null;
  /** The highest equity since transfers were last read: it may hold a deposit, so it is no peak yet. */
  readonly highest: Decimal | null;
  readonly asked: boolean;
  readonly nextAskAt: Instant;
  /** A limit seemed broken, for this reason, before transfers were asked for: where nothing was moved since, it is. */
  readonly suspected: string | null;
  /** Until then it counts as broken without asking again. */
  readonly brokenUntil: Instant | null;
  /** When this life has first read the net as it is; null: it has not. */
  readonly sameSince: Instant | null;
}

/** What the portfolio wants done. */
export type PortfolioAction =
  | { readonly kind: "read_transfers"; readonly since: UnixMillis }
  | { readonly kind: "remember_portfolio"; readonly record: PortfolioRecord }
  | { readonly kind: "break"; readonly reason: string }
  | Tell;

type Step = readonly [PortfolioState, readonly PortfolioAction[]];

/** The portfolio of a new life. */
export function openPortfolio(record: PortfolioRecord | null, now: Instant): PortfolioState {
  const panic = record?.panic ?? null;
  const nothing = { highest: null, asked: false, suspected: null, brokenUntil: null, sameSince: null };
  return { panic, record, nextAskAt: now, ...nothing };
}

/**
 * Trading is allowed, and the newest panic is this one. Behind one that the record does not know losses are counted from now on:
 * a person has seen the old ones and reset, or every restart would raise them again.
 */
export function countFrom(state: PortfolioState, panic: string | null, now: Instant): PortfolioState {
  if (state.record === null) return { ...state, panic };
  const goesOn = state.record.panic === panic && !state.record.halted;
  return goesOn ? state : { ...openPortfolio(null, now), panic };
}

/** A halt was read. */
export function overHalt(
  state: PortfolioState,
): readonly [PortfolioState, readonly Extract<PortfolioAction, { readonly kind: "remember_portfolio" }>[]] {
  if (state.record === null || state.record.halted) return [state, []];
  const record = { ...state.record, halted: true };
  return [{ ...state, record }, [{ kind: "remember_portfolio", record }]];
}

/** The account's equity was read. */
export function weigh(policy: PortfolioPolicy, state: PortfolioState, read: Equity, now: Instant): Step {
  const { amount: equity, askedAt, wall } = read;
  const day = Math.floor(wall / DAY_MS);
  if (state.record === null) return begin(state, read, day, now);
  if (wall - state.record.since > TOO_OLD_MS) return renew(state, read, day, now);
  // From before the money that has been noted since: less what was moved it would look like a loss, or like a peak.
  if (state.sameSince !== null && askedAt < state.sameSince) return [state, []];
  const worth = equity.minus(state.record.net);
  const isNewDay = day > state.record.day;
  const record = isNewDay ? { ...state.record, day, dayStart: worth } : state.record;
  const highest = state.highest === null || equity.gt(state.highest) ? equity : state.highest;
  const remember: readonly PortfolioAction[] = isNewDay ? [{ kind: "remember_portfolio", record }] : [];
  // What was highest since transfers were read counts as the peak as far as a suspicion goes: the next reading confirms it.
  const own = highest.minus(record.net);
  const reason = broken(policy, own.gt(record.peak) ? { ...record, peak: own } : record, worth);
  const next: PortfolioState = { ...state, record, highest };
  if (reason === null) {
    const calm: PortfolioState = { ...next, suspected: null, brokenUntil: null };
    return now < state.nextAskAt || state.asked ? [calm, remember] : ask(calm, remember, record.since, now);
  }
  if (state.brokenUntil !== null && now < state.brokenUntil) return [next, [...remember, { kind: "break", reason }]];
  // An answer that is under way may be from before this equity.
  return state.asked ? [next, remember] : ask({ ...next, suspected: reason }, remember, record.since, now);
}

function ask(state: PortfolioState, before: readonly PortfolioAction[], since: UnixMillis, now: Instant): Step {
  const asking: PortfolioState = { ...state, asked: true, nextAskAt: after(now, TRANSFERS_EVERY_MS) };
  return [asking, [...before, { kind: "read_transfers", since }]];
}

/** All transfers since the record's beginning. */
export function heardTransfers(
  state: PortfolioState,
  transfers: Reading<Transfers>,
  now: Instant,
  wall: UnixMillis,
): Step {
  const { record, suspected } = state;
  const heard: PortfolioState = { ...state, asked: false, suspected: null };
  if (record === null) return [heard, []];
  // Whether its first equity was before or behind what was moved can't be told: the next one begins it anew.
  if (record.fresh && transfers.known && transfers.value.count > 0)
    return [{ ...heard, record: null, highest: null }, []];
  const isSame = transfers.known && transfers.value.count === record.transfers && transfers.value.net.eq(record.net);
  // Nothing was moved behind the equity that looked like a loss, or nobody can tell: it is one.
  const breaks: readonly PortfolioAction[] =
    suspected !== null && (isSame || !transfers.known) ? [{ kind: "break", reason: suspected }] : [];
  const countsMs = transfers.known ? BROKEN_MS : UNREAD_MS;
  const judged: PortfolioState = breaks.length === 0 ? heard : { ...heard, brokenUntil: after(now, countsMs) };
  if (!transfers.known) {
    const line = info(`Transfers can't be read, what was taken out counts as lost: ${transfers.why}`);
    return [judged, breaks.length === 0 ? [] : [line, ...breaks]];
  }
  if (!isSame) {
    const { count, net } = transfers.value;
    const next = { ...record, net, transfers: count };
    const moving: PortfolioState = { ...heard, record: next, highest: null, sameSince: now };
    const line = info(`${movedWords(net.minus(record.net))}: neither profit nor loss`);
    return [moving, [{ kind: "remember_portfolio", record: next }, line]];
  }
  // Nothing was moved between two readings: what was seen in between is the account's own.
  const sameSince = state.sameSince ?? now;
  const still: PortfolioState = { ...judged, highest: null, sameSince };
  const worth = state.highest === null ? null : state.highest.minus(record.net);
  const begun = record.fresh ? { ...record, fresh: false } : record;
  const risen = worth === null || worth.lte(record.peak) ? begun : { ...begun, peak: worth };
  const next = now - sameSince >= STILL_MS ? forward(risen, wall) : risen;
  if (next === record) return [still, breaks];
  return [{ ...still, record: next }, [{ kind: "remember_portfolio", record: next }, ...breaks]];
}

function movedWords(moved: Decimal): string {
  if (moved.eq(ZERO)) return "What was put into the account has left it again";
  return `${plain(moved.abs())} USD were ${moved.gt(ZERO) ? "put into" : "taken out of"} the account`;
}

/** The same record, with transfers counted from later on, for an account in which nothing was moved since then. */
function forward(record: PortfolioRecord, wall: UnixMillis): PortfolioRecord {
  if (wall - record.since < FORWARD_AFTER_MS) return record;
  const { dayStart, net, peak } = record;
  const since = (wall - FORWARD_TO_MS) as UnixMillis;
  return { ...record, since, net: ZERO, transfers: 0, peak: peak.plus(net), dayStart: dayStart.plus(net) };
}

function begin(state: PortfolioState, { amount, wall }: Equity, day: number, now: Instant): Step {
  const { panic } = state;
  const since = (wall - CLOCK_APART_MS) as UnixMillis;
  const record: PortfolioRecord = {
    since,
    net: ZERO,
    transfers: 0,
    peak: amount,
    day,
    dayStart: amount,
    panic,
    halted: false,
    fresh: true,
  };
  return ask({ ...state, record }, [{ kind: "remember_portfolio", record }], since, now);
}

function renew(state: PortfolioState, read: Equity, day: number, now: Instant): Step {
  const [next, actions] = begin({ ...openPortfolio(null, now), panic: state.panic }, read, day, now);
  const line = "What the account was worth is too long ago to tell what was moved since: losses count from now on";
  return [next, [info(line), ...actions]];
}

/** Which limit is broken, as a panic's reason; null: none. */
function broken(policy: PortfolioPolicy, { dayStart, net, peak }: PortfolioRecord, worth: Decimal): string | null {
  const { dailyLossPercent, drawdownPercent } = policy;
  return (
    over("EXIT_BRAIN_DAILY_LOSS", dayStart, net, worth, dailyLossPercent) ??
    over("EXIT_BRAIN_DRAWDOWN", peak, net, worth, drawdownPercent)
  );
}

function over(name: string, from: Decimal, net: Decimal, worth: Decimal, limit: Decimal | null): string | null {
  const base = from.plus(net);
  if (limit === null) return null;
  const loss = from.minus(worth);
  if (loss.times(HUNDRED).lt(base.times(limit)) || loss.lte(ZERO)) return null;
  const percent = base.gt(ZERO) ? loss.times(HUNDRED).div(base).toFixed(1, 3) : "100.0";
  return `${name}_(${percent}%_>=_${plain(limit)}%)`;
}

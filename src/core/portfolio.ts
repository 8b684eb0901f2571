/**
 * What the account as a whole has lost, today and since its peak, and whether that is more than the policy allows.
 *
 * Money that was put in or taken out is neither profit nor loss: what is judged is equity less the net of all transfers. Transfers
 * are read once a minute, and again before a limit counts as broken; if they can't be read then, it counts (unknown is danger).
 */

import { type Decimal, decimal, plain, ZERO } from "./decimal.ts";
import type { PortfolioPolicy } from "./exit-policy.ts";
import type { Reading } from "./reading.ts";
import { info, type Tell } from "./tell.ts";
import { after, type Instant, type UnixMillis } from "./time.ts";

const HUNDRED = decimal("100");
const DAY_MS = 86_400_000;
/** How often transfers are read: 30 of the address's 2400 a minute each (Binance, Get Income History). */
const TRANSFERS_EVERY_MS = 60_000;

/** What must survive a restart. */
export interface PortfolioRecord {
  /** Transfers are counted from here. */
  readonly since: UnixMillis;
  /** Their net as last read. */
  readonly net: Decimal;
  /** The highest equity less `net`. */
  readonly peak: Decimal;
  /** Days since 1970 in UTC, and equity less `net` at the first look of that day. */
  readonly day: number;
  readonly dayStart: Decimal;
  /** The newest panic at the record's beginning: behind another one, and its reset, losses count anew. Null: there was none. */
  readonly panic: string | null;
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
  /** A limit seemed broken when transfers were asked for. */
  readonly suspected: boolean;
  /** They have been read, or could not be, since: the next equity decides. */
  readonly checked: boolean;
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
  return { panic, record, highest: null, asked: false, nextAskAt: now, suspected: false, checked: false };
}

/**
 * Trading is allowed, and the newest panic is this one. Behind one that the record does not know losses are counted from now on:
 * a person has seen the old ones and reset, or every restart would raise them again.
 */
export function countFrom(state: PortfolioState, panic: string | null, now: Instant): PortfolioState {
  if (state.record === null) return { ...state, panic };
  return state.record.panic === panic ? state : { ...openPortfolio(null, now), panic };
}

/** The account's equity was read. */
export function weigh(
  policy: PortfolioPolicy,
  state: PortfolioState,
  equity: Decimal,
  wall: UnixMillis,
  now: Instant,
): Step {
  const day = Math.floor(wall / DAY_MS);
  if (state.record === null) return begin(state, equity, wall, day);
  const worth = equity.minus(state.record.net);
  const isNewDay = day > state.record.day;
  const record = isNewDay ? { ...state.record, day, dayStart: worth } : state.record;
  const highest = state.highest === null || equity.gt(state.highest) ? equity : state.highest;
  const remember: readonly PortfolioAction[] = isNewDay ? [{ kind: "remember_portfolio", record }] : [];
  const reason = broken(policy, record, worth);
  if (reason !== null && state.suspected && state.checked) {
    return [{ ...state, record, highest }, [...remember, { kind: "break", reason }]];
  }
  const suspected = reason !== null;
  const due = now >= state.nextAskAt || (suspected && !state.suspected);
  const next: PortfolioState = { ...state, record, highest, suspected, checked: suspected && state.checked };
  if (!due || state.asked) return [next, remember];
  const asking: PortfolioState = { ...next, asked: true, nextAskAt: after(now, TRANSFERS_EVERY_MS) };
  return [asking, [...remember, { kind: "read_transfers", since: record.since }]];
}

/** The net of all transfers since the record's beginning. */
export function heardTransfers(state: PortfolioState, net: Reading<Decimal>): Step {
  const { record } = state;
  const heard: PortfolioState = { ...state, asked: false, checked: state.suspected };
  if (record === null) return [heard, []];
  if (!net.known) {
    const line = info(`Transfers can't be read, what was taken out counts as lost: ${net.why}`);
    return [heard, state.suspected ? [line] : []];
  }
  if (!net.value.eq(record.net)) {
    const moved = net.value.minus(record.net);
    const next = { ...record, net: net.value };
    const words = moved.gt(ZERO) ? "put into" : "taken out of";
    const line = info(`${plain(moved.abs())} USD were ${words} the account: neither profit nor loss`);
    return [{ ...heard, record: next, highest: null }, [{ kind: "remember_portfolio", record: next }, line]];
  }
  // Nothing was moved between two readings: what was seen in between is the account's own.
  const worth = state.highest === null ? null : state.highest.minus(record.net);
  if (worth === null || worth.lte(record.peak)) return [{ ...heard, highest: null }, []];
  const next = { ...record, peak: worth };
  return [{ ...heard, record: next, highest: null }, [{ kind: "remember_portfolio", record: next }]];
}

function begin(state: PortfolioState, equity: Decimal, wall: UnixMillis, day: number): Step {
  const { panic } = state;
  const record: PortfolioRecord = { since: wall, net: ZERO, peak: equity, day, dayStart: equity, panic };
  return [{ ...state, record }, [{ kind: "remember_portfolio", record }]];
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

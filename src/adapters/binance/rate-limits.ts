/**
 * What the venue's rate limits leave us: until when this address must be silent, and how many orders the account has left.
 *
 * Two budgets, two owners. Request weight is counted per address; who goes on after a 429 is banned, from two minutes up
 * to three days, so silence is kept to the end. Orders are counted per account, by every key and bot of it; a used-up order
 * limit (-1015) never silences the address, because then nobody could verify. Source: binance.md 3.
 */

import type { IncomingHttpHeaders } from "node:http";
import { exhaust, type OrderBudget, type OrderWindow, spend } from "../../core/order-budget.ts";
import { after, type Instant, type UnixMillis } from "../../core/time.ts";
import { ADDRESS_LIMIT_BROKEN, ORDER_LIMIT_USED_UP } from "./errors.ts";

/** How many orders the account may send. */
export interface OrderLimits {
  readonly per10s: number;
  readonly perMinute: number;
}

/** The documented defaults (binance.md 3); some accounts have more. */
export const DEFAULT_ORDER_LIMITS: OrderLimits = { per10s: 300, perMinute: 1_200 };

const TEN_SECONDS_MS = 10_000;
const MINUTE_MS = 60_000;

/** The shortest ban. Used where a ban does not say how long it is. */
const BAN_MS = 120_000;

/** The longest ban. What claims to be longer is not believed, or one odd answer would end all protection. */
const BAN_MS_MAX = 3 * 24 * 3_600_000;

/** The windows of the order limit: their length, and the header that tells what is used of them (lower case, as undici has it). */
const COUNT_HEADERS: readonly (readonly [lengthMs: number, header: string])[] = [
  [TEN_SECONDS_MS, "x-mbx-order-count-10s"],
  [MINUTE_MS, "x-mbx-order-count-1m"],
];

/** What one answer tells about the limits. */
export interface LimitSigns {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Null where the body carries none. */
  readonly code: number | null;
  readonly message: string;
  /** When the request was sent: a count from a window that has ended since says nothing about the next. */
  readonly sentAt: Instant;
  readonly now: Instant;
  /** What the venue's clock says at `now`; rather behind it than ahead. */
  readonly venueNow: UnixMillis;
}

/** A time in which nothing may be sent from this address. */
interface Silence {
  readonly until: Instant;
  /** Until when in clock time, and because of what; for people. */
  readonly why: string;
}

/** The limits as far as the answers have told them. */
export interface RateLimits {
  /** Takes what an answer tells. A silence is only ever made longer by it. */
  learn(signs: LimitSigns): void;
  /** Counts orders that are about to be sent: the venue's own count comes only with its answer, if at all. */
  spend(count: number, now: Instant, venueNow: UnixMillis): void;
  /** The silence that `now` lies in; null when calls may be sent. */
  silence(now: Instant): Silence | null;
  /** What is left of the account's order limit. */
  orderBudget(now: Instant, venueNow: UnixMillis): OrderBudget;
  /** Takes the account's own limits; what was counted stays counted. */
  setOrderLimits(limits: OrderLimits): void;
}

/** Limits that nothing has been learned about: no silence, and the default order limits, unused. */
export function rateLimits(): RateLimits {
  let silence: Silence | null = null;
  let budget: OrderBudget = [];
  setOrderLimits(DEFAULT_ORDER_LIMITS);

  function setOrderLimits({ per10s, perMinute }: OrderLimits): void {
    budget = [window(TEN_SECONDS_MS, per10s, budget), window(MINUTE_MS, perMinute, budget)];
  }

  return {
    learn(signs) {
      const { now, venueNow } = signs;
      budget = withCounts(aligned(budget, now, venueNow), signs);
      if (signs.code === ORDER_LIMIT_USED_UP) budget = exhaust(budget, now);
      const ms = silenceMs(signs);
      if (ms === null) return;
      const until = after(now, ms);
      if (silence !== null && silence.until >= until) return;
      silence = { until, why: words(signs, (venueNow + ms) as UnixMillis) };
    },
    spend(count, now, venueNow) {
      budget = spend(aligned(budget, now, venueNow), count, now);
    },
    silence: (now) => (silence !== null && now < silence.until ? silence : null),
    orderBudget: (now, venueNow) => {
      budget = aligned(budget, now, venueNow);
      return budget;
    },
    setOrderLimits,
  };
}

function window(lengthMs: number, limit: number, known: OrderBudget): OrderWindow {
  const { used = 0, endsAt = 0 as Instant } = known.find((other) => other.lengthMs === lengthMs) ?? {};
  return { limit, used, endsAt, lengthMs };
}

/** Starts each window that has ended at the venue's boundary. One that was used keeps its end: a better look at the clock moves the next. */
function aligned(budget: OrderBudget, now: Instant, venueNow: UnixMillis): OrderBudget {
  return budget.map((window) => {
    if (window.used > 0 && now < window.endsAt) return window;
    return { ...window, used: 0, endsAt: after(now, msToBoundary(venueNow, window.lengthMs)) };
  });
}

/** The venue's counts where they are higher than ours: others send, too. Ours counts what is still under way. */
function withCounts(budget: OrderBudget, { headers, sentAt }: LimitSigns): OrderBudget {
  return budget.map((window) => {
    const [, header = ""] = COUNT_HEADERS.find(([lengthMs]) => lengthMs === window.lengthMs) ?? [];
    const told = wholeNumber(headers[header]);
    if (told === null || sentAt < window.endsAt - window.lengthMs) return window;
    return { ...window, used: Math.max(window.used, told) };
  });
}

/** How long the address must be silent from now on; null if the answer does not ask for that. */
function silenceMs(signs: LimitSigns): number | null {
  const { status, code, headers, message, venueNow } = signs;
  const overLimit = (status === 429 && code !== ORDER_LIMIT_USED_UP) || code === ADDRESS_LIMIT_BROKEN;
  if (status !== 418 && !overLimit) return null;
  const ms = retryAfterMs(headers) ?? bannedMs(message, venueNow);
  if (ms !== null) return Math.min(ms, BAN_MS_MAX);
  return status === 418 ? BAN_MS : msToBoundary(venueNow, MINUTE_MS);
}

/** `Retry-After` in seconds. Binance documents it for spot only, so it may be missing. */
function retryAfterMs(headers: IncomingHttpHeaders): number | null {
  const seconds = wholeNumber(headers["retry-after"]);
  return seconds === null || seconds === 0 ? null : seconds * 1_000;
}

/** -1003: "Way too many requests; IP banned until 1700000000000. …" */
function bannedMs(message: string, venueNow: UnixMillis): number | null {
  const until = wholeNumber(/banned until (\d+)/i.exec(message)?.[1]);
  return until === null || until <= venueNow ? null : until - venueNow;
}

function msToBoundary(venueNow: UnixMillis, lengthMs: number): number {
  return lengthMs - (venueNow % lengthMs);
}

/** A count as a header may tell it. The testnet has been seen to say -1 (ccxt#18028): whatever is no count is not told. */
function wholeNumber(text: string | readonly string[] | undefined): number | null {
  return typeof text === "string" && /^\d{1,15}$/.test(text.trim()) ? Number(text) : null;
}

function words({ status, code }: LimitSigns, until: UnixMillis): string {
  // With the date, because a ban may last for days.
  const clockTime = new Date(Math.ceil(until / 1_000) * 1_000).toISOString().replace(/^(.*)T(.*)\.000Z$/, "$1 $2 UTC");
  const cause = code === null ? `HTTP ${status}` : `HTTP ${status}, code ${code}`;
  return `this address must be silent until ${clockTime}, because the venue answered ${cause}`;
}

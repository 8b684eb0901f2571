/** Binance's two budgets: request weight per IP and orders per account. Binance docs, General Info: LIMITS (binance.md 3). */

import type { UnixMillis } from "../core/time.ts";

/** The budgets and what happens to who ignores them. */
export interface Limits {
  readonly weightPerMinute: number;
  readonly ordersPer10s: number;
  readonly ordersPerMinute: number;
  /** How many requests may still be answered with 429 within a minute before the IP is banned (418). */
  readonly refusalsBeforeBan: number;
  /** Length of the first ban; each further one doubles, up to `banMsMax`. Binance: 2 minutes to 3 days. */
  readonly banMs: number;
  readonly banMsMax: number;
}

/** Binance's documented defaults. How many 429s lead to a ban is not documented: 10 is ours. */
export const DEFAULT_LIMITS: Limits = {
  weightPerMinute: 2400,
  ordersPer10s: 300,
  ordersPerMinute: 1200,
  refusalsBeforeBan: 10,
  banMs: 120_000,
  banMsMax: 3 * 24 * 3_600_000,
};

/** Whether a request may pass, and the weight its IP has used this minute. */
export type WeightVerdict =
  | { readonly kind: "allowed"; readonly used: number }
  | { readonly kind: "refused"; readonly used: number }
  | { readonly kind: "banned"; readonly used: number; readonly until: UnixMillis };

/** Whether orders may pass, and what the account has used of both windows. */
export interface OrderVerdict {
  readonly exceeded: "10 SECOND" | "1 MINUTE" | null;
  readonly used10s: number;
  readonly usedMinute: number;
}

interface Window {
  start: number;
  used: number;
}

interface Address {
  readonly weight: Window;
  refusals: number;
  bans: number;
  bannedUntil: number;
}

const MINUTE_MS = 60_000;
const TEN_SECONDS_MS = 10_000;

/** Counts what was used. Windows are aligned to the clock, as Binance's are: a new minute is a new budget. */
export class RateLimits {
  readonly #limits: Limits;
  readonly #addresses = new Map<string, Address>();
  readonly #orders = new Map<string, { readonly per10s: Window; readonly perMinute: Window }>();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Books the weight of one request; refused requests count as well. */
  spendWeight(ip: string, weight: number, now: UnixMillis): WeightVerdict {
    const address = this.#addresses.get(ip) ?? { weight: { start: 0, used: 0 }, refusals: 0, bans: 0, bannedUntil: 0 };
    this.#addresses.set(ip, address);
    if (roll(address.weight, MINUTE_MS, now)) address.refusals = 0;
    if (now < address.bannedUntil) {
      return { kind: "banned", used: address.weight.used, until: address.bannedUntil as UnixMillis };
    }
    address.weight.used += weight;
    const { used } = address.weight;
    if (used <= this.#limits.weightPerMinute) return { kind: "allowed", used };
    address.refusals += 1;
    if (address.refusals <= this.#limits.refusalsBeforeBan) return { kind: "refused", used };
    address.bannedUntil = now + Math.min(this.#limits.banMs * 2 ** address.bans, this.#limits.banMsMax);
    address.bans += 1;
    return { kind: "banned", used, until: address.bannedUntil as UnixMillis };
  }

  /** Books orders in both windows; orders over the limit are not booked. */
  countOrders(apiKey: string, in10s: number, inMinute: number, now: UnixMillis): OrderVerdict {
    const counts = this.#orders.get(apiKey) ?? { per10s: { start: 0, used: 0 }, perMinute: { start: 0, used: 0 } };
    this.#orders.set(apiKey, counts);
    roll(counts.per10s, TEN_SECONDS_MS, now);
    roll(counts.perMinute, MINUTE_MS, now);
    const over10s = counts.per10s.used + in10s > this.#limits.ordersPer10s;
    const overMinute = counts.perMinute.used + inMinute > this.#limits.ordersPerMinute;
    if (!over10s && !overMinute) {
      counts.per10s.used += in10s;
      counts.perMinute.used += inMinute;
    }
    return {
      exceeded: over10s ? "10 SECOND" : overMinute ? "1 MINUTE" : null,
      used10s: counts.per10s.used,
      usedMinute: counts.perMinute.used,
    };
  }
}

function roll(window: Window, lengthMs: number, now: UnixMillis): boolean {
  const start = Math.floor(now / lengthMs) * lengthMs;
  if (start === window.start) return false;
  window.start = start;
  window.used = 0;
  return true;
}

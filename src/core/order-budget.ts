/**
 * How many orders the venue still takes from the account: one count for each of its windows.
 *
 * A window is aligned to the venue's clock and starts again, empty, the moment it ends. Source: Binance USDⓈ-M Futures,
 * General Info, Limits (binance.md 3): ORDERS is counted per account, whichever key or bot sends them.
 */

import { after, type Instant } from "./time.ts";

/** One count: at most `limit` orders until `endsAt`, and then again in each `lengthMs`. */
export interface OrderWindow {
  readonly limit: number;
  /** May pass `limit`: the venue counts what others send, too. */
  readonly used: number;
  readonly endsAt: Instant;
  readonly lengthMs: number;
}

/** Every window that an order has to pass. Without windows there is no limit. */
export type OrderBudget = readonly OrderWindow[];

/** How many orders every window takes now; never below 0. */
export function ordersLeft(budget: OrderBudget, now: Instant): number {
  return Math.min(...rolled(budget, now).map(left));
}

/** When `ordersLeft` will be more than it is now; null where no wait helps, because the tightest window is unused. */
export function refillsAt(budget: OrderBudget, now: Instant): Instant | null {
  const windows = rolled(budget, now);
  const least = Math.min(...windows.map(left));
  const tightest = windows.filter((window) => left(window) === least);
  if (tightest.some(({ used }) => used === 0)) return null;
  // All of them bind: the one that ends last is the one to wait for.
  return tightest.reduce<Instant | null>((last, { endsAt }) => (last === null || endsAt > last ? endsAt : last), null);
}

/** The budget once `count` orders are sent at `now`, whether the venue takes them or not. */
export function spend(budget: OrderBudget, count: number, now: Instant): OrderBudget {
  return rolled(budget, now).map((window) => ({ ...window, used: window.used + count }));
}

/**
 * The budget once the venue has refused an order for its limit: nothing is left until the shortest window ends.
 *
 * Which window was full is not taken from the refusal's text. If it was a longer one the venue refuses again after that
 * wait, which costs one order; the other way round, a minute of waiting would have been for nothing.
 */
export function exhaust(budget: OrderBudget, now: Instant): OrderBudget {
  const windows = rolled(budget, now);
  const shortestMs = Math.min(...windows.map(({ lengthMs }) => lengthMs));
  return windows.map((window) =>
    window.lengthMs === shortestMs ? { ...window, used: Math.max(window.used, window.limit) } : window,
  );
}

function left({ limit, used }: OrderWindow): number {
  return Math.max(0, limit - used);
}

/** The windows that `now` lies in. */
function rolled(budget: OrderBudget, now: Instant): OrderBudget {
  return budget.map((window) => {
    const overMs = now - window.endsAt;
    if (overMs < 0) return window;
    const windowsPast = Math.floor(overMs / window.lengthMs) + 1;
    return { ...window, used: 0, endsAt: after(window.endsAt, windowsPast * window.lengthMs) };
  });
}

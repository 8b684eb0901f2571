/** The venue behind the `Exchange` port, in memory: what the roles see on virtual time. `binance-server.ts` is its other face. */

import { type Decimal, decimal } from "../core/decimal.ts";
import type { OrderBudget } from "../core/order-budget.ts";
import { type CancelRequest, legName, type RefusalCause } from "../core/position.ts";
import { known } from "../core/reading.ts";
import type { ContractRules } from "../core/rulebook.ts";
import type { Instant, UnixMillis } from "../core/time.ts";
import type { CloseOutcome, Exchange } from "../ports/exchange.ts";
import type { OrderRequest } from "./orders.ts";
import { Refused } from "./refusals.ts";
import type { SymbolRules } from "./symbols.ts";
import type { Venue } from "./venue.ts";
import type { VenueView } from "./venue-view.ts";

/** The refusals that a role tells apart; `adapters/binance/errors.ts` has the whole table. */
const CAUSES: ReadonlyMap<number, RefusalCause> = new Map([
  [-4131, "price_band"],
  [-1015, "order_limit"],
  [-1003, "address_limit"],
  [-4061, "position_mode"],
  [-1106, "position_mode"],
  [-2022, "blocked"],
  [-4118, "blocked"],
]);

/** A limit that nobody reaches, in a window all the same: a refusal that a test throws in can use it up. */
const UNLIMITED: OrderBudget = [{ limit: Number.MAX_SAFE_INTEGER, used: 0, endsAt: 0 as Instant, lengthMs: 10_000 }];
/** What a cancel of one order is refused with where it does not rest any more. */
const NOTHING_TO_CANCEL = -2011;

/** How the venue behaves where it has a choice; asked with each call. */
export interface VenueMood {
  /** What its lists show: the present, if not given, or what was. */
  seen?(): VenueView;
  /** The part of an order that finds a counterparty, from 0 to 1; null: all of it. */
  filled?(): Decimal | null;
}

/**
 * One account of the venue as an `Exchange` that answers at once and is never out of reach.
 *
 * Faults belong around it, not in it: wrap the port to lose, delay or double a call.
 */
export function simulatedExchange(venue: Venue, apiKey: string, mood: VenueMood = {}): Exchange {
  const seen = (): VenueView => mood.seen?.() ?? venue;
  return {
    positions: async () => known(seen().positions(apiKey)),

    restingOrders: async () => {
      const view = seen();
      const regular = view.openOrders(apiKey).map(({ symbol, orderId, positionSide }) => {
        return { symbol, orderId, positionSide, family: "regular", closesPosition: false } as const;
      });
      const algo = view.openAlgoOrders(apiKey).map(({ symbol, algoId, positionSide, closePosition }) => {
        return { symbol, orderId: algoId, positionSide, family: "algo", closesPosition: closePosition } as const;
      });
      return known([...regular, ...algo]);
    },

    positionMode: async () => known(venue.hedge(apiKey) ? "hedge" : "one_way"),

    cancel: async (request) => {
      try {
        cancel(venue, apiKey, request);
        return { kind: "cancelled" };
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        if (error.refusal.code === NOTHING_TO_CANCEL) return { kind: "cancelled" };
        const { symbol, family } = request;
        return { kind: "failed", why: `Cannot cancel ${family} orders on ${symbol}: ${error.message}` };
      }
    },

    close: async (order): Promise<CloseOutcome> => {
      try {
        const request: OrderRequest = {
          ...order,
          type: order.limitPrice === null ? "MARKET" : "LIMIT",
          price: order.limitPrice,
          timeInForce: order.limitPrice === null ? "GTC" : "IOC",
          positionSide: order.mode === "one_way" ? "BOTH" : order.side === "SELL" ? "LONG" : "SHORT",
          // Hedge legs say by side and leg that they close; the flag is refused there.
          reduceOnly: order.mode === "one_way" ? true : null,
        };
        const placed = venue.place(apiKey, request, mood.filled?.() ?? null);
        return { kind: "executed", orderId: placed.orderId, executed: placed.executed };
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        const { code, msg } = error.refusal;
        return {
          kind: "refused",
          cause: CAUSES.get(code) ?? "other",
          code,
          why: `Cannot close ${legName(order)}: ${code} ${msg}`,
        };
      }
    },

    lookUp: async (order): Promise<CloseOutcome> => {
      const found = venue.order(apiKey, order.symbol, { clientOrderId: order.clientOrderId });
      if (found === null) return { kind: "unknown", why: `${legName(order)}: the order does not exist`, absent: true };
      return { kind: "executed", orderId: found.orderId, executed: found.executed };
    },

    warm: async () => known(0),

    rulebook: async () => known(new Map(venue.symbols().map((rules) => [rules.symbol, rulesOf(rules)]))),

    access: async () => ({ kind: "granted" }),

    now: async () => known(venue.now()),

    orderBudget: () => UNLIMITED,

    silentUntil: () => null,

    lastFillAt: async (symbols, since) => {
      const times = venue
        .fills(apiKey)
        .filter((fill) => symbols.includes(fill.symbol) && fill.time >= since)
        .map((fill) => fill.time);
      return known(times.reduce<UnixMillis | null>((last, time) => (last === null || time > last ? time : last), null));
    },
  };
}

function cancel(venue: Venue, apiKey: string, { symbol, family, orderId }: CancelRequest): void {
  if (orderId === null) {
    if (family === "regular") venue.cancelAll(apiKey, symbol);
    else venue.cancelAllAlgo(apiKey, symbol);
  } else if (family === "regular") venue.cancel(apiKey, symbol, { orderId });
  else venue.cancelAlgo(apiKey, { algoId: orderId });
}

function rulesOf({ marketLot: { min, max, step }, band: { up, down }, price: { tick } }: SymbolRules): ContractRules {
  return {
    lot: { min: decimal(min), max: decimal(max), step: decimal(step) },
    band: { up: decimal(up), down: decimal(down), tick: decimal(tick) },
  };
}

/** The venue behind the `Exchange` port, in memory: what the roles see on virtual time. `binance-server.ts` is its other face. */

import { decimal } from "../core/decimal.ts";
import type { OrderBudget } from "../core/order-budget.ts";
import { legName, type RefusalCause } from "../core/position.ts";
import { known } from "../core/reading.ts";
import type { Instant, UnixMillis } from "../core/time.ts";
import type { CloseOutcome, Exchange } from "../ports/exchange.ts";
import { Refused } from "./refusals.ts";
import type { Venue } from "./venue.ts";

/** The refusals that a role tells apart; `adapters/binance/errors.ts` has the whole table. */
const CAUSES: ReadonlyMap<number, RefusalCause> = new Map([
  [-4131, "price_band"],
  [-1015, "order_limit"],
  [-1003, "address_limit"],
  [-4061, "position_mode"],
  [-1106, "position_mode"],
]);

/** A limit that nobody reaches, in a window all the same: a refusal that a test throws in can use it up. */
const UNLIMITED: OrderBudget = [{ limit: Number.MAX_SAFE_INTEGER, used: 0, endsAt: 0 as Instant, lengthMs: 10_000 }];

/**
 * One account of the venue as an `Exchange` that answers at once and is never out of reach.
 *
 * Faults belong around it, not in it: wrap the port to lose, delay or double a call.
 */
export function simulatedExchange(venue: Venue, apiKey: string): Exchange {
  return {
    positions: async () => known(venue.positions(apiKey)),

    restingOrders: async () => {
      const regular = venue.openOrders(apiKey).map(({ symbol, orderId, positionSide }) => {
        return { symbol, orderId, positionSide, family: "regular", closesPosition: false } as const;
      });
      const algo = venue.openAlgoOrders(apiKey).map(({ symbol, algoId, positionSide, closePosition }) => {
        return { symbol, orderId: algoId, positionSide, family: "algo", closesPosition: closePosition } as const;
      });
      return known([...regular, ...algo]);
    },

    cancel: async (symbol, family) => {
      try {
        if (family === "regular") venue.cancelAll(apiKey, symbol);
        else venue.cancelAllAlgo(apiKey, symbol);
        return { kind: "cancelled" };
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        return { kind: "failed", why: `Cannot cancel ${family} orders on ${symbol}: ${error.message}` };
      }
    },

    close: async (order): Promise<CloseOutcome> => {
      try {
        const placed = venue.place(apiKey, {
          ...order,
          type: "MARKET",
          price: null,
          timeInForce: "GTC",
          // Hedge legs say by side and leg that they close; the flag is refused there.
          reduceOnly: order.positionSide === "BOTH" ? true : null,
        });
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

    warm: async () => known(0),

    lotRules: async () =>
      known(
        new Map(
          venue.symbols().map(({ symbol, marketLot: { min, max, step } }) => {
            return [symbol, { min: decimal(min), max: decimal(max), step: decimal(step) }];
          }),
        ),
      ),

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

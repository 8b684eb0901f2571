/** The venue behind the `ExitVenue` port, in memory; beside `exchange.ts`, which is the port of leaving. */

import { candleSpans, extremesOf } from "../core/candle-spans.ts";
import { sum } from "../core/decimal.ts";
import { DOLLARS } from "../core/dollars.ts";
import { legName } from "../core/position.ts";
import { known, type Reading, unknown } from "../core/reading.ts";
import type { ExitVenue, ProtectOutcome } from "../ports/exit-venue.ts";
import { Refused } from "./refusals.ts";
import type { Venue } from "./venue.ts";
import type { VenueView } from "./venue-view.ts";

/** More candles than a span of any interval has within a venue's life. */
const CANDLES_MAX = 10_000;

/** The refusals of a stop that a role tells apart; `adapters/binance/exit-venue.ts` has them all. */
const CAUSES: ReadonlyMap<number, "crossed" | "exists"> = new Map([
  [-2021, "crossed"],
  [-4142, "crossed"],
  [-4130, "exists"],
]);

/**
 * One account of the venue as an `ExitVenue` that answers at once and is never out of reach. Faults belong around it.
 *
 * `seen` is what its lists of the account show: the present, if not given. Its records do not lag: a fill is there or not.
 */
export function simulatedExits(venue: Venue, apiKey: string, seen: () => VenueView = () => venue): ExitVenue {
  return {
    equity: async () => {
      const view = seen();
      return known(sum([...DOLLARS].map((asset) => view.marginBalance(apiKey, asset))));
    },

    transfersSince: async (since) => {
      const transfers = venue.transfers(apiKey).filter(({ time }) => time >= since);
      const foreign = transfers.find(({ asset }) => !DOLLARS.has(asset));
      if (foreign !== undefined) return unknown(`A transfer was in ${foreign.asset}, which is no dollar`);
      return known({ net: sum(transfers.map(({ amount }) => amount)), count: transfers.length });
    },

    protect: async (stop): Promise<ProtectOutcome> => {
      try {
        const placed = venue.placeAlgo(apiKey, {
          symbol: stop.symbol,
          side: stop.side,
          type: "STOP_MARKET",
          positionSide: stop.positionSide,
          quantity: null,
          price: null,
          triggerPrice: stop.triggerPrice,
          activatePrice: null,
          callbackRate: null,
          timeInForce: "GTC",
          reduceOnly: null,
          closePosition: true,
          workingType: "MARK_PRICE",
          clientAlgoId: stop.clientOrderId,
        });
        return { kind: "resting", orderId: placed.algoId };
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        const { code, msg } = error.refusal;
        return {
          kind: "refused",
          cause: CAUSES.get(code) ?? "other",
          why: `Cannot protect ${legName(stop)}: ${code} ${msg}`,
        };
      }
    },

    protectiveStops: async () =>
      known(
        seen()
          .openAlgoOrders(apiKey)
          .flatMap((algo) => {
            const { symbol, positionSide, side, triggerPrice, algoId: orderId, clientAlgoId: clientOrderId } = algo;
            if (!algo.closePosition || algo.type !== "STOP_MARKET" || triggerPrice === null) return [];
            return [{ symbol, positionSide, side, triggerPrice, orderId, clientOrderId }];
          }),
      ),

    fillsSince: async (symbol, since) =>
      ofListed(venue, symbol, () =>
        venue
          .fills(apiKey)
          .filter((fill) => fill.symbol === symbol && fill.time >= since)
          .map(({ positionSide, side, quantity, price, orderId, time }) => {
            return { positionSide, side, quantity, price, orderId, time };
          }),
      ),

    ordersSince: async (symbol, since) =>
      ofListed(venue, symbol, () =>
        venue
          .orders(apiKey, symbol)
          .filter(({ time }) => time >= since)
          .map(({ orderId, clientOrderId, positionSide, executed, time }) => {
            return { orderId, clientOrderId, positionSide, executed, time };
          }),
      ),

    markExtremesSince: async (symbol, since) => {
      const found = ofListed(venue, symbol, () =>
        candleSpans(since, venue.now()).map(({ interval, from, to }) => {
          return venue.candles(symbol, interval, { from, to: to ?? venue.now(), limit: CANDLES_MAX });
        }),
      );
      if (!found.known) return found;
      const extremes = extremesOf(found.value);
      return extremes === null ? unknown(`${symbol}: not all candles since ${since} are there`) : known(extremes);
    },
  };
}

/** What `read` finds, or that nobody lists the symbol. */
function ofListed<T>(venue: Venue, symbol: string, read: () => T): Reading<T> {
  try {
    venue.rules(symbol);
    return known(read());
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return unknown(`${symbol}: ${error.message}`);
  }
}

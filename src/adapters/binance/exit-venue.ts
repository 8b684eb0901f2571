/** The `ExitVenue` port on Binance USDⓈ-M Futures. It shares the connections, limits and clock of `exchange.ts`. */

import { type CandleSpan, candleSpans, extremesOf } from "../../core/candle-spans.ts";
import { plain, sum, ZERO } from "../../core/decimal.ts";
import { DOLLARS } from "../../core/dollars.ts";
import { known, type Reading, unknown } from "../../core/reading.ts";
import type { UnixMillis } from "../../core/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ExitVenue, ProtectiveStop, ProtectOutcome } from "../../ports/exit-venue.ts";
import {
  type CandleRange,
  type PlacedStop,
  readCandles,
  readEquity,
  readFills,
  readPastOrders,
  readPlacedStop,
  readProtectiveStops,
  readTransfers,
} from "./exit-wire.ts";
import { objectionToSide } from "./last-gate.ts";
import { allSince, isKept, PAGE_ROWS, type PastRow, type ReadWindow } from "./past.ts";
import type { Answer, Rest } from "./rest.ts";
import type { QueryParams } from "./signature.ts";
import { stopRefused } from "./stop-errors.ts";
import { complaint } from "./wire.ts";

const ALGO_PATH = "/fapi/v1/algoOrder";
const INCOME_PATH = "/fapi/v1/income";
const KLINES_PATH = "/fapi/v1/markPriceKlines";

/** The most candles that Binance returns in one answer. */
const CANDLES_MAX = 1_500;

const CANDLE_MS: Readonly<Record<CandleSpan["interval"], number>> = { "1m": 60_000, "1h": 3_600_000, "1d": 86_400_000 };

/** How long calls may take, and by which clock. */
interface Deadlines {
  readonly clock: Clock;
  readonly queryDeadlineMs: number;
  readonly orderDeadlineMs: number;
}

/**
 * The port on calls that somebody else owns. Weights of the 2400 that an address has in a minute (binance.md 3): `equity` 5,
 * `transfersSince` 30, `protectiveStops` 40, `fillsSince` and `ordersSince` 5 for each week and at most 200, `markExtremesSince` 3
 * to 12.
 */
export function binanceExits(venue: Rest, { clock, queryDeadlineMs, orderDeadlineMs }: Deadlines): ExitVenue {
  /** The venue's time for what is asked by time; where its clock can't be read, the last look or our own must do. */
  async function venueNow(): Promise<UnixMillis> {
    await venue.refreshClock();
    return venue.venueNow();
  }

  async function pastOf<T>(
    path: string,
    symbol: string,
    since: UnixMillis,
    parse: (json: unknown) => readonly PastRow<T>[],
  ): Promise<Reading<readonly T[]>> {
    const read: ReadWindow<T> = (from, to) => {
      const until: QueryParams = to === null ? [] : [["endTime", `${to}`]];
      const params: QueryParams = [["symbol", symbol], ["startTime", `${from}`], ...until, ["limit", `${PAGE_ROWS}`]];
      return venue.read(path, params, parse);
    };
    return allSince(`GET ${path} of ${symbol}`, read, { since, now: await venueNow(), clock });
  }

  function candles(symbol: string, { interval, from, to }: CandleSpan, now: UnixMillis) {
    // The present candle may have begun after `now` was read.
    const count = Math.floor(((to ?? now) - from) / CANDLE_MS[interval]) + 2;
    const until: QueryParams = to === null ? [] : [["endTime", `${to}`]];
    const params: QueryParams = [
      ["symbol", symbol],
      ["interval", interval],
      ["startTime", `${from}`],
      ...until,
      ["limit", `${Math.max(1, Math.min(count, CANDLES_MAX))}`],
    ];
    const parse = (json: unknown): readonly CandleRange[] =>
      readCandles(json).filter(({ openTime }) => openTime >= from && (to === null || openTime <= to));
    return venue.readPublic(KLINES_PATH, parse, queryDeadlineMs, params);
  }

  return {
    equity: () => venue.read("/fapi/v3/account", [], readEquity),

    async transfersSince(since) {
      if (!isKept(since, await venueNow())) return unknown(`GET ${INCOME_PATH}: the venue keeps only three months`);
      const params: QueryParams = [
        ["incomeType", "TRANSFER"],
        ["startTime", `${since}`],
        ["limit", `${PAGE_ROWS}`],
      ];
      const reading = await venue.read(INCOME_PATH, params, readTransfers);
      if (!reading.known) return reading;
      if (reading.value.length >= PAGE_ROWS) return unknown(`GET ${INCOME_PATH}: ${PAGE_ROWS} transfers or more since`);
      const transfers = reading.value.filter(({ time }) => time >= since);
      const foreign = transfers.find(({ asset }) => !DOLLARS.has(asset));
      if (foreign !== undefined) {
        return unknown(`GET ${INCOME_PATH}: a transfer was in ${foreign.asset}, which is no dollar`);
      }
      return known({ net: sum(transfers.map(({ amount }) => amount)), count: transfers.length });
    },

    async protect(stop) {
      const objection = objectionTo(stop);
      if (objection !== null) return { kind: "refused", cause: "other", why: objection };
      return protectOutcome(stop, await venue.change("POST", ALGO_PATH, stopParams(stop), orderDeadlineMs));
    },

    protectiveStops: () => venue.read("/fapi/v1/openAlgoOrders", [], readProtectiveStops),

    fillsSince: (symbol, since) => pastOf("/fapi/v1/userTrades", symbol, since, readFills),

    ordersSince: (symbol, since) => pastOf("/fapi/v1/allOrders", symbol, since, readPastOrders),

    async markExtremesSince(symbol, since) {
      const now = await venueNow();
      const spans = candleSpans(since, now);
      if (spans.some(({ from, interval }) => (now - from) / CANDLE_MS[interval] > CANDLES_MAX && interval === "1d")) {
        return unknown(`GET ${KLINES_PATH}: ${symbol}: more than ${CANDLES_MAX} days ago`);
      }
      const found: (readonly CandleRange[])[] = [];
      for (const reading of await Promise.all(spans.map((span) => candles(symbol, span, now)))) {
        if (!reading.known) return reading;
        found.push(reading.value);
      }
      const extremes = extremesOf(found);
      return extremes === null ? unknown(`GET ${KLINES_PATH}: ${symbol}: not all candles are there`) : known(extremes);
    },
  };
}

/** Why a stop must not be sent, or null. It takes the whole leg and nothing else: `closePosition` is not a choice. */
function objectionTo(stop: ProtectiveStop): string | null {
  if (stop.triggerPrice.lte(ZERO)) {
    return `Not sent: trigger ${plain(stop.triggerPrice)} of ${stop.symbol} is not above zero`;
  }
  return objectionToSide(stop);
}

/** No `reduceOnly`: it is refused beside `closePosition` (binance.md 5), which can only close. */
function stopParams({ symbol, side, positionSide, triggerPrice, clientOrderId }: ProtectiveStop): QueryParams {
  const leg: QueryParams = positionSide === "BOTH" ? [] : [["positionSide", positionSide]];
  return [
    ["algoType", "CONDITIONAL"],
    ["symbol", symbol],
    ["side", side],
    ...leg,
    ["type", "STOP_MARKET"],
    ["triggerPrice", plain(triggerPrice)],
    ["closePosition", "true"],
    ["workingType", "MARK_PRICE"],
    ["clientAlgoId", clientOrderId],
  ];
}

function protectOutcome(stop: ProtectiveStop, answer: Answer): ProtectOutcome {
  switch (answer.kind) {
    case "lost":
      return answer.sent === "no"
        ? { kind: "refused", cause: "other", why: answer.why }
        : { kind: "unknown", why: answer.why };
    case "error":
      return stopRefused(answer.error, answer.why);
    case "ok":
      return placedOutcome(stop, answer.json);
  }
}

function placedOutcome(stop: ProtectiveStop, json: unknown): ProtectOutcome {
  const unclear = (why: string): ProtectOutcome => ({ kind: "unknown", why: `POST ${ALGO_PATH}: ${why}` });
  let placed: PlacedStop;
  try {
    placed = readPlacedStop(json);
  } catch (error) {
    return unclear(`the answer cannot be read: ${complaint(error)}`);
  }
  const { algoId, clientAlgoId, symbol, algoStatus, closePosition } = placed;
  if (clientAlgoId !== stop.clientOrderId || symbol !== stop.symbol) {
    return unclear(`sent ${stop.clientOrderId} on ${stop.symbol}, the answer is about ${clientAlgoId} on ${symbol}`);
  }
  if (!closePosition) return unclear(`stop ${algoId} came back with closePosition false: it may open a position`);
  if (algoStatus !== "NEW") return unclear(`stop ${algoId} is ${algoStatus}: not one that rests`);
  return { kind: "resting", orderId: algoId };
}

/** Contracts, limits and prices → Binance's JSON (binance.md 4.5, 4.11). */

import { decimal } from "../core/decimal.ts";
import type { UnixMillis } from "../core/time.ts";
import type { Limits } from "./rate-limits.ts";
import type { SymbolRules } from "./symbols.ts";
import type { VenueView } from "./venue-view.ts";
import type { Row } from "./wire.ts";

/** `GET /fapi/v1/exchangeInfo`. */
export function exchangeInfo(venue: VenueView, limits: Limits): Row {
  return {
    timezone: "UTC",
    serverTime: venue.now(),
    futuresType: "U_MARGINED",
    rateLimits: [
      { rateLimitType: "REQUEST_WEIGHT", interval: "MINUTE", intervalNum: 1, limit: limits.weightPerMinute },
      ...orderLimits(limits).toReversed(),
    ],
    exchangeFilters: [],
    assets: [...new Set(venue.symbols().map((rules) => rules.marginAsset))].map((asset) => ({
      asset,
      marginAvailable: true,
      autoAssetExchange: "-10000",
    })),
    symbols: venue.symbols().map(symbolRow),
  };
}

/** `GET /fapi/v1/rateLimit/order`. */
export function orderLimits(limits: Limits): readonly Row[] {
  return [
    { rateLimitType: "ORDERS", interval: "SECOND", intervalNum: 10, limit: limits.ordersPer10s },
    { rateLimitType: "ORDERS", interval: "MINUTE", intervalNum: 1, limit: limits.ordersPerMinute },
  ];
}

function symbolRow(rules: SymbolRules): Row {
  return {
    symbol: rules.symbol,
    pair: rules.pair,
    contractType: rules.contractType,
    deliveryDate: rules.deliveryDate,
    onboardDate: rules.onboardDate,
    status: rules.status,
    maintMarginPercent: "2.5000",
    requiredMarginPercent: "5.0000",
    baseAsset: rules.baseAsset,
    quoteAsset: rules.quoteAsset,
    marginAsset: rules.marginAsset,
    pricePrecision: rules.pricePrecision,
    quantityPrecision: rules.quantityPrecision,
    baseAssetPrecision: 8,
    quotePrecision: 8,
    underlyingType: "COIN",
    underlyingSubType: [],
    triggerProtect: "0.0500",
    liquidationFee: "0.012500",
    marketTakeBound: rules.marketTakeBound,
    maxMoveOrderLimit: 10000,
    filters: [
      { filterType: "PRICE_FILTER", minPrice: rules.price.min, maxPrice: rules.price.max, tickSize: rules.price.tick },
      { filterType: "LOT_SIZE", minQty: rules.lot.min, maxQty: rules.lot.max, stepSize: rules.lot.step },
      {
        filterType: "MARKET_LOT_SIZE",
        minQty: rules.marketLot.min,
        maxQty: rules.marketLot.max,
        stepSize: rules.marketLot.step,
      },
      { filterType: "MAX_NUM_ORDERS", limit: rules.ordersMax },
      { filterType: "MIN_NOTIONAL", notional: rules.minNotional },
      {
        filterType: "PERCENT_PRICE",
        multiplierUp: rules.band.up,
        multiplierDown: rules.band.down,
        multiplierDecimal: "4",
      },
    ],
    orderTypes: ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"],
    timeInForce: ["GTC", "IOC", "FOK", "GTX", "GTD"],
  };
}

/** One row of `GET /fapi/v1/premiumIndex`. */
export function premiumIndexRow(venue: VenueView, rules: SymbolRules): Row {
  const mark = venue.mark(rules.symbol).toFixed(8);
  return {
    symbol: rules.symbol,
    markPrice: mark,
    indexPrice: mark,
    estimatedSettlePrice: mark,
    lastFundingRate: "0.00010000",
    interestRate: "0.00010000",
    nextFundingTime: nextFundingTime(venue.now()),
    time: venue.now(),
  };
}

/** One row of `GET /fapi/v1/ticker/bookTicker`: one tick to each side of the mark. */
export function bookTickerRow(venue: VenueView, rules: SymbolRules): Row {
  const mark = venue.mark(rules.symbol);
  const tick = decimal(rules.price.tick);
  return {
    symbol: rules.symbol,
    bidPrice: mark.minus(tick).toFixed(rules.pricePrecision),
    bidQty: rules.marketLot.max,
    askPrice: mark.plus(tick).toFixed(rules.pricePrecision),
    askQty: rules.marketLot.max,
    time: venue.now(),
  };
}

function nextFundingTime(now: UnixMillis): number {
  const eightHoursMs = 8 * 3_600_000;
  return (Math.floor(now / eightHoursMs) + 1) * eightHoursMs;
}

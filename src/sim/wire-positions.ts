/** Positions, balances and leverage → Binance's JSON (binance.md 4.1 to 4.3). */

import { type Decimal, plain, sum } from "../core/decimal.ts";
import { legName, type PositionSide } from "../core/position.ts";
import { type Leg, unrealizedPnl } from "./leg.ts";
import { MAINTENANCE_RATE, maintenanceMargin } from "./margin.ts";
import { type Order, remaining } from "./orders.ts";
import type { SymbolRules } from "./symbols.ts";
import type { VenueView } from "./venue-view.ts";
import type { Row } from "./wire.ts";

/**
 * The legs `v3` endpoints show: of symbols with a position or an open order, so empty ones occur (binance.md 4.1).
 *
 * Whether a waiting conditional order counts as open is not documented. Here it does not: the Algo service holds no margin
 * before the trigger, and a client must not need this list to find such orders.
 */
export function shownLegs(venue: VenueView, apiKey: string, symbol: string | null): readonly Leg[] {
  const busy = new Map<string, PositionSide[]>();
  const show = (leg: { readonly symbol: string; readonly positionSide: PositionSide }) => {
    const sides = busy.get(leg.symbol) ?? [];
    if (!sides.includes(leg.positionSide)) busy.set(leg.symbol, [...sides, leg.positionSide]);
  };
  for (const position of venue.positions(apiKey)) show(position);
  for (const order of venue.openOrders(apiKey)) show(order);
  const legs = [...busy].flatMap(([name, sides]) => sides.map((side) => venue.leg(apiKey, name, side)));
  return legs.filter((leg) => symbol === null || leg.symbol === symbol);
}

/** The legs `v2` endpoints show: every symbol, traded or not, both legs of each in hedge mode (binance.md 4.2). */
export function allLegs(venue: VenueView, apiKey: string, symbol: string | null): readonly Leg[] {
  const sides: readonly PositionSide[] = venue.hedge(apiKey) ? ["LONG", "SHORT"] : ["BOTH"];
  const symbols = symbol === null ? venue.symbols().map((rules) => rules.symbol) : [venue.rules(symbol).symbol];
  return symbols.flatMap((name) => sides.map((side) => venue.leg(apiKey, name, side)));
}

/** Where each leg would be liquidated, found for all of them at once: cross legs share their margin. */
type Liquidations = ReadonlyMap<string, Decimal | null>;

/** One row of `GET /fapi/v3/positionRisk` (binance.md 4.1). */
export function positionRowV3(venue: VenueView, apiKey: string, leg: Leg, liquidations: Liquidations): Row {
  const rules = venue.rules(leg.symbol);
  const worth = margins(venue, apiKey, leg);
  return {
    symbol: leg.symbol,
    positionSide: leg.positionSide,
    positionAmt: leg.amount.toFixed(rules.quantityPrecision),
    entryPrice: price(leg.entryPrice),
    breakEvenPrice: price(leg.entryPrice),
    markPrice: venue.mark(leg.symbol).toFixed(8),
    unRealizedProfit: worth.pnl.toFixed(8),
    liquidationPrice: liquidationPrice(liquidations, leg),
    isolatedMargin: "0",
    notional: worth.notional.toFixed(8),
    marginAsset: rules.marginAsset,
    isolatedWallet: "0",
    initialMargin: worth.initial.plus(worth.openOrders).toFixed(8),
    maintMargin: worth.maintenance.toFixed(8),
    positionInitialMargin: worth.initial.toFixed(8),
    openOrderInitialMargin: worth.openOrders.toFixed(8),
    adl: 1,
    bidNotional: plain(worth.bids),
    askNotional: plain(worth.asks),
    updateTime: leg.updateTime,
  };
}

/** One row of `GET /fapi/v2/positionRisk` (binance.md 4.2). */
export function positionRowV2(venue: VenueView, apiKey: string, leg: Leg, liquidations: Liquidations): Row {
  const rules = venue.rules(leg.symbol);
  const worth = margins(venue, apiKey, leg);
  return {
    symbol: leg.symbol,
    positionAmt: leg.amount.toFixed(rules.quantityPrecision),
    entryPrice: price(leg.entryPrice),
    breakEvenPrice: price(leg.entryPrice),
    markPrice: venue.mark(leg.symbol).toFixed(8),
    unRealizedProfit: worth.pnl.toFixed(8),
    liquidationPrice: liquidationPrice(liquidations, leg),
    leverage: plain(venue.leverage(apiKey)),
    maxNotionalValue: "10000000",
    marginType: "cross",
    isolatedMargin: "0.00000000",
    isAutoAddMargin: "false",
    positionSide: leg.positionSide,
    notional: worth.notional.toFixed(8),
    isolatedWallet: "0",
    updateTime: leg.updateTime,
  };
}

/** `GET /fapi/v3/account` in single-asset mode: the totals are those of USDT alone. Its rows say `unrealizedProfit` where positionRisk says `unRealizedProfit` (binance.md 4.3). */
export function accountV3(venue: VenueView, apiKey: string): Row {
  const legs = shownLegs(venue, apiKey, null);
  const assets = venue.assets(apiKey).map((asset) => assetRow(venue, apiKey, asset, legs));
  const dollars = assetRow(venue, apiKey, "USDT", legs);
  const total = (field: string) => dollars[field];
  return {
    totalInitialMargin: total("initialMargin"),
    totalMaintMargin: total("maintMargin"),
    totalWalletBalance: total("walletBalance"),
    totalUnrealizedProfit: total("unrealizedProfit"),
    totalMarginBalance: total("marginBalance"),
    totalPositionInitialMargin: total("positionInitialMargin"),
    totalOpenOrderInitialMargin: total("openOrderInitialMargin"),
    totalCrossWalletBalance: total("crossWalletBalance"),
    totalCrossUnPnl: total("crossUnPnl"),
    availableBalance: total("availableBalance"),
    maxWithdrawAmount: total("maxWithdrawAmount"),
    assets,
    positions: legs.map((leg) => accountPositionRow(venue, apiKey, leg)),
  };
}

/** `GET /papi/v1/account` of a Portfolio Margin account: well funded, whatever it holds (binance.md 7.9). */
export function portfolioAccount(venue: VenueView, apiKey: string): Row {
  const { totalMarginBalance, totalInitialMargin, totalMaintMargin, availableBalance } = accountV3(venue, apiKey);
  return {
    uniMMR: "5167.92171923",
    accountEquity: totalMarginBalance,
    actualEquity: totalMarginBalance,
    accountInitialMargin: totalInitialMargin,
    accountMaintMargin: totalMaintMargin,
    accountStatus: "NORMAL",
    virtualMaxWithdrawAmount: availableBalance,
    totalAvailableBalance: availableBalance,
    totalMarginOpenLoss: "0.00000000",
    updateTime: venue.now(),
  };
}

function assetRow(venue: VenueView, apiKey: string, asset: string, legs: readonly Leg[]): Row {
  const worths = legs
    .filter((leg) => venue.rules(leg.symbol).marginAsset === asset)
    .map((leg) => margins(venue, apiKey, leg));
  const wallet = venue.walletBalance(apiKey, asset);
  const pnl = sum(worths.map((worth) => worth.pnl));
  const initial = sum(worths.map((worth) => worth.initial));
  const openOrders = sum(worths.map((worth) => worth.openOrders));
  const available = wallet.plus(pnl).minus(initial).minus(openOrders).toFixed(8);
  return {
    asset,
    walletBalance: wallet.toFixed(8),
    unrealizedProfit: pnl.toFixed(8),
    marginBalance: venue.marginBalance(apiKey, asset).toFixed(8),
    maintMargin: sum(worths.map((worth) => worth.maintenance)).toFixed(8),
    initialMargin: initial.plus(openOrders).toFixed(8),
    positionInitialMargin: initial.toFixed(8),
    openOrderInitialMargin: openOrders.toFixed(8),
    crossWalletBalance: wallet.toFixed(8),
    crossUnPnl: pnl.toFixed(8),
    availableBalance: available,
    maxWithdrawAmount: available,
    updateTime: venue.now(),
  };
}

function accountPositionRow(venue: VenueView, apiKey: string, leg: Leg): Row {
  const worth = margins(venue, apiKey, leg);
  return {
    symbol: leg.symbol,
    positionSide: leg.positionSide,
    positionAmt: leg.amount.toFixed(venue.rules(leg.symbol).quantityPrecision),
    unrealizedProfit: worth.pnl.toFixed(8),
    isolatedMargin: "0.00000000",
    notional: worth.notional.toFixed(8),
    isolatedWallet: "0.00000000",
    initialMargin: worth.initial.plus(worth.openOrders).toFixed(8),
    maintMargin: worth.maintenance.toFixed(8),
    updateTime: leg.updateTime,
  };
}

/** One row of `GET /fapi/v1/symbolConfig`. */
export function symbolConfigRow(venue: VenueView, apiKey: string, rules: SymbolRules): Row {
  return {
    symbol: rules.symbol,
    marginType: "CROSSED",
    isAutoAddMargin: false,
    leverage: Number(plain(venue.leverage(apiKey))),
    maxNotionalValue: "10000000",
  };
}

/** One row of `GET /fapi/v1/leverageBracket`. */
export function leverageBracketRow(rules: SymbolRules): Row {
  return {
    symbol: rules.symbol,
    notionalCoef: 1,
    brackets: [
      {
        bracket: 1,
        initialLeverage: 125,
        notionalCap: 10_000_000,
        notionalFloor: 0,
        maintMarginRatio: Number(plain(MAINTENANCE_RATE)),
        cum: 0,
      },
    ],
  };
}

interface Margins {
  readonly notional: Decimal;
  readonly pnl: Decimal;
  readonly initial: Decimal;
  readonly maintenance: Decimal;
  readonly openOrders: Decimal;
  readonly bids: Decimal;
  readonly asks: Decimal;
}

function margins(venue: VenueView, apiKey: string, leg: Leg): Margins {
  const mark = venue.mark(leg.symbol);
  const leverage = venue.leverage(apiKey);
  const notional = leg.amount.times(mark);
  const resting = venue.openOrders(apiKey, leg.symbol).filter((order) => order.positionSide === leg.positionSide);
  const worth = (orders: readonly Order[]) => sum(orders.map((order) => remaining(order).times(order.price ?? mark)));
  return {
    notional,
    pnl: unrealizedPnl(leg, mark),
    initial: notional.abs().div(leverage),
    maintenance: maintenanceMargin({ leg, mark }),
    openOrders: worth(resting.filter((order) => !order.reduceOnly)).div(leverage),
    bids: worth(resting.filter((order) => order.side === "BUY")),
    asks: worth(resting.filter((order) => order.side === "SELL")),
  };
}

/** "0" is Binance's word for nowhere. */
function liquidationPrice(liquidations: Liquidations, leg: Leg): string {
  const found = liquidations.get(legName(leg)) ?? null;
  return found === null ? "0" : price(found);
}

/** Averaged entry prices can have endless digits; Binance shows up to eight. */
function price(value: Decimal): string {
  return plain(value.round(8));
}

/**
 * What the streams say, in Binance's words. Source: USDⓈ-M docs, Mark Price Stream and User Data Streams (binance.md 4.12).
 * An asset's balance tells the wallet only: no one needs more of it here.
 */

import { type Decimal, ZERO } from "../core/decimal.ts";
import type { UnixMillis } from "../core/time.ts";
import { unrealizedPnl } from "./leg.ts";
import type { Fill, Order } from "./orders.ts";
import type { SymbolRules } from "./symbols.ts";
import type { VenueChange } from "./venue-change.ts";
import type { VenueView } from "./venue-view.ts";
import { json, type Row } from "./wire.ts";
import { premiumIndexRow } from "./wire-market.ts";

/** A message as text, with its ids as numbers: see `json`. */
export function streamJson(message: unknown): string {
  return json(message).replaceAll(/"(i|t|aid)":"(\d+)"/g, '"$1":$2');
}

/** One contract's `markPriceUpdate`; the stream of all is a list of them. */
export function markPriceUpdate(venue: VenueView, rules: SymbolRules): Row {
  const { markPrice, indexPrice, estimatedSettlePrice, lastFundingRate, nextFundingTime } = premiumIndexRow(
    venue,
    rules,
  );
  return {
    e: "markPriceUpdate",
    E: venue.now(),
    s: rules.symbol,
    p: markPrice,
    ap: markPrice,
    P: estimatedSettlePrice,
    i: indexPrice,
    r: lastFundingRate,
    T: nextFundingTime,
  };
}

/** What the account's stream says of a change, in order; nothing for one that is not about an account. */
export function accountMessages(venue: VenueView, change: VenueChange): readonly Row[] {
  switch (change.kind) {
    case "mark":
      return [];
    case "order":
      return change.fill === null
        ? [orderTradeUpdate(venue, change)]
        : [tradeLite(venue, change.order, change.fill), orderTradeUpdate(venue, change)];
    case "leg":
      return [positionUpdate(venue, change)];
    case "transfer":
      return [transferUpdate(venue, change)];
    case "algo":
      return [algoUpdate(venue, change)];
  }
}

/** The last that an account's stream says when its key has run out. */
export function listenKeyExpired(now: UnixMillis, listenKey: string): Row {
  return { e: "listenKeyExpired", E: String(now), listenKey };
}

function orderTradeUpdate(
  venue: VenueView,
  { apiKey, order, execution, fill }: Extract<VenueChange, { readonly kind: "order" }>,
): Row {
  const rules = venue.rules(order.symbol);
  const average = order.executed.eq(ZERO) ? ZERO : order.executedQuote.div(order.executed);
  return {
    e: "ORDER_TRADE_UPDATE",
    E: venue.now(),
    T: order.updateTime,
    o: {
      s: order.symbol,
      c: order.clientOrderId,
      S: order.side,
      o: order.type,
      f: order.timeInForce,
      q: quantity(rules, order.quantity),
      p: price(rules, order.price ?? ZERO),
      ap: price(rules, average),
      sp: price(rules, ZERO),
      x: execution,
      X: order.status,
      i: order.orderId,
      l: quantity(rules, fill?.quantity ?? ZERO),
      z: quantity(rules, order.executed),
      L: price(rules, fill?.price ?? ZERO),
      N: rules.marginAsset,
      n: (fill?.commission ?? ZERO).toFixed(8),
      T: order.updateTime,
      t: fill?.tradeId ?? "0",
      b: "0",
      a: "0",
      m: fill?.maker ?? false,
      R: order.reduceOnly,
      wt: "CONTRACT_PRICE",
      ot: order.type,
      ps: order.positionSide,
      cp: false,
      rp: (fill?.realizedPnl ?? ZERO).toFixed(8),
      pP: false,
      V: "EXPIRE_MAKER",
      pm: "NONE",
      gtd: 0,
      er: expireReason(venue, apiKey, order, execution),
    },
  };
}

/** 9: nobody to trade with for the rest; 4: nothing left to reduce (binance.md 4.6); 0 where nothing expired. */
function expireReason(venue: VenueView, apiKey: string, order: Order, execution: string): string {
  if (execution !== "EXPIRED") return "0";
  return order.reduceOnly && venue.leg(apiKey, order.symbol, order.positionSide).amount.eq(ZERO) ? "4" : "9";
}

/** The same fill in fewer words, and sooner. */
function tradeLite(venue: VenueView, order: Order, fill: Fill): Row {
  const rules = venue.rules(order.symbol);
  return {
    e: "TRADE_LITE",
    E: venue.now(),
    T: fill.time,
    s: order.symbol,
    q: quantity(rules, order.quantity),
    p: price(rules, order.price ?? ZERO),
    m: fill.maker,
    c: order.clientOrderId,
    S: order.side,
    L: price(rules, fill.price),
    l: quantity(rules, fill.quantity),
    t: fill.tradeId,
    i: order.orderId,
  };
}

function positionUpdate(
  venue: VenueView,
  { apiKey, leg, byHand }: Extract<VenueChange, { readonly kind: "leg" }>,
): Row {
  const rules = venue.rules(leg.symbol);
  const position = {
    s: leg.symbol,
    pa: quantity(rules, leg.amount),
    ep: leg.entryPrice.toFixed(8),
    bep: leg.entryPrice.toFixed(8),
    cr: "0",
    up: unrealizedPnl(leg, venue.mark(leg.symbol)).toFixed(8),
    mt: "cross",
    iw: "0.00000000",
    ps: leg.positionSide,
    ma: rules.marginAsset,
  };
  const balance = balanceRow(venue, apiKey, rules.marginAsset, ZERO);
  return accountUpdate(venue, leg.updateTime, { m: byHand ? "ADJUSTMENT" : "ORDER", B: [balance], P: [position] });
}

function transferUpdate(
  venue: VenueView,
  { apiKey, transfer }: Extract<VenueChange, { readonly kind: "transfer" }>,
): Row {
  const { asset, amount, time } = transfer;
  const balance = balanceRow(venue, apiKey, asset, amount);
  return accountUpdate(venue, time, { m: amount.gt(ZERO) ? "DEPOSIT" : "WITHDRAW", B: [balance], P: [] });
}

function accountUpdate(venue: VenueView, time: UnixMillis, account: Row): Row {
  return { e: "ACCOUNT_UPDATE", E: venue.now(), T: time, a: account };
}

/** `change` is what came or went otherwise than by trading. */
function balanceRow(venue: VenueView, apiKey: string, asset: string, change: Decimal): Row {
  const wallet = venue.walletBalance(apiKey, asset).toFixed(8);
  return { a: asset, wb: wallet, cw: wallet, bc: change.toFixed(8) };
}

function algoUpdate(venue: VenueView, { algo }: Extract<VenueChange, { readonly kind: "algo" }>): Row {
  const rules = venue.rules(algo.symbol);
  return {
    e: "ALGO_UPDATE",
    E: venue.now(),
    T: algo.updateTime,
    o: {
      caid: algo.clientAlgoId,
      aid: algo.algoId,
      at: "CONDITIONAL",
      o: algo.type,
      s: algo.symbol,
      S: algo.side,
      ps: algo.positionSide,
      f: algo.closePosition ? "GTE_GTC" : algo.timeInForce,
      q: quantity(rules, algo.quantity ?? ZERO),
      X: algo.status,
      ai: algo.actualOrderId ?? "",
      ap: "0.00000",
      aq: "0.00000",
      act: algo.actualOrderId === null ? "0" : algo.price === null ? "MARKET" : "LIMIT",
      tp: price(rules, algo.triggerPrice ?? ZERO),
      p: price(rules, algo.price ?? ZERO),
      V: "EXPIRE_MAKER",
      wt: "CONTRACT_PRICE",
      pm: "NONE",
      cp: algo.closePosition,
      pP: false,
      R: algo.reduceOnly === true || algo.closePosition,
      tt: algo.triggerTime ?? 0,
      gtd: 0,
      rm: "",
    },
  };
}

function price(rules: SymbolRules, value: Decimal): string {
  return value.toFixed(rules.pricePrecision);
}

function quantity(rules: SymbolRules, value: Decimal): string {
  return value.toFixed(rules.quantityPrecision);
}

/**
 * Binance's paths: what each one costs, whether it is signed, and what it answers.
 *
 * Source: Binance docs as collected in binance.md 4 and 5; each weight is the documented one.
 */

import type { Decimal } from "../core/decimal.ts";
import type { Leg } from "./leg.ts";
import { readAlgoOrder, readAlgoRef, readOrder, readOrderRef } from "./order-entry.ts";
import type { OrderRequest } from "./orders.ts";
import { Params } from "./params.ts";
import { allOrders, income, klinesWeight, markPriceKlines, userTrades } from "./past-routes.ts";
import type { Limits } from "./rate-limits.ts";
import { Refused, refuse } from "./refusals.ts";
import type { SymbolRules } from "./symbols.ts";
import type { Venue } from "./venue.ts";
import type { VenueView } from "./venue-view.ts";
import type { Row } from "./wire.ts";
import { bookTickerRow, exchangeInfo, orderLimits, premiumIndexRow } from "./wire-market.ts";
import { ackRow, algoRow, orderRow, queriedAlgoRow, queriedOrderRow } from "./wire-orders.ts";
import {
  accountV3,
  allLegs,
  leverageBracketRow,
  portfolioAccount,
  positionRowV2,
  positionRowV3,
  shownLegs,
  symbolConfigRow,
} from "./wire-positions.ts";

/** What every handler may use. */
interface Call {
  readonly venue: Venue;
  /** What reads of the account show: the venue itself, or how it was. */
  readonly view: VenueView;
  /** How much of an order executes at once; `null` is all of it. */
  readonly fraction: Decimal | null;
  readonly limits: Limits;
  readonly params: Params;
}

/** What a handler of a signed or keyed path may use: whose call it is has been proven. */
export interface SignedCall extends Call {
  readonly apiKey: string;
}

/** IP weight: one number, one with `symbol` given and one without, or what the query makes of it. */
type Weight = number | { readonly one: number; readonly all: number } | ((query: URLSearchParams) => number);

interface RouteShape {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly weight: Weight;
}

/** One path and method. `handle` returns what goes out as JSON, or throws `Refused`. */
export type Route =
  | (RouteShape & { readonly access: "public"; readonly handle: (call: Call) => unknown })
  /** Proven by the API key alone. */
  | (RouteShape & { readonly access: "keyed"; readonly handle: (call: SignedCall) => unknown })
  | (RouteShape & {
      readonly access: "signed";
      /** What the call costs of the account's order budgets; absent if it places none. */
      readonly orders?: { readonly in10s: number; readonly inMinute: number };
      readonly handle: (call: SignedCall) => unknown;
    });

const BATCH_MAX = 5;
const CANCELLED_ALL: Row = { code: 200, msg: "The operation of cancel all open order is done." };

/** The key of the account's stream (binance.md 4.12). */
const LISTEN_KEY_ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: "/fapi/v1/listenKey",
    weight: 1,
    access: "keyed",
    handle: ({ venue, apiKey }) => ({ listenKey: venue.listenKeys.obtain(apiKey) }),
  },
  {
    method: "PUT",
    path: "/fapi/v1/listenKey",
    weight: 1,
    access: "keyed",
    handle: ({ venue, apiKey }) => {
      const listenKey = venue.listenKeys.renew(apiKey);
      if (listenKey === null) throw refuse("listenKeyGone");
      return { listenKey };
    },
  },
  {
    method: "DELETE",
    path: "/fapi/v1/listenKey",
    weight: 1,
    access: "keyed",
    handle: ({ venue, apiKey }) => {
      if (!venue.listenKeys.close(apiKey)) throw refuse("listenKeyGone");
      return {};
    },
  },
];

/** Every path the simulated venue knows. */
export const ROUTES: readonly Route[] = [
  { method: "GET", path: "/fapi/v1/ping", weight: 1, access: "public", handle: () => ({}) },
  {
    method: "GET",
    path: "/fapi/v1/time",
    weight: 1,
    access: "public",
    handle: ({ venue }) => ({ serverTime: venue.now() }),
  },
  {
    method: "GET",
    path: "/fapi/v1/exchangeInfo",
    weight: 1,
    access: "public",
    handle: ({ venue, limits }) => exchangeInfo(venue, limits),
  },
  {
    method: "GET",
    path: "/fapi/v1/premiumIndex",
    weight: { one: 1, all: 10 },
    access: "public",
    handle: (call) => oneOrAll(call, (rules) => premiumIndexRow(call.venue, rules)),
  },
  {
    method: "GET",
    path: "/fapi/v1/ticker/bookTicker",
    weight: { one: 2, all: 5 },
    access: "public",
    handle: (call) => oneOrAll(call, (rules) => bookTickerRow(call.venue, rules)),
  },
  {
    method: "GET",
    path: "/fapi/v3/positionRisk",
    weight: 5,
    access: "signed",
    handle: (call) => positionRows(call, shownLegs(call.view, call.apiKey, symbolFilter(call)), positionRowV3),
  },
  {
    method: "GET",
    path: "/fapi/v2/positionRisk",
    // The page says 5, the change log of 2024-08-07 says 10: the dearer one.
    weight: 10,
    access: "signed",
    handle: (call) => positionRows(call, allLegs(call.view, call.apiKey, symbolFilter(call)), positionRowV2),
  },
  {
    method: "GET",
    path: "/fapi/v3/account",
    weight: 5,
    access: "signed",
    handle: ({ view, apiKey }) => accountV3(view, apiKey),
  },
  {
    method: "GET",
    path: "/fapi/v1/accountConfig",
    weight: 5,
    access: "signed",
    handle: ({ venue, apiKey }) => ({
      feeTier: 0,
      canTrade: true,
      canDeposit: true,
      canWithdraw: true,
      dualSidePosition: venue.hedge(apiKey),
      updateTime: 0,
      multiAssetsMargin: false,
      tradeGroupId: -1,
    }),
  },
  {
    method: "GET",
    path: "/fapi/v1/positionSide/dual",
    weight: 30,
    access: "signed",
    handle: ({ venue, apiKey }) => ({ dualSidePosition: venue.hedge(apiKey) }),
  },
  {
    method: "GET",
    path: "/fapi/v1/symbolConfig",
    weight: 5,
    access: "signed",
    handle: (call) => selected(call).map((rules) => symbolConfigRow(call.view, call.apiKey, rules)),
  },
  {
    method: "GET",
    path: "/fapi/v1/leverageBracket",
    weight: 1,
    access: "signed",
    handle: (call) => selected(call).map(leverageBracketRow),
  },
  {
    method: "GET",
    path: "/fapi/v1/rateLimit/order",
    weight: 1,
    access: "signed",
    handle: ({ limits }) => orderLimits(limits),
  },
  {
    method: "GET",
    path: "/fapi/v1/openOrders",
    weight: { one: 1, all: 40 },
    access: "signed",
    handle: (call) => {
      const orders = call.view.openOrders(call.apiKey, symbolFilter(call) ?? undefined);
      return orders.map((order) => queriedOrderRow(call.venue.rules(order.symbol), order));
    },
  },
  {
    method: "GET",
    path: "/fapi/v1/openAlgoOrders",
    weight: { one: 1, all: 40 },
    access: "signed",
    handle: (call) => {
      const algos = call.view.openAlgoOrders(call.apiKey, symbolFilter(call) ?? undefined);
      return algos.map((algo) => queriedAlgoRow(call.venue.rules(algo.symbol), algo));
    },
  },
  {
    method: "GET",
    path: "/fapi/v1/order",
    weight: 1,
    access: "signed",
    handle: ({ venue, apiKey, params }) => {
      const rules = venue.rules(params.required("symbol"));
      const order = venue.order(apiKey, rules.symbol, readOrderRef(params));
      if (order === null) throw refuse("noSuchOrder");
      return queriedOrderRow(rules, order);
    },
  },
  {
    method: "POST",
    path: "/fapi/v1/order",
    weight: 0,
    access: "signed",
    orders: { in10s: 1, inMinute: 1 },
    handle: placeOrder,
  },
  {
    method: "POST",
    path: "/fapi/v1/order/test",
    weight: 0,
    access: "signed",
    handle: ({ venue, apiKey, params }) => {
      venue.test(apiKey, readOrder(params));
      return {};
    },
  },
  {
    method: "DELETE",
    path: "/fapi/v1/order",
    weight: 1,
    access: "signed",
    handle: ({ venue, apiKey, params }) => {
      const rules = venue.rules(params.required("symbol"));
      return orderRow(rules, venue.cancel(apiKey, rules.symbol, readOrderRef(params)));
    },
  },
  {
    method: "POST",
    path: "/fapi/v1/batchOrders",
    weight: 5,
    access: "signed",
    orders: { in10s: 5, inMinute: 1 },
    handle: placeBatch,
  },
  {
    method: "DELETE",
    path: "/fapi/v1/allOpenOrders",
    weight: 1,
    access: "signed",
    handle: ({ venue, apiKey, params }) => {
      venue.cancelAll(apiKey, params.required("symbol"));
      return CANCELLED_ALL;
    },
  },
  {
    method: "GET",
    path: "/fapi/v1/algoOrder",
    weight: 1,
    access: "signed",
    handle: ({ venue, apiKey, params }) => {
      const algo = venue.algoOrder(apiKey, readAlgoRef(params));
      if (algo === null) throw refuse("noSuchOrder");
      return queriedAlgoRow(venue.rules(algo.symbol), algo);
    },
  },
  {
    method: "POST",
    path: "/fapi/v1/algoOrder",
    weight: 0,
    access: "signed",
    orders: { in10s: 1, inMinute: 1 },
    handle: ({ venue, apiKey, params }) => {
      const algo = venue.placeAlgo(apiKey, readAlgoOrder(params));
      return algoRow(venue.rules(algo.symbol), algo);
    },
  },
  {
    method: "DELETE",
    path: "/fapi/v1/algoOrder",
    weight: 1,
    access: "signed",
    handle: ({ venue, apiKey, params }) => {
      const { algoId, clientAlgoId } = venue.cancelAlgo(apiKey, readAlgoRef(params));
      return { algoId, clientAlgoId, code: "200", msg: "success" };
    },
  },
  {
    method: "DELETE",
    path: "/fapi/v1/algoOpenOrders",
    weight: 1,
    access: "signed",
    handle: ({ venue, apiKey, params }) => {
      venue.cancelAllAlgo(apiKey, params.required("symbol"));
      return CANCELLED_ALL;
    },
  },
  { method: "GET", path: "/fapi/v1/markPriceKlines", weight: klinesWeight, access: "public", handle: markPriceKlines },
  { method: "GET", path: "/fapi/v1/allOrders", weight: 5, access: "signed", handle: allOrders },
  ...LISTEN_KEY_ROUTES,
  { method: "GET", path: "/fapi/v1/userTrades", weight: 5, access: "signed", handle: userTrades },
  { method: "GET", path: "/fapi/v1/income", weight: 30, access: "signed", handle: income },
  {
    // Another host in the real world, papi.binance.com; here it tells which kind of account this is (binance.md 7.9).
    method: "GET",
    path: "/papi/v1/account",
    weight: 20,
    access: "signed",
    handle: ({ venue, apiKey }) => portfolioAccount(venue, apiKey),
  },
];

type PositionRow = (
  view: VenueView,
  apiKey: string,
  leg: Leg,
  liquidations: ReadonlyMap<string, Decimal | null>,
) => Row;

function positionRows({ view, apiKey }: SignedCall, legs: readonly Leg[], row: PositionRow): readonly Row[] {
  const liquidations = view.liquidations(apiKey);
  return legs.map((leg) => row(view, apiKey, leg, liquidations));
}

function placeOrder(call: SignedCall): Row {
  const request = readOrder(call.params);
  const wantsResult = readResponseType(call.params);
  return placeOne(call, request, wantsResult);
}

function placeOne({ venue, apiKey, fraction }: SignedCall, request: OrderRequest, wantsResult: boolean): Row {
  const order = venue.place(apiKey, request, fraction);
  const rules = venue.rules(order.symbol);
  return wantsResult ? orderRow(rules, order) : ackRow(rules, order);
}

function readResponseType(params: Params): boolean {
  const type = params.optional("newOrderRespType") ?? "ACK";
  if (type !== "ACK" && type !== "RESULT") throw refuse("invalidParameter", "newOrderRespType");
  return type === "RESULT";
}

/** Each order of a batch succeeds or fails alone; the reply is 200 with a row or an error per order, in order (binance.md 4.7). */
function placeBatch(call: SignedCall): readonly unknown[] {
  const batch = parseBatch(call.params.required("batchOrders"));
  return batch.map((values) => {
    try {
      const one = new Params(values);
      return placeOne(call, readOrder(one), readResponseType(one));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { code: error.refusal.code, msg: error.refusal.msg };
    }
  });
}

function parseBatch(text: string): readonly ReadonlyMap<string, string>[] {
  let batch: unknown;
  try {
    batch = JSON.parse(text);
  } catch {
    throw refuse("invalidParameter", "batchOrders");
  }
  if (!Array.isArray(batch) || batch.length === 0 || batch.length > BATCH_MAX) throw refuse("batchSize");
  return batch.map((order: unknown) => {
    if (typeof order !== "object" || order === null) throw refuse("invalidParameter", "batchOrders");
    return new Map(Object.entries(order).map(([name, value]) => [name, String(value)]));
  });
}

/** What a call with that query costs. */
export function weigh(weight: Weight, query: URLSearchParams): number {
  if (typeof weight === "number") return weight;
  if (typeof weight === "function") return weight(query);
  return query.has("symbol") ? weight.one : weight.all;
}

/** The `symbol` parameter, known to be listed; `null` if it was not sent. */
function symbolFilter({ venue, params }: Call): string | null {
  const symbol = params.optional("symbol");
  return symbol === null ? null : venue.rules(symbol).symbol;
}

function selected(call: Call): readonly SymbolRules[] {
  const symbol = symbolFilter(call);
  return symbol === null ? call.venue.symbols() : [call.venue.rules(symbol)];
}

/** One object with `symbol`, a list without: Binance's market-data endpoints change shape so. */
function oneOrAll(call: Call, row: (rules: SymbolRules) => Row): Row | readonly Row[] {
  const symbol = symbolFilter(call);
  return symbol === null ? call.venue.symbols().map(row) : row(call.venue.rules(symbol));
}

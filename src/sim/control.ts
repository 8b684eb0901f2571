/**
 * The paths under `/sim/`, for people and drills: set the scene and read the truth. Not Binance's, and not signed:
 * the server listens on loopback only and holds nothing real.
 */

import { plain } from "../core/decimal.ts";
import type { PositionSide } from "../core/position.ts";
import type { GatewayRequest, Reply } from "./gateway.ts";
import { Refused } from "./refusals.ts";
import type { Venue } from "./venue.ts";

/** What the server knows and the venue does not. */
export interface ServerFacts {
  readonly handshakes: number;
  readonly requests: number;
  /** Requests per `METHOD path`. */
  readonly requestCounts: Readonly<Record<string, number>>;
}

/**
 * Answers `POST /sim/positions`, `POST /sim/marks` and `GET /sim/state`; `null` for any other request.
 *
 * A request that makes no sense is answered 400 with `{"error": …}` and changes nothing.
 */
export function answerControl(venue: Venue, request: GatewayRequest, facts: () => ServerFacts): Reply | null {
  const handle = CONTROLS[`${request.method} ${request.path}`];
  if (handle === undefined) return null;
  try {
    return reply(200, handle(venue, request.body, facts));
  } catch (error) {
    const reason =
      error instanceof Refused ? error.refusal.msg : error instanceof Error ? error.message : String(error);
    return reply(400, { error: reason });
  }
}

type Control = (venue: Venue, body: string, facts: () => ServerFacts) => unknown;

const CONTROLS: Readonly<Record<string, Control>> = {
  "POST /sim/positions": (venue, body) => {
    const fields = parseFields(body);
    const entryPrice = optionalText(fields, "entryPrice");
    const positionSide = optionalText(fields, "positionSide");
    const apiKey = text(fields, "apiKey");
    venue.openPosition(apiKey, {
      symbol: text(fields, "symbol"),
      amount: text(fields, "amount"),
      ...(entryPrice === null ? {} : { entryPrice }),
      ...(positionSide === null ? {} : { positionSide: parsePositionSide(positionSide) }),
    });
    return { positions: positionsOf(venue, apiKey) };
  },
  "POST /sim/marks": (venue, body) => {
    const fields = parseFields(body);
    const symbol = text(fields, "symbol");
    venue.setMark(symbol, text(fields, "price"));
    return { symbol, price: plain(venue.mark(symbol)) };
  },
  "GET /sim/state": (venue, _body, facts) => ({
    time: venue.now(),
    ...facts(),
    marks: Object.fromEntries(venue.symbols().map(({ symbol }) => [symbol, plain(venue.mark(symbol))])),
    accounts: venue.apiKeys().map((apiKey) => accountState(venue, apiKey)),
  }),
};

function accountState(venue: Venue, apiKey: string): unknown {
  return {
    apiKey,
    hedge: venue.hedge(apiKey),
    positions: positionsOf(venue, apiKey),
    openOrders: venue.openOrders(apiKey).map((order) => ({
      symbol: order.symbol,
      orderId: order.orderId,
      clientOrderId: order.clientOrderId,
      side: order.side,
      positionSide: order.positionSide,
      type: order.type,
      quantity: plain(order.quantity),
      price: order.price === null ? null : plain(order.price),
      reduceOnly: order.reduceOnly,
    })),
    openAlgoOrders: venue.openAlgoOrders(apiKey).map((algo) => ({
      symbol: algo.symbol,
      algoId: algo.algoId,
      clientAlgoId: algo.clientAlgoId,
      side: algo.side,
      positionSide: algo.positionSide,
      type: algo.type,
      quantity: algo.quantity === null ? null : plain(algo.quantity),
      reduceOnly: algo.reduceOnly,
      closePosition: algo.closePosition,
    })),
    fills: venue.fills(apiKey).map((fill) => ({
      symbol: fill.symbol,
      orderId: fill.orderId,
      side: fill.side,
      positionSide: fill.positionSide,
      quantity: plain(fill.quantity),
      price: plain(fill.price),
      time: fill.time,
    })),
  };
}

function positionsOf(venue: Venue, apiKey: string): unknown {
  return venue.positions(apiKey).map(({ symbol, positionSide, amount, entryPrice }) => ({
    symbol,
    positionSide,
    amount: plain(amount),
    entryPrice: plain(entryPrice),
  }));
}

function parseFields(body: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(body);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error("The body is no JSON object");
  return Object.fromEntries(Object.entries(value));
}

function text(fields: Readonly<Record<string, unknown>>, name: string): string {
  const value = optionalText(fields, name);
  if (value === null) throw new Error(`${name} is missing`);
  return value;
}

function optionalText(fields: Readonly<Record<string, unknown>>, name: string): string | null {
  const value = fields[name];
  if (value === undefined || value === null) return null;
  if (typeof value !== "string") throw new Error(`${name} must be a string, also where it is a number`);
  return value;
}

function parsePositionSide(value: string): PositionSide {
  if (value !== "BOTH" && value !== "LONG" && value !== "SHORT") {
    throw new Error(`positionSide must be BOTH, LONG or SHORT, not ${value}`);
  }
  return value;
}

function reply(status: number, value: unknown): Reply {
  return { status, headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) };
}

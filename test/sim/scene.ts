/** A venue at a fixed moment with the accounts most tests need. */

import { createHmac } from "node:crypto";
import { decimal, plain } from "../../src/core/decimal.ts";
import type { PositionSide } from "../../src/core/position.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import type { GatewayRequest } from "../../src/sim/gateway.ts";
import type { AlgoRequest, OrderRequest } from "../../src/sim/orders.ts";
import { Refused } from "../../src/sim/refusals.ts";
import { Venue, type VenueOptions } from "../../src/sim/venue.ts";

/** Start of a minute, so that rate-limit windows start empty. */
export const NOW: UnixMillis = 1_795_000_020_000 as UnixMillis;

/** A one-way and a hedge account, both flat; the venue's time stands still. */
export function venueOf(options: Partial<VenueOptions> = {}): Venue {
  const venue = new Venue({ now: () => NOW, ...options });
  venue.addAccount({ apiKey: "one-way", secret: "secret" });
  venue.addAccount({ apiKey: "hedge", secret: "secret", hedge: true });
  return venue;
}

/** What a test says about an order; the rest is a market order of a one-way account. */
export interface OrderWords {
  readonly symbol?: string;
  readonly side: "BUY" | "SELL";
  readonly quantity: string;
  readonly price?: string;
  readonly timeInForce?: OrderRequest["timeInForce"];
  readonly positionSide?: PositionSide;
  readonly reduceOnly?: boolean;
  readonly clientOrderId?: string;
}

/** An order request from a few words: with a price it is a limit order. */
export function order(words: OrderWords): OrderRequest {
  return {
    symbol: words.symbol ?? "BTCUSDT",
    side: words.side,
    type: words.price === undefined ? "MARKET" : "LIMIT",
    positionSide: words.positionSide ?? "BOTH",
    quantity: decimal(words.quantity),
    price: words.price === undefined ? null : decimal(words.price),
    timeInForce: words.timeInForce ?? "GTC",
    reduceOnly: words.reduceOnly ?? null,
    clientOrderId: words.clientOrderId ?? null,
  };
}

/** A SELL stop on BTCUSDT, changed as the test says. */
export function stop(changes: Partial<AlgoRequest>): AlgoRequest {
  return {
    symbol: "BTCUSDT",
    side: "SELL",
    type: "STOP_MARKET",
    positionSide: "BOTH",
    quantity: decimal("0.01"),
    price: null,
    triggerPrice: decimal("87000"),
    activatePrice: null,
    callbackRate: null,
    timeInForce: "GTC",
    reduceOnly: null,
    closePosition: false,
    clientAlgoId: null,
    ...changes,
  };
}

/** The account's open legs as `SYMBOL SIDE amount`. */
export function held(venue: Venue, apiKey = "one-way"): readonly string[] {
  return venue.positions(apiKey).map((leg) => `${leg.symbol} ${leg.positionSide} ${plain(leg.amount)}`);
}

/** The code `act` is refused with, or `null` if it is not. */
export function refusalOf(act: () => unknown): number | null {
  try {
    act();
    return null;
  } catch (error) {
    if (error instanceof Refused) return error.refusal.code;
    throw error;
  }
}

/** What a request arrives with besides its target; a one-way account at `NOW` unless the test says otherwise. */
export interface Sender {
  readonly apiKey?: string;
  readonly at?: number;
  readonly ip?: string;
}

/** `METHOD /path?query`, signed as a good client would. */
export function signedRequest(
  target: string,
  { apiKey = "one-way", at = NOW, ip = "127.0.0.1" }: Sender = {},
): GatewayRequest {
  const [method = "", url = ""] = target.split(" ");
  const [path = "", sent = ""] = url.split("?");
  const payload = `${sent}${sent === "" ? "" : "&"}timestamp=${at}`;
  const signature = createHmac("sha256", "secret").update(payload).digest("hex");
  return { method, path, query: `${payload}&signature=${signature}`, body: "", apiKey, ip };
}

/** The market close of a long position of 0.01 BTCUSDT. */
export const CLOSE = "POST /fapi/v1/order?symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.01&reduceOnly=true";

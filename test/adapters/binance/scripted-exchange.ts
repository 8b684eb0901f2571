/** Our client of Binance, on a venue that answers by script. */

import { type BinanceExchange, type BinanceOptions, binanceExchange } from "../../../src/adapters/binance/exchange.ts";
import { hostClock } from "../../../src/adapters/host/clock.ts";
import type { Received, Reply, ScriptedVenue } from "./scripted-venue.ts";

/** The percent sign is no escape: redacting it must not try to decode it. */
export const API_KEY = "the-api-key-0123456789-%zz";
export const SECRET = "the-secret-0123456789";

/** Connects; disposing of it closes its sockets. */
export function connect(venue: ScriptedVenue, more: Partial<BinanceOptions> = {}): BinanceExchange & AsyncDisposable {
  const exchange = binanceExchange({
    baseUrl: venue.url,
    apiKey: API_KEY,
    secret: SECRET,
    clock: hostClock,
    // Long for a loopback answer on a busy machine, short for the tests that wait for it to pass.
    queryDeadlineMs: 1_500,
    orderDeadlineMs: 1_000,
    ...more,
  });
  return { ...exchange, [Symbol.asyncDispose]: () => exchange.dispose() };
}

/** Answers one path; every other one as a venue that has no script for it. */
export function on(
  path: string,
  reply: Reply | ((request: Received) => Reply),
): (request: Received) => Reply | undefined {
  return (request) => {
    if (request.path !== path) return undefined;
    return typeof reply === "function" ? reply(request) : reply;
  };
}

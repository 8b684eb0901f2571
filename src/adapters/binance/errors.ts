/**
 * What the venue's refusals mean for a close: the one home of that knowledge.
 *
 * `refused` is a certainty: the order was not executed and will not be. Everything else is `unknown`, and whatever is not
 * listed here is `unknown` too. Codes are stable, texts vary, so the code decides; only a 503 is told apart by its text.
 * Sources: Binance USDⓈ-M Futures, Error Codes and General Info (2026-05-28); binance.md sections 3 and 6.
 */

import type { RefusalCause } from "../../core/position.ts";

/** What an error answer means for the order it answers; `reason` is one line for people: what happened, what it asks for. */
export type Meaning =
  | { readonly outcome: "refused"; readonly cause: RefusalCause; readonly reason: string }
  | { readonly outcome: "unknown"; readonly reason: string };

/** An error as the venue worded it. `code` is null where the body carries none (an HTML page, an empty body). */
export interface VenueError {
  readonly status: number;
  readonly code: number | null;
  readonly message: string;
}

/** The code for too many requests from this address, and for the ban that follows. */
export const ADDRESS_LIMIT_BROKEN = -1003;

/** The code for too many orders from this account. */
export const ORDER_LIMIT_USED_UP = -1015;

/** The code for a timestamp outside the window: the offset to the venue's clock is wrong. */
export const TIMESTAMP_OUTSIDE_WINDOW = -1021;

/** The code for cancelling what is not there. */
export const NOTHING_TO_CANCEL = -2011;

/** The codes that are about the key itself: they come with every signed call until a person changes something. */
const KEY_REFUSED: ReadonlySet<number> = new Set([-1002, -1022, -1099, -2014, -2015, -2017]);

const refused = (reason: string, cause: RefusalCause = "other"): Meaning => ({ outcome: "refused", cause, reason });
const unknown = (reason: string): Meaning => ({ outcome: "unknown", reason });

const CODES: ReadonlyMap<number, Meaning> = new Map([
  // 10xx: the server and the network behind it
  [-1000, unknown("the venue failed in a way it does not describe")],
  [-1001, refused("the venue failed before the order reached the market")],
  [-1002, refused("this API key may not place orders")],
  [ADDRESS_LIMIT_BROKEN, refused("too many requests from this address: rate limit or ban", "address_limit")],
  [-1006, unknown("the venue's message bus answered strangely: the order may be live")],
  [-1007, unknown("the venue's back end timed out: the order may be live")],
  [-1008, refused("throttled; reducing orders are exempt, so the venue did not see this one as reducing")],
  [
    ORDER_LIMIT_USED_UP,
    refused("the account's order limit is used up: something else is sending orders", "order_limit"),
  ],
  [-1016, refused("the service is no longer available")],
  [-1020, refused("the operation is not supported")],
  [TIMESTAMP_OUTSIDE_WINDOW, refused("the timestamp is outside the window: the clock offset is wrong")],
  [-1022, refused("the signature is wrong: secret or encoding")],
  [-1099, refused("not authorized")],
  // 11xx: the request itself
  [-1100, refused("a parameter holds illegal characters")],
  [-1101, refused("too many parameters")],
  [-1102, refused("a mandatory parameter is missing or malformed")],
  [-1103, refused("a parameter is not known to the venue")],
  [-1104, refused("not all parameters were read")],
  [-1105, refused("a parameter is empty")],
  [
    -1106,
    refused("a parameter was sent that this account's mode does not take (reduceOnly in hedge mode)", "position_mode"),
  ],
  [-1108, refused("an asset is not valid")],
  [-1111, refused("the quantity or price has too many decimals")],
  [-1112, refused("the order book of the symbol is empty")],
  [-1114, refused("timeInForce was sent when not required")],
  [-1115, refused("timeInForce is not valid")],
  [-1116, refused("the order type is not valid")],
  [-1117, refused("the side is not valid")],
  [-1118, refused("the client order id is empty")],
  [-1121, refused("the venue does not know the symbol")],
  [-1122, refused("the symbol's status does not allow the order")],
  [-1128, refused("the combination of parameters is not valid")],
  [-1130, refused("a parameter's value is not valid")],
  // 20xx: the order and the account
  [-2010, refused("the order was rejected")],
  [NOTHING_TO_CANCEL, unknown("a cancel was rejected: the answer does not fit an order")],
  [-2013, unknown("the order is not found (yet): no proof that it was not executed")],
  [-2014, refused("the API key is malformed")],
  [
    -2015,
    refused("the API key, its allowed address or its permissions are wrong, or this is a Portfolio Margin account"),
  ],
  [-2017, refused("the account's API keys are locked")],
  [-2018, refused("the balance is not sufficient")],
  [-2019, refused("the margin is not sufficient: not seen as reducing, or resting orders hold the margin")],
  [-2020, refused("the order could not be filled: no liquidity")],
  [-2021, refused("the order would trigger immediately")],
  [-2022, refused("reduce-only rejected: already flat, or resting reduce-only orders are in the way", "blocked")],
  [-2023, refused("the account is being liquidated")],
  [-2024, refused("the position is smaller than the order")],
  [-2025, refused("too many open orders")],
  [-2026, refused("this order type cannot be reduce-only")],
  [-2027, refused("the position limit at this leverage is exceeded: resting orders count")],
  [-2028, refused("the leverage is too low for the margin")],
  // 4xxx: filters, modes and restrictions
  [-4001, refused("the price is not above zero")],
  [-4002, refused("the price is above the maximum")],
  [-4003, refused("the quantity is not above zero")],
  [-4004, refused("the quantity is below the minimum: dust")],
  [-4005, refused("the quantity is above the maximum for one order")],
  [-4013, refused("the price is below the minimum")],
  [-4014, refused("the price is not a multiple of the tick size")],
  [-4015, refused("the client order id is longer than 36 characters")],
  [-4016, refused("the price is above the price band")],
  [-4023, refused("the quantity is not a multiple of the step size")],
  [-4024, refused("the price is below the price band")],
  [-4046, unknown("the margin type needs no change: the answer does not fit an order")],
  [-4059, unknown("the position mode needs no change: the answer does not fit an order")],
  [-4060, refused("the position side is not valid")],
  [-4061, refused("the position side does not match the account's position mode", "position_mode")],
  [-4062, refused("the reduceOnly value is not valid")],
  [-4067, refused("the position mode cannot change while orders are open")],
  [-4068, refused("the position mode cannot change while positions are open")],
  [-4087, refused("only reducing orders are allowed: the venue did not see this one as reducing")],
  [-4088, refused("the account may not place orders now")],
  [-4105, refused("only reducing orders are allowed (quantitative rules)")],
  [-4106, refused("only reducing orders are allowed (quantitative rules)")],
  [-4107, refused("only reducing orders are allowed (quantitative rules)")],
  [-4109, refused("the account is inactive")],
  [-4116, unknown("an open order has this client order id already: an earlier send of this close is live")],
  [-4117, refused("a stop order is triggering right now")],
  [-4118, refused("reduce-only failed: resting orders are in the way", "blocked")],
  [-4120, refused("the order type belongs to the algo endpoints")],
  [-4131, refused("the best price is outside the price band: no market close is possible now", "price_band")],
  [-4137, refused("the quantity must be zero with closePosition")],
  [-4138, refused("reduceOnly must be true with closePosition")],
  [-4140, refused("the symbol's status does not allow opening")],
  [-4141, refused("the symbol is closed: the venue settles the position")],
  [-4142, refused("a stop would trigger immediately")],
  [-4164, refused("the notional is below the minimum; reduce-only orders are exempt")],
  [-4189, refused("only reducing orders are allowed on this symbol")],
  [-4192, refused("the account is in its cooling-off period")],
  [-4400, refused("only reducing orders are allowed (quantitative rules)")],
  [-4401, refused("only reducing orders are allowed (large position rule)")],
  [-4402, refused("not allowed in this region")],
  [-4403, refused("not allowed in this region")],
  [-4408, refused("the symbol is in reduce-only mode")],
  [-4411, refused("the TradFi perpetuals agreement is not signed")],
  [-4531, refused("the position mode is being synchronized")],
  // 50xx: the matching engine
  [-5021, refused("fill-or-kill was not filled")],
  [-5022, refused("post-only would have traded")],
  [-5028, refused("the order reached the matching engine too late for its window and was dropped")],
  [-5041, refused("no depth matches the order")],
]);

/** Codes that Binance documents as "not executed" when they come with a 503. */
const NOT_EXECUTED_503: ReadonlySet<number> = new Set([-1001, -1008]);

/** The one 503 that says "not executed" by its text alone. */
const SERVICE_UNAVAILABLE = "Service Unavailable";

/** Answers given before a request is looked at: the firewall, the rate limit, the ban that follows it. */
const TURNED_AWAY: ReadonlyMap<number, string> = new Map([
  [403, "turned away by the venue's firewall"],
  [418, "this address is banned for sending too many requests"],
  [429, "too many requests from this address"],
]);

/** Whether the venue refuses the key, its permissions or its signature, rather than what was asked with it. */
export function refusesKey(error: VenueError): boolean {
  return error.code !== null && error.status < 500 && KEY_REFUSED.has(error.code);
}

/** What an error answer to a new order means for that order. */
export function meaningForClose(error: VenueError): Meaning {
  if (error.status >= 500) return meaningOfServerError(error);
  // A timeout behind the gateway says so by its status, whatever the body has to say.
  if (error.status === 408) return unknown("the venue timed out: the order may be live");
  if (error.code !== null) {
    return CODES.get(error.code) ?? unknown("the code is not documented: the order may be live");
  }
  const turnedAway = TURNED_AWAY.get(error.status);
  if (turnedAway !== undefined) return refused(turnedAway, error.status === 403 ? "other" : "address_limit");
  return unknown("the answer is not documented: the order may be live");
}

/**
 * A 503 is "not executed" only where Binance documents that one so. "Unknown error, please check your request or try
 * again later." is the documented opposite, and any other 5xx says nothing about the order.
 */
function meaningOfServerError({ status, code, message }: VenueError): Meaning {
  const coded = code === null ? undefined : CODES.get(code);
  if (coded?.outcome === "unknown") return coded;
  if (status === 503 && code !== null && NOT_EXECUTED_503.has(code) && coded !== undefined) return coded;
  if (status === 503 && message.startsWith(SERVICE_UNAVAILABLE)) return refused("the service is unavailable");
  return unknown("a server error that the venue does not document as not executed");
}

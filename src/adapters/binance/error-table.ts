/**
 * What the venue may answer to a close order, and what each answer means: the one home of that knowledge.
 *
 * The first row that fits counts. `refused` is a certainty and is said only where Binance documents that the order was not
 * executed, or turns it away before it can be; everything else is unknown. `npm run docs` writes this table into README.md.
 * Sources: Binance USDⓈ-M Futures, Error Codes and General Info (2026-05-28); binance.md sections 3, 6 and 7.
 */

import type { RefusalCause } from "../../core/position.ts";

/** What identifies an answer. */
export type Sign =
  /** The code, with any status. Codes are stable, texts vary (Error Codes). */
  | { readonly kind: "code"; readonly code: number }
  /** The status, whatever the body says. */
  | { readonly kind: "status"; readonly status: number }
  /** The status of an answer that carries no code: a firewall's or a balancer's page. */
  | { readonly kind: "bare_status"; readonly status: number }
  /** A 503 with this code, or whose message begins with this text: here alone the text tells one from another. */
  | { readonly kind: "unavailable"; readonly code: number | null; readonly text: string }
  | { readonly kind: "server_error" }
  | { readonly kind: "any_code" }
  | { readonly kind: "anything" }
  /** No complete answer, and whether the request may have been received. */
  | { readonly kind: "lost"; readonly sent: "no" | "maybe" };

/** What an answer means for the order that it answers; `reason` is one line for people. */
export type Meaning =
  /** Certain: nothing of the order was or will be executed. */
  | { readonly outcome: "refused"; readonly cause: RefusalCause; readonly reason: string }
  /** It may have been executed in full, in part or not at all. */
  | { readonly outcome: "unknown"; readonly reason: string };

/** What is done about an answer. Every pass that is not flat is followed up, whatever the answers were. */
type Consequence =
  | "the next attempt"
  | "what rests is cancelled, then the next attempt"
  | "the next attempt speaks the other mode"
  | "the clock is read anew, then the next attempt"
  | "from the second attempt an IOC limit inside the band"
  | "waits for the window"
  | "no call at all until the venue's time is over"
  | "the verify read decides: flat, or the next attempt"
  | "flat already, or what rests is cancelled, then the next attempt"
  | "verify read and order query decide"
  | "the venue ends the position"
  | "a person must act";

/** One row of the table. */
export interface ErrorRow {
  readonly sign: Sign;
  /** Binance's words, shortened; empty where it has none. */
  readonly words: string;
  readonly meaning: Meaning;
  readonly consequence: Consequence;
}

type CodeRow = readonly [code: number, words: string, reason: string];

function refused(consequence: Consequence, rows: readonly CodeRow[], cause: RefusalCause = "other"): ErrorRow[] {
  return rows.map(([code, words, reason]) => ({
    sign: { kind: "code", code },
    words,
    meaning: { outcome: "refused", cause, reason },
    consequence,
  }));
}

function leftOpen(rows: readonly CodeRow[]): ErrorRow[] {
  return rows.map(([code, words, reason]) => ({
    sign: { kind: "code", code },
    words,
    meaning: { outcome: "unknown", reason },
    consequence: "verify read and order query decide",
  }));
}

/** The orders that are certainly not executed for a reason that a code does not give, or not only. */
function turnedAway(
  sign: Sign,
  words: string,
  reason: string,
  consequence: Consequence,
  cause: RefusalCause = "other",
): ErrorRow {
  return { sign, words, meaning: { outcome: "refused", cause, reason }, consequence };
}

function open(sign: Sign, words: string, reason: string): ErrorRow {
  return { sign, words, meaning: { outcome: "unknown", reason }, consequence: "verify read and order query decide" };
}

const NOT_MINE = "it answers a question that Quantum never asks, so it proves nothing about an order";

/** The table. */
export const ERROR_TABLE: readonly ErrorRow[] = [
  // Codes that leave it open outweigh every status and text.
  ...leftOpen([
    [-1000, "An unknown error occured", "the venue failed in a way it does not describe"],
    [-1006, "An unexpected response was received from the message bus", "the order may be live"],
    [-1007, "Timeout waiting for response from backend server", "the order may be live; some were (nautilus#4215)"],
    [
      -2011,
      "CANCEL_REJECTED; Unknown order sent",
      "it answers a cancel, where it means that nothing is left to cancel",
    ],
    [-2013, "Order does not exist", "queries lag: no proof that the order was not executed"],
    [-4046, "No need to change margin type", NOT_MINE],
    [-4059, "No need to change position side", NOT_MINE],
    [-4067, "Position side cannot be changed if there exists open orders", NOT_MINE],
    [-4068, "Position side cannot be changed if there exists position", NOT_MINE],
    [-4116, "clientOrderId is duplicated", "an open order has this id: an earlier send of this close is live"],
    [-4403, "the leverage can only up to %sx in your region", NOT_MINE],
    [-4408, "This symbol is in reduce only mode", "seen by users, not documented by Binance"],
    [-4411, "Please sign TradFi-Perps agreement contract", "seen by users, not documented by Binance"],
    [-4531, "Position mode change requires syncing UM and CM", NOT_MINE],
  ]),

  open({ kind: "status", status: 408 }, "", "a timeout behind the gateway, whatever the body says"),
  turnedAway(
    { kind: "unavailable", code: null, text: "Service Unavailable" },
    "Service Unavailable.",
    "documented as certain failure",
    "the next attempt",
  ),
  turnedAway(
    { kind: "unavailable", code: -1001, text: "Internal error; unable to process your request" },
    "Internal error; unable to process your request. Please try again.",
    "documented as failure: it failed before the order reached the market",
    "the next attempt",
  ),
  turnedAway(
    { kind: "unavailable", code: -1008, text: "Request throttled by system-level protection" },
    "Request throttled by system-level protection. Reduce-only/close-position orders are exempt.",
    "documented as certain failure; the venue did not see the order as reducing",
    "the next attempt",
  ),
  open(
    { kind: "unavailable", code: null, text: "Unknown error" },
    "Unknown error, please check your request or try again later.",
    "documented as unknown: it was sent on, and may have been executed",
  ),
  open(
    { kind: "unavailable", code: null, text: "Request occur unknown error" },
    "Request occur unknown error.",
    "not documented as not executed",
  ),
  open({ kind: "server_error" }, "", "a server error that Binance does not document as not executed"),

  // 10xx: the server and the network behind it
  ...refused("the next attempt", [
    [-1001, "Internal error; unable to process your request", "it failed before the order reached the market"],
    [-1008, "Server is currently overloaded", "documented as certain failure; the order was not seen as reducing"],
  ]),
  ...refused("a person must act", [
    [-1002, "You are not authorized to execute this request", "this API key may not place orders"],
    [-1016, "This service is no longer available", "the service is gone"],
    [-1020, "This operation is not supported", "the operation is not supported"],
    [-1022, "Signature for this request is not valid", "the secret is wrong, or the encoding: it will not heal"],
    [-1099, "Not found, unauthenticated, or unauthorized", "this API key is not accepted here"],
  ]),
  ...refused(
    "no call at all until the venue's time is over",
    [[-1003, "Too many requests; IP banned until %s", "this address sent too many requests, or is banned"]],
    "address_limit",
  ),
  ...refused(
    "waits for the window",
    [[-1015, "Too many new orders", "the account's order limit is used up: something else is sending orders"]],
    "order_limit",
  ),
  ...refused("the clock is read anew, then the next attempt", [
    [-1021, "Timestamp for this request is outside of the recvWindow", "the offset to the venue's clock is wrong"],
  ]),

  // 11xx: the request itself. What Quantum sends is fixed, so only a person can mend what is malformed in it.
  ...refused("a person must act", [
    [-1100, "Illegal characters found in a parameter", "a parameter is malformed"],
    [-1101, "Too many parameters sent for this endpoint", "the venue wants fewer parameters"],
    [
      -1102,
      "Mandatory parameter '%s' was not sent, was empty/null, or malformed",
      "a parameter is missing or malformed",
    ],
    [-1103, "An unknown parameter was sent", "the venue does not know a parameter"],
    [-1104, "Not all sent parameters were read", "the venue does not know a parameter"],
    [-1105, "Parameter '%s' was empty", "a parameter is empty"],
    [-1108, "Invalid asset", "an asset is not valid"],
    [-1114, "TimeInForce parameter sent when not required", "the order type takes no timeInForce"],
    [-1115, "Invalid timeInForce", "the timeInForce is not valid"],
    [-1116, "Invalid orderType", "the order type is not valid"],
    [-1117, "Invalid side", "the side is not valid"],
    [-1118, "New client order ID was empty", "the client order id is empty"],
    [-1121, "Invalid symbol", "the venue does not know the symbol: delisted, or wrongly encoded"],
    [-1128, "Combination of optional parameters invalid", "the parameters do not go together"],
    [-1130, "Data sent for parameter '%s' is not valid", "a parameter's value is not valid"],
  ]),
  ...refused(
    "the next attempt speaks the other mode",
    [
      [-1106, "Parameter '%s' sent when not required", "reduceOnly was sent, and the account is in hedge mode"],
      [-4061, "Order's position side does not match user's setting", "the order speaks the other position mode"],
    ],
    "position_mode",
  ),
  ...refused("the next attempt", [
    [-1111, "Precision is over the maximum defined for this asset", "the quantity or price has too many decimals"],
    [-1112, "No orders on book for symbol", "the order book is empty"],
  ]),
  ...refused("the venue ends the position", [
    [-1122, "Invalid symbol status", "the symbol is being delisted or settled"],
  ]),

  // 20xx: the order and the account
  ...refused("the next attempt", [
    [-2010, "NEW_ORDER_REJECTED", "the order was rejected"],
    [-2020, "Unable to fill", "there is no liquidity"],
  ]),
  ...refused("a person must act", [
    [-2014, "API-key format invalid", "the API key is malformed"],
    [
      -2015,
      "Invalid API-key, IP, or permissions for action",
      "wrong key, address not whitelisted, futures not permitted, or a Portfolio Margin account",
    ],
    [-2017, "API Keys are locked on this account", "the account's API keys are locked"],
    [-2018, "Balance is insufficient", "the balance is not sufficient"],
    [-2021, "Order would immediately trigger", "it answers a conditional order, which a close is not"],
    [-2026, "This OrderType is not supported when reduceOnly", "the order type cannot be reduce-only"],
    [-2028, "Leverage is smaller than permitted", "the margin balance is not sufficient for the leverage"],
  ]),
  ...refused(
    "what rests is cancelled, then the next attempt",
    [
      [-2019, "Margin is insufficient", "the order was not seen as reducing, or resting orders hold the margin"],
      [-2025, "Reach max open order limit", "too many orders rest"],
      [-2027, "Exceeded the maximum allowable position at current leverage", "resting orders count in the limit"],
      [-4118, "ReduceOnly Order Failed", "resting orders on the same side are in the way"],
    ],
    "blocked",
  ),
  ...refused(
    "flat already, or what rests is cancelled, then the next attempt",
    [[-2022, "ReduceOnly Order is rejected", "already flat, or resting reduce-only orders are in the way"]],
    "blocked",
  ),
  ...refused("the verify read decides: flat, or the next attempt", [
    [-2024, "Position is not sufficient", "the position is smaller than the order"],
  ]),
  ...refused("the venue ends the position", [
    [-2023, "User in liquidation mode now", "the venue is liquidating the account"],
  ]),

  // 4xxx: filters, modes and restrictions
  ...refused("a person must act", [
    [-4003, "Quantity less than zero", "the quantity was rounded to nothing: dust"],
    [-4004, "Quantity less than min quantity", "the quantity is below the minimum: dust"],
    [-4015, "Client order id length should not be more than 36 chars", "the client order id is not valid"],
    [-4060, "Invalid position side", "the position side is not valid"],
    [-4062, "Invalid or improper reduceOnly value", "the reduceOnly value is not valid"],
    [-4087, "User can only place reduce only order", "the order was not seen as reducing"],
    [-4088, "User can not place order currently", "the account is blocked"],
    [-4105, "only reduce only order is allowed", "the order was not seen as reducing"],
    [-4106, "only reduce only order is allowed", "the order was not seen as reducing"],
    [-4107, "only reduce only order is allowed", "the order was not seen as reducing"],
    [-4109, "Inactive account", "the account is inactive"],
    [-4120, "Order type not supported for this endpoint", "it answers a conditional order, which a close is not"],
    [-4137, "Quantity must be zero with closePosition", "it answers a conditional order, which a close is not"],
    [-4138, "Reduce only must be true with closePosition", "it answers a conditional order, which a close is not"],
    [
      -4142,
      "take profit or stop order will be triggered immediately",
      "it answers a conditional order, which a close is not",
    ],
    [-4164, "Order's notional must be no smaller than %s", "reduce-only is exempt: the order was not seen as reducing"],
    [-4189, "only reduce only order is allowed", "the order was not seen as reducing"],
    [-4192, "Trade forbidden due to Cooling-off Period", "the account has blocked itself for a time"],
    [
      -4400,
      "Futures Trading Quantitative Rules violated",
      "only reduce-only passes: the order was not seen as reducing",
    ],
    [-4401, "Rules of large position holding violated", "only reduce-only passes: the order was not seen as reducing"],
    [-4402, "this feature is currently not available in your region", "the region is restricted"],
  ]),
  ...refused("the next attempt", [
    [-4001, "Price less than 0", "the limit price is not above zero"],
    [-4002, "Price greater than max price", "the limit price is above the maximum"],
    [-4005, "Quantity greater than max quantity", "the order is larger than one order may be"],
    [-4013, "Price less than min price", "the limit price is below the minimum"],
    [-4014, "Price not increased by tick size", "the limit price is not a multiple of the tick size"],
    [-4016, "Price is higher than mark price multiplier cap", "the limit price is above the band, which moves"],
    [-4023, "Qty not increased by step size", "the quantity is not a multiple of the step size"],
    [-4024, "Price is lower than mark price multiplier floor", "the limit price is below the band, which moves"],
    [-4117, "stop order is triggering", "a stop order is triggering right now"],
  ]),
  ...refused(
    "from the second attempt an IOC limit inside the band",
    [
      [
        -4131,
        "The counterparty's best price does not meet the PERCENT_PRICE filter limit",
        "no market order can be had",
      ],
    ],
    "price_band",
  ),
  ...refused("the venue ends the position", [
    [-4140, "Invalid symbol status for opening position", "the symbol is being delisted or settled"],
    [-4141, "Symbol is closed", "the symbol is closed and will be settled"],
  ]),

  // 50xx: the matching engine
  ...refused("the next attempt", [
    [-5021, "the FOK order has been rejected", "fill-or-kill was not filled"],
    [-5022, "the Post Only order will be rejected", "post-only would have traded"],
    [
      -5028,
      "Timestamp for this request is outside of the ME recvWindow",
      "it came too late and was dropped unexecuted",
    ],
    [-5041, "No depth matches this BBO order", "the order book has no such price"],
  ]),

  open({ kind: "any_code" }, "", "a code that is not documented: the order may be live"),
  turnedAway({ kind: "bare_status", status: 403 }, "", "turned away by the venue's firewall", "the next attempt"),
  turnedAway(
    { kind: "bare_status", status: 418 },
    "",
    "this address is banned for going on after 429",
    "no call at all until the venue's time is over",
    "address_limit",
  ),
  turnedAway(
    { kind: "bare_status", status: 429 },
    "",
    "too many requests from this address",
    "no call at all until the venue's time is over",
    "address_limit",
  ),
  open({ kind: "anything" }, "", "the answer is not documented: the order may be live"),

  turnedAway({ kind: "lost", sent: "no" }, "", "not one byte of the order was written", "the next attempt"),
  open({ kind: "lost", sent: "maybe" }, "", "timeout or reset: the order may have been received"),
];

/** What can go wrong with one request, and with which requests it can. Sources: binance.md 3, 4.6, 6 and 9. */

import type { FaultAnswer } from "./fault-answers.ts";

/** One thing that goes wrong. Whether the venue executes the request is part of it: that is what a client cannot see. */
export type Effect =
  /** Answered so, and not executed. */
  | { readonly kind: "refuse"; readonly answer: FaultAnswer }
  /** Executed, and answered as if nobody knew: 503 "Unknown error", -1006, -1007, 408. */
  | { readonly kind: "executed_but"; readonly answer: FaultAnswer }
  /** Answered so at once, and executed `ms` later. */
  | { readonly kind: "late"; readonly ms: number; readonly answer: FaultAnswer }
  /** Never answered; the connection stays open. */
  | { readonly kind: "hang"; readonly executes: boolean }
  /** The connection is torn down without an answer. */
  | { readonly kind: "reset"; readonly executes: boolean }
  /** Status line, headers and half of the body, then the connection is torn down. */
  | { readonly kind: "cut"; readonly executes: boolean }
  /** Executed and answered, one byte of the body every `ms`. */
  | { readonly kind: "drip"; readonly ms: number }
  /** Answered `ms` later than usual, executed half-way. */
  | { readonly kind: "delay"; readonly ms: number }
  /** Answered with 200 and a body that no endpoint sends. */
  | { readonly kind: "garbage"; readonly executes: boolean; readonly body: string }
  /**
   * Of what would execute at once only this part does, rounded down to the lot step, and the order ends EXPIRED: expire
   * reason 9 (binance.md 4.6). `fraction` is a decimal string from 0 to 1.
   */
  | { readonly kind: "partial"; readonly fraction: string }
  /** Answered with what the account held `ms` ago, all of it at the same moment. */
  | { readonly kind: "stale"; readonly ms: number }
  /**
   * From now on for `ms`, every request of this address is answered 418 -1003; this one is the first. `retryAfterS` goes out
   * as a Retry-After header, which Binance documents for spot only.
   */
  | { readonly kind: "ban"; readonly ms: number; readonly retryAfterS?: number | undefined }
  /** The same with 429. */
  | { readonly kind: "throttle"; readonly ms: number; readonly retryAfterS?: number | undefined }
  /** From now on for `ms`, every order of this account is answered -1015; this one is the first. */
  | { readonly kind: "order_limit"; readonly ms: number };

/** Names a kind of effect. */
export type EffectKind = Effect["kind"];

/** The kinds that last: one request begins them, and they answer for all until they are over. */
export type Spell = Extract<Effect, { readonly kind: "ban" | "throttle" | "order_limit" }>;

/** The kinds that concern one request only. */
export type Blow = Exclude<Effect, Spell>;

/** What is known of a request when its fate is decided. */
export interface FaultRequest {
  readonly method: string;
  readonly path: string;
  /** The `symbol` parameter; `null` if it has none. */
  readonly symbol: string | null;
  readonly apiKey: string | null;
  readonly ip: string;
}

const ORDERS: ReadonlySet<string> = new Set([
  "POST /fapi/v1/order",
  "POST /fapi/v1/batchOrders",
  "POST /fapi/v1/algoOrder",
]);
const EXECUTIONS: ReadonlySet<string> = new Set(["POST /fapi/v1/order", "POST /fapi/v1/batchOrders"]);
/** The reads that Binance says may lag (binance.md 4.1). Prices, trades and single orders are not among them. */
const ACCOUNT_READS: ReadonlySet<string> = new Set([
  "GET /fapi/v2/positionRisk",
  "GET /fapi/v3/positionRisk",
  "GET /fapi/v3/account",
  "GET /fapi/v1/openOrders",
  "GET /fapi/v1/openAlgoOrders",
]);

/** The requests that a kind of effect can strike, as `METHOD path`; `null` for any. */
export function targets(kind: EffectKind): ReadonlySet<string> | null {
  switch (kind) {
    case "partial":
      return EXECUTIONS;
    case "stale":
      return ACCOUNT_READS;
    case "order_limit":
      return ORDERS;
    default:
      return null;
  }
}

/** Whether that kind of effect can strike that request. */
export function canStrike(kind: EffectKind, request: Pick<FaultRequest, "method" | "path">): boolean {
  return targets(kind)?.has(`${request.method} ${request.path}`) ?? true;
}

/** Whether the request places orders, and so counts against the account's order limit. */
export function placesOrders(request: Pick<FaultRequest, "method" | "path">): boolean {
  return ORDERS.has(`${request.method} ${request.path}`);
}

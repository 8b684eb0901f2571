/** From raw request to raw reply: limits, key, timestamp, signature, then the route. No sockets and no waiting, so faults can wrap it. */

import { type Decimal, decimal } from "../core/decimal.ts";
import type { UnixMillis } from "../core/time.ts";
import type { AccountSpec } from "./account.ts";
import { Params } from "./params.ts";
import { DEFAULT_LIMITS, type Limits, RateLimits } from "./rate-limits.ts";
import { Refused, refuse } from "./refusals.ts";
import { ROUTES, type Route, type SignedCall, weigh } from "./routes.ts";
import { signedParts, verifySignature } from "./signature.ts";
import type { Venue } from "./venue.ts";
import type { VenueView } from "./venue-view.ts";
import { json } from "./wire.ts";

/** One request as it came off the wire. */
export interface GatewayRequest {
  readonly method: string;
  readonly path: string;
  /** Raw, without the question mark. */
  readonly query: string;
  /** Raw; empty if there was none. */
  readonly body: string;
  /** The `X-MBX-APIKEY` header. */
  readonly apiKey: string | null;
  /** Whom the weight is booked on. */
  readonly ip: string;
}

/** What goes back. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** How the venue itself departs from the usual, for one request. */
export interface Bend {
  /** Reads of the account show how it was so long ago; at most a minute. */
  readonly staleMs?: number;
  /** A decimal string from 0 to 1: that part of a market or IOC order executes, the rest expires. */
  readonly fraction?: string;
  /** When the request came in, where that was long before it executes: its timestamp is judged by it. */
  readonly arrivedAt?: UnixMillis;
}

const UNBENT: Bend = {};
const ROUTES_BY_NAME: ReadonlyMap<string, Route> = new Map(
  ROUTES.map((route) => [`${route.method} ${route.path}`, route]),
);
const RECV_WINDOW_MS_DEFAULT = 5000;
const RECV_WINDOW_MS_MAX = 60_000;
/** How far a client's clock may be ahead, whatever its recvWindow (binance.md 2.5). */
const AHEAD_MS_MAX = 1000;

/** Answers requests against one venue. Keeps the budgets; the venue keeps everything else. */
export class Gateway {
  readonly #venue: Venue;
  readonly #limits: Limits;
  readonly #rates: RateLimits;

  constructor(venue: Venue, limits: Partial<Limits> = {}) {
    this.#venue = venue;
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#rates = new RateLimits(this.#limits);
  }

  /** Answers one request; never throws. Whatever it changes is changed when it returns. */
  answer(request: GatewayRequest, bend: Bend = UNBENT): Reply {
    const headers: Record<string, string> = { "Content-Type": "application/json" };
    try {
      const route = ROUTES_BY_NAME.get(`${request.method} ${request.path}`);
      // An unknown path still costs something, or polling one would be free.
      if (route === undefined) this.#spendWeight(request.ip, 1, headers);
      if (route === undefined) throw refuse("unknownPath", request.path, request.method);
      const query = new URLSearchParams(request.query);
      this.#spendWeight(request.ip, weigh(route.weight, query), headers);
      const result = this.#run(route, request, headers, bend);
      return { status: 200, headers, body: json(result) };
    } catch (error) {
      // Anything else is a mistake in the simulator; it says so, lest somebody looks for it in the client.
      const { status, code, msg } =
        error instanceof Refused ? error.refusal : refuse("unknownError", `(simulator: ${String(error)})`).refusal;
      return { status, headers, body: JSON.stringify({ code, msg }) };
    }
  }

  #run(route: Route, request: GatewayRequest, headers: Record<string, string>, bend: Bend): unknown {
    // A GET carries no parameters in its body (binance.md 2.1).
    const body = request.method === "GET" ? "" : request.body;
    const params = Params.parse(request.query, body);
    const fraction: Decimal | null = bend.fraction === undefined ? null : decimal(bend.fraction);
    const call = { venue: this.#venue, view: this.#venue, limits: this.#limits, params, fraction };
    if (route.access === "public") return route.handle(call);
    const { apiKey, account } = this.#identify(request);
    if (route.access === "keyed") return route.handle({ ...call, apiKey });
    this.#authenticate(request, body, params, account, bend.arrivedAt ?? this.#venue.now());
    const view = bend.staleMs === undefined ? this.#venue : this.#past(apiKey, bend.staleMs);
    return this.#runSigned(route, { ...call, view, apiKey }, headers);
  }

  #past(apiKey: string, staleMs: number): VenueView {
    return this.#venue.asOf(apiKey, (this.#venue.now() - staleMs) as UnixMillis);
  }

  #runSigned(route: Route & { access: "signed" }, call: SignedCall, headers: Record<string, string>): unknown {
    if (route.orders === undefined) return route.handle(call);
    const { in10s, inMinute } = route.orders;
    const count = this.#rates.countOrders(call.apiKey, in10s, inMinute, this.#venue.now());
    if (count.exceeded !== null) {
      const limit = count.exceeded === "10 SECOND" ? this.#limits.ordersPer10s : this.#limits.ordersPerMinute;
      throw refuse("tooManyOrders", String(limit), count.exceeded);
    }
    const result = route.handle(call);
    // Only orders that were taken carry the counts: a client may not rely on them (binance.md 3).
    headers["X-MBX-ORDER-COUNT-10S"] = String(count.used10s);
    headers["X-MBX-ORDER-COUNT-1M"] = String(count.usedMinute);
    return result;
  }

  #spendWeight(ip: string, weight: number, headers: Record<string, string>): void {
    const verdict = this.#rates.spendWeight(ip, weight, this.#venue.now());
    headers["X-MBX-USED-WEIGHT-1M"] = String(verdict.used);
    // No Retry-After: the futures documentation does not promise one (binance.md 3).
    if (verdict.kind === "refused") throw refuse("tooManyRequests", String(this.#limits.weightPerMinute));
    if (verdict.kind === "banned") throw refuse("banned", String(verdict.until));
  }

  /** The account whose key the request carries. */
  #identify(request: GatewayRequest): { readonly apiKey: string; readonly account: AccountSpec } {
    const { apiKey } = request;
    if (apiKey === null || !/^[\w-]+$/.test(apiKey)) throw refuse("keyFormat");
    const account = this.#venue.accountSpec(apiKey);
    if (account === null) throw refuse("rejectedKey");
    // Each kind of account has its own family of paths, and is nobody on the other's (binance.md 7.9).
    if (request.path.startsWith("/papi/") !== (account.portfolioMargin ?? false)) throw refuse("rejectedKey");
    return { apiKey, account };
  }

  /** Has it proven that the request comes from the account. */
  #authenticate(
    request: GatewayRequest,
    body: string,
    params: Params,
    account: AccountSpec,
    arrivedAt: UnixMillis,
  ): void {
    const timestamp = params.integer("timestamp");
    if (timestamp === null) throw refuse("mandatory", "timestamp");
    if (!params.has("signature")) throw refuse("mandatory", "signature");
    checkTimestamp(timestamp, params.integer("recvWindow") ?? RECV_WINDOW_MS_DEFAULT, arrivedAt);
    const parts = signedParts(request.query, body);
    if (parts === null || !verifySignature(account, parts)) throw refuse("badSignature");
  }
}

/** `timestamp < serverTime + 1000 && serverTime - timestamp <= recvWindow` (Binance docs, General Info: Timing security). */
function checkTimestamp(timestamp: number, recvWindowMs: number, now: UnixMillis): void {
  if (recvWindowMs > RECV_WINDOW_MS_MAX) throw refuse("invalidParameter", "recvWindow");
  if (timestamp >= now + AHEAD_MS_MAX) throw refuse("aheadOfServer");
  if (now - timestamp > recvWindowMs) throw refuse("outsideRecvWindow");
}

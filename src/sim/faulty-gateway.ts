/**
 * The gateway with faults: for each request a plan that says when it executes and how it ends for the client. It waits for
 * nothing and knows no sockets, so an HTTP server and a transport on virtual time carry out the same plans.
 */

import type { UnixMillis } from "../core/time.ts";
import { replyOf } from "./fault-answers.ts";
import type { Blow, EffectKind, FaultRequest } from "./fault-effects.ts";
import { type Fate, FaultBook } from "./faults.ts";
import { type Bend, Gateway, type GatewayRequest, type Reply } from "./gateway.ts";
import type { Limits } from "./rate-limits.ts";
import type { Venue } from "./venue.ts";

/** How a request ends for the client. Every `afterMs` counts from the request's arrival. */
export type Ending =
  /** Answered in full. */
  | { readonly kind: "reply"; readonly afterMs: number; readonly reply: () => Reply }
  /** Answered in full, the body byte by byte with that pause before each. */
  | { readonly kind: "drip"; readonly afterMs: number; readonly msPerByte: number; readonly reply: () => Reply }
  /** Status, headers and half of the body, then the connection is torn down. */
  | { readonly kind: "cut"; readonly afterMs: number; readonly reply: () => Reply }
  /** The connection is torn down without an answer. */
  | { readonly kind: "reset"; readonly afterMs: number }
  /** Never: the client waits as long as it likes. */
  | { readonly kind: "hang" };

/**
 * One request's fate. To carry it out, call `execute` after `executeAfterMs`, and end as `ending` says; where both are due
 * at the same time in either order, for `reply` sees to it that what it tells has happened.
 */
export interface Plan {
  /** The fault that was met; `null` for none. */
  readonly fault: EffectKind | null;
  /** Milliseconds from the arrival until the venue executes the request; `null`: it never does. May be after the ending. */
  readonly executeAfterMs: number | null;
  readonly ending: Ending;
  /**
   * Hands the request to the venue at the venue's time of this call, and returns the truthful answer. A second call changes
   * nothing and returns the same.
   *
   * @throws {Error} if `executeAfterMs` is `null`.
   */
  readonly execute: () => Reply;
}

/** One request that was told something false, told late, or told nothing. */
export interface Strike {
  /** The venue's time of the request's arrival. */
  readonly at: UnixMillis;
  readonly method: string;
  readonly path: string;
  readonly symbol: string | null;
  readonly effect: EffectKind;
  /** Whether the venue has executed the request; it may have refused it then. Late ones turn true when their time comes. */
  readonly executed: boolean;
}

/** What can be chosen about a faulty gateway. */
export interface FaultyGatewayOptions {
  /** Other budgets than Binance's documented ones. */
  readonly limits?: Partial<Limits>;
  /** How long a request takes there and back: it executes half-way. 0 by default. */
  readonly latencyMs?: number;
  /** The script; an empty book of its own by default. */
  readonly faults?: FaultBook;
}

/** Strikes kept; older ones are forgotten. */
const STRIKES_MAX = 1_000;

/** What is told half of, where nothing was executed that could be told: it begins like an order. */
const NEVER_EXECUTED: Reply = {
  status: 200,
  headers: { "Content-Type": "application/json" },
  body: '{"orderId":4000000001,"symbol":"BTCUSDT","status":"NEW"}',
};

/** Plans requests against one venue. */
export class FaultyGateway {
  /** The script; it may be changed at any time. */
  readonly faults: FaultBook;
  readonly #venue: Venue;
  readonly #gateway: Gateway;
  readonly #latencyMs: number;
  readonly #strikes: (Strike & { executed: boolean })[] = [];

  constructor(venue: Venue, { limits = {}, latencyMs = 0, faults = new FaultBook() }: FaultyGatewayOptions = {}) {
    this.faults = faults;
    this.#venue = venue;
    this.#gateway = new Gateway(venue, limits);
    this.#latencyMs = latencyMs;
  }

  /** Decides the fate of one request, which has just arrived. Nothing is executed yet. Call it once per request. */
  plan(request: GatewayRequest): Plan {
    const seen = requestOf(request);
    const fate = this.faults.next(seen, this.#venue.now());
    if (fate === null) return planOf(null, this.#latencyMs, this.#executor(request, {}, null));
    const strike = this.#record(seen, fate.kind);
    const execute = this.#executor(request, bendOf(fate.blow, this.#venue.now()), strike);
    return { ...planOf(fate.blow, this.#latencyMs, execute), fault: fate.kind };
  }

  /** Decides the fate of what is no call, such as the opening of a stream; `null` for no fault. Ask it once for each. */
  fate(request: FaultRequest): Fate | null {
    const fate = this.faults.next(request, this.#venue.now());
    if (fate !== null) this.#record(request, fate.kind);
    return fate;
  }

  /** What was told falsely or withheld, oldest first: the last 1000. */
  strikes(): readonly Strike[] {
    return this.#strikes;
  }

  #record({ method, path, symbol }: FaultRequest, effect: EffectKind): { executed: boolean } {
    const strike = { at: this.#venue.now(), method, path, symbol, effect, executed: false };
    this.#strikes.push(strike);
    if (this.#strikes.length > STRIKES_MAX) this.#strikes.shift();
    return strike;
  }

  #executor(request: GatewayRequest, bend: Bend, strike: { executed: boolean } | null): () => Reply {
    let reply: Reply | null = null;
    return () => {
      reply ??= this.#gateway.answer(request, bend);
      if (strike !== null) strike.executed = true;
      return reply;
    };
  }
}

function planOf(blow: Blow | null, latencyMs: number, execute: () => Reply): Plan {
  const half = latencyMs / 2;
  const plan = (executeAfterMs: number | null, ending: Ending): Plan => ({
    fault: blow?.kind ?? null,
    executeAfterMs,
    ending,
    execute: executeAfterMs === null ? neverExecuted : execute,
  });
  const told = (reply: Reply): Ending => ({ kind: "reply", afterMs: latencyMs, reply: () => reply });
  if (blow === null) return plan(half, { kind: "reply", afterMs: latencyMs, reply: execute });
  switch (blow.kind) {
    case "refuse":
      return plan(null, told(replyOf(blow.answer)));
    case "executed_but":
      return plan(half, told(replyOf(blow.answer)));
    case "late":
      return plan(half + blow.ms, told(replyOf(blow.answer)));
    case "hang":
      return plan(blow.executes ? half : null, { kind: "hang" });
    case "reset":
      return plan(blow.executes ? half : null, { kind: "reset", afterMs: latencyMs });
    case "cut":
      return plan(blow.executes ? half : null, {
        kind: "cut",
        afterMs: latencyMs,
        reply: blow.executes ? execute : () => NEVER_EXECUTED,
      });
    case "drip":
      return plan(half, { kind: "drip", afterMs: latencyMs, msPerByte: blow.ms, reply: execute });
    case "delay":
      return plan((latencyMs + blow.ms) / 2, { kind: "reply", afterMs: latencyMs + blow.ms, reply: execute });
    case "garbage":
      return plan(blow.executes ? half : null, told(replyOf({ status: 200, code: null, msg: "", body: blow.body })));
    case "partial":
    case "stale":
      return plan(half, { kind: "reply", afterMs: latencyMs, reply: execute });
  }
}

function neverExecuted(): never {
  throw new Error("This plan says that the request is never executed");
}

function bendOf(blow: Blow, arrivedAt: UnixMillis): Bend {
  switch (blow.kind) {
    case "partial":
      return { fraction: blow.fraction };
    case "stale":
      return { staleMs: blow.ms };
    case "late":
      // It was let in when it came and waited inside: a short recvWindow does not save a client from late execution.
      return { arrivedAt };
    default:
      return {};
  }
}

function requestOf({ method, path, query, body, apiKey, ip }: GatewayRequest): FaultRequest {
  const inQuery = new URLSearchParams(query).get("symbol");
  const symbol = inQuery ?? (method === "GET" ? null : new URLSearchParams(body).get("symbol"));
  return { method, path, symbol, apiKey, ip };
}

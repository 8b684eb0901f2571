/**
 * One HTTP exchange, at most once, within a deadline that really fires.
 *
 * Why not `fetch` or `node:http`: Bun's and Deno's may write a request twice when a kept-alive socket dies under it, and
 * an order must never be sent twice. Why `undici/index.js`: on Bun the bare name is a stub that drops requests and
 * timeouts. Why `dispatch` and not `request`: it tells the moment a request is about to be written, so that "certainly
 * not sent" and "may have been received" can be told apart, and a request that ran out of time in a queue is never
 * written at all.
 */

import type { IncomingHttpHeaders } from "node:http";
// The one place that imports undici; lint forbids the bare name everywhere.
import { type Dispatcher, Pool } from "undici/index.js";
import { after } from "../../core/time.ts";
import type { Clock } from "../../ports/clock.ts";
import { trustIn } from "../host/trust.ts";

/** An answer larger than this is cut off: the venue's largest, `exchangeInfo`, is a few MiB. */
const BODY_BYTES_MAX = 16 * 1024 * 1024;

/**
 * How long an idle socket is kept, unless the other side announces less. A pool stays warm by being used more often than
 * this; the worker's widest round of pings is 37.5 s. A balancer on the way usually gives an idle connection 60 s.
 */
const KEEP_ALIVE_MS = 55_000;

/** How long a socket may take to connect, TLS included. undici rounds it up to its next tick of about a second. */
const CONNECT_TIMEOUT_MS = 3_000;

/** What became of one request. */
export type HttpOutcome =
  /** A complete answer, of any status. */
  | { readonly kind: "answer"; readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string }
  /**
   * No complete answer. `sent` is `"no"` when not one byte of the request was or will be written, and `"maybe"` when
   * the other side may have received and acted on it. `why` holds neither the path nor a header.
   */
  | { readonly kind: "no_answer"; readonly why: string; readonly sent: "no" | "maybe" };

/** One request. */
export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Path and query exactly as they go on the wire: what was signed is what is sent. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as UTF-8. Left out where there is none: what Binance is sent is all in the path. */
  readonly body?: string;
  /** From the call to the last byte of the answer: queueing, connecting and reading the body included. */
  readonly deadlineMs: number;
}

/** Kept-alive connections to one origin. */
export interface HttpPool {
  /**
   * Sends a request once: no retry, no redirect, one request at a time on a socket. Never rejects, and settles within
   * the request's deadline on every runtime; what is still in flight then is aborted and its socket thrown away.
   */
  send(request: HttpRequest): Promise<HttpOutcome>;
  /** Closes every socket at once; requests in flight end as `no_answer`. */
  dispose(): Promise<void>;
}

/** Where a pool connects to. */
export interface HttpPoolOptions {
  /** Scheme, host and port, such as `https://fapi.binance.com`. */
  readonly origin: string;
  /** How many sockets at most, and so how many requests at a time; more wait in line. */
  readonly connections: number;
  /** PEM certificates to trust besides the public ones. Certificates are verified in any case. */
  readonly caPem?: string | undefined;
  readonly clock: Clock;
}

/** Opens a pool. It connects when it is first used. */
export function httpPool(options: HttpPoolOptions): HttpPool {
  const { clock } = options;
  const pool = new Pool(options.origin, {
    connections: options.connections,
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    // Taken off an idle limit that the server announces; undici's own 2 s would leave 3 s of the usual 5.
    keepAliveTimeoutThreshold: 1_000,
    // Our own deadline rules. undici's timers are coarse, start only with a connected socket, and restart with each chunk.
    headersTimeout: 0,
    bodyTimeout: 0,
    autoSelectFamily: false,
    connect: {
      timeout: CONNECT_TIMEOUT_MS,
      // API keys are bound to IPv4 addresses in practice, and racing address families crashed Bun (oven-sh/bun#25633).
      family: 4,
      // Said explicitly so that NODE_TLS_REJECT_UNAUTHORIZED=0 in an environment cannot switch it off.
      rejectUnauthorized: true,
      ...(options.origin.startsWith("https:") ? { secureContext: trustIn(options.caPem ?? null) } : {}),
    },
  });

  function send(request: HttpRequest): Promise<HttpOutcome> {
    // A warm socket would carry it before the timer has its turn.
    if (request.deadlineMs <= 0) {
      return Promise.resolve({ kind: "no_answer", why: "no time was left to send it", sent: "no" });
    }
    return new Promise((resolve) => {
      let settled = false;
      let sent: "no" | "maybe" = "no";
      let controller: Dispatcher.DispatchController | null = null;
      let status = 0;
      let headers: IncomingHttpHeaders = {};
      const chunks: Buffer[] = [];
      let bodyBytes = 0;

      const settle = (outcome: HttpOutcome): void => {
        if (settled) return;
        settled = true;
        cancelDeadline();
        // Two turns later the pool counts the socket as free again (undici frees it in a turn of its own). A caller that
        // went on at once would not find it and pay for a new connection: three round trips, between cancel and close.
        setImmediate(() => setImmediate(() => resolve(outcome)));
      };
      const giveUp = (why: string): void => {
        settle({ kind: "no_answer", why, sent });
        // Destroys the socket, so a late answer cannot be taken for the next request's.
        controller?.abort(new Error(why));
      };
      const cancelDeadline = clock.at(after(clock.now(), request.deadlineMs), () =>
        giveUp(`no answer within ${Math.round(request.deadlineMs)} ms`),
      );

      const handler: Dispatcher.DispatchHandler = {
        // Called with a connected socket, before the first byte is written.
        onRequestStart(starting) {
          controller = starting;
          if (settled) starting.abort(new Error("the deadline passed before the request could be sent"));
          // undici does not do this with one request at a time on a socket; if it ever did, an order would go out twice.
          else if (sent === "maybe") giveUp("stopped from being written a second time");
          else sent = "maybe";
        },
        onResponseStart(_controller, statusCode, responseHeaders) {
          status = statusCode;
          headers = responseHeaders;
        },
        onResponseData(_controller, chunk) {
          bodyBytes += chunk.length;
          if (bodyBytes > BODY_BYTES_MAX) giveUp(`the answer is larger than ${BODY_BYTES_MAX} bytes`);
          else chunks.push(chunk);
        },
        onResponseEnd() {
          settle({ kind: "answer", status, headers, body: Buffer.concat(chunks).toString("utf8") });
        },
        onResponseError(_controller, error) {
          settle({ kind: "no_answer", why: describe(error), sent });
        },
      };

      try {
        const { method, path, headers, body = null } = request;
        pool.dispatch({ method, path, headers, body }, handler);
      } catch (error) {
        giveUp(describe(error));
      }
    });
  }

  return { send, dispose: () => pool.destroy() };
}

/** An error in one line: its message, and its code where the message does not name it. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error && typeof error.code === "string" ? error.code : null;
  if (error.message === "") return code ?? error.name;
  return code === null || error.message.includes(code) ? error.message : `${error.message} (${code})`;
}

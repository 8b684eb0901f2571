/**
 * The simulated venue over loopback HTTP or HTTPS, its streams on the same port. Only `node:http` and `node:https`: it runs on
 * Bun, Deno and compiled.
 */

import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { UnixMillis } from "../core/time.ts";
import type { Certificate } from "./certificate.ts";
import { answerControl, type ServerFacts } from "./control.ts";
import { endRequest, pause, send } from "./ending.ts";
import type { FaultBook } from "./faults.ts";
import { FaultyGateway, type Plan } from "./faulty-gateway.ts";
import type { GatewayRequest, Reply } from "./gateway.ts";
import type { Limits } from "./rate-limits.ts";
import { StreamBook, type StreamFamily } from "./stream-book.ts";
import { serveStreams } from "./stream-server.ts";
import type { Venue } from "./venue.ts";

/** How the venue is served. */
export interface BinanceServerOptions {
  readonly venue: Venue;
  /** 0, the default, takes any free port. */
  readonly port?: number;
  /** Serves HTTPS with this certificate; HTTP if not given. */
  readonly tls?: Certificate;
  /** How long a request takes there and back: it executes half-way. */
  readonly latencyMs?: number;
  /** Other budgets than Binance's documented ones. */
  readonly limits?: Partial<Limits>;
  /** What goes wrong; nothing by default. It may be changed while serving, and by `POST /sim/faults`. */
  readonly faults?: FaultBook;
  /** Streams a mark as soon as it is moved, besides once a second: Binance does not. */
  readonly marksAtOnce?: boolean;
}

/** One request as it arrived. */
interface RequestRecord {
  readonly method: string;
  readonly path: string;
  /** Raw, without the question mark. */
  readonly query: string;
  /** Raw. */
  readonly body: string;
  /** The venue's time when it was executed, not when it was answered; if it never was, of its arrival. */
  readonly at: UnixMillis;
  /** What the venue answered, whatever the client was told; for one never executed what was told, 0 for nothing. */
  readonly status: number;
}

/** A running server. */
export interface BinanceServer {
  /** `http://127.0.0.1:PORT`, or `https://…`; no slash at the end. */
  readonly url: string;
  readonly port: number;
  /** TLS handshakes completed; 0 over HTTP. */
  readonly handshakes: () => number;
  /** The last 10 000 requests, in the order of execution; `/sim/` paths are not among them. */
  readonly requests: () => readonly RequestRecord[];
  /** How the streams behave; also `POST /sim/streams`. */
  readonly streams: StreamBook;
  /** How many streams of each family are open. */
  readonly openStreams: () => Readonly<Record<StreamFamily, number>>;
  /** Stops listening and cuts open connections; what was to execute later never does. */
  readonly close: () => Promise<void>;
}

const REQUESTS_MAX = 10_000;
const BODY_BYTES_MAX = 1_000_000;
/** The end of the server is waited for no longer. */
const CLOSE_MS_MAX = 500;
/** The usual default of five seconds would close a client's warm sockets before the emergency they are kept warm for. */
const KEEP_ALIVE_MS = 65_000;
const TOO_LONG: Reply = { status: 413, headers: {}, body: "" };

/** Starts serving on 127.0.0.1, and nowhere else. Resolves when it listens; rejects if it cannot. */
export async function serveBinance(options: BinanceServerOptions): Promise<BinanceServer> {
  const { venue, port = 0, tls, latencyMs = 0, limits = {} } = options;
  const gateway = new FaultyGateway(venue, {
    limits,
    latencyMs,
    ...(options.faults === undefined ? {} : { faults: options.faults }),
  });
  const closing = new AbortController();
  const requests: RequestRecord[] = [];
  const requestCounts: Record<string, number> = {};
  let requestsTotal = 0;
  let handshakes = 0;
  const facts = (): ServerFacts => ({
    handshakes,
    requests: requestsTotal,
    requestCounts,
    streams: streams.open(),
    struck: gateway.strikes(),
  });
  const book = new StreamBook();
  const stage = { venue, faults: gateway.faults, streams: book, facts };

  const note = ({ method, path, query, body }: GatewayRequest, status: number): void => {
    requests.push({ method, path, query, body, at: venue.now(), status });
    if (requests.length > REQUESTS_MAX) requests.shift();
    requestsTotal += 1;
    // Made-up paths share one count, or they could fill the memory.
    const name = status === 404 ? "unknown path" : `${method} ${path}`;
    requestCounts[name] = (requestCounts[name] ?? 0) + 1;
  };

  /** Whatever becomes of the client: a venue executes what it has received. */
  const execute = async (request: GatewayRequest, plan: Plan): Promise<void> => {
    if (plan.executeAfterMs === null) {
      note(request, plan.ending.kind === "reply" ? plan.ending.reply().status : 0);
      return;
    }
    await pause(plan.executeAfterMs, closing.signal);
    note(request, plan.execute().status);
  };

  const serve = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request = await readRequest(message);
    if (request === null) {
      send(response, TOO_LONG);
      return;
    }
    // The scene is set at once: latency is the venue's, not the stage hand's.
    const control = answerControl(stage, request);
    if (control !== null) {
      send(response, control);
      return;
    }
    const plan = gateway.plan(request);
    // Only closing the server can keep it from executing.
    execute(request, plan).catch(() => undefined);
    await endRequest(response, plan.ending, closing.signal);
  };
  const listener = (message: IncomingMessage, response: ServerResponse): void => {
    // A client that went away in mid-request has nobody to answer to.
    serve(message, response).catch(() => response.destroy());
  };

  const server =
    tls === undefined ? createServer(listener) : createTlsServer({ cert: tls.certPem, key: tls.keyPem }, listener);
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.on("secureConnection", () => {
    handshakes += 1;
  });
  const streams = serveStreams(server, {
    venue,
    gateway,
    book,
    latencyMs,
    marksAtOnce: options.marksAtOnce ?? false,
    note: (path, query, status) => note({ method: "GET", path, query, body: "", apiKey: null, ip: "" }, status),
  });
  const bound = await listen(server, port);
  return {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${bound}`,
    port: bound,
    handshakes: () => handshakes,
    requests: () => requests,
    streams: book,
    openStreams: streams.open,
    close: () => {
      closing.abort();
      streams.close();
      return close(server);
    },
  };
}

/** The request with its whole body; `null` if that is too long. Rejects if the client goes away first. */
async function readRequest(message: IncomingMessage): Promise<GatewayRequest | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message) {
    const buffer = Buffer.from(chunk);
    bytes += buffer.length;
    if (bytes > BODY_BYTES_MAX) return null;
    chunks.push(buffer);
  }
  const target = message.url ?? "/";
  const cut = target.indexOf("?");
  const apiKey = message.headers["x-mbx-apikey"];
  return {
    method: message.method ?? "GET",
    path: cut < 0 ? target : target.slice(0, cut),
    query: cut < 0 ? "" : target.slice(cut + 1),
    body: Buffer.concat(chunks).toString("utf8"),
    apiKey: typeof apiKey === "string" ? apiKey : null,
    ip: message.socket.remoteAddress ?? "unknown",
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      const address: AddressInfo | string | null = server.address();
      if (address === null || typeof address === "string") reject(new Error("The server has no port"));
      else resolve(address.port);
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // Under Bun it does not always say that it has ended when requests were under way; its connections are cut all the same.
    const bound = setTimeout(resolve, CLOSE_MS_MAX);
    server.close(() => {
      clearTimeout(bound);
      resolve();
    });
    server.closeAllConnections();
  });
}

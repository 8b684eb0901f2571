/**
 * The venue's streams over WebSocket, on the server that answers its calls. Under the bare name `ws` is a stub on Bun; see
 * `adapters/http/web-socket.ts`.
 */

import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "real-ws";
import { replyOf } from "./fault-answers.ts";
import type { Blow } from "./fault-effects.ts";
import type { FaultyGateway } from "./faulty-gateway.ts";
import type { Reply } from "./gateway.ts";
import { STREAM_FAMILIES, type StreamBook, type StreamFamily } from "./stream-book.ts";
import { readStreamPath, type StreamWish } from "./stream-path.ts";
import type { Venue } from "./venue.ts";
import type { VenueChange } from "./venue-change.ts";
import type { Row } from "./wire.ts";
import { accountMessages, listenKeyExpired, markPriceUpdate, streamJson } from "./wire-streams.ts";

/** How the streams are served. */
export interface StreamServerOptions {
  readonly venue: Venue;
  /** Its faults strike the opening of a stream, too, as `GET /market/ws`, `/market/stream`, `/private/ws` or `/private/stream`. */
  readonly gateway: FaultyGateway;
  readonly book: StreamBook;
  /** Everything is sent half of it after it happened. */
  readonly latencyMs: number;
  /**
   * Tells a mark as soon as it is moved, besides once a second. Not as Binance does it: for drills and tests that measure from
   * the moment of the move.
   */
  readonly marksAtOnce: boolean;
  /** The path and what became of each opening. */
  readonly note: (path: string, query: string, status: number) => void;
}

/** The streams of a running server. */
export interface StreamServer {
  /** How many connections of each family are open. */
  open(): Readonly<Record<StreamFamily, number>>;
  /** Cuts every connection, and stops. */
  close(): void;
}

interface Connection {
  readonly socket: WebSocket;
  readonly wish: StreamWish;
  /** Nothing comes on it any more, or ever: its key is none. */
  ended: boolean;
}

const SECOND_MS = 1_000;
/** What a client sends is read and has no effect: a stream is chosen by its address. */
const CLIENT_BYTES_MAX = 65_536;
/** A client that reads slower than this is cut off. */
const BUFFERED_BYTES_MAX = 8 * 1024 * 1024;

/** Begins to serve streams on `server`. */
export function serveStreams(server: Server, options: StreamServerOptions): StreamServer {
  const { venue, book, latencyMs } = options;
  const doors = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: CLIENT_BYTES_MAX,
    // A frozen stream answers no ping.
    autoPong: false,
  });
  const connections = new Set<Connection>();
  /** In the middle of a handshake, or refused; an open one is its socket's business. */
  const raw = new Set<Duplex>();
  const timers = new Set<ReturnType<typeof setTimeout>>();

  const later = (ms: number, act: () => void): void => {
    if (ms <= 0) {
      act();
      return;
    }
    const timer = setTimeout(() => {
      timers.delete(timer);
      act();
    }, ms);
    timers.add(timer);
  };

  const send = (connection: Connection, stream: string, message: Row | readonly Row[]): void => {
    const { mood, delayMs } = book.manner(connection.wish.family);
    if (mood !== "flowing" || connection.ended) return;
    const text = streamJson(connection.wish.combined ? { stream, data: message } : message);
    later(latencyMs / 2 + delayMs, () => {
      const { socket } = connection;
      if (socket.readyState !== socket.OPEN) return;
      if (socket.bufferedAmount > BUFFERED_BYTES_MAX) socket.terminate();
      else socket.send(text);
    });
  };

  const tellMarks = (connection: Connection, isDue: (everySeconds: number) => boolean, only?: string): void => {
    const { wish } = connection;
    if (wish.family !== "market") return;
    for (const { name, symbol, everySeconds } of wish.marks) {
      if (!isDue(everySeconds)) continue;
      const rows = venue
        .symbols()
        .filter((rules) => (symbol ?? rules.symbol) === rules.symbol && (only ?? rules.symbol) === rules.symbol)
        .map((rules) => markPriceUpdate(venue, rules));
      const [row] = rows;
      if (row !== undefined) send(connection, name, symbol === null ? rows : row);
    }
  };

  const tellAccount = (connection: Connection, change: Exclude<VenueChange, { kind: "mark" }>): void => {
    const { wish } = connection;
    if (wish.family !== "private" || venue.listenKeys.ownerOf(wish.listenKey)?.apiKey !== change.apiKey) return;
    for (const message of accountMessages(venue, change)) {
      if (wish.events?.has(String(message["e"])) ?? true) send(connection, wish.listenKey, message);
    }
  };

  /** A key that runs out is told, and then silent; one that is closed closes its streams (USDⓈ-M docs, User Data Streams). */
  const endOld = (connection: Connection): void => {
    const { wish, socket, ended } = connection;
    if (wish.family !== "private" || ended) return;
    const owner = venue.listenKeys.ownerOf(wish.listenKey);
    if (owner !== null && !owner.expired) return;
    if (owner === null) socket.close();
    else send(connection, wish.listenKey, listenKeyExpired(venue.now(), wish.listenKey));
    connection.ended = true;
  };

  let seconds = 0;
  const clock = setInterval(() => {
    seconds += 1;
    for (const connection of connections) {
      endOld(connection);
      tellMarks(connection, (everySeconds) => seconds % everySeconds === 0);
    }
  }, SECOND_MS);

  const unwatch = venue.watch((change) => {
    for (const connection of connections) {
      if (change.kind !== "mark") tellAccount(connection, change);
      else if (options.marksAtOnce) tellMarks(connection, () => true, change.symbol);
    }
  });

  book.onStrike((blow, families) => {
    if (blow === "expire_keys") venue.listenKeys.expireAll();
    for (const connection of [...connections]) {
      if (blow === "expire_keys") endOld(connection);
      else if (families.includes(connection.wish.family)) connection.socket.terminate();
    }
  });

  const accept = (request: IncomingMessage, duplex: Duplex, head: Buffer, wish: StreamWish): void => {
    raw.delete(duplex);
    doors.handleUpgrade(request, duplex, head, (socket) => {
      const ended = wish.family === "private" && (venue.listenKeys.ownerOf(wish.listenKey)?.expired ?? true);
      const connection: Connection = { socket, wish, ended };
      connections.add(connection);
      socket.on("close", () => connections.delete(connection));
      // A client that breaks the protocol is cut off by the library.
      socket.on("error", () => undefined);
      socket.on("ping", (data) => {
        if (book.manner(wish.family).mood !== "frozen") socket.pong(data);
      });
    });
  };

  const onUpgrade = (request: IncomingMessage, duplex: Duplex, head: Buffer): void => {
    raw.add(duplex);
    duplex.on("close", () => raw.delete(duplex));
    duplex.on("error", () => duplex.destroy());
    const target = request.url ?? "/";
    const wish = readStreamPath(target);
    const query = target.includes("?") ? target.slice(target.indexOf("?") + 1) : "";
    if (wish === null) {
      options.note(target.split("?")[0] ?? "/", query, 404);
      answer(duplex, { status: 404, headers: {}, body: "" });
      return;
    }
    const ip = request.socket.remoteAddress ?? "unknown";
    const fate = options.gateway.fate({ method: "GET", path: wish.path, symbol: null, apiKey: null, ip });
    const outcome = outcomeOf(fate?.blow ?? null);
    options.note(
      wish.path,
      wish.family === "private" ? "" : query,
      outcome.kind === "refuse" ? outcome.reply.status : 101,
    );
    const afterMs = latencyMs + (outcome.kind === "accept" ? outcome.delayMs : 0);
    later(afterMs, () => {
      if (duplex.destroyed) return;
      if (outcome.kind === "accept") accept(request, duplex, head, wish);
      else if (outcome.kind === "refuse") answer(duplex, outcome.reply);
      else if (outcome.kind === "reset") duplex.destroy();
    });
  };
  server.on("upgrade", onUpgrade);

  return {
    open: () => {
      const count = (family: StreamFamily) => [...connections].filter(({ wish }) => wish.family === family).length;
      const [market, account] = STREAM_FAMILIES.map(count);
      return { market: market ?? 0, private: account ?? 0 };
    },
    close: () => {
      unwatch();
      clearInterval(clock);
      for (const timer of timers) clearTimeout(timer);
      server.off("upgrade", onUpgrade);
      for (const { socket } of connections) socket.terminate();
      for (const duplex of raw) duplex.destroy();
    },
  };
}

type Outcome =
  | { readonly kind: "accept"; readonly delayMs: number }
  | { readonly kind: "refuse"; readonly reply: Reply }
  | { readonly kind: "reset" }
  | { readonly kind: "hang" };

/** What a fault makes of a handshake; nothing is executed, so that half of some faults has no meaning here. */
function outcomeOf(blow: Blow | null): Outcome {
  switch (blow?.kind) {
    case "refuse":
    case "executed_but":
    case "late":
      return { kind: "refuse", reply: replyOf(blow.answer) };
    case "garbage":
      return { kind: "refuse", reply: { status: 200, headers: {}, body: blow.body } };
    case "reset":
    case "cut":
      return { kind: "reset" };
    case "hang":
      return { kind: "hang" };
    case "delay":
      return { kind: "accept", delayMs: blow.ms };
    case "drip":
    case "partial":
    case "stale":
    case undefined:
      return { kind: "accept", delayMs: 0 };
  }
}

function answer(duplex: Duplex, { status, headers, body }: Reply): void {
  const bytes = Buffer.from(body);
  const head = Object.entries({ ...headers, "Content-Length": String(bytes.length), Connection: "close" });
  const lines = [`HTTP/1.1 ${status} Refused`, ...head.map(([name, value]) => `${name}: ${value}`), "", ""];
  duplex.end(Buffer.concat([Buffer.from(lines.join("\r\n")), bytes]));
}

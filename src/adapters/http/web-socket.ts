/**
 * One WebSocket, as a client: text in, and nothing out but pings.
 *
 * Why `ws`, and why by the name `real-ws`. Measured on Bun 1.4.5, on Deno 2.9.6 and compiled by that Bun:
 * - Under Bun the bare name `ws` is a stub over Bun's own client, which takes neither a socket nor a certificate context of
 *   ours, and no deep path helps: `ws/wrapper.mjs` is not exported ("Cannot find package" on Bun, ERR_PACKAGE_PATH_NOT_EXPORTED on
 *   Deno; only the bundler lets it pass). Under another name, which npm gives it, the package is the real one everywhere.
 * - It connects with the socket we make, so that this process trusts and verifies as it does over HTTP, whatever
 *   NODE_TLS_REJECT_UNAUTHORIZED and HTTPS_PROXY say: a certificate that is not trusted, or is for another host, is refused.
 * - A peer that accepts and says nothing, in TCP, in TLS, in mid-handshake or once open, is dropped at `cut()`: it sees the
 *   socket close within a tick. None of the library's own timeouts is used; its `handshakeTimeout` does not cover TLS under Bun.
 * - A frame in the same packet as the handshake's answer is not lost, one above the limit ends the connection before it is
 *   read, a redirect or any other status than 101 ends it with that status in the message.
 * - undici, which is here anyway, has a client that passes the same checks, but says of no failure what it was, and has no
 *   server for the simulated exchange. The runtimes' own clients differ in how a certificate is given, and send no ping.
 */

import { Buffer } from "node:buffer";
import { isIP, type Socket, connect as tcpConnect } from "node:net";
import { type SecureContext, connect as tlsConnect } from "node:tls";
// The one place besides the simulated exchange that imports ws; lint forbids the bare name everywhere.
import { WebSocket } from "real-ws";

/** What is to be connected to, and who is told what comes of it. None of the callbacks may throw. */
export interface WebSocketOptions {
  /** `ws://…` or `wss://…`. */
  readonly url: string;
  /** Whom `wss` trusts; certificates are verified in any case. */
  readonly trust: SecureContext;
  /** A message larger than this ends the connection. */
  readonly messageBytesMax: number;
  /** The handshake is done. Told once at most. */
  onOpen(): void;
  /** A whole text message, in the turn in which its last byte was read. */
  onText(text: string): void;
  /** The other side answered a ping. */
  onPong(): void;
  /**
   * The connection has ended or never came about; the last that is told, and not told after `cut()`. There is no deadline here: a
   * peer that says nothing ends nothing. `why` may repeat parts of the URL.
   */
  onLost(why: string): void;
}

/** A connection that is being made, is open, or was. */
export interface WebSocketLine {
  /** Asks for a pong; nothing where the connection is not open. */
  ping(): void;
  /** Ends it at once without a closing handshake, in whatever state it is. Nothing more is told. */
  cut(): void;
  /** Resolves when its socket is closed. Never rejects. */
  readonly closed: Promise<void>;
}

/** Begins to connect. Never throws: a URL that can't be used is lost like any other. */
export function openWebSocket(options: WebSocketOptions): WebSocketLine {
  const sockets: { destroy(): unknown }[] = [];
  let over = false;
  const end = (why: string): void => {
    if (over) return;
    over = true;
    options.onLost(why);
  };
  // Called once, with what is to be connected to; the type is that of Node's overloads.
  const connection = ((to: { readonly host?: string; readonly port?: string | number }) => {
    const made = connect(to.host ?? "", Number(to.port), options.url.startsWith("wss:") ? options.trust : null);
    sockets.push(made);
    return made;
  }) as typeof tcpConnect;
  let socket: WebSocket;
  try {
    socket = new WebSocket(options.url, {
      // Compressed, a small message may become a large one, and each one would cost a turn of the event loop more.
      perMessageDeflate: false,
      maxPayload: options.messageBytesMax,
      headers: { "user-agent": "quantum" },
      createConnection: connection,
    });
  } catch (error) {
    queueMicrotask(() => end(messageOf(error)));
    const cut = (): void => {
      over = true;
    };
    return { ping: () => undefined, cut, closed: Promise.resolve() };
  }
  // It always has a listener, or a failure while connecting would end the process.
  let failure: string | null = null;
  socket.on("error", (error) => {
    failure ??= messageOf(error);
  });
  const closed = new Promise<void>((resolve) => {
    socket.on("close", (code) => {
      // 1006 is the library's word for no closing handshake (RFC 6455, 7.4.1).
      end(failure ?? (code === 1006 ? "the connection broke" : `the other side closed it with code ${code}`));
      resolve();
    });
  });
  socket.on("open", () => {
    if (!over) options.onOpen();
  });
  socket.on("message", (data, isBinary) => {
    if (over) return;
    // A message is one Buffer, unless another `binaryType` is asked for.
    if (!isBinary && Buffer.isBuffer(data)) options.onText(data.toString("utf8"));
    else {
      end("it sent a binary message, expected text");
      cut();
    }
  });
  socket.on("pong", () => {
    if (!over) options.onPong();
  });
  const cut = (): void => {
    over = true;
    socket.terminate();
    // While connecting, terminate() gives up the request only; the socket below it is ours to close.
    for (const made of sockets) made.destroy();
  };
  return {
    ping: () => {
      if (!over && socket.readyState === WebSocket.OPEN) socket.ping();
    },
    cut,
    closed,
  };
}

/** IPv4, as everything that goes to the venue: see `pool.ts`. `rejectUnauthorized` is said so that no environment unsays it. */
function connect(host: string, port: number, trust: SecureContext | null): Socket {
  const to = { host, port, family: 4, autoSelectFamily: false };
  const made =
    trust === null
      ? tcpConnect(to)
      : tlsConnect({
          ...to,
          secureContext: trust,
          rejectUnauthorized: true,
          // A name may be sent to the server, an address may not (RFC 6066); either is what the certificate must be for.
          servername: isIP(host) === 0 ? host : "",
        });
  return made.setNoDelay(true);
}

function messageOf(error: unknown): string {
  return error instanceof Error && error.message !== "" ? error.message : String(error);
}

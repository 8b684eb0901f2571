/**
 * The promises of adapters/http/web-socket.ts and adapters/binance/stream.ts that a runtime could break, checked on whatever
 * runtime runs this file. Prints one line per fact; exits 1 at the first that does not hold, and otherwise ends by itself, which
 * it can only where nothing was left open. Run by http.test.ts on Bun, Deno and compiled.
 */

import { createHash } from "node:crypto";
import { createServer as createTcpServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { binanceExchange } from "../../src/adapters/binance/exchange.ts";
import { binanceStream } from "../../src/adapters/binance/stream.ts";
import { hostClock } from "../../src/adapters/host/clock.ts";
import { trustIn } from "../../src/adapters/host/trust.ts";
import { openWebSocket, type WebSocketLine } from "../../src/adapters/http/web-socket.ts";
import { decimal } from "../../src/core/decimal.ts";
import { ACCOUNT_STREAM_LIMITS, MARK_STREAM_LIMITS } from "../../src/core/stream-health.ts";
import type { StreamEvent } from "../../src/ports/venue-stream.ts";
import { serveBinance } from "../../src/sim/binance-server.ts";
import { throwAwayCertificate } from "../../src/sim/certificate.ts";
import { Venue } from "../../src/sim/venue.ts";

const BOUND_MS = 5_000;
const MESSAGE_BYTES_MAX = 1_000;
const certificate = await throwAwayCertificate();
const stranger = await throwAwayCertificate();

/** A server of raw sockets. */
interface Peer {
  readonly url: string;
  /** How many sockets are open, and how many have been. */
  open(): number;
  total(): number;
  close(): Promise<void>;
}

interface PeerOptions {
  /** What the client expects; the server says nothing of its own accord. */
  readonly scheme: "ws" | "wss";
  /** Whether the server answers the TLS greeting. */
  readonly tls?: boolean;
  readonly host?: string;
  /** What is done with each socket, besides reading it. */
  onSocket(socket: Socket): void;
}

async function peer({ scheme, tls = false, host = "127.0.0.1", onSocket }: PeerOptions): Promise<Peer> {
  const sockets = new Set<Socket>();
  let total = 0;
  const listener = (socket: Socket): void => {
    total += 1;
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
    onSocket(socket);
    socket.resume();
  };
  const server = tls
    ? createTlsServer({ cert: certificate.certPem, key: certificate.keyPem }, listener)
    : createTcpServer(listener);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return {
    url: `${scheme}://${host}:${address.port}`,
    open: () => sockets.size,
    total: () => total,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Answers the handshake, and sends `rest` in the same packet. */
function accept(socket: Socket, rest: Buffer = Buffer.alloc(0)): void {
  socket.once("data", (data) => {
    const key = /sec-websocket-key: (\S+)/i.exec(data.toString("latin1"))?.[1] ?? "";
    const digest = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    const lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
    const head = [...lines, `Sec-WebSocket-Accept: ${digest}`, "", ""].join("\r\n");
    socket.write(Buffer.concat([Buffer.from(head), rest]));
  });
}

/** One unmasked text frame of that many bytes, as a server sends it. */
function frame(bytes: number): Buffer {
  const head = bytes < 126 ? [0x81, bytes] : [0x81, 126, bytes >> 8, bytes & 0xff];
  return Buffer.concat([Buffer.from(head), Buffer.alloc(bytes, "x")]);
}

async function until(holds: () => boolean): Promise<boolean> {
  const endAt = performance.now() + BOUND_MS;
  while (performance.now() < endAt) {
    if (holds()) return true;
    await hostClock.sleep(10);
  }
  return false;
}

function told(fact: string, complaint: string | null): void {
  console.log(`${complaint === null ? "ok  " : "FAIL"} ${fact}${complaint === null ? "" : `: ${complaint}`}`);
  if (complaint !== null) process.exit(1);
}

async function check(
  fact: string,
  options: PeerOptions,
  run: (line: WebSocketLine, heard: readonly string[], there: Peer) => Promise<string | null>,
): Promise<void> {
  const there = await peer(options);
  const heard: string[] = [];
  const line = openWebSocket({
    url: `${there.url}/market/ws/x`,
    trust: trustIn(certificate.certPem),
    messageBytesMax: MESSAGE_BYTES_MAX,
    onOpen: () => heard.push("open"),
    onText: (text) => heard.push(`text ${text.length}`),
    onPong: () => heard.push("pong"),
    onLost: (why) => heard.push(`lost ${why}`),
  });
  const complaint = await run(line, heard, there);
  line.cut();
  await there.close();
  told(fact, complaint);
}

/** Cuts the line once `ready` holds, and looks whether the peer sees its socket close and nothing more is told. */
const cutWhen =
  (ready: (heard: readonly string[], there: Peer) => boolean) =>
  async (line: WebSocketLine, heard: readonly string[], there: Peer): Promise<string | null> => {
    if (!(await until(() => ready(heard, there)))) return `it was never ready to be cut: ${heard.join(", ")}`;
    const before = heard.length;
    line.cut();
    if (!(await until(() => there.open() === 0))) return "its socket stayed open";
    await line.closed;
    return heard.length === before ? null : `told after it was cut: ${heard.slice(before).join(", ")}`;
  };

/** Waits for the end, and looks whether it says why. */
const lostBy =
  (why: RegExp) =>
  async (line: WebSocketLine, heard: readonly string[]): Promise<string | null> => {
    const ended = await until(() => heard.some((word) => word.startsWith("lost ")));
    await line.closed;
    return ended && why.test(heard.at(-1) ?? "") ? null : `expected to lose it by ${why}, heard ${heard.join(", ")}`;
  };

const connected = (_heard: readonly string[], there: Peer): boolean => there.open() === 1;
const opened = (heard: readonly string[]): boolean => heard.includes("open");

await check("a peer that never answers is dropped", { scheme: "ws", onSocket: () => {} }, cutWhen(connected));
await check("a peer that never greets in TLS is dropped", { scheme: "wss", onSocket: () => {} }, cutWhen(connected));
await check(
  "a peer that opens and goes mute is dropped",
  { scheme: "ws", onSocket: (socket) => accept(socket) },
  cutWhen(opened),
);
await check("so is one over TLS", { scheme: "wss", tls: true, onSocket: (socket) => accept(socket) }, cutWhen(opened));
await check(
  "what comes in the packet of the handshake is heard",
  { scheme: "wss", tls: true, onSocket: (socket) => accept(socket, Buffer.concat([frame(5), frame(700)])) },
  async (_line, heard) =>
    (await until(() => heard.length === 3)) && heard.join() === "open,text 5,text 700" ? null : heard.join(),
);
await check(
  "a message over the limit is not heard",
  { scheme: "ws", onSocket: (socket) => accept(socket, frame(MESSAGE_BYTES_MAX + 1)) },
  lostBy(/max payload/i),
);
await check(
  "a certificate for another host is refused",
  { scheme: "wss", tls: true, host: "127.0.0.2", onSocket: (socket) => accept(socket) },
  lostBy(/does not match|altnames|IP: 127\.0\.0\.2/i),
);
await check(
  "a redirect is not followed",
  {
    scheme: "ws",
    onSocket: (socket) => socket.once("data", () => socket.write("HTTP/1.1 302 Found\r\nlocation: /\r\n\r\n")),
  },
  lostBy(/302/),
);

const venue = new Venue({ now: hostClock.wall });
venue.addAccount({ apiKey: "key", secret: "secret" });
venue.openPosition("key", { symbol: "BTCUSDT", amount: "0.002" });
const server = await serveBinance({ venue, tls: certificate, marksAtOnce: true });
const exchange = binanceExchange({
  baseUrl: server.url,
  apiKey: "key",
  secret: "secret",
  clock: hostClock,
  caPem: certificate.certPem,
});
const events: StreamEvent[] = [];
const streams = (caPem: string, signal: AbortSignal): Promise<void> =>
  binanceStream({
    streamUrl: server.url.replace("https", "wss"),
    keys: exchange.listenKeys,
    caPem,
    clock: hostClock,
    limits: {
      marks: { ...MARK_STREAM_LIMITS, pausesMs: [100] },
      account: { ...ACCOUNT_STREAM_LIMITS, pausesMs: [100], pingMs: 200, quietMs: 600 },
    },
  }).run({ wants: (symbol) => symbol === "BTCUSDT", emit: (event) => events.push(event) }, signal);
const seen = (kind: StreamEvent["kind"], which?: string): boolean =>
  events.some((event) => event.kind === kind && (which === undefined || ("which" in event && event.which === which)));

const untrusting = new AbortController();
const refused = streams(stranger.certPem, untrusting.signal);
told(
  "a certificate that is not trusted is refused, whatever the environment says",
  (await until(() => seen("quiet", "marks") && seen("quiet", "account"))) && !seen("flowing")
    ? null
    : JSON.stringify(events),
);
untrusting.abort();
await refused;
events.length = 0;

const stop = new AbortController();
const running = streams(certificate.certPem, stop.signal);
told(
  "both streams flow",
  (await until(() => seen("flowing", "marks") && seen("flowing", "account"))) ? null : JSON.stringify(events),
);

events.length = 0;
venue.setMark("BTCUSDT", "61812.5");
const mark = (): unknown =>
  events.some((event) => event.kind === "marks" && event.marks[0]?.price.eq(decimal("61812.5")));
told("a mark is told", (await until(() => mark() === true)) ? null : JSON.stringify(events));

venue.openPosition("key", { symbol: "BTCUSDT", amount: "0" });
told("a change of the account is told", (await until(() => seen("account_changed"))) ? null : JSON.stringify(events));

server.streams.change('{"mood":"frozen"}');
told(
  "streams that freeze are quiet",
  (await until(() => seen("quiet", "marks") && seen("quiet", "account"))) ? null : JSON.stringify(events),
);
events.length = 0;
server.streams.change('{"mood":"flowing"}');
told(
  "and flow again by themselves",
  (await until(() => seen("flowing", "marks") && seen("flowing", "account"))) ? null : JSON.stringify(events),
);

stop.abort();
await running;
events.length = 0;
const open = (): number => server.openStreams().market + server.openStreams().private;
told("they end with their sockets", (await until(() => open() === 0)) ? null : `${open()} are open`);
await exchange.dispose();
await server.close();
told("and tell nothing more", events.length === 0 ? null : JSON.stringify(events));

/**
 * The promises of adapters/http/pool.ts that a runtime could break, checked on whatever runtime runs this file.
 * Prints one line per fact; exits 1 at the first that does not hold. Run by http.test.ts on Bun, Deno and compiled.
 */

import { createServer, type Server, type Socket } from "node:net";
import { hostClock } from "../../src/adapters/host/clock.ts";
import { type HttpOutcome, type HttpPool, httpPool } from "../../src/adapters/http/pool.ts";

const DEADLINE_MS = 800;
/** Far above the deadline, far below "never": what a busy machine may add. */
const SLACK_MS = 3_000;

/** A server of raw sockets that counts the request heads it has received. */
interface Peer {
  readonly port: number;
  requests(): number;
  /** How many sockets have been opened to it so far. */
  sockets(): number;
  /** How many of them are open. */
  open(): number;
  close(): Promise<void>;
}

async function peer(onRequest: (socket: Socket, nth: number) => void): Promise<Peer> {
  const sockets = new Set<Socket>();
  let requests = 0;
  let opened = 0;
  const server: Server = createServer((socket) => {
    opened += 1;
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (data) => {
      // Bytes that are no HTTP head, such as a TLS greeting, are received and ignored.
      if (!data.toString("latin1").includes(" HTTP/1.1\r\n")) return;
      requests += 1;
      onRequest(socket, requests);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return {
    port: address.port,
    requests: () => requests,
    sockets: () => opened,
    open: () => sockets.size,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function check(
  fact: string,
  scheme: "http" | "https",
  onRequest: (socket: Socket, nth: number) => void,
  run: (pool: HttpPool, peer: Peer) => Promise<string | null>,
  connections = 4,
): Promise<void> {
  const there = await peer(onRequest);
  const pool = httpPool({ origin: `${scheme}://127.0.0.1:${there.port}`, connections, clock: hostClock });
  const startedAt = performance.now();
  let complaint = await run(pool, there);
  const tookMs = performance.now() - startedAt;
  if (tookMs > DEADLINE_MS + SLACK_MS) complaint = `took ${tookMs.toFixed()} ms with a deadline of ${DEADLINE_MS} ms`;
  await pool.dispose();
  await there.close();
  console.log(`${complaint === null ? "ok  " : "FAIL"} ${fact}${complaint === null ? "" : `: ${complaint}`}`);
  if (complaint !== null) process.exit(1);
}

const request = (pool: HttpPool, method: "GET" | "POST", deadlineMs = DEADLINE_MS): Promise<HttpOutcome> =>
  pool.send({ method, path: "/fapi/v1/order?a=1", headers: {}, deadlineMs });

function expectSilence(outcome: HttpOutcome, sent: "no" | "maybe"): string | null {
  if (outcome.kind === "no_answer" && outcome.sent === sent) return null;
  return `expected no answer with sent "${sent}", got ${JSON.stringify(outcome)}`;
}

const answer = (socket: Socket, head: string, body: string): boolean =>
  socket.write(`HTTP/1.1 ${head}\r\ncontent-length: ${body.length}\r\n\r\n${body}`);

await check(
  "a mute server is given up at the deadline, as maybe sent, and its socket is thrown away",
  "http",
  () => {},
  async (pool, there) => {
    const wrong = expectSilence(await request(pool, "POST"), "maybe");
    for (let i = 0; i < 50 && there.open() > 0; i += 1) await hostClock.sleep(20);
    if (there.open() > 0) return "the socket is still open";
    return wrong ?? (there.requests() === 1 ? null : `received ${there.requests()} requests`);
  },
);

await check(
  "a peer that never answers the TLS greeting is given up at the deadline, as not sent",
  "https",
  () => {},
  async (pool) => expectSilence(await request(pool, "POST"), "no"),
);

await check(
  "a kept-alive socket that dies under a POST has carried it once",
  "http",
  (socket, nth) => (nth === 1 ? answer(socket, "200 OK", "{}") : socket.destroy()),
  async (pool, there) => {
    const first = await request(pool, "GET");
    if (first.kind !== "answer") return `the first request failed: ${JSON.stringify(first)}`;
    const second = expectSilence(await request(pool, "POST"), "maybe");
    if (there.sockets() !== 1) return `the socket was not reused: ${there.sockets()} were opened`;
    // Long enough for a hidden retry to arrive.
    await hostClock.sleep(200);
    return second ?? (there.requests() === 2 ? null : `received ${there.requests() - 1} POSTs`);
  },
);

await check(
  "a 307 is an answer, not followed",
  "http",
  (socket) => answer(socket, "307 Temporary Redirect\r\nlocation: /elsewhere", ""),
  async (pool, there) => {
    const outcome = await request(pool, "POST");
    if (outcome.kind !== "answer" || outcome.status !== 307) return `got ${JSON.stringify(outcome)}`;
    return there.requests() === 1 ? null : `received ${there.requests()} requests`;
  },
);

await check(
  "a dripping body is cut at the deadline",
  "http",
  (socket) => {
    socket.write("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
    const drip = setInterval(() => socket.write("x"), 20);
    socket.on("close", () => clearInterval(drip));
  },
  async (pool) => expectSilence(await request(pool, "GET"), "maybe"),
);

await check(
  "an answer after the deadline is not taken for the next request's",
  "http",
  (socket, nth) => {
    setTimeout(() => socket.writable && answer(socket, "200 OK", `${nth}`), nth === 1 ? DEADLINE_MS + 100 : 0);
  },
  async (pool) => {
    const late = expectSilence(await request(pool, "GET"), "maybe");
    const next = await request(pool, "GET");
    return late ?? (next.kind === "answer" && next.body === "2" ? null : `got ${JSON.stringify(next)}`);
  },
);

await check(
  "a request that ran out of time in line is never sent",
  "http",
  () => {},
  async (pool, there) => {
    const [ahead, waiting] = await Promise.all([request(pool, "GET"), request(pool, "POST", DEADLINE_MS / 2)]);
    // Long enough for the line to move on: the socket ahead is gone, a new one would take the next request.
    await hostClock.sleep(200);
    const wrong = expectSilence(ahead, "maybe") ?? expectSilence(waiting, "no");
    return wrong ?? (there.requests() === 1 ? null : `received ${there.requests()} requests`);
  },
  1,
);

await check(
  "requests that follow an answer at once find its socket free",
  "http",
  (socket) => answer(socket, "200 OK", "{}"),
  async (pool, there) => {
    for (let round = 0; round < 5; round += 1) {
      const outcomes = await Promise.all([request(pool, "GET"), request(pool, "POST")]);
      const failed = outcomes.find((outcome) => outcome.kind !== "answer");
      if (failed !== undefined) return `got ${JSON.stringify(failed)}`;
    }
    return there.sockets() === 2 ? null : `opened ${there.sockets()} sockets for two requests at a time`;
  },
);

process.exit(0);

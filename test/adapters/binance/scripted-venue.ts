import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** A request as it arrived, the target exactly as it stood on the request line. */
export interface Received {
  readonly method: string;
  readonly target: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
  readonly apiKey: string | undefined;
}

/** What the script does with a request. */
export type Reply =
  | { readonly status?: number; readonly body: string; readonly headers?: Readonly<Record<string, string>> }
  /** Never answers. */
  | "hang"
  /** Closes the socket after having read the request. */
  | "reset"
  /** Sends half a body and closes. */
  | "cut"
  /** Sends something that is no HTTP. */
  | "garbage";

/** A venue that does exactly what a test says, and remembers what it was asked. */
export interface ScriptedVenue extends AsyncDisposable {
  readonly url: string;
  /** All requests in the order they arrived, pings and clock questions included. */
  readonly received: readonly Received[];
  /** How often `path` was asked for. */
  count(path: string): number;
  /** How many sockets have been opened to it so far. */
  sockets(): number;
}

/** JSON with status 200. */
export function json(value: unknown): Reply {
  return { body: JSON.stringify(value) };
}

/** A venue error as Binance words it. */
export function refusal(status: number, code: number, msg: string): Reply {
  return { status, body: JSON.stringify({ code, msg }) };
}

/** Serves `script` on loopback; `/fapi/v1/ping` and `/fapi/v1/time` are answered where the script says nothing. */
export async function serveScript(
  script: (request: Received) => Reply | undefined,
  venueTime: () => number = Date.now,
): Promise<ScriptedVenue> {
  const received: Received[] = [];
  const open = new Set<Socket>();
  let sockets = 0;

  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const target = request.url ?? "";
      const url = new URL(target, "http://venue");
      const apiKey = request.headers["x-mbx-apikey"];
      const arrived: Received = {
        method: request.method ?? "",
        target,
        path: url.pathname,
        query: url.searchParams,
        body,
        apiKey: typeof apiKey === "string" ? apiKey : undefined,
      };
      received.push(arrived);
      const reply = script(arrived) ?? usual(arrived, venueTime);
      switch (reply) {
        case "hang":
          return;
        case "reset":
          request.socket.destroy();
          return;
        case "cut":
          response.writeHead(200, { "content-length": "100" });
          response.write('{"orderId":');
          setTimeout(() => request.socket.destroy(), 10);
          return;
        case "garbage":
          request.socket.end("SSH-2.0-OpenSSH_9.6\r\n\r\n");
          return;
        default:
          response.writeHead(reply.status ?? 200, reply.headers);
          response.end(reply.body);
      }
    });
  });
  server.on("connection", (socket) => {
    sockets += 1;
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    count: (path) => received.filter((request) => request.path === path).length,
    sockets: () => sockets,
    [Symbol.asyncDispose]: () => {
      for (const socket of open) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function usual(request: Received, venueTime: () => number): Reply {
  if (request.path === "/fapi/v1/ping") return json({});
  if (request.path === "/fapi/v1/time") return json({ serverTime: Math.round(venueTime()) });
  return refusal(404, -1, `the script has no ${request.path}`);
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  return body;
}

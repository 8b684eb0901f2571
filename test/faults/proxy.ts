/** A TCP proxy on loopback whose links can be made to fail in the ways of a network: each mode holds for every connection. */

import type { AddressInfo } from "node:net";
import { connect, createServer, type Server, type Socket } from "node:net";

/**
 * How the link fails.
 *
 * - `pass`: it does not.
 * - `stall`: connections are taken and nothing gets through, either way: a half-open link.
 * - `eat_replies`: what is sent arrives, the answers do not.
 * - `eat_requests`: what is sent does not arrive.
 * - `cut`: every connection is reset, also new ones.
 * - `refuse`: nobody listens.
 * - `drip`: answers come a byte at a time.
 */
export type LinkMode = "pass" | "stall" | "eat_replies" | "eat_requests" | "cut" | "refuse" | "drip";

/** A link that can fail. */
export interface TcpProxy {
  readonly port: number;
  /** Changes the mode; connections that are open feel it at once. What was held up by a stall is lost. */
  set(mode: LinkMode): Promise<void>;
  close(): Promise<void>;
}

/** Between two bytes of a `drip`: an answer of a hundred bytes takes longer than any deadline here. */
const DRIP_EVERY_MS = 50;

/** Opens a link to a port of this machine. */
export async function openProxy(toPort: number): Promise<TcpProxy> {
  let mode: LinkMode = "pass";
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => sockets.delete(socket));
  };
  const serve = (client: Socket): void => {
    keep(client);
    if (mode === "cut") return void client.resetAndDestroy();
    const server = connect({ host: "127.0.0.1", port: toPort });
    keep(server);
    client.on("data", (bytes) => {
      if (mode !== "stall" && mode !== "eat_requests") server.write(bytes);
    });
    server.on("data", (bytes: Buffer) => {
      if (mode === "drip") drip(client, bytes);
      else if (mode !== "stall" && mode !== "eat_replies") client.write(bytes);
    });
    client.once("close", () => server.destroy());
    server.once("close", () => {
      // An end is news of the other side, and news does not get through.
      if (mode !== "stall" && mode !== "eat_replies") client.destroy();
    });
  };
  let listener: Server | null = await listen(serve, 0);
  const { port } = listener.address() as AddressInfo;
  const cutAll = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const stopListening = async (): Promise<void> => {
    const closing = listener;
    listener = null;
    cutAll();
    if (closing !== null) await new Promise((resolve) => closing.close(resolve));
  };
  return {
    port,
    set: async (next) => {
      mode = next;
      if (next === "refuse") return await stopListening();
      if (next === "cut") cutAll();
      listener ??= await listen(serve, port);
    },
    close: stopListening,
  };
}

function drip(to: Socket, bytes: Buffer): void {
  let sent = 0;
  const timer = setInterval(() => {
    if (to.destroyed || sent >= bytes.length) clearInterval(timer);
    else to.write(bytes.subarray(sent, ++sent));
  }, DRIP_EVERY_MS);
}

function listen(serve: (client: Socket) => void, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(serve);
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}

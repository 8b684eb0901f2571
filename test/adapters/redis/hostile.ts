/** Servers that misbehave on purpose, on ports of their own. */

import { connect, createServer, type Server, type Socket } from "node:net";

/** Something that listens until it is closed. */
export interface Hostile extends AsyncDisposable {
  readonly port: number;
  /** Connections accepted so far. */
  accepted(): number;
}

/** Accepts every connection and never says a word. */
export async function silentServer(): Promise<Hostile> {
  return await listen(0, () => undefined);
}

/** A sentinel that names `masterPort`, in that epoch: 0 if it has missed every failover. */
export async function scriptedSentinel(masterPort: number, epoch = 0, delayMs = 0): Promise<Hostile> {
  const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;
  const address = `*2\r\n${bulk("127.0.0.1")}${bulk(String(masterPort))}`;
  const fields = `*2\r\n${bulk("config-epoch")}${bulk(String(epoch))}`;
  return await listen(0, (client) => {
    client.on("data", (chunk: Buffer) => {
      const asked = chunk.toString().match(/GET-MASTER-ADDR-BY-NAME|\bMASTER\b(?!-)/g) ?? [];
      const answers = asked.map((command) => (command === "MASTER" ? fields : address)).join("");
      setTimeout(() => client.write(answers), delayMs);
    });
  });
}

/** A way to Redis on which replies can be lost. */
export interface LossyProxy extends Hostile {
  /** From now on requests still go through and replies do not. */
  loseReplies(): void;
}

/** Passes everything on to the server at `url`, until told to lose replies; listens on `port`, 0 for any. */
export async function lossyProxy(url: string, port = 0): Promise<LossyProxy> {
  const target = new URL(url);
  let losing = false;
  const hostile = await listen(port, (client, keep) => {
    const server = keep(connect(Number(target.port), target.hostname));
    client.on("data", (chunk: Buffer) => server.write(chunk));
    server.on("data", (chunk: Buffer) => {
      if (!losing) client.write(chunk);
    });
    client.on("close", () => server.end());
    server.on("close", () => client.end());
  });
  return {
    ...hostile,
    loseReplies: () => {
      losing = true;
    },
  };
}

type Serve = (client: Socket, keep: (socket: Socket) => Socket) => void;

async function listen(port: number, serve: Serve): Promise<Hostile> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    // A peer that goes away is what these servers are for.
    socket.on("error", () => undefined);
    return socket;
  };
  const server = createServer((client) => {
    accepted += 1;
    serve(keep(client), keep);
  });
  return {
    port: await bind(server, port),
    accepted: () => accepted,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function bind(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") reject(new Error("The server has no port"));
      else resolve(address.port);
    });
  });
}

/**
 * A door of the direct line: a server whose callers can't hold up the worker, whatever they do.
 *
 * `node:net` also for HTTP, so that both doors have the same bounds and none of them is a library's: the `node:http` of Bun
 * 1.4.5 and of Deno 2.9.6 leaves a caller with half a request alone for ever, its headersTimeout and requestTimeout of one
 * second had not fired after four.
 */

import { Buffer } from "node:buffer";
import { createServer, type ListenOptions, type Server, type Socket } from "node:net";

/** Who has not said an event by then is not going to. */
const SAY_MS = 2_000;

/** Nobody waits longer than this for an outcome: as long as `quantum panic` may. */
const HEARD_MS = 600_000;

/** How long a caller may take to read the last word. */
const LAST_WORD_MS = 1_000;

/** Callers at the same time. One more takes the place of the one that has been silent for longest, if one is. */
const CALLERS_MAX = 16;

/** Somebody at the door. */
export interface Caller {
  say(text: string): void;
  hangUp(lastWord: string): void;
}

/** How a door is opened. */
export interface DoorOptions {
  readonly at: ListenOptions;
  /** More than this nobody has to say. */
  readonly bytesMax: number;
  /** Looks at everything that a caller has said so far; true once it needs no more to answer, and has, or will. */
  readonly attend: (said: Buffer, caller: Caller) => boolean;
}

/** An open door. */
export interface Door {
  /** The TCP port; 0 for a Unix socket. */
  readonly port: number;
  /** Hangs up on everybody. */
  close(): void;
}

/** Opens a door. Rejects with the system's error if the address can't be had. */
export async function openDoor({ at, bytesMax, attend }: DoorOptions): Promise<Door> {
  const callers = new Set<Socket>();
  const silent = new Set<Socket>();
  const leave = (socket: Socket): void => {
    callers.delete(socket);
    silent.delete(socket);
    socket.destroy();
  };

  const server = createServer((socket) => {
    socket.on("error", () => leave(socket));
    if (callers.size >= CALLERS_MAX) leave(oldest(silent) ?? socket);
    if (socket.destroyed) return;
    callers.add(socket);
    silent.add(socket);
    let patience = setTimeout(() => leave(socket), SAY_MS);
    const waitAtMost = (ms: number): void => {
      clearTimeout(patience);
      patience = setTimeout(() => leave(socket), ms);
    };
    socket.once("close", () => {
      clearTimeout(patience);
      leave(socket);
    });
    let leaving = false;
    const caller: Caller = {
      say: (text) => {
        if (callers.has(socket)) socket.write(text);
      },
      hangUp: (lastWord) => {
        if (!callers.has(socket) || leaving) return;
        leaving = true;
        waitAtMost(LAST_WORD_MS);
        socket.end(lastWord);
      },
    };
    let said = Buffer.alloc(0);
    socket.on("data", (bytes: Buffer) => {
      if (!silent.has(socket)) return;
      // Whole, and only then as text: a character may come in two pieces.
      said = Buffer.concat([said, bytes]);
      if (attend(said.subarray(0, bytesMax), caller)) {
        silent.delete(socket);
        if (!leaving) waitAtMost(HEARD_MS);
      } else if (said.length > bytesMax) leave(socket);
    });
  });

  await listen(server, at);
  server.unref();
  const address = server.address();
  return {
    port: address !== null && typeof address === "object" ? address.port : 0,
    close: () => {
      for (const socket of [...callers]) leave(socket);
      server.close();
    },
  };
}

function oldest(sockets: ReadonlySet<Socket>): Socket | null {
  for (const socket of sockets) return socket;
  return null;
}

function listen(server: Server, at: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(at, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

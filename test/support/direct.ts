/** The worker's end of the direct line for tests: a line with its doors, and what it logs. */

import { connect, type Socket } from "node:net";
import { directLine, type OpenLine } from "../../src/adapters/direct/line.ts";
import { hostClock } from "../../src/adapters/host/clock.ts";
import type { PanicEvent } from "../../src/core/messages.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import type { Clock } from "../../src/ports/clock.ts";

/** An operator's panic. */
export const EVENT: PanicEvent = { eventId: "e1", reason: "OPERATOR_PANIC", issuedBy: "ops", ts: 1 as UnixMillis };

/** A line that writes its log into `log`. */
export function aLine(secret: string | null, clock: Clock = hostClock): OpenLine & { readonly log: string[] } {
  const log: string[] = [];
  const line = directLine(secret, { clock, log: { write: (level, text) => void log.push(`${level} ${text}`) } });
  return { ...line, log };
}

/** Says something on a raw connection, a piece after the other; resolves with what was answered until the worker hung up. */
export function say(
  to: { path: string } | { port: number },
  ...pieces: readonly (string | Uint8Array)[]
): Promise<string> {
  return new Promise((resolve) => {
    const socket = "path" in to ? connect({ path: to.path }) : connect({ port: to.port, host: "127.0.0.1" });
    let answer = "";
    socket.on("data", (bytes) => (answer += bytes.toString()));
    socket.once("error", () => resolve(answer));
    socket.once("close", () => resolve(answer));
    socket.once("connect", () => {
      socket.setNoDelay(true);
      void piecemeal(socket, pieces);
    });
  });
}

async function piecemeal(socket: Socket, pieces: readonly (string | Uint8Array)[]): Promise<void> {
  for (const piece of pieces) {
    if (socket.destroyed) return;
    socket.write(piece);
    await Bun.sleep(20);
  }
}

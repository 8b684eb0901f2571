/** Carries out how a request ends, on a real connection. Only `node:http`: it runs on Bun, Deno and compiled. */

import { Buffer } from "node:buffer";
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Ending } from "./faulty-gateway.ts";
import type { Reply } from "./gateway.ts";

/** Ends the request; resolves when that is done, at once for one that never ends. Rejects if `signal` aborts first. */
export async function endRequest(response: ServerResponse, ending: Ending, signal: AbortSignal): Promise<void> {
  if (ending.kind !== "hang") await pause(ending.afterMs, signal);
  switch (ending.kind) {
    case "hang":
      return;
    case "reply":
      send(response, ending.reply());
      return;
    case "drip":
      await drip(response, ending.reply(), ending.msPerByte, signal);
      return;
    case "cut":
      await cut(response, ending.reply());
      return;
    case "reset":
      response.socket?.destroy();
      return;
  }
}

/** Sends the whole reply. */
export function send(response: ServerResponse, reply: Reply): void {
  begin(response, reply);
  response.end(reply.body);
}

/** Waits; for no time at all not even until the next tick, so that what is due now happens in the order of arrival. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { signal });
}

async function drip(response: ServerResponse, reply: Reply, msPerByte: number, signal: AbortSignal): Promise<void> {
  begin(response, reply);
  response.flushHeaders();
  for (const byte of Buffer.from(reply.body)) {
    await pause(msPerByte, signal);
    // A client that has heard enough is gone.
    if (response.destroyed || response.writableEnded) return;
    response.write(Buffer.of(byte));
  }
  response.end();
}

/** The length promises all of it, so that half of it can be recognised as half. */
async function cut(response: ServerResponse, reply: Reply): Promise<void> {
  const bytes = Buffer.from(reply.body);
  begin(response, reply);
  await new Promise<void>((resolve) => {
    response.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => resolve());
  });
  response.socket?.destroy();
}

function begin(response: ServerResponse, reply: Reply): void {
  response.writeHead(reply.status, { ...reply.headers, "Content-Length": String(Buffer.byteLength(reply.body)) });
}

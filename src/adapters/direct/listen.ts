import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { plain } from "../../core/decimal.ts";
import type { Completion, Delivery } from "../../core/messages.ts";
import { legName } from "../../core/position.ts";
import { known, type Reading, unknown } from "../../core/reading.ts";
import type { DirectLine } from "../../ports/direct-line.ts";
import { parseFollowUp } from "../redis/codec.ts";
import { checkSignature } from "../redis/signature.ts";
import { type Answer, eventShape, LINE_BYTES_MAX } from "./protocol.ts";

/** Who has said nothing for this long is not going to. */
const LINE_MS = 2_000;

/** Callers at the same time, and events that wait: more is a mistake or an attack. */
const CALLERS_MAX = 16;
const WAITING_MAX = 16;

/** A line that is open for callers. */
export interface OpenLine extends DirectLine {
  /** Hangs up and removes the socket. */
  close(): void;
}

/**
 * Opens the worker's socket, for its own user alone. A socket that a former life has left is replaced.
 *
 * Unknown if it could not be opened: the worker then hears the bus only.
 */
export async function listenDirect(path: string, triggerSecret: string | null): Promise<Reading<OpenLine>> {
  const waiting: Delivery[] = [];
  const callers = new Map<Socket, string | null>();
  let wake: (() => void) | null = null;

  const say = (socket: Socket, answer: Answer): void => void socket.write(`${JSON.stringify(answer)}\n`);
  const hear = (socket: Socket, line: string): void => {
    const event = deliveryOf(line, triggerSecret);
    if ("refused" in event || waiting.length >= WAITING_MAX) {
      say(socket, "refused" in event ? event : { refused: `${WAITING_MAX} events are waiting already` });
      socket.end();
      return;
    }
    callers.set(socket, event.eventId);
    waiting.push(event);
    say(socket, { heard: event.eventId });
    wake?.();
  };

  const tell = (eventId: string, answer: Answer): void => {
    for (const [socket, theirs] of callers) {
      if (theirs !== eventId) continue;
      say(socket, answer);
      socket.end();
    }
  };

  const server = createServer((socket) => {
    if (callers.size >= CALLERS_MAX) return void socket.destroy();
    callers.set(socket, null);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => callers.delete(socket));
    const patience = setTimeout(() => socket.destroy(), LINE_MS);
    let text = "";
    socket.on("data", (bytes) => {
      if (callers.get(socket) !== null) return;
      text += bytes.toString("utf8");
      const end = text.indexOf("\n");
      if (end < 0 && text.length <= LINE_BYTES_MAX) return;
      clearTimeout(patience);
      if (end < 0) return void socket.destroy();
      hear(socket, text.slice(0, end));
    });
  });

  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    rmSync(path, { force: true });
    await bind(server, path);
    chmodSync(path, 0o600);
  } catch (error) {
    server.close();
    return unknown(`the socket ${path} can't be opened: ${error instanceof Error ? error.message : String(error)}`);
  }
  server.unref();
  return known({
    next: async () => {
      while (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      wake = null;
      return waiting.shift() as Delivery;
    },
    done: (completion) => tell(completion.eventId, doneAnswer(completion)),
    refuse: (eventId, why) => tell(eventId, { refused: why }),
    close: () => {
      for (const socket of callers.keys()) socket.destroy();
      server.close();
      rmSync(path, { force: true });
    },
  });
}

function bind(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function doneAnswer({ eventId, outcome, residual, failedSymbols }: Completion): Answer {
  const named = residual.map((leg) => `${legName(leg)} ${plain(leg.amount)}`);
  return { done: eventId, outcome, open: named.length > 0 ? named : [...failedSymbols] };
}

/** The event as the worker takes it from the bus, but for the entry: nobody else has seen it. */
function deliveryOf(line: string, triggerSecret: string | null): Delivery | { readonly refused: string } {
  let fields: ReadonlyMap<string, string>;
  try {
    fields = new Map(Object.entries(eventShape.parse(JSON.parse(line))));
  } catch {
    return { refused: "the line is no JSON object of strings: expected the fields of a panic event" };
  }
  const eventId = fields.get("event_id") ?? "";
  if (eventId === "") return { refused: "event_id is missing: expected the fields of a panic event" };
  return {
    entryId: "",
    eventId,
    reason: fields.get("reason") || null,
    issuedBy: fields.get("issued_by") || null,
    ageMs: 0,
    followsUp: parseFollowUp(fields),
    signature: checkSignature(triggerSecret, fields),
    completed: false,
  };
}

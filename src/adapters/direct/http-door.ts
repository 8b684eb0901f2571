import { Buffer } from "node:buffer";
import { known, type Reading, unknown } from "../../core/reading.ts";
import type { Clock } from "../../ports/clock.ts";
import { type Caller, type Door, openDoor } from "./door.ts";
import { REQUEST_BYTES_MAX, readRequest } from "./http-request.ts";
import type { Hearing, OpenLine } from "./line.ts";
import { type Answer, doneAnswer } from "./protocol.ts";

const REASONS = {
  200: "OK",
  202: "Accepted",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  411: "Length Required",
  413: "Content Too Large",
  431: "Request Header Fields Too Large",
  503: "Service Unavailable",
} as const;
type Status = keyof typeof REASONS;

/** What the line refuses, as a status. */
const REFUSALS = { malformed: 400, unsigned: 401, issuer: 403, full: 503 } as const;

/** Whoever can't sign learns nothing more. */
const UNSIGNED: Answer = { refused: "its sig is missing or wrong" };

/**
 * Opens the worker's HTTP door: `POST /panic` with the event as its body. One answer to each, and then it hangs up: 202 once
 * the worker has heard it; with `?wait_ms=` 200 with what came of it, or 202 if it is not known in time. The line must have
 * a trigger secret: whoever reaches the port could order an exit otherwise.
 *
 * Unknown if the address can't be had.
 */
export async function openHttpDoor(
  at: { readonly host: string; readonly port: number },
  line: OpenLine,
  clock: Clock,
): Promise<Reading<Door>> {
  try {
    const door = await openDoor({
      at,
      bytesMax: REQUEST_BYTES_MAX,
      attend: (said, caller) => {
        const read = readRequest(said);
        if (read.kind === "more") return false;
        if (read.kind === "refused") caller.hangUp(response(read.status, { refused: read.why }));
        else answer(line.hear(read.body), read.waitMs, caller, clock);
        return true;
      },
    });
    return known(door);
  } catch (error) {
    return unknown(error instanceof Error ? error.message : String(error));
  }
}

function answer(hearing: Hearing, waitMs: number, caller: Caller, clock: Clock): void {
  if (hearing.kind === "refused") {
    const { cause, why } = hearing;
    caller.hangUp(response(REFUSALS[cause], cause === "unsigned" ? UNSIGNED : { refused: why }));
    return;
  }
  const { eventId, ending } = hearing;
  if (waitMs === 0) {
    caller.hangUp(response(202, { heard: eventId }));
    return;
  }
  const waited = new AbortController();
  void ending.then((end) => {
    waited.abort();
    caller.hangUp(response(200, doneAnswer(eventId, end)));
  });
  void clock.sleep(waitMs, waited.signal).then(() => {
    if (!waited.signal.aborted) caller.hangUp(response(202, { heard: eventId }));
  });
}

function response(status: Status, body: Answer): string {
  const text = `${JSON.stringify(body)}\n`;
  const head = [
    `HTTP/1.1 ${status} ${REASONS[status]}`,
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(text)}`,
    "Connection: close",
    ...(status === 405 ? ["Allow: POST"] : []),
  ];
  return `${head.join("\r\n")}\r\n\r\n${text}`;
}

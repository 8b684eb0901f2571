/** The one request that the HTTP door takes, read from what a caller has sent. Pure: bytes in, a request or a refusal out. */

import type { Buffer } from "node:buffer";
import { EVENT_BYTES_MAX, HTTP_PATH, WAIT_MS_MAX } from "./protocol.ts";

/** Far more than any client sends of itself. */
const HEAD_BYTES_MAX = 8_192;

/** The longest request that can be understood. */
export const REQUEST_BYTES_MAX: number = HEAD_BYTES_MAX + EVENT_BYTES_MAX;

const END_OF_HEAD = "\r\n\r\n";

/** What was read; `more`: not all of it is there yet. */
export type HttpRead =
  | { readonly kind: "more" }
  | { readonly kind: "refused"; readonly status: 400 | 404 | 405 | 411 | 413 | 431; readonly why: string }
  /** `waitMs`: how long the caller wants to wait for the outcome. */
  | { readonly kind: "event"; readonly body: string; readonly waitMs: number };

/** Reads `POST /panic` with a body of known length, and optionally `?wait_ms=`. */
export function readRequest(said: Buffer): HttpRead {
  const end = said.indexOf(END_OF_HEAD);
  if (end > HEAD_BYTES_MAX || (end < 0 && said.length >= HEAD_BYTES_MAX)) {
    return refused(431, `the request's head is longer than ${HEAD_BYTES_MAX} bytes`);
  }
  if (end < 0) return { kind: "more" };
  const [start = "", ...lines] = said.toString("latin1", 0, end).split("\r\n");
  const [, method, path, query = ""] = /^([A-Z]+) (\/[^ ?]*)(?:\?(\S*))? HTTP\/1\.[01]$/.exec(start) ?? [];
  if (method === undefined) return refused(400, "it is no HTTP/1.1 request");
  if (path !== HTTP_PATH) return refused(404, `expected POST ${HTTP_PATH}`);
  if (method !== "POST") return refused(405, `expected POST ${HTTP_PATH}`);
  const waitMs = waitOf(query);
  if (waitMs === null) return refused(400, `expected wait_ms from 0 to ${WAIT_MS_MAX}, and no other parameter`);
  const length = lengthOf(lines);
  if (length === null) return refused(411, "expected one Content-Length, and no Transfer-Encoding");
  if (length > EVENT_BYTES_MAX) return refused(413, `the event is longer than ${EVENT_BYTES_MAX} bytes`);
  const body = said.subarray(end + END_OF_HEAD.length, end + END_OF_HEAD.length + length);
  return body.length < length ? { kind: "more" } : { kind: "event", body: body.toString("utf8"), waitMs };
}

function waitOf(query: string): number | null {
  if (query === "") return 0;
  const [, digits] = /^wait_ms=(\d{1,6})$/.exec(query) ?? [];
  const ms = Number(digits);
  return ms <= WAIT_MS_MAX ? ms : null;
}

function lengthOf(lines: readonly string[]): number | null {
  const values = (name: string): readonly string[] =>
    lines.flatMap((line) => (line.toLowerCase().startsWith(`${name}:`) ? [line.slice(name.length + 1).trim()] : []));
  const [length = "", ...more] = values("content-length");
  if (more.length > 0 || values("transfer-encoding").length > 0 || !/^\d{1,9}$/.test(length)) return null;
  return Number(length);
}

function refused(status: Extract<HttpRead, { kind: "refused" }>["status"], why: string): HttpRead {
  return { kind: "refused", status, why };
}

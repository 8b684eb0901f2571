/** The false answers a fault can give: every documented error by name or code, and those that carry no code. */

import type { Reply } from "./gateway.ts";
import { REFUSALS, type Refusal, type RefusalName, refuse } from "./refusals.ts";

/** What is told instead of what happened. */
export interface FaultAnswer {
  readonly status: number;
  /** `null` where Binance sends none: a bare text, an HTML page, nothing. */
  readonly code: number | null;
  readonly msg: string;
  /** Sent as it is; `null` sends `{"code":…,"msg":…}`, or the bare `msg` where there is no code. */
  readonly body: string | null;
  /** Sent as a Retry-After header; none if not given. */
  readonly retryAfterS?: number | undefined;
}

const FIREWALL_PAGE =
  "<html>\r\n<head><title>403 Forbidden</title></head>\r\n<body>\r\n<center><h1>403 Forbidden</h1></center>\r\n</body>\r\n</html>\r\n";
const GATEWAY_PAGE = FIREWALL_PAGE.replaceAll("403 Forbidden", "502 Bad Gateway");

const bare = (status: number, msg: string, body: string | null = null): FaultAnswer => {
  return { status, code: null, msg, body };
};

/** The answers without a code, told apart by their text alone (binance.md 3). */
const CODELESS: Readonly<Record<string, FaultAnswer>> = {
  executionUnknown: bare(503, "Unknown error, please check your request or try again later."),
  serviceUnavailable: bare(503, "Service Unavailable."),
  occurUnknownError: bare(503, "Request occur unknown error."),
  timeout: bare(408, "Request Timeout"),
  firewall: bare(403, "Forbidden", FIREWALL_PAGE),
  badGateway: bare(502, "Bad Gateway", GATEWAY_PAGE),
};

/** What stands for `%s` when no rule of the venue is there to fill it in. */
const EXAMPLES: Partial<Readonly<Record<RefusalName, readonly string[]>>> = {
  tooManyRequests: ["2400"],
  banned: ["4133404800000"],
  tooManyOrders: ["300", "10 SECOND"],
  mandatory: ["quantity"],
  notRequired: ["reduceonly"],
  invalidParameter: ["quantity"],
  abovePriceCap: ["92400"],
  belowPriceFloor: ["83600"],
  notionalTooSmall: ["5.0"],
  unknownPath: ["/fapi/v1/order", "POST"],
};

/** The names a script may use, sorted. */
export const ANSWER_NAMES: readonly string[] = [...Object.keys(REFUSALS), ...Object.keys(CODELESS)].sort();

/** The answer of that name; `null` if there is none. */
export function answerNamed(name: string): FaultAnswer | null {
  if (isRefusalName(name)) return answerOf(refuse(name, ...(EXAMPLES[name] ?? [])).refusal);
  return Object.hasOwn(CODELESS, name) ? (CODELESS[name] ?? null) : null;
}

/** The documented answer with that code, the first of the table where it has several; `null` if the code is not documented. */
export function answerWithCode(code: number): FaultAnswer | null {
  const name = Object.keys(REFUSALS).find((known) => isRefusalName(known) && REFUSALS[known].code === code);
  return name === undefined ? null : answerNamed(name);
}

/** A refusal as a false answer. */
export function answerOf({ status, code, msg }: Refusal): FaultAnswer {
  return { status, code, msg, body: null };
}

/** The false answer as it goes out. */
export function replyOf({ status, code, msg, body, retryAfterS }: FaultAnswer): Reply {
  const text = body ?? (code === null ? msg : JSON.stringify({ code, msg }));
  const retryAfter = retryAfterS === undefined ? {} : { "Retry-After": String(retryAfterS) };
  return { status, headers: { "Content-Type": contentType(text), ...retryAfter }, body: text };
}

function contentType(body: string): string {
  if (body.startsWith("<")) return "text/html";
  return body.startsWith("{") || body.startsWith("[") ? "application/json" : "text/plain";
}

function isRefusalName(name: string): name is RefusalName {
  return Object.hasOwn(REFUSALS, name);
}

/** Binance's stream messages, parsed once: what leaves this file is ours and exact. */

import * as z from "zod/mini";
import { decimal, ZERO } from "../../core/decimal.ts";
import type { UnixMillis } from "../../core/time.ts";
import type { StreamedMark } from "../../ports/venue-stream.ts";

/** Source: USDⓈ-M docs, Mark Price Stream for All market. Prices are strings, so no float is made of one. */
const anyMark = z.object({ s: z.string().check(z.minLength(1)) });
const markRow = z.object({ e: z.literal("markPriceUpdate"), E: z.int(), s: z.string(), p: z.string() });
const accountMessage = z.object({ e: z.string() });

/**
 * The account's messages after which its lists may say something else (USDⓈ-M docs, User Data Streams). A closed list: were
 * Binance to add a message that comes all the time, asking after each would use up the address's limit.
 */
const CHANGES: ReadonlySet<string> = new Set([
  "ACCOUNT_UPDATE",
  "ORDER_TRADE_UPDATE",
  "TRADE_LITE",
  "ALGO_UPDATE",
  "ACCOUNT_CONFIG_UPDATE",
  "MARGIN_CALL",
]);

/** What a message of the account's stream means. */
export type AccountNotice = "changed" | "key_expired" | "nothing";

/** The wanted marks of one message, and the venue's time of the newest of them; null where there is none. */
export interface StreamedMarks {
  readonly marks: readonly StreamedMark[];
  readonly at: UnixMillis | null;
}

/**
 * Reads the marks of the wanted symbols from one message of the mark-price stream; the last one of a symbol counts.
 *
 * @throws {Error} if the message, or a wanted row, is something else. Rows that nobody wants are not looked at.
 */
export function readStreamedMarks(text: string, wants: (symbol: string) => boolean): StreamedMarks {
  const data = unwrap(JSON.parse(text));
  if (!Array.isArray(data)) throw new Error("Not a list of marks");
  const marks = new Map<string, StreamedMark>();
  let at: UnixMillis | null = null;
  for (const row of data) {
    const { s: symbol } = anyMark.parse(row);
    if (!wants(symbol)) continue;
    const { E: eventAt, p } = markRow.parse(row);
    const price = decimal(p);
    if (price.lte(ZERO)) throw new Error(`The mark of ${symbol} is not positive`);
    marks.set(symbol, { symbol, price });
    at = Math.max(at ?? eventAt, eventAt) as UnixMillis;
  }
  return { marks: [...marks.values()], at };
}

/**
 * Reads one message of the account's stream.
 *
 * @throws {Error} if it is no such message.
 */
export function readAccountNotice(text: string): AccountNotice {
  const { e: event } = accountMessage.parse(unwrap(JSON.parse(text)));
  if (event === "listenKeyExpired") return "key_expired";
  return CHANGES.has(event) ? "changed" : "nothing";
}

/** The combined form, `{"stream": …, "data": …}`, which a proxy may make of the plain one. */
function unwrap(message: unknown): unknown {
  if (typeof message !== "object" || message === null || !("stream" in message) || !("data" in message)) return message;
  return message.data;
}

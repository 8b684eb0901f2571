/** What a stream's address asks for. Source: USDⓈ-M docs, Important WebSocket Change Notice, Mark Price Stream, Connect. */

import type { StreamFamily } from "./stream-book.ts";

/** One mark-price stream: of all contracts or of one, each second or each third. */
interface MarkStream {
  /** As it was asked for; it names the stream in the combined form. */
  readonly name: string;
  /** null: all of them, in one list. */
  readonly symbol: string | null;
  readonly everySeconds: 1 | 3;
}

/** What is to be streamed to one connection. `combined`: each message is wrapped as `{"stream": …, "data": …}`. */
export type StreamWish = {
  /** The path without what differs from caller to caller, by which a fault finds it. */
  readonly path: string;
  readonly combined: boolean;
} & (
  | { readonly family: Extract<StreamFamily, "market">; readonly marks: readonly MarkStream[] }
  | {
      readonly family: Extract<StreamFamily, "private">;
      readonly listenKey: string;
      /** Only these; null: all. */
      readonly events: ReadonlySet<string> | null;
    }
);

/** Reads path and query of a stream; null where nothing is streamed. A name that is no mark-price stream is silent, as at Binance. */
export function readStreamPath(target: string): StreamWish | null {
  const url = new URL(target, "ws://127.0.0.1");
  const [, family, form, ...rest] = url.pathname.split("/").map(decodeURIComponent);
  if ((family !== "market" && family !== "private") || (form !== "ws" && form !== "stream")) return null;
  const common = { path: `/${family}/${form}`, combined: form === "stream" };
  if (family === "market") {
    const names = rest.length > 0 ? rest : (url.searchParams.get("streams") ?? "").split("/");
    return { ...common, family, marks: names.flatMap(readMarkStream) };
  }
  const listenKey = rest[0] ?? url.searchParams.get("listenKey") ?? "";
  const events = url.searchParams.get("events");
  return { ...common, family, listenKey, events: events === null ? null : new Set(events.split("/")) };
}

function readMarkStream(name: string): readonly MarkStream[] {
  const match = /^(?:!markPrice@arr|([^@!]+)@markPrice)(@1s)?$/.exec(name);
  if (match === null) return [];
  return [{ name, symbol: match[1]?.toUpperCase() ?? null, everySeconds: match[2] === undefined ? 3 : 1 }];
}

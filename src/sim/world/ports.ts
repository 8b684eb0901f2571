/** The ports of a role over the links of its machine: the failure contracts of `src/ports`, with the deadlines of the adapters. */

import type { DirectWay } from "../../adapters/direct/call.ts";
import type { OpenLine } from "../../adapters/direct/line.ts";
import { eventText } from "../../adapters/direct/protocol.ts";
import type { Ending } from "../../core/messages.ts";
import { known, type Reading, unknown } from "../../core/reading.ts";
import type { Exchange } from "../../ports/exchange.ts";
import type { ExitVenue } from "../../ports/exit-venue.ts";
import type { BusLink } from "../bus.ts";
import type { Connection } from "./link.ts";

/** `config/redis.ts`. */
const REDIS_LIMIT_MS = 700;
/** Longer for what blocks on the server (`adapters/redis/eew-bus.ts`, `watchdog-bus.ts`). */
const BLOCK_MS = 1_000;
const BLOCKING: ReadonlySet<string> = new Set(["watch", "next", "hear the brain"]);

/** `adapters/binance/exchange.ts`. */
const QUERY_LIMIT_MS = 2_500;
const ORDER_LIMIT_MS = 3_500;

/** What Redis takes: nothing that needs memory after `OOM`, nothing that changes anything after `READONLY`. */
export type RedisMood = "takes all" | "OOM" | "READONLY";
/** A read that changes the list of the unfinished: XREADGROUP. */
const CHANGING: ReadonlySet<string> = new Set(["next"]);

/** The bus over a reading and a writing connection, as the adapters have them: a blocked read delays no panic. */
export function busOver(reading: Connection, writing: Connection, mood: () => RedisMood): BusLink {
  const limit = (what: string): number => REDIS_LIMIT_MS + (BLOCKING.has(what) ? BLOCK_MS : 0);
  const asked = async <T>(connection: Connection, what: string, does: () => Promise<T>, isWrite: boolean) => {
    const answer = async (): Promise<Reading<T>> => {
      const now = mood();
      const refused = isWrite ? now !== "takes all" : now === "READONLY" && CHANGING.has(what);
      return refused ? unknown(`${what}: ${now}`) : known(await does());
    };
    const heard = await connection.ask({ what, answer, limitMs: limit(what), repeatable: isWrite });
    return heard.known ? heard.value : heard;
  };
  return {
    read: (what, answer) => asked(reading, what, answer, false),
    write: (what, answer) => asked(writing, what, answer, true),
  };
}

/** The venue over a connection. A close is sent once and never repeated; everything else is harmless to repeat. */
export function exchangeOver(connection: Connection, venue: Exchange): Exchange {
  const query = async <T>(what: string, answer: () => Promise<Reading<T>>): Promise<Reading<T>> => {
    const heard = await connection.ask({ what, answer, limitMs: QUERY_LIMIT_MS, repeatable: true });
    return heard.known ? heard.value : heard;
  };
  return {
    ...venue,
    positions: () => query("read positions", venue.positions),
    restingOrders: () => query("read orders", venue.restingOrders),
    positionMode: () => query("read the mode", venue.positionMode),
    rulebook: () => query("read the rulebook", venue.rulebook),
    now: () => query("read the time", venue.now),
    warm: (sockets) => query("ping", () => venue.warm(sockets)),
    lastFillAt: (symbols, since) => query("read fills", () => venue.lastFillAt(symbols, since)),
    cancel: async (request) => {
      const what = `cancel ${request.symbol} ${request.family}`;
      const answer = () => venue.cancel(request);
      const heard = await connection.ask({ what, answer, limitMs: ORDER_LIMIT_MS, repeatable: true });
      return heard.known ? heard.value : { kind: "failed", why: heard.why };
    },
    close: async (order) => {
      const [what, answer] = [`close ${order.symbol}`, () => venue.close(order)] as const;
      const heard = await connection.ask({ what, answer, limitMs: ORDER_LIMIT_MS, repeatable: false });
      return heard.known ? heard.value : { kind: "unknown", why: heard.why };
    },
    lookUp: async (order) => {
      const [what, answer] = [`look up ${order.symbol}`, () => venue.lookUp(order)] as const;
      const heard = await connection.ask({ what, answer, limitMs: QUERY_LIMIT_MS, repeatable: true });
      return heard.known ? heard.value : { kind: "unknown", why: heard.why };
    },
  };
}

/** What an exit policy needs besides, over a connection. A stop is placed once. */
export function exitsOver(connection: Connection, venue: ExitVenue): ExitVenue {
  const query = async <T>(what: string, answer: () => Promise<Reading<T>>): Promise<Reading<T>> => {
    const heard = await connection.ask({ what, answer, limitMs: QUERY_LIMIT_MS, repeatable: true });
    return heard.known ? heard.value : heard;
  };
  return {
    equity: () => query("read equity", venue.equity),
    transfersSince: (since) => query("read transfers", () => venue.transfersSince(since)),
    protectiveStops: () => query("read stops", venue.protectiveStops),
    fillsSince: (symbol, since) => query("read fills", () => venue.fillsSince(symbol, since)),
    ordersSince: (symbol, since) => query("read past orders", () => venue.ordersSince(symbol, since)),
    markExtremesSince: (symbol, since) => query("read candles", () => venue.markExtremesSince(symbol, since)),
    protect: async (stop) => {
      const [what, answer] = [`protect ${stop.symbol}`, () => venue.protect(stop)] as const;
      const heard = await connection.ask({ what, answer, limitMs: ORDER_LIMIT_MS, repeatable: false });
      return heard.known ? heard.value : { kind: "unknown", why: heard.why };
    },
  };
}

/** A watchdog's way to one worker's line; `line` is that of the process that runs there when the question arrives. */
export function directWay(name: string, connection: Connection, line: () => OpenLine | null): DirectWay {
  return {
    name,
    call: async (event, secret, { heardMs, doneMs }) => {
      const text = eventText(event, secret);
      const heard = await connection.ask({
        what: `call ${name}`,
        answer: async () => line()?.hear(text) ?? null,
        limitMs: heardMs,
        repeatable: true,
      });
      if (!heard.known) return heard;
      const hearing = heard.value;
      if (hearing?.kind !== "heard") return unknown(`${name}: ${hearing?.why ?? "nobody is there"}`);
      const ending = await connection.ask<Ending>({
        what: `wait for ${name}`,
        answer: () => hearing.ending,
        limitMs: doneMs,
        repeatable: false,
      });
      return known(ending.known ? ending.value : null);
    },
  };
}

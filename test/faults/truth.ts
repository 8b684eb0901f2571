/**
 * What must hold in every scene, whatever goes wrong in it. The names are those of the invariants in the design's catalogue:
 * S3 one report an event, S4 nothing grows and nothing turns, S5 no worker sends an order twice, S8 a report is true when it
 * is made.
 */

import { type Decimal, decimal, ZERO } from "../../src/core/decimal.ts";
import type { BinanceServer } from "../../src/sim/binance-server.ts";
import type { Fill } from "../../src/sim/orders.ts";
import type { Venue } from "../../src/sim/venue.ts";

/** A completion, as it was seen the moment it arrived. */
export interface SeenReport {
  readonly eventId: string;
  readonly outcome: string;
  readonly fields: ReadonlyMap<string, string>;
  /** What was open at the venue and resting there when it arrived. */
  readonly open: readonly string[];
}

/** A leg that a scene has opened. */
export interface Opened {
  readonly symbol: string;
  readonly amount: string;
}

/** Everything that does not hold, each in one line. */
export function violations(scene: {
  readonly reports: readonly SeenReport[];
  readonly opened: readonly Opened[];
  readonly venue: Venue;
  readonly apiKey: string;
  readonly server: BinanceServer;
  /** How often a worker was started: each life may send an order that bears the same id, since it is the same intention. */
  readonly workerLives: number;
  readonly logs: readonly { readonly name: string; readonly text: string }[];
  readonly secrets: readonly string[];
}): readonly string[] {
  const { reports, opened, venue, apiKey, server, workerLives, logs, secrets } = scene;
  return [
    ...twiceReported(reports),
    ...untrue(reports),
    ...grown(opened, venue.fills(apiKey)),
    ...unsafeOrders(server, workerLives),
    ...badWords(logs, secrets),
  ];
}

function twiceReported(reports: readonly SeenReport[]): readonly string[] {
  const ids = reports.map(({ eventId }) => eventId);
  return ids.filter((id, i) => ids.indexOf(id) !== i).map((id) => `S3: event ${id} has more than one completion`);
}

function untrue(reports: readonly SeenReport[]): readonly string[] {
  return reports.flatMap(({ eventId, outcome, open, fields }) => {
    const failed = fields.get("positions_failed");
    if (outcome !== "FLAT") {
      return failed === "0" ? [`S8: event ${eventId} ended ${outcome} with positions_failed 0`] : [];
    }
    return open.length === 0 ? [] : [`S8: event ${eventId} was reported FLAT with ${open.join(", ")} open`];
  });
}

/** Each leg may only move towards zero from what was opened. */
function grown(opened: readonly Opened[], fills: readonly Fill[]): readonly string[] {
  const legs = new Map<string, Decimal>();
  for (const { symbol, amount } of opened) {
    const key = legKey(symbol, decimal(amount));
    legs.set(key, (legs.get(key) ?? ZERO).plus(decimal(amount)));
  }
  return fills.flatMap(({ symbol, side, quantity, orderId, maker }) => {
    // An order that rested was the scene's own.
    if (maker) return [];
    const key = `${symbol} ${side === "SELL" ? "long" : "short"}`;
    const before = legs.get(key) ?? ZERO;
    const after = side === "SELL" ? before.minus(quantity) : before.plus(quantity);
    legs.set(key, after);
    const turned = side === "SELL" ? after.lt(ZERO) : after.gt(ZERO);
    return turned ? [`S4: order ${orderId} ${side} ${quantity.toFixed()} ${symbol} went past zero`] : [];
  });
}

function legKey(symbol: string, amount: Decimal): string {
  return `${symbol} ${amount.gt(ZERO) ? "long" : "short"}`;
}

function unsafeOrders(server: BinanceServer, workerLives: number): readonly string[] {
  const sends = new Map<string, number>();
  return server.requests().flatMap(({ method, path, query, body }) => {
    if (method !== "POST" || path !== "/fapi/v1/order") return [];
    const params = new URLSearchParams(`${query}&${body}`);
    const id = params.get("newClientOrderId") ?? "";
    const times = (sends.get(id) ?? 0) + 1;
    sends.set(id, times);
    const reduces = params.get("reduceOnly") === "true" || (params.get("positionSide") ?? "BOTH") !== "BOTH";
    return [
      ...(times > workerLives ? [`S5: order ${id} was sent ${times} times by ${workerLives} workers`] : []),
      ...(reduces ? [] : [`S4: order ${id} does not say that it only reduces`]),
    ];
  });
}

/** A person reads these at 3 a.m. */
function badWords(
  logs: readonly { readonly name: string; readonly text: string }[],
  secrets: readonly string[],
): readonly string[] {
  return logs.flatMap(({ name, text }) => {
    const trace = /^\s+at .+:\d+/m.exec(text);
    return [
      ...(trace === null ? [] : [`${name} printed a stack trace: ${trace[0].trim()}`]),
      ...(secrets.some((secret) => text.includes(secret)) ? [`${name} printed a secret`] : []),
    ];
  });
}

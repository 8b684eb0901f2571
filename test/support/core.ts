/** Builders for what the core works on; each takes only what a test is about. */

import { decimal, ZERO } from "../../src/core/decimal.ts";
import type { DrillRecord, LastDrill } from "../../src/core/drill.ts";
import type { Beat, Completion, Delivery, Halt, HeartbeatDetails, Outcome } from "../../src/core/messages.ts";
import type { CancelRequest, Position, PositionSide, RestingOrder } from "../../src/core/position.ts";
import type { Permission } from "../../src/core/standing.ts";
import type { Tell } from "../../src/core/tell.ts";
import type { Instant, UnixMillis } from "../../src/core/time.ts";

/** An instant, in milliseconds since the test began. */
export function at(ms: number): Instant {
  return ms as Instant;
}

/** A heartbeat as it arrives; `changes` are to what it says of its sender. */
export function aBeat(status = "ALIVE", incidentId = "incident-1", changes: Partial<HeartbeatDetails> = {}): Beat {
  const details = {
    serviceId: "exit_brain",
    instanceId: "instance-1",
    seq: 1,
    lastDecisionTs: null,
    latencyMs: 3,
    mode: "live",
    ...changes,
  } as const;
  return { heartbeat: { status, activePositions: 2, ts: 0 as UnixMillis, details }, incidentId };
}

/** A halt raised by an event. */
export function aHalt(eventId = "incident-1"): Halt {
  return { reason: "EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)", source: "watchdog", eventId, positionsClosed: 0 };
}

/** A report on two legs, and on a third one that is still open if it is not FLAT. */
export function aCompletion(eventId: string, outcome: Outcome = "FLAT"): Completion {
  const failed = outcome === "FLAT" ? 0 : 1;
  return {
    eventId,
    outcome,
    positionsTotal: 2 + failed,
    positionsClosed: 2,
    positionsFailed: failed,
    failedSymbols: failed === 0 ? [] : ["*"],
    executionTimeMs: 40,
    reason: "TEST",
    source: "watchdog",
    ordersCancelled: 0,
    residual: [],
    notionalUsd: ZERO,
  };
}

/** A person's permission to a brain in shadow; from a time before every panic, unless said otherwise. */
export function aPermission(id: string, upTo: string, at = 0): NonNullable<Permission["given"]> {
  return { id, upTo, at: at as UnixMillis };
}

/** A panic event as the worker receives it. */
export function aDelivery(changes: Partial<Delivery> = {}): Delivery {
  return {
    entryId: "1-0",
    eventId: "550e8400-e29b-41d4-a716-446655440000",
    reason: "EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)",
    issuedBy: "watchdog",
    ageMs: 500,
    followsUp: null,
    signature: "not_required",
    completed: false,
    beforeReset: false,
    foundBefore: [],
    ...changes,
  };
}

/** An open leg. */
export function aPosition(
  symbol: string,
  amount: string,
  mark = "50000",
  positionSide: PositionSide = "BOTH",
): Position {
  return {
    symbol,
    positionSide,
    amount: decimal(amount),
    entryPrice: decimal(mark),
    markPrice: decimal(mark),
    unrealizedPnl: decimal("0"),
  };
}

/** An order that rests. */
export function aRestingOrder(symbol: string, family: RestingOrder["family"] = "regular", orderId = "1"): RestingOrder {
  return { symbol, family, orderId, positionSide: "BOTH", closesPosition: false };
}

/** The request that cancels all orders of a family on a symbol. */
export function all(symbol: string, family: RestingOrder["family"]): CancelRequest {
  return { symbol, family, orderId: null };
}

/** The lines among the actions, as people read them. */
export function linesOf(actions: readonly { readonly kind: string }[]): readonly string[] {
  return actions.flatMap((action) => (action.kind === "tell" ? [(action as Tell).text] : []));
}

/** Lines with what decides who is told of them: `critical alarm: …`, or `info: …` where nobody is told. */
export function marked(lines: readonly Tell[]): readonly string[] {
  return lines.map(({ level, mark, text }) => `${[level, ...(mark === undefined ? [] : [mark])].join(" ")}: ${text}`);
}

/** The actions that are not lines. */
export function deedsOf<Action extends { readonly kind: string }>(actions: readonly Action[]): readonly Action[] {
  return actions.filter((action) => action.kind !== "tell");
}

/** What is kept of a drill that passed. */
export function aDrillRecord(changes: Partial<DrillRecord> = {}): DrillRecord {
  return {
    drill: "brain-kill",
    method: "sigkill",
    target: "live",
    verdict: "passed",
    eventId: "incident-1",
    startedAt: 1_795_450_000_000 as UnixMillis,
    checks: [
      { name: "panic_to_flat_ms", measured: 212, limit: 10_000, passed: true },
      { name: "trading_halted", measured: true, limit: true, passed: true },
    ],
    why: null,
    ...changes,
  };
}

/** The last drill: three days ago, if nothing else is said. */
export function aDrill(changes: Partial<DrillRecord> = {}, ageMs: number = 3 * 86_400_000): LastDrill {
  return { at: 1_795_450_040_000 as UnixMillis, ageMs, record: aDrillRecord(changes) };
}

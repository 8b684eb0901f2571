/** Results as terminal text or JSON documents; no decisions. */

import { cents, plain } from "../core/decimal.ts";
import { type LastDrill, spanInWords } from "../core/drill.ts";
import type { Completion } from "../core/messages.ts";
import { isAlive } from "../core/overview.ts";
import { legName } from "../core/position.ts";
import type { Reading } from "../core/reading.ts";
import { tenths } from "../core/trip.ts";
import type { Overview, RolePulse } from "../ports/bus.ts";
import { type ExitsStatus, exitsDocument, renderExits } from "./render-exits.ts";
import { newTable } from "./table.ts";

/** What `status` shows. */
export interface StatusView extends Overview {
  readonly exits: ExitsStatus;
  readonly lastDrill: Reading<LastDrill | null>;
  /** Why nobody is protected, or not in full. */
  readonly problems: readonly string[];
  /** What a person has to look at besides; the system is healthy all the same. */
  readonly attention: readonly string[];
}

/** `status --json`. */
export function statusDocument(view: StatusView): object {
  const { roles, exits, halt, lastPanic, lastDrill, problems, attention } = view;
  return {
    healthy: problems.length === 0,
    problems,
    attention,
    roles: roles.map((view) => ({
      role: view.role,
      alive: isAlive(view),
      status: view.last?.heartbeat.status ?? null,
      age_ms: view.last?.ageMs ?? null,
      active_positions: view.role === "brain" ? (view.last?.heartbeat.activePositions ?? null) : undefined,
      mode: view.role === "brain" ? (view.last?.heartbeat.details?.mode ?? null) : undefined,
      state: view.last?.heartbeat.details?.state ?? null,
      instance_id: view.last?.heartbeat.details?.instanceId ?? null,
    })),
    halt: halt && {
      reason: halt.reason,
      source: halt.source,
      event_id: halt.eventId,
      positions_closed: halt.positionsClosed,
    },
    exit_policy: exitsDocument(exits),
    last_panic: lastPanic && {
      event_id: lastPanic.event.eventId,
      reason: lastPanic.event.reason,
      issued_by: lastPanic.event.issuedBy,
      published_at: lastPanic.publishedAt,
      outcome: lastPanic.outcome,
    },
    last_drill: lastDrill.known ? lastDrill.value && drillDocument(lastDrill.value) : null,
  };
}

function drillDocument({ at, ageMs, record }: LastDrill): object {
  return {
    at,
    age_ms: ageMs,
    drill: record?.drill ?? null,
    method: record?.method ?? null,
    verdict: record?.verdict ?? null,
    passed: record?.verdict === "passed",
    event_id: record?.eventId ?? null,
    started_at: record?.startedAt ?? null,
    why: record?.why ?? null,
  };
}

/** `status` for people. */
export function renderStatus(view: StatusView, colour: boolean): string {
  const { roles, exits, halt, lastPanic, lastDrill, problems, attention } = view;
  const table = newTable(["role", "alive", "status", "last heartbeat", "doing"], colour);
  for (const pulse of roles) {
    const { role, last } = pulse;
    const age = last === null ? "never" : `${tenths(last.ageMs)} ago`;
    table.push([role, isAlive(pulse) ? "yes" : "NO", last?.heartbeat.status ?? "-", age, doing(pulse)]);
  }
  const lines = [table.toString()];
  lines.push(halt === null ? "Trading: allowed" : `Trading: HALTED by ${halt.source}, ${halt.reason}`);
  lines.push(...renderExits(exits, colour));
  if (lastPanic !== null) {
    const { event, outcome, publishedAt } = lastPanic;
    const at = new Date(publishedAt).toISOString();
    lines.push(`Last panic: ${at} ${event.reason} by ${event.issuedBy}, ${outcome ?? "no report yet"}`);
  }
  lines.push(`Last drill: ${drillLine(lastDrill)}`);
  if (attention.length > 0) lines.push(listed("To look at:", attention));
  lines.push(problems.length === 0 ? "Healthy" : listed("Problems:", problems));
  return lines.join("\n");
}

function listed(title: string, items: readonly string[]): string {
  return [title, ...items.map((item) => `  - ${item}`)].join("\n");
}

function drillLine(last: Reading<LastDrill | null>): string {
  if (!last.known) return `can't be read, ${last.why}`;
  if (last.value === null) return "none on record";
  const { at, ageMs, record } = last.value;
  const when = `${new Date(at).toISOString()} (${spanInWords(ageMs)} ago)`;
  if (record === null) return `${when} can't be read`;
  return `${when} ${record.drill} (${record.method}), ${record.verdict.toUpperCase()}`;
}

function doing({ role, last }: RolePulse): string {
  if (last === null) return "";
  const { activePositions, details } = last.heartbeat;
  if (role !== "brain") return details?.state ?? "";
  const state = details?.state === undefined ? "" : `, ${details.state}`;
  return `${activePositions ?? "?"} positions, ${details?.mode ?? "mode unknown"}${state}`;
}

/** A report as a JSON document, in the contract's names (3.3). */
export function completionDocument(completion: Completion): object {
  return {
    outcome: completion.outcome,
    positions_total: completion.positionsTotal,
    positions_closed: completion.positionsClosed,
    positions_failed: completion.positionsFailed,
    failed_symbols: completion.failedSymbols,
    execution_time_ms: completion.executionTimeMs,
    orders_cancelled: completion.ordersCancelled,
    residual: completion.residual.map(({ symbol, positionSide, amount }) => ({
      symbol,
      positionSide,
      positionAmt: plain(amount),
    })),
    notional_usd: completion.notionalUsd.toFixed(2),
  };
}

/** A report for people. */
export function renderCompletion(completion: Completion): string {
  const { outcome, positionsClosed, positionsTotal, executionTimeMs, notionalUsd } = completion;
  const lines = [
    `Outcome: ${outcome}`,
    `Closed: ${positionsClosed}/${positionsTotal} ($${cents(notionalUsd)}) in ${executionTimeMs} ms`,
  ];
  for (const leg of completion.residual) lines.push(`Still open: ${legName(leg)} ${plain(leg.amount)}`);
  if (outcome !== "FLAT") lines.push(`Look at the venue: ${completion.failedSymbols.join(", ")}`);
  return lines.join("\n");
}

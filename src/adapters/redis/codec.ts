/** Redis fields to domain types and back: parsed once, here (contract section 3). */

import { z } from "zod";
import { decimal, plain } from "../../core/decimal.ts";
import { DRILL_VERDICTS, type DrillRecord } from "../../core/drill.ts";
import {
  type Attempt,
  type BrainMode,
  type Completion,
  type Halt,
  type Heartbeat,
  type HeartbeatDetails,
  ISSUERS,
  type Outcome,
  type PanicEvent,
} from "../../core/messages.ts";
import type { FoundLeg } from "../../core/position.ts";
import type { UnixMillis } from "../../core/time.ts";
import { legsOf, written, writtenLeg } from "../found-legs.ts";

/** The fields of one entry or hash. */
export type Fields = ReadonlyMap<string, string>;

/** A stream entry as ioredis returns it: the id, then name, value, name, value. Deleted entries have no fields. */
export type RawEntry = readonly [id: string, fields: readonly string[] | null];

/** The fields of an entry; empty for one that was deleted. */
export function fieldsOf([, raw]: RawEntry): Fields {
  const fields = new Map<string, string>();
  if (raw === null) return fields;
  for (let i = 0; i + 1 < raw.length; i += 2) fields.set(raw[i] ?? "", raw[i + 1] ?? "");
  return fields;
}

/** The bus's clock when the entry was added: the part of its id before the dash. */
export function entryTime(id: string): UnixMillis {
  return Number(id.slice(0, id.indexOf("-"))) as UnixMillis;
}

/** A heartbeat, or what is wrong with it. Only `status` is needed; the rest is shown, not trusted. */
export function parseHeartbeat(fields: Fields): Heartbeat | { readonly malformed: string } {
  const status = fields.get("status");
  if (status === undefined || status === "") return { malformed: "it has no status" };
  return {
    status,
    activePositions: whole(fields.get("active_positions")),
    ts: whole(fields.get("ts")) as UnixMillis | null,
    details: parseDetails(fields),
  };
}

function parseDetails(fields: Fields): HeartbeatDetails | null {
  const instanceId = fields.get("instance_id") || null;
  const lastDecisionTs = whole(fields.get("last_decision_ts")) as UnixMillis | null;
  // Each of the two carries a rule of its own; one that is missing must not take the other with it.
  if (instanceId === null && lastDecisionTs === null) return null;
  const mode = fields.get("mode");
  const state = fields.get("state");
  return {
    serviceId: fields.get("service_id") ?? "",
    instanceId,
    seq: whole(fields.get("seq")),
    lastDecisionTs,
    latencyMs: whole(fields.get("latency_ms")) ?? 0,
    mode: isMode(mode) ? mode : "live",
    ...(state === undefined ? {} : { state }),
  };
}

/** The fields of a heartbeat, in the contract's order. */
export function heartbeatFields({ status, activePositions, ts, details }: Heartbeat): string[] {
  const fields = ["status", status, "active_positions", String(activePositions ?? 0), "ts", String(ts ?? 0)];
  if (details === null) return fields;
  const { serviceId, instanceId, seq, lastDecisionTs, latencyMs, mode, state } = details;
  fields.push("service_id", serviceId);
  if (instanceId !== null) fields.push("instance_id", instanceId);
  if (seq !== null) fields.push("seq", String(seq));
  if (lastDecisionTs !== null) fields.push("last_decision_ts", String(lastDecisionTs));
  fields.push("latency_ms", String(latencyMs), "mode", mode);
  if (state !== undefined) fields.push("state", state);
  return fields;
}

/** An attempt as text: the incident's id, a space, the number. */
export function attemptText({ incidentId, number }: Attempt): string {
  return `${incidentId} ${number}`;
}

/** The attempt in such a text; null for anything else. */
export function parseAttempt(text: string | null): Attempt | null {
  const [, incidentId, number] = /^(\S+) (\d{1,9})$/.exec(text ?? "") ?? [];
  return incidentId === undefined ? null : { incidentId, number: Number(number) };
}

/** Which attempt an event says it is; null for one that opened its incident, and for one that can't be read. */
export function parseFollowUp(fields: Fields): Attempt | null {
  return parseAttempt(`${fields.get("parent_event_id") ?? ""} ${fields.get("attempt") ?? ""}`);
}

/** The fields of a panic event; `sig` is null where no trigger secret is set. */
export function panicFields({ eventId, reason, issuedBy, ts, followsUp }: PanicEvent, sig: string | null): string[] {
  const fields = [
    "event_id",
    eventId,
    "reason",
    reason,
    "severity",
    "CRITICAL",
    "issued_by",
    issuedBy,
    "ts",
    String(ts),
  ];
  if (followsUp !== undefined) {
    fields.push("parent_event_id", followsUp.incidentId, "attempt", String(followsUp.number));
  }
  return sig === null ? fields : [...fields, "sig", sig];
}

/** A panic event on record, for people; null if the entry can't be read as one. */
export function parsePanic(fields: Fields): PanicEvent | null {
  const issuedBy = ISSUERS.find((issuer) => issuer === fields.get("issued_by"));
  const eventId = fields.get("event_id");
  if (issuedBy === undefined || eventId === undefined) return null;
  const ts = (whole(fields.get("ts")) ?? 0) as UnixMillis;
  return { eventId, reason: fields.get("reason") ?? "", issuedBy, ts };
}

/** The fields of the halt (contract 3.4). */
export function haltFields({ reason, source, eventId, positionsClosed }: Halt, ts: UnixMillis): string[] {
  return [
    ...["halted", "true", "reason", reason, "source", source, "event_id", eventId, "ts", String(ts)],
    ...["positions_closed", String(positionsClosed), "requires_manual_reset", "true"],
  ];
}

/** The halt from its hash; null only if the hash is not there. A hash in any other shape is a halt. */
export function parseHalt(hash: Readonly<Record<string, string>>): Halt | null {
  if (Object.keys(hash).length === 0 || hash["halted"] === "false") return null;
  return {
    reason: hash["reason"] ?? "",
    source: hash["source"] ?? "",
    eventId: hash["event_id"] ?? "",
    positionsClosed: whole(hash["positions_closed"]) ?? 0,
  };
}

/** The fields of a report, in the contract's order (3.3). */
export function completionFields(completion: Completion, worker: string, completedAt: UnixMillis): string[] {
  const residual = completion.residual.map(({ symbol, positionSide, amount }) => ({
    symbol,
    positionSide,
    positionAmt: plain(amount),
  }));
  return Object.entries({
    event_id: completion.eventId,
    positions_total: String(completion.positionsTotal),
    positions_closed: String(completion.positionsClosed),
    positions_failed: String(completion.positionsFailed),
    failed_symbols: JSON.stringify(completion.failedSymbols),
    ts_started: String(completedAt - completion.executionTimeMs),
    ts_completed: String(completedAt),
    execution_time_ms: String(completion.executionTimeMs),
    outcome: completion.outcome,
    reason: completion.reason,
    source: completion.source,
    orders_cancelled: String(completion.ordersCancelled),
    residual: JSON.stringify(residual),
    notional_usd: completion.notionalUsd.toFixed(2),
    worker,
  }).flat();
}

const count = z.string().regex(/^\d+$/).transform(Number);
const json = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: "custom", message: "not JSON" });
    return z.NEVER;
  }
});

const completionSchema = z.object({
  event_id: z.string(),
  positions_total: count,
  positions_closed: count,
  positions_failed: count,
  failed_symbols: json.pipe(z.array(z.string())),
  execution_time_ms: count,
  outcome: z.enum(["FLAT", "NOT_FLAT", "UNKNOWN"]),
  reason: z.string(),
  source: z.string(),
  orders_cancelled: count,
  residual: json.pipe(
    z.array(z.object({ symbol: z.string(), positionSide: z.enum(["BOTH", "LONG", "SHORT"]), positionAmt: z.string() })),
  ),
  notional_usd: z.string(),
});

/**
 * A report from its entry.
 *
 * @throws {Error} naming the field that is not as the contract says.
 */
export function parseCompletion(fields: Fields): Completion {
  const parsed = completionSchema.safeParse(Object.fromEntries(fields));
  if (!parsed.success) throw new Error(`not a completion: ${z.prettifyError(parsed.error).replaceAll("\n", " ")}`);
  const { data } = parsed;
  return {
    eventId: data.event_id,
    outcome: data.outcome,
    positionsTotal: data.positions_total,
    positionsClosed: data.positions_closed,
    positionsFailed: data.positions_failed,
    failedSymbols: data.failed_symbols,
    executionTimeMs: data.execution_time_ms,
    reason: data.reason,
    source: data.source,
    ordersCancelled: data.orders_cancelled,
    residual: data.residual.map(({ symbol, positionSide, positionAmt }) => ({
      symbol,
      positionSide,
      amount: decimal(positionAmt),
    })),
    notionalUsd: decimal(data.notional_usd),
  };
}

/** The fields of a drill's record; what is not known is empty. */
export function drillFields(record: DrillRecord): string[] {
  return Object.entries({
    drill: record.drill,
    method: record.method,
    target: record.target,
    verdict: record.verdict,
    passed: String(record.verdict === "passed"),
    event_id: record.eventId ?? "",
    ts_started: String(record.startedAt),
    checks: JSON.stringify(
      record.checks.map(({ name, measured, limit, passed }) => ({ name, measured, limit, passed })),
    ),
    why: record.why ?? "",
  }).flat();
}

const figure = z.union([z.number(), z.boolean()]);

const drillSchema = z.object({
  drill: z.string(),
  method: z.string(),
  target: z.string(),
  verdict: z.enum(DRILL_VERDICTS),
  passed: z.enum(["true", "false"]),
  event_id: z.string(),
  ts_started: count,
  checks: json.pipe(
    z.array(z.object({ name: z.string(), measured: figure.nullable(), limit: figure, passed: z.boolean() })),
  ),
  why: z.string(),
});

/** A drill's record; null if it can't be read, or says of itself that it passed and did not: that is no pass. */
export function parseDrill(fields: Fields): DrillRecord | null {
  const { data } = drillSchema.safeParse(Object.fromEntries(fields));
  if (data === undefined) return null;
  const isPass = data.verdict === "passed";
  if (isPass !== (data.passed === "true") || (isPass && !data.checks.every((check) => check.passed))) return null;
  return {
    drill: data.drill,
    method: data.method,
    target: data.target,
    verdict: data.verdict,
    eventId: data.event_id || null,
    startedAt: data.ts_started as UnixMillis,
    checks: data.checks,
    why: data.why || null,
  };
}

/** What a pass has found open, as text. */
export function foundText(legs: readonly FoundLeg[]): string {
  return JSON.stringify(written(legs));
}

/** The legs in such a text, but for those that can't be read. */
export function parseFound(text: string | null): readonly FoundLeg[] {
  const parsed = json.pipe(z.array(z.unknown())).safeParse(text ?? "[]");
  const legs = parsed.success ? parsed.data.map((leg) => writtenLeg.safeParse(leg)) : [];
  return legsOf(legs.flatMap((leg) => (leg.success ? [leg.data] : [])));
}

/** An outcome on record; anything unreadable is `UNKNOWN`, never better. */
export function parseOutcome(text: string | null | undefined): Outcome | null {
  if (text === null || text === undefined) return null;
  return text === "FLAT" || text === "NOT_FLAT" ? text : "UNKNOWN";
}

function isMode(text: string | undefined): text is BrainMode {
  return text === "live" || text === "shadow" || text === "halted";
}

/** A whole number written plainly, within what a double holds exactly; otherwise null. */
function whole(text: string | undefined): number | null {
  if (text === undefined || !/^\d{1,15}$/.test(text)) return null;
  return Number(text);
}

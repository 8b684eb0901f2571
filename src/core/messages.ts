/** The vocabulary of the bus: contract.md section 3 as types. Adapters turn Redis fields into these once, at the edge. */

import type { Decimal } from "./decimal.ts";
import type { FoundLeg, PositionSide } from "./position.ts";
import type { UnixMillis } from "./time.ts";

/** `live` decides and acts, `shadow` decides only, `halted` obeys a halt. */
export type BrainMode = "live" | "shadow" | "halted";

/** What a brain says of itself. Anything but `ALIVE` counts as degraded (design section 3). */
export interface Heartbeat {
  readonly status: string;
  /** `null` if the sender did not say it in a way that can be read. */
  readonly activePositions: number | null;
  /** The sender's clock: shown, never trusted (design rule 7). */
  readonly ts: UnixMillis | null;
  /** Only senders of ours carry the rest; somebody else's bot may beat without it. */
  readonly details: HeartbeatDetails | null;
}

/** The fields after the first three. */
export interface HeartbeatDetails {
  readonly serviceId: string;
  /** New at each process start; null if the sender names none. */
  readonly instanceId: string | null;
  /** Counts the heartbeats of an instance; null if the sender does not. */
  readonly seq: number | null;
  readonly lastDecisionTs: UnixMillis | null;
  readonly latencyMs: number;
  readonly mode: BrainMode;
  /** What a protector is doing; of a brain only `fenced`, while it may not act because its heartbeats are not confirmed. */
  readonly state?: string;
}

/** A heartbeat as it arrived. */
export interface Beat {
  readonly heartbeat: Heartbeat;
  /**
   * The event id of the incident that begins if this stays the last heartbeat: UUIDv5 over its entry id, so
   * everyone who misses the same heartbeat raises the same incident.
   */
  readonly incidentId: string;
}

/** Who may order an exit. */
export const ISSUERS = ["watchdog", "exit_brain", "risk_kernel", "ops", "eew"] as const;
/** One of `ISSUERS`. */
type Issuer = (typeof ISSUERS)[number];

/** One event of an incident: the first carries the incident's own id, a follow-up an id derived from it (contract 3.2). */
export interface Attempt {
  /** The event id of attempt 1, and every follow-up's `parent_event_id`. */
  readonly incidentId: string;
  /** 1 for the event that opened the incident. */
  readonly number: number;
}

/** An order to leave every position. */
export interface PanicEvent {
  readonly eventId: string;
  readonly reason: string;
  readonly issuedBy: Issuer;
  readonly ts: UnixMillis;
  /** For follow-ups only. */
  readonly followsUp?: Attempt;
}

/** How sure we are that a panic event was signed by someone who holds the trigger secret. */
export type SignatureCheck = "not_required" | "valid" | "missing" | "wrong";

/** A panic event as the worker received it; what could not be read is `null`, never guessed. */
export interface Delivery {
  /** Names the stream entry, for the acknowledgement; empty for an event that the worker raised itself and nobody has seen. */
  readonly entryId: string;
  /** From the event; where it has none, derived from the entry so that a malformed panic still has one name. */
  readonly eventId: string;
  readonly reason: string | null;
  readonly issuedBy: string | null;
  /** Server's clock minus entry id: how long the event waited. */
  readonly ageMs: number;
  readonly signature: SignatureCheck;
  /** Null for the event that opened its incident. */
  readonly followsUp: Attempt | null;
  /** A completion for this event id is already on record. */
  readonly completed: boolean;
  /** It was on the bus already when `quantum reset` cleared the halt last. */
  readonly beforeReset: boolean;
  /** What earlier passes of this event found open, and did not report: they were cut off. Empty also where it can't be known. */
  readonly foundBefore: readonly FoundLeg[];
}

/** What the venue says of the account after a pass. `FLAT` needs two witnesses (design rule 2). */
export type Outcome = "FLAT" | "NOT_FLAT" | "UNKNOWN";

/** What came of an event, in short: as it is told on the direct line. */
export interface Ending {
  readonly outcome: Outcome;
  /** By name, with the amount where it is known; empty also where only the record knows the outcome. */
  readonly open: readonly string[];
}

/** What is still open, by name. */
export interface Residual {
  readonly symbol: string;
  readonly positionSide: PositionSide;
  readonly amount: Decimal;
}

/** The truthful report of one pass (contract 3.3). */
export interface Completion {
  readonly eventId: string;
  readonly outcome: Outcome;
  readonly positionsTotal: number;
  readonly positionsClosed: number;
  /** Zero only where `outcome` is `FLAT`. */
  readonly positionsFailed: number;
  /** `["*"]` if not even the symbols are known. */
  readonly failedSymbols: readonly string[];
  readonly executionTimeMs: number;
  readonly reason: string;
  readonly source: string;
  readonly ordersCancelled: number;
  readonly residual: readonly Residual[];
  readonly notionalUsd: Decimal;
}

/** Trading is halted until a person resets it (contract 3.4). */
export interface Halt {
  readonly reason: string;
  readonly source: string;
  /** Empty for a halt that a person set by hand. */
  readonly eventId: string;
  readonly positionsClosed: number;
}

import type { PastHalt } from "../core/halt-memory.ts";
import type { Attempt, Ending } from "../core/messages.ts";
import type { FoundLeg } from "../core/position.ts";

/** An event that came to this worker alone: raised by itself, or heard by the direct line. */
interface OwnIncident {
  readonly eventId: string;
  readonly reason: string;
  /** Who has raised it; not set: this worker, as in journals of before this was written down. */
  readonly issuedBy?: string;
  /** Whose follow-up it is. Forgotten, an earlier attempt that is reported late would move the halt back to it. */
  readonly followsUp?: Attempt | null;
}

/** One that an earlier life has begun. */
export interface Unfinished extends OwnIncident {
  /** What its passes found open. */
  readonly found: readonly FoundLeg[];
}

/** What is written down. */
export type JournalRecord =
  | ({ readonly kind: "raised" } & OwnIncident)
  /** What a pass for such an event found open, before its first order. */
  | { readonly kind: "found"; readonly eventId: string; readonly legs: readonly FoundLeg[] }
  /** A pass is over; the bus may not know yet. */
  | ({ readonly kind: "executed"; readonly residual: readonly string[] } & Omit<PastHalt, "onRecord">)
  /** A halt that another worker has left, as it was seen: that worker and Redis may be lost together. */
  | ({ readonly kind: "witnessed" } & Omit<PastHalt, "onRecord">)
  /** Event and report are on the bus. */
  | { readonly kind: "reconciled"; readonly eventId: string }
  /** A person has cleared the halt of this event. */
  | { readonly kind: "reset"; readonly eventId: string };

/** The local memory that survives a loss of Redis and the death of the worker. Never throws. */
export interface Journal {
  /**
   * Appends, and resolves nothing before the disk has it: true, or false if it could not be written. What could not be is
   * remembered for this life all the same.
   */
  append(record: JournalRecord): boolean;
  /** The incidents of earlier lives that were raised and never reconciled: there is work left. */
  unfinished(): readonly Unfinished[];
  /** How a pass for this event ended, in this life or an earlier one; null if there was none, or it was forgotten. */
  executed(eventId: string): Ending | null;
  /** The halt of the last pass that is known of; null if there was none, or a person has reset it since. */
  halt(): PastHalt | null;
  /** What is wrong with what was found at the start; null if nothing is. */
  trouble(): string | null;
}

import type { Ending, Outcome } from "../core/messages.ts";

/** An incident that this worker raised itself, because nobody else could be reached. */
export interface OwnIncident {
  readonly eventId: string;
  readonly reason: string;
}

/** What is written down. */
export type JournalRecord =
  | ({ readonly kind: "raised" } & OwnIncident)
  /** A pass for it is over; the bus may not know yet. */
  | {
      readonly kind: "executed";
      readonly eventId: string;
      readonly outcome: Outcome;
      readonly residual: readonly string[];
    }
  /** Event and report are on the bus. */
  | { readonly kind: "reconciled"; readonly eventId: string };

/** The local memory that survives a loss of Redis and the death of the worker. Never throws. */
export interface Journal {
  /** Appends, and resolves nothing before the disk has it: true, or false if it could not be written. */
  append(record: JournalRecord): boolean;
  /** The incidents of earlier lives that were raised and never reconciled: there is work left. */
  unfinished(): readonly OwnIncident[];
  /** How a pass for this event ended, in this life or an earlier one; null if there was none, or it was not written down. */
  executed(eventId: string): Ending | null;
  /** What is wrong with what was found at the start; null if nothing is. */
  trouble(): string | null;
}

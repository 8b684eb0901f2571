import { isBehind, type PastHalt } from "../../core/halt-memory.ts";
import type { Ending } from "../../core/messages.ts";
import { everyLeg, type FoundLeg } from "../../core/position.ts";
import type { Journal, JournalRecord, Unfinished } from "../../ports/journal.ts";

/** What a journal's records mean together; where they are kept is somebody else's business. */
export class JournalMemory implements Omit<Journal, "append" | "trouble"> {
  readonly #unfinished = new Map<string, Unfinished>();
  readonly #endings = new Map<string, Ending>();
  #halt: PastHalt | null = null;

  /** @param earlier the records of the lives before this one, in their order. */
  constructor(earlier: readonly JournalRecord[]) {
    for (const record of earlier) {
      if (record.kind === "raised") {
        const { kind: _, ...own } = record;
        // A life that takes it up raises it again.
        const found = this.#unfinished.get(record.eventId)?.found ?? [];
        this.#unfinished.set(record.eventId, { ...own, found });
      }
      if (record.kind === "found") this.#found(record.eventId, record.legs);
      if (record.kind === "reconciled") this.#unfinished.delete(record.eventId);
      this.append(record);
    }
  }

  #found(eventId: string, legs: readonly FoundLeg[]): void {
    const own = this.#unfinished.get(eventId);
    if (own !== undefined) this.#unfinished.set(eventId, { ...own, found: everyLeg(own.found, legs) });
  }

  /** Takes in what is written down now. */
  append(record: JournalRecord): void {
    const last = this.#halt;
    switch (record.kind) {
      case "raised":
      case "found":
        return;
      case "executed":
        this.#endings.set(record.halt.eventId, { outcome: record.outcome, open: record.residual });
        if (last === null || !isBehind(record, last)) this.#halt = pastHalt(record, false);
        return;
      case "witnessed":
        if (last === null || !isBehind(record, last)) this.#halt = pastHalt(record, true);
        return;
      case "reconciled":
        if (last?.halt.eventId === record.eventId) this.#halt = { ...last, onRecord: true };
        return;
      case "reset":
        if (last?.halt.eventId === record.eventId) this.#halt = null;
        return;
    }
  }

  unfinished(): readonly Unfinished[] {
    return [...this.#unfinished.values()];
  }

  executed(eventId: string): Ending | null {
    return this.#endings.get(eventId) ?? null;
  }

  halt(): PastHalt | null {
    return this.#halt;
  }
}

function pastHalt({ halt, outcome, entryId, followsUp }: Omit<PastHalt, "onRecord">, onRecord: boolean): PastHalt {
  return { halt, outcome, entryId, followsUp, onRecord };
}

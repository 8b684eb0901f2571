/** Sees to it that a halt ends by a person only: one that Redis has lost is put back from the journal. */

import {
  eventOf,
  type HaltSight,
  judgeHalt,
  newsOf,
  type PastHalt,
  putBackWords,
  resetWords,
} from "../core/halt-memory.ts";
import type { EewBus } from "../ports/bus.ts";
import type { Journal } from "../ports/journal.ts";
import type { Log } from "../ports/log.ts";
import { say } from "./say.ts";

/** What it takes. */
interface HaltWorld {
  readonly bus: EewBus;
  readonly journal: Journal;
  readonly log: Log;
}

/** A look may fail because Redis fell silent right then, which others tell; the second in a row is told here. */
const FAILURES_TOLD = 2;

/**
 * Gives one look at the halt of the last pass, its own or another worker's, to be repeated for as long as the worker is idle:
 * during a pass the report halts, and so does one that `isOwed`, of a pass whose report is not confirmed yet. Between a loss and the next look nobody sees a halt, the gate and the brain included.
 */
export function haltKeeper(
  { bus, journal, log }: HaltWorld,
  isOwed: (eventId: string) => boolean,
): () => Promise<void> {
  let failures = 0;

  async function putBack(past: PastHalt): Promise<string | null> {
    const answer = await bus.putBack(past);
    if (!answer.known) return answer.why;
    for (const line of putBackWords(past, answer.value)) say(log, line);
    return null;
  }

  function noteReset(past: PastHalt): void {
    // Written first: who has read the line may count on it, whatever becomes of this process.
    const isWritten = journal.append({ kind: "reset", eventId: past.halt.eventId });
    say(log, resetWords(past));
    if (isWritten) return;
    const then = "after a restart, a Redis that has lost its records is halted again";
    log.write(
      "critical",
      `The journal can't be written, and forgets that a person has reset: ${then}`,
      "alarm",
      eventOf(past),
    );
  }

  function witness(news: PastHalt): void {
    if (journal.append({ kind: "witnessed", ...news })) return;
    const then = "after a restart this worker would not put back the halt of another one";
    log.write("critical", `The journal can't be written: ${then}`, "alarm", eventOf(news));
  }

  /** Why it could not be done; null if nothing is left to do. */
  async function look(): Promise<string | null> {
    const past = journal.halt();
    if (past !== null && isOwed(past.halt.eventId)) return null;
    const sight = await bus.sightOf(past);
    if (!sight.known) return sight.why;
    const why = past === null ? null : await settle(past, sight.value);
    const news = newsOf(sight.value, past);
    if (why === null && news !== null) witness(news);
    return why;
  }

  async function settle(past: PastHalt, sight: HaltSight): Promise<string | null> {
    switch (judgeHalt(sight, past)) {
      case "stands":
        return null;
      case "reset":
        noteReset(past);
        return null;
      case "lost":
        return await putBack(past);
    }
  }

  return async () => {
    const why = await look();
    failures = why === null ? 0 : failures + 1;
    if (failures === FAILURES_TOLD)
      log.write("critical", `Whether the halt is still there can't be seen to, trying again: ${why}`, "alarm");
  };
}

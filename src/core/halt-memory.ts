/**
 * A halt that is gone: did a person clear it, or did Redis lose it? (Design section 3.)
 *
 * A person deletes the halt alone, the records of its event stay. FLUSHALL, or a failover to a server that knows less,
 * takes both: then the worker puts the halt back from its journal, until a person resets.
 *
 * Halt and records are read in one step on the bus, and put back in one that looks again. So one look is enough: a reset
 * or a loss happens before it or after it, never in the middle.
 */

import type { Attempt, Halt, Outcome } from "./messages.ts";
import { critical, type EventName, info, regarding, type Tell } from "./tell.ts";

/** A pass that was executed, here or by another worker: the halt that it left, and what the bus must know again to take its event for completed. */
export interface PastHalt {
  readonly halt: Halt;
  readonly outcome: Outcome;
  /** Names the event's entry on the bus; empty for an event that was executed before it was there, and where it is not known. */
  readonly entryId: string;
  readonly followsUp: Attempt | null;
  /** Its report was confirmed: nothing but a loss takes that away. */
  readonly onRecord: boolean;
}

/** What the bus has of a past halt at one moment. */
export interface HaltSight {
  /** Trading is halted, by whichever event. */
  readonly halted: boolean;
  /** The halt that is there; null without one, for one that a person has set, and as long as its pass is not over. */
  readonly standing: PastHalt | null;
  /** `published`: the event is there without its completion. */
  readonly record: "completed" | "published" | "gone";
}

/** `stands`: nothing to do, or not yet. `reset`: a person has cleared it. `lost`: what the bus knew must be put back. */
export type HaltVerdict = "stands" | "reset" | "lost";

/**
 * Judges what became of a past halt.
 *
 * An event that is there without its completion is still to be reported, or executed again, and its report halts; unless the
 * completion was on record before: a server that knows less has taken over, and the worker takes the event for done. Where
 * everything is gone and trading is halted even so, as by another worker that was quicker, the record is put back all the
 * same: else the DEL of that halt would look like a loss.
 */
export function judgeHalt(sight: Pick<HaltSight, "halted" | "record">, past: Pick<PastHalt, "onRecord">): HaltVerdict {
  switch (sight.record) {
    case "completed":
      return sight.halted ? "stands" : "reset";
    case "published":
      return past.onRecord && !sight.halted ? "lost" : "stands";
    case "gone":
      return "lost";
  }
}

/** What was put back: the halt with the record, the record alone where trading was halted already, or nothing: somebody else did. */
export type PutBack = "halt" | "record" | "nothing";

/** What people read of it. */
export function putBackWords(past: PastHalt, what: PutBack): readonly Tell[] {
  if (what === "nothing") return [];
  const { eventId } = past.halt;
  const [lost, done] =
    what === "halt"
      ? ["the halt and every record of its event", "its halt is put back from the journal"]
      : ["every record of an event", "it is put back on record, and trading is halted already"];
  return regarding(eventOf(past), [
    critical(`FAILURE DETECTED: Data loss, Redis has forgotten ${lost} (FLUSHALL or failover)`, "alarm"),
    critical(`Event ${eventId} ended ${past.outcome}: ${done}, until a person resets it (quantum reset)`, "alarm"),
  ]);
}

/** The halt that is there, if it is another one than is remembered: then it is to be remembered, whoever executed it. */
export function newsOf({ standing }: HaltSight, past: PastHalt | null): PastHalt | null {
  if (standing?.halt.eventId === past?.halt.eventId) return null;
  return standing !== null && past !== null && isBehind(standing, past) ? null : standing;
}

/**
 * Whether the one is of an earlier attempt of the same incident. It is not to be remembered instead: the later one knows more,
 * and where it ended FLAT what opens under either is watched for.
 */
export function isBehind(
  one: Pick<PastHalt, "halt" | "followsUp">,
  other: Pick<PastHalt, "halt" | "followsUp">,
): boolean {
  const [earlier, later] = [attemptOf(one), attemptOf(other)];
  return earlier.incidentId === later.incidentId && earlier.number < later.number;
}

function attemptOf({ halt, followsUp }: Pick<PastHalt, "halt" | "followsUp">): Attempt {
  return followsUp ?? { incidentId: halt.eventId, number: 1 };
}

/** A person has reset. */
export function resetWords(past: PastHalt): Tell {
  return { ...info(`Halt cleared by a person: event ${past.halt.eventId} is over`), about: eventOf(past) };
}

/** The event that was executed. */
export function eventOf(past: Pick<PastHalt, "halt" | "followsUp">): EventName {
  return { eventId: past.halt.eventId, incidentId: attemptOf(past).incidentId };
}

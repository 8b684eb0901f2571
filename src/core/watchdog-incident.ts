/**
 * The watchdog in an incident: publish until it is confirmed, follow up until it is flat, and wait for a person.
 *
 * While a publish is not confirmed the worker is called by the direct line as well. That it has heard is no publish: the
 * same event is published on, so that it is on record once Redis is back. The stubborn outside needs no Redis either: an
 * attempt that ended otherwise than FLAT by the direct line is followed up with the next one, after the same pauses.
 */

import type { Attempt, Ending, Outcome } from "./messages.ts";
import type { Reading } from "./reading.ts";
import { alarmIf, asEvent, critical, info, regarding, warn } from "./tell.ts";
import { after, earliest, type Instant } from "./time.ts";
import { incompleteReason } from "./trip.ts";
import {
  type Halted,
  type Standing,
  type Step,
  type Tripped,
  type Tripping,
  UNUSED,
  type WatchdogAction,
  type WatchdogEvent,
  type WatchdogLimits,
  type WatchdogState,
  waiting,
} from "./watchdog-state.ts";

/** The events whose outcomes `step` wants to hear about with the next standing. */
export function askedFor(state: WatchdogState): readonly string[] {
  switch (state.kind) {
    case "tripped":
      return [state.eventId, state.attempt.incidentId];
    case "tripping":
      return [state.attempt.incidentId];
    case "halted":
      return [state.eventId];
    default:
      return [];
  }
}

/** The event that this watchdog knows to have been on record, and that must be there still. */
export function confirmedIn(state: WatchdogState): string | null {
  return state.kind === "tripped" && state.reason !== null ? state.eventId : null;
}

/** Advances a watchdog whose panic is not confirmed published yet. */
export function tripping(limits: WatchdogLimits, state: Tripping, event: WatchdogEvent, now: Instant): Step {
  switch (event.kind) {
    case "published": {
      if (!same(event.attempt, state.attempt)) return [state, []];
      const { incidentId } = state.attempt;
      const lines = regarding({ eventId: event.eventId, incidentId }, [
        critical("Panic close published to system:panic_close", "done"),
        critical(`Event ID: ${event.eventId}`),
      ]);
      const open = openIncident(limits, state.attempt, event.eventId, state.haltSeen, now);
      return [{ ...open, reason: state.reason }, lines];
    }
    case "publish_unconfirmed": {
      if (!same(event.attempt, state.attempt)) return [state, []];
      const retrying: Tripping = { ...state, retryAt: after(now, limits.publishRetryMs) };
      const line = `Panic close not confirmed published, trying again: ${event.why}`;
      const [next, calls] = callWorker(retrying, now);
      return [next, [...calls, critical(line, alarmIf(event.needsPerson))]];
    }
    case "direct_answered":
      return same(event.attempt, state.attempt) ? answered(limits, state, event.answer, now) : [state, []];
    case "timer": {
      const { directLine } = state;
      if (directLine.kind === "ended" && directLine.followUpAt !== null && now >= directLine.followUpAt)
        return followUp({ ...state, outcome: directLine.outcome });
      if (state.retryAt === null || now < state.retryAt) return [state, []];
      return [{ ...state, retryAt: null }, [{ kind: "publish", attempt: state.attempt, reason: state.reason }]];
    }
    case "standing":
    case "drained":
      if (event.standing.halt !== null || !wasHalted(state, event.standing)) return [state, []];
      return reset(event.standing, now);
    default:
      return [state, []];
  }
}

/** When a publish or a follow-up of a panic that is not confirmed published is due; null while one is under way. */
export function trippingDeadline({ retryAt, directLine }: Tripping): Instant | null {
  return earliest(retryAt, directLine.kind === "ended" ? directLine.followUpAt : null);
}

function callWorker(state: Tripping, now: Instant): readonly [Tripping, readonly WatchdogAction[]] {
  const { attempt, directLine, reason } = state;
  if (directLine.kind !== "free" || (directLine.from !== null && now < directLine.from)) return [state, []];
  return [{ ...state, directLine: { kind: "calling", since: now } }, [{ kind: "call_direct", attempt, reason }]];
}

function answered(limits: WatchdogLimits, state: Tripping, answer: Reading<Ending | null>, now: Instant): Step {
  const { attempt, directLine } = state;
  if (directLine.kind !== "calling") return [state, []];
  if (!answer.known || answer.value === null) {
    const line = answer.known
      ? critical("The worker has heard it by the direct line, and not said yet what came of it")
      : critical(`The worker can't be reached by the direct line: ${answer.why}`);
    const from = after(directLine.since, limits.callRetryMs);
    return [{ ...state, directLine: { kind: "free", from } }, [line]];
  }
  const { outcome, open } = answer.value;
  if (outcome === "FLAT") {
    const line = critical("By the direct line the worker says FLAT; publishing goes on, so that it is on record");
    return [{ ...state, directLine: { kind: "ended", outcome, followUpAt: null } }, [line]];
  }
  const left = open.length === 0 ? "look at the venue" : `still open: ${open.join(", ")}`;
  const line = critical(`By the direct line the worker says ${outcome}: positions may be open, ${left}`, "alarm");
  const followUpAt = after(now, pauseAfter(limits, attempt));
  return [{ ...state, directLine: { kind: "ended", outcome, followUpAt } }, [line]];
}

function openIncident(
  limits: WatchdogLimits,
  attempt: Attempt,
  eventId: string,
  haltSeen: boolean,
  now: Instant,
): Tripped {
  // The pause grows here too: a worker that is not there is not helped by a longer queue.
  const followUpAt = after(now, Math.max(limits.completionOverdueMs, pauseAfter(limits, attempt)));
  return { kind: "tripped", attempt, eventId, reason: null, haltSeen, outcome: null, followUpAt, heard: null };
}

/** Advances a watchdog whose incident is open. */
export function inIncident(limits: WatchdogLimits, state: Tripped, event: WatchdogEvent, now: Instant): Step {
  switch (event.kind) {
    case "standing":
    case "drained": {
      const { halt, haltedBy, outcomes } = event.standing;
      const outcome = outcomes.get(state.eventId) ?? null;
      // Before the halt: where the record is gone, that the halt is gone too is no reset.
      if (isLost(state, event.standing)) return publishAgain(state);
      if (halt === null) return wasHalted(state, event.standing) ? reset(event.standing, now) : [state, []];
      // Another incident, or this one taken further by another watchdog.
      const elsewhere = haltedBy !== null && haltedBy.incidentId !== state.attempt.incidentId;
      const ahead = haltedBy !== null && haltedBy.number > state.attempt.number;
      if (elsewhere || ahead) return followHalt(limits, state, event.standing, now);
      if (outcome === "FLAT" && haltedBy !== null && haltedBy.number < state.attempt.number) return passOver(state);
      return hearOutcome(limits, state, outcome, now);
    }
    case "timer":
      return now < state.followUpAt ? [state, []] : followUp(state);
    default:
      return [state, []];
  }
}

/**
 * The bus has lost the event that it had confirmed, and nobody has executed it: Redis failed over to a replica that never
 * got it, or was emptied. An outcome that is on record, or was heard, makes it the follow-up's business.
 */
function isLost(state: Tripped, { lostEvent, outcomes }: Standing): boolean {
  return lostEvent === state.eventId && state.outcome === null && !outcomes.has(state.eventId);
}

/** The same event again, at once: whoever has it after all knows it by its id. */
function publishAgain({ attempt, eventId, reason }: Tripped): Step {
  const known = reason ?? "";
  return [
    { kind: "tripping", attempt, reason: known, haltSeen: false, retryAt: null, directLine: UNUSED, heard: null },
    [
      { kind: "publish", attempt, reason: known },
      critical(`Event ${eventId} is not on record any more: Redis has lost data, publishing it again`, "alarm"),
    ],
  ];
}

/** The stubborn outside (design rule 4): a new event for what the last one left open. */
function followUp({
  attempt: { incidentId, number },
  haltSeen,
  outcome,
}: Pick<Tripped, "attempt" | "haltSeen" | "outcome">): Step {
  const attempt: Attempt = { incidentId, number: number + 1 };
  const reason = incompleteReason(outcome);
  return [
    { kind: "tripping", attempt, reason, haltSeen, retryAt: null, directLine: UNUSED, heard: null },
    regarding<WatchdogAction>(asEvent(attempt), [
      { kind: "publish", attempt, reason },
      critical(`FAILURE DETECTED: Panic close incomplete (${outcome ?? "no completion"})`, "alarm"),
      critical("TRIGGERING PANIC CLOSE", "alarm"),
      critical(`Reason: ${reason}`),
      critical(`Attempt: ${attempt.number} of incident ${incidentId}`),
    ]),
  ];
}

/**
 * The attempt was FLAT before the halt that stands: a report halts in the same step. A person has reset since, and an earlier
 * attempt is executed once more, by a worker that knew nothing of it. That old FLAT says nothing of what is open now.
 */
function passOver(state: Tripped): Step {
  const [next, actions] = followUp({ ...state, outcome: null });
  const line = `Event ${state.eventId} ended FLAT before this halt, which proves nothing of now: on to the next attempt`;
  return [next, [critical(line, "alarm"), ...actions]];
}

/** 1, 2, 4 … 30 s (design rule 4). */
function pauseAfter(limits: WatchdogLimits, { number }: Attempt): number {
  return Math.min(limits.followUpMaxMs, limits.followUpMs * 2 ** (number - 1));
}

function hearOutcome(limits: WatchdogLimits, state: Tripped, outcome: Outcome | null, now: Instant): Step {
  const { attempt, eventId } = state;
  if (outcome === "FLAT") return [{ kind: "halted", attempt, eventId, heard: null }, [critical(halted(eventId))]];
  if (outcome === state.outcome) return [{ ...state, haltSeen: true }, []];
  const line = `Event ${eventId} ended ${outcome}: positions may be open, look at the venue`;
  const followUpAt = after(now, pauseAfter(limits, attempt));
  return [{ ...state, haltSeen: true, outcome, followUpAt }, [critical(line, "alarm")]];
}

/** An incident halted trading. A halt set by hand has no incident behind it, so the brain stays watched. */
export function followHalt(limits: WatchdogLimits, state: WatchdogState, standing: Standing, now: Instant): Step {
  const { halt, haltedBy, outcomes } = standing;
  if (halt === null || haltedBy === null) return [state, []];
  const outcome = outcomes.get(halt.eventId) ?? null;
  if (state.kind === "halted" && isOldNews(haltedBy, outcome, state, standing)) return [state, []];
  const open = openIncident(limits, haltedBy, halt.eventId, true, now);
  const [next, lines] = hearOutcome(limits, open, outcome, now);
  const event = { eventId: halt.eventId, incidentId: haltedBy.incidentId };
  const line = critical(`Trading is halted by ${halt.source}, event ${halt.eventId}`);
  return [next, regarding(event, [line, ...lines])];
}

/**
 * The attempt that ended FLAT, or one before it that was reported late and halts because the halt was gone. What opens later
 * breaks the halt, and the worker watches for that under either. But where Redis has lost that FLAT nobody watches, nor while
 * the earlier attempt has no report: what halts now is followed up.
 */
function isOldNews(haltedBy: Attempt, outcome: Outcome | null, flat: Halted, { outcomes }: Standing): boolean {
  if (haltedBy.incidentId !== flat.attempt.incidentId || haltedBy.number > flat.attempt.number) return false;
  if (haltedBy.number === flat.attempt.number) return outcome === null || outcome === "FLAT";
  return outcome !== null && outcomes.get(flat.eventId) === "FLAT";
}

/** A completion writes the halt in the same step, so "completed and not halted" can only mean a reset. */
function wasHalted(state: Tripping | Tripped, { outcomes }: Standing): boolean {
  return state.haltSeen || askedFor(state).some((eventId) => outcomes.has(eventId));
}

function same(one: Attempt, other: Attempt): boolean {
  return one.incidentId === other.incidentId && one.number === other.number;
}

/**
 * The halt over a flat account is gone: a person has cleared it, or Redis has lost it with its records. A worker puts it
 * back then (core/halt-memory.ts); until it does, whoever trades is watched.
 */
export function unhalted(eventId: string, standing: Standing, now: Instant): Step {
  if (standing.outcomes.has(eventId)) return reset(standing, now);
  const line = `The halt of event ${eventId} is gone, and its records with it: Redis has lost data, waiting for a heartbeat`;
  return [waiting(standing, now), [warn(line, "alarm")]];
}

/** A person has cleared the halt. */
function reset(standing: Standing, now: Instant): Step {
  return [waiting(standing, now), [info("Halt cleared by a person: waiting for a heartbeat to re-attach to")]];
}

function halted(eventId: string): string {
  return `Event ${eventId} ended FLAT: halted until a person resets it (quantum reset)`;
}

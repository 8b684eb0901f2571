/**
 * The watchdog's decisions (design section 3).
 *
 *   detached → waiting | armed | tripped | halted       on attach
 *   waiting  → armed                                     a heartbeat arrives
 *   armed    → tripping                                  a rule is broken (brain-watch.ts)
 *   waiting  → tripping                                  none came, and somebody wants that to be a failure
 *   tripping → tripped                                   the publish is confirmed, and only then
 *   tripped  → halted                                    a completion says FLAT
 *   tripped  → tripping                                  a completion says anything else, or there is none: follow up
 *   tripped | halted → waiting                           a person reset the halt
 *   tripped | halted → armed                             the same, and a heartbeat came since the last look that showed it
 *   any      → tripped                                   another issuer's incident halted trading
 *
 * A timer that fires much later than it was due means that this process stood still, and that overdue timers were
 * served before sockets. What had arrived is then drained first, for a bounded time, and judged by its true age. The
 * timer of a rule shows it where the rule is overdue; a shorter standstill, `stood_still`, only shows in the ages.
 */

import type { Beat } from "./messages.ts";
import { type About, alarmIf, asEvent, info, regarding, type Tell, warn } from "./tell.ts";
import { after, type Instant } from "./time.ts";
import { followHalt, inIncident, tripping, trippingDeadline, unhalted } from "./watchdog-incident.ts";
import { arm, judge, listening, verdictAt } from "./watchdog-listening.ts";
import {
  type Attachment,
  type Halted,
  type Step,
  type Tripped,
  type Tripping,
  type WatchdogEvent,
  type WatchdogLimits,
  type WatchdogState,
  waiting,
} from "./watchdog-state.ts";

/**
 * Advances the watchdog by one event.
 *
 * Becomes `tripped` only when the publish is confirmed; until then the same event id is published again and again,
 * which the bus makes harmless.
 */
export function step(limits: WatchdogLimits, state: WatchdogState, event: WatchdogEvent, now: Instant): Step {
  const [next, actions] = advance(limits, state, event, now);
  const heard = heardSinceHalt(state, event);
  if (isIncident(next)) return [{ ...next, heard }, actions];
  if (next.kind !== "waiting" || !isIncident(state) || heard === null) return [next, actions];
  // The reset was between the last look that showed the halt and this one, and a brain that beat in between may have done so
  // behind it, and for the last time. When the reset was nobody knows, so the heartbeat counts as of now: a brain that has died
  // since is missed five seconds from here.
  const [armed, others] = listening(limits, next, { kind: "beat", beat: heard, arrivedAt: now }, now);
  return [armed, [...actions, ...others]];
}

/**
 * The heartbeat that may be of a brain that lives behind a reset. Each look reads the halt after the heartbeats: what came
 * with a halt, or before it, was there before the reset, and a brain that is silent since does not count.
 */
function heardSinceHalt(state: WatchdogState, event: WatchdogEvent): Beat | null {
  const before = isIncident(state) ? state.heard : null;
  switch (event.kind) {
    case "beat":
      return event.beat;
    case "standing":
      return event.standing.halt === null ? before : null;
    case "drained":
      return event.standing.halt === null ? (event.beats.at(-1)?.beat ?? before) : null;
    default:
      return before;
  }
}

function isIncident(state: WatchdogState): state is Tripping | Tripped | Halted {
  return state.kind === "tripping" || state.kind === "tripped" || state.kind === "halted";
}

/** In an incident every line is about it, those of the bus too. */
function advance(limits: WatchdogLimits, state: WatchdogState, event: WatchdogEvent, now: Instant): Step {
  const [next, actions] = decide(limits, state, event, now);
  return [next, isIncident(state) ? regarding(eventOf(state), actions) : actions];
}

function eventOf(state: Tripping | Tripped | Halted): About {
  if (state.kind === "tripping") return asEvent(state.attempt);
  return { eventId: state.eventId, incidentId: state.attempt.incidentId };
}

function decide(limits: WatchdogLimits, state: WatchdogState, event: WatchdogEvent, now: Instant): Step {
  const common = told(event);
  if (common !== null) return [state, [common]];
  switch (state.kind) {
    case "detached":
      return event.kind === "attached" ? attach(limits, event.attachment, now) : [state, []];
    case "waiting":
    case "armed":
      return listening(limits, state, event, now);
    case "tripping":
      return tripping(limits, state, event, now);
    case "tripped":
      return inIncident(limits, state, event, now);
    case "halted":
      if (event.kind !== "standing" && event.kind !== "drained") return [state, []];
      if (event.standing.halt === null) return unhalted(state.eventId, event.standing, now);
      return followHalt(limits, state, event.standing, now);
  }
}

/** When `step` wants a `timer` event, if nothing else happens before; null: only an event can move it. */
export function deadline(limits: WatchdogLimits, state: WatchdogState): Instant | null {
  switch (state.kind) {
    case "waiting":
    case "armed":
      return state.drainBy ?? verdictAt(limits, state);
    case "tripping":
      return trippingDeadline(state);
    case "tripped":
      return state.followUpAt;
    case "detached":
    case "halted":
      return null;
  }
}

/** Events that never change a state, only tell. */
function told(event: WatchdogEvent): Tell | null {
  switch (event.kind) {
    case "bus_lost":
      return warn(`Redis can't be used, heartbeats cannot be seen: ${event.why}`, alarmIf(event.needsPerson));
    case "bus_back":
      return info("Redis can be used again");
    default:
      return null;
  }
}

function attach(limits: WatchdogLimits, { standing, lastBeat }: Attachment, now: Instant): Step {
  if (standing.haltedBy !== null) return followHalt(limits, { kind: "detached" }, standing, now);
  if (lastBeat === null)
    return [waiting(standing, now), [warn(unprotected("no heartbeat has ever been seen"), "alarm")]];
  if (lastBeat.incidentCompleted)
    return [waiting(standing, now), [warn(unprotected("none since the last reset"), "alarm")]];
  const [state, lines] = arm(lastBeat.beat, after(now, -lastBeat.ageMs), null, []);
  const [next, actions] = judge(limits, state, now);
  return [next, [...lines, ...actions]];
}

function unprotected(why: string): string {
  return `UNPROTECTED: waiting for a heartbeat on exit_brain:heartbeat, ${why}`;
}

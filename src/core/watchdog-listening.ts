/** The watchdog while it listens for heartbeats, before and after the first: heartbeats in, a panic out if a rule is broken. */

import { type BrainWatch, broken, currentOf, hear, nextBreak, watchOver } from "./brain-watch.ts";
import type { Attempt, Beat } from "./messages.ts";
import { asEvent, critical, info, regarding, type Tell, warn } from "./tell.ts";
import { after, type Instant, latest } from "./time.ts";
import { describe, reasonOf, type Trip } from "./trip.ts";
import { followHalt } from "./watchdog-incident.ts";
import {
  type Armed,
  type NoHeartbeat,
  type Standing,
  type Step,
  UNUSED,
  type Waiting,
  type WatchdogAction,
  type WatchdogEvent,
  type WatchdogLimits,
  type WatchdogState,
} from "./watchdog-state.ts";

/**
 * The watch begins with this heartbeat.
 *
 * @param appearedAt when its instance appeared, if that was seen.
 */
export function arm(
  beat: Beat,
  lastBeatAt: Instant,
  appearedAt: Instant | null,
  told: readonly NoHeartbeat[],
): readonly [Armed, readonly WatchdogAction[]] {
  const { status, details } = beat.heartbeat;
  const id = details?.instanceId ?? null;
  const who = id === null ? "a heartbeat without an instance id" : `instance ${id}`;
  const state: Armed = { kind: "armed", brain: watchOver(beat, lastBeatAt, appearedAt), drainBy: null, told };
  return [state, [info(`Armed: watching the exit brain (${who}, status ${status})`)]];
}

/** Advances a watchdog that listens by one event. */
export function listening(limits: WatchdogLimits, state: Waiting | Armed, event: WatchdogEvent, now: Instant): Step {
  switch (event.kind) {
    case "beat": {
      const [next, actions] = heard(limits, state, event.beat, event.arrivedAt);
      return more(next, actions, (heardOf) => judge(limits, heardOf, now));
    }
    case "malformed_beat":
      return noHeartbeat(state, "malformed", event.why);
    case "timer":
      return atDeadline(limits, state, now);
    case "stood_still":
      return state.drainBy === null ? drainFirst(limits, state, event.lateMs, now) : [state, []];
    case "drained":
      return drained(limits, { ...state, drainBy: null }, event, now);
    case "drain_failed":
      return state.drainBy === null ? [state, []] : judge(limits, { ...state, drainBy: null }, now);
    case "standing":
      return listenOrFollow(limits, state, event.standing, now);
    default:
      return [state, []];
  }
}

/**
 * A heartbeat, judged as of its arrival.
 *
 * The gap is judged before the new heartbeat counts: one that comes too late does not undo a broken limit.
 */
function heard(limits: WatchdogLimits, state: Waiting | Armed, beat: Beat, arrivedAt: Instant): Step {
  if (state.kind === "waiting") return arm(beat, arrivedAt, arrivedAt, state.told);
  const late = broken(limits, state.brain, arrivedAt);
  if (late !== null) return raise(state.brain.incidentId, late);
  const [brain, proof] = hear(state.brain, beat, arrivedAt);
  const next: Armed = { ...state, brain };
  if (proof || brain.rivalAt !== null) return [next, brainLines(state.brain, brain, beat)];
  return noHeartbeat(next, "copied", `not known to be another than one that was heard before, ${nameOf(beat)}`);
}

function noHeartbeat(state: Waiting | Armed, kind: NoHeartbeat, why: string): Step {
  if (state.told.includes(kind)) return [state, []];
  return [{ ...state, told: [...state.told, kind] }, [warn(`Not a heartbeat: ${why} (told once)`)]];
}

function brainLines(before: BrainWatch, next: BrainWatch, beat: Beat): readonly Tell[] {
  // The panic follows at once.
  const incident = asEvent({ incidentId: next.incidentId, number: 1 });
  if (next.rivalAt !== null) return regarding(incident, [critical(`A second exit brain is at work: ${nameOf(beat)}`)]);
  const lines: Tell[] = [];
  if (currentOf(next)[0].id !== currentOf(before)[0].id) {
    lines.push(info(`Another instance of the exit brain has taken over: ${nameOf(beat)}`));
  }
  if (before.degradedSince === null && next.degradedSince !== null) lines.push(warn("The exit brain says DEGRADED"));
  if (before.degradedSince !== null && next.degradedSince === null) lines.push(info("The exit brain says ALIVE again"));
  return lines;
}

/** The sender's words, so that they can't pretend to be lines of ours. */
function nameOf({ heartbeat: { details } }: Beat): string {
  const id = details?.instanceId ?? null;
  return id === null
    ? "no instance id"
    : `instance ${JSON.stringify(id.slice(0, 64))}, seq ${details?.seq ?? "unknown"}`;
}

function atDeadline(limits: WatchdogLimits, state: Waiting | Armed, now: Instant): Step {
  if (state.drainBy !== null)
    return now < state.drainBy ? [state, []] : judge(limits, { ...state, drainBy: null }, now);
  const lateMs = now - (verdictAt(limits, state) ?? now);
  if (lateMs <= limits.stallMs) return judge(limits, state, now);
  return drainFirst(limits, state, lateMs, now);
}

function drainFirst(limits: WatchdogLimits, state: Waiting | Armed, lateMs: number, now: Instant): Step {
  const line = warn(`Stood still for ${Math.ceil(lateMs)} ms or longer: reading what arrived meanwhile before judging`);
  return [{ ...state, drainBy: after(now, limits.drainMs) }, [{ kind: "drain" }, line]];
}

/** Each heartbeat as of its own arrival, and only then the present. None can have come before the one before it. */
function drained(
  limits: WatchdogLimits,
  state: Waiting | Armed,
  { beats, standing }: Extract<WatchdogEvent, { kind: "drained" }>,
  now: Instant,
): Step {
  let [next, actions] = listenOrFollow(limits, state, standing, now);
  for (const { beat, ageMs } of beats) {
    [next, actions] = more(next, actions, (listener) => {
      const earliestAt = listener.kind === "armed" ? listener.brain.lastBeatAt : listener.since;
      return heard(limits, listener, beat, latest(earliestAt, after(now, -ageMs)));
    });
  }
  return more(next, actions, (listener) => judge(limits, listener, now));
}

/** One step after another, as long as it is heartbeats that are waited for. */
function more(state: WatchdogState, actions: readonly WatchdogAction[], next: (state: Waiting | Armed) => Step): Step {
  if (state.kind !== "waiting" && state.kind !== "armed") return [state, actions];
  const [after, others] = next(state);
  return [after, [...actions, ...others]];
}

/** The moment after which a rule is broken, if nothing comes; null: silence is borne for ever. */
export function verdictAt(limits: WatchdogLimits, state: Waiting | Armed): Instant | null {
  if (state.kind === "armed") return nextBreak(limits, state.brain);
  return limits.requireBrainMs === null ? null : after(state.since, limits.requireBrainMs);
}

/** Raises a panic if a rule is broken at `now`. */
export function judge(limits: WatchdogLimits, state: Waiting | Armed, now: Instant): Step {
  if (state.kind === "armed") {
    const trip = broken(limits, state.brain, now);
    return trip === null ? [state, []] : raise(state.brain.incidentId, trip);
  }
  const ageMs = now - state.since;
  if (limits.requireBrainMs === null || ageMs <= limits.requireBrainMs) return [state, []];
  return raise(state.absenceId, { rule: "heartbeat_never_seen", ageMs, limitMs: limits.requireBrainMs });
}

function raise(incidentId: string, trip: Trip): Step {
  const attempt: Attempt = { incidentId, number: 1 };
  const reason = reasonOf(trip);
  return [
    { kind: "tripping", attempt, reason, haltSeen: false, retryAt: null, directLine: UNUSED, heard: null },
    regarding<WatchdogAction>(asEvent(attempt), [
      { kind: "publish", attempt, reason },
      critical(`FAILURE DETECTED: ${describe(trip)}`, "alarm"),
      critical("TRIGGERING PANIC CLOSE", "alarm"),
      critical(`Reason: ${reason}`),
    ]),
  ];
}

function listenOrFollow(limits: WatchdogLimits, state: Waiting | Armed, standing: Standing, now: Instant): Step {
  const known = state.kind === "waiting" ? { ...state, absenceId: standing.absenceId } : state;
  return followHalt(limits, known, standing, now);
}

/**
 * The watchdog's decisions (design section 3).
 *
 *   detached → waiting | armed | tripped | halted       on attach
 *   waiting  → armed                                     a heartbeat arrives
 *   armed    → tripping                                  a rule is broken
 *   tripping → tripped                                   the publish is confirmed, and only then
 *   tripped  → halted                                    a completion says FLAT
 *   tripped | halted → waiting                           a person reset the halt
 *   any      → tripped                                   another issuer's incident halted trading
 */

import type { Beat, Halt, Outcome } from "./messages.ts";
import { critical, info, type Tell, warn } from "./tell.ts";
import { after, earliest, type Instant } from "./time.ts";
import { describe, reasonOf, type Trip } from "./trip.ts";

/** The watchdog's thresholds. No grace periods: a threshold is a threshold (design rule 5). */
export interface WatchdogLimits {
  /** A heartbeat older than this is missing. Runbook, pass criteria: 5 s. */
  readonly heartbeatMissingMs: number;
  /** A brain degraded for longer than this without a break is as good as dead. Design section 3: 5 s. */
  readonly degradedMs: number;
  /** How soon a publish that was not confirmed is tried again. */
  readonly publishRetryMs: number;
  /** A published panic without a completion for this long is told to people. Runbook: the pass takes up to 10 s. */
  readonly completionOverdueMs: number;
}

/** Runbook and design section 3. */
export const WATCHDOG_LIMITS: WatchdogLimits = {
  heartbeatMissingMs: 5_000,
  degradedMs: 5_000,
  publishRetryMs: 250,
  completionOverdueMs: 10_000,
};

/** What the watchdog believes. Each state owns its data. */
export type WatchdogState =
  /** Has not seen the bus yet. */
  | { readonly kind: "detached" }
  /** No heartbeat since the last reset, or none ever: unprotected, and no panic, since a cold boot is not a death. */
  | { readonly kind: "waiting" }
  | Armed
  /** A panic is decided and not yet confirmed published. `retryAt` is null while an attempt is under way. */
  | { readonly kind: "tripping"; readonly eventId: string; readonly reason: string; readonly retryAt: Instant | null }
  | Tripped
  /** Flat, and waiting for a person. */
  | { readonly kind: "halted"; readonly eventId: string };

/** A brain is watched. */
interface Armed {
  readonly kind: "armed";
  readonly lastBeatAt: Instant;
  /** The incident that begins if no further heartbeat comes. */
  readonly incidentId: string;
  /** Since when every heartbeat was something else than `ALIVE`; null while the last one was `ALIVE`. */
  readonly degradedSince: Instant | null;
}

/** The incident is open. */
interface Tripped {
  readonly kind: "tripped";
  readonly eventId: string;
  /** Only a halt that was there can be reset. */
  readonly haltSeen: boolean;
  /** The outcome already told to people; null before the first completion. */
  readonly outcome: Outcome | null;
  readonly overdueAt: Instant;
}

/** The halt and what is on record about the incidents in question. */
export interface Standing {
  /** Null: trading is not halted. */
  readonly halt: Halt | null;
  /** Outcome on record by event id, for the halt's event and for the incident that was asked for. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
}

/** What the bus looked like at attach. */
export interface Attachment {
  readonly standing: Standing;
  readonly lastBeat: {
    readonly beat: Beat;
    /** Server's clock minus entry id, so a brain that died while nobody watched is seen with its true age. */
    readonly ageMs: number;
    /** The incident that this heartbeat began was completed: with no halt left, a person has reset it. */
    readonly incidentCompleted: boolean;
  } | null;
}

/** Everything that can happen to a watchdog. */
export type WatchdogEvent =
  | { readonly kind: "attached"; readonly attachment: Attachment }
  | { readonly kind: "beat"; readonly beat: Beat; readonly arrivedAt: Instant }
  /** A heartbeat entry that can't be parsed: no heartbeat, but worth a line. */
  | { readonly kind: "malformed_beat"; readonly why: string }
  /** The halt was read again. */
  | { readonly kind: "standing"; readonly standing: Standing }
  | { readonly kind: "published"; readonly eventId: string }
  /** Not confirmed: it may or may not be on the bus. */
  | { readonly kind: "publish_unconfirmed"; readonly eventId: string; readonly why: string }
  | { readonly kind: "bus_lost"; readonly why: string }
  | { readonly kind: "bus_back" }
  /** A deadline has passed. */
  | { readonly kind: "timer" };

/** What the watchdog wants done. */
export type WatchdogAction = { readonly kind: "publish"; readonly eventId: string; readonly reason: string } | Tell;

type Step = readonly [WatchdogState, readonly WatchdogAction[]];

/**
 * Advances the watchdog by one event.
 *
 * Becomes `tripped` only when the publish is confirmed; until then the same event id is published again and again,
 * which the bus makes harmless.
 */
export function step(limits: WatchdogLimits, state: WatchdogState, event: WatchdogEvent, now: Instant): Step {
  const common = told(event);
  if (common !== null) return [state, [common]];
  switch (state.kind) {
    case "detached":
      return event.kind === "attached" ? attach(limits, event.attachment, now) : [state, []];
    case "waiting":
      if (event.kind === "beat") return arm(event.beat, event.arrivedAt);
      if (event.kind === "standing") return followHalt(limits, state, event.standing, now);
      return [state, []];
    case "armed":
      return armed(limits, state, event, now);
    case "tripping":
      if (event.kind === "published" && event.eventId === state.eventId) return tripped(limits, state.eventId, now);
      if (event.kind === "publish_unconfirmed" && event.eventId === state.eventId) {
        const retryAt = after(now, limits.publishRetryMs);
        return [{ ...state, retryAt }, [critical(`Panic close not confirmed published, trying again: ${event.why}`)]];
      }
      if (event.kind === "timer" && state.retryAt !== null && now >= state.retryAt) {
        return [{ ...state, retryAt: null }, [{ kind: "publish", eventId: state.eventId, reason: state.reason }]];
      }
      return [state, []];
    case "tripped":
      return inIncident(limits, state, event, now);
    case "halted":
      if (event.kind !== "standing") return [state, []];
      if (event.standing.halt === null) return reset();
      return followHalt(limits, state, event.standing, now);
  }
}

/** The incident whose outcome `step` wants to hear about with the next standing; null: none. */
export function incidentOf(state: WatchdogState): string | null {
  return state.kind === "tripped" || state.kind === "halted" ? state.eventId : null;
}

/** When `step` wants a `timer` event, if nothing else happens before; null: only an event can move it. */
export function deadline(limits: WatchdogLimits, state: WatchdogState): Instant | null {
  switch (state.kind) {
    case "armed":
      return earliest(
        after(state.lastBeatAt, limits.heartbeatMissingMs),
        state.degradedSince === null ? null : after(state.degradedSince, limits.degradedMs),
      );
    case "tripping":
      return state.retryAt;
    case "tripped":
      return state.overdueAt;
    case "detached":
    case "waiting":
    case "halted":
      return null;
  }
}

/** Events that never change a state, only tell. */
function told(event: WatchdogEvent): Tell | null {
  switch (event.kind) {
    case "malformed_beat":
      return warn(`Not a heartbeat: ${event.why}`);
    case "bus_lost":
      return warn(`Redis does not answer, heartbeats cannot be seen: ${event.why}`);
    case "bus_back":
      return info("Redis answers again");
    default:
      return null;
  }
}

function attach(limits: WatchdogLimits, { standing, lastBeat }: Attachment, now: Instant): Step {
  if (standing.halt !== null && standing.halt.eventId !== "") {
    return followHalt(limits, { kind: "detached" }, standing, now);
  }
  if (lastBeat === null) return [{ kind: "waiting" }, [warn(unprotected("no heartbeat has ever been seen"))]];
  if (lastBeat.incidentCompleted) return [{ kind: "waiting" }, [warn(unprotected("none since the last reset"))]];
  const lastBeatAt = after(now, -lastBeat.ageMs);
  const [state, lines] = arm(lastBeat.beat, lastBeatAt);
  const trip = broken(limits, state, now);
  if (trip === null) return [state, lines];
  const [next, actions] = raise(state, trip);
  return [next, [...lines, ...actions]];
}

function arm(beat: Beat, lastBeatAt: Instant): readonly [Armed, readonly WatchdogAction[]] {
  const { status, details } = beat.heartbeat;
  const who = details === null ? "a heartbeat without an instance id" : `instance ${details.instanceId}`;
  const degradedSince = status === "ALIVE" ? null : lastBeatAt;
  const state: Armed = { kind: "armed", lastBeatAt, incidentId: beat.incidentId, degradedSince };
  return [state, [info(`Armed: watching the exit brain (${who}, status ${status})`)]];
}

function armed(limits: WatchdogLimits, state: Armed, event: WatchdogEvent, now: Instant): Step {
  switch (event.kind) {
    case "beat": {
      const degradedSince = event.beat.heartbeat.status === "ALIVE" ? null : (state.degradedSince ?? event.arrivedAt);
      const next: Armed = {
        kind: "armed",
        lastBeatAt: event.arrivedAt,
        incidentId: event.beat.incidentId,
        degradedSince,
      };
      // The gap is judged before the new heartbeat counts: one that comes too late does not undo a broken limit.
      const trip = broken(limits, state, event.arrivedAt) ?? broken(limits, next, now);
      return trip === null ? [next, degradedLine(state, next)] : raise(state, trip);
    }
    case "timer": {
      const trip = broken(limits, state, now);
      return trip === null ? [state, []] : raise(state, trip);
    }
    case "standing":
      return followHalt(limits, state, event.standing, now);
    default:
      return [state, []];
  }
}

function degradedLine(before: Armed, next: Armed): readonly Tell[] {
  if (before.degradedSince === null && next.degradedSince !== null) return [warn("The exit brain says DEGRADED")];
  if (before.degradedSince !== null && next.degradedSince === null) return [info("The exit brain says ALIVE again")];
  return [];
}

/** The rule that is broken at `now`, the graver first. Strictly greater: at the limit itself nothing is broken yet. */
function broken(limits: WatchdogLimits, state: Armed, now: Instant): Trip | null {
  const ageMs = now - state.lastBeatAt;
  if (ageMs > limits.heartbeatMissingMs) {
    return { rule: "heartbeat_missing", ageMs, limitMs: limits.heartbeatMissingMs };
  }
  if (state.degradedSince === null) return null;
  const degradedForMs = now - state.degradedSince;
  if (degradedForMs <= limits.degradedMs) return null;
  return { rule: "degraded", ageMs: degradedForMs, limitMs: limits.degradedMs };
}

function raise(state: Armed, trip: Trip): Step {
  const eventId = state.incidentId;
  const reason = reasonOf(trip);
  return [
    { kind: "tripping", eventId, reason, retryAt: null },
    [
      { kind: "publish", eventId, reason },
      critical(`FAILURE DETECTED: ${describe(trip)}`, "alarm"),
      critical("TRIGGERING PANIC CLOSE", "alarm"),
      critical(`Reason: ${reason}`),
    ],
  ];
}

function tripped(limits: WatchdogLimits, eventId: string, now: Instant): Step {
  return [
    openIncident(limits, eventId, false, now),
    [critical("Panic close published to system:panic_close", "done"), critical(`Event ID: ${eventId}`)],
  ];
}

function openIncident(limits: WatchdogLimits, eventId: string, haltSeen: boolean, now: Instant): Tripped {
  return { kind: "tripped", eventId, haltSeen, outcome: null, overdueAt: after(now, limits.completionOverdueMs) };
}

function inIncident(limits: WatchdogLimits, state: Tripped, event: WatchdogEvent, now: Instant): Step {
  switch (event.kind) {
    case "standing": {
      const { halt, outcomes } = event.standing;
      const outcome = outcomes.get(state.eventId) ?? null;
      // A completion writes the halt in the same step, so "completed and not halted" can only mean a reset.
      if (halt === null) return state.haltSeen || outcome !== null ? reset() : [state, []];
      if (halt.eventId !== state.eventId) return followHalt(limits, state, event.standing, now);
      return hear(state, outcome);
    }
    case "timer": {
      if (now < state.overdueAt) return [state, []];
      const line = `Event ${state.eventId} is still not proven flat: is the emergency exit worker running? Look at the venue`;
      return [{ ...state, overdueAt: after(now, limits.completionOverdueMs) }, [critical(line, "alarm")]];
    }
    default:
      return [state, []];
  }
}

function hear(state: Tripped, outcome: Outcome | null): Step {
  if (outcome === "FLAT") return [{ kind: "halted", eventId: state.eventId }, [info(halted(state.eventId))]];
  if (outcome === state.outcome) return [{ ...state, haltSeen: true }, []];
  const line = `Event ${state.eventId} ended ${outcome}: positions may be open, look at the venue`;
  return [{ ...state, haltSeen: true, outcome }, [critical(line, "alarm")]];
}

/** Somebody's incident halted trading. A halt set by hand has no incident behind it, so the brain stays watched. */
function followHalt(limits: WatchdogLimits, state: WatchdogState, { halt, outcomes }: Standing, now: Instant): Step {
  if (halt === null || halt.eventId === "") return [state, []];
  if (state.kind === "halted" && state.eventId === halt.eventId) return [state, []];
  const [next, lines] = hear(openIncident(limits, halt.eventId, true, now), outcomes.get(halt.eventId) ?? null);
  return [next, [info(`Trading is halted by ${halt.source}, event ${halt.eventId}`), ...lines]];
}

function reset(): Step {
  return [{ kind: "waiting" }, [info("Halt cleared by a person: waiting for a heartbeat to re-attach to")]];
}

function halted(eventId: string): string {
  return `Event ${eventId} ended FLAT: halted until a person resets it (quantum reset)`;
}

function unprotected(why: string): string {
  return `UNPROTECTED: waiting for a heartbeat on exit_brain:heartbeat, ${why}`;
}

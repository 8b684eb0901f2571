/**
 * The watchdog's decisions (design section 3).
 *
 *   detached → waiting | armed | tripped | halted       on attach
 *   waiting  → armed                                     a heartbeat arrives
 *   armed    → tripping                                  a rule is broken
 *   tripping → tripped                                   the publish is confirmed, and only then
 *   tripped  → halted                                    a completion says FLAT
 *   tripped  → tripping                                  a completion says anything else, or there is none: follow up
 *   tripped | halted → waiting                           a person reset the halt
 *   any      → tripped                                   another issuer's incident halted trading
 */

import type { Attempt, Beat, Halt, Outcome } from "./messages.ts";
import { PEER_LIMITS, type PeerLimits } from "./peers.ts";
import { critical, info, type Tell, warn } from "./tell.ts";
import { after, earliest, type Instant } from "./time.ts";
import { describe, incompleteReason, reasonOf, type Trip } from "./trip.ts";

/** The watchdog's thresholds. No grace periods: a threshold is a threshold (design rule 5). */
export interface WatchdogLimits {
  /** A heartbeat older than this is missing. Runbook, pass criteria: 5 s. */
  readonly heartbeatMissingMs: number;
  /** A brain degraded for longer than this without a break is as good as dead. Design section 3: 5 s. */
  readonly degradedMs: number;
  /** How soon a publish that was not confirmed is tried again. */
  readonly publishRetryMs: number;
  /** A published panic without a completion for this long is followed up. Runbook: a pass takes up to 10 s. */
  readonly completionOverdueMs: number;
  /** Pause before the first follow-up after a completion that is not FLAT; it doubles with each attempt. Design rule 4. */
  readonly followUpMs: number;
  /** The pause never grows beyond this. Design rule 4. */
  readonly followUpMaxMs: number;
  /** When the other roles count as lost. */
  readonly peers: PeerLimits;
}

/** Runbook and design section 3. */
export const WATCHDOG_LIMITS: WatchdogLimits = {
  heartbeatMissingMs: 5_000,
  degradedMs: 5_000,
  publishRetryMs: 250,
  completionOverdueMs: 10_000,
  followUpMs: 1_000,
  followUpMaxMs: 30_000,
  peers: PEER_LIMITS,
};

/** What the watchdog believes. Each state owns its data. */
export type WatchdogState =
  /** Has not seen the bus yet. */
  | { readonly kind: "detached" }
  /** No heartbeat since the last reset, or none ever: unprotected, and no panic, since a cold boot is not a death. */
  | { readonly kind: "waiting" }
  | Armed
  | Tripping
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

/** A panic is decided and not yet confirmed published. */
interface Tripping {
  readonly kind: "tripping";
  readonly attempt: Attempt;
  readonly reason: string;
  /** Only a halt that was there can be reset. */
  readonly haltSeen: boolean;
  /** Null while a publish is under way. */
  readonly retryAt: Instant | null;
}

/** The incident is open. */
interface Tripped {
  readonly kind: "tripped";
  readonly attempt: Attempt;
  /** The event of this attempt. */
  readonly eventId: string;
  readonly haltSeen: boolean;
  /** The outcome already told to people; null before the completion. */
  readonly outcome: Outcome | null;
  /** When the next attempt is made, unless a completion says FLAT or a person resets before. */
  readonly followUpAt: Instant;
}

/** The halt and what is on record about the incidents in question. */
export interface Standing {
  /** Null: trading is not halted. */
  readonly halt: Halt | null;
  /** Which attempt of which incident the halt's event is; null without a halt, or for one that was set by hand. */
  readonly haltedBy: Attempt | null;
  /** Outcome on record by event id, for the halt's event and for those that were asked for. */
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
  | { readonly kind: "published"; readonly attempt: Attempt; readonly eventId: string }
  /** Not confirmed: it may or may not be on the bus. */
  | { readonly kind: "publish_unconfirmed"; readonly attempt: Attempt; readonly why: string }
  | { readonly kind: "bus_lost"; readonly why: string }
  | { readonly kind: "bus_back" }
  /** A deadline has passed. */
  | { readonly kind: "timer" };

/** What the watchdog wants done. */
export type WatchdogAction = { readonly kind: "publish"; readonly attempt: Attempt; readonly reason: string } | Tell;

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
      return tripping(limits, state, event, now);
    case "tripped":
      return inIncident(limits, state, event, now);
    case "halted":
      if (event.kind !== "standing") return [state, []];
      if (event.standing.halt === null) return reset();
      return followHalt(limits, state, event.standing, now);
  }
}

/** The events whose outcomes `step` wants to hear about with the next standing. */
export function askedFor(state: WatchdogState): readonly string[] {
  switch (state.kind) {
    case "tripped":
      return [state.eventId, state.attempt.incidentId];
    case "tripping":
      return [state.attempt.incidentId];
    default:
      return [];
  }
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
      return state.followUpAt;
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
  if (standing.haltedBy !== null) return followHalt(limits, { kind: "detached" }, standing, now);
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
  const attempt: Attempt = { incidentId: state.incidentId, number: 1 };
  const reason = reasonOf(trip);
  return [
    { kind: "tripping", attempt, reason, haltSeen: false, retryAt: null },
    [
      { kind: "publish", attempt, reason },
      critical(`FAILURE DETECTED: ${describe(trip)}`, "alarm"),
      critical("TRIGGERING PANIC CLOSE", "alarm"),
      critical(`Reason: ${reason}`),
    ],
  ];
}

function tripping(limits: WatchdogLimits, state: Tripping, event: WatchdogEvent, now: Instant): Step {
  switch (event.kind) {
    case "published": {
      if (!same(event.attempt, state.attempt)) return [state, []];
      const lines = [
        critical("Panic close published to system:panic_close", "done"),
        critical(`Event ID: ${event.eventId}`),
      ];
      return [openIncident(limits, state.attempt, event.eventId, state.haltSeen, now), lines];
    }
    case "publish_unconfirmed": {
      if (!same(event.attempt, state.attempt)) return [state, []];
      const retryAt = after(now, limits.publishRetryMs);
      return [{ ...state, retryAt }, [critical(`Panic close not confirmed published, trying again: ${event.why}`)]];
    }
    case "timer": {
      if (state.retryAt === null || now < state.retryAt) return [state, []];
      return [{ ...state, retryAt: null }, [{ kind: "publish", attempt: state.attempt, reason: state.reason }]];
    }
    case "standing":
      return event.standing.halt === null && wasHalted(state, event.standing) ? reset() : [state, []];
    default:
      return [state, []];
  }
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
  return { kind: "tripped", attempt, eventId, haltSeen, outcome: null, followUpAt };
}

function inIncident(limits: WatchdogLimits, state: Tripped, event: WatchdogEvent, now: Instant): Step {
  switch (event.kind) {
    case "standing": {
      const { halt, haltedBy, outcomes } = event.standing;
      const outcome = outcomes.get(state.eventId) ?? null;
      if (halt === null) return wasHalted(state, event.standing) ? reset() : [state, []];
      // Another incident, or this one taken further by another watchdog.
      const elsewhere = haltedBy !== null && haltedBy.incidentId !== state.attempt.incidentId;
      const ahead = haltedBy !== null && haltedBy.number > state.attempt.number;
      if (elsewhere || ahead) return followHalt(limits, state, event.standing, now);
      return hear(limits, state, outcome, now);
    }
    case "timer":
      return now < state.followUpAt ? [state, []] : followUp(state);
    default:
      return [state, []];
  }
}

/** The stubborn outside (design rule 4): a new event for what the last one left open. */
function followUp({ attempt: { incidentId, number }, haltSeen, outcome }: Tripped): Step {
  const attempt: Attempt = { incidentId, number: number + 1 };
  const reason = incompleteReason(outcome);
  return [
    { kind: "tripping", attempt, reason, haltSeen, retryAt: null },
    [
      { kind: "publish", attempt, reason },
      critical(`FAILURE DETECTED: Panic close incomplete (${outcome ?? "no completion"})`, "alarm"),
      critical("TRIGGERING PANIC CLOSE", "alarm"),
      critical(`Reason: ${reason}`),
      critical(`Attempt: ${attempt.number} of incident ${incidentId}`),
    ],
  ];
}

/** 1, 2, 4 … 30 s (design rule 4). */
function pauseAfter(limits: WatchdogLimits, { number }: Attempt): number {
  return Math.min(limits.followUpMaxMs, limits.followUpMs * 2 ** (number - 1));
}

function hear(limits: WatchdogLimits, state: Tripped, outcome: Outcome | null, now: Instant): Step {
  if (outcome === "FLAT") return [{ kind: "halted", eventId: state.eventId }, [info(halted(state.eventId))]];
  if (outcome === state.outcome) return [{ ...state, haltSeen: true }, []];
  const line = `Event ${state.eventId} ended ${outcome}: positions may be open, look at the venue`;
  const followUpAt = after(now, pauseAfter(limits, state.attempt));
  return [{ ...state, haltSeen: true, outcome, followUpAt }, [critical(line, "alarm")]];
}

/** An incident halted trading. A halt set by hand has no incident behind it, so the brain stays watched. */
function followHalt(limits: WatchdogLimits, state: WatchdogState, standing: Standing, now: Instant): Step {
  const { halt, haltedBy, outcomes } = standing;
  if (halt === null || haltedBy === null) return [state, []];
  if (state.kind === "halted" && state.eventId === halt.eventId) return [state, []];
  const open = openIncident(limits, haltedBy, halt.eventId, true, now);
  const [next, lines] = hear(limits, open, outcomes.get(halt.eventId) ?? null, now);
  return [next, [info(`Trading is halted by ${halt.source}, event ${halt.eventId}`), ...lines]];
}

/** A completion writes the halt in the same step, so "completed and not halted" can only mean a reset. */
function wasHalted(state: Tripping | Tripped, { outcomes }: Standing): boolean {
  return state.haltSeen || askedFor(state).some((eventId) => outcomes.has(eventId));
}

function same(one: Attempt, other: Attempt): boolean {
  return one.incidentId === other.incidentId && one.number === other.number;
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

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
 *   any      → tripped                                   another issuer's incident halted trading
 *
 * A timer that fires much later than it was due means that this process stood still, and that overdue timers were
 * served before sockets. What had arrived is then drained first, for a bounded time, and judged by its true age.
 */

import {
  type BrainWatch,
  type BrainWatchLimits,
  broken,
  currentOf,
  hear,
  nextBreak,
  watchOver,
} from "./brain-watch.ts";
import type { Attempt, Beat, Halt, Outcome } from "./messages.ts";
import { critical, info, type Tell, warn } from "./tell.ts";
import { after, type Instant, latest } from "./time.ts";
import { describe, incompleteReason, reasonOf, type Trip } from "./trip.ts";

/** The watchdog's thresholds. No grace periods: a threshold is a threshold (design rule 5). */
export interface WatchdogLimits extends BrainWatchLimits {
  /** No heartbeat for this long since the attach or the reset is a failure too; null: a cold boot is not a death. `--require-brain-ms`. */
  readonly requireBrainMs: number | null;
  /** A timer that fires later than this was held up with everything else here. Well over what a busy host costs, well under a heartbeat. */
  readonly stallMs: number;
  /** How long what had arrived may take to be read after that. Design section 3: 500 ms. */
  readonly drainMs: number;
  /** How soon a publish that was not confirmed is tried again. */
  readonly publishRetryMs: number;
  /** A published panic without a completion for this long is followed up. Runbook: a pass takes up to 10 s. */
  readonly completionOverdueMs: number;
  /** Pause before the first follow-up after a completion that is not FLAT; it doubles with each attempt. Design rule 4. */
  readonly followUpMs: number;
  /** The pause never grows beyond this. Design rule 4. */
  readonly followUpMaxMs: number;
}

/** Runbook and design section 3. */
export const WATCHDOG_LIMITS: WatchdogLimits = {
  heartbeatMissingMs: 5_000,
  unguardedMs: null,
  degradedMs: 5_000,
  decisionsStaleMs: 30_000,
  crashLoopInstances: 3,
  crashLoopMs: 60_000,
  requireBrainMs: null,
  stallMs: 250,
  drainMs: 500,
  publishRetryMs: 250,
  completionOverdueMs: 10_000,
  followUpMs: 1_000,
  followUpMaxMs: 30_000,
};

/** What the watchdog believes. Each state owns its data. */
export type WatchdogState =
  /** Has not seen the bus yet. */
  | { readonly kind: "detached" }
  | Waiting
  | Armed
  | Tripping
  | Tripped
  /** Flat, and waiting for a person. */
  | { readonly kind: "halted"; readonly eventId: string };

/** What waiting and watching have in common: they listen for heartbeats. */
interface Listening {
  /** Until when what had arrived is being read, after this process stood still; null: it did not. */
  readonly drainBy: Instant | null;
  /** What was no heartbeat is told once for each kind, not with every beat. */
  readonly told: readonly NoHeartbeat[];
}

/** Why an entry is no heartbeat: it can't be parsed, or its `seq` was heard before. */
type NoHeartbeat = "malformed" | "copied";

/**
 * No heartbeat since the last reset, or none ever: unprotected, and no panic, since a cold boot is not a death.
 *
 * Nothing is remembered of the brains before: what a person has cleared is not held against the next start.
 */
interface Waiting extends Listening {
  readonly kind: "waiting";
  readonly since: Instant;
  /** The incident that begins if that is required to be a failure. */
  readonly absenceId: string;
}

/** A brain is watched. */
interface Armed extends Listening {
  readonly kind: "armed";
  readonly brain: BrainWatch;
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
  /**
   * The event id of the incident that begins if no brain ever comes: it follows from the newest completion alone, so
   * every watchdog raises the same, and after each incident it is another one.
   */
  readonly absenceId: string;
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

/** A heartbeat that was waiting to be read. */
export interface AgedBeat {
  readonly beat: Beat;
  readonly ageMs: number;
}

/** Everything that can happen to a watchdog. */
export type WatchdogEvent =
  | { readonly kind: "attached"; readonly attachment: Attachment }
  | { readonly kind: "beat"; readonly beat: Beat; readonly arrivedAt: Instant }
  /** A heartbeat entry that can't be parsed: no heartbeat, but worth a line. */
  | { readonly kind: "malformed_beat"; readonly why: string }
  /** What had arrived was read, oldest first, each with the server's clock minus its entry id; and the halt. */
  | { readonly kind: "drained"; readonly beats: readonly AgedBeat[]; readonly standing: Standing }
  | { readonly kind: "drain_failed" }
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
export type WatchdogAction =
  | { readonly kind: "publish"; readonly attempt: Attempt; readonly reason: string }
  /** Read what has arrived so far, over a new connection: the call under way timed out with this process. */
  | { readonly kind: "drain" }
  | Tell;

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
    case "armed":
      return listening(limits, state, event, now);
    case "tripping":
      return tripping(limits, state, event, now);
    case "tripped":
      return inIncident(limits, state, event, now);
    case "halted":
      if (event.kind !== "standing" && event.kind !== "drained") return [state, []];
      if (event.standing.halt === null) return reset(event.standing, now);
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
    case "waiting":
    case "armed":
      return state.drainBy ?? verdictAt(limits, state);
    case "tripping":
      return state.retryAt;
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
      return warn(`Redis does not answer, heartbeats cannot be seen: ${event.why}`);
    case "bus_back":
      return info("Redis answers again");
    default:
      return null;
  }
}

function attach(limits: WatchdogLimits, { standing, lastBeat }: Attachment, now: Instant): Step {
  if (standing.haltedBy !== null) return followHalt(limits, { kind: "detached" }, standing, now);
  if (lastBeat === null) return [waiting(standing, now), [warn(unprotected("no heartbeat has ever been seen"))]];
  if (lastBeat.incidentCompleted) return [waiting(standing, now), [warn(unprotected("none since the last reset"))]];
  const [state, lines] = arm(lastBeat.beat, after(now, -lastBeat.ageMs), null, []);
  const [next, actions] = judge(limits, state, now);
  return [next, [...lines, ...actions]];
}

function waiting(standing: Standing, now: Instant): Waiting {
  return { kind: "waiting", since: now, absenceId: standing.absenceId, drainBy: null, told: [] };
}

function arm(
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

function listening(limits: WatchdogLimits, state: Waiting | Armed, event: WatchdogEvent, now: Instant): Step {
  switch (event.kind) {
    case "beat": {
      const [next, actions] = heard(limits, state, event.beat, event.arrivedAt);
      return more(next, actions, (heardOf) => judge(limits, heardOf, now));
    }
    case "malformed_beat":
      return noHeartbeat(state, "malformed", event.why);
    case "timer":
      return atDeadline(limits, state, now);
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
  if (next.rivalAt !== null) return [critical(`A second exit brain is at work: ${nameOf(beat)}`)];
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
function verdictAt(limits: WatchdogLimits, state: Waiting | Armed): Instant | null {
  if (state.kind === "armed") return nextBreak(limits, state.brain);
  return limits.requireBrainMs === null ? null : after(state.since, limits.requireBrainMs);
}

function judge(limits: WatchdogLimits, state: Waiting | Armed, now: Instant): Step {
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
    case "drained":
      if (event.standing.halt !== null || !wasHalted(state, event.standing)) return [state, []];
      return reset(event.standing, now);
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
    case "standing":
    case "drained": {
      const { halt, haltedBy, outcomes } = event.standing;
      const outcome = outcomes.get(state.eventId) ?? null;
      if (halt === null) return wasHalted(state, event.standing) ? reset(event.standing, now) : [state, []];
      // Another incident, or this one taken further by another watchdog.
      const elsewhere = haltedBy !== null && haltedBy.incidentId !== state.attempt.incidentId;
      const ahead = haltedBy !== null && haltedBy.number > state.attempt.number;
      if (elsewhere || ahead) return followHalt(limits, state, event.standing, now);
      return hearOutcome(limits, state, outcome, now);
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

function hearOutcome(limits: WatchdogLimits, state: Tripped, outcome: Outcome | null, now: Instant): Step {
  if (outcome === "FLAT") return [{ kind: "halted", eventId: state.eventId }, [info(halted(state.eventId))]];
  if (outcome === state.outcome) return [{ ...state, haltSeen: true }, []];
  const line = `Event ${state.eventId} ended ${outcome}: positions may be open, look at the venue`;
  const followUpAt = after(now, pauseAfter(limits, state.attempt));
  return [{ ...state, haltSeen: true, outcome, followUpAt }, [critical(line, "alarm")]];
}

function listenOrFollow(limits: WatchdogLimits, state: Waiting | Armed, standing: Standing, now: Instant): Step {
  const known = state.kind === "waiting" ? { ...state, absenceId: standing.absenceId } : state;
  return followHalt(limits, known, standing, now);
}

/** An incident halted trading. A halt set by hand has no incident behind it, so the brain stays watched. */
function followHalt(limits: WatchdogLimits, state: WatchdogState, standing: Standing, now: Instant): Step {
  const { halt, haltedBy, outcomes } = standing;
  if (halt === null || haltedBy === null) return [state, []];
  if (state.kind === "halted" && state.eventId === halt.eventId) return [state, []];
  const open = openIncident(limits, haltedBy, halt.eventId, true, now);
  const [next, lines] = hearOutcome(limits, open, outcomes.get(halt.eventId) ?? null, now);
  return [next, [info(`Trading is halted by ${halt.source}, event ${halt.eventId}`), ...lines]];
}

/** A completion writes the halt in the same step, so "completed and not halted" can only mean a reset. */
function wasHalted(state: Tripping | Tripped, { outcomes }: Standing): boolean {
  return state.haltSeen || askedFor(state).some((eventId) => outcomes.has(eventId));
}

function same(one: Attempt, other: Attempt): boolean {
  return one.incidentId === other.incidentId && one.number === other.number;
}

function reset(standing: Standing, now: Instant): Step {
  return [waiting(standing, now), [info("Halt cleared by a person: waiting for a heartbeat to re-attach to")]];
}

function halted(eventId: string): string {
  return `Event ${eventId} ended FLAT: halted until a person resets it (quantum reset)`;
}

function unprotected(why: string): string {
  return `UNPROTECTED: waiting for a heartbeat on exit_brain:heartbeat, ${why}`;
}

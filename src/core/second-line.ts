/**
 * When the worker trips by itself (design section 4): Redis stays away, the brain is silent and no watchdog is there to say so,
 * or something is open again although trading is halted and the account was proven flat.
 *
 * The first two trip only over a brain that lived: once a heartbeat has arrived since the last reset. Their incident has the
 * same id as the one that a watchdog would raise, so whoever is first, there is one: each hears every heartbeat at once. Where
 * a watchdog has heard one more all the same, the ids differ, and nothing is raised over an account that its event has left flat.
 */

import type { Snapshot } from "./position.ts";
import { after, type Instant } from "./time.ts";
import { tenths } from "./trip.ts";

/** The second line's thresholds. No grace periods (design rule 5). */
export interface SecondLineLimits {
  /** Redis away for longer than this, and nobody could tell of a dead brain. Design section 4: 5 s. */
  readonly redisLostMs: number;
  /** No watchdog heard for longer than this, while the brain is silent. Design section 4: 10 s. */
  readonly watchdogLostMs: number;
  /** A brain's heartbeat older than this is missing. Runbook, pass criteria: 5 s. */
  readonly brainSilentMs: number;
  /** At the first look a heartbeat may have this age and still be of a brain that lives. Design section 4: 6 s. */
  readonly freshMs: number;
  /** A look that took longer than this was interrupted by a stall of our own: Redis is not to blame for it. */
  readonly lookMs: number;
  /**
   * What was raised, and is as it was so much later, is raised again. Redis may have lost the event before anybody executed
   * it; where it has not, the same id changes nothing. Runbook: a pass takes up to 10 s.
   */
  readonly raiseAgainMs: number;
}

/** Design section 4. A look waits a second, and then as long as Redis may take (`config/redis.ts`). */
export const SECOND_LINE_LIMITS: SecondLineLimits = {
  redisLostMs: 5_000,
  watchdogLostMs: 10_000,
  brainSilentMs: 5_000,
  freshMs: 6_000,
  lookMs: 2_500,
  raiseAgainMs: 15_000,
};

/** What one look at the bus shows of those who should speak first. */
export interface Vigil {
  /** The brain's newest heartbeat, and the incident that begins if it stays the last one; null if there never was one. */
  readonly brain: { readonly incidentId: string; readonly ageMs: number; readonly incidentCompleted: boolean } | null;
  /** The newest heartbeat of any watchdog, by its entry, and its age on Redis's clock; null if there never was one. */
  readonly watchdog: { readonly entry: string; readonly ageMs: number } | null;
  /** Trading is halted already. */
  readonly halted: boolean;
  /** The halt's event ended FLAT, or is over and a later attempt did: the incident that begins if something opens again. Null otherwise. */
  readonly violationId: string | null;
}

/** What is known. Times are of the local monotonic clock. */
export interface SecondLine {
  /** The brain that is watched, and when its last heartbeat was made; null while there is none to watch. */
  readonly brain: { readonly incidentId: string; readonly beatAt: Instant } | null;
  /** The newest heartbeat that was there at the first look, and old: no proof of life. */
  readonly stale: string | null;
  /**
   * The newest heartbeat of any watchdog, and when it was made. Its age counts once, when it is first seen: on a Redis whose
   * clock was set back an old entry looks new for as long as the clock takes to come by again.
   */
  readonly watchdog: { readonly entry: string | null; readonly at: Instant };
  /** When Redis has answered a look last, or the start: what was done after that it may not have told anybody. */
  readonly seenAt: Instant;
  /** Since when every look has failed; null while they work. */
  readonly lostSince: Instant | null;
  /** The incident that was raised last, and when: it is not raised anew with every look. */
  readonly raised: { readonly incidentId: string; readonly at: Instant } | null;
  /** The halt that must not be violated, and since when it is known that the account was flat under it. */
  readonly flat: FlatHalt | null;
}

/** A halt over a flat account. */
interface FlatHalt {
  readonly violationId: string;
  readonly since: Instant;
  /** When the first list was read that shows something open; null while the last one shows nothing. One list may lag behind. */
  readonly openAt: Instant | null;
}

/** What can happen. */
export type SecondLineEvent =
  /** `open`: the positions as they were last read, null if never. */
  | { readonly kind: "seen"; readonly vigil: Vigil; readonly open: Snapshot | null }
  /** A heartbeat has come to a question that was asked then, and begins this incident if it stays the last one. */
  | { readonly kind: "heard"; readonly incidentId: string; readonly beganAt: Instant }
  /** A look that began then has failed. `flatAt`: when a pass of this worker has proven the account flat last; null if none has. */
  | { readonly kind: "lost"; readonly beganAt: Instant; readonly flatAt: Instant | null };

/** An incident to raise. */
export interface SelfTrip {
  readonly incidentId: string;
  readonly cause: "redis_lost" | "watchdog_lost" | "halt_violated";
  /** `REDIS_LOST_(5.1S_>_5.0S)` (contract 3.2). */
  readonly reason: string;
}

type Step = readonly [SecondLine, SelfTrip | null];

/** At the start nothing is known, and the watchdog has its ten seconds. */
export function startSecondLine(now: Instant): SecondLine {
  const watchdog = { entry: null, at: now };
  return { brain: null, stale: null, watchdog, seenAt: now, lostSince: null, raised: null, flat: null };
}

/** Advances by one look, and says what is to be raised. */
export function stepSecondLine(limits: SecondLineLimits, line: SecondLine, event: SecondLineEvent, now: Instant): Step {
  if (event.kind === "lost") return whileLost(limits, line, event, now);
  if (event.kind === "heard") return [heardBrain(limits, line, event, now), null];
  const { vigil, open } = event;
  const watchdog = heard(line.watchdog, vigil, now);
  const flat = underHalt(line, vigil, open, now);
  const next: SecondLine = { ...watched(limits, line, vigil, now), watchdog, seenAt: now, lostSince: null, flat };
  const isViolated = flat !== null && flat.openAt !== null && open?.takenAt !== flat.openAt;
  if (isViolated && !isRaised(limits, next, flat.violationId, now)) {
    const reason = `HALT_VIOLATED_(${open?.positions.length ?? 0}_OPEN)`;
    const trip: SelfTrip = { incidentId: flat.violationId, cause: "halt_violated", reason };
    return [{ ...next, raised: { incidentId: flat.violationId, at: now } }, trip];
  }
  if (next.brain === null || isRaised(limits, next, next.brain.incidentId, now)) return [next, null];
  const silentMs = now - next.brain.beatAt;
  const unwatchedMs = now - watchdog.at;
  if (silentMs <= limits.brainSilentMs || unwatchedMs <= limits.watchdogLostMs) return [next, null];
  return raise(next, next.brain.incidentId, "watchdog_lost", unwatchedMs, limits.watchdogLostMs, now);
}

function heard(before: SecondLine["watchdog"], { watchdog }: Vigil, now: Instant): SecondLine["watchdog"] {
  if (watchdog === null || watchdog.entry === before.entry) return before;
  const madeAt = after(now, -watchdog.ageMs);
  return { entry: watchdog.entry, at: Math.max(madeAt, before.at) as Instant };
}

function isRaised(
  { raiseAgainMs }: SecondLineLimits,
  { raised }: SecondLine,
  incidentId: string,
  now: Instant,
): boolean {
  return raised?.incidentId === incidentId && now - raised.at < raiseAgainMs;
}

/** The same halt keeps its moment; what was read before it may be of the time before the account was flat. */
function underHalt({ flat }: SecondLine, { violationId }: Vigil, open: Snapshot | null, now: Instant): FlatHalt | null {
  if (violationId === null) return null;
  const known: FlatHalt = flat?.violationId === violationId ? flat : { violationId, since: now, openAt: null };
  if (open === null || open.takenAt <= known.since) return known;
  return { ...known, openAt: open.positions.length === 0 ? null : (known.openAt ?? open.takenAt) };
}

function whileLost(
  limits: SecondLineLimits,
  line: SecondLine,
  { beganAt, flatAt }: Extract<SecondLineEvent, { kind: "lost" }>,
  now: Instant,
): Step {
  const since = line.lostSince ?? (now - beganAt > limits.lookMs ? now : beganAt);
  const next = { ...line, lostSince: since };
  const awayMs = now - since;
  // Without Redis nothing is lost on it: what this worker has raised it executes itself, once.
  if (next.brain === null || next.raised?.incidentId === next.brain.incidentId || awayMs <= limits.redisLostMs)
    return [next, null];
  // A watchdog that has heard one heartbeat more has said so by the direct line, under the id of that one.
  if (flatAt !== null && flatAt > line.seenAt) return [next, null];
  return raise(next, next.brain.incidentId, "redis_lost", awayMs, limits.redisLostMs, now);
}

/**
 * Only a look shows whether there is a brain to watch; of one that is watched this is the last heartbeat now. What has waited while
 * we stood still is not of now (design rule 7): the next look brings it with its age.
 */
function heardBrain(
  { lookMs }: SecondLineLimits,
  line: SecondLine,
  { incidentId, beganAt }: Extract<SecondLineEvent, { kind: "heard" }>,
  now: Instant,
): SecondLine {
  return line.brain === null || now - beganAt > lookMs
    ? line
    : { ...line, brain: { incidentId, beatAt: now }, stale: incidentId };
}

/** Which brain is watched after a look: none during a halt, and none that has only left an old heartbeat. */
function watched(limits: SecondLineLimits, line: SecondLine, { brain, halted }: Vigil, now: Instant): SecondLine {
  if (brain === null || halted || brain.incidentCompleted)
    return { ...line, brain: null, stale: brain?.incidentId ?? null };
  const { incidentId, ageMs } = brain;
  if (line.brain?.incidentId === incidentId) return line;
  const isFirst = line.brain === null && line.stale === null;
  if (line.stale === incidentId || (isFirst && ageMs > limits.freshMs))
    return { ...line, brain: null, stale: incidentId };
  return { ...line, brain: { incidentId, beatAt: after(now, -ageMs) }, stale: incidentId };
}

function raise(
  line: SecondLine,
  incidentId: string,
  cause: SelfTrip["cause"],
  ageMs: number,
  limitMs: number,
  now: Instant,
): Step {
  const reason = `${cause.toUpperCase()}_(${tenths(ageMs).toUpperCase()}_>_${tenths(limitMs).toUpperCase()})`;
  return [
    { ...line, raised: { incidentId, at: now } },
    { incidentId, cause, reason },
  ];
}

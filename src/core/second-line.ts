/**
 * When the worker trips by itself (design section 4): Redis stays away, or the brain is silent and no watchdog is there to say so.
 *
 * It trips only over a brain that lived: once a heartbeat has arrived since the last reset. The incident has the same id as
 * the one that a watchdog would raise, so whoever is first, there is one.
 */

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
}

/** Design section 4. A look waits a second, and then as long as Redis may take (`config/redis.ts`). */
export const SECOND_LINE_LIMITS: SecondLineLimits = {
  redisLostMs: 5_000,
  watchdogLostMs: 10_000,
  brainSilentMs: 5_000,
  freshMs: 6_000,
  lookMs: 2_500,
};

/** What one look at the bus shows of those who should speak first. */
export interface Vigil {
  /** The brain's newest heartbeat, and the incident that begins if it stays the last one; null if there never was one. */
  readonly brain: { readonly incidentId: string; readonly ageMs: number; readonly incidentCompleted: boolean } | null;
  /** The age of the newest heartbeat of any watchdog; null if there never was one. */
  readonly watchdogAgeMs: number | null;
  /** Trading is halted already. */
  readonly halted: boolean;
}

/** What is known. Times are of the local monotonic clock. */
export interface SecondLine {
  /** The brain that is watched, and when its last heartbeat was made; null while there is none to watch. */
  readonly brain: { readonly incidentId: string; readonly beatAt: Instant } | null;
  /** The newest heartbeat that was there at the first look, and old: no proof of life. */
  readonly stale: string | null;
  readonly watchdogAt: Instant;
  /** Since when every look has failed; null while they work. */
  readonly lostSince: Instant | null;
  /** The incident that was raised last, so that it is raised once. */
  readonly raised: string | null;
}

/** What can happen. */
export type SecondLineEvent =
  | { readonly kind: "seen"; readonly vigil: Vigil }
  /** A look that began then has failed. */
  | { readonly kind: "lost"; readonly beganAt: Instant };

/** An incident to raise. */
export interface SelfTrip {
  readonly incidentId: string;
  readonly cause: "redis_lost" | "watchdog_lost";
  /** `REDIS_LOST_(5.1S_>_5.0S)` (contract 3.2). */
  readonly reason: string;
}

type Step = readonly [SecondLine, SelfTrip | null];

/** At the start nothing is known, and the watchdog has its ten seconds. */
export function startSecondLine(now: Instant): SecondLine {
  return { brain: null, stale: null, watchdogAt: now, lostSince: null, raised: null };
}

/** Advances by one look, and says what is to be raised. */
export function stepSecondLine(limits: SecondLineLimits, line: SecondLine, event: SecondLineEvent, now: Instant): Step {
  if (event.kind === "lost") return whileLost(limits, line, event.beganAt, now);
  const { vigil } = event;
  const heard = vigil.watchdogAgeMs === null ? null : after(now, -vigil.watchdogAgeMs);
  const watchdogAt = heard !== null && heard > line.watchdogAt ? heard : line.watchdogAt;
  const next: SecondLine = { ...watched(limits, line, vigil, now), watchdogAt, lostSince: null };
  if (next.brain === null || next.raised === next.brain.incidentId) return [next, null];
  const silentMs = now - next.brain.beatAt;
  const unwatchedMs = now - watchdogAt;
  if (silentMs <= limits.brainSilentMs || unwatchedMs <= limits.watchdogLostMs) return [next, null];
  return raise(next, next.brain.incidentId, "watchdog_lost", unwatchedMs, limits.watchdogLostMs);
}

function whileLost(limits: SecondLineLimits, line: SecondLine, beganAt: Instant, now: Instant): Step {
  const since = line.lostSince ?? (now - beganAt > limits.lookMs ? now : beganAt);
  const next = { ...line, lostSince: since };
  const awayMs = now - since;
  if (next.brain === null || next.raised === next.brain.incidentId || awayMs <= limits.redisLostMs) return [next, null];
  return raise(next, next.brain.incidentId, "redis_lost", awayMs, limits.redisLostMs);
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

function raise(line: SecondLine, incidentId: string, cause: SelfTrip["cause"], ageMs: number, limitMs: number): Step {
  const reason = `${cause.toUpperCase()}_(${tenths(ageMs).toUpperCase()}_>_${tenths(limitMs).toUpperCase()})`;
  return [
    { ...line, raised: incidentId },
    { incidentId, cause, reason },
  ];
}

/** Why a panic is raised, in the words of the log and of the event (contract sections 3.2 and 4). */

import type { Outcome } from "./messages.ts";

/** A broken rule, with its evidence in milliseconds. */
export type Trip =
  | { readonly rule: "heartbeat_missing"; readonly ageMs: number; readonly limitMs: number }
  /** No heartbeat at all since the watchdog attached or was reset. */
  | { readonly rule: "heartbeat_never_seen"; readonly ageMs: number; readonly limitMs: number }
  | { readonly rule: "degraded"; readonly ageMs: number; readonly limitMs: number }
  /** Heartbeats come, and the last decision that they tell of stays the same. */
  | { readonly rule: "decisions_stale"; readonly ageMs: number; readonly limitMs: number }
  /** So many instances appeared in so long, where `limit` in `limitMs` are borne. */
  | {
      readonly rule: "crash_loop";
      readonly instances: number;
      readonly tookMs: number;
      readonly limit: number;
      readonly limitMs: number;
    }
  /** An older instance was heard so long after the newer one had appeared. */
  | { readonly rule: "duplicate"; readonly afterMs: number };

/** Each rule's name in the event and in the log. */
const NAMES: Readonly<Record<Trip["rule"], readonly [event: string, log: string]>> = {
  heartbeat_missing: ["EXIT_BRAIN_HEARTBEAT_MISSING", "Heartbeat missing"],
  heartbeat_never_seen: ["EXIT_BRAIN_HEARTBEAT_MISSING", "Heartbeat missing"],
  degraded: ["EXIT_BRAIN_DEGRADED", "Exit brain degraded"],
  decisions_stale: ["EXIT_BRAIN_DECISIONS_STALE", "Exit brain decisions stale"],
  crash_loop: ["EXIT_BRAIN_CRASH_LOOP", "Exit brain crash loop"],
  duplicate: ["EXIT_BRAIN_DUPLICATE", "Exit brain duplicate"],
};

/** The event's reason: `EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)`. */
export function reasonOf(trip: Trip): string {
  const [name] = NAMES[trip.rule];
  return `${name}_(${evidence(trip).toUpperCase().replaceAll(" ", "_")})`;
}

/** The reason of a follow-up: `PANIC_CLOSE_INCOMPLETE_(NOT_FLAT)`. */
export function incompleteReason(outcome: Outcome | null): string {
  return `PANIC_CLOSE_INCOMPLETE_(${outcome ?? "NO_COMPLETION"})`;
}

/** The log's words: `Heartbeat missing (5.1s > 5.0s)`. */
export function describe(trip: Trip): string {
  const [, name] = NAMES[trip.rule];
  return `${name} (${evidence(trip)})`;
}

/** A duration in seconds with one decimal, rounded up so that a broken limit never reads as kept. */
export function tenths(ms: number): string {
  return `${(Math.ceil(ms / 100) / 10).toFixed(1)}s`;
}

function evidence(trip: Trip): string {
  switch (trip.rule) {
    case "heartbeat_missing":
    case "degraded":
    case "decisions_stale":
      return `${tenths(trip.ageMs)} > ${tenths(trip.limitMs)}`;
    case "heartbeat_never_seen":
      return `none for ${tenths(trip.ageMs)} > ${tenths(trip.limitMs)}`;
    case "crash_loop": {
      const { instances, tookMs, limit, limitMs } = trip;
      return `${instances} instances in ${tenths(tookMs)} > ${limit} in ${tenths(limitMs)}`;
    }
    case "duplicate":
      return `older instance beats ${tenths(trip.afterMs)} after newer`;
  }
}

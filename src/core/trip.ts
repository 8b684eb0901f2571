/** Why a panic is raised, in the words of the log and of the event (contract sections 3.2 and 4). */

import type { Outcome } from "./messages.ts";

/** A broken rule, with its evidence in milliseconds. */
export type Trip =
  | { readonly rule: "heartbeat_missing"; readonly ageMs: number; readonly limitMs: number }
  | { readonly rule: "degraded"; readonly ageMs: number; readonly limitMs: number };

/** The event's reason: `EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)`. */
export function reasonOf(trip: Trip): string {
  const name = trip.rule === "heartbeat_missing" ? "EXIT_BRAIN_HEARTBEAT_MISSING" : "EXIT_BRAIN_DEGRADED";
  return `${name}_(${evidence(trip).toUpperCase().replaceAll(" ", "_")})`;
}

/** The reason of a follow-up: `PANIC_CLOSE_INCOMPLETE_(NOT_FLAT)`. */
export function incompleteReason(outcome: Outcome | null): string {
  return `PANIC_CLOSE_INCOMPLETE_(${outcome ?? "NO_COMPLETION"})`;
}

/** The log's words: `Heartbeat missing (5.1s > 5.0s)`. */
export function describe(trip: Trip): string {
  const name = trip.rule === "heartbeat_missing" ? "Heartbeat missing" : "Exit brain degraded";
  return `${name} (${evidence(trip)})`;
}

/** A duration in seconds with one decimal, rounded up so that a broken limit never reads as kept. */
export function tenths(ms: number): string {
  return `${(Math.ceil(ms / 100) / 10).toFixed(1)}s`;
}

function evidence(trip: Trip): string {
  return `${tenths(trip.ageMs)} > ${tenths(trip.limitMs)}`;
}

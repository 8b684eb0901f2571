/** Is the whole system fit to guard an account? In the words of `quantum status`. */

import type { Halt, Heartbeat, Outcome } from "./messages.ts";
import { tenths } from "./trip.ts";

/** A role as the bus last heard of it. */
export interface RoleView {
  readonly role: string;
  /** Null: never heard. */
  readonly last: { readonly heartbeat: Heartbeat; readonly ageMs: number } | null;
}

/** What is judged. */
export interface SystemView {
  readonly roles: readonly RoleView[];
  readonly halt: Halt | null;
  /** The newest panic event's outcome; null if there is no event or no outcome yet. */
  readonly lastPanic: { readonly eventId: string; readonly outcome: Outcome | null } | null;
}

/** A role that has not beaten for this long is not there. The watchdog's own limit for the brain (runbook: 5 s). */
const ROLE_SILENT_MS = 5_000;

/** Whether the role's last heartbeat is fresh. */
export function isAlive({ last }: RoleView): boolean {
  return last !== null && last.ageMs <= ROLE_SILENT_MS;
}

/** Everything that is wrong, each in one line; none means healthy. */
export function problems({ roles, halt, lastPanic }: SystemView): readonly string[] {
  const found: string[] = [];
  for (const view of roles) {
    if (view.last === null) found.push(`${view.role}: no heartbeat has ever been seen`);
    else if (!isAlive(view)) found.push(`${view.role}: no heartbeat for ${tenths(view.last.ageMs)}`);
    else if (view.last.heartbeat.status !== "ALIVE") found.push(`${view.role}: says ${view.last.heartbeat.status}`);
    else if (view.last.heartbeat.details?.state === "fenced") {
      found.push(`${view.role}: fenced, its heartbeats are not confirmed in time`);
    } else if (view.last.heartbeat.details?.state === "waiting") {
      found.push(`UNPROTECTED: the ${view.role} is waiting for a heartbeat`);
    }
  }
  if (halt !== null) found.push(`trading is halted: ${halt.reason}`);
  if (lastPanic !== null && lastPanic.outcome !== "FLAT") {
    found.push(`event ${lastPanic.eventId}: ${lastPanic.outcome ?? "no completion yet"}`);
  }
  return found;
}

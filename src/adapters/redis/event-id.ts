import { createHash } from "node:crypto";
import type { Attempt, PanicEvent } from "../../core/messages.ts";
import type { UnixMillis } from "../../core/time.ts";

/** The namespace of our UUIDv5s; any fixed UUID would do, but it can never change. */
const NAMESPACE = Buffer.from("6f9c1d6e0b7a4d5c9a3e2f1b8c7d6e50", "hex");

/** The event id of an attempt: the incident's own for the first, derived from incident and number for a follow-up. */
export function eventIdOf({ incidentId, number }: Attempt): string {
  return number === 1 ? incidentId : eventIdFor(`${incidentId}/${number}`);
}

/** How many follow-ups are asked about. They are made one after the other, so with none of these on record there is none behind. */
const LATER_ASKED = 16;

/** The event ids of the attempts that follow this one. */
export function laterIds({ incidentId, number }: Attempt): readonly string[] {
  return Array.from({ length: LATER_ASKED }, (_, i) => eventIdOf({ incidentId, number: number + 1 + i }));
}

/** An attempt as the event that a watchdog raises, by whichever way it goes. */
export function watchdogEvent(attempt: Attempt, reason: string, ts: UnixMillis): PanicEvent {
  const event: PanicEvent = { eventId: eventIdOf(attempt), reason, issuedBy: "watchdog", ts };
  return attempt.number === 1 ? event : { ...event, followsUp: attempt };
}

/** An incident as the event that a brain raises itself, by whichever way it goes. */
export function brainEvent(incidentId: string, reason: string, ts: UnixMillis): PanicEvent {
  return { eventId: incidentId, reason, issuedBy: "exit_brain", ts };
}

/** The incident of a brain that has never been heard: there is no heartbeat that it could be named by. */
export function unheardIncidentId(instanceId: string): string {
  return eventIdFor(`no heartbeat of ${instanceId}`);
}

/**
 * The event id of the incident that begins when something opens under the halt of an event that had ended flat. Where it is
 * completed already, the next one's is derived from it: also where a halt is put back that was violated before, every worker
 * derives the same.
 */
export function violationIdOf(eventId: string): string {
  return eventIdFor(`${eventId}/halt-violated`);
}

/**
 * The event id of what follows from something on the bus: UUIDv5 (RFC 9562, 5.5) over the entry's id, or over whatever else names it.
 *
 * Whoever misses the same heartbeat derives the same id, so several observers raise one incident.
 */
export function eventIdFor(name: string): string {
  const hash = createHash("sha1").update(NAMESPACE).update(name).digest().subarray(0, 16);
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x50, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  return hash.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

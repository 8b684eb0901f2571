/** What a decision wants people to read. Core has no logger; it returns words, and the role writes them. */

import type { Attempt } from "./messages.ts";

/** `critical` belongs to an incident, `warn` asks for an operator's eye, `info` is the ordinary course. */
export type TellLevel = "info" | "warn" | "critical";

/**
 * The sign a terminal puts before the line; logs elsewhere do without (contract section 1). What is marked `alarm` or
 * `lock` is told to people wherever they are (`core/alert.ts`).
 */
export type TellMark = "alarm" | "done" | "lock";

/** An event, and the one that opened its incident: the same for that one itself. */
export interface EventName {
  readonly eventId: string;
  readonly incidentId: string;
}

/**
 * The event that a line is about. Before a follow-up is published core knows it as an attempt only; its id follows from that
 * (`ports/bus.ts` `eventIdOf`).
 */
export type About = EventName | Attempt;

/** One line for people, and for the runbook's greps (contract section 4). */
export interface Tell {
  readonly kind: "tell";
  readonly level: TellLevel;
  readonly text: string;
  readonly mark?: TellMark;
  /** A line of no incident has none. */
  readonly about?: About;
}

/** An ordinary line. */
export function info(text: string, mark?: TellMark): Tell {
  return line("info", text, mark);
}

/** A line that asks for an operator's eye. */
export function warn(text: string, mark?: TellMark): Tell {
  return line("warn", text, mark);
}

/** A line of an incident. */
export function critical(text: string, mark?: TellMark): Tell {
  return line("critical", text, mark);
}

/** An attempt as what a line is about: of the one that opens the incident the event id is known. */
export function asEvent(attempt: Attempt): About {
  const { incidentId, number } = attempt;
  return number === 1 ? { eventId: incidentId, incidentId } : attempt;
}

/** Says of every line among `actions` which event it is about, unless it says so already. */
export function regarding<A extends { readonly kind: string }>(about: About, actions: readonly A[]): readonly A[] {
  return actions.map((action) => ("about" in action || action.kind !== "tell" ? action : { ...action, about }));
}

/** The mark of a line about something that may last until a person acts. */
export function alarmIf(needsPerson: boolean | undefined): TellMark | undefined {
  return needsPerson === true ? "alarm" : undefined;
}

function line(level: TellLevel, text: string, mark?: TellMark): Tell {
  return mark === undefined ? { kind: "tell", level, text } : { kind: "tell", level, text, mark };
}

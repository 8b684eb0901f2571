/**
 * Which lines of the log people are told about wherever they are, and how these lines become messages.
 *
 * A line is told if it is marked as an alarm, or locks the system: the incident's end. Lines that come together are one
 * message, unless they are about different events, and each message carries the ids by which a reader finds the incident.
 */

import type { About, TellLevel, TellMark } from "./tell.ts";
import { after, type Instant } from "./time.ts";

/** One message to people. */
export interface Alert {
  readonly level: TellLevel;
  /** One line of the log or several, each on a line of its own. */
  readonly text: string;
  /** The event that it is about; null where there is none, or none yet. */
  readonly eventId: string | null;
  /** The event that opened the incident: the same in every message of one incident. */
  readonly incidentId: string | null;
}

/** How lines are gathered. */
export interface AlertLimits {
  /** How long an alarm waits for the lines that explain it. Well over a publish on a Redis that is well. */
  readonly gatherMs: number;
  /** The same line of the same incident is told once in this time. */
  readonly repeatMs: number;
  /** Lines in one message; the rest is counted. */
  readonly linesMax: number;
  /** Characters of one line; the rest is cut off. With `linesMax` it stays under the 4096 characters of Telegram's sendMessage. */
  readonly lineCharsMax: number;
}

/** Twenty lines of 180 characters are 3620 with their breaks, and leave room for the ids. */
export const ALERT_LIMITS: AlertLimits = { gatherMs: 250, repeatMs: 60_000, linesMax: 20, lineCharsMax: 180 };

/** How many told lines are remembered; the oldest is forgotten, and might then be told a second time. */
const TOLD_MAX = 1_000;

/** A line as the log gets it. */
interface LogLine {
  readonly kind: "line";
  readonly level: TellLevel | "debug";
  readonly text: string;
  readonly mark: TellMark | undefined;
  readonly about: About | undefined;
}

interface GatheredLine {
  readonly level: TellLevel;
  readonly text: string;
  /** Worth a message; a line that is not only explains the others. */
  readonly alarm: boolean;
}

/** The event that a message is about, as far as its lines have told. */
type Ids = Pick<Alert, "eventId" | "incidentId">;

const NO_IDS: Ids = { eventId: null, incidentId: null };

/** What is being gathered, and what was told lately. */
export interface AlertState {
  readonly gathering: (Ids & { readonly since: Instant; readonly lines: readonly GatheredLine[] }) | null;
  /** When each line was told, the oldest first; the incident is part of the key. */
  readonly told: ReadonlyMap<string, Instant>;
}

/** Nothing was said yet. */
export const NO_ALERTS: AlertState = { gathering: null, told: new Map() };

/** `end`: the process is about to. */
export type AlertEvent = LogLine | { readonly kind: "timer" | "end" };

type Step = readonly [AlertState, Alert | null];

/** Takes one line; gives the message that is complete. */
export function step(limits: AlertLimits, state: AlertState, event: AlertEvent, now: Instant): Step {
  switch (event.kind) {
    case "timer":
      return isDue(limits, state, now) ? complete(limits, state, now) : [state, null];
    case "end":
      return complete(limits, state, now);
    case "line": {
      const ids = idsOf(event.about);
      if (state.gathering === null || areOneEvent(state.gathering, ids)) return [gather(state, event, ids, now), null];
      const [told, alert] = complete(limits, state, now);
      return [gather(told, event, ids, now), alert];
    }
  }
}

/** When `step` wants a `timer` event; null: nothing is being gathered. */
export function deadline(limits: AlertLimits, { gathering }: AlertState): Instant | null {
  return gathering === null ? null : after(gathering.since, limits.gatherMs);
}

function isDue(limits: AlertLimits, state: AlertState, now: Instant): boolean {
  const at = deadline(limits, state);
  return at !== null && now >= at;
}

/** Before a follow-up is published its own id is not known, only that of the incident. */
function idsOf(about: About | undefined): Ids {
  if (about === undefined) return NO_IDS;
  return { eventId: "eventId" in about ? about.eventId : null, incidentId: about.incidentId };
}

/** What one of the two does not say, the other may. */
function areOneEvent(one: Ids, other: Ids): boolean {
  const agree = (here: string | null, there: string | null): boolean =>
    here === null || there === null || here === there;
  return agree(one.incidentId, other.incidentId) && agree(one.eventId, other.eventId);
}

function gather(state: AlertState, { level, text, mark }: LogLine, ids: Ids, now: Instant): AlertState {
  const { gathering } = state;
  const alarm = mark === "alarm" || mark === "lock";
  const explains = /^(Source|Reason|Attempt): /.test(text);
  if (gathering === null && (!alarm || level === "debug")) return state;
  const { since, lines, ...known } = gathering ?? { since: now, lines: [], ...NO_IDS };
  const named = {
    since,
    eventId: known.eventId ?? ids.eventId,
    incidentId: known.incidentId ?? ids.incidentId,
  };
  // A line that is not told may still name the event.
  if (level === "debug" || (!alarm && !explains)) return { ...state, gathering: { ...named, lines } };
  // A line break in a venue's message must not forge a line of ours.
  const line = { level, text: text.replaceAll(/[\r\n]+/g, " "), alarm };
  return { ...state, gathering: { ...named, lines: [...lines, line] } };
}

function complete(limits: AlertLimits, state: AlertState, now: Instant): Step {
  const { gathering } = state;
  if (gathering === null) return [state, null];
  const { eventId, incidentId } = gathering;
  const told = new Map([...state.told].filter(([, at]) => now - at < limits.repeatMs).slice(-TOLD_MAX));
  const fresh = gathering.lines.filter(({ text, alarm }) => {
    if (!alarm) return true;
    const key = `${incidentId ?? ""} ${text}`;
    if (told.has(key)) return false;
    told.set(key, now);
    return true;
  });
  const next: AlertState = { gathering: null, told };
  if (!fresh.some(({ alarm }) => alarm)) return [next, null];
  const level = fresh.some((line) => line.level === "critical") ? "critical" : "warn";
  return [next, { level, text: inWords(limits, fresh), eventId, incidentId }];
}

function inWords({ linesMax, lineCharsMax }: AlertLimits, lines: readonly GatheredLine[]): string {
  const shown = lines.slice(0, linesMax).map(({ text }) => {
    return text.length <= lineCharsMax ? text : `${text.slice(0, lineCharsMax - 1)}…`;
  });
  if (lines.length > linesMax) shown.push(`and ${lines.length - linesMax} more lines, see the log`);
  return shown.join("\n");
}

/** What a decision wants people to read. Core has no logger; it returns words, and the role writes them. */

/** `critical` belongs to an incident, `warn` asks for an operator's eye, `info` is the ordinary course. */
export type TellLevel = "info" | "warn" | "critical";

/**
 * The sign a terminal puts before the line; logs elsewhere do without (contract section 1). What is marked `alarm` or
 * `lock` is told to people wherever they are (`core/alert.ts`).
 */
export type TellMark = "alarm" | "done" | "lock";

/** One line for people, and for the runbook's greps (contract section 4). */
export interface Tell {
  readonly kind: "tell";
  readonly level: TellLevel;
  readonly text: string;
  readonly mark?: TellMark;
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

/** The mark of a line about something that may last until a person acts. */
export function alarmIf(needsPerson: boolean | undefined): TellMark | undefined {
  return needsPerson === true ? "alarm" : undefined;
}

function line(level: TellLevel, text: string, mark?: TellMark): Tell {
  return mark === undefined ? { kind: "tell", level, text } : { kind: "tell", level, text, mark };
}

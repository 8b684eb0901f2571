import type { About, TellLevel, TellMark } from "../core/tell.ts";

/** Where a role's words go. Never throws, whatever became of the reader. */
export interface Log {
  /** @param about the event that the line is about; where the log has fields, it is found by them. */
  write(level: TellLevel | "debug", text: string, mark?: TellMark, about?: About): void;
}

import type { TellLevel, TellMark } from "../core/tell.ts";

/** Where a role's words go. Never throws, whatever became of the reader. */
export interface Log {
  write(level: TellLevel | "debug", text: string, mark?: TellMark): void;
}

import type { Tell } from "../core/tell.ts";
import type { Log } from "../ports/log.ts";

/** Writes what a decision wants people to read. */
export function say(log: Log, { level, text, mark, about }: Tell): void {
  log.write(level, text, mark, about);
}

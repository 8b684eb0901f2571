/**
 * Standard output, for lines that must neither be lost nor hold up a role.
 *
 * Written synchronously and to the file descriptor itself: under Bun, process.stdout loses what a pipe has not taken at exit,
 * and a reader that went away would kill the process. Here a line that can't be written is dropped.
 */

import { type DestinationStream, destination } from "pino";
import { pauseHere } from "./output.ts";

/** What is kept for a reader that has fallen behind. */
const BACKLOG_BYTES = 1_048_576;

/** How soon a reader that has fallen behind is offered the rest again. */
const AGAIN_MS = 100;

/** The same while the process ends: so often, and so long apart. The last words of a role are the ones that matter. */
const LAST_ATTEMPTS = 50;
const LAST_PAUSE_MS = 10;

/** Opened once for each log. */
export function hostStdout(): DestinationStream {
  // A reader that stops reading must not stop the role: lines past a full pipe and this much memory are dropped.
  const stdout = destination({ fd: 1, sync: true, minLength: 0, maxLength: BACKLOG_BYTES, retryEAGAIN: () => false });
  let behind = false;
  // Writing nothing offers what is kept. pino's own flushSync would never come back from a full disk.
  const offer = (): boolean => {
    behind = false;
    stdout.write("");
    return !behind;
  };
  stdout.on("error", () => {
    if (!behind) setTimeout(offer, AGAIN_MS).unref();
    behind = true;
  });
  process.once("exit", () => {
    for (let attempt = 0; attempt < LAST_ATTEMPTS && !offer(); attempt++) pauseHere(LAST_PAUSE_MS);
  });
  return stdout;
}

import { writeSync } from "node:fs";

/** Attempts at a full pipe before the rest of a line is given up: a slow reader must not hold up an exit. */
const FULL_PIPE_ATTEMPTS = 1_000;

/**
 * Writes one line to a file descriptor, at once and whole; `process.stdout` would lose what a pipe has not taken
 * when the process ends. A reader that went away is no error.
 */
export function writeLine(fd: 1 | 2, text: string): void {
  let rest = Buffer.from(`${text}\n`);
  for (let attempt = 0; rest.length > 0 && attempt < FULL_PIPE_ATTEMPTS; attempt++) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      const full = error instanceof Error && "code" in error && error.code === "EAGAIN";
      if (!full) return;
      pauseHere(1);
    }
  }
}

/** Stops the whole process for `ms`: only for one that is about to end. */
export function pauseHere(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

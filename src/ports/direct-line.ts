import type { Attempt, Delivery, Ending } from "../core/messages.ts";
import type { Reading } from "../core/reading.ts";

/** The way to the worker that needs no Redis: the worker's end. Who may use it is decided at its doors. */
export interface DirectLine {
  /** The next event that comes by it, each id once; the promise stays pending while none does. One call at a time. */
  next(): Promise<Delivery>;
  /** Tells whoever asks, now or later, what came of an event, whichever way it had come. Never throws. */
  ended(eventId: string, ending: Ending): void;
}

/** The same way: the end of whoever raises a panic. */
export interface DirectCall {
  /**
   * Tells the worker of an attempt. Known once it has heard: what came of it, or null if it has not said in time. Never
   * rejects, and settles within its own deadlines. Calling again changes nothing: the worker executes an event id once.
   */
  call(attempt: Attempt, reason: string): Promise<Reading<Ending | null>>;
}

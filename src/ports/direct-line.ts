import type { Delivery, Ending } from "../core/messages.ts";

/** The way to the worker that needs no Redis: the worker's end. Who may use it is decided at its doors. */
export interface DirectLine {
  /** The next event that comes by it, each id once; the promise stays pending while none does. One call at a time. */
  next(): Promise<Delivery>;
  /** Tells whoever asks, now or later, what came of an event, whichever way it had come. Never throws. */
  ended(eventId: string, ending: Ending): void;
}

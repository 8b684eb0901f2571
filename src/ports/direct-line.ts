import type { Completion, Delivery } from "../core/messages.ts";

/** The way to the worker that needs no Redis. Who may use it is decided by who may open it. */
export interface DirectLine {
  /** The next panic that comes by it; the promise stays pending while none does. One call at a time. */
  next(): Promise<Delivery>;
  /** Tells whoever still listens what came of an event. Never throws. */
  done(completion: Completion): void;
  /** Tells whoever still listens that an event is not executed. Never throws. */
  refuse(eventId: string, why: string): void;
}

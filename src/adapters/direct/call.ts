import type { Ending, PanicEvent } from "../../core/messages.ts";
import type { Reading } from "../../core/reading.ts";

/** How long a call may take. */
export interface CallPatience {
  /** Until the worker says that it has heard; it answers at once or not at all. */
  readonly heardMs: number;
  /** From then on until it says what came of it; 0: not waited for. */
  readonly doneMs: number;
}

/**
 * One way to the worker. Unknown, with the reason, unless it says that it has heard; null if it does not say in time what
 * came of it: it goes on all the same. Never rejects.
 */
export interface DirectWay {
  /** For people. */
  readonly name: string;
  call(event: PanicEvent, triggerSecret: string | null, patience: CallPatience): Promise<Reading<Ending | null>>;
}

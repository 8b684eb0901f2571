/** Panic events that are not executed: told and counted, so that nobody can fill a disk or a phone with forged ones. */

import { eventOf, heading, refusal, refusedMore } from "../core/eew-words.ts";
import type { Delivery } from "../core/messages.ts";
import { regarding, type Tell } from "../core/tell.ts";
import { after } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { say } from "./say.ts";

/** The refusals of one worker's life. */
export interface Refusals {
  /** One more; why it is not executed. */
  add(delivery: Delivery, why: string): void;
  /** Forgets what it still meant to tell. */
  end(): void;
}

/** So many are told one by one in `COUNTED_MS`; of the rest how many there were, at the end of it. */
const TOLD_MAX = 5;
const COUNTED_MS = 60_000;

/** None so far. */
export function refusals({ clock, log }: { readonly clock: Clock; readonly log: Log }): Refusals {
  let total = 0;
  let recent = 0;
  let cancel: (() => void) | null = null;
  const tell = (lines: readonly Tell[]): void => {
    for (const line of lines) say(log, line);
  };
  const count = (): void => {
    if (recent > TOLD_MAX) tell([refusedMore(recent - TOLD_MAX, COUNTED_MS, total)]);
    recent = 0;
    cancel = null;
  };
  return {
    add: (delivery, why) => {
      total += 1;
      recent += 1;
      if (recent <= TOLD_MAX) tell(regarding(eventOf(delivery), [...heading(delivery), refusal(delivery, why, total)]));
      cancel ??= clock.at(after(clock.now(), COUNTED_MS), count);
    },
    end: () => cancel?.(),
  };
}

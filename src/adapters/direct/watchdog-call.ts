import { known, unknown } from "../../core/reading.ts";
import type { Clock } from "../../ports/clock.ts";
import type { DirectCall } from "../../ports/direct-line.ts";
import { watchdogEvent } from "../redis/event-id.ts";
import type { CallPatience, DirectWay } from "./call.ts";

/** A pass takes ten seconds at most, and is then over or can be asked after again. */
const PATIENCE: CallPatience = { heardMs: 1_000, doneMs: 11_000 };

/** The watchdog's end of the direct line: the ways to the worker are tried in their order, until it hears by one. */
export function watchdogCall(ways: readonly DirectWay[], triggerSecret: string | null, clock: Clock): DirectCall {
  return {
    call: async (attempt, reason) => {
      const event = watchdogEvent(attempt, reason, clock.wall());
      const whys: string[] = [];
      for (const way of ways) {
        const answer = await way.call(event, triggerSecret, PATIENCE);
        if (answer.known) return known(answer.value);
        whys.push(answer.why);
      }
      return unknown(whys.join("; "));
    },
  };
}

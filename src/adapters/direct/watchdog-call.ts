import type { Attempt, PanicEvent } from "../../core/messages.ts";
import { known, unknown } from "../../core/reading.ts";
import type { Clock } from "../../ports/clock.ts";
import type { DirectCall } from "../../ports/direct-line.ts";
import { brainEvent, watchdogEvent } from "../redis/event-id.ts";
import type { CallPatience, DirectWay } from "./call.ts";

/** A pass takes ten seconds at most, and is then over or can be asked after again. */
const PATIENCE: CallPatience = { heardMs: 1_000, doneMs: 11_000 };

/** The watchdog's end of the direct line: the ways to the worker are tried in their order, until it hears by one. */
export function watchdogCall(ways: readonly DirectWay[], triggerSecret: string | null, clock: Clock): DirectCall {
  return callBy(ways, triggerSecret, (attempt, reason) => watchdogEvent(attempt, reason, clock.wall()));
}

/** A brain's end, which only ever opens an incident: follow-ups are the watchdog's. */
export function brainCall(ways: readonly DirectWay[], triggerSecret: string | null, clock: Clock): DirectCall {
  return callBy(ways, triggerSecret, ({ incidentId }, reason) => brainEvent(incidentId, reason, clock.wall()));
}

function callBy(
  ways: readonly DirectWay[],
  triggerSecret: string | null,
  eventFor: (attempt: Attempt, reason: string) => PanicEvent,
): DirectCall {
  return {
    call: async (attempt, reason) => {
      const event = eventFor(attempt, reason);
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

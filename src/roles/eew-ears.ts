/** Where the worker's events come from: its own unfinished business, the bus, and its second line when nobody else speaks. */

import type { EewEvent } from "../core/eew.ts";
import type { Delivery } from "../core/messages.ts";
import {
  type SecondLine,
  type SecondLineEvent,
  type SecondLineLimits,
  type SelfTrip,
  startSecondLine,
  stepSecondLine,
} from "../core/second-line.ts";
import type { EewBus } from "../ports/bus.ts";
import type { Clock } from "../ports/clock.ts";
import type { Journal, OwnIncident } from "../ports/journal.ts";
import type { Log } from "../ports/log.ts";
import { type Identity, pulse } from "./pulse.ts";

/** What the ears need of the worker's world. */
export interface EarsWorld {
  readonly clock: Clock;
  readonly bus: EewBus;
  readonly journal: Journal;
  readonly log: Log;
  readonly identity: Identity;
  readonly secondLine: SecondLineLimits;
  /** The causes of a trip of its own that are only told, not acted on: an operator's choice. */
  readonly alertOnly: ReadonlySet<SelfTrip["cause"]>;
}

/** Hears one event after another. */
export interface Ears {
  /** The next event; null once nobody wants it any more. Each look that worked is followed by a heartbeat. */
  next(signal: AbortSignal): Promise<EewEvent | null>;
}

/** Pause before a bus that does not answer is asked again. */
const BUS_RETRY_MS = 250;

/** The ears of one worker. What an earlier life raised and did not finish comes first. */
export function ears(world: EarsWorld): Ears {
  const { bus, clock, journal, log } = world;
  const nextBeat = pulse(clock, world.identity);
  const unfinished = [...journal.unfinished()];
  let line: SecondLine = startSecondLine(clock.now());
  let lost = false;

  /** What the look means for the second line; an event if the worker raises one that the bus can't deliver. */
  async function consider(event: SecondLineEvent): Promise<EewEvent | null> {
    const [next, trip] = stepSecondLine(world.secondLine, line, event, clock.now());
    line = next;
    return trip === null ? null : await raise(trip);
  }

  async function raise({ incidentId, cause, reason }: SelfTrip): Promise<EewEvent | null> {
    if (world.alertOnly.has(cause)) {
      log.write("critical", `ALERT ONLY, nothing is closed: ${reason}`, "alarm");
      return null;
    }
    log.write("critical", `FAILURE DETECTED: ${reason}`, "alarm");
    log.write("critical", "TRIGGERING PANIC CLOSE", "alarm");
    if (!journal.append({ kind: "raised", eventId: incidentId, reason }))
      log.write("critical", "The journal can't be written: a restart in this pass would forget it", "alarm");
    // With Redis there it comes back by the bus, to whichever worker is first; without, it is this worker's alone.
    if (cause === "watchdog_lost" && (await bus.raise(incidentId, reason)).known) {
      journal.append({ kind: "reconciled", eventId: incidentId });
      return null;
    }
    return { kind: "panic", delivery: ownDelivery({ eventId: incidentId, reason }) };
  }

  return {
    async next(signal) {
      const own = unfinished.shift();
      if (own !== undefined) return { kind: "panic", delivery: ownDelivery(own) };
      while (!signal.aborted) {
        const beganAt = clock.now();
        const answer = await bus.next();
        if (answer.known && answer.value !== null) return { kind: "panic", delivery: answer.value };
        const vigil = answer.known ? await bus.vigil() : answer;
        if (!vigil.known) {
          if (!lost) log.write("warn", `Redis does not answer, panic events cannot be seen: ${vigil.why}`);
          lost = true;
          const raised = await consider({ kind: "lost", beganAt });
          if (raised !== null) return raised;
          await clock.sleep(BUS_RETRY_MS, signal);
          continue;
        }
        if (lost) log.write("info", "Redis answers again");
        lost = false;
        const raised = await consider({ kind: "seen", vigil: vigil.value });
        if (raised !== null) return raised;
        // Not waited for: a slow write must not hold up the next event. It settles within its own deadline.
        void bus.beat("eew", nextBeat("idle"));
      }
      return null;
    },
  };
}

/** An event that nobody but this worker knows of. */
function ownDelivery({ eventId, reason }: OwnIncident): Delivery {
  return {
    entryId: "",
    eventId,
    reason,
    issuedBy: "eew",
    ageMs: 0,
    signature: "not_required",
    followsUp: null,
    completed: false,
  };
}

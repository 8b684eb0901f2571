/** Where the worker's events come from: its own unfinished business, the bus, and its second line when nobody else speaks. */

import type { EewEvent } from "../core/eew.ts";
import { eventOf } from "../core/eew-words.ts";
import type { Delivery } from "../core/messages.ts";
import { known, type Reading } from "../core/reading.ts";
import {
  type SecondLine,
  type SecondLineEvent,
  type SecondLineLimits,
  type SelfTrip,
  startSecondLine,
  stepSecondLine,
} from "../core/second-line.ts";
import type { BusView } from "../core/status-line.ts";
import { alarmIf } from "../core/tell.ts";
import type { EewBus } from "../ports/bus.ts";
import type { Clock } from "../ports/clock.ts";
import type { DirectLine } from "../ports/direct-line.ts";
import type { Journal, Unfinished } from "../ports/journal.ts";
import type { Log } from "../ports/log.ts";
import type { Service } from "../ports/service.ts";
import { haltKeeper } from "./eew-halt.ts";
import { Outage } from "./outage.ts";
import type { Identity } from "./pulse.ts";
import type { Memory } from "./upkeep.ts";

/** What the ears need of the worker's world. */
export interface EarsWorld {
  readonly clock: Clock;
  readonly bus: EewBus;
  readonly journal: Journal;
  /** The way to it without Redis. */
  readonly direct: DirectLine;
  readonly log: Log;
  readonly service: Service;
  readonly identity: Identity;
  readonly secondLine: SecondLineLimits;
  /** The causes of a trip of its own that are only told, not acted on: an operator's choice. */
  readonly alertOnly: ReadonlySet<SelfTrip["cause"]>;
}

/** Hears one event after another. */
export interface Ears {
  /** The next event; null once nobody wants it any more. */
  next(signal: AbortSignal): Promise<EewEvent | null>;
  /**
   * Hears each heartbeat of the brain when it comes, as the watchdog does, until `signal` aborts. By the last one both name the
   * incident in which Redis is lost, and a look comes only once a second.
   */
  hearBrain(signal: AbortSignal): Promise<void>;
}

/** Pause before a bus that does not answer is asked again. */
const BUS_RETRY_MS = 250;

/** The events that this worker has begun, in this life. */
type Passes = ReadonlyMap<string, Passed>;

/** What became of an event that was begun. */
export interface Passed {
  /** It had not come by the bus. */
  readonly own: boolean;
  /** Its report is on the bus. */
  readonly onRecord: boolean;
}

/** An event that somebody has executed. */
const ENDED: Passed = { own: false, onRecord: true };

/**
 * The ears of one worker. What an earlier life raised and did not finish comes first; `memory` is what is known of the account, `looked`
 * is told of each look at Redis.
 *
 * Their useful cycle is each question that was answered, or came back with the known failure that Redis can't be used: the
 * worker then hears by the direct line and counts how long that lasts, which a new process would begin anew. A question that
 * never comes back is none, whatever else this process still does.
 */
export function ears(
  world: EarsWorld,
  memory: Readonly<Pick<Memory, "snapshot" | "flatAt">>,
  passes: Passes,
  looked: (view: BusView) => void,
): Ears {
  const { bus, clock, direct, journal, log, service } = world;
  const keepHalt = haltKeeper(world, (eventId) => passes.get(eventId)?.onRecord === false);
  const unfinished = [...journal.unfinished()];
  /** Heard by the direct line, and known to have ended: by the bus they may come as they were read before that was known. */
  const ended = new Set<string>();
  let line: SecondLine = startSecondLine(clock.now());
  const outage = new Outage();
  let wake = (): void => {};
  const byBus = slot(bus.next, () => wake());
  const byLine = slot(direct.next, () => wake());

  /** What comes first, by the bus or by the direct line. */
  async function hear(): Promise<Reading<Delivery | null>> {
    byBus.ask();
    byLine.ask();
    if (byBus.isEmpty() && byLine.isEmpty()) await new Promise<void>((resolve) => (wake = resolve));
    return byBus.take() ?? known(byLine.take());
  }

  /** By the bus, what this worker has begun already comes again: published besides, or read anew after a lost answer. */
  async function fromBus(delivery: Delivery): Promise<Delivery | null> {
    const begun = passes.get(delivery.eventId) ?? (ended.has(delivery.eventId) ? ENDED : undefined);
    if (begun === undefined) return delivery;
    if (begun.onRecord) {
      // What came before its report may say that there is none; but if there is none now, Redis has lost it, and the halt too.
      const outcome = await bus.outcome(delivery.eventId);
      if (!outcome.known) {
        // Unknown is not completed: it stays pending, and comes again.
        await clock.sleep(BUS_RETRY_MS);
        return null;
      }
      if (outcome.value === null) return { ...delivery, completed: false };
      if (!begun.own) return { ...delivery, completed: true };
    }
    if (begun.own) {
      // Its report is on record, or owed, or in the journal: nobody has to read the event any more.
      void bus.acknowledge(delivery);
      const line = `Event ${delivery.eventId} came by the bus as well: executed already`;
      log.write("info", line, undefined, eventOf(delivery));
      return null;
    }
    // The report that is owed acknowledges it.
    await clock.sleep(BUS_RETRY_MS);
    return null;
  }

  /**
   * By the direct line, what was executed in an earlier life or by another worker may come again: from a caller that has not
   * heard of the end, or from one who has caught it on its way. Where Redis can't be asked the journal alone is.
   */
  async function fromDirect(delivery: Delivery): Promise<Delivery | null> {
    const { eventId } = delivery;
    if (passes.has(eventId)) return null;
    const onRecord = outage.lasts() ? null : await bus.outcome(eventId);
    const outcome = onRecord?.known === true ? onRecord.value : null;
    const ending = journal.executed(eventId) ?? (outcome === null ? null : { outcome, open: [] });
    const words = ending === null ? "" : `, executed before: it ended ${ending.outcome}`;
    log.write("critical", `Heard by the direct line: ${eventId}${words}`, "alarm", eventOf(delivery));
    if (ending === null) return delivery;
    ended.add(eventId);
    direct.ended(eventId, ending);
    return null;
  }

  /**
   * What an earlier life raised and did not finish; null if another worker has, or has left the account flat by a later attempt,
   * for then to begin it again would move the halt back to it, and close what was opened behind a reset. Where Redis can't be
   * asked it is done again: it can only reduce.
   */
  async function fromEarlierLife(own: Unfinished): Promise<Delivery | null> {
    const { eventId } = own;
    const outcome = await bus.ended({ followsUp: null, ...own });
    if (!outcome.known || outcome.value === null) return ownDelivery(own);
    journal.append({ kind: "reconciled", eventId });
    const line = `Event ${eventId}, raised in an earlier life, was executed meanwhile: it ended ${outcome.value}`;
    log.write("info", line, undefined, eventOf(ownDelivery(own)));
    return null;
  }

  /** What the look means for the second line; an event if the worker raises one that the bus can't deliver. */
  async function consider(event: SecondLineEvent): Promise<EewEvent | null> {
    const [next, trip] = stepSecondLine(world.secondLine, line, event, clock.now());
    line = next;
    return trip === null ? null : await raise(trip);
  }

  async function raise({ incidentId, cause, reason }: SelfTrip): Promise<EewEvent | null> {
    // Begun, and not over; or over, and Redis is away. Where Redis is there and does not know of the end, it has lost it.
    const begun = passes.get(incidentId);
    if (begun !== undefined && (cause === "redis_lost" || !begun.onRecord)) return null;
    if (world.alertOnly.has(cause)) {
      log.write("critical", `ALERT ONLY, nothing is closed: ${reason}`, "alarm");
      return null;
    }
    const event = { eventId: incidentId, incidentId };
    log.write("critical", `FAILURE DETECTED: ${reason}`, "alarm", event);
    log.write("critical", "TRIGGERING PANIC CLOSE", "alarm", event);
    // With Redis there it comes back by the bus, to whichever worker is first; without, it is this worker's alone.
    const delivery = ownDelivery({ eventId: incidentId, reason, found: [] });
    if (cause !== "redis_lost" && (await bus.raise(delivery)).known) return null;
    return { kind: "panic", delivery };
  }

  return {
    async hearBrain(signal) {
      while (!signal.aborted) {
        const beganAt = clock.now();
        const heard = await bus.hearBrain();
        if (!heard.known) await clock.sleep(BUS_RETRY_MS, signal);
        else if (heard.value !== null) {
          const event = { kind: "heard", incidentId: heard.value, beganAt } as const;
          [line] = stepSecondLine(world.secondLine, line, event, clock.now());
        }
      }
    },

    async next(signal) {
      for (let own = unfinished.shift(); own !== undefined; own = unfinished.shift()) {
        const delivery = await fromEarlierLife(own);
        if (delivery !== null) return { kind: "panic", delivery };
      }
      while (!signal.aborted) {
        const beganAt = clock.now();
        const answer = await hear();
        service.worked();
        if (answer.known && answer.value !== null) {
          const heard = answer.value;
          const delivery = heard.entryId === "" ? await fromDirect(heard) : await fromBus(heard);
          if (delivery !== null) return { kind: "panic", delivery };
          continue;
        }
        const vigil = answer.known ? await bus.vigil() : answer;
        service.worked();
        if (!vigil.known) {
          // A connection that was closed because nobody listens any more is no outage.
          if (signal.aborted) return null;
          looked({ kind: "lost", why: vigil.why });
          const line = `Redis can't be used, panic events cannot be seen: ${vigil.why}`;
          if (outage.goesOn(vigil)) log.write("warn", line, alarmIf(vigil.needsPerson));
          const raised = await consider({ kind: "lost", beganAt, flatAt: memory.flatAt });
          if (raised !== null) return raised;
          await clock.sleep(BUS_RETRY_MS, signal);
          continue;
        }
        if (outage.ends()) log.write("info", "Redis can be used again");
        const raised = await consider({ kind: "seen", vigil: vigil.value, open: memory.snapshot });
        if (raised !== null) return raised;
        looked({ kind: "seen", halted: vigil.value.halted });
        await keepHalt();
        service.worked();
      }
      return null;
    },
  };
}

/**
 * A question, and its answer until it is taken: what came while something else was heard is not lost, it is the next. Asked
 * once for each answer, be it for days: a race against that promise with every look would keep a little of each.
 */
function slot<T>(question: () => Promise<T>, came: () => void) {
  let answer: T | null = null;
  let isAsked = false;
  return {
    ask: (): void => {
      if (isAsked || answer !== null) return;
      isAsked = true;
      void question().then((value) => {
        [isAsked, answer] = [false, value];
        came();
      });
    },
    isEmpty: (): boolean => answer === null,
    take: (): T | null => {
      const taken = answer;
      answer = null;
      return taken;
    },
  };
}

/** An event that nobody but this worker knows of. */
function ownDelivery({ eventId, reason, issuedBy = "eew", followsUp = null, found }: Unfinished): Delivery {
  return {
    entryId: "",
    eventId,
    reason,
    issuedBy,
    ageMs: 0,
    signature: "not_required",
    followsUp,
    completed: false,
    beforeReset: false,
    foundBefore: found,
  };
}

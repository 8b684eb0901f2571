/** Reports that the bus did not confirm before the next pass began: repeated beside it until they are on record. */

import { eventOf } from "../core/eew-words.ts";
import type { Completion, Delivery, Halt } from "../core/messages.ts";
import type { EewBus } from "../ports/bus.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";

/** A report, as the bus takes it. */
export interface OwedReport {
  readonly delivery: Delivery;
  readonly completion: Completion;
  readonly halt: Halt;
}

/** The reports of one worker that are not on record yet. */
export interface OwedReports {
  /** From now on it is repeated, behind those that are owed already. */
  add(report: OwedReport): void;
  /** Whether any is left. Then a newer one has to wait: the halt on the bus is that of the last report. */
  any(): boolean;
}

interface OwedWorld {
  readonly bus: EewBus;
  readonly clock: Clock;
  readonly log: Log;
}

/** An outage of ten hours with a follow-up every 30 s leaves so many. */
const OWED_MAX = 1_000;

const RETRY_MS = 250;

/** None owed. `settled` is told of each that is on record; those left when `signal` aborts are the journal's to remember. */
export function owedReports(
  { bus, clock, log }: OwedWorld,
  settled: (report: OwedReport) => void,
  signal: AbortSignal,
): OwedReports {
  const owed: OwedReport[] = [];
  let settling = false;

  async function settle(): Promise<void> {
    settling = true;
    for (let first = owed[0]; first !== undefined && !signal.aborted; first = owed[0]) {
      const answer = await bus.report(first.delivery, first.completion, first.halt);
      if (!answer.known) {
        await clock.sleep(RETRY_MS, signal);
        continue;
      }
      if (owed[0] === first) owed.shift();
      const line = `The report of event ${first.completion.eventId} is on record now`;
      log.write("info", line, undefined, eventOf(first.delivery));
      settled(first);
    }
    settling = false;
  }

  return {
    add: (report) => {
      owed.push(report);
      const oldest = owed.length > OWED_MAX ? owed.shift() : undefined;
      if (oldest !== undefined) {
        const { delivery } = oldest;
        const line = `The report of event ${delivery.eventId} is given up: ${OWED_MAX} newer ones wait for Redis`;
        log.write("critical", line, "alarm", eventOf(delivery));
      }
      if (!settling) void settle();
    },
    any: () => owed.length > 0,
  };
}

/** Sees what the roles do, and what is true at that moment: the invariants that hold at every step (simulation.md S1 to S13). */

import type { Completion, Outcome } from "../../../src/core/messages.ts";
import type { EewBus, WatchdogBus } from "../../../src/ports/bus.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { Exchange } from "../../../src/ports/exchange.ts";
import type { Journal } from "../../../src/ports/journal.ts";
import type { Life } from "../../../src/sim/world/host.ts";
import type { Trace } from "../../../src/sim/world/trace.ts";

/** What is true. */
export interface Truth {
  readonly time: Clock;
  readonly trace: Trace;
  /** What is open or rests; empty: flat. */
  left(): readonly string[];
  /** Reports that are on record now. */
  completions(): readonly Completion[];
}

/** A machine, with its links. */
export type Part = "brain" | "wd1" | "wd2" | "eew1" | "eew2" | "redis";

/**
 * Whoever is without trouble for so long has forgotten it: the limits of watchdog and second line (5 and 10 s), the longest
 * look at the bus, and a second.
 */
const FORGOTTEN_MS = 13_000;
/** A crash loop is counted over a minute (design section 3). */
const BRAIN_FORGOTTEN_MS = FORGOTTEN_MS + 60_000;

/** One run's witness. */
export class Witness {
  readonly #truth: Truth;
  /** What does not hold, in words. */
  readonly broken: string[] = [];
  /** Who is to be called when a worker has sent an order, one with each. */
  readonly onOrder: ((worker: "eew1" | "eew2") => void)[] = [];
  readonly #troubles = new Map<Part, number>();
  readonly #troubledUntil = new Map<Part, number>();
  readonly #raised = new Set<string>();
  readonly #sent = new Set<string>();
  readonly #passes = new Map<string, { readonly life: Life; readonly eventId: string }>();
  readonly #seen = new Set<Completion>();
  readonly #reports = new Map<string, number>();
  #losses = 0;

  constructor(truth: Truth) {
    this.#truth = truth;
  }

  /** Something goes wrong with a part from now on; it ends with `recovers`. */
  troubles(part: Part): void {
    this.#troubles.set(part, (this.#troubles.get(part) ?? 0) + 1);
  }

  recovers(part: Part): void {
    this.#troubles.set(part, (this.#troubles.get(part) ?? 1) - 1);
    this.#troubledUntil.set(part, this.#truth.time.now());
  }

  /** Redis is about to lose data. */
  losesData(): void {
    this.look();
    this.#losses += 1;
    this.#troubledUntil.set("redis", this.#truth.time.now());
  }

  hasLostData(): boolean {
    return this.#losses > 0;
  }

  /** A role has thrown. */
  defect(who: Part, error: unknown): void {
    this.#break(
      "S13",
      `${who} has a defect: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  }

  /**
   * S3: a report is on record once for each event id. Redis may forget it, and then the event may be executed anew, which is
   * true then and can only reduce: so once more for each loss of data, and no oftener.
   */
  look(): void {
    for (const completion of this.#truth.completions()) {
      if (this.#seen.has(completion)) continue;
      this.#seen.add(completion);
      const { eventId, outcome } = completion;
      const times = (this.#reports.get(eventId) ?? 0) + 1;
      this.#reports.set(eventId, times);
      this.#truth.trace.tell("redis", `on record: ${eventId} ${outcome}`);
      if (times > 1 + this.#losses) this.#break("S3", `event ${eventId} is reported ${times} times`);
    }
  }

  /** S1: nobody trips over a brain that beats, where Redis and the way to it are well. */
  watchdogBus(who: "wd1" | "wd2", bus: WatchdogBus): WatchdogBus {
    return {
      ...bus,
      publish: (attempt, reason) => {
        if (attempt.number === 1) this.#trips(who, attempt.incidentId, reason);
        return bus.publish(attempt, reason);
      },
    };
  }

  /** S8: what is concluded to be FLAT is flat then. The report may go out later, behind those that are owed. */
  journal(who: "eew1" | "eew2", journal: Journal): Journal {
    return {
      ...journal,
      append: (record) => {
        if (record.kind === "executed") this.#concludes(who, record.halt.eventId, record.outcome);
        return journal.append(record);
      },
    };
  }

  /** What a worker raises and begins; and a report counts nothing as failed only where it says FLAT. */
  eewBus(who: "eew1" | "eew2", life: Life, bus: EewBus): EewBus {
    return {
      ...bus,
      raise: (delivery) => {
        this.#trips(who, delivery.eventId, delivery.reason ?? "");
        return bus.raise(delivery);
      },
      writeHalt: (halt) => {
        if (halt.reason.startsWith("REDIS_LOST")) this.#trips(who, halt.eventId, halt.reason);
        this.#begins(who, life, halt.eventId);
        return bus.writeHalt(halt);
      },
      report: (delivery, completion, halt) => {
        const { outcome, positionsFailed } = completion;
        if ((positionsFailed === 0) !== (outcome === "FLAT"))
          this.#break("S8", `${who} reports ${outcome}, and ${positionsFailed} failed`);
        return bus.report(delivery, completion, halt);
      },
    };
  }

  /** S5: one life sends an order id once; once more where Redis has lost the report, and the event is executed anew. */
  exchange(who: "eew1" | "eew2", life: Life, exchange: Exchange): Exchange {
    return {
      ...exchange,
      cancel: (request) => {
        this.#orders(who);
        return exchange.cancel(request);
      },
      close: (order) => {
        const { symbol, side, clientOrderId } = order;
        this.#truth.trace.tell(who, `sends ${side} ${symbol} ${clientOrderId}`);
        const key = `${who} life ${life.number}, ${this.#losses} losses: ${clientOrderId}`;
        if (this.#sent.has(key)) this.#break("S5", `sent twice: ${key}`);
        this.#sent.add(key);
        this.#orders(who);
        return exchange.close(order);
      },
    };
  }

  #orders(who: "eew1" | "eew2"): void {
    this.onOrder.shift()?.(who);
  }

  /** Whether a worker that lives is in a pass. */
  anyPass(): boolean {
    return [...this.#passes.values()].some(({ life }) => !life.ended());
  }

  #begins(who: string, life: Life, eventId: string): void {
    for (const [other, pass] of this.#passes) {
      if (pass.eventId !== eventId || (other === who && !pass.life.ended())) continue;
      const words = pass.life.ended() ? "takes over a pass that was left by" : "is in a pass beside";
      this.#truth.trace.tell(who, `${words} ${other === who ? "its former life" : other}: ${eventId}`);
    }
    this.#passes.set(who, { life, eventId });
  }

  #concludes(who: string, eventId: string, outcome: Outcome): void {
    if (this.#passes.get(who)?.eventId === eventId) this.#passes.delete(who);
    this.#truth.trace.tell(who, `concludes ${eventId} ${outcome}`);
    const left = this.#truth.left();
    if (outcome === "FLAT" && left.length > 0) this.#break("S8", `${who} says FLAT, and open is ${left.join(", ")}`);
  }

  #trips(who: Part, incidentId: string, reason: string): void {
    if (this.#raised.has(incidentId) || reason.startsWith("HALT_VIOLATED")) return;
    this.#raised.add(incidentId);
    const parts: readonly Part[] = reason.startsWith("REDIS_LOST") ? ["redis", who] : ["redis", who, "brain"];
    if (parts.some((part) => this.#isExcused(part))) return;
    this.#break("S1", `${who} trips with ${reason}, and ${parts.join(", ")} were well`);
  }

  #isExcused(part: Part): boolean {
    if ((this.#troubles.get(part) ?? 0) > 0) return true;
    const until = this.#troubledUntil.get(part);
    const forgottenMs = part === "brain" ? BRAIN_FORGOTTEN_MS : FORGOTTEN_MS;
    return until !== undefined && this.#truth.time.now() - until < forgottenMs;
  }

  #break(rule: string, what: string): void {
    this.#truth.trace.tell("BROKEN", `${rule}: ${what}`);
    this.broken.push(`${rule}: ${what}`);
  }
}

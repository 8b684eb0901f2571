/**
 * What becomes of an event: raised under one id and no oftener than needed (S3, S10), executed once (S3), reported (S11), the
 * halt before its orders (S14) and for as long as nobody resets (S15), and what the direct line says of it is true (S8).
 */

import { watchdogEvent } from "../../../src/adapters/redis/event-id.ts";
import { isBehind, type PastHalt } from "../../../src/core/halt-memory.ts";
import type { Outcome } from "../../../src/core/messages.ts";
import type { Instant, UnixMillis } from "../../../src/core/time.ts";
import type { EewBus, WatchdogBus } from "../../../src/ports/bus.ts";
import type { DirectCall } from "../../../src/ports/direct-line.ts";
import type { Exchange } from "../../../src/ports/exchange.ts";
import type { JournalRecord } from "../../../src/ports/journal.ts";
import type { Life } from "../../../src/sim/world/host.ts";
import type { Troubles } from "./troubles.ts";
import type { Break, Truth } from "./witness.ts";

const WORKERS = ["eew1", "eew2"] as const;
/** A halt that is missing for so long, with a worker well that remembers it, is not put back. */
const PUT_BACK_MS = 5_000;
/** What it was told right before. Later Redis may be taken to be away, and then the direct line's events are executed. */
const TOLD_MS = 5;
/** A report that Redis has confirmed no sooner may be of an account in which others trade again. */
const LATE_MS = 2_000;
/** One that finds the attempt on record already asks for it once more. */
const PUBLISHED_MAX = 2;

/** One process of a worker. */
interface Process {
  /** Whether the halt of its pass has been answered, or given up. */
  halted: boolean;
  /** When it was told last that an event is completed, by event id; null: that it is not. */
  readonly completed: Map<string, Instant | null>;
  /** What it has executed, and Redis has not confirmed yet, and since when. */
  readonly unreported: Map<string, Instant>;
}

/** The events of one run. */
export class EventWatch {
  readonly #truth: Truth;
  readonly #troubles: Troubles;
  readonly #break: Break;
  /** By attempt. */
  readonly #ids = new Map<string, string>();
  /** What some worker has executed, or somebody has put on record, and how it ended. */
  readonly #outcomes = new Map<string, Set<Outcome>>();
  /** What some worker has begun to execute. */
  readonly #begun = new Set<string>();
  readonly #processes = new Map<Life, Process>();
  readonly #lives = new Map<string, Life>();
  /** The halt that is in each worker's journal, and that nobody has reset. */
  readonly #remembered = new Map<string, Pick<PastHalt, "halt" | "followsUp">>();
  #losses = 0;
  #haltedLate = false;
  #unhaltedSince: Instant | null = null;

  constructor(truth: Truth, troubles: Troubles, fails: Break) {
    this.#truth = truth;
    this.#troubles = troubles;
    this.#break = fails;
  }

  losesData(): void {
    this.#losses += 1;
  }

  look(): void {
    for (const { eventId, outcome } of this.#truth.completions()) this.#ended(eventId, outcome);
  }

  /** S15: a halt that somebody well remembers is there. */
  lookForHalt(isHalted: boolean): void {
    const now = this.#truth.time.now();
    const isMissed = WORKERS.some((who) => this.remembersHalt(who) && !this.#troubles.excuse(who));
    if (isHalted || !isMissed || this.#troubles.excuse("redis")) this.#unhaltedSince = null;
    else this.#unhaltedSince ??= now;
    if (this.#unhaltedSince === null || now - this.#unhaltedSince <= PUT_BACK_MS) return;
    this.#break("S15", "trading is not halted, and a worker that is well has in its journal that it is");
    this.#unhaltedSince = null;
  }

  /** A worker has written something into its journal. */
  wrote(who: "eew1" | "eew2", record: JournalRecord): void {
    const last = this.#remembered.get(who);
    // It says so of the halt that it remembers, and of no other.
    if (record.kind === "reset") this.#remembered.delete(who);
    if (record.kind === "executed") this.#ended(record.halt.eventId, record.outcome);
    const life = this.#lives.get(who);
    if (life === undefined || life.ended()) {
      // One that died over it may have written it or not: what it remembers is not known.
      this.#remembered.delete(who);
      return;
    }
    if (record.kind === "executed") this.#of(life).unreported.set(record.halt.eventId, life.now());
    if (record.kind !== "executed" && record.kind !== "witnessed") return;
    if (last === undefined || !isBehind(record, last)) this.#remembered.set(who, record);
  }

  /** Whether a worker has it in its journal that trading is halted. */
  remembersHalt(who: "eew1" | "eew2"): boolean {
    return this.#remembered.has(who);
  }

  /** S11: of the events that are on record the first that nobody has ever executed, or that a worker owes the report of; in words. */
  unfinished(): string | null {
    this.look();
    const left = this.#truth.panics().find(({ eventId }) => !this.#outcomes.has(eventId));
    if (left !== undefined) return `event ${left.eventId} is not executed`;
    for (const [life, { unreported }] of this.#processes) {
      const [first] = unreported.keys();
      if (first !== undefined && !life.ended()) return `event ${first} is executed, and not reported`;
    }
    return null;
  }

  /** Whether a worker has begun an event that nobody has ended, and that Redis does not have any more: nobody can know of it. */
  hasLostAPass(): boolean {
    this.look();
    const onRecord = new Set(this.#truth.panics().map(({ eventId }) => eventId));
    return [...this.#begun].some((eventId) => !this.#outcomes.has(eventId) && !onRecord.has(eventId));
  }

  /** Whether a report has halted trading again, long after its pass had looked last: what was opened since is not its own. */
  haltedLate(): boolean {
    return this.#haltedLate;
  }

  /** S3: whoever raises an attempt, and how often, it is one event. S10: what is confirmed is not published on and on. */
  overWatchdog(bus: WatchdogBus): WatchdogBus {
    const confirmed = new Map<string, number>();
    return {
      ...bus,
      publish: async (attempt, reason) => {
        const answer = await bus.publish(attempt, reason);
        if (!answer.known) return answer;
        const name = `${attempt.incidentId}/${attempt.number}`;
        const id = this.#ids.get(name) ?? answer.value;
        this.#ids.set(name, id);
        if (id !== answer.value) this.#break("S3", `attempt ${name} is event ${id}, and ${answer.value} too`);
        const times = (confirmed.get(name) ?? 0) + 1;
        confirmed.set(name, times);
        if (times > PUBLISHED_MAX + this.#losses) this.#break("S10", `attempt ${name} is confirmed ${times} times`);
        return answer;
      },
    };
  }

  /** S8: what a watchdog hears to be FLAT some worker has found to be. */
  overDirectCall(direct: DirectCall): DirectCall {
    return {
      call: async (attempt, reason) => {
        const answer = await direct.call(attempt, reason);
        const { eventId } = watchdogEvent(attempt, reason, 0 as UnixMillis);
        if (answer.known && answer.value?.outcome === "FLAT" && this.#outcomes.get(eventId)?.has("FLAT") !== true)
          this.#break("S8", `the direct line says FLAT of ${eventId}, and no worker has found that`);
        return answer;
      },
    };
  }

  /** S3: what a worker was told is completed it does not execute again. */
  overWorker(who: "eew1" | "eew2", life: Life, bus: EewBus): EewBus {
    const process = this.#of(life);
    this.#lives.set(who, life);
    const isCompleted = (eventId: string, told: boolean): void => {
      process.completed.set(eventId, told ? life.now() : null);
    };
    return {
      ...bus,
      next: async () => {
        const answer = await bus.next();
        if (answer.known && answer.value !== null) isCompleted(answer.value.eventId, answer.value.completed);
        return answer;
      },
      outcome: async (eventId) => {
        const answer = await bus.outcome(eventId);
        if (answer.known) isCompleted(eventId, answer.value !== null);
        return answer;
      },
      ended: async (event) => {
        const answer = await bus.ended(event);
        if (answer.known) isCompleted(event.eventId, answer.value !== null);
        return answer;
      },
      writeHalt: async (halt) => {
        const toldAt = process.completed.get(halt.eventId) ?? null;
        if (toldAt !== null && life.now() - toldAt <= TOLD_MS)
          this.#break("S3", `${who} executes ${halt.eventId}, and was told that it is completed`);
        process.halted = false;
        this.#begun.add(halt.eventId);
        const answer = await bus.writeHalt(halt);
        process.halted = true;
        return answer;
      },
      report: async (delivery, completion, halt) => {
        const answer = await bus.report(delivery, completion, halt);
        if (!answer.known) return answer;
        const since = process.unreported.get(completion.eventId) ?? life.now();
        if (life.now() - since > LATE_MS) this.#haltedLate = true;
        process.unreported.delete(completion.eventId);
        return answer;
      },
    };
  }

  /** S14: the halt comes first; a bot that may still trade opens again what is being closed. */
  overAccount(who: "eew1" | "eew2", life: Life, exchange: Exchange): Exchange {
    const process = this.#of(life);
    const isFirst = (what: string): void => {
      if (!process.halted) this.#break("S14", `${who} ${what} before the halt was answered`);
    };
    return {
      ...exchange,
      cancel: (request) => {
        isFirst(`cancels ${request.symbol}`);
        return exchange.cancel(request);
      },
      close: (order) => {
        isFirst(`closes ${order.symbol}`);
        return exchange.close(order);
      },
    };
  }

  #ended(eventId: string, outcome: Outcome): void {
    const outcomes = this.#outcomes.get(eventId) ?? new Set();
    this.#outcomes.set(eventId, outcomes.add(outcome));
  }

  #of(life: Life): Process {
    const process = this.#processes.get(life) ?? { halted: false, completed: new Map(), unreported: new Map() };
    this.#processes.set(life, process);
    return process;
  }
}

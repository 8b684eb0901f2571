/** Sees what the roles do, and what is true at that moment: the invariants that hold at every step (simulation.md S1 to S13). */

import type { ExitFile } from "../../../src/adapters/exits/file.ts";
import { EEW_LIMITS } from "../../../src/core/eew.ts";
import type { ExitRecord } from "../../../src/core/exit-leg.ts";
import type { Completion, Heartbeat, Outcome, PanicEvent } from "../../../src/core/messages.ts";
import { after, type Instant } from "../../../src/core/time.ts";
import type { BrainBus, EewBus, WatchdogBus } from "../../../src/ports/bus.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { DirectCall } from "../../../src/ports/direct-line.ts";
import type { Exchange } from "../../../src/ports/exchange.ts";
import type { ExitVenue } from "../../../src/ports/exit-venue.ts";
import type { Journal } from "../../../src/ports/journal.ts";
import type { Life } from "../../../src/sim/world/host.ts";
import type { Trace } from "../../../src/sim/world/trace.ts";
import type { Observer, RoleName } from "../../../src/sim/world.ts";
import { EventWatch } from "./event-watch.ts";
import type { ExitWatch } from "./exit-watch.ts";
import { FenceWatch } from "./fence-watch.ts";
import { Incidents } from "./incidents.ts";
import { OrderWatch } from "./order-watch.ts";
import { Troubles } from "./troubles.ts";

/** What is true. */
export interface Truth {
  readonly time: Clock;
  readonly trace: Trace;
  /** What is open or rests; empty: flat. */
  left(stopsUntil?: Instant): readonly string[];
  /** Reports that are on record now. */
  completions(): readonly Completion[];
  /** Events that are on record now. */
  panics(): readonly PanicEvent[];
  /** When the account's last order was executed; null: none was. */
  lastFillAt(): Instant | null;
  /** When the bot last opened or grew a leg. */
  lastEntryAt(): Instant;
  /** When a person has cleared the halt last. */
  readonly resetAt: Instant;
}

/** Says what does not hold. */
export type Break = (rule: string, what: string) => void;

/** Design section 2: an event is not executed once it is so old. */
const EVENT_OLD_MS = 86_400_000;

/** Two lists, and the pause between them. */
const LOOK_MS = 6_000;
/** The longest lag that is simulated. */
const LAG_MAX_MS = 15_000;
const PASS_MS = EEW_LIMITS.passMs;
/** An order and a look, and less than the gap between two lists. */
const FILLED_MS = EEW_LIMITS.witnessGapMs;

/** One run's witness. */
export class Witness implements Observer {
  readonly #truth: Truth;
  /** What does not hold, in words. */
  readonly broken: string[] = [];
  /** Who is to be called when a worker has sent an order, one with each. */
  readonly onOrder: ((worker: "eew1" | "eew2") => void)[] = [];
  /** Who is to be called when a pass begins and no other is under way, one with each. */
  readonly onBegin: (() => void)[] = [];
  /** Who is to be called when the brain has sent an order, one with each. */
  readonly onExit: (() => void)[] = [];
  /** The same for a panic that it raises. */
  readonly onRaise: (() => void)[] = [];
  /** What watches a brain with a policy; null: it has none. */
  exits: ExitWatch | null = null;
  readonly troubles: Troubles;
  readonly incidents: Incidents;
  readonly events: EventWatch;
  readonly #orders: OrderWatch;
  readonly #fence: FenceWatch;
  readonly #passes = new Map<string, { readonly life: Life; readonly eventId: string }>();
  readonly #seen = new Set<Completion>();
  readonly #reports = new Map<string, number>();
  /** Worker and event id. */
  readonly #concluded = new Set<string>();
  #losses = 0;
  #lagUntil = 0 as Instant;
  #farLagUntil = 0 as Instant;
  /** When each worker has listed the resting orders last. */
  readonly #ordersLookedAt = new Map<string, Instant>();
  /** When each worker has sent its last order. */
  readonly #sentAt = new Map<string, Instant>();

  constructor(truth: Truth) {
    const fails: Break = (rule, what) => this.fails(rule, what);
    this.#truth = truth;
    this.troubles = new Troubles(truth.time);
    this.incidents = new Incidents(truth, this.troubles, fails);
    this.events = new EventWatch(truth, this.troubles, fails);
    this.#orders = new OrderWatch(fails);
    this.#fence = new FenceWatch(fails);
  }

  /** Redis is about to lose data. */
  losesData(): void {
    this.look();
    this.#losses += 1;
    this.events.losesData();
    this.exits?.losesData();
    this.troubles.begin("redis");
    this.troubles.end("redis");
  }

  hasLostData(): boolean {
    return this.#losses > 0;
  }

  /** S13: a role that throws. */
  defect(who: RoleName, error: unknown): void {
    const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.fails("S13", `${who} has a defect: ${words}`);
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
      if (times > 1 + this.#losses) this.fails("S3", `event ${eventId} is reported ${times} times`);
    }
    this.incidents.look();
    this.events.look();
    this.exits?.look();
  }

  brainLoads(records: readonly ExitRecord[]): void {
    this.exits?.loads(records);
  }

  exitFile(life: Life, file: ExitFile): ExitFile {
    return this.exits?.overFile(life, file) ?? file;
  }

  /** X1 to X7: what a brain with a policy sends. */
  brainExchange(life: Life, exchange: Exchange): Exchange {
    return this.exits?.overExchange(life, exchange) ?? exchange;
  }

  exitVenue(life: Life, exits: ExitVenue): ExitVenue {
    return this.exits?.overExits(life, exits) ?? exits;
  }

  /** S6: a brain that is not heard does not say that it may act. */
  brainBus(who: "brain" | "brain2", life: Life, bus: BrainBus): BrainBus {
    return {
      ...(this.exits?.overBus(life, bus) ?? bus),
      beat: async (role, heartbeat: Heartbeat) => {
        const [sentAt, trueSentAt] = [life.now(), this.#truth.time.now()];
        this.#fence.beats(life, heartbeat, sentAt);
        const answer = await bus.beat(role, heartbeat);
        if (answer.known) {
          this.#fence.confirmed(life, sentAt);
          if (who === "brain") this.incidents.brainHeard(trueSentAt);
        }
        return answer;
      },
    };
  }

  /** S1 and S2: who trips has a reason. */
  watchdogBus(who: "wd1" | "wd2", bus: WatchdogBus): WatchdogBus {
    const watched = this.events.overWatchdog(bus);
    return {
      ...watched,
      publish: (attempt, reason) => {
        if (attempt.number === 1) this.incidents.trips(who, attempt.incidentId, reason);
        return watched.publish(attempt, reason);
      },
    };
  }

  /** S8: what is heard without Redis is true too. */
  directCall(direct: DirectCall): DirectCall {
    return this.events.overDirectCall(direct);
  }

  /** S8: what is concluded to be FLAT is flat then. The report may go out later, behind those that are owed. */
  journal(who: "eew1" | "eew2", journal: Journal): Journal {
    return {
      ...journal,
      append: (record) => {
        if (record.kind === "executed") this.#concludes(who, record.halt.eventId, record.outcome);
        const isWritten = journal.append(record);
        this.events.wrote(who, record);
        return isWritten;
      },
    };
  }

  /** What a worker raises and begins; and a report counts nothing as failed only where it says FLAT. */
  eewBus(who: "eew1" | "eew2", life: Life, bus: EewBus): EewBus {
    const watched = this.events.overWorker(who, life, bus);
    return {
      ...watched,
      raise: (delivery) => {
        this.incidents.trips(who, delivery.eventId, delivery.reason ?? "");
        return bus.raise(delivery);
      },
      writeHalt: (halt) => {
        if (halt.reason.startsWith("REDIS_LOST")) this.incidents.trips(who, halt.eventId, halt.reason);
        this.#begins(who, life, halt.eventId);
        return watched.writeHalt(halt);
      },
      report: (delivery, completion, halt) => {
        const { outcome, positionsFailed } = completion;
        if ((positionsFailed === 0) !== (outcome === "FLAT"))
          this.fails("S8", `${who} reports ${outcome}, and ${positionsFailed} failed`);
        return watched.report(delivery, completion, halt);
      },
      acknowledge: (delivery) => {
        this.look();
        // S11: an event leaves the list of the unfinished when it is on record, when this worker has executed it and owes the
        // report, or when it must not be executed.
        const { completed, eventId, beforeReset, ageMs } = delivery;
        const isDone = completed || this.#reports.has(eventId) || this.#concluded.has(`${who} ${eventId}`);
        if (!isDone && !beforeReset && ageMs <= EVENT_OLD_MS)
          this.fails("S11", `${who} drops ${eventId}, which nobody has executed`);
        return bus.acknowledge(delivery);
      },
    };
  }

  /** S4, S5, S9 and S14: what is sent to the venue. */
  exchange(who: "eew1" | "eew2", life: Life, exchange: Exchange): Exchange {
    const inPass = this.events.overAccount(who, life, exchange);
    const watched = this.#orders.over(who, life, inPass, () => this.#losses);
    return {
      ...watched,
      cancel: (request) => {
        this.#sends(who);
        return watched.cancel(request);
      },
      close: (order) => {
        const { symbol, side, clientOrderId } = order;
        this.#truth.trace.tell(who, `sends ${side} ${symbol} ${clientOrderId}`);
        this.#sends(who);
        return watched.close(order);
      },
    };
  }

  /** S10: what the venue is asked for. */
  atVenue(who: "eew1" | "eew2", life: Life, exchange: Exchange): Exchange {
    const begunAt = (): Instant => Math.max(this.#truth.resetAt, this.incidents.lastBeganAt) as Instant;
    const watched = this.#orders.atVenue(who, life, exchange, begunAt);
    return {
      ...watched,
      restingOrders: () => {
        this.#ordersLookedAt.set(who, this.#truth.time.now());
        return watched.restingOrders();
      },
    };
  }

  #sends(who: "eew1" | "eew2"): void {
    this.#sentAt.set(who, this.#truth.time.now());
    this.onOrder.shift()?.(who);
  }

  /** Whether a worker that lives is in a pass. */
  anyPass(): boolean {
    return [...this.#passes.values()].some(({ life }) => !life.ended());
  }

  #begins(who: "eew1" | "eew2", life: Life, eventId: string): void {
    for (const [other, pass] of this.#passes) {
      if (pass.eventId !== eventId || (other === who && !pass.life.ended())) continue;
      const words = pass.life.ended() ? "takes over a pass that was left by" : "is in a pass beside";
      this.#truth.trace.tell(who, `${words} ${other === who ? "its former life" : other}: ${eventId}`);
    }
    if (!this.anyPass()) this.onBegin.shift()?.();
    this.#passes.set(who, { life, eventId });
    this.#orders.newPass(life);
  }

  #concludes(who: string, eventId: string, outcome: Outcome): void {
    const pass = this.#passes.get(who);
    if (pass !== undefined) this.#orders.newPass(pass.life);
    if (pass?.eventId === eventId) this.#passes.delete(who);
    this.#concluded.add(`${who} ${eventId}`);
    this.#truth.trace.tell(who, `concludes ${eventId} ${outcome}`);
    const left = this.#truth.left(this.#stopsUntil(who));
    if (outcome === "FLAT" && left.length > 0 && !this.#isHidden(who))
      this.fails("S8", `${who} says FLAT, and open is ${left.join(", ")}`);
  }

  /** Lists lag until then; `far`: by more than two witnesses are apart. */
  listsLag(until: Instant, far: boolean): void {
    this.#lagUntil = Math.max(until, this.#lagUntil) as Instant;
    if (far) this.#farLagUntil = Math.max(until, this.#farLagUntil) as Instant;
  }

  /**
   * Which stops of the brain's a worker can have seen. One that was on its way when trading was halted may come in behind the
   * worker's last look; it can only close, and what it rests on is empty.
   */
  #stopsUntil(who: string): Instant {
    const lookedAt = this.#ordersLookedAt.get(who) ?? (0 as Instant);
    return this.#truth.time.now() < this.#lagUntil + LOOK_MS ? after(lookedAt, -LAG_MAX_MS) : lookedAt;
  }

  /**
   * Where all lists lag by more than the two witnesses are apart, what has just been opened can't be seen; nor can it by lists that
   * lag at all where fills that add up stand in for the second (design rule 2). The halt is watched after that, so it is closed as
   * a violation of it.
   */
  #isHidden(who: string): boolean {
    const now = this.#truth.time.now();
    const openMs = now - this.#truth.lastEntryAt();
    if (now < this.#farLagUntil + LOOK_MS && openMs < LAG_MAX_MS + PASS_MS) return true;
    const isByFills = now - (this.#sentAt.get(who) ?? Number.NEGATIVE_INFINITY) < FILLED_MS;
    return isByFills && now < this.#lagUntil + LOOK_MS && openMs < PASS_MS;
  }

  /** Says that a rule does not hold. */
  fails(rule: string, what: string): void {
    this.#truth.trace.tell("BROKEN", `${rule}: ${what}`);
    this.broken.push(`${rule}: ${what}`);
  }
}

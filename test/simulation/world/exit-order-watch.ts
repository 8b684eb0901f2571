/**
 * What the brain sends: nothing that opens or grows (X1), no more than was open (X2), a ladder's step once (X3), one order at a
 * time on a leg (X4), and nothing at all where it may not act (X5).
 */

import { BRAIN_LIMITS } from "../../../src/core/brain.ts";
import { type Decimal, decimal, ZERO } from "../../../src/core/decimal.ts";
import { stepTag } from "../../../src/core/exit-order.ts";
import { policyFor, targetName } from "../../../src/core/exit-policy.ts";
import { type CloseOrder, type CloseOutcome, legName, type Position } from "../../../src/core/position.ts";
import type { Instant } from "../../../src/core/time.ts";
import type { Exchange } from "../../../src/ports/exchange.ts";
import type { ExitVenue } from "../../../src/ports/exit-venue.ts";
import type { Fill } from "../../../src/sim/orders.ts";
import type { ExitsSetup } from "../../../src/sim/world/brain-policy.ts";
import type { Life } from "../../../src/sim/world/host.ts";
import type { World } from "../../../src/sim/world.ts";
import { GONE_MS, type LegLife, LegLives } from "./exit-legs.ts";
import type { ExitRecordWatch } from "./exit-record-watch.ts";
import type { Break, Witness } from "./witness.ts";

/** An order that the venue does not know is proven never to have arrived after its window of 5 s (binance.md 2.5). */
const ABSENT_MS = 5_000;
/** What a halt or a missing permission is known by: read anew every cycle, and worth nothing after `fenceMs` (design section 5). */
const KNOWN_MS = BRAIN_LIMITS.fenceMs * 1.01 + 250;
/** Lists that lag by up to 15 s, and what follows from them. */
const LAG_FORGOTTEN_MS = 20_000;
const LOT = decimal("0.001");

interface List {
  /** False: it may be one of a recall, which reads a leg's fills right behind the one and right before the other. */
  readonly isLook: boolean;
  readonly answeredAt: Instant;
  readonly askedAt: Instant;
  readonly positions: readonly Position[];
}

interface Undecided {
  readonly order: CloseOrder;
  readonly sentAt: Instant;
}

/** The orders of a brain with a policy. */
export class ExitOrderWatch {
  readonly #world: World<Witness>;
  readonly #setup: ExitsSetup;
  readonly #records: ExitRecordWatch;
  readonly #break: Break;
  readonly legs: LegLives;
  /**
   * The last two lists of each process that are looks for certain, and what came since the first of them: the newest may be there and
   * not be looked at yet, for want of the halt or of equity.
   */
  readonly #lists = new Map<Life, readonly List[]>();
  readonly #fillsReadAt = new Map<Life, Instant>();
  /** By order id, when the earlier of the lists was asked for that it was decided on: it may be of a leg that was there before. */
  readonly #decidedOn = new Map<string, Instant>();
  /** Sent, and the brain does not know what became of it; by leg. */
  readonly #undecided = new Map<string, Undecided>();
  /** For which leg an id was sent, and when last. */
  readonly #ids = new Map<string, { readonly leg: string; readonly sentAt: Instant }>();
  #forbiddenSince: Instant | null = null;
  #lagUntil = Number.NEGATIVE_INFINITY;

  constructor(world: World<Witness>, setup: ExitsSetup, records: ExitRecordWatch, fails: Break) {
    this.#world = world;
    this.#setup = setup;
    this.#records = records;
    this.#break = fails;
    this.legs = new LegLives(world, {
      executes: (fill, life) => this.#executes(fill, life),
      opens: (symbol, flatMs) => {
        if (flatMs >= GONE_MS) this.#undecided.delete(symbol);
      },
    });
    world.venue.watch((change) => {
      if (change.kind !== "algo" || change.algo.status !== "NEW" || !change.algo.clientAlgoId.startsWith("qb-")) return;
      if (!change.algo.closePosition) fails("X1", `${change.algo.clientAlgoId} does not say that it only closes`);
    });
  }

  /** Since when the brain may not act for want of a permission; null: it may. */
  get forbiddenSince(): Instant | null {
    return this.#forbiddenSince;
  }

  look(): void {
    const { bus, time, venueWeather } = this.#world;
    const now = time.now();
    const isForbidden = !this.#setup.autoLive && !bus.allowsLive();
    this.#forbiddenSince = isForbidden ? (this.#forbiddenSince ?? now) : null;
    if (venueWeather.staleMs > 0) this.#lagUntil = now + LAG_FORGOTTEN_MS;
  }

  /** The records of that leg are gone, whichever there were. */
  forgets(leg: string): void {
    const life = this.legs.of(leg);
    const wasUndecided = this.#undecided.delete(leg);
    for (const [id, sent] of this.#ids) if (sent.leg === leg) this.#ids.delete(id);
    if (life !== null && wasUndecided) life.isForgotten = true;
  }

  over(life: Life, exchange: Exchange, listed: (positions: readonly Position[]) => void): Exchange {
    return {
      ...exchange,
      positions: async () => {
        const askedAt = this.#world.time.now();
        const answer = await exchange.positions();
        if (!answer.known) return answer;
        // What it reads behind a leg's fills is no look: the fills are compared with it, and nothing is decided on it. Behind a
        // standstill a look may begin at that very instant, too.
        const isLook = this.#fillsReadAt.get(life) !== askedAt;
        const answeredAt = this.#world.time.now();
        this.#lists.set(
          life,
          // One more than counts: that the newest is of a recall shows with its next question.
          sinceLooks(3, [...(this.#lists.get(life) ?? []), { isLook, answeredAt, askedAt, positions: answer.value }]),
        );
        if (isLook) listed(answer.value);
        return answer;
      },
      cancel: (request) => {
        if (life.ended()) return exchange.cancel(request);
        this.#mayAct(`cancels on ${request.symbol}`);
        return exchange.cancel(request);
      },
      close: async (order) => {
        // One that died over what it wrote down comes to the next line, and no further.
        if (life.ended()) return await exchange.close(order);
        const { clientOrderId, symbol, side, quantity } = order;
        this.#world.trace.tell("brain", `sends ${side} ${quantity.toFixed()} ${symbol} ${clientOrderId}`);
        this.#mayAct(`sends ${clientOrderId}`);
        this.#isCovered(life, order);
        this.#isAlone(order);
        this.#records.sends(order);
        this.#world.witness.onExit.shift()?.();
        const outcome = await exchange.close(order);
        this.#hears(order, outcome);
        return outcome;
      },
      lookUp: async (order) => {
        const outcome = await exchange.lookUp(order);
        this.#hears(order, outcome);
        return outcome;
      },
    };
  }

  overExits(life: Life, exits: ExitVenue): ExitVenue {
    return {
      ...exits,
      fillsSince: async (symbol, since) => {
        const lists = this.#lists.get(life) ?? [];
        const now = this.#world.time.now();
        this.#lists.set(
          life,
          lists.map((list) => (list.answeredAt === now ? { ...list, isLook: false } : list)),
        );
        const answer = await exits.fillsSince(symbol, since);
        this.#fillsReadAt.set(life, this.#world.time.now());
        return answer;
      },
      protect: (stop) => {
        if (life.ended()) return exits.protect(stop);
        this.#world.trace.tell(
          "brain",
          `places ${stop.clientOrderId} on ${stop.symbol} at ${stop.triggerPrice.toFixed()}`,
        );
        this.#mayAct(`places ${stop.clientOrderId}`);
        return exits.protect(stop);
      },
    };
  }

  /** X5. */
  #mayAct(what: string): void {
    this.look();
    const now = this.#world.time.now();
    if (this.#setup.shadow) this.#break("X5", `the brain ${what} in shadow`);
    const since = (from: Instant | null): string | null =>
      from !== null && now - from > KNOWN_MS ? `${Math.round(now - from)} ms` : null;
    const [haltedMs, forbiddenMs] = [since(this.#world.bus.haltedSince()), since(this.#forbiddenSince)];
    if (haltedMs !== null) this.#break("X5", `the brain ${what}, and trading is halted since ${haltedMs}`);
    if (forbiddenMs !== null) this.#break("X5", `the brain ${what}, and nobody allows it to since ${forbiddenMs}`);
  }

  /** X2: what it has listed last shows so much, on that side. */
  #isCovered(life: Life, { clientOrderId, quantity, side, ...leg }: CloseOrder): void {
    const lists = sinceLooks(2, this.#lists.get(life) ?? []);
    const shown = lists.map(
      ({ positions }) => positions.find((position) => legName(position) === legName(leg))?.amount ?? ZERO,
    );
    const [first] = lists;
    if (first !== undefined) this.#decidedOn.set(clientOrderId, first.askedAt);
    if (shown.some((amount) => amount.gt(ZERO) === (side === "SELL") && quantity.lte(amount.abs()))) return;
    const words = shown.map((amount) => amount.toFixed()).join(", then ");
    this.#break(
      "X2",
      `${clientOrderId} is to ${side} ${quantity.toFixed()}, and listed last was ${words || "nothing"}`,
    );
  }

  /** X4, and an id is one order. */
  #isAlone(order: CloseOrder): void {
    const { clientOrderId, symbol } = order;
    const before = this.#undecided.get(legName(order));
    const now = this.#world.time.now();
    const isForgotten = this.legs.of(symbol)?.isForgotten === true;
    this.#undecided.set(legName(order), { order, sentAt: now });
    if (isForgotten || now < this.#lagUntil) return;
    // One that never arrived, and won't any more, names no order.
    const names =
      now - (this.#ids.get(clientOrderId)?.sentAt ?? Number.NEGATIVE_INFINITY) < ABSENT_MS ||
      this.#world.venue.order(this.#world.apiKey, symbol, { clientOrderId }) !== null;
    if (names && this.#ids.has(clientOrderId)) this.#break("X4", `order ${clientOrderId} is sent again`);
    this.#ids.set(clientOrderId, { leg: legName(order), sentAt: now });
    if (before === undefined) return;
    const words = `what became of ${before.order.clientOrderId} is not known`;
    this.#break("X4", `${clientOrderId} is sent, and ${words}`);
  }

  #hears(order: CloseOrder, outcome: CloseOutcome): void {
    const undecided = this.#undecided.get(legName(order));
    if (undecided?.order.clientOrderId !== order.clientOrderId) return;
    const isProof =
      outcome.kind === "unknown"
        ? outcome.absent === true && this.#world.time.now() - undecided.sentAt >= ABSENT_MS
        : true;
    if (isProof) this.#undecided.delete(legName(order));
  }

  /** X1 and X3, where the venue executes it. */
  #executes(fill: Fill, life: LegLife | null): void {
    const order = this.#world.venue.order(this.#world.apiKey, fill.symbol, { orderId: fill.orderId });
    if (order === null || !order.clientOrderId.startsWith("qx-")) return;
    if (!order.reduceOnly) this.#break("X1", `${order.clientOrderId} is not reduce-only`);
    const tag = order.clientOrderId.split("-")[2] ?? "";
    if (life === null || tag === stepTag(null)) return;
    if ((this.#decidedOn.get(order.clientOrderId) ?? life.openedAt) < life.openedAt) return;
    const taken = (life.taken.get(tag) ?? ZERO).plus(fill.quantity);
    life.taken.set(tag, taken);
    const share = this.#shareOf(life, tag);
    const isExcused = life.isForgotten || this.#world.time.now() < this.#lagUntil;
    if (taken.lte(share.plus(LOT)) || isExcused) return;
    const words = `${taken.toFixed()} of ${life.max.toFixed()} ${life.symbol}, ${share.toFixed()} at most`;
    this.#break("X3", `${order.clientOrderId}: its step has taken ${words}`);
  }

  #shareOf({ max, symbol }: LegLife, tag: string): Decimal {
    const { ladder } = policyFor(this.#setup.policy, symbol);
    const step = ladder.find(({ at }) => stepTag(targetName(at)) === tag);
    return step === undefined ? ZERO : max.times(step.closePercent).div("100");
  }
}

/** The last so many lists that are looks for certain, and what came since the first of them. */
function sinceLooks(count: number, lists: readonly List[]): readonly List[] {
  const looks = lists.flatMap(({ isLook }, i) => (isLook ? [i] : []));
  return lists.slice(looks.at(-count) ?? 0);
}

/** What a worker sends to the venue: S5 (one id, one order), S4 and S9 (no more than is open), S10 (no flood). */

import { type Decimal, ZERO } from "../../../src/core/decimal.ts";
import { legName, type Position } from "../../../src/core/position.ts";
import type { Reading } from "../../../src/core/reading.ts";
import type { Instant } from "../../../src/core/time.ts";
import type { Exchange } from "../../../src/ports/exchange.ts";
import type { Life } from "../../../src/sim/world/host.ts";
import type { Break } from "./witness.ts";

/** Weight of each request (binance.md 3): positions 5, each family of resting orders 40, fills 5 for each symbol. */
const WEIGHTS = {
  positions: 5,
  restingOrders: 80,
  positionMode: 30,
  lastFillAt: 10,
  lookUp: 1,
  cancel: 1,
  rulebook: 1,
} as const;
/** What an address may ask in a minute (binance.md 3): all follow-ups of one incident have to stay below that. */
const WEIGHT_MAX = 2_400;
const MINUTE_MS = 60_000;

interface Process {
  /** How many passes were begun or ended. */
  passes: number;
  /** The amounts of the legs in the lists of the last minute; `inPass`: asked for and read before anything was sent in this pass. */
  readonly lists: { readonly at: Instant; readonly open: ReadonlyMap<string, Decimal>; readonly inPass: boolean }[];
  /** Sent in this pass, by leg, but for what the venue has refused. */
  readonly sent: Map<string, Decimal>;
  /** In the last minute, since the last incident began: each has passes of its own. */
  readonly asked: { readonly at: Instant; readonly weight: number; readonly begunAt: Instant }[];
}

/** The orders of all workers of one run. */
export class OrderWatch {
  readonly #break: Break;
  readonly #ids = new Set<string>();
  readonly #processes = new Map<Life, Process>();

  constructor(fails: Break) {
    this.#break = fails;
  }

  /** The process begins a pass, or ends one. */
  newPass(life: Life): void {
    const process = this.#of(life);
    process.passes += 1;
    process.sent.clear();
    for (const [i, list] of process.lists.entries()) process.lists[i] = { ...list, inPass: false };
  }

  /** S10, where the venue is: what never gets there weighs nothing. */
  atVenue(who: string, life: Life, exchange: Exchange, begunAt: () => Instant): Exchange {
    const weighed = <A extends readonly unknown[], R>(what: keyof typeof WEIGHTS, call: (...args: A) => R) => {
      return (...args: A): R => {
        // Banned, a client sends nothing.
        if (exchange.silentUntil() === null) this.#asks(who, life, WEIGHTS[what], begunAt());
        return call(...args);
      };
    };
    return {
      ...exchange,
      positions: weighed("positions", exchange.positions),
      restingOrders: weighed("restingOrders", exchange.restingOrders),
      positionMode: weighed("positionMode", exchange.positionMode),
      rulebook: weighed("rulebook", exchange.rulebook),
      lastFillAt: weighed("lastFillAt", exchange.lastFillAt),
      lookUp: weighed("lookUp", exchange.lookUp),
      cancel: weighed("cancel", exchange.cancel),
    };
  }

  /** S4, S5 and S9, where the worker is; `losses`: how often Redis has lost data, after which an event may be executed anew. */
  over(who: string, life: Life, exchange: Exchange, losses: () => number): Exchange {
    return {
      ...exchange,
      positions: async () => {
        const { passes } = this.#of(life);
        const answer = await exchange.positions();
        this.#reads(life, answer, passes);
        return answer;
      },
      close: async (order) => {
        const key = `${who} life ${life.number}, ${losses()} losses: ${order.clientOrderId}`;
        if (this.#ids.has(key)) this.#break("S5", `sent twice: ${key}`);
        this.#ids.add(key);
        const { sent } = this.#of(life);
        const leg = legName(order);
        const all = (sent.get(leg) ?? ZERO).plus(order.quantity);
        const amounts = this.#amountsOf(life, leg).filter((amount) => amount.gt(ZERO) === (order.side === "SELL"));
        if (!amounts.some((amount) => all.lte(amount.abs())))
          this.#break(
            "S9",
            `${who} sends ${order.side} ${all.toFixed()} of ${leg} in a pass, and so much was not open`,
          );
        sent.set(leg, all);
        const outcome = await exchange.close(order);
        if (outcome.kind === "refused") sent.set(leg, (sent.get(leg) ?? ZERO).minus(order.quantity));
        return outcome;
      },
    };
  }

  #reads(life: Life, answer: Reading<readonly Position[]>, askedIn: number): void {
    const { lists, passes, sent } = this.#of(life);
    if (!answer.known) return;
    const open = new Map(answer.value.map((leg) => [legName(leg), leg.amount]));
    lists.push({ at: life.now(), open, inPass: sent.size === 0 && askedIn === passes });
  }

  /** What a close may rest on: the last list of this pass, or, where there is none, any of the last minute. */
  #amountsOf(life: Life, leg: string): readonly Decimal[] {
    const { lists } = this.#of(life);
    while (lists[0] !== undefined && life.now() - lists[0].at > MINUTE_MS) lists.shift();
    const last = lists.findLast(({ inPass }) => inPass);
    const usable = last === undefined ? lists : [last];
    return usable.map(({ open }) => open.get(leg) ?? ZERO);
  }

  #asks(who: string, life: Life, weight: number, begunAt: Instant): void {
    const now = life.now();
    const { asked } = this.#of(life);
    asked.push({ at: now, weight, begunAt });
    while (asked[0] !== undefined && (now - asked[0].at > MINUTE_MS || asked[0].begunAt !== begunAt)) asked.shift();
    const weightInMinute = asked.reduce((total, one) => total + one.weight, 0);
    if (weightInMinute > WEIGHT_MAX) this.#break("S10", `${who} asks for ${weightInMinute} in a minute`);
  }

  #of(life: Life): Process {
    const known = this.#processes.get(life);
    if (known !== undefined) return known;
    const fresh: Process = { passes: 0, lists: [], sent: new Map(), asked: [] };
    this.#processes.set(life, fresh);
    return fresh;
  }
}

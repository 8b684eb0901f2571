/** A policy at work on an account of its own: marks come in, orders are executed at once, and every order is kept. */

import { readLegRecord, writeRecord } from "../../src/adapters/exits/record.ts";
import { type Decimal, decimal, plain, ZERO } from "../../src/core/decimal.ts";
import type { ExitRecord } from "../../src/core/exit-leg.ts";
import type { LegMemory } from "../../src/core/exit-memory.ts";
import type { ExitPolicy, LegPolicy, Target } from "../../src/core/exit-policy.ts";
import { allow, type Exits, type ExitsAction, hear, look, openExits } from "../../src/core/exits.ts";
import { type CloseOrder, type CloseOutcome, legName, type Position } from "../../src/core/position.ts";
import { known, type Reading } from "../../src/core/reading.ts";
import type { ContractRules } from "../../src/core/rulebook.ts";
import type { Permission, StandingOptions } from "../../src/core/standing.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { at } from "./core.ts";

const STARTS_AT = 1_795_000_000_000;
const ALLOWED: Permission = { newestPanic: null, given: null };

/** A profit as the policy file says it: `1.5R` or `4 %`. */
export function target(text: string): Target {
  return text.endsWith("R")
    ? { unit: "r", value: decimal(text.slice(0, -1)) }
    : { unit: "percent", value: decimal(text.replace(/ ?%$/, "")) };
}

/** Rules for a leg; what is not named does not exist. */
export function rules(changes: Partial<LegPolicy> = {}): LegPolicy {
  return {
    stopLoss: null,
    ladder: [],
    breakEven: null,
    trailing: null,
    timeLimitMs: null,
    liquidationDistancePercent: null,
    backstopPercent: null,
    ...changes,
  };
}

/** A ladder of profits and percentages. */
export function ladder(...steps: readonly (readonly [at: string, close: string])[]): LegPolicy["ladder"] {
  return steps.map(([profit, close]) => ({ at: target(profit), closePercent: decimal(close) }));
}

/** A stop loss in percent of entry. */
export function stopLoss(percent: string): LegPolicy["stopLoss"] {
  return { percent: decimal(percent), of: "entry" };
}

/** A policy of the same rules for every symbol. */
export function policyOf(defaults: LegPolicy, portfolio: Partial<ExitPolicy["portfolio"]> = {}): ExitPolicy {
  return {
    defaults,
    symbols: new Map(),
    portfolio: { dailyLossPercent: null, drawdownPercent: null, ...portfolio },
  };
}

interface Leg {
  readonly amount: Decimal;
  readonly entry: Decimal;
}

/** One run of a policy. */
export class PolicyRun {
  readonly #policy: ExitPolicy;
  readonly #options: StandingOptions;
  /** The venue's rules; a test may change them. */
  readonly rulebook: Map<string, ContractRules>;
  readonly legs: Map<string, Leg> = new Map();
  /** What lists show instead of `legs`, as those that lag do. */
  listed: ReadonlyMap<string, Leg> | null = null;
  readonly disk: Map<string, string> = new Map();
  /** How often something was written to `disk`. */
  writes = 0;
  readonly orders: string[] = [];
  readonly lines: string[] = [];
  /** Everything asked for that is no order, no line and nothing to remember. */
  readonly others: ExitsAction[] = [];
  /** What becomes of an order; executes all of it by default. Null: its answer is under way. */
  answer: (order: CloseOrder) => CloseOutcome | null = (order) => this.execute(order, order.quantity);
  /** What the venue says when it is asked for an order. */
  lookUp: (order: CloseOrder) => CloseOutcome = () => ({ kind: "unknown", why: "asked", absent: true });
  /** What the venue's records say of a leg. */
  recall: () => Reading<LegMemory | null> = () => known(null);
  permission: Permission = ALLOWED;
  halted = false;
  ms = 0;
  /** By how much the wall clock was set forward. */
  wallMs = 0;
  exits: Exits;

  constructor(policy: ExitPolicy, step: string | null = "0.001", options: Partial<StandingOptions> = {}) {
    this.#policy = policy;
    this.#options = { shadow: false, autoLive: false, ...options };
    const lot = step === null ? null : { min: decimal(step), max: decimal("1000000"), step: decimal(step) };
    this.rulebook = new Map(["BTCUSDT", "ETHUSDT"].map((symbol) => [symbol, { lot, band: null }]));
    this.exits = this.#open([]);
  }

  /** Puts a leg in place. */
  hold(name: string, amount: string, entry: string): void {
    if (decimal(amount).eq(ZERO)) this.legs.delete(name);
    else this.legs.set(name, { amount: decimal(amount), entry: decimal(entry) });
  }

  /** One look, by default a second later, at this mark. */
  look(mark: string, afterMs = 1_000): void {
    this.ms += afterMs;
    [this.exits] = allow(this.exits, known(this.permission), this.halted, at(this.ms));
    const [exits, actions] = look(this.exits, this.positions(mark), null, this.#moment());
    this.exits = exits;
    this.#perform(actions);
  }

  /** A mark between two looks. */
  mark(price: string): void {
    const marks = new Map(["BTCUSDT", "ETHUSDT"].map((symbol) => [symbol, decimal(price)]));
    this.hear({ kind: "marks", marks });
  }

  /** The process dies and another one begins, with what is on disk. */
  restart(): void {
    const records = [...this.disk.values()].map((text): ExitRecord => {
      const record = readLegRecord(text);
      if (record === null) throw new Error(`Not a record: ${text}`);
      return record;
    });
    this.exits = this.#open(records);
  }

  /** Executes a part of an order on the account. */
  execute(order: CloseOrder, quantity: Decimal): CloseOutcome {
    const leg = this.legs.get(legName(order));
    if (leg === undefined)
      return { kind: "refused", cause: "blocked", code: -2022, why: "ReduceOnly Order is rejected." };
    const reduces = order.side === "SELL" ? leg.amount.gt(ZERO) : leg.amount.lt(ZERO);
    if (!reduces) throw new Error(`${order.side} ${legName(order)} would grow ${plain(leg.amount)}`);
    const executed = quantity.gt(leg.amount.abs()) ? leg.amount.abs() : quantity;
    const left = order.side === "SELL" ? leg.amount.minus(executed) : leg.amount.plus(executed);
    this.hold(legName(order), plain(left), plain(leg.entry));
    return { kind: "executed", orderId: "1", executed };
  }

  /** The account as the venue would list it. */
  positions(mark: string): readonly Position[] {
    return [...(this.listed ?? this.legs)].map(([symbol, { amount, entry }]) => {
      const markPrice = decimal(mark);
      const unrealizedPnl = markPrice.minus(entry).times(amount);
      const leverage = decimal("20");
      return {
        symbol,
        positionSide: "BOTH",
        amount,
        entryPrice: entry,
        markPrice,
        unrealizedPnl,
        leverage,
        liquidationPrice: null,
      };
    });
  }

  #open(records: readonly ExitRecord[]): Exits {
    const start = { policy: this.#policy, records, portfolio: null, ...this.#options };
    return { ...openExits(start, at(this.ms)), rulebook: this.rulebook };
  }

  #moment() {
    return { now: at(this.ms), wall: (STARTS_AT + this.ms + this.wallMs) as UnixMillis, mayAct: !this.halted };
  }

  /** Something comes back, wanted or not. */
  hear(event: Parameters<typeof hear>[1]): void {
    const [exits, actions] = hear(this.exits, event, this.#moment());
    this.exits = exits;
    this.#perform(actions);
  }

  #perform(actions: readonly ExitsAction[]): void {
    for (const action of actions) {
      if (action.kind === "tell") this.lines.push(action.text);
      else if (action.kind === "remember") {
        this.writes += 1;
        for (const name of action.gone) this.disk.delete(name);
        for (const record of action.records) this.disk.set(legName(record), writeRecord(record));
      } else if (action.kind === "close") {
        const { leg, order } = action;
        this.orders.push(`${order.side} ${plain(order.quantity)} ${order.clientOrderId}`);
        const outcome = this.answer(order);
        if (outcome !== null) this.hear({ kind: "closed", leg, outcome });
      } else if (action.kind === "look_up") {
        this.hear({ kind: "closed", leg: action.leg, outcome: this.lookUp(action.order) });
      } else if (action.kind === "recall") this.hear({ kind: "recalled", leg: action.leg, memory: this.recall() });
      else this.others.push(action);
    }
  }
}

/** A path of 1000 steps that crosses every level of a policy, drawn from a seed. */
export function pricePath(seed: number): readonly string[] {
  let x = seed;
  let cents = 10_000;
  return Array.from({ length: 1_000 }, () => {
    x = (Math.imul(x, 1_103_515_245) + 12_345) & 0x7fffffff;
    cents += ((x >> 8) % 61) - 28;
    return (cents / 100).toFixed(2);
  });
}

/** Every rule but the portfolio's, at levels that `pricePath` crosses. */
export const RICH: ExitPolicy = policyOf(
  rules({
    stopLoss: stopLoss("20"),
    ladder: ladder(["0.1R", "10"], ["0.2R", "20"], ["0.35R", "20"], ["0.5R", "10"]),
    breakEven: { at: target("0.3R"), offsetPercent: decimal("0.1") },
    trailing: { activation: target("0.6R"), distance: target("4 %") },
    timeLimitMs: 900_000,
  }),
);

/**
 * Which request meets which fault: scripted rules first, then a seed. Pure but for its own counters: the time is an
 * argument and nothing waits here, so the same book serves real sockets and virtual time.
 */

import type { UnixMillis } from "../core/time.ts";
import { answerOf } from "./fault-answers.ts";
import {
  type Blow,
  canStrike,
  type Effect,
  type EffectKind,
  type FaultRequest,
  placesOrders,
  type Spell,
} from "./fault-effects.ts";
import { type FaultSeed, type FaultStream, faultsFromSeed } from "./fault-seed.ts";
import { DEFAULT_LIMITS } from "./rate-limits.ts";
import { type Refusal, refuse } from "./refusals.ts";

/** One line of a script. */
export interface FaultRule {
  /** What a request must have to match; what is not named matches anything. */
  readonly when: {
    readonly method?: string | undefined;
    /** The exact path, without a query. */
    readonly path?: string | undefined;
    /** The request's `symbol` parameter. */
    readonly symbol?: string | undefined;
  };
  /** How many matching requests pass before the first strike. */
  readonly skip: number;
  /** How often it strikes; `null` for ever. */
  readonly times: number | null;
  readonly effect: Effect;
}

/** All that is to go wrong. */
export interface FaultScript {
  /** Asked in order; the first one that strikes decides. */
  readonly rules: readonly FaultRule[];
  /** Decides where no rule strikes. */
  readonly seed: FaultSeed | null;
}

/** A rule and what it has done so far. */
interface RuleReport {
  readonly rule: FaultRule;
  /** Requests that matched, struck or passed. */
  readonly matched: number;
  readonly struck: number;
}

/** What a book holds and what came of it. */
interface FaultReport {
  readonly rules: readonly RuleReport[];
  readonly seed: (FaultSeed & { readonly struck: number }) | null;
}

/** What a request meets: the word of the script for it, and what that comes to for this one request. */
export interface Fate {
  readonly kind: EffectKind;
  /** For a ban, a throttle or an order limit it is the refusal they answer with while they last. */
  readonly blow: Blow;
}

/** A limit that was imposed and still lasts. */
interface Imposed {
  readonly until: UnixMillis;
  readonly fate: Fate;
}

/** Decides each request's fate. Nothing goes wrong until a script is played. */
export class FaultBook {
  #rules: { readonly rule: FaultRule; matched: number; struck: number }[] = [];
  #seed: { readonly spec: FaultSeed; readonly stream: FaultStream; struck: number } | null = null;
  readonly #onAddress = new Map<string, Imposed>();
  readonly #onAccount = new Map<string, Imposed>();

  /** Replaces the script. Counters start again; bans and limits that the old one imposed are lifted. */
  play({ rules, seed }: FaultScript): void {
    this.#rules = rules.map((rule) => ({ rule, matched: 0, struck: 0 }));
    this.#seed = seed === null ? null : { spec: seed, stream: faultsFromSeed(seed.seed, seed.intensity), struck: 0 };
    this.#onAddress.clear();
    this.#onAccount.clear();
  }

  /** From now on nothing goes wrong. */
  clear(): void {
    this.play({ rules: [], seed: null });
  }

  /** The script, and how often each part of it struck. */
  report(): FaultReport {
    const seed = this.#seed;
    return {
      rules: this.#rules.map(({ rule, matched, struck }) => ({ rule, matched, struck })),
      seed: seed === null ? null : { ...seed.spec, struck: seed.struck },
    };
  }

  /**
   * The fate of one request; `null` if it meets no fault.
   *
   * Counts the request, so ask once for each, in the order of arrival. What a lasting ban or limit answers does not count
   * as a strike of the rule that imposed it.
   */
  next(request: FaultRequest, now: UnixMillis): Fate | null {
    const lasting = this.#lasting(request, now);
    if (lasting !== null) return lasting;
    const effect = this.#nextOfRules(request) ?? this.#nextOfSeed(request);
    return effect === null ? null : this.#begin(effect, request, now);
  }

  #lasting(request: FaultRequest, now: UnixMillis): Fate | null {
    const onAddress = this.#onAddress.get(request.ip);
    if (onAddress !== undefined && now < onAddress.until) return onAddress.fate;
    if (request.apiKey === null || !placesOrders(request)) return null;
    const onAccount = this.#onAccount.get(request.apiKey);
    return onAccount !== undefined && now < onAccount.until ? onAccount.fate : null;
  }

  #nextOfRules(request: FaultRequest): Effect | null {
    for (const entry of this.#rules) {
      const { rule } = entry;
      if (!matches(rule, request)) continue;
      entry.matched += 1;
      if (entry.matched <= rule.skip) continue;
      if (rule.times !== null && entry.struck >= rule.times) continue;
      entry.struck += 1;
      return rule.effect;
    }
    return null;
  }

  #nextOfSeed(request: FaultRequest): Effect | null {
    if (this.#seed === null) return null;
    const effect = this.#seed.stream.next(request);
    if (effect !== null) this.#seed.struck += 1;
    return effect;
  }

  #begin(effect: Effect, request: FaultRequest, now: UnixMillis): Fate {
    if (!isSpell(effect)) return { kind: effect.kind, blow: effect };
    const until = (now + effect.ms) as UnixMillis;
    const retryAfterS = effect.kind === "order_limit" ? undefined : effect.retryAfterS;
    const answer = { ...answerOf(refusalOf(effect.kind, until)), retryAfterS };
    const fate: Fate = { kind: effect.kind, blow: { kind: "refuse", answer } };
    if (effect.kind !== "order_limit") this.#onAddress.set(request.ip, { until, fate });
    // An order without a key is nobody's, so there is nobody to limit after it.
    else if (request.apiKey !== null) this.#onAccount.set(request.apiKey, { until, fate });
    return fate;
  }
}

function matches({ when, effect }: FaultRule, request: FaultRequest): boolean {
  const { method = request.method, path = request.path, symbol = request.symbol } = when;
  const named = method === request.method && path === request.path && symbol === request.symbol;
  return named && canStrike(effect.kind, request);
}

function isSpell(effect: Effect): effect is Spell {
  return effect.kind === "ban" || effect.kind === "throttle" || effect.kind === "order_limit";
}

function refusalOf(kind: Spell["kind"], until: UnixMillis): Refusal {
  const { weightPerMinute, ordersPer10s } = DEFAULT_LIMITS;
  if (kind === "ban") return refuse("banned", String(until)).refusal;
  if (kind === "throttle") return refuse("tooManyRequests", String(weightPerMinute)).refusal;
  return refuse("tooManyOrders", String(ordersPer10s), "10 SECOND").refusal;
}

/**
 * Faults drawn from a seed: one number replays a whole run.
 *
 * Each seed switches some kinds off altogether and weighs the others differently. Runs in which everything can happen at
 * once are all alike; runs with a few kinds only go far in one direction, and so find more (swarm testing).
 */

import { answerNamed, type FaultAnswer } from "./fault-answers.ts";
import { canStrike, type Effect, type EffectKind, type FaultRequest, placesOrders } from "./fault-effects.ts";
import { splitmix32 } from "./splitmix.ts";

/** Which stream of faults. */
export interface FaultSeed {
  /** A whole number from 0 to 4294967295. */
  readonly seed: number;
  /** The share of requests that meet a fault, above 0 and at most 1. Somewhat fewer do: not every kind fits every request. */
  readonly intensity: number;
}

/** Faults in the order they are drawn. */
export interface FaultStream {
  /** The kinds this seed can draw, each with its probability; the others are switched off. */
  readonly odds: ReadonlyMap<EffectKind, number>;
  /** The next request's fault, or `null`. It depends on the seed, on how many were asked before, and on the request. */
  next(request: FaultRequest): Effect | null;
}

/** One request in seven: a run with fewer hardly differs from a calm one, with many more nothing ever gets through. */
export const INTENSITY_DEFAULT = 0.15;

type Draw = () => number;

/** Each kind in the order of the seed's draws: adding one at the end keeps old seeds closest to what they were. */
const KINDS: readonly EffectKind[] = [
  "refuse",
  "executed_but",
  "late",
  "hang",
  "reset",
  "cut",
  "drip",
  "delay",
  "garbage",
  "partial",
  "stale",
  "ban",
  "throttle",
  "order_limit",
];

/** Refusals that any request can meet. */
const REFUSALS_OF_ALL = [
  "serviceUnavailable",
  "internalError",
  "overloaded",
  "tooManyRequests",
  "firewall",
  "unauthorized",
  "outsideRecvWindow",
  "notFound",
] as const;
/** Refusals that only orders meet, besides. */
const REFUSALS_OF_ORDERS = [
  "throttled",
  "tooManyOrders",
  "priceBand",
  "noDepth",
  "unableToFill",
  "marginInsufficient",
  "reduceOnlyRejected",
  "blockedByReduceOnly",
  "inLiquidation",
  "maxPosition",
  "stopTriggering",
  "positionSideMismatch",
  "tooLateForEngine",
] as const;
/** Answers that leave open whether the request was executed. */
const OPEN_ANSWERS = [
  "executionUnknown",
  "unknownError",
  "occurUnknownError",
  "unexpectedResponse",
  "backendTimeout",
  "timeout",
  "badGateway",
] as const;
/** None of them could be taken for an answer: an empty list is left out, for it says "no positions" and nobody could tell. */
const GARBAGE = ["", "{}", "null", "<html></html>", '{"code":200', "[{}]", "\u0000", '"OK"'] as const;
const FRACTIONS = ["0", "0.1", "0.25", "0.5", "0.75", "0.9"] as const;

/** How long each kind may last, in milliseconds: from a blink to beyond the deadlines of a client. */
const SPAN_MS = {
  late: [10, 8_000],
  delay: [10, 4_000],
  stale: [100, 15_000],
  ban: [500, 20_000],
  throttle: [500, 10_000],
  order_limit: [500, 10_000],
  drip: [1, 20],
} as const;

/**
 * The faults of one seed.
 *
 * The same seed and the same sequence of requests give the same effects, on every runtime. `intensity` is clamped to 0…1.
 */
export function faultsFromSeed(seed: number, intensity: number = INTENSITY_DEFAULT): FaultStream {
  const odds = oddsOf(splitmix32(seed), Math.min(Math.max(intensity, 0), 1));
  let asked = 0;
  return {
    odds,
    next: (request) => {
      // A generator per request: what one request drew leaves the fate of all later ones alone.
      asked += 1;
      const draw = splitmix32(Math.imul(seed ^ 0x5bf03635, 0x27d4eb2f) + Math.imul(asked, 0x165667b1));
      const kind = kindAt(odds, draw());
      return kind === null || !canStrike(kind, request) ? null : effectOf(kind, request, draw);
    },
  };
}

/** At least one kind is switched on, and all together have the probability `intensity`. */
function oddsOf(draw: Draw, intensity: number): ReadonlyMap<EffectKind, number> {
  const certain = pick(KINDS, draw);
  const weights = KINDS.map((kind) => {
    const [on, weight] = [draw() < 0.5, draw()];
    return [kind, on || kind === certain ? 0.1 + weight : 0] as const;
  }).filter(([, weight]) => weight > 0);
  const total = weights.reduce((before, [, weight]) => before + weight, 0);
  return new Map(weights.map(([kind, weight]) => [kind, (weight / total) * intensity]));
}

function kindAt(odds: ReadonlyMap<EffectKind, number>, point: number): EffectKind | null {
  let upTo = 0;
  for (const [kind, probability] of odds) {
    upTo += probability;
    if (point < upTo) return kind;
  }
  return null;
}

function effectOf(kind: EffectKind, request: FaultRequest, draw: Draw): Effect {
  switch (kind) {
    case "refuse":
      return { kind, answer: refusal(request, draw) };
    case "executed_but":
      return { kind, answer: named(pick(OPEN_ANSWERS, draw)) };
    case "late":
      return { kind, ms: span(kind, draw), answer: named(pick(OPEN_ANSWERS, draw)) };
    case "hang":
    case "reset":
    case "cut":
      return { kind, executes: draw() < 0.5 };
    case "garbage":
      return { kind, executes: draw() < 0.5, body: pick(GARBAGE, draw) };
    case "partial":
      return { kind, fraction: pick(FRACTIONS, draw) };
    case "drip":
    case "delay":
    case "stale":
    case "ban":
    case "throttle":
    case "order_limit":
      return { kind, ms: span(kind, draw) };
  }
}

function refusal(request: FaultRequest, draw: Draw): FaultAnswer {
  const names = placesOrders(request) ? [...REFUSALS_OF_ALL, ...REFUSALS_OF_ORDERS] : REFUSALS_OF_ALL;
  return named(pick(names, draw));
}

function named(name: string): FaultAnswer {
  const answer = answerNamed(name);
  if (answer === null) throw new Error(`No answer is called ${name}`);
  return answer;
}

function span(kind: keyof typeof SPAN_MS, draw: Draw): number {
  const [from, to] = SPAN_MS[kind];
  // Evenly over the orders of magnitude: short ones matter as much as long ones.
  return Math.round(from * (to / from) ** draw());
}

function pick<T>(list: readonly T[], draw: Draw): T {
  const chosen = list[Math.floor(draw() * list.length)];
  if (chosen === undefined) throw new Error("Nothing to choose from");
  return chosen;
}

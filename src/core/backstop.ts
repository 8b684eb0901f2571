/**
 * The stop at the venue itself: each leg under a policy with a backstop carries one `closePosition` stop, so that even a host that
 * loses power does not leave it unprotected. It follows the entry price; it is a last resort and does not trail.
 *
 * The venue takes one such stop for each side of a symbol (Binance, -4130), so an old one goes before the new one comes. A stop
 * that a person or a bot has placed is left alone.
 */

import { type Decimal, plain, ZERO } from "./decimal.ts";
import { percentOf, type Side, sideOf, towardsProfit } from "./exit-memory.ts";
import { type ExitPolicy, policyFor } from "./exit-policy.ts";
import { fnv1a } from "./fnv.ts";
import { type CancelRequest, legName, type Position, type PositionSide } from "./position.ts";
import type { Reading } from "./reading.ts";
import type { Rulebook } from "./rulebook.ts";
import { info, type Tell, warn } from "./tell.ts";
import { after, type Instant } from "./time.ts";

/** How the ids of our stops begin. */
const BACKSTOP_ORDER = "qb-";
/** How often the venue's stops are listed: 40 of the address's 2400 a minute each. */
const LIST_EVERY_MS = 30_000;
/** A change of the legs may ask for a list before that, and no more often than this. */
const LIST_AT_MOST_EVERY_MS = 2_000;

/** A stop that takes the whole leg when the mark reaches it. */
export interface ProtectiveStop {
  readonly symbol: string;
  readonly positionSide: PositionSide;
  readonly side: "BUY" | "SELL";
  readonly triggerPrice: Decimal;
  /** At most 36 characters of `[A-Za-z0-9_-]`. */
  readonly clientOrderId: string;
}

/** A protective stop as the venue lists it. */
export interface RestingStop extends ProtectiveStop {
  readonly orderId: string;
}

/** What became of placing one. */
export type ProtectOutcome =
  | { readonly kind: "resting"; readonly orderId: string }
  /** Certain: it does not rest. `crossed`: the mark is beyond the trigger already (-2021). `exists`: the side has one (-4130). */
  | { readonly kind: "refused"; readonly cause: "crossed" | "exists" | "other"; readonly why: string }
  /** It may rest: only the list of stops can tell. */
  | { readonly kind: "unknown"; readonly why: string };

/** Where the stops are. */
export interface BackstopState {
  readonly listing: boolean;
  readonly nextListAt: Instant;
  readonly listedAt: Instant | null;
  /** The legs and trigger prices as they were wanted when stops were listed last, and the legs that were missing; others are reason to list. */
  readonly wantedThen: string;
  /** What was told of a leg, so that it is told once. */
  readonly told: ReadonlyMap<string, string>;
}

/** What the backstop wants done. */
export type BackstopAction =
  | { readonly kind: "list_stops" }
  | { readonly kind: "cancel_stop"; readonly request: CancelRequest }
  /** Sent once those of the same batch that cancel have been answered. */
  | { readonly kind: "protect"; readonly stop: ProtectiveStop }
  | Tell;

type Step = readonly [BackstopState, readonly BackstopAction[]];

/** No stops are known yet. */
export function openBackstop(now: Instant): BackstopState {
  return { listing: false, nextListAt: now, listedAt: null, wantedThen: "", told: new Map() };
}

/**
 * The legs were listed: are stops to be looked at? Not where no leg has a backstop and none had one. At once where a leg has changed,
 * and where one is gone for certain: its stop would take the next leg by surprise.
 */
export function watchStops(
  policy: ExitPolicy,
  rulebook: Rulebook,
  state: BackstopState,
  { held, positions }: StopLegs,
  now: Instant,
): Step {
  if (state.listing || !hasBackstop(policy)) return [state, []];
  const missing = [...held].filter(([leg]) => !positions.some((position) => legName(position) === leg));
  const mayNeed = missing.map(([leg, side]) => `${leg} ${side}`).sort();
  const wanted = [wantedText(wantedStops(policy, rulebook, positions)), ...mayNeed].join(", ");
  const mayAgain = state.listedAt === null || now - state.listedAt >= LIST_AT_MOST_EVERY_MS;
  const due = now >= state.nextListAt || (wanted !== state.wantedThen && mayAgain);
  if (!due) return [state, []];
  return [
    { ...state, listing: true, nextListAt: after(now, LIST_EVERY_MS), wantedThen: wanted },
    [{ kind: "list_stops" }],
  ];
}

/** The legs as far as stops are concerned. */
interface StopLegs {
  /** As last listed. */
  readonly positions: readonly Position[];
  /** The side by the leg's name: those that one list alone does not show any more are among them. */
  readonly held: ReadonlyMap<string, Side>;
}

/**
 * The venue's stops, against those that the legs should carry. One of ours is taken away where its leg is to have another, or is
 * gone for certain: not where one list does not show it, and not where the tick that it is placed by is not known yet.
 */
export function alignStops(
  policy: ExitPolicy,
  rulebook: Rulebook,
  state: BackstopState,
  { held, positions }: StopLegs,
  listed: Reading<readonly RestingStop[]>,
  now: Instant,
): Step {
  const next: BackstopState = { ...state, listing: false, listedAt: now };
  if (!listed.known) return tellOnce(next, "", `The stops at the venue can't be read: ${listed.why}`);
  const wanted = wantedStops(policy, rulebook, positions);
  // A stop of the other side is of a leg that was there before.
  const mayNeed = (leg: string, side: RestingStop["side"]): boolean =>
    held.get(leg) === (side === "SELL" ? "long" : "short") && hasBackstopFor(policy, leg, positions);
  const cancels: BackstopAction[] = [];
  const places: BackstopAction[] = [];
  const kept = new Set<string>();
  for (const stop of listed.value) {
    const leg = legName(stop);
    const isOurs = stop.clientOrderId.startsWith(BACKSTOP_ORDER);
    const want = wanted.find((other) => legName(other) === leg);
    // Somebody else's stop protects the leg, too, and the venue would take no second one.
    const serves = want?.side === stop.side && (!isOurs || stop.triggerPrice.eq(want.triggerPrice));
    if (serves && !kept.has(leg)) kept.add(leg);
    else if (isOurs && (want !== undefined || !mayNeed(leg, stop.side))) {
      const { orderId, symbol } = stop;
      cancels.push({ kind: "cancel_stop", request: { symbol, family: "algo", orderId } });
    }
  }
  const lines: Tell[] = [];
  for (const stop of wanted) {
    if (kept.has(legName(stop))) continue;
    places.push({ kind: "protect", stop });
    lines.push(info(`Backstop of ${legName(stop)} at the venue: ${plain(stop.triggerPrice)}`));
  }
  return [next, [...lines, ...cancels, ...places]];
}

/** The answer to a stop that was placed. Third: the leg is beyond its backstop already, why. */
export function heardProtect(
  state: BackstopState,
  stop: ProtectiveStop,
  outcome: ProtectOutcome,
): readonly [BackstopState, readonly Tell[], string | null] {
  const leg = legName(stop);
  if (outcome.kind === "resting") {
    const told = new Map(state.told);
    told.delete(leg);
    return [{ ...state, told }, [], null];
  }
  const [next, lines] = tellOnce(state, leg, `Backstop of ${leg} at ${plain(stop.triggerPrice)}: ${outcome.why}`);
  const isBeyond = outcome.kind === "refused" && outcome.cause === "crossed";
  const reason = `close all of ${leg}: the mark is beyond its backstop ${plain(stop.triggerPrice)}`;
  return [{ ...next, wantedThen: "" }, lines, isBeyond ? reason : null];
}

function tellOnce(state: BackstopState, leg: string, text: string): readonly [BackstopState, readonly Tell[]] {
  if (state.told.get(leg) === text) return [state, []];
  return [{ ...state, told: new Map(state.told).set(leg, text) }, [warn(text)]];
}

/** A leg that is not listed may be one with a backstop. */
function hasBackstopFor(policy: ExitPolicy, name: string, positions: readonly Position[]): boolean {
  const leg = positions.find((position) => legName(position) === name);
  return leg === undefined || policyFor(policy, leg.symbol).backstopPercent !== null;
}

function hasBackstop({ defaults, symbols }: ExitPolicy): boolean {
  return [defaults, ...symbols.values()].some(({ backstopPercent }) => backstopPercent !== null);
}

/** The stop of each leg, where its policy has one and the symbol's tick is known: a price off the tick is refused. */
function wantedStops(
  policy: ExitPolicy,
  rulebook: Rulebook,
  positions: readonly Position[],
): readonly ProtectiveStop[] {
  return positions.flatMap((leg) => {
    const { backstopPercent } = policyFor(policy, leg.symbol);
    const tick = rulebook.get(leg.symbol)?.band?.tick;
    if (backstopPercent === null || tick === undefined) return [];
    const side = sideOf(leg);
    const exact = towardsProfit(side, leg.entryPrice, percentOf(leg.entryPrice, backstopPercent).neg());
    // On the tick that is nearer to the mark.
    const below = exact.minus(exact.mod(tick));
    const triggerPrice = side === "short" || below.eq(exact) ? below : below.plus(tick);
    if (triggerPrice.lte(ZERO)) return [];
    const { positionSide, symbol } = leg;
    const clientOrderId = `${BACKSTOP_ORDER}${fnv1a(legName(leg))}-${fnv1a(plain(triggerPrice))}`;
    return [{ symbol, positionSide, side: side === "long" ? "SELL" : "BUY", triggerPrice, clientOrderId } as const];
  });
}

function wantedText(stops: readonly ProtectiveStop[]): string {
  return stops
    .map((stop) => `${legName(stop)} ${stop.side} ${plain(stop.triggerPrice)}`)
    .sort()
    .join(", ");
}

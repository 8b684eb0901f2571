/**
 * The emergency exit worker's decisions (design section 4): a straight line, ten seconds in all.
 *
 *   idle → surveying → closing → verifying → reporting → idle
 *                                            reporting → surveying      the report is not confirmed, and another event came
 *
 * A pass sends each close once. What it leaves open it reports by name; the watchdog answers with a new event.
 */

import { AUTHORIZATION_LIMITS, type AuthorizationLimits, authorize } from "./authorization.ts";
import { cancelName, cancelsFor, legsOf, ordersTaken } from "./cancel-plan.ts";
import * as words from "./eew-words.ts";
import { type Judgement, judge, type Look, type SentOrder, type Tally, tally } from "./flat.ts";
import { flattenPlan, insideBand } from "./flatten-plan.ts";
import type { Completion, Delivery, Halt, Outcome } from "./messages.ts";
import { exhaust, type OrderBudget, ordersLeft, refillsAt, spend } from "./order-budget.ts";
import {
  type CancelOutcome,
  type CancelRequest,
  type CloseOrder,
  type FoundLeg,
  legName,
  type Position,
  type PositionMode,
  type RestingOrder,
  type Snapshot,
} from "./position.ts";
import { type Reading, unknown } from "./reading.ts";
import type { Rulebook } from "./rulebook.ts";
import { critical, regarding, type Tell, warn } from "./tell.ts";
import { after, earliest, type Instant } from "./time.ts";

/** The worker's bounds. Everything ends (design rule 8). */
export interface EewLimits extends AuthorizationLimits {
  /** One pass, from the event to the report. Runbook, pass criteria: 10 s. */
  readonly passMs: number;
  /** A close waits no longer than this for the list of resting orders, and then for its cancels. Design section 4: 500 ms. */
  readonly cancelWaitMs: number;
  /** The second witness is a list at least this much later than the first. Design rule 2: a second. */
  readonly witnessGapMs: number;
  /** How long a residual that may still vanish is looked at again; after that it is the watchdog's to answer. */
  readonly verifyMs: number;
  /** Pause before the account is read again. */
  readonly lookAgainMs: number;
  /**
   * An account that can't be read after the close is read again after so many times as long as that has lasted. A full look
   * weighs 85 of the address's 2400 a minute (Binance: positions 5, each family of orders 40), failed or not, and one
   * follow-up comes behind the other: looks once a second through all of them would end in a ban.
   */
  readonly lookLaterFactor: number;
  /** Orders that wait for the account's order limit are sent until this much of the pass is left; the rest is not. */
  readonly lastSendMs: number;
  /** Pause before a report that was not confirmed is repeated; the bus keeps one. */
  readonly reportAgainMs: number;
  /** How often people are told that the report is still not confirmed. */
  readonly tellAgainMs: number;
}

/** Runbook and design section 4. */
export const EEW_LIMITS: EewLimits = {
  ...AUTHORIZATION_LIMITS,
  passMs: 10_000,
  cancelWaitMs: 500,
  witnessGapMs: 1_000,
  verifyMs: 3_000,
  lookAgainMs: 1_000,
  lookLaterFactor: 1.5,
  lastSendMs: 4_500,
  reportAgainMs: 250,
  tellAgainMs: 30_000,
};

/** Unknown orders asked after in one look, each a request; the position list speaks for the others. */
const LOOK_UPS_MAX = 40;

/** What every state of a pass knows. */
interface Pass {
  readonly delivery: Delivery;
  readonly startedAt: Instant;
  readonly endsAt: Instant;
}

/** Where the worker is. Each state owns its data. */
export type EewState = { readonly kind: "idle" } | Surveying | Closing | Verifying | Reporting;

/** The report is not on record yet. */
interface Reporting extends Pass {
  readonly kind: "reporting";
  readonly completion: Completion;
  /** Null while a report is under way. */
  readonly retryAt: Instant | null;
  /** When people were told last that it was not confirmed; null before the first time. */
  readonly toldAt: Instant | null;
}

/** The halt is being written and the account read; nothing is sent before both are done. */
interface Surveying extends Pass {
  readonly kind: "surveying";
  readonly halted: boolean;
  /** What was read while the halt was not written yet. */
  readonly survey: Survey | null;
  /** Names the read whose answer counts. */
  readonly askedAt: Instant;
  /** Null while a read is under way. */
  readonly retryAt: Instant | null;
  /** Why the last read failed. */
  readonly why: string | null;
  /** As in `Survey`, once one was answered. */
  readonly snapshot: Snapshot | null;
}

/** Cancels and closes are under way. */
interface Closing extends Pass {
  readonly kind: "closing";
  readonly found: readonly Position[];
  /** As in `Evidence`. */
  readonly fillsProve: boolean;
  readonly rulebook: Rulebook;
  /** Cancels not answered yet. */
  readonly cancelling: readonly CancelRequest[];
  /** Closes not sent yet, in the order in which they go: behind the cancels of their symbol, and inside the order limit. */
  readonly waiting: readonly CloseOrder[];
  /** From here on no close waits for a cancel any more. */
  readonly releaseAt: Instant;
  readonly budget: OrderBudget;
  /** The venue has told this address to be silent: whatever is sent now makes the ban longer. */
  readonly silenced: boolean;
  /** When a waiting close may go, if nothing else happens before; null: none waits for the time. */
  readonly wakeAt: Instant | null;
  /** Closes sent and not answered yet. */
  readonly inFlight: readonly CloseOrder[];
  readonly sent: readonly SentOrder[];
  readonly ordersCancelled: number;
  /** The resting orders that were seen, to count those that a cancel removed. */
  readonly resting: readonly RestingOrder[];
}

/** Orders are done; the venue is asked what is left, and what still rests is cancelled. */
interface Verifying extends Pass {
  readonly kind: "verifying";
  readonly found: readonly Position[];
  /** As in `Evidence`. */
  readonly fillsProve: boolean;
  readonly sent: readonly SentOrder[];
  readonly ordersCancelled: number;
  /** Protective stops that were left for their leg. They are cancelled even where no list shows them any more. */
  readonly stops: readonly RestingOrder[];
  readonly lastOrderAt: Instant;
  /** When the first clean look was answered; null before one. */
  readonly cleanAt: Instant | null;
  /** Names the read whose answer counts; it is after the last order. */
  readonly askedAt: Instant;
  /** Null while a read or cancels are under way. */
  readonly retryAt: Instant | null;
  /** Cancels not answered yet. */
  readonly cancelling: readonly CancelRequest[];
  /** Cancels of this state by name; each is sent once. */
  readonly swept: readonly string[];
  readonly last: Look;
}

/** The first look of a pass, and what the worker knows besides without asking. */
export interface Survey extends Look {
  readonly mode: Reading<PositionMode>;
  readonly rulebook: Rulebook;
  readonly budget: OrderBudget;
  /** The venue has told this address to be silent until then; null if not. */
  readonly silentUntil: Instant | null;
  /** The positions as they were last read before the pass; null if never. */
  readonly snapshot: Snapshot | null;
}

/** Everything that can happen to the worker. */
export type EewEvent =
  | { readonly kind: "panic"; readonly delivery: Delivery }
  | { readonly kind: "halt_written" }
  | { readonly kind: "halt_unconfirmed"; readonly why: string }
  /** The answer to the read that was asked for at `askedAt`; one to an earlier read is no evidence of what came after. */
  | { readonly kind: "surveyed"; readonly askedAt: Instant; readonly survey: Survey }
  /** `resolved`: what the venue says now of orders that were asked after. */
  | {
      readonly kind: "looked";
      readonly askedAt: Instant;
      readonly look: Look;
      readonly resolved: readonly SentOrder[];
      readonly silentUntil: Instant | null;
    }
  | { readonly kind: "cancel_answered"; readonly request: CancelRequest; readonly outcome: CancelOutcome }
  | ({ readonly kind: "close_answered" } & SentOrder)
  | { readonly kind: "reported"; readonly eventId: string }
  | { readonly kind: "report_unconfirmed"; readonly eventId: string; readonly why: string }
  | { readonly kind: "timer" };

/** What the worker wants done. */
export type EewAction =
  /** The pass begins: from now on until the report the event is this worker's. */
  | { readonly kind: "write_halt"; readonly delivery: Delivery; readonly halt: Halt }
  /**
   * Positions, resting orders and the position mode, asked together. Once the positions are known the others get
   * `waitMs` longer; what has not come by then is unknown. `again`: the positions could not be read before, so they are asked
   * first, and the others, which weigh twenty times as much, only once they are known.
   */
  | { readonly kind: "survey"; readonly askedAt: Instant; readonly waitMs: number; readonly again: boolean }
  /**
   * Positions and resting orders, and what became of some orders, asked together; each takes as long as it takes. `again`: the
   * last look was not clean, so the positions are asked first, and the orders, which weigh sixteen times as much, only once
   * the positions are known to be none.
   */
  | {
      readonly kind: "look";
      readonly askedAt: Instant;
      readonly after: readonly CloseOrder[];
      readonly again: boolean;
    }
  /** For a pass of the same event that has to go on where this one is cut off: before its first order, and not waited for. */
  | { readonly kind: "note_found"; readonly delivery: Delivery; readonly found: readonly FoundLeg[] }
  | { readonly kind: "cancel"; readonly request: CancelRequest }
  | { readonly kind: "close"; readonly order: CloseOrder }
  /** Report, final halt and acknowledgement: one atomic step on the bus. */
  | { readonly kind: "report"; readonly delivery: Delivery; readonly completion: Completion; readonly halt: Halt }
  /** Go on reporting a pass beside the next one: its report was not confirmed yet. */
  | { readonly kind: "owe"; readonly delivery: Delivery; readonly completion: Completion; readonly halt: Halt }
  /** Acknowledge an event that is not executed, and count and tell it (roles/refusals.ts). */
  | { readonly kind: "refuse"; readonly delivery: Delivery; readonly why: string }
  /** Ready for the next event. It may be said again while it is being listened for. */
  | { readonly kind: "listen" }
  | Tell;

type Step = readonly [EewState, readonly EewAction[]];

/** Advances the worker by one event. */
export function step(limits: EewLimits, state: EewState, event: EewEvent, now: Instant): Step {
  const [next, actions] = advance(limits, state, event, now);
  // A step that begins a pass tells of that; one that ends it tells of the pass it ends.
  const pass = next.kind === "idle" ? state : next;
  return [next, pass.kind === "idle" ? actions : regarding(words.eventOf(pass.delivery), actions)];
}

function advance(limits: EewLimits, state: EewState, event: EewEvent, now: Instant): Step {
  switch (state.kind) {
    case "idle":
      return event.kind === "panic" ? receive(limits, event.delivery, now) : [state, []];
    case "surveying":
      return surveying(limits, state, event, now);
    case "closing":
      return closing(limits, state, event, now);
    case "verifying":
      return verifying(limits, state, event, now);
    case "reporting":
      return reporting(limits, state, event, now);
  }
}

/** When `step` wants a `timer` event, if nothing else happens before; null: only an event can move it. */
export function deadline(state: EewState): Instant | null {
  switch (state.kind) {
    case "idle":
      return null;
    case "surveying":
      return earliest(state.retryAt, state.endsAt);
    case "closing":
      return earliest(state.wakeAt, state.endsAt);
    case "verifying":
      return earliest(state.retryAt, state.endsAt);
    case "reporting":
      return state.retryAt;
  }
}

function receive(limits: EewLimits, delivery: Delivery, now: Instant): Step {
  const verdict = authorize(limits, delivery);
  if (verdict.kind === "refuse") {
    return [{ kind: "idle" }, [{ kind: "refuse", delivery, why: verdict.why }, { kind: "listen" }]];
  }
  const next: Surveying = {
    kind: "surveying",
    delivery,
    startedAt: now,
    endsAt: after(now, limits.passMs),
    halted: false,
    survey: null,
    askedAt: now,
    retryAt: null,
    why: null,
    snapshot: null,
  };
  return [
    next,
    [
      { kind: "write_halt", delivery, halt: haltFor(delivery, 0) },
      { kind: "survey", askedAt: now, waitMs: limits.cancelWaitMs, again: false },
      ...words.heading(delivery),
      words.validated(delivery),
    ],
  ];
}

function surveying(limits: EewLimits, state: Surveying, event: EewEvent, now: Instant): Step {
  switch (event.kind) {
    case "halt_written":
      return begin(limits, { ...state, halted: true }, [], now);
    case "halt_unconfirmed":
      // Closing matters more than the flag: the final report writes the halt again.
      return begin(limits, { ...state, halted: true }, [critical(`Halt not confirmed: ${event.why}`, "alarm")], now);
    case "surveyed":
      if (event.askedAt !== state.askedAt) return [state, []];
      return begin(limits, { ...state, survey: event.survey }, [], now);
    case "timer": {
      if (now >= state.endsAt) return nothingRead(state, now);
      if (state.retryAt === null || now < state.retryAt) return [state, []];
      const again: EewAction = { kind: "survey", askedAt: now, waitMs: limits.cancelWaitMs, again: true };
      return [{ ...state, survey: null, askedAt: now, retryAt: null }, [again]];
    }
    default:
      return [state, []];
  }
}

/** Sends what is to be sent once the halt is written, or can't be, and the account is known as well as it can be. */
function begin(limits: EewLimits, state: Surveying, lines: readonly Tell[], now: Instant): Step {
  const { survey } = state;
  if (!state.halted || survey === null || state.retryAt !== null) return [state, lines];
  const { positions, silentUntil, snapshot } = survey;
  if (positions.known) return plan(limits, state, survey, positions.value, lines, now);
  const line = critical(`Positions can't be read: ${positions.why}`, "alarm");
  const failed: Surveying = { ...state, why: positions.why, snapshot };
  if (silentUntil !== null && silentUntil > now) {
    if (silentUntil >= state.endsAt) return nothingRead(failed, now, [...lines, line]);
    return [{ ...failed, retryAt: silentUntil }, [...lines, line]];
  }
  if (snapshot !== null && snapshot.positions.length > 0) {
    const blind = [...lines, line, words.blind(snapshot, now)];
    return plan(limits, state, survey, snapshot.positions, blind, now);
  }
  return [{ ...failed, retryAt: after(now, limits.lookAgainMs) }, [...lines, line]];
}

/** The pass ends before the account could be read: what was open before it counts as open. */
function nothingRead(state: Surveying, now: Instant, lines: readonly Tell[] = []): Step {
  const { snapshot, delivery } = state;
  const why = unknown(state.why ?? "the venue did not answer");
  const found = snapshot === null || snapshot.positions.length === 0 ? null : snapshot.positions;
  const counts = tally("UNKNOWN", found, { positions: why, resting: why }, [], delivery.foundBefore);
  return report(state, "UNKNOWN", counts, 0, now, lines);
}

/** The account is known: cancel where something rests, close at once where nothing does. */
function plan(
  limits: EewLimits,
  pass: Pass,
  { positions, mode, resting, rulebook, budget }: Survey,
  found: readonly Position[],
  lines: readonly Tell[],
  now: Instant,
): Step {
  const orders = resting.known ? resting.value : [];
  const cancelling = cancelsFor(orders, legsOf(found));
  const { eventId, followsUp } = pass.delivery;
  const next: Closing = {
    ...passOf(pass),
    kind: "closing",
    found,
    fillsProve: positions.known && resting.known && resting.value.every(({ closesPosition }) => closesPosition),
    rulebook,
    cancelling,
    waiting: flattenPlan({ eventId, attempt: followsUp?.number ?? 1, found, mode, rulebook }),
    releaseAt: after(now, limits.cancelWaitMs),
    budget,
    silenced: false,
    wakeAt: null,
    inFlight: [],
    sent: [],
    ordersCancelled: 0,
    resting: orders,
  };
  const noted: readonly EewAction[] =
    found.length === 0 ? [] : [{ kind: "note_found", delivery: pass.delivery, found }];
  const before = words.foundBefore(pass.delivery.foundBefore);
  const told = [...lines, ...words.found(found, resting, cancelling, rulebook), ...before];
  return send(limits, next, [...noted, ...cancelling.map(cancelAction)], told, now);
}

function closing(limits: EewLimits, state: Closing, event: EewEvent, now: Instant): Step {
  switch (event.kind) {
    case "cancel_answered": {
      const cancelling = without(state.cancelling, event.request);
      if (cancelling.length === state.cancelling.length) return [state, []];
      const count = ordersTaken(event.request, state.resting);
      const ordersCancelled = state.ordersCancelled + (event.outcome.kind === "cancelled" ? count : 0);
      const fillsProve = state.fillsProve && event.outcome.kind === "cancelled";
      const line = words.cancelAnswered(event.request, count, event.outcome);
      return send(limits, { ...state, cancelling, ordersCancelled, fillsProve }, [], [line], now);
    }
    case "close_answered": {
      const inFlight = state.inFlight.filter((order) => order.clientOrderId !== event.order.clientOrderId);
      if (inFlight.length === state.inFlight.length) return [state, []];
      const sent = [...state.sent, { order: event.order, outcome: event.outcome }];
      const line = words.closeAnswered(event, state.found);
      return send(limits, heed({ ...state, inFlight, sent }, event, now), [], [line], now);
    }
    case "timer":
      if (now >= state.endsAt) return outOfTime(state, now);
      return send(limits, state, [], [], now);
    default:
      return [state, []];
  }
}

/** What one answer means for the orders that are still to be sent. */
function heed(state: Closing, { order, outcome }: SentOrder, now: Instant): Closing {
  if (outcome.kind !== "refused") return state;
  switch (outcome.cause) {
    case "order_limit":
      return { ...state, budget: exhaust(state.budget, now) };
    case "address_limit":
      return { ...state, silenced: true };
    case "price_band": {
      const leg = state.found.find((candidate) => legName(candidate) === legName(order));
      const isFollowUp = (state.delivery.followsUp?.number ?? 1) > 1;
      // Not the same order again, but another kind of order; the first attempt leaves it at the market order.
      const limit = isFollowUp && order.limitPrice === null && leg !== undefined;
      const inside = limit ? insideBand(order, leg, state.rulebook) : null;
      return inside === null ? state : { ...state, waiting: [inside, ...state.waiting] };
    }
    case "position_mode":
    case "blocked":
    case "other":
      return state;
  }
}

/** Sends the closes that wait for nothing any more, and moves on once nothing is under way. */
function send(
  limits: EewLimits,
  state: Closing,
  actions: readonly EewAction[],
  lines: readonly Tell[],
  now: Instant,
): Step {
  const { held, ready } = sorted(state, now);
  const going = state.silenced ? [] : ready.slice(0, ordersLeft(state.budget, now));
  const behind = ready.slice(going.length);
  const budget = spend(state.budget, going.length, now);
  const refills = refillsAt(budget, now);
  // What the limits leave no room for in this pass, the follow-up sends.
  const tooLate = state.silenced || refills === null || refills > after(state.endsAt, -limits.lastSendMs);
  const dropped = tooLate ? behind : [];
  const limited = tooLate ? [] : behind;
  const next: Closing = {
    ...state,
    waiting: [...limited, ...held],
    wakeAt: earliest(held.length > 0 ? state.releaseAt : null, limited.length > 0 ? refills : null),
    inFlight: [...state.inFlight, ...going],
    budget,
  };
  const told = [...lines, ...going.map(words.closing), ...words.notSent(dropped)];
  return settle(next, [...actions, ...going.map(closeAction), ...told], now);
}

/** The waiting closes: held are those whose symbol has a cancel under way, as long as there is patience for it. */
function sorted(
  { waiting, cancelling, releaseAt }: Closing,
  now: Instant,
): { readonly held: readonly CloseOrder[]; readonly ready: readonly CloseOrder[] } {
  if (waiting.length === 0 || now >= releaseAt || cancelling.length === 0) return { held: [], ready: waiting };
  const busy = new Set(cancelling.map(({ symbol }) => symbol));
  const held: CloseOrder[] = [];
  const ready: CloseOrder[] = [];
  for (const order of waiting) (busy.has(order.symbol) ? held : ready).push(order);
  return { held, ready };
}

/** Moves on to the verification once nothing is under way any more. */
function settle(state: Closing, actions: readonly EewAction[], now: Instant): Step {
  if (state.cancelling.length > 0 || state.waiting.length > 0 || state.inFlight.length > 0) return [state, actions];
  const nothing = unknown("not read yet");
  return look(
    {
      ...passOf(state),
      kind: "verifying",
      found: state.found,
      fillsProve: state.fillsProve,
      sent: state.sent,
      ordersCancelled: state.ordersCancelled,
      stops: state.resting.filter((order) => order.closesPosition && legsOf(state.found).has(legName(order))),
      lastOrderAt: now,
      cleanAt: null,
      askedAt: now,
      retryAt: null,
      cancelling: [],
      swept: [],
      last: { positions: nothing, resting: nothing },
    },
    actions,
    now,
  );
}

/** The pass is over with orders unanswered: their fate is unknown, and nothing was read after them. */
function outOfTime(state: Closing, now: Instant): Step {
  const why = unknown("the pass ran out of time before every order was answered");
  const { found, delivery, ordersCancelled } = state;
  const counts = tally("UNKNOWN", found, { positions: why, resting: why }, [], delivery.foundBefore);
  return report(state, "UNKNOWN", counts, ordersCancelled, now);
}

/** Asks what is left, and what became of the orders that nobody knows of. */
function look(state: Verifying, actions: readonly EewAction[], now: Instant): Step {
  const unsure = state.sent.filter(({ outcome }) => outcome.kind === "unknown").map(({ order }) => order);
  const again = state.retryAt !== null && state.cleanAt === null;
  const ask: EewAction = { kind: "look", askedAt: now, after: unsure.slice(0, LOOK_UPS_MAX), again };
  return [{ ...state, askedAt: now, retryAt: null }, [...actions, ask]];
}

function verifying(limits: EewLimits, state: Verifying, event: EewEvent, now: Instant): Step {
  switch (event.kind) {
    case "looked":
      return event.askedAt === state.askedAt ? looked(limits, state, event, now) : [state, []];
    case "cancel_answered": {
      const cancelling = without(state.cancelling, event.request);
      if (cancelling.length === state.cancelling.length) return [state, []];
      const count = state.last.resting.known ? ordersTaken(event.request, state.last.resting.value) : 0;
      const ordersCancelled = state.ordersCancelled + (event.outcome.kind === "cancelled" ? count : 0);
      const fillsProve = state.fillsProve && event.outcome.kind === "cancelled";
      const next = { ...state, cancelling, ordersCancelled, fillsProve };
      const line = words.cancelAnswered(event.request, count, event.outcome);
      return cancelling.length === 0 ? look(next, [line], now) : [next, [line]];
    }
    case "timer":
      if (now >= state.endsAt) return conclude(state, openByLastLook(state.last) ? "NOT_FLAT" : "UNKNOWN", now);
      if (state.retryAt === null || now < state.retryAt) return [state, []];
      return look(state, [], now);
    default:
      return [state, []];
  }
}

function looked(
  limits: EewLimits,
  before: Verifying,
  { look: last, resolved, silentUntil }: Extract<EewEvent, { kind: "looked" }>,
  now: Instant,
): Step {
  const news = new Map(resolved.map((one) => [one.order.clientOrderId, one]));
  const sent = before.sent.map((one) => news.get(one.order.clientOrderId) ?? one);
  const lines = resolved.flatMap((one) =>
    one.outcome.kind === "unknown" ? [] : [words.closeAnswered(one, before.found)],
  );
  const state: Verifying = { ...before, last, sent };
  const sweeping = stillToSweep(state);
  if (sweeping.length > 0) {
    const swept = [...state.swept, ...sweeping.map(cancelName)];
    const fillsProve = state.fillsProve && sweeping.every((request) => onlyProtects(request, last));
    const next = { ...state, fillsProve, cancelling: sweeping, swept, cleanAt: null };
    return [next, [...sweeping.map(cancelAction), ...lines, words.sweeping(sweeping)]];
  }
  const cleanBefore = state.cleanAt !== null && state.askedAt - state.cleanAt >= limits.witnessGapMs;
  const judgement: Judgement = judge({ ...state, ...last, cleanBefore });
  switch (judgement.kind) {
    case "flat":
      return conclude(state, "FLAT", now, lines);
    case "clean": {
      // Counted from the answer, not from the question: the two lists are then a full gap apart.
      const cleanAt = state.cleanAt ?? now;
      return [{ ...state, cleanAt, retryAt: after(cleanAt, limits.witnessGapMs) }, lines];
    }
    case "open":
      if (!judgement.hope || now - state.lastOrderAt >= limits.verifyMs) return conclude(state, "NOT_FLAT", now, lines);
      return [{ ...state, cleanAt: null, retryAt: after(now, limits.lookAgainMs) }, lines];
    case "unreadable": {
      const line = critical(`The account can't be read after the close: ${judgement.why}`, "alarm");
      // Nothing can be read before the pass ends: people hear of it now.
      if (silentUntil !== null && silentUntil >= state.endsAt) return conclude(state, "UNKNOWN", now, [...lines, line]);
      const pauseMs = Math.max(limits.lookAgainMs, limits.lookLaterFactor * (now - state.lastOrderAt));
      return [{ ...state, retryAt: after(now, pauseMs) }, [...lines, line]];
    }
  }
}

/**
 * What rests and was not cancelled in this state yet. The protective stops of a leg go once it is flat, or once the venue
 * has refused its close because of other orders: then they are in the way.
 */
function stillToSweep({ found, sent, stops, last, swept }: Verifying): readonly CancelRequest[] {
  const { positions, resting } = last;
  if (!resting.known) return [];
  const guarded = new Set(legsOf(positions.known ? positions.value : found));
  for (const { order, outcome } of sent) {
    if (outcome.kind === "refused" && outcome.cause === "blocked") guarded.delete(legName(order));
  }
  const listed = new Set(resting.value.map(({ orderId }) => orderId));
  const all = [...resting.value, ...stops.filter(({ orderId }) => !listed.has(orderId))];
  return cancelsFor(all, guarded).filter((request) => !swept.includes(cancelName(request)));
}

/** What the request cancels could not have opened anything. */
function onlyProtects(request: CancelRequest, { resting }: Look): boolean {
  return resting.known && resting.value.every((order) => order.closesPosition || ordersTaken(request, [order]) === 0);
}

function openByLastLook({ positions, resting }: Look): boolean {
  return (positions.known && positions.value.length > 0) || (resting.known && resting.value.length > 0);
}

function conclude(state: Verifying, outcome: Outcome, now: Instant, lines: readonly Tell[] = []): Step {
  const counts = tally(outcome, state.found, state.last, state.sent, state.delivery.foundBefore);
  return report(state, outcome, counts, state.ordersCancelled, now, lines);
}

function report(
  pass: Pass,
  outcome: Outcome,
  counts: Tally,
  ordersCancelled: number,
  now: Instant,
  lines: readonly Tell[] = [],
): Step {
  const { delivery, startedAt } = pass;
  const { reason, source } = haltFor(delivery, 0);
  const executionTimeMs = Math.round(now - startedAt);
  const completion: Completion = {
    ...counts,
    eventId: delivery.eventId,
    executionTimeMs,
    reason,
    source,
    ordersCancelled,
  };
  return [
    { ...passOf(pass), kind: "reporting", completion, retryAt: null, toldAt: null },
    [reportAction(delivery, completion), ...lines, ...words.result(completion, outcome)],
  ];
}

/** The account comes before the record: while the bus can't be told, the next event is listened for and executed. */
function reporting(limits: EewLimits, state: Reporting, event: EewEvent, now: Instant): Step {
  switch (event.kind) {
    case "panic": {
      const [next, actions] = receive(limits, event.delivery, now);
      return [next, [{ ...reportAction(state.delivery, state.completion), kind: "owe" }, ...actions]];
    }
    case "reported":
      if (event.eventId !== state.delivery.eventId) return [state, []];
      return [{ kind: "idle" }, [...words.ending(state.completion), { kind: "listen" }]];
    case "report_unconfirmed": {
      if (event.eventId !== state.delivery.eventId) return [state, []];
      const tell = state.toldAt === null || now - state.toldAt >= limits.tellAgainMs;
      const next = { ...state, retryAt: after(now, limits.reportAgainMs), toldAt: tell ? now : state.toldAt };
      const lines = tell ? [warn(`Report not confirmed, trying again: ${event.why}`)] : [];
      return [next, state.toldAt === null ? [...lines, { kind: "listen" }] : lines];
    }
    case "timer":
      if (state.retryAt === null || now < state.retryAt) return [state, []];
      return [{ ...state, retryAt: null }, [reportAction(state.delivery, state.completion)]];
    default:
      return [state, []];
  }
}

function reportAction(delivery: Delivery, completion: Completion): Extract<EewAction, { kind: "report" }> {
  return { kind: "report", delivery, completion, halt: haltFor(delivery, completion.positionsClosed) };
}

function closeAction(order: CloseOrder): EewAction {
  return { kind: "close", order };
}

function cancelAction(request: CancelRequest): EewAction {
  return { kind: "cancel", request };
}

function haltFor(delivery: Delivery, positionsClosed: number): Halt {
  const { eventId } = delivery;
  return { reason: words.reasonOf(delivery), source: words.sourceOf(delivery), eventId, positionsClosed };
}

function without(
  requests: readonly CancelRequest[],
  { symbol, family, orderId }: CancelRequest,
): readonly CancelRequest[] {
  return requests.filter((one) => one.symbol !== symbol || one.family !== family || one.orderId !== orderId);
}

function passOf({ delivery, startedAt, endsAt }: Pass): Pass {
  return { delivery, startedAt, endsAt };
}

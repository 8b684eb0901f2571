/**
 * The emergency exit worker's decisions (design section 4): a straight line, ten seconds in all.
 *
 *   idle → halting → reading → closing → verifying → reporting → idle
 *
 * A pass sends each close once. What it leaves open it reports by name; the watchdog answers with a new event.
 */

import { AUTHORIZATION_LIMITS, type AuthorizationLimits, authorize } from "./authorization.ts";
import { cents, plain, sum, ZERO } from "./decimal.ts";
import { type Judgement, judge, type SentOrder, type Tally, tally } from "./flat.ts";
import { flattenPlan } from "./flatten-plan.ts";
import { dustOf, type LotRules } from "./lots.ts";
import type { Attempt, Completion, Delivery, Halt, Outcome } from "./messages.ts";
import {
  type CancelOutcome,
  type CloseOrder,
  legName,
  notional,
  type Position,
  type RestingOrder,
} from "./position.ts";
import { type Reading, unknown } from "./reading.ts";
import { critical, info, type Tell, warn } from "./tell.ts";
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
  /**
   * Pause before the account is read again. A full look weighs 85 of the address's 2400 a minute (Binance: positions 5,
   * each family of orders 40), so a pass of looks once a second stays far from a ban.
   */
  readonly lookAgainMs: number;
  /** Pause before a report that was not confirmed is repeated; the bus keeps one. */
  readonly reportAgainMs: number;
}

/** Runbook and design section 4. */
export const EEW_LIMITS: EewLimits = {
  ...AUTHORIZATION_LIMITS,
  passMs: 10_000,
  cancelWaitMs: 500,
  witnessGapMs: 1_000,
  verifyMs: 3_000,
  lookAgainMs: 1_000,
  reportAgainMs: 250,
};

/** What every state of a pass knows. */
interface Pass {
  readonly delivery: Delivery;
  readonly startedAt: Instant;
  readonly endsAt: Instant;
}

/** Where the worker is. Each state owns its data. */
export type EewState =
  | { readonly kind: "idle" }
  | ({ readonly kind: "halting" } & Pass)
  | LookingFirst
  | Closing
  | Verifying
  | ({ readonly kind: "reporting"; readonly completion: Completion; readonly retryAt: Instant | null } & Pass);

/** The account is read for the first time. */
interface LookingFirst extends Pass {
  readonly kind: "reading";
  /** Names the read whose answer counts. */
  readonly askedAt: Instant;
  /** Null while a read is under way. */
  readonly retryAt: Instant | null;
  /** Why the last read failed. */
  readonly why: string | null;
}

/** Cancels and closes are under way. */
interface Closing extends Pass {
  readonly kind: "closing";
  readonly found: readonly Position[];
  /** Cancels not answered yet, as `SYMBOL/family`. */
  readonly cancelling: readonly string[];
  /** Closes that wait for the cancels of their symbol, at most until `releaseAt`. */
  readonly held: readonly CloseOrder[];
  readonly releaseAt: Instant;
  /** Closes sent and not answered yet. */
  readonly inFlight: readonly CloseOrder[];
  readonly sent: readonly SentOrder[];
  readonly ordersCancelled: number;
  /** The resting orders that were seen, to count those that a cancel removed. */
  readonly resting: readonly RestingOrder[];
}

/** Orders are done; the venue is asked what is left. */
interface Verifying extends Pass {
  readonly kind: "verifying";
  readonly found: readonly Position[];
  readonly sent: readonly SentOrder[];
  readonly ordersCancelled: number;
  readonly lastOrderAt: Instant;
  /** When the first clean look was asked for; null before one. */
  readonly cleanAt: Instant | null;
  /** Names the read whose answer counts; it is after the last order. */
  readonly askedAt: Instant;
  /** Null while a read is under way. */
  readonly retryAt: Instant | null;
  readonly lookedAt: Account;
}

/** Both halves of the account, read together. */
export interface Account {
  readonly positions: Reading<readonly Position[]>;
  readonly resting: Reading<readonly RestingOrder[]>;
}

/** Everything that can happen to the worker. */
export type EewEvent =
  | { readonly kind: "panic"; readonly delivery: Delivery }
  | { readonly kind: "halt_written" }
  | { readonly kind: "halt_unconfirmed"; readonly why: string }
  /**
   * The answer to the read that was asked for at `askedAt`; one to an earlier read is no evidence of what came after.
   * `lots` is what is known of the venue's market lots.
   */
  | { readonly kind: "account"; readonly askedAt: Instant; readonly account: Account; readonly lots: LotRules }
  | {
      readonly kind: "cancel_answered";
      readonly symbol: string;
      readonly family: RestingOrder["family"];
      readonly outcome: CancelOutcome;
    }
  | ({ readonly kind: "close_answered" } & SentOrder)
  | { readonly kind: "reported" }
  | { readonly kind: "report_unconfirmed"; readonly why: string }
  | { readonly kind: "timer" };

/** What the worker wants done. */
export type EewAction =
  | { readonly kind: "write_halt"; readonly halt: Halt }
  /**
   * Positions and resting orders, asked together. Once the positions are known the orders get this much longer, null
   * for as long as they take; what has not come by then is unknown.
   */
  | { readonly kind: "read_account"; readonly askedAt: Instant; readonly restingWaitMs: number | null }
  | { readonly kind: "cancel"; readonly symbol: string; readonly family: RestingOrder["family"] }
  | { readonly kind: "close"; readonly order: CloseOrder }
  /** Report, final halt and acknowledgement: one atomic step on the bus. */
  | { readonly kind: "report"; readonly delivery: Delivery; readonly completion: Completion; readonly halt: Halt }
  /** Acknowledge an event that is not executed. */
  | { readonly kind: "refuse"; readonly delivery: Delivery; readonly why: string }
  /** Ready for the next event. */
  | { readonly kind: "listen" }
  | Tell;

type Step = readonly [EewState, readonly EewAction[]];

const RULE = "=".repeat(60);

/** Advances the worker by one event. */
export function step(limits: EewLimits, state: EewState, event: EewEvent, now: Instant): Step {
  switch (state.kind) {
    case "idle":
      return event.kind === "panic" ? receive(limits, event.delivery, now) : [state, []];
    case "halting":
      if (event.kind === "halt_written") return read(limits, state, [], now);
      // Closing matters more than the flag: the final report writes the halt again.
      if (event.kind === "halt_unconfirmed")
        return read(limits, state, [critical(`Halt not confirmed: ${event.why}`, "alarm")], now);
      return [state, []];
    case "reading":
      return reading(limits, state, event, now);
    case "closing":
      return closing(state, event, now);
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
    case "halting":
      return null;
    case "reading":
      return earliest(state.retryAt, state.endsAt);
    case "closing":
      return earliest(state.held.length > 0 ? state.releaseAt : null, state.endsAt);
    case "verifying":
      return earliest(state.retryAt, state.endsAt);
    case "reporting":
      return state.retryAt;
  }
}

function receive(limits: EewLimits, delivery: Delivery, now: Instant): Step {
  const source = sourceOf(delivery);
  const heading: readonly Tell[] = [
    critical(RULE),
    critical("PANIC CLOSE EVENT RECEIVED", "alarm"),
    critical(RULE),
    critical(`Event ID: ${delivery.eventId}`),
    critical(`Source: ${source}`),
    critical(`Reason: ${reasonOf(delivery)}`),
    ...(delivery.followsUp === null ? [] : [critical(attemptLine(delivery.followsUp))]),
  ];
  const verdict = authorize(limits, delivery);
  if (verdict.kind === "refuse") {
    const line = critical(`Event ${delivery.eventId} not executed: ${verdict.why}`, "alarm");
    return [{ kind: "idle" }, [{ kind: "refuse", delivery, why: verdict.why }, ...heading, line, { kind: "listen" }]];
  }
  const age = (Math.max(0, delivery.ageMs) / 1000).toFixed(1);
  return [
    { kind: "halting", delivery, startedAt: now, endsAt: after(now, limits.passMs) },
    [
      { kind: "write_halt", halt: haltFor(delivery, 0) },
      ...heading,
      critical(`Trigger validated (source=${source}, age=${age}s)`, "done"),
    ],
  ];
}

function read(limits: EewLimits, pass: Pass, lines: readonly Tell[], now: Instant): Step {
  const next: EewState = { ...passOf(pass), kind: "reading", askedAt: now, retryAt: null, why: null };
  return [next, [{ kind: "read_account", askedAt: now, restingWaitMs: limits.cancelWaitMs }, ...lines]];
}

function reading(limits: EewLimits, state: LookingFirst, event: EewEvent, now: Instant): Step {
  if (event.kind === "account" && event.askedAt === state.askedAt) {
    const { positions, resting } = event.account;
    if (positions.known) return plan(limits, state, positions.value, resting, event.lots, now);
    const line = critical(`Positions can't be read, trying again: ${positions.why}`, "alarm");
    return [{ ...state, retryAt: after(now, limits.lookAgainMs), why: positions.why }, [line]];
  }
  if (event.kind !== "timer") return [state, []];
  if (now >= state.endsAt) {
    const why = unknown(state.why ?? "the venue did not answer");
    return report(state, "UNKNOWN", tally("UNKNOWN", null, why, why), 0, now);
  }
  if (state.retryAt === null || now < state.retryAt) return [state, []];
  const again: EewAction = { kind: "read_account", askedAt: now, restingWaitMs: limits.cancelWaitMs };
  return [{ ...state, askedAt: now, retryAt: null }, [again]];
}

/** The account is known: cancel where something rests, close at once where nothing does. */
function plan(
  limits: EewLimits,
  pass: Pass,
  found: readonly Position[],
  resting: Reading<readonly RestingOrder[]>,
  lots: LotRules,
  now: Instant,
): Step {
  const orders = resting.known ? resting.value : [];
  const cancels = new Map(orders.map((order) => [cancelKey(order.symbol, order.family), order]));
  const blocked = new Set(orders.map((order) => order.symbol));
  const closes = flattenPlan(pass.delivery.eventId, found, lots);
  const free = closes.filter((order) => !blocked.has(order.symbol));
  const held = closes.filter((order) => blocked.has(order.symbol));
  const lines: Tell[] = [
    info(`Found ${found.length} open positions`),
    info(`Total notional: $${cents(sum(found.map(notional)))}`),
    ...found.flatMap((leg) => dustLine(leg, lots)),
  ];
  if (orders.length > 0)
    lines.push(info(`Found ${orders.length} resting orders on ${blocked.size} symbols: cancelling`));
  if (!resting.known)
    lines.push(critical(`Resting orders can't be read, closing without them: ${resting.why}`, "alarm"));
  const next: Closing = {
    ...passOf(pass),
    kind: "closing",
    found,
    cancelling: [...cancels.keys()],
    held,
    releaseAt: after(now, limits.cancelWaitMs),
    inFlight: free,
    sent: [],
    ordersCancelled: 0,
    resting: orders,
  };
  const actions: readonly EewAction[] = [
    ...free.map(closeAction),
    ...[...cancels.values()].map(({ symbol, family }): EewAction => ({ kind: "cancel", symbol, family })),
    ...lines,
    ...free.map(closeLine),
  ];
  return settle(next, actions, now);
}

function closing(state: Closing, event: EewEvent, now: Instant): Step {
  switch (event.kind) {
    case "cancel_answered":
      return cancelAnswered(state, event, now);
    case "close_answered": {
      const inFlight = state.inFlight.filter((order) => order.clientOrderId !== event.order.clientOrderId);
      if (inFlight.length === state.inFlight.length) return [state, []];
      const sent = [...state.sent, { order: event.order, outcome: event.outcome }];
      return settle({ ...state, inFlight, sent }, [closeAnsweredLine(event, state.found)], now);
    }
    case "timer":
      if (now >= state.endsAt) return outOfTime(state, now);
      return now >= state.releaseAt ? release(state, () => true, [], now) : [state, []];
    default:
      return [state, []];
  }
}

function cancelAnswered(state: Closing, event: Extract<EewEvent, { kind: "cancel_answered" }>, now: Instant): Step {
  const key = cancelKey(event.symbol, event.family);
  if (!state.cancelling.includes(key)) return [state, []];
  const cancelling = state.cancelling.filter((other) => other !== key);
  const count = state.resting.filter((order) => cancelKey(order.symbol, order.family) === key).length;
  const ordersCancelled = state.ordersCancelled + (event.outcome.kind === "cancelled" ? count : 0);
  const line =
    event.outcome.kind === "cancelled"
      ? info(`${event.symbol}: ${count} ${event.family} orders cancelled`)
      : critical(`${event.symbol}: ${event.family} orders not cancelled: ${event.outcome.why}`, "alarm");
  const done = (symbol: string) => !cancelling.some((other) => other.startsWith(`${symbol}/`));
  return release({ ...state, cancelling, ordersCancelled }, done, [line], now);
}

/** Sends the held closes whose symbol is ready. */
function release(state: Closing, ready: (symbol: string) => boolean, lines: readonly Tell[], now: Instant): Step {
  const out = state.held.filter((order) => ready(order.symbol));
  const held = state.held.filter((order) => !ready(order.symbol));
  const next = { ...state, held, inFlight: [...state.inFlight, ...out] };
  return settle(next, [...out.map(closeAction), ...lines, ...out.map(closeLine)], now);
}

/** Moves on to the verification once nothing is under way any more. */
function settle(state: Closing, actions: readonly EewAction[], now: Instant): Step {
  if (state.cancelling.length > 0 || state.held.length > 0 || state.inFlight.length > 0) return [state, actions];
  const nothing = unknown("not read yet");
  const next: Verifying = {
    ...passOf(state),
    kind: "verifying",
    found: state.found,
    sent: state.sent,
    ordersCancelled: state.ordersCancelled,
    lastOrderAt: now,
    cleanAt: null,
    askedAt: now,
    retryAt: null,
    lookedAt: { positions: nothing, resting: nothing },
  };
  return [next, [...actions, { kind: "read_account", askedAt: now, restingWaitMs: null }]];
}

/** The pass is over with orders unanswered: their fate is unknown, and nothing was read after them. */
function outOfTime(state: Closing, now: Instant): Step {
  const why = unknown("the pass ran out of time before every order was answered");
  return report(state, "UNKNOWN", tally("UNKNOWN", state.found, why, why), state.ordersCancelled, now);
}

function verifying(limits: EewLimits, state: Verifying, event: EewEvent, now: Instant): Step {
  if (event.kind === "account" && event.askedAt === state.askedAt) return look(limits, state, event.account, now);
  if (event.kind !== "timer") return [state, []];
  if (now >= state.endsAt) return conclude(state, openByLastLook(state.lookedAt) ? "NOT_FLAT" : "UNKNOWN", now);
  if (state.retryAt === null || now < state.retryAt) return [state, []];
  return [{ ...state, askedAt: now, retryAt: null }, [{ kind: "read_account", askedAt: now, restingWaitMs: null }]];
}

function look(limits: EewLimits, state: Verifying, account: Account, now: Instant): Step {
  const cleanBefore = state.cleanAt !== null && state.askedAt - state.cleanAt >= limits.witnessGapMs;
  const looked: Verifying = { ...state, lookedAt: account };
  const judgement: Judgement = judge({ found: state.found, sent: state.sent, ...account, cleanBefore });
  switch (judgement.kind) {
    case "flat":
      return conclude(looked, "FLAT", now);
    case "clean": {
      // Counted from the answer, not from the question: the two lists are then a full gap apart.
      const cleanAt = state.cleanAt ?? now;
      return [{ ...looked, cleanAt, retryAt: after(cleanAt, limits.witnessGapMs) }, []];
    }
    case "open":
      if (!judgement.hope || now - state.lastOrderAt >= limits.verifyMs) return conclude(looked, "NOT_FLAT", now);
      return [{ ...looked, cleanAt: null, retryAt: after(now, limits.lookAgainMs) }, []];
    case "unreadable": {
      const line = critical(`The account can't be read after the close, trying again: ${judgement.why}`, "alarm");
      return [{ ...looked, retryAt: after(now, limits.lookAgainMs) }, [line]];
    }
  }
}

function openByLastLook({ positions, resting }: Account): boolean {
  return (positions.known && positions.value.length > 0) || (resting.known && resting.value.length > 0);
}

function conclude(state: Verifying, outcome: Outcome, now: Instant): Step {
  const { positions, resting } = state.lookedAt;
  return report(state, outcome, tally(outcome, state.found, positions, resting), state.ordersCancelled, now);
}

function report(pass: Pass, outcome: Outcome, counts: Tally, ordersCancelled: number, now: Instant): Step {
  const { delivery, startedAt } = pass;
  const completion: Completion = {
    ...counts,
    eventId: delivery.eventId,
    executionTimeMs: Math.round(now - startedAt),
    reason: reasonOf(delivery),
    source: sourceOf(delivery),
    ordersCancelled,
  };
  return [
    { ...passOf(pass), kind: "reporting", completion, retryAt: null },
    [reportAction(delivery, completion), ...resultLines(completion, outcome)],
  ];
}

function resultLines(completion: Completion, outcome: Outcome): readonly Tell[] {
  const lines: Tell[] = [info(`Closed: ${completion.positionsClosed}/${completion.positionsTotal}`)];
  if (outcome !== "FLAT") {
    const open = completion.residual.map((leg) => `${legName(leg)} ${plain(leg.amount)}`).join(", ");
    const what = open === "" ? completion.failedSymbols.join(", ") : open;
    lines.push(critical(`Outcome ${outcome}, not proven closed: ${what}`, "alarm"));
  }
  lines.push(info(`Execution time: ${completion.executionTimeMs}ms`));
  return lines;
}

function reporting(
  limits: EewLimits,
  state: Extract<EewState, { kind: "reporting" }>,
  event: EewEvent,
  now: Instant,
): Step {
  switch (event.kind) {
    case "reported": {
      const flat = state.completion.outcome === "FLAT";
      const banner = flat
        ? critical("PANIC CLOSE COMPLETE - SYSTEM HALTED", "lock")
        : critical("PANIC CLOSE INCOMPLETE - SYSTEM HALTED", "alarm");
      const published = info("Published to system:panic_close:completed");
      return [{ kind: "idle" }, [published, critical(RULE), banner, critical(RULE), { kind: "listen" }]];
    }
    case "report_unconfirmed":
      return [
        { ...state, retryAt: after(now, limits.reportAgainMs) },
        [warn(`Report not confirmed, trying again: ${event.why}`)],
      ];
    case "timer":
      if (state.retryAt === null || now < state.retryAt) return [state, []];
      return [{ ...state, retryAt: null }, [reportAction(state.delivery, state.completion)]];
    default:
      return [state, []];
  }
}

function reportAction(delivery: Delivery, completion: Completion): EewAction {
  return { kind: "report", delivery, completion, halt: haltFor(delivery, completion.positionsClosed) };
}

function closeAction(order: CloseOrder): EewAction {
  return { kind: "close", order };
}

function closeLine(order: CloseOrder): Tell {
  return info(`Closing ${legName(order)}: ${order.side} ${plain(order.quantity)} (reduce-only)`);
}

/** A leg counts as closed in the log only if this one order took all of it. */
function closeAnsweredLine({ order, outcome }: SentOrder, found: readonly Position[]): Tell {
  const leg = legName(order);
  switch (outcome.kind) {
    case "executed": {
      const open = found.find((position) => legName(position) === leg)?.amount.abs() ?? order.quantity;
      if (outcome.executed.eq(open)) return info(`${leg} closed - Order ID: ${outcome.orderId}`, "done");
      const part = `${plain(outcome.executed)} of ${plain(open)}`;
      if (outcome.executed.eq(order.quantity))
        return info(`${leg} closed in part: ${part} - Order ID: ${outcome.orderId}`);
      return critical(`${leg} closed in part: ${part} - Order ID: ${outcome.orderId}`, "alarm");
    }
    case "refused":
      return critical(`${leg} not closed: ${outcome.why}`, "alarm");
    case "unknown":
      return critical(`${leg} may or may not be closed: ${outcome.why}`, "alarm");
  }
}

function attemptLine({ incidentId, number }: Attempt): string {
  return `Attempt: ${number} of incident ${incidentId}`;
}

function dustLine(leg: Position, lots: LotRules): readonly Tell[] {
  const rule = lots.get(leg.symbol);
  const dust = rule === undefined ? ZERO : dustOf(leg.amount.abs(), rule);
  if (rule === undefined || dust.eq(ZERO)) return [];
  const why = `step ${plain(rule.step)}, minimum ${plain(rule.min)}, at most ${plain(rule.max)} in one order`;
  return [critical(`${legName(leg)}: ${plain(dust)} can't be ordered in this pass (${why})`, "alarm")];
}

function haltFor(delivery: Delivery, positionsClosed: number): Halt {
  return { reason: reasonOf(delivery), source: sourceOf(delivery), eventId: delivery.eventId, positionsClosed };
}

function reasonOf(delivery: Delivery): string {
  return delivery.reason ?? "MALFORMED_PANIC_EVENT";
}

function sourceOf(delivery: Delivery): string {
  return delivery.issuedBy ?? "unknown";
}

function cancelKey(symbol: string, family: RestingOrder["family"]): string {
  return `${symbol}/${family}`;
}

function passOf({ delivery, startedAt, endsAt }: Pass): Pass {
  return { delivery, startedAt, endsAt };
}

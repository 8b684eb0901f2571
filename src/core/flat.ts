/** Is the account flat? Never better than the venue says (design rule 2). */

import { sum, ZERO } from "./decimal.ts";
import type { Completion, Outcome, Residual } from "./messages.ts";
import {
  type CloseOrder,
  type CloseOutcome,
  everyLeg,
  type FoundLeg,
  legName,
  notional,
  type Position,
  type RestingOrder,
} from "./position.ts";
import type { Reading } from "./reading.ts";

/** A close order and what became of it. */
export interface SentOrder {
  readonly order: CloseOrder;
  readonly outcome: CloseOutcome;
}

/** Both halves of the account, read together. */
export interface Look {
  readonly positions: Reading<readonly Position[]>;
  readonly resting: Reading<readonly RestingOrder[]>;
}

/** Everything a pass has learned when it judges; the look is from after the last order was answered. */
export interface Evidence extends Look {
  /** The legs that the pass found open before its first order. */
  readonly found: readonly Position[];
  /**
   * Fills that add up are a witness: the legs were read in this pass, no order rested that could open more, and no cancel
   * failed. A remembered leg proves nothing, and an entry that rested may have filled between one list and the next.
   */
  readonly fillsProve: boolean;
  readonly sent: readonly SentOrder[];
  /** An earlier look, at least a second before this one and after the last order, was already clean. */
  readonly cleanBefore: boolean;
}

/** What the evidence proves. `clean` is one witness short of flat: look again. */
export type Judgement =
  | { readonly kind: "flat" }
  | { readonly kind: "clean" }
  /** Something is still open. `hope`: an order's fate or a lagging read may still turn it, so it is worth another look. */
  | { readonly kind: "open"; readonly hope: boolean }
  | { readonly kind: "unreadable"; readonly why: string };

/** Weighs the evidence; the second witness is fills that add up, or an earlier clean look. */
export function judge(evidence: Evidence): Judgement {
  const { found, fillsProve, sent, positions, resting, cleanBefore } = evidence;
  if (!positions.known) return { kind: "unreadable", why: positions.why };
  if (positions.value.length > 0) {
    return { kind: "open", hope: positions.value.every((leg) => mayBeGone(leg, found, sent)) };
  }
  if (!resting.known) return { kind: "unreadable", why: resting.why };
  if (resting.value.length > 0) return { kind: "open", hope: true };
  if (cleanBefore || (fillsProve && fillsAddUp(found, sent))) return { kind: "flat" };
  return { kind: "clean" };
}

/** What is known to be executed for the leg, and what unknown orders may have executed besides, cover all that was open. */
function mayBeGone(leg: Position, found: readonly Position[], sent: readonly SentOrder[]): boolean {
  const open = found.find((candidate) => legName(candidate) === legName(leg));
  if (open === undefined) return false;
  const atMost = ordersOf(leg, sent).map(({ order, outcome }) => {
    if (outcome.kind === "refused") return ZERO;
    return outcome.kind === "executed" ? outcome.executed : order.quantity;
  });
  return sum(atMost).gte(open.amount.abs());
}

/** Every leg found open was bought or sold back in full. Nothing found proves nothing: one empty list may be a lie. */
function fillsAddUp(found: readonly Position[], sent: readonly SentOrder[]): boolean {
  if (found.length === 0) return false;
  return found.every((leg) => boughtBack(leg, sent));
}

/** Exactly what was open of the leg was executed against it. */
function boughtBack(leg: FoundLeg, sent: readonly SentOrder[]): boolean {
  const fills = ordersOf(leg, sent).flatMap(({ outcome }) => (outcome.kind === "executed" ? [outcome.executed] : []));
  return sum(fills).eq(leg.amount.abs());
}

function ordersOf(leg: FoundLeg, sent: readonly SentOrder[]): readonly SentOrder[] {
  return sent.filter(({ order }) => legName(order) === legName(leg));
}

/** The counts and names of a report, derived from the venue's last word alone. */
export type Tally = Pick<
  Completion,
  "outcome" | "positionsTotal" | "positionsClosed" | "positionsFailed" | "failedSymbols" | "residual" | "notionalUsd"
>;

/**
 * Adds up a pass (contract 3.3). A leg counts as closed only if the venue's last list was read and does not show it, and if
 * the account is flat or the leg's own fills add up: a single list is one witness, for a leg as for an account. The same goes
 * for a leg that only an earlier pass of the event found open, and whose fills that pass took with it.
 *
 * @param found the legs found open; null if they could never be read.
 * @param before the legs that earlier passes of the event found open; the notional is of what was open before any of them.
 */
export function tally(
  outcome: Outcome,
  found: readonly Position[] | null,
  look: Look,
  sent: readonly SentOrder[],
  before: readonly FoundLeg[],
): Tally {
  const { positions, resting } = look;
  const legs = everyLeg(found ?? [], before);
  const open = positions.known ? positions.value : legs;
  const openLegs = new Set(open.map(legName));
  const gone = legs.filter((leg) => !openLegs.has(legName(leg)));
  const closed = outcome === "FLAT" ? gone : gone.filter((leg) => boughtBack(leg, sent));
  const unproven = gone.filter((leg) => !closed.includes(leg));
  const failedLegs = [...open, ...unproven];
  const legSymbols = new Set(failedLegs.map((leg) => leg.symbol));
  const restingSymbols = new Set(resting.known ? resting.value.map((order) => order.symbol) : []);
  const failed = failedLegs.length + [...restingSymbols].filter((symbol) => !legSymbols.has(symbol)).length;
  const nameless = outcome !== "FLAT" && failed === 0;
  return {
    outcome,
    positionsTotal: closed.length + (nameless ? 1 : failed),
    positionsClosed: closed.length,
    positionsFailed: nameless ? 1 : failed,
    failedSymbols: nameless ? ["*"] : [...new Set([...legSymbols, ...restingSymbols])].sort(),
    residual: open.map(({ symbol, positionSide, amount }): Residual => ({ symbol, positionSide, amount })),
    notionalUsd: sum(everyLeg(before, found ?? []).map(notional)),
  };
}

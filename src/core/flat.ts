/** Is the account flat? Never better than the venue says (design rule 2). */

import { sum, ZERO } from "./decimal.ts";
import type { Completion, Outcome, Residual } from "./messages.ts";
import { type CloseOrder, type CloseOutcome, legName, notional, type Position, type RestingOrder } from "./position.ts";
import type { Reading } from "./reading.ts";

/** A close order and what became of it. */
export interface SentOrder {
  readonly order: CloseOrder;
  readonly outcome: CloseOutcome;
}

/** Everything a pass has learned when it judges. */
export interface Evidence {
  /** The legs that the pass found open before its first order. */
  readonly found: readonly Position[];
  /** They were read in this pass. What is only remembered from before it proves nothing about what was open. */
  readonly foundNow: boolean;
  readonly sent: readonly SentOrder[];
  /** Read after the last order was answered. */
  readonly positions: Reading<readonly Position[]>;
  readonly resting: Reading<readonly RestingOrder[]>;
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
  const { found, foundNow, sent, positions, resting, cleanBefore } = evidence;
  if (!positions.known) return { kind: "unreadable", why: positions.why };
  if (positions.value.length > 0) {
    return { kind: "open", hope: positions.value.every((leg) => mayBeGone(leg, found, sent)) };
  }
  if (!resting.known) return { kind: "unreadable", why: resting.why };
  if (resting.value.length > 0) return { kind: "open", hope: true };
  if (cleanBefore || (foundNow && fillsAddUp(found, sent))) return { kind: "flat" };
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
  return found.every((leg) => {
    const fills = ordersOf(leg, sent).flatMap(({ outcome }) => (outcome.kind === "executed" ? [outcome.executed] : []));
    return sum(fills).eq(leg.amount.abs());
  });
}

function ordersOf(leg: Position, sent: readonly SentOrder[]): readonly SentOrder[] {
  return sent.filter(({ order }) => legName(order) === legName(leg));
}

/** The counts and names of a report, derived from the venue's last word alone. */
export type Tally = Pick<
  Completion,
  "outcome" | "positionsTotal" | "positionsClosed" | "positionsFailed" | "failedSymbols" | "residual" | "notionalUsd"
>;

/**
 * Adds up a pass (contract 3.3). A leg counts as closed only if the venue's last list was read and does not show it.
 *
 * @param found the legs found open; null if they could never be read.
 */
export function tally(
  outcome: Outcome,
  found: readonly Position[] | null,
  positions: Reading<readonly Position[]>,
  resting: Reading<readonly RestingOrder[]>,
): Tally {
  const legs = found ?? [];
  const open = positions.known ? positions.value : legs;
  const openLegs = new Set(open.map(legName));
  const closed = legs.filter((leg) => !openLegs.has(legName(leg))).length;
  const openSymbols = new Set(open.map((leg) => leg.symbol));
  const restingSymbols = new Set(resting.known ? resting.value.map((order) => order.symbol) : []);
  const failedSymbols = [...new Set([...openSymbols, ...restingSymbols])].sort();
  const failed = openLegs.size + [...restingSymbols].filter((symbol) => !openSymbols.has(symbol)).length;
  const nameless = outcome !== "FLAT" && failed === 0;
  return {
    outcome,
    positionsTotal: closed + (nameless ? 1 : failed),
    positionsClosed: closed,
    positionsFailed: nameless ? 1 : failed,
    failedSymbols: nameless ? ["*"] : failedSymbols,
    residual: open.map(({ symbol, positionSide, amount }): Residual => ({ symbol, positionSide, amount })),
    notionalUsd: sum(legs.map(notional)),
  };
}

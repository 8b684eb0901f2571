/** The orders by which the brain leaves a leg. They can only reduce; their ids say whose they are and for which step. */

import { type Decimal, plain, ZERO } from "./decimal.ts";
import type { LegMemory } from "./exit-memory.ts";
import { insideBand } from "./flatten-plan.ts";
import { fnv1a } from "./fnv.ts";
import { chunks } from "./lots.ts";
import { type CloseOrder, legName, type Position } from "./position.ts";
import type { Rulebook } from "./rulebook.ts";

/** How every order id of the brain begins; the worker's begin with `q-`. */
export const EXIT_ORDER = "qx-";

/** How a step of the ladder is named in an order id; `all` for the whole leg. */
export function stepTag(step: string | null): string {
  return step === null ? "all" : fnv1a(step);
}

/**
 * The next order for a close: as much of it as the venue takes in one. Null where nothing of it can be ordered.
 *
 * Its id says which opening of the leg it belongs to, which step, and the how-manieth order it is: after a restart the same
 * order can be asked for, and no two orders of a leg share an id. `inBand`: a limit order inside the price band, where that is
 * known, for a market order that the band has refused.
 */
export function exitOrder(
  leg: Position,
  memory: LegMemory,
  step: string | null,
  quantity: Decimal,
  { rulebook, inBand }: { readonly rulebook: Rulebook; readonly inBand: boolean },
): CloseOrder | null {
  const lot = rulebook.get(leg.symbol)?.lot ?? null;
  const first = lot === null ? quantity : chunks(quantity, lot)[0];
  if (first === undefined || first.lte(ZERO)) return null;
  const { symbol, positionSide } = leg;
  const order: CloseOrder = {
    symbol,
    positionSide,
    side: memory.side === "long" ? "SELL" : "BUY",
    mode: positionSide === "BOTH" ? "one_way" : "hedge",
    limitPrice: null,
    quantity: first,
    clientOrderId: [
      `${EXIT_ORDER}${memory.openedAt.toString(36)}`,
      stepTag(step),
      fnv1a(legName(leg)),
      memory.sent.toString(36),
    ].join("-"),
  };
  return (inBand ? insideBand(order, leg, rulebook) : null) ?? order;
}

/** An order in words, as the worker tells its own (contract section 4). */
export function orderWords({ side, quantity }: CloseOrder): string {
  return `${side} ${plain(quantity)} (reduce-only)`;
}

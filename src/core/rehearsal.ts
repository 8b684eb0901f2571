/** What a pass would do to the account as it is now, without doing it. */

import { cancelsFor, legsOf } from "./cancel-plan.ts";
import { type Decimal, ZERO } from "./decimal.ts";
import { flattenPlan } from "./flatten-plan.ts";
import { dustOf, type LotRule } from "./lots.ts";
import { type OrderBudget, ordersLeft } from "./order-budget.ts";
import {
  type CancelRequest,
  type CloseOrder,
  legName,
  type Position,
  type PositionMode,
  type RestingOrder,
} from "./position.ts";
import type { Reading } from "./reading.ts";
import type { Rulebook } from "./rulebook.ts";
import type { Instant } from "./time.ts";

/** What the account holds and what is known of the venue. */
export interface Scene {
  readonly positions: readonly Position[];
  readonly resting: readonly RestingOrder[];
  readonly mode: Reading<PositionMode>;
  readonly rulebook: Rulebook;
  readonly budget: OrderBudget;
}

/** One leg, and how it would be closed. */
export interface LegPlan {
  readonly leg: Position;
  /** Several over the market lot size; none where all of it is dust. */
  readonly orders: readonly CloseOrder[];
  /** What can't be ordered: below a step or the minimum, or over the most orders for one leg. */
  readonly left: Decimal;
  /** The venue's rule for it; null where it is not on record, and the leg then goes in one order as it is. */
  readonly lot: LotRule | null;
  /** Its close waits for cancels of its symbol. */
  readonly waits: boolean;
}

/** What a pass would do, in its order. */
export interface Rehearsal {
  /** Largest notional first, as they would be sent. */
  readonly legs: readonly LegPlan[];
  /** Before the closes. */
  readonly cancels: readonly CancelRequest[];
  /** Protective stops that stay until their leg is flat. */
  readonly last: readonly RestingOrder[];
  /** Orders in all, and how many of them the account's order limit leaves room for now. */
  readonly orders: number;
  readonly ordersLeft: number;
}

/** Plans with the functions that a pass plans with. */
export function rehearse({ positions, resting, mode, rulebook, budget }: Scene, now: Instant): Rehearsal {
  const guarded = legsOf(positions);
  const cancels = cancelsFor(resting, guarded);
  const busy = new Set(cancels.map(({ symbol }) => symbol));
  const orders = flattenPlan({ eventId: "", attempt: 1, found: positions, mode, rulebook });
  const byLeg = Map.groupBy(orders, legName);
  const sorted = [...positions].sort((a, b) => placeOf(a, orders) - placeOf(b, orders));
  return {
    legs: sorted.map((leg) => {
      const lot = rulebook.get(leg.symbol)?.lot ?? null;
      const left = lot === null ? ZERO : dustOf(leg.amount.abs(), lot);
      return { leg, orders: byLeg.get(legName(leg)) ?? [], left, lot, waits: busy.has(leg.symbol) };
    }),
    cancels,
    last: resting.filter((order) => order.closesPosition && guarded.has(legName(order))),
    orders: orders.length,
    ordersLeft: ordersLeft(budget, now),
  };
}

/** Where the leg's first order is; legs without one come last. */
function placeOf(leg: Position, orders: readonly CloseOrder[]): number {
  const place = orders.findIndex((order) => legName(order) === legName(leg));
  return place < 0 ? orders.length : place;
}

/** What a pass would do, as terminal text or JSON; no decisions. */

import { cents, plain, sum } from "../core/decimal.ts";
import { type CancelRequest, legName, notional } from "../core/position.ts";
import type { LegPlan, Rehearsal } from "../core/rehearsal.ts";
import { newTable } from "./table.ts";

/** `eew --once --dry-run --json`. */
export function rehearsalDocument({ legs, cancels, last, orders, ordersLeft }: Rehearsal): object {
  return {
    dry_run: true,
    positions: legs.map(({ leg, orders, left, waits }) => ({
      symbol: leg.symbol,
      positionSide: leg.positionSide,
      positionAmt: plain(leg.amount),
      notional_usd: notional(leg).toFixed(2),
      waits_for_cancels: waits,
      left: plain(left),
      orders: orders.map((order) => ({ side: order.side, mode: order.mode, quantity: plain(order.quantity) })),
    })),
    cancels: cancels.map(({ symbol, family, orderId }) => ({ symbol, family, order_id: orderId })),
    cancels_last: last.map(({ symbol, positionSide, family, orderId }) => ({
      symbol,
      positionSide,
      family,
      order_id: orderId,
    })),
    orders,
    // JSON knows no infinity: an account without a limit has none to tell.
    orders_left: Number.isFinite(ordersLeft) ? ordersLeft : null,
  };
}

/** `eew --once --dry-run` for people: cancels, closes, what stays, what the limits allow. */
export function renderRehearsal(rehearsal: Rehearsal, colour: boolean): string {
  const { legs, cancels, last, orders, ordersLeft } = rehearsal;
  const lines = ["Dry run: nothing is sent. A panic event now would, in this order:", ""];
  lines.push("1. halt trading");
  lines.push(
    `2. cancel ${cancels.length === 0 ? "nothing: no order is in the way" : cancels.map(cancelWords).join(", ")}`,
  );
  const worth = cents(sum(legs.map(({ leg }) => notional(leg))));
  lines.push(`3. close ${legs.length} positions worth $${worth} with ${orders} market orders that can only reduce`);
  if (legs.length > 0) lines.push(legTable(legs, colour));
  const stops = last.map((order) => `${legName(order)} ${order.family} ${order.orderId}`).join(", ");
  lines.push(
    `4. cancel ${last.length === 0 ? "nothing more: no protective stop rests" : `once their leg is flat: ${stops}`}`,
  );
  lines.push("5. read the account again and report");
  for (const { leg, left } of legs.filter((plan) => plan.left.gt("0"))) {
    lines.push("", `${legName(leg)}: ${plain(left)} would stay, it can't be ordered`);
  }
  if (orders > ordersLeft)
    lines.push("", `Only ${ordersLeft} of ${orders} orders are within the account's order limit now`);
  return lines.join("\n");
}

function legTable(legs: readonly LegPlan[], colour: boolean): string {
  const table = newTable(["position", "amount", "notional", "orders", "when"], colour);
  for (const { leg, orders, waits, lot } of legs) {
    const when = waits ? "behind its cancels" : "at once";
    const sizes = orders.map(({ quantity }) => plain(quantity));
    const split = sizes.length > 3 ? `${sizes.length} × at most ${sizes[0]}` : sizes.join(" + ");
    const words = sizes.length === 0 ? "none: below a step" : `${orders[0]?.side} ${split}`;
    const unruled = lot === null ? " (lot size not on record)" : "";
    table.push([legName(leg), plain(leg.amount), `$${cents(notional(leg))}`, `${words}${unruled}`, when]);
  }
  return table.toString();
}

function cancelWords({ symbol, family, orderId }: CancelRequest): string {
  return orderId === null ? `${symbol}'s ${family} orders` : `${symbol}'s ${family} order ${orderId}`;
}

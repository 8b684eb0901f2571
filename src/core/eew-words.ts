/**
 * What the worker says of a pass: the lines that the runbook greps for (contract section 4), and those that explain the rest.
 * All of them are an incident's, so all are critical: `journalctl -p crit` shows a pass from its first line to its last.
 */

import { cents, plain, sum, ZERO } from "./decimal.ts";
import type { SentOrder } from "./flat.ts";
import { dustOf } from "./lots.ts";
import type { Completion, Delivery, Outcome } from "./messages.ts";
import {
  type CancelOutcome,
  type CancelRequest,
  type CloseOrder,
  type FoundLeg,
  legName,
  notional,
  type Position,
  type RestingOrder,
  type Snapshot,
} from "./position.ts";
import type { Reading } from "./reading.ts";
import type { Rulebook } from "./rulebook.ts";
import { critical, type EventName, type Tell } from "./tell.ts";
import type { Instant } from "./time.ts";
import { tenths } from "./trip.ts";

const RULE = "=".repeat(60);

/** What the event says of its reason. */
export function reasonOf(delivery: Delivery): string {
  return delivery.reason ?? "MALFORMED_PANIC_EVENT";
}

/** Who the event says it is from. */
export function sourceOf(delivery: Delivery): string {
  return delivery.issuedBy ?? "unknown";
}

/** The event, as what a line is about. */
export function eventOf({ eventId, followsUp }: Delivery): EventName {
  return { eventId, incidentId: followsUp?.incidentId ?? eventId };
}

/** The event, as it came. */
export function heading(delivery: Delivery): readonly Tell[] {
  const { eventId, followsUp } = delivery;
  return [
    critical(RULE),
    critical("PANIC CLOSE EVENT RECEIVED", "alarm"),
    critical(RULE),
    critical(`Event ID: ${eventId}`),
    critical(`Source: ${sourceOf(delivery)}`),
    critical(`Reason: ${reasonOf(delivery)}`),
    ...(followsUp === null ? [] : [critical(`Attempt: ${followsUp.number} of incident ${followsUp.incidentId}`)]),
  ];
}

/** It is executed. */
export function validated(delivery: Delivery): Tell {
  const age = (Math.max(0, delivery.ageMs) / 1000).toFixed(1);
  return critical(`Trigger validated (source=${sourceOf(delivery)}, age=${age}s)`, "done");
}

/** It is not executed; `total` counts those of this worker's life, this one included. */
export function refusal({ eventId }: Delivery, why: string, total: number): Tell {
  return critical(`Event ${eventId} not executed: ${why} (${total} refused since the start)`, "alarm");
}

/** How many more there were than were told one by one. */
export function refusedMore(more: number, withinMs: number, total: number): Tell {
  const within = `within ${withinMs / 1_000} s`;
  return critical(`${more} more panic events not executed ${within} (${total} refused since the start)`, "alarm");
}

/** The closes go by what was read before the pass. */
export function blind({ positions, takenAt }: Snapshot, now: Instant): Tell {
  const age = tenths(now - takenAt);
  return critical(
    `Closing blindly what was open ${age} ago (${positions.length} legs): a close can only reduce`,
    "alarm",
  );
}

/** What the account holds. */
export function found(
  positions: readonly Position[],
  resting: Reading<readonly RestingOrder[]>,
  cancels: readonly CancelRequest[],
  rulebook: Rulebook,
): readonly Tell[] {
  const lines: Tell[] = [
    critical(`Found ${positions.length} open positions`),
    critical(`Total notional: $${cents(sum(positions.map(notional)))}`),
    ...positions.flatMap((leg) => dust(leg, rulebook)),
  ];
  if (!resting.known) {
    lines.push(critical(`Resting orders can't be read, closing without them: ${resting.why}`, "alarm"));
  } else if (resting.value.length > 0) {
    const symbols = new Set(cancels.map(({ symbol }) => symbol)).size;
    const stops = resting.value.filter(({ closesPosition }) => closesPosition).length;
    const last = stops === 0 ? "" : `, protective stops only once their leg is flat`;
    lines.push(critical(`Found ${resting.value.length} resting orders: cancelling on ${symbols} symbols${last}`));
  }
  return lines;
}

/** What an earlier pass of the event found open, and took the account of with it; nothing gives no line. */
export function foundBefore(legs: readonly FoundLeg[]): readonly Tell[] {
  if (legs.length === 0) return [];
  const names = legs.map((leg) => `${legName(leg)} ${plain(leg.amount)}`).join(", ");
  return [critical(`An earlier pass of this event, which was cut off, found open: ${names}`)];
}

function dust(leg: Position, rulebook: Rulebook): readonly Tell[] {
  const lot = rulebook.get(leg.symbol)?.lot ?? null;
  const left = lot === null ? ZERO : dustOf(leg.amount.abs(), lot);
  if (lot === null || left.eq(ZERO)) return [];
  const why = `step ${plain(lot.step)}, minimum ${plain(lot.min)}, at most ${plain(lot.max)} in one order`;
  return [critical(`${legName(leg)}: ${plain(left)} can't be ordered in this pass (${why})`, "alarm")];
}

/** A close goes out. */
export function closing(order: CloseOrder): Tell {
  const price = order.limitPrice === null ? "" : ` at ${plain(order.limitPrice)} or better`;
  return critical(`Closing ${legName(order)}: ${order.side} ${plain(order.quantity)}${price} (reduce-only)`);
}

/** Closes that the venue's limits leave no room for; none gives no line. */
export function notSent(orders: readonly CloseOrder[]): readonly Tell[] {
  if (orders.length === 0) return [];
  const legs = [...new Set(orders.map(legName))].join(", ");
  return [
    critical(`${orders.length} closes not sent, the venue's limits leave no room in this pass: ${legs}`, "alarm"),
  ];
}

/** What became of a close. A leg counts as closed in the log only if this one order took all of it. */
export function closeAnswered({ order, outcome }: SentOrder, found: readonly Position[]): Tell {
  const leg = legName(order);
  switch (outcome.kind) {
    case "executed": {
      const open = found.find((position) => legName(position) === leg)?.amount.abs() ?? order.quantity;
      if (outcome.executed.eq(open)) return critical(`${leg} closed - Order ID: ${outcome.orderId}`, "done");
      const part = `${plain(outcome.executed)} of ${plain(open)}`;
      if (outcome.executed.eq(order.quantity))
        return critical(`${leg} closed in part: ${part} - Order ID: ${outcome.orderId}`);
      return critical(`${leg} closed in part: ${part} - Order ID: ${outcome.orderId}`, "alarm");
    }
    case "refused":
      return critical(`${leg} not closed: ${outcome.why}`, "alarm");
    case "unknown":
      return critical(`${leg} may or may not be closed: ${outcome.why}`, "alarm");
  }
}

/** What became of a cancel. */
export function cancelAnswered(request: CancelRequest, count: number, outcome: CancelOutcome): Tell {
  const { symbol, family } = request;
  if (outcome.kind === "cancelled") return critical(`${symbol}: ${count} ${family} orders cancelled`);
  return critical(`${symbol}: ${family} orders not cancelled: ${outcome.why}`, "alarm");
}

/** What still rested after the closes is cancelled now. */
export function sweeping(requests: readonly CancelRequest[]): Tell {
  const symbols = [...new Set(requests.map(({ symbol }) => symbol))].join(", ");
  return critical(`Orders still rest: cancelling on ${symbols}`);
}

/** The outcome, and what it leaves by name. */
export function result(completion: Completion, outcome: Outcome): readonly Tell[] {
  const lines: Tell[] = [critical(`Closed: ${completion.positionsClosed}/${completion.positionsTotal}`)];
  if (outcome !== "FLAT") {
    const open = completion.residual.map((leg) => `${legName(leg)} ${plain(leg.amount)}`).join(", ");
    const what = open === "" ? completion.failedSymbols.join(", ") : open;
    lines.push(critical(`Outcome ${outcome}, not proven closed: ${what}`, "alarm"));
  }
  lines.push(critical(`Execution time: ${completion.executionTimeMs}ms`));
  return lines;
}

/** The report is on record. */
export function ending({ outcome }: Completion): readonly Tell[] {
  const banner =
    outcome === "FLAT"
      ? critical("PANIC CLOSE COMPLETE - SYSTEM HALTED", "lock")
      : critical("PANIC CLOSE INCOMPLETE - SYSTEM HALTED", "alarm");
  return [critical("Published to system:panic_close:completed"), critical(RULE), banner, critical(RULE)];
}

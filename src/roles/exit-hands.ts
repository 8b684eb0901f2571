/** Does what an exit policy wants done, one thing at a time as it is told. Decides nothing. */

import type { ProtectOutcome } from "../core/backstop.ts";
import { type ExitPolicy, policyFor } from "../core/exit-policy.ts";
import type { ExitsAction, ExitsEvent } from "../core/exits.ts";
import type { CancelRequest, PositionSide } from "../core/position.ts";
import type { Tell } from "../core/tell.ts";
import type { UnixMillis } from "../core/time.ts";
import type { BrainBus } from "../ports/bus.ts";
import type { Clock } from "../ports/clock.ts";
import type { DirectCall } from "../ports/direct-line.ts";
import type { Exchange } from "../ports/exchange.ts";
import type { ExitStore } from "../ports/exit-store.ts";
import type { ExitVenue } from "../ports/exit-venue.ts";
import type { Log } from "../ports/log.ts";
import { recaller } from "./exit-recall.ts";
import { raisePanic } from "./own-panic.ts";

/** What it works with. */
interface HandsWorld {
  readonly clock: Clock;
  readonly bus: BrainBus;
  readonly exchange: Exchange;
  readonly exits: ExitVenue;
  readonly store: ExitStore;
  readonly log: Log;
  readonly policy: ExitPolicy;
  readonly instanceId: string;
  /** The way to the worker without the bus; null: there is none. */
  readonly direct: DirectCall | null;
}

/** What comes back, and when by the wall clock. */
type Emit = (event: ExitsEvent, wall: UnixMillis) => void;

/** A stop waits for the cancels before it: trading may be halted by then, and a pass must find nothing new. */
const TOO_LATE: ProtectOutcome = {
  kind: "refused",
  cause: "other",
  why: "it can't be placed any more, trading was halted",
};

/** Hands for one life of the brain; `mayAct`: whether it may still act, where what is wanted had to wait. */
export function exitHands(
  world: HandsWorld,
  mayAct: () => boolean,
  emit: Emit,
): (action: Exclude<ExitsAction, Tell>) => void {
  const { clock, exchange, exits, log, policy, store } = world;
  /** Cancels of stops that are under way: the venue takes no new stop beside an old one. */
  let cancelling: Promise<unknown> = Promise.resolve();
  let diskTrouble: string | null = null;
  const recall = recaller(world);

  const tellDisk = (trouble: string | null): void => {
    if (trouble !== null && diskTrouble === null) log.write("warn", `The exit policy's memory: ${trouble}`, "alarm");
    diskTrouble = trouble;
  };
  const back = (event: ExitsEvent): void => emit(event, clock.wall());

  return (action) => {
    switch (action.kind) {
      case "remember":
        tellDisk(store.remember(action.records, action.gone));
        return;
      case "remember_portfolio":
        tellDisk(store.rememberPortfolio(action.record));
        return;
      case "close": {
        const { leg, order } = action;
        void exchange.close(order).then((outcome) => back({ kind: "closed", leg, outcome }));
        return;
      }
      case "look_up": {
        const { leg, order } = action;
        void exchange.lookUp(order).then((outcome) => back({ kind: "closed", leg, outcome }));
        return;
      }
      case "clear_way":
        void clearWay(world, action.symbol, action.positionSide);
        return;
      case "recall": {
        const { leg, position } = action;
        const rules = policyFor(policy, position.symbol);
        void recall(rules, position).then((memory) => back({ kind: "recalled", leg, memory }));
        return;
      }
      case "read_transfers":
        void exits.transfersSince(action.since).then((transfers) => back({ kind: "transfers", transfers }));
        return;
      case "list_stops":
        void exits.protectiveStops().then((listed) => back({ kind: "stops", listed }));
        return;
      case "cancel_stop":
        cancelling = Promise.all([cancelling, cancel(world, action.request)]);
        return;
      case "protect": {
        const { stop } = action;
        const placed = cancelling.then(() => (mayAct() ? exits.protect(stop) : TOO_LATE));
        void placed.then((outcome) => back({ kind: "protected", stop, outcome }));
        return;
      }
      case "name_incident":
      case "raise":
      case "call_direct":
        raisePanic(world, action, back);
        return;
    }
  };
}

/** Cancels what rests on a leg: a close of all of it is refused behind other reduce-only orders (binance.md 7.2). */
async function clearWay(world: HandsWorld, symbol: string, positionSide: PositionSide): Promise<void> {
  const resting = await world.exchange.restingOrders();
  if (!resting.known) {
    world.log.write("warn", `What blocks ${symbol} can't be read: ${resting.why}`);
    return;
  }
  const own = resting.value.filter((order) => order.symbol === symbol && order.positionSide === positionSide);
  await Promise.all(own.map(({ family, orderId }) => cancel(world, { symbol, family, orderId })));
}

async function cancel({ exchange, log }: HandsWorld, request: CancelRequest): Promise<void> {
  const outcome = await exchange.cancel(request);
  const { family, orderId, symbol } = request;
  if (outcome.kind === "cancelled") log.write("info", `Cancelled the ${family} order ${orderId} on ${symbol}`);
  else log.write("warn", `The ${family} order ${orderId} on ${symbol} is not cancelled: ${outcome.why}`);
}

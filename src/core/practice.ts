/** A pass on a made-up account, so that the first real one does not pay for the runtime's first look at the code. */

import { decimal } from "./decimal.ts";
import { EEW_LIMITS, type EewAction, type EewEvent, type EewState, step } from "./eew.ts";
import type { Delivery } from "./messages.ts";
import type { Position, PositionMode, RestingOrder } from "./position.ts";
import { known, type Reading } from "./reading.ts";
import { after, type Instant } from "./time.ts";

/** As many legs as the account may send orders for in ten seconds: what is practised is the hardest pass. */
const LEGS = 300;

/** After so many passes the code runs about as fast as it ever will. */
const PASSES = 3;

const DELIVERY: Delivery = {
  entryId: "0-0",
  eventId: "00000000-0000-5000-8000-000000000000",
  reason: "PRACTICE",
  issuedBy: "ops",
  ageMs: 0,
  signature: "not_required",
  followsUp: null,
  completed: false,
  beforeReset: false,
  foundBefore: [],
};

/** Plans, sends, is answered and reports, all of it in memory: nothing leaves this function. Takes tens of milliseconds. */
export function practise(): void {
  for (let pass = 0; pass < PASSES; pass++) practisePass(0 as Instant);
}

function practisePass(now: Instant): void {
  const positions = Array.from({ length: LEGS }, (_, i): Position => {
    const price = decimal(`${i + 1}`);
    const symbol = `PRACTICE${i}`;
    return { symbol, positionSide: "BOTH", amount: price, entryPrice: price, markPrice: price, unrealizedPnl: price };
  });
  const resting = positions
    .filter((_, i) => i % 2 === 0)
    .map((leg, i): RestingOrder => {
      return { symbol: leg.symbol, family: "regular", orderId: `${i}`, positionSide: "BOTH", closesPosition: false };
    });
  let state: EewState = { kind: "idle" };
  const send = (event: EewEvent): readonly EewAction[] => {
    const [next, actions] = step(EEW_LIMITS, state, event, now);
    state = next;
    return actions;
  };
  send({ kind: "panic", delivery: DELIVERY });
  send({ kind: "halt_written" });
  const mode: Reading<PositionMode> = known("one_way");
  const unasked = { mode, rulebook: new Map(), budget: [], silentUntil: null, snapshot: null } as const;
  const survey = { positions: known(positions), resting: known(resting), ...unasked };
  const waiting = [...send({ kind: "surveyed", askedAt: now, survey })];
  for (let action = waiting.shift(); action !== undefined; action = waiting.shift()) {
    if (action.kind === "cancel")
      waiting.push(...send({ kind: "cancel_answered", request: action.request, outcome: { kind: "cancelled" } }));
    if (action.kind === "close") {
      const outcome = { kind: "executed", orderId: "1", executed: action.order.quantity } as const;
      send({ kind: "close_answered", order: action.order, outcome });
    }
  }
  const empty = { positions: known([]), resting: known([]) };
  for (const ms of [0, EEW_LIMITS.witnessGapMs]) {
    const askedAt = state.kind === "verifying" ? state.askedAt : now;
    const [next] = step(
      EEW_LIMITS,
      state,
      { kind: "looked", askedAt, look: empty, resolved: [], silentUntil: null },
      after(now, ms),
    );
    state = next;
  }
}

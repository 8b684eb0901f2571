import { describe, expect, test } from "bun:test";
import { decimal } from "../../src/core/decimal.ts";
import * as words from "../../src/core/eew-words.ts";
import type { Completion } from "../../src/core/messages.ts";
import type { CloseOrder, CloseOutcome } from "../../src/core/position.ts";
import { known, unknown } from "../../src/core/reading.ts";
import type { Tell } from "../../src/core/tell.ts";
import { aCompletion, aDelivery, all, aPosition, aRestingOrder, at, marked } from "../support/core.ts";

const BTC = aPosition("BTCUSDT", "0.5", "50000");
const LONG = aPosition("ETHUSDT", "7", "2000", "LONG");
const RULE = "============================================================";
const RULEBOOK = new Map([
  ["ETHUSDT", { lot: { min: decimal("1"), max: decimal("5"), step: decimal("1") }, band: null }],
  ["SOLUSDT", { lot: { min: decimal("1"), max: decimal("5"), step: decimal("0.1") }, band: null }],
]);

function close(changes: Partial<CloseOrder> = {}): CloseOrder {
  const leg = { symbol: "BTCUSDT", positionSide: "BOTH", side: "SELL" } as const;
  return { ...leg, mode: "one_way", limitPrice: null, quantity: decimal("0.5"), clientOrderId: "q-1", ...changes };
}

function executed(amount: string): CloseOutcome {
  return { kind: "executed", orderId: "42", executed: decimal(amount) };
}

function completion(changes: Partial<Completion>): Completion {
  return { ...aCompletion("e1"), ...changes };
}

const stop = { ...aRestingOrder("BTCUSDT", "algo", "2"), closesPosition: true };
const residual = [{ symbol: "ETHUSDT", positionSide: "LONG", amount: decimal("7") }] as const;

/** Every line of a pass, once. `alarm` is what people are told wherever they are, so it belongs to the words. */
const LINES: readonly (readonly [of: string, lines: readonly Tell[], expected: readonly string[]])[] = [
  [
    "an event that opens an incident",
    words.heading(aDelivery({ eventId: "e1", reason: "R" })),
    [
      `critical: ${RULE}`,
      "critical alarm: PANIC CLOSE EVENT RECEIVED",
      `critical: ${RULE}`,
      "critical: Event ID: e1",
      "critical: Source: watchdog",
      "critical: Reason: R",
    ],
  ],
  [
    "a follow-up that can't be read",
    words
      .heading(aDelivery({ eventId: "e2", reason: null, issuedBy: null, followsUp: { incidentId: "e1", number: 2 } }))
      .slice(3),
    [
      "critical: Event ID: e2",
      "critical: Source: unknown",
      "critical: Reason: MALFORMED_PANIC_EVENT",
      "critical: Attempt: 2 of incident e1",
    ],
  ],
  [
    "an event that is executed",
    [words.validated(aDelivery({ ageMs: 1_260 })), words.validated(aDelivery({ ageMs: -300, issuedBy: "ops" }))],
    [
      "critical done: Trigger validated (source=watchdog, age=1.3s)",
      "critical done: Trigger validated (source=ops, age=0.0s)",
    ],
  ],
  [
    "events that are not",
    [words.refusal(aDelivery({ eventId: "e1" }), "it is forged", 3), words.refusedMore(7, 60_000, 10)],
    [
      "critical alarm: Event e1 not executed: it is forged (3 refused since the start)",
      "critical alarm: 7 more panic events not executed within 60 s (10 refused since the start)",
    ],
  ],
  [
    "a blind close",
    [words.blind({ positions: [BTC, LONG], takenAt: at(1_000) }, at(2_501))],
    ["critical alarm: Closing blindly what was open 1.6s ago (2 legs): a close can only reduce"],
  ],
  [
    "an account where nothing rests",
    words.found([BTC, LONG], known([]), [], new Map()),
    ["critical: Found 2 open positions", "critical: Total notional: $39000.00"],
  ],
  [
    "an account where orders rest",
    words
      .found(
        [],
        known([aRestingOrder("A"), aRestingOrder("A", "algo")]),
        [all("A", "regular"), all("A", "algo")],
        new Map(),
      )
      .slice(2),
    ["critical: Found 2 resting orders: cancelling on 1 symbols"],
  ],
  [
    "an account with protective stops",
    words.found([], known([stop]), [], new Map()).slice(2),
    ["critical: Found 1 resting orders: cancelling on 0 symbols, protective stops only once their leg is flat"],
  ],
  [
    "an account whose orders can't be read",
    words.found([], unknown("503"), [], new Map()).slice(2),
    ["critical alarm: Resting orders can't be read, closing without them: 503"],
  ],
  [
    "legs with and without what is too small to order",
    words.found([BTC, LONG, aPosition("SOLUSDT", "-7.25", "1")], known([]), [], RULEBOOK).slice(2),
    ["critical alarm: SOLUSDT: 0.05 can't be ordered in this pass (step 0.1, minimum 1, at most 5 in one order)"],
  ],
  [
    "closes",
    [words.closing(close()), words.closing(close({ positionSide: "LONG", limitPrice: decimal("48000") }))],
    [
      "critical: Closing BTCUSDT: SELL 0.5 (reduce-only)",
      "critical: Closing BTCUSDT:LONG: SELL 0.5 at 48000 or better (reduce-only)",
    ],
  ],
  ["closes that all went out", words.notSent([]), []],
  [
    "closes that the limits leave no room for",
    words.notSent([close(), close(), close({ symbol: "ETHUSDT" })]),
    ["critical alarm: 3 closes not sent, the venue's limits leave no room in this pass: BTCUSDT, ETHUSDT"],
  ],
  [
    "answers to closes",
    [
      words.closeAnswered({ order: close(), outcome: executed("0.5") }, [LONG, BTC]),
      words.closeAnswered({ order: close(), outcome: executed("0.5") }, []),
      words.closeAnswered({ order: close(), outcome: executed("0.2") }, [BTC]),
      words.closeAnswered({ order: close({ quantity: decimal("0.2") }), outcome: executed("0.2") }, [BTC]),
      words.closeAnswered({ order: close(), outcome: executed("0.5") }, [aPosition("BTCUSDT", "-0.5")]),
      words.closeAnswered(
        { order: close(), outcome: { kind: "refused", cause: "other", code: -2019, why: "-2019: margin" } },
        [BTC],
      ),
      words.closeAnswered({ order: close(), outcome: { kind: "unknown", why: "no answer" } }, [BTC]),
    ],
    [
      "critical done: BTCUSDT closed - Order ID: 42",
      "critical done: BTCUSDT closed - Order ID: 42",
      "critical alarm: BTCUSDT closed in part: 0.2 of 0.5 - Order ID: 42",
      "critical: BTCUSDT closed in part: 0.2 of 0.5 - Order ID: 42",
      "critical done: BTCUSDT closed - Order ID: 42",
      "critical alarm: BTCUSDT not closed: -2019: margin",
      "critical alarm: BTCUSDT may or may not be closed: no answer",
    ],
  ],
  [
    "answers to cancels",
    [
      words.cancelAnswered(all("BTCUSDT", "algo"), 3, { kind: "cancelled" }),
      words.cancelAnswered(all("BTCUSDT", "regular"), 3, { kind: "failed", why: "503" }),
    ],
    ["critical: BTCUSDT: 3 algo orders cancelled", "critical alarm: BTCUSDT: regular orders not cancelled: 503"],
  ],
  [
    "orders that rest after the closes",
    [words.sweeping([all("A", "regular"), all("A", "algo"), all("B", "algo")])],
    ["critical: Orders still rest: cancelling on A, B"],
  ],
  [
    "a pass that ends flat",
    [...words.result(completion({}), "FLAT"), ...words.ending(completion({}))],
    [
      "critical: Closed: 2/2",
      "critical: Execution time: 40ms",
      "critical: Published to system:panic_close:completed",
      `critical: ${RULE}`,
      "critical lock: PANIC CLOSE COMPLETE - SYSTEM HALTED",
      `critical: ${RULE}`,
    ],
  ],
  [
    "a pass that leaves legs open",
    [
      ...words.result(completion({ residual: [...residual, ...residual], failedSymbols: ["ETHUSDT"] }), "NOT_FLAT"),
      ...words.ending(completion({ outcome: "NOT_FLAT" })).slice(2, 3),
    ],
    [
      "critical: Closed: 2/2",
      "critical alarm: Outcome NOT_FLAT, not proven closed: ETHUSDT:LONG 7, ETHUSDT:LONG 7",
      "critical: Execution time: 40ms",
      "critical alarm: PANIC CLOSE INCOMPLETE - SYSTEM HALTED",
    ],
  ],
  [
    "a pass that can't tell what it leaves open",
    words.result(completion({ failedSymbols: ["A", "B"] }), "UNKNOWN").slice(1, 2),
    ["critical alarm: Outcome UNKNOWN, not proven closed: A, B"],
  ],
];

describe("what the worker says of", () => {
  test.each(LINES)("%s", (_of, lines, expected) => expect(marked(lines)).toEqual([...expected]));
});

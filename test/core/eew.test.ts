import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decimal, plain } from "../../src/core/decimal.ts";
import {
  deadline,
  EEW_LIMITS,
  type EewAction,
  type EewEvent,
  type EewState,
  type Survey,
  step,
} from "../../src/core/eew.ts";
import type { Look, SentOrder } from "../../src/core/flat.ts";
import type { Attempt, Completion } from "../../src/core/messages.ts";
import type { OrderBudget } from "../../src/core/order-budget.ts";
import type { CancelRequest, CloseOrder, CloseOutcome, Position, RestingOrder } from "../../src/core/position.ts";
import { known, unknown } from "../../src/core/reading.ts";
import type { Rulebook } from "../../src/core/rulebook.ts";
import type { Tell } from "../../src/core/tell.ts";
import type { Instant } from "../../src/core/time.ts";
import { aDelivery, aPosition, aRestingOrder, at, deedsOf, linesOf, marked } from "../support/core.ts";

const LIMITS = EEW_LIMITS;

const EVENT_ID = aDelivery().eventId;
const REPORTED: EewEvent = { kind: "reported", eventId: EVENT_ID };
const UNCONFIRMED: EewEvent = { kind: "report_unconfirmed", eventId: EVENT_ID, why: "no answer" };

/** Stands for the read that was asked for last; `Worker` fills it in. */
const LAST_ASKED = at(-1);
const BTC = aPosition("BTCUSDT", "0.002", "50000");
const ETH = aPosition("ETHUSDT", "-0.05", "2150");

const UNREADABLE: Look = { positions: unknown("GET positions: 503"), resting: unknown("GET orders: 503") };

function lookAt(positions: readonly Position[], resting: readonly RestingOrder[] = []): Look {
  return { positions: known(positions), resting: known(resting) };
}

/** The first look of a pass: a one-way account, nothing remembered, no limit near, unless the test says so. */
function surveyed(look: Look, changes: Partial<Survey> = {}): EewEvent {
  const survey: Survey = {
    ...look,
    mode: known("one_way"),
    rulebook: new Map(),
    budget: [],
    silentUntil: null,
    snapshot: null,
    ...changes,
  };
  return { kind: "surveyed", askedAt: LAST_ASKED, survey };
}

/** A look after the orders. */
function looked(look: Look, resolved: readonly SentOrder[] = [], silentUntil: Instant | null = null): EewEvent {
  return { kind: "looked", askedAt: LAST_ASKED, look, resolved, silentUntil };
}

/** What `step` asks for when it looks again, about no order in particular. */
function lookAction(ms: number): EewAction {
  return { kind: "look", askedAt: at(ms), after: [], again: false };
}

/** A worker under test: feeds events, and answers what it asks for by hand. */
class Worker {
  state: EewState = { kind: "idle" };
  readonly tells: Tell[] = [];

  get lines(): readonly string[] {
    return linesOf(this.tells);
  }

  #askedAt = at(0);

  send(ms: number, event: EewEvent): readonly EewAction[] {
    const answersLast = (event.kind === "surveyed" || event.kind === "looked") && event.askedAt === LAST_ASKED;
    const [next, actions] = step(
      LIMITS,
      this.state,
      answersLast ? { ...event, askedAt: this.#askedAt } : event,
      at(ms),
    );
    this.state = next;
    for (const action of actions) {
      if (action.kind === "survey" || action.kind === "look") this.#askedAt = action.askedAt;
    }
    this.tells.push(...actions.filter((action) => action.kind === "tell"));
    return deedsOf(actions);
  }

  /** The same worker once the event has happened. */
  after(ms: number, event: EewEvent): this {
    this.send(ms, event);
    return this;
  }

  /** Answers the first close of a symbol that is under way. */
  answer(ms: number, symbol: string, outcome: CloseOutcome): readonly EewAction[] {
    const inFlight = this.state.kind === "closing" ? this.state.inFlight : [];
    const order = inFlight.find((candidate) => candidate.symbol === symbol);
    if (order === undefined) throw new Error(`no close of ${symbol} is in flight`);
    return this.send(ms, { kind: "close_answered", order, outcome });
  }

  /** Up to the first read of the account. */
  static surveying(attempt: Attempt | null = null): Worker {
    const worker = new Worker();
    worker.send(0, { kind: "panic", delivery: aDelivery({ followsUp: attempt }) });
    worker.send(1, { kind: "halt_written" });
    return worker;
  }

  /** Up to the closes of both legs being under way. */
  static closing(): Worker {
    const worker = Worker.surveying();
    worker.send(10, surveyed(lookAt([BTC, ETH])));
    return worker;
  }

  /** Up to the first look after both legs were filled in full. */
  static verifying(): Worker {
    const worker = Worker.closing();
    worker.answer(20, "BTCUSDT", filled("0.002"));
    worker.answer(21, "ETHUSDT", filled("0.05"));
    return worker;
  }
}

/** A look after the orders that could be read. */
function account(positions: readonly Position[], resting: readonly RestingOrder[] = []): EewEvent {
  return looked(lookAt(positions, resting));
}

function filled(executed: string): CloseOutcome {
  return { kind: "executed", orderId: "12345678", executed: decimal(executed) };
}

const UNKNOWN: CloseOutcome = { kind: "unknown", why: "POST order: no answer within 3500 ms" };
const REFUSED: CloseOutcome = { kind: "refused", cause: "price_band", code: -4131, why: "POST order: -4131" };

function reported(actions: readonly EewAction[]): Completion {
  const report = actions.find((action) => action.kind === "report");
  if (report?.kind !== "report") throw new Error(`no report among ${actions.map(({ kind }) => kind).join(", ")}`);
  return report.completion;
}

describe("the straight line", () => {
  test("the account is read while the halt is written, and nothing is sent before the halt is", () => {
    const worker = new Worker();
    const first = worker.send(0, { kind: "panic", delivery: aDelivery() });
    expect(first.map(({ kind }) => kind)).toEqual(["write_halt", "survey"]);
    expect(worker.send(5, surveyed(lookAt([BTC], [aRestingOrder("SOLUSDT")])))).toEqual([]);
    expect(worker.send(6, { kind: "halt_written" }).map(({ kind }) => kind)).toEqual(["note_found", "cancel", "close"]);
  });

  test("a halt that is not confirmed does not keep positions open", () => {
    const worker = new Worker();
    worker.send(0, { kind: "panic", delivery: aDelivery() });
    worker.send(5, surveyed(lookAt([BTC])));
    const next = worker.send(700, { kind: "halt_unconfirmed", why: "no answer" });
    expect(next.map(({ kind }) => kind)).toEqual(["note_found", "close"]);
    expect(worker.lines).toContain("Halt not confirmed: no answer");
  });

  test("every leg is closed at once, largest notional first, exactly and on the closing side", () => {
    const worker = Worker.surveying();
    const orders = worker
      .send(10, surveyed(lookAt([BTC, ETH])))
      .flatMap((action) => (action.kind === "close" ? [action.order] : []));
    expect(orders.map(({ symbol, side, quantity }) => `${symbol} ${side} ${plain(quantity)}`)).toEqual([
      "ETHUSDT BUY 0.05",
      "BTCUSDT SELL 0.002",
    ]);
  });

  test("reads the account again only after the last order was answered", () => {
    const worker = Worker.closing();
    expect(worker.answer(20, "BTCUSDT", filled("0.002"))).toEqual([]);
    expect(worker.answer(21, "ETHUSDT", filled("0.05"))).toEqual([lookAction(21)]);
  });

  test("fills that add up and one clean look are FLAT", () => {
    const completion = reported(Worker.verifying().send(30, account([])));
    expect(completion).toMatchObject({
      outcome: "FLAT",
      positionsTotal: 2,
      positionsClosed: 2,
      positionsFailed: 0,
      failedSymbols: [],
      executionTimeMs: 30,
      residual: [],
    });
    expect(plain(completion.notionalUsd)).toBe("207.5");
  });

  test("the log has the runbook's words", () => {
    const worker = Worker.verifying();
    worker.send(30, account([]));
    worker.send(31, REPORTED);
    expect(worker.lines.filter((line) => !line.startsWith("==="))).toEqual([
      "PANIC CLOSE EVENT RECEIVED",
      "Event ID: 550e8400-e29b-41d4-a716-446655440000",
      "Source: watchdog",
      "Reason: EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)",
      "Trigger validated (source=watchdog, age=0.5s)",
      "Found 2 open positions",
      "Total notional: $207.50",
      "Closing ETHUSDT: BUY 0.05 (reduce-only)",
      "Closing BTCUSDT: SELL 0.002 (reduce-only)",
      "BTCUSDT closed - Order ID: 12345678",
      "ETHUSDT closed - Order ID: 12345678",
      "Closed: 2/2",
      "Execution time: 30ms",
      "Published to system:panic_close:completed",
      "PANIC CLOSE COMPLETE - SYSTEM HALTED",
    ]);
  });

  test("repeats its report until it is confirmed, and listens meanwhile: Redis may stay away for long", () => {
    const worker = Worker.verifying();
    worker.send(30, account([]));
    expect(worker.send(31, UNCONFIRMED)).toEqual([{ kind: "listen" }]);
    expect(deadline(worker.state)).toBe(at(31 + LIMITS.reportAgainMs));
    expect(worker.send(281, { kind: "timer" }).map(({ kind }) => kind)).toEqual(["report"]);
    expect(worker.send(282, UNCONFIRMED)).toEqual([]);
    expect(worker.send(283, REPORTED)).toEqual([{ kind: "listen" }]);
    expect(worker.state).toEqual({ kind: "idle" });
  });

  test("the next event does not wait for a report that can't be made: it is owed, and the pass begins", () => {
    const worker = Worker.verifying();
    worker.send(30, account([]));
    worker.send(31, UNCONFIRMED);
    const delivery = aDelivery({ entryId: "", eventId: "second" });
    const [owed, ...rest] = worker.send(40, { kind: "panic", delivery });
    expect(owed).toMatchObject({ kind: "owe", delivery: { eventId: EVENT_ID }, completion: { outcome: "FLAT" } });
    expect(rest.map(({ kind }) => kind)).toEqual(["write_halt", "survey"]);
    expect(worker.state).toMatchObject({ kind: "surveying", delivery: { eventId: "second" } });
  });
});

describe("never better than the venue says", () => {
  test("an empty first list proves nothing: flat needs a second look a second later", () => {
    const worker = Worker.surveying();
    expect(worker.send(10, surveyed(lookAt([])))).toEqual([lookAction(10)]);
    expect(worker.send(20, account([]))).toEqual([]);
    expect(deadline(worker.state)).toBe(at(20 + LIMITS.witnessGapMs));
    expect(worker.send(1_020, { kind: "timer" })).toEqual([lookAction(1_020)]);
    expect(reported(worker.send(1_025, account([])))).toMatchObject({ outcome: "FLAT", positionsTotal: 0 });
  });

  test("a clean look without fills that add up is looked at again a second later", () => {
    const worker = Worker.closing();
    worker.answer(20, "BTCUSDT", filled("0.002"));
    worker.answer(21, "ETHUSDT", UNKNOWN);
    expect(worker.send(30, account([]))).toEqual([]);
    worker.send(1_030, { kind: "timer" });
    expect(reported(worker.send(1_040, account([])))).toMatchObject({ outcome: "FLAT", positionsClosed: 2 });
  });

  test("two clean looks with an open one between are not two witnesses", () => {
    const worker = Worker.closing();
    worker.answer(20, "BTCUSDT", UNKNOWN);
    worker.answer(21, "ETHUSDT", UNKNOWN);
    worker.send(30, account([]));
    worker.send(1_030, { kind: "timer" });
    worker.send(1_040, account([BTC]));
    worker.send(2_040, { kind: "timer" });
    expect(worker.send(2_050, account([]))).toEqual([]);
    expect(worker.state).toMatchObject({ kind: "verifying", cleanAt: at(2_050) });
  });

  test("the answer to a read from before the orders is no evidence, however flat it looks", () => {
    const worker = Worker.verifying();
    const before = worker.state;
    const stale: EewEvent = { kind: "looked", askedAt: at(1), look: lookAt([]), resolved: [], silentUntil: null };
    expect(worker.send(25, stale)).toEqual([]);
    expect(worker.state).toBe(before);
    expect(reported(worker.send(30, account([])))).toMatchObject({ outcome: "FLAT" });
  });

  test("an order that was executed in part leaves NOT_FLAT with the residual by name", () => {
    const worker = Worker.closing();
    worker.answer(20, "BTCUSDT", filled("0.001"));
    worker.answer(21, "ETHUSDT", filled("0.05"));
    const rest = aPosition("BTCUSDT", "0.001");
    // What was not executed can't vanish any more: there is no need for another look.
    const completion = reported(worker.send(30, account([rest])));
    expect(completion).toMatchObject({
      outcome: "NOT_FLAT",
      positionsTotal: 2,
      positionsClosed: 1,
      positionsFailed: 1,
      failedSymbols: ["BTCUSDT"],
    });
    expect(completion.residual.map(({ symbol, amount }) => `${symbol} ${plain(amount)}`)).toEqual(["BTCUSDT 0.001"]);
  });

  test("a close refused for certain is reported at once, and the banner says incomplete", () => {
    const worker = Worker.closing();
    worker.answer(20, "BTCUSDT", REFUSED);
    worker.answer(21, "ETHUSDT", filled("0.05"));
    expect(reported(worker.send(30, account([BTC])))).toMatchObject({
      outcome: "NOT_FLAT",
      failedSymbols: ["BTCUSDT"],
    });
    worker.send(31, REPORTED);
    expect(worker.lines).toContain("PANIC CLOSE INCOMPLETE - SYSTEM HALTED");
    expect(worker.lines).not.toContain("PANIC CLOSE COMPLETE - SYSTEM HALTED");
  });

  test("an unknown close is never sent again in the pass", () => {
    const worker = Worker.closing();
    worker.answer(20, "BTCUSDT", UNKNOWN);
    worker.answer(21, "ETHUSDT", UNKNOWN);
    const sent: string[] = [];
    for (let ms = 30; ms <= 10_100; ms += 50) {
      const event: EewEvent =
        worker.state.kind === "verifying" && worker.state.retryAt === null ? account([BTC, ETH]) : { kind: "timer" };
      sent.push(...worker.send(ms, event).map(({ kind }) => kind));
    }
    expect(sent).not.toContain("close");
    expect(sent.filter((kind) => kind === "report")).toHaveLength(1);
  });

  test("positions that can't be read at all are UNKNOWN, never an empty account", () => {
    const worker = Worker.surveying();
    worker.send(10, surveyed(UNREADABLE));
    expect(deadline(worker.state)).toBe(at(10 + LIMITS.lookAgainMs));
    expect(worker.send(1_010, { kind: "timer" })).toContainEqual({
      kind: "survey",
      askedAt: at(1_010),
      waitMs: LIMITS.cancelWaitMs,
      again: true,
    });
    worker.send(1_020, surveyed(UNREADABLE));
    const completion = reported(worker.send(LIMITS.passMs, { kind: "timer" }));
    expect(completion).toMatchObject({
      outcome: "UNKNOWN",
      positionsTotal: 1,
      positionsClosed: 0,
      positionsFailed: 1,
      failedSymbols: ["*"],
    });
  });

  test("filled orders and an account that can't be read afterwards are UNKNOWN", () => {
    const worker = Worker.verifying();
    worker.send(30, looked(UNREADABLE));
    const completion = reported(worker.send(LIMITS.passMs, { kind: "timer" }));
    expect(completion).toMatchObject({ outcome: "UNKNOWN", positionsTotal: 2, positionsClosed: 0, positionsFailed: 2 });
  });

  test("an account that can't be read after the close is looked at four times and no more in a pass: each weighs 85", () => {
    const worker = Worker.verifying();
    const looks: number[] = [];
    for (let ms = 30; ms < LIMITS.passMs; ms += 10) {
      const isAsked = worker.state.kind === "verifying" && worker.state.retryAt === null;
      if (isAsked) looks.push(ms);
      worker.send(ms, isAsked ? looked(UNREADABLE) : { kind: "timer" });
    }
    expect(looks).toHaveLength(4);
    expect((looks[1] ?? 0) - (looks[0] ?? 0)).toBeLessThanOrEqual(LIMITS.lookAgainMs + 20);
  });

  test("after a look that was not clean the positions are asked first; for the second witness both lists at once", () => {
    const open = Worker.verifying();
    open.send(30, looked(UNREADABLE));
    expect(open.send(1_030, { kind: "timer" })).toMatchObject([{ kind: "look", again: true }]);
    const clean = Worker.surveying();
    clean.send(10, surveyed(lookAt([])));
    clean.send(30, account([]));
    expect(clean.send(1_030, { kind: "timer" })).toEqual([lookAction(1_030)]);
  });

  test("a leg that one list does not show any more is not counted as closed without its fills", () => {
    const worker = Worker.closing();
    worker.answer(20, "BTCUSDT", REFUSED);
    worker.answer(21, "ETHUSDT", filled("0.05"));
    worker.send(30, looked({ positions: known([]), resting: unknown("503") }));
    const completion = reported(worker.send(LIMITS.passMs, { kind: "timer" }));
    expect(completion).toMatchObject({
      outcome: "UNKNOWN",
      positionsClosed: 1,
      positionsFailed: 1,
      failedSymbols: ["BTCUSDT"],
    });
  });

  test("a flat list with unreadable orders is UNKNOWN: a resting order could re-open the account", () => {
    const worker = Worker.verifying();
    worker.send(30, looked({ positions: known([]), resting: unknown("503") }));
    const completion = reported(worker.send(LIMITS.passMs, { kind: "timer" }));
    expect(completion).toMatchObject({
      outcome: "UNKNOWN",
      positionsClosed: 2,
      positionsFailed: 1,
      failedSymbols: ["*"],
    });
  });

  test("a resting order that stays is NOT_FLAT and counts by its symbol", () => {
    const worker = Worker.verifying();
    expect(worker.send(30, account([], [aRestingOrder("SOLUSDT")])).map(({ kind }) => kind)).toEqual(["cancel"]);
    worker.send(40, cancelled("SOLUSDT", "regular"));
    expect(worker.send(50, account([], [aRestingOrder("SOLUSDT")]))).toEqual([]);
    worker.send(1_050, { kind: "timer" });
    const completion = reported(worker.send(21 + LIMITS.verifyMs, account([], [aRestingOrder("SOLUSDT")])));
    expect(completion).toMatchObject({
      outcome: "NOT_FLAT",
      positionsTotal: 3,
      positionsFailed: 1,
      failedSymbols: ["SOLUSDT"],
    });
  });

  test("orders unanswered when the pass ends are UNKNOWN", () => {
    const worker = Worker.closing();
    worker.answer(20, "BTCUSDT", filled("0.002"));
    const completion = reported(worker.send(LIMITS.passMs, { kind: "timer" }));
    expect(completion).toMatchObject({ outcome: "UNKNOWN", positionsClosed: 0, positionsFailed: 2 });
  });
});

function cancelled(symbol: string, family: RestingOrder["family"], orderId: string | null = null): EewEvent {
  return { kind: "cancel_answered", request: { symbol, family, orderId }, outcome: { kind: "cancelled" } };
}

/** The requests to cancel, as `SYMBOL/family` with the order's id behind it where it is one order. */
function cancelsIn(actions: readonly EewAction[]): readonly string[] {
  return actions.flatMap((action) => {
    if (action.kind !== "cancel") return [];
    const { symbol, family, orderId }: CancelRequest = action.request;
    return [[symbol, family, ...(orderId === null ? [] : [orderId])].join("/")];
  });
}

function closesIn(actions: readonly EewAction[]): readonly CloseOrder[] {
  return actions.flatMap((action) => (action.kind === "close" ? [action.order] : []));
}

describe("resting orders", () => {
  const RESTING = [
    aRestingOrder("BTCUSDT"),
    aRestingOrder("BTCUSDT", "algo", "2"),
    aRestingOrder("SOLUSDT", "regular", "3"),
  ];

  test("free symbols are closed at once, the others wait for their cancels; flat symbols are cancelled too", () => {
    const worker = Worker.surveying();
    const actions = worker.send(10, surveyed(lookAt([BTC, ETH], RESTING)));
    expect(actions.flatMap((action) => (action.kind === "close" ? [action.order.symbol] : []))).toEqual(["ETHUSDT"]);
    expect(cancelsIn(actions)).toEqual(["BTCUSDT/regular", "BTCUSDT/algo", "SOLUSDT/regular"]);
  });

  test("a close goes out when both families of its symbol are cancelled", () => {
    const worker = Worker.surveying();
    worker.send(10, surveyed(lookAt([BTC], RESTING)));
    expect(worker.send(20, cancelled("BTCUSDT", "regular"))).toEqual([]);
    expect(worker.send(30, cancelled("BTCUSDT", "algo")).map(({ kind }) => kind)).toEqual(["close"]);
  });

  test("a close waits no longer than its limit, answered or not", () => {
    const worker = Worker.surveying();
    worker.send(10, surveyed(lookAt([BTC], RESTING)));
    expect(deadline(worker.state)).toBe(at(10 + LIMITS.cancelWaitMs));
    expect(worker.send(10 + LIMITS.cancelWaitMs, { kind: "timer" }).map(({ kind }) => kind)).toEqual(["close"]);
  });

  test("cancelled orders are counted, those of a failed cancel are not", () => {
    const worker = Worker.surveying();
    worker.send(10, surveyed(lookAt([], RESTING)));
    worker.send(20, cancelled("BTCUSDT", "regular"));
    worker.send(21, cancelled("BTCUSDT", "algo"));
    worker.send(22, { ...cancelled("SOLUSDT", "regular"), outcome: { kind: "failed", why: "503" } } as EewEvent);
    worker.send(30, account([]));
    worker.send(1_030, { kind: "timer" });
    expect(reported(worker.send(1_031, account([]))).ordersCancelled).toBe(2);
  });

  test("the list of them is waited for as long as a close may wait", () => {
    const [, first] = new Worker().send(0, { kind: "panic", delivery: aDelivery() });
    expect(first).toEqual({ kind: "survey", askedAt: at(0), waitMs: LIMITS.cancelWaitMs, again: false });
  });

  test("unreadable resting orders do not hold up a close", () => {
    const worker = Worker.surveying();
    const actions = worker.send(10, surveyed({ positions: known([BTC]), resting: unknown("503") }));
    expect(actions.map(({ kind }) => kind)).toEqual(["note_found", "close"]);
  });
});

describe("protective stops", () => {
  const stop = (symbol: string, orderId = "9"): RestingOrder => ({
    ...aRestingOrder(symbol, "algo", orderId),
    closesPosition: true,
  });

  test("do not hold up the close of their leg, and are not cancelled while it is open", () => {
    const worker = Worker.surveying();
    const actions = worker.send(10, surveyed(lookAt([BTC], [stop("BTCUSDT")])));
    expect(actions.map(({ kind }) => kind)).toEqual(["note_found", "close"]);
  });

  test("stay where other orders of their family go, one by one", () => {
    const worker = Worker.surveying();
    const resting = [
      stop("BTCUSDT"),
      aRestingOrder("BTCUSDT", "algo", "10"),
      aRestingOrder("BTCUSDT", "regular", "11"),
    ];
    const actions = worker.send(10, surveyed(lookAt([BTC], resting)));
    expect(cancelsIn(actions)).toEqual(["BTCUSDT/algo/10", "BTCUSDT/regular"]);
  });

  test("of a flat symbol are cancelled at once", () => {
    const worker = Worker.surveying();
    expect(cancelsIn(worker.send(10, surveyed(lookAt([BTC], [stop("SOLUSDT")]))))).toEqual(["SOLUSDT/algo"]);
  });

  test("are cancelled once their leg is flat, and FLAT is said only after a look that finds none", () => {
    const worker = Worker.verifying();
    expect(cancelsIn(worker.send(30, account([], [stop("BTCUSDT")])))).toEqual(["BTCUSDT/algo"]);
    expect(worker.send(40, cancelled("BTCUSDT", "algo"))).toEqual([lookAction(40)]);
    expect(reported(worker.send(50, account([])))).toMatchObject({ outcome: "FLAT", ordersCancelled: 1 });
  });

  test("that no list shows any more are cancelled all the same: one list may be wrong", () => {
    const worker = Worker.surveying();
    worker.send(10, surveyed(lookAt([BTC], [stop("BTCUSDT")])));
    worker.answer(20, "BTCUSDT", filled("0.002"));
    expect(cancelsIn(worker.send(30, account([])))).toEqual(["BTCUSDT/algo"]);
    worker.send(40, cancelled("BTCUSDT", "algo"));
    expect(reported(worker.send(50, account([])))).toMatchObject({ outcome: "FLAT", ordersCancelled: 0 });
  });

  test("that may not be cancelled leave the fills without meaning: flat then takes two looks", () => {
    const worker = Worker.surveying();
    worker.send(10, surveyed(lookAt([BTC], [stop("BTCUSDT")])));
    worker.answer(20, "BTCUSDT", filled("0.002"));
    worker.send(30, account([]));
    worker.send(40, { ...cancelled("BTCUSDT", "algo"), outcome: { kind: "failed", why: "503" } } as EewEvent);
    expect(worker.send(50, account([]))).toEqual([]);
    worker.send(1_050, { kind: "timer" });
    expect(reported(worker.send(1_060, account([])))).toMatchObject({ outcome: "FLAT" });
  });

  test("of a leg that is still open are left to protect it", () => {
    const worker = Worker.closing();
    worker.answer(20, "BTCUSDT", REFUSED);
    worker.answer(21, "ETHUSDT", filled("0.05"));
    const actions = worker.send(30, account([BTC], [stop("BTCUSDT"), stop("ETHUSDT")]));
    expect(cancelsIn(actions)).toEqual(["ETHUSDT/algo"]);
    worker.send(40, cancelled("ETHUSDT", "algo"));
    expect(reported(worker.send(50, account([BTC], [stop("BTCUSDT")])))).toMatchObject({ outcome: "NOT_FLAT" });
  });

  test("go when the venue refused the close because orders are in the way, so that the next attempt finds none", () => {
    const worker = Worker.closing();
    worker.answer(20, "BTCUSDT", { kind: "refused", cause: "blocked", code: -4118, why: "POST order: -4118" });
    worker.answer(21, "ETHUSDT", filled("0.05"));
    expect(cancelsIn(worker.send(30, account([BTC], [stop("BTCUSDT")])))).toEqual(["BTCUSDT/algo"]);
  });

  test("of a flat symbol that may not be cancelled leave the fills without meaning, too", () => {
    const worker = Worker.surveying();
    worker.send(10, surveyed(lookAt([BTC], [stop("SOLUSDT")])));
    worker.send(15, { ...cancelled("SOLUSDT", "algo"), outcome: { kind: "failed", why: "reset" } } as EewEvent);
    worker.answer(20, "BTCUSDT", filled("0.002"));
    expect(worker.send(30, account([]))).toEqual([]);
    expect(deadline(worker.state)).toBe(at(30 + LIMITS.witnessGapMs));
  });

  test("in hedge mode protect their own leg only", () => {
    const long = aPosition("BTCUSDT", "1", "50000", "LONG");
    const resting: readonly RestingOrder[] = [
      { ...stop("BTCUSDT", "1"), positionSide: "LONG" },
      { ...stop("BTCUSDT", "2"), positionSide: "SHORT" },
    ];
    const actions = Worker.surveying().send(10, surveyed(lookAt([long], resting), { mode: known("hedge") }));
    expect(cancelsIn(actions)).toEqual(["BTCUSDT/algo/2"]);
  });
});

describe("orders that rest after the closes", () => {
  test("are cancelled in the same pass, each once", () => {
    const worker = Worker.verifying();
    const entry = aRestingOrder("SOLUSDT");
    expect(cancelsIn(worker.send(30, account([], [entry])))).toEqual(["SOLUSDT/regular"]);
    worker.send(40, cancelled("SOLUSDT", "regular"));
    expect(cancelsIn(worker.send(50, account([], [entry])))).toEqual([]);
  });

  test("a list of them that came too late for the closes is made up for", () => {
    const worker = Worker.surveying();
    worker.send(10, surveyed({ positions: known([BTC]), resting: unknown("no answer 500 ms after the positions") }));
    worker.answer(20, "BTCUSDT", filled("0.002"));
    expect(cancelsIn(worker.send(30, account([], [aRestingOrder("BTCUSDT")])))).toEqual(["BTCUSDT/regular"]);
    worker.send(40, cancelled("BTCUSDT", "regular"));
    // It may have filled between the lists: fills that add up to what was found prove nothing any more.
    expect(worker.send(50, account([]))).toEqual([]);
    worker.send(1_050, { kind: "timer" });
    expect(reported(worker.send(1_060, account([])))).toMatchObject({ outcome: "FLAT", ordersCancelled: 1 });
  });

  test("cancels that are never answered end with the pass", () => {
    const worker = Worker.verifying();
    worker.send(30, account([], [aRestingOrder("SOLUSDT")]));
    expect(deadline(worker.state)).toBe(at(LIMITS.passMs));
    expect(reported(worker.send(LIMITS.passMs, { kind: "timer" }))).toMatchObject({ outcome: "NOT_FLAT" });
  });
});

describe("unknown orders", () => {
  test("are asked after with each look, and what the venue says of them can make the fills add up", () => {
    const worker = Worker.closing();
    worker.answer(20, "BTCUSDT", UNKNOWN);
    const [look] = worker.answer(21, "ETHUSDT", filled("0.05"));
    if (look?.kind !== "look") throw new Error("no look");
    const [order] = look.after;
    expect(look.after.map(({ symbol }) => symbol)).toEqual(["BTCUSDT"]);
    if (order === undefined) throw new Error("nothing is asked after");
    const actions = worker.send(30, looked(lookAt([]), [{ order, outcome: filled("0.002") }]));
    expect(reported(actions)).toMatchObject({ outcome: "FLAT", executionTimeMs: 30 });
    expect(worker.lines).toContain("BTCUSDT closed - Order ID: 12345678");
  });

  test("that stay unknown are asked after again", () => {
    const worker = Worker.closing();
    worker.answer(20, "BTCUSDT", UNKNOWN);
    worker.answer(21, "ETHUSDT", UNKNOWN);
    worker.send(30, account([BTC]));
    const [again] = worker.send(1_030, { kind: "timer" });
    expect(again?.kind === "look" && again.after.map(({ symbol }) => symbol)).toEqual(["BTCUSDT", "ETHUSDT"]);
  });
});

describe("a position list that can't be read", () => {
  const snapshot = { positions: [BTC, ETH], takenAt: at(-1_500) };

  test("is replaced by the last one that could: what is gone since then a close can't open", () => {
    const worker = Worker.surveying();
    const actions = worker.send(10, surveyed(UNREADABLE, { snapshot }));
    expect(closesIn(actions).map(({ symbol }) => symbol)).toEqual(["ETHUSDT", "BTCUSDT"]);
    expect(worker.lines).toContain("Closing blindly what was open 1.6s ago (2 legs): a close can only reduce");
  });

  test("leaves fills without meaning: flat after a blind close takes two looks", () => {
    const worker = Worker.surveying();
    worker.send(10, surveyed(UNREADABLE, { snapshot }));
    worker.answer(20, "BTCUSDT", filled("0.002"));
    worker.answer(21, "ETHUSDT", filled("0.05"));
    expect(worker.send(30, account([]))).toEqual([]);
    worker.send(1_030, { kind: "timer" });
    expect(reported(worker.send(1_040, account([])))).toMatchObject({ outcome: "FLAT", positionsClosed: 2 });
  });

  test("an empty one remembered is no account: it is read again", () => {
    const worker = Worker.surveying();
    expect(worker.send(10, surveyed(UNREADABLE, { snapshot: { positions: [], takenAt: at(0) } }))).toEqual([]);
    expect(deadline(worker.state)).toBe(at(10 + LIMITS.lookAgainMs));
  });

  test("with nothing readable afterwards is UNKNOWN, with the legs by name", () => {
    const worker = Worker.surveying();
    worker.send(10, surveyed(UNREADABLE, { snapshot }));
    worker.answer(20, "BTCUSDT", UNKNOWN);
    worker.answer(21, "ETHUSDT", UNKNOWN);
    worker.send(30, looked(UNREADABLE));
    const completion = reported(worker.send(LIMITS.passMs, { kind: "timer" }));
    expect(completion).toMatchObject({ outcome: "UNKNOWN", failedSymbols: ["BTCUSDT", "ETHUSDT"] });
  });
});

describe("the venue's limits", () => {
  const window = (limit: number, used: number, endsAt: number): OrderBudget => [
    { limit, used, endsAt: at(endsAt), lengthMs: 10_000 },
  ];

  test("the largest legs go first, the others when the account's order limit starts anew", () => {
    const worker = Worker.surveying();
    const first = worker.send(10, surveyed(lookAt([BTC, ETH]), { budget: window(300, 299, 2_000) }));
    expect(closesIn(first).map(({ symbol }) => symbol)).toEqual(["ETHUSDT"]);
    expect(deadline(worker.state)).toBe(at(2_000));
    expect(closesIn(worker.send(2_000, { kind: "timer" })).map(({ symbol }) => symbol)).toEqual(["BTCUSDT"]);
  });

  test("what has to wait too long for it is left to the next attempt, by name", () => {
    const worker = Worker.surveying();
    worker.send(10, surveyed(lookAt([BTC, ETH]), { budget: window(300, 299, 9_000) }));
    expect(worker.lines).toContain("1 closes not sent, the venue's limits leave no room in this pass: BTCUSDT");
    worker.answer(20, "ETHUSDT", filled("0.05"));
    expect(reported(worker.send(30, account([BTC])))).toMatchObject({
      outcome: "NOT_FLAT",
      failedSymbols: ["BTCUSDT"],
    });
  });

  test("a refusal for the order limit stops the orders that are still to be sent", () => {
    const worker = Worker.surveying();
    worker.send(10, surveyed(lookAt([BTC, ETH], [aRestingOrder("BTCUSDT")]), { budget: window(300, 0, 4_000) }));
    worker.answer(20, "ETHUSDT", { kind: "refused", cause: "order_limit", code: -1015, why: "POST order: -1015" });
    expect(worker.send(30, cancelled("BTCUSDT", "regular"))).toEqual([]);
    expect(deadline(worker.state)).toBe(at(4_000));
    expect(closesIn(worker.send(4_000, { kind: "timer" })).map(({ symbol }) => symbol)).toEqual(["BTCUSDT"]);
  });

  test("a ban stops them for good in this pass", () => {
    const worker = Worker.surveying();
    worker.send(10, surveyed(lookAt([BTC, ETH], [aRestingOrder("BTCUSDT")])));
    worker.answer(20, "ETHUSDT", { kind: "refused", cause: "address_limit", code: -1003, why: "POST order: -1003" });
    worker.send(30, cancelled("BTCUSDT", "regular"));
    expect(worker.state.kind).toBe("verifying");
    expect(worker.lines).toContain("1 closes not sent, the venue's limits leave no room in this pass: BTCUSDT");
  });

  test("a silence that ends within the pass is waited for", () => {
    const worker = Worker.surveying();
    const snapshot = { positions: [BTC], takenAt: at(0) };
    expect(worker.send(10, surveyed(UNREADABLE, { snapshot, silentUntil: at(3_000) }))).toEqual([]);
    expect(deadline(worker.state)).toBe(at(3_000));
    expect(worker.send(3_000, { kind: "timer" }).map(({ kind }) => kind)).toEqual(["survey"]);
  });

  test("one that does not is reported at once, with what was open by name", () => {
    const worker = Worker.surveying();
    const snapshot = { positions: [BTC], takenAt: at(0) };
    const actions = worker.send(10, surveyed(UNREADABLE, { snapshot, silentUntil: at(120_000) }));
    const completion = reported(actions);
    expect(completion).toMatchObject({ outcome: "UNKNOWN", failedSymbols: ["BTCUSDT"], positionsFailed: 1 });
  });

  test("a silence after the closes that outlasts the pass is reported at once", () => {
    const worker = Worker.verifying();
    const completion = reported(worker.send(30, looked(UNREADABLE, [], at(120_000))));
    expect(completion).toMatchObject({ outcome: "UNKNOWN", positionsClosed: 0, positionsFailed: 2 });
  });
});

describe("a market close refused by the price band", () => {
  const second: Attempt = { incidentId: "incident-1", number: 2 };
  const band = { up: decimal("1.05"), down: decimal("0.95"), tick: decimal("0.1") };
  const rulebook: Rulebook = new Map([["BTCUSDT", { lot: null, band }]]);

  test("goes out as a limit order inside the band from the second attempt on, once", () => {
    const worker = Worker.surveying(second);
    const [market] = closesIn(worker.send(10, surveyed(lookAt([BTC]), { rulebook })));
    const [limit, ...more] = closesIn(worker.answer(20, "BTCUSDT", REFUSED));
    expect(more).toEqual([]);
    expect(limit).toEqual({
      ...(market as CloseOrder),
      limitPrice: decimal("48000"),
      clientOrderId: `${market?.clientOrderId}L`,
    });
    expect(worker.lines).toContain("Closing BTCUSDT: SELL 0.002 at 48000 or better (reduce-only)");
    expect(worker.answer(30, "BTCUSDT", REFUSED)).toEqual([lookAction(30)]);
  });

  test("is left to the follow-up by the first attempt", () => {
    const worker = Worker.surveying();
    worker.send(10, surveyed(lookAt([BTC]), { rulebook }));
    expect(worker.answer(20, "BTCUSDT", REFUSED)).toEqual([lookAction(20)]);
  });

  test("stays a market order where the band is not known", () => {
    const worker = Worker.surveying(second);
    worker.send(10, surveyed(lookAt([BTC])));
    expect(worker.answer(20, "BTCUSDT", REFUSED)).toEqual([lookAction(20)]);
  });
});

describe("answers that are not the one that is waited for", () => {
  test("to an earlier read of the account is no account", () => {
    const worker = Worker.surveying().after(10, surveyed(UNREADABLE)).after(1_010, { kind: "timer" });
    const before = worker.state;
    const late: EewEvent = { ...surveyed(lookAt([BTC])), askedAt: at(0) } as EewEvent;
    expect(worker.send(1_020, late)).toEqual([]);
    expect(worker.state).toBe(before);
  });

  test("a halt that is confirmed late does not act on a list that has failed", () => {
    const worker = Worker.surveying().after(10, surveyed(UNREADABLE));
    const before = worker.state;
    expect(worker.send(20, { kind: "halt_written" })).toEqual([]);
    expect(worker.state).toEqual(before);
    expect(worker.send(1_009, { kind: "timer" })).toEqual([]);
    expect(worker.send(1_010, { kind: "timer" }).map(({ kind }) => kind)).toEqual(["survey"]);
  });

  test("a cancel of another symbol holds its own close, and only that", () => {
    const worker = Worker.surveying();
    worker.send(10, surveyed(lookAt([BTC, ETH], [aRestingOrder("BTCUSDT"), aRestingOrder("ETHUSDT")])));
    expect(closesIn(worker.send(20, cancelled("ETHUSDT", "regular"))).map(({ symbol }) => symbol)).toEqual(["ETHUSDT"]);
    expect(closesIn(worker.send(30, cancelled("BTCUSDT", "regular"))).map(({ symbol }) => symbol)).toEqual(["BTCUSDT"]);
  });

  test("a cancel of one order leaves the cancel of another one waited for", () => {
    const guard: RestingOrder = { ...aRestingOrder("BTCUSDT", "algo", "9"), closesPosition: true };
    const others = [aRestingOrder("BTCUSDT", "algo", "10"), aRestingOrder("BTCUSDT", "algo", "11")];
    const worker = Worker.surveying().after(10, surveyed(lookAt([BTC], [guard, ...others])));
    expect(worker.send(20, cancelled("BTCUSDT", "algo", "10"))).toEqual([]);
    expect(closesIn(worker.send(30, cancelled("BTCUSDT", "algo", "11")))).toHaveLength(1);
  });

  test("a timer that comes early repeats no report", () => {
    const worker = Worker.verifying().after(30, account([])).after(31, UNCONFIRMED);
    expect(worker.send(280, { kind: "timer" })).toEqual([]);
  });
});

describe("what the second witness is", () => {
  test("fills are one beside protective stops of other symbols, once these are cancelled", () => {
    const stop: RestingOrder = { ...aRestingOrder("SOLUSDT", "algo", "9"), closesPosition: true };
    const worker = Worker.surveying().after(10, surveyed(lookAt([BTC], [stop])));
    worker.answer(20, "BTCUSDT", filled("0.002"));
    worker.send(21, cancelled("SOLUSDT", "algo"));
    expect(worker.tells.at(-1)?.text).toBe("SOLUSDT: 1 algo orders cancelled");
    expect(reported(worker.send(30, account([])))).toMatchObject({ outcome: "FLAT", ordersCancelled: 1 });
  });

  test("fills are none once an order rested that could open, also beside a stop that could not", () => {
    const stop: RestingOrder = { ...aRestingOrder("BTCUSDT", "algo", "9"), closesPosition: true };
    for (const resting of [[aRestingOrder("SOLUSDT")], [stop, aRestingOrder("SOLUSDT")]]) {
      const worker = Worker.verifying().after(30, account([], resting));
      expect(worker.state).toMatchObject({ kind: "verifying", fillsProve: false });
    }
    expect(Worker.verifying().after(30, account([], [stop])).state).toMatchObject({ fillsProve: true });
  });

  test("a clean look less than a second after the first is none", () => {
    const { state } = Worker.verifying();
    if (state.kind !== "verifying") throw new Error(state.kind);
    const seen = (askedAt: number): string => {
      const before: EewState = { ...state, fillsProve: false, cleanAt: at(30), askedAt: at(askedAt) };
      const event: EewEvent = {
        kind: "looked",
        askedAt: at(askedAt),
        look: lookAt([]),
        resolved: [],
        silentUntil: null,
      };
      return step(LIMITS, before, event, at(2_000))[0].kind;
    };
    expect([seen(1_029), seen(1_030)]).toEqual(["verifying", "reporting"]);
  });
});

describe("the looks after the close", () => {
  test("begin with nothing under way, and with a list that nobody has read", () => {
    const nothing = unknown("not read yet");
    expect(Worker.verifying().state).toMatchObject({
      cancelling: [],
      swept: [],
      stops: [],
      last: { positions: nothing, resting: nothing },
      lastOrderAt: at(21),
      cleanAt: null,
      retryAt: null,
    });
  });

  test("go on for three seconds after the last answer, as long as there is hope", () => {
    const open = (ms: number): string => {
      const worker = Worker.closing();
      worker.answer(20, "BTCUSDT", UNKNOWN);
      worker.answer(21, "ETHUSDT", UNKNOWN);
      return worker.after(ms, account([BTC])).state.kind;
    };
    expect([open(3_020), open(3_021)]).toEqual(["verifying", "reporting"]);
  });

  test("of an account that can't be read pause for half as long again as that has lasted", () => {
    expect(deadline(Worker.verifying().after(2_021, looked(UNREADABLE)).state)).toBe(at(2_021 + 3_000));
    expect(deadline(Worker.verifying().after(100, looked(UNREADABLE)).state)).toBe(at(1_100));
  });

  test("wait out a silence that ends before the pass does, and no other", () => {
    const after = (silentUntil: number): string =>
      Worker.verifying().after(30, looked(UNREADABLE, [], at(silentUntil))).state.kind;
    expect([after(LIMITS.passMs - 1), after(LIMITS.passMs)]).toEqual(["verifying", "reporting"]);
  });

  test("ask after forty unknown orders at most: each is a request", () => {
    const legs = Array.from({ length: 41 }, (_, i) => aPosition(`S${i}USDT`, "1", "1"));
    const worker = Worker.surveying().after(10, surveyed(lookAt(legs)));
    for (const { symbol } of legs.slice(1)) worker.answer(20, symbol, UNKNOWN);
    const [look] = worker.answer(21, "S0USDT", UNKNOWN);
    expect(look?.kind === "look" && look.after.length).toBe(40);
  });

  test("wait for every cancel, and count those that were made", () => {
    const worker = Worker.verifying().after(30, account([], [aRestingOrder("A"), aRestingOrder("B")]));
    const failed = { ...cancelled("A", "regular"), outcome: { kind: "failed", why: "503" } } as EewEvent;
    expect(worker.send(40, failed)).toEqual([]);
    expect(worker.send(50, cancelled("B", "regular"))).toEqual([lookAction(50)]);
    expect(worker.state).toMatchObject({ ordersCancelled: 1, cancelling: [] });
    expect(worker.lines.slice(-2)).toEqual(["A: regular orders not cancelled: 503", "B: 1 regular orders cancelled"]);
  });

  test("cancel a stop once, though it was seen before and rests still", () => {
    const stops: readonly RestingOrder[] = (["LONG", "SHORT"] as const).map((positionSide, i) => ({
      ...aRestingOrder("BTCUSDT", "algo", `${i}`),
      positionSide,
      closesPosition: true,
    }));
    const legs = [aPosition("BTCUSDT", "2", "50000", "LONG"), aPosition("BTCUSDT", "-1", "50000", "SHORT")];
    const worker = Worker.surveying().after(10, surveyed(lookAt(legs, stops), { mode: known("hedge") }));
    worker.answer(20, "BTCUSDT", filled("2"));
    worker.answer(21, "BTCUSDT", REFUSED);
    expect(cancelsIn(worker.send(30, account(legs.slice(1), stops)))).toEqual(["BTCUSDT/algo/0"]);
  });

  test("say nothing of an order whose fate is still not known", () => {
    const worker = Worker.closing();
    worker.answer(20, "BTCUSDT", UNKNOWN);
    const [look] = worker.answer(21, "ETHUSDT", filled("0.05"));
    const before = worker.tells.length;
    if (look?.kind !== "look") throw new Error("no look");
    worker.send(
      30,
      looked(
        lookAt([]),
        look.after.map((order) => ({ order, outcome: UNKNOWN })),
      ),
    );
    expect(worker.tells.slice(before)).toEqual([]);
  });

  test.each([
    ["shows a leg", [BTC], "NOT_FLAT"],
    ["shows nothing, once", [], "UNKNOWN"],
  ] as const)("that end with the pass, where the last one %s, are %s", (_fact, open, outcome) => {
    const worker = Worker.closing();
    worker.answer(20, "BTCUSDT", UNKNOWN);
    worker.answer(21, "ETHUSDT", UNKNOWN);
    worker.after(30, account(open)).after(1_030, { kind: "timer" });
    expect(reported(worker.send(LIMITS.passMs, { kind: "timer" })).outcome).toBe(outcome);
  });
});

describe("what the plan goes by", () => {
  test("the second attempt speaks the position mode of the rows, not the account's", () => {
    const modes = [null, { incidentId: "incident-1", number: 2 }].map((attempt) => {
      const survey = surveyed(lookAt([BTC]), { mode: known("hedge") });
      return closesIn(Worker.surveying(attempt).send(10, survey)).map(({ mode }) => mode);
    });
    expect(modes).toEqual([["hedge"], ["one_way"]]);
  });

  test("a limit price goes by its own leg's mark", () => {
    const band = { up: decimal("1.05"), down: decimal("0.95"), tick: decimal("0.1") };
    const rulebook: Rulebook = new Map([["BTCUSDT", { lot: null, band }]]);
    const worker = Worker.surveying({ incidentId: "incident-1", number: 2 });
    worker.send(10, surveyed(lookAt([ETH, BTC]), { rulebook }));
    const [limit] = closesIn(worker.answer(20, "BTCUSDT", REFUSED));
    expect(limit?.limitPrice).toEqual(decimal("48000"));
  });

  test("a silence that is over holds nothing up", () => {
    const snapshot = { positions: [BTC], takenAt: at(0) };
    const survey = surveyed(UNREADABLE, { snapshot, silentUntil: at(10) });
    expect(closesIn(Worker.surveying().send(10, survey))).toHaveLength(1);
  });

  test("without closes that wait, the pass wakes only to end", () => {
    const budget: OrderBudget = [{ limit: 300, used: 0, endsAt: at(2_000), lengthMs: 10_000 }];
    const worker = Worker.surveying().after(10, surveyed(lookAt([BTC]), { budget }));
    expect(deadline(worker.state)).toBe(at(LIMITS.passMs));
  });

  test.each([
    [
      "in the last moment that leaves time for it is waited for, and not told as not sent",
      300,
      299,
      5_500,
      "closing",
      0,
    ],
    ["a moment later is not", 300, 299, 5_501, "verifying", 1],
    ["in a window that takes none is not", 0, 0, 2_000, "verifying", 1],
  ] as const)("room for a close %s", (_fact, limit, used, endsAt, kind, told) => {
    const budget: OrderBudget = [{ limit, used, endsAt: at(endsAt), lengthMs: 10_000 }];
    const legs = limit === 0 ? [BTC] : [BTC, ETH];
    const worker = Worker.surveying().after(10, surveyed(lookAt(legs), { budget }));
    if (limit > 0) worker.answer(20, "ETHUSDT", filled("0.05"));
    expect(worker.state.kind).toBe(kind);
    expect(worker.lines.filter((line) => line.includes("closes not sent"))).toHaveLength(told);
  });
});

describe("a pass of an event that an earlier pass had begun", () => {
  const SOL = aPosition("SOLUSDT", "3", "200");
  const begun = (): Worker => {
    const worker = new Worker();
    worker.send(0, { kind: "panic", delivery: aDelivery({ foundBefore: [BTC, SOL] }) });
    return worker.after(1, { kind: "halt_written" });
  };

  test("notes what it finds before its first order and its first cancel, and does not wait for the note", () => {
    const actions = begun().send(10, surveyed(lookAt([BTC, ETH], [aRestingOrder("ETHUSDT")])));
    expect(actions.map(({ kind }) => kind)).toEqual(["note_found", "cancel", "close"]);
    expect(actions[0]).toMatchObject({ delivery: { eventId: EVENT_ID }, found: [BTC, ETH] });
  });

  test("notes nothing where nothing is open", () => {
    expect(begun().send(10, surveyed(lookAt([])))).not.toContainEqual(expect.objectContaining({ kind: "note_found" }));
  });

  test("notes what is closed blindly", () => {
    const snapshot = { positions: [BTC], takenAt: at(0) };
    const [first] = begun().send(10, surveyed(UNREADABLE, { snapshot }));
    expect(first).toMatchObject({ kind: "note_found", found: [BTC] });
  });

  test("counts what that one found, tells of it, and halts with it", () => {
    const worker = begun();
    worker.send(10, surveyed(lookAt([ETH])));
    worker.answer(20, "ETHUSDT", filled("0.05"));
    const [report] = worker.send(30, account([]));
    expect(report).toMatchObject({
      kind: "report",
      completion: { outcome: "FLAT", positionsTotal: 3, positionsClosed: 3, notionalUsd: decimal("807.5") },
      halt: { positionsClosed: 3 },
    });
    expect(worker.lines).toEqual(
      expect.arrayContaining([
        "Found 1 open positions",
        "An earlier pass of this event, which was cut off, found open: BTCUSDT 0.002, SOLUSDT 3",
        "Closed: 3/3",
      ]),
    );
  });

  test("proves nothing by legs that it did not find itself: flat then takes two looks", () => {
    const worker = begun();
    worker.send(10, surveyed(lookAt([])));
    expect(worker.send(30, account([]))).toEqual([]);
    const again = worker.send(1_030, { kind: "timer" });
    expect(again).toMatchObject([{ kind: "look" }]);
    const [report] = worker.send(1_040, account([]));
    expect(report).toMatchObject({ completion: { outcome: "FLAT", positionsTotal: 2, positionsClosed: 2 } });
  });

  test("names what that one found where it can read nothing", () => {
    const worker = begun();
    worker.send(10, surveyed(UNREADABLE));
    const [report] = worker.send(10_000, { kind: "timer" });
    expect(report).toMatchObject({
      completion: { outcome: "UNKNOWN", positionsTotal: 2, positionsClosed: 0, failedSymbols: ["BTCUSDT", "SOLUSDT"] },
    });
  });

  test("names it too where its own orders were not answered", () => {
    const worker = begun();
    worker.send(10, surveyed(lookAt([ETH])));
    const [report] = worker.send(10_000, { kind: "timer" });
    expect(report).toMatchObject({
      completion: { outcome: "UNKNOWN", positionsFailed: 3, failedSymbols: ["BTCUSDT", "ETHUSDT", "SOLUSDT"] },
    });
  });
});

describe("what goes on record", () => {
  const halt = { reason: "EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)", source: "watchdog", eventId: EVENT_ID };

  test("is the halt at the beginning with nothing closed, and at the end with what was", () => {
    const worker = new Worker();
    const [first] = worker.send(0, { kind: "panic", delivery: aDelivery() });
    expect(first).toEqual({ kind: "write_halt", delivery: aDelivery(), halt: { ...halt, positionsClosed: 0 } });
    const [last] = Worker.verifying().send(30, account([]));
    expect(last).toMatchObject({ kind: "report", halt: { ...halt, positionsClosed: 2 } });
    expect(last).toMatchObject({ completion: { ...halt, eventId: EVENT_ID } });
  });

  test("is how long the pass took, whenever it began", () => {
    const worker = new Worker()
      .after(500, { kind: "panic", delivery: aDelivery() })
      .after(501, { kind: "halt_written" });
    worker.send(510, surveyed(lookAt([BTC])));
    worker.answer(520, "BTCUSDT", filled("0.002"));
    expect(reported(worker.send(530.4, account([]))).executionTimeMs).toBe(30);
  });

  test("an idle worker waits for events alone", () => {
    expect(deadline({ kind: "idle" })).toBeNull();
  });
});

describe("what the worker says of a pass that goes otherwise", () => {
  const second: Attempt = { incidentId: "incident-1", number: 2 };
  const snapshot = { positions: [BTC], takenAt: at(0) };
  const rows: readonly (readonly [
    of: string,
    make: () => Worker,
    ms: number,
    event: EewEvent,
    expected: readonly string[],
  ])[] = [
    [
      "a halt that is not confirmed",
      () => new Worker().after(0, { kind: "panic", delivery: aDelivery() }),
      700,
      { kind: "halt_unconfirmed", why: "no answer" },
      ["critical alarm: Halt not confirmed: no answer"],
    ],
    [
      "an account that can't be read",
      Worker.surveying,
      10,
      surveyed(UNREADABLE),
      ["critical alarm: Positions can't be read: GET positions: 503"],
    ],
    [
      "one that can't be read while the venue is silent",
      Worker.surveying,
      10,
      surveyed(UNREADABLE, { silentUntil: at(3_000), snapshot }),
      ["critical alarm: Positions can't be read: GET positions: 503"],
    ],
    [
      "one that can't be read before the pass ends",
      Worker.surveying,
      10,
      surveyed(UNREADABLE, { silentUntil: at(LIMITS.passMs), snapshot }),
      [
        "critical alarm: Positions can't be read: GET positions: 503",
        "critical: Closed: 0/1",
        "critical alarm: Outcome UNKNOWN, not proven closed: BTCUSDT 0.002",
        "critical: Execution time: 10ms",
      ],
    ],
    [
      "one that can't be read after the close",
      Worker.verifying,
      30,
      looked(UNREADABLE),
      ["critical alarm: The account can't be read after the close: GET positions: 503"],
    ],
    [
      "one that can't be read after the close before the pass ends",
      Worker.verifying,
      30,
      looked(UNREADABLE, [], at(LIMITS.passMs)),
      [
        "critical alarm: The account can't be read after the close: GET positions: 503",
        "critical: Closed: 0/2",
        "critical alarm: Outcome UNKNOWN, not proven closed: BTCUSDT 0.002, ETHUSDT -0.05",
        "critical: Execution time: 30ms",
      ],
    ],
    [
      "a follow-up",
      () => new Worker(),
      0,
      { kind: "panic", delivery: aDelivery({ eventId: "e2", reason: "R", followsUp: second }) },
      [
        "critical: ============================================================",
        "critical alarm: PANIC CLOSE EVENT RECEIVED",
        "critical: ============================================================",
        "critical: Event ID: e2",
        "critical: Source: watchdog",
        "critical: Reason: R",
        "critical: Attempt: 2 of incident incident-1",
        "critical done: Trigger validated (source=watchdog, age=0.5s)",
      ],
    ],
    [
      "a report that is not confirmed",
      () => Worker.verifying().after(30, account([])),
      31,
      UNCONFIRMED,
      ["warn: Report not confirmed, trying again: no answer"],
    ],
    [
      "one that was told of lately",
      () => Worker.verifying().after(30, account([])).after(31, UNCONFIRMED),
      30 + LIMITS.tellAgainMs,
      UNCONFIRMED,
      [],
    ],
    [
      "one that was told of long ago",
      () => Worker.verifying().after(30, account([])).after(31, UNCONFIRMED),
      31 + LIMITS.tellAgainMs,
      UNCONFIRMED,
      ["warn: Report not confirmed, trying again: no answer"],
    ],
  ];
  test.each(rows)("%s", (_of, make, ms, event, expected) => {
    const worker = make();
    const before = worker.tells.length;
    worker.send(ms, event);
    expect(marked(worker.tells.slice(before))).toEqual([...expected]);
  });
});

describe("events that are not executed", () => {
  test("are acknowledged, with the reason, and nothing is touched", () => {
    const worker = new Worker();
    const delivery = aDelivery({ issuedBy: "somebody" });
    const actions = worker.send(0, { kind: "panic", delivery });
    const why = 'issued_by is "somebody", expected one of watchdog, exit_brain, risk_kernel, ops, eew';
    expect(actions).toEqual([{ kind: "refuse", delivery, why }, { kind: "listen" }]);
    expect(worker.state).toEqual({ kind: "idle" });
  });
});

describe("step(), every state and every event", () => {
  const STATES: Readonly<Record<string, () => Worker>> = {
    idle: () => new Worker(),
    "surveying, not halted": () => {
      const worker = new Worker();
      worker.send(0, { kind: "panic", delivery: aDelivery() });
      return worker;
    },
    surveying: () => Worker.surveying(),
    closing: Worker.closing,
    verifying: Worker.verifying,
    reporting: () => {
      const worker = Worker.verifying();
      worker.send(30, account([]));
      return worker;
    },
  };
  const order = {
    symbol: "X",
    positionSide: "BOTH",
    side: "SELL",
    quantity: decimal("1"),
    mode: "one_way",
    limitPrice: null,
    clientOrderId: "not-ours",
  } as const;
  const EVENTS: Readonly<Record<string, EewEvent>> = {
    panic: { kind: "panic", delivery: aDelivery({ eventId: "second" }) },
    halt_written: { kind: "halt_written" },
    halt_unconfirmed: { kind: "halt_unconfirmed", why: "no answer" },
    surveyed: surveyed(lookAt([BTC])),
    survey_failed: surveyed(UNREADABLE),
    looked: looked(lookAt([BTC])),
    look_failed: looked(UNREADABLE),
    stray_cancel: cancelled("X", "algo"),
    stray_close: { kind: "close_answered", order, outcome: UNKNOWN },
    reported: REPORTED,
    report_unconfirmed: UNCONFIRMED,
    reported_other: { ...REPORTED, eventId: "an earlier one" },
    unconfirmed_other: { ...UNCONFIRMED, eventId: "an earlier one" },
    timer: { kind: "timer" },
  };
  /** The state after the event at 40 ms, and what is asked for; `-` where the event changes nothing. */
  const TABLE: Readonly<Record<string, readonly string[]>> = {
    panic: ["surveying write_halt survey", "-", "-", "-", "-", "surveying owe write_halt survey"],
    halt_written: ["-", "surveying", "-", "-", "-", "-"],
    halt_unconfirmed: ["-", "surveying", "-", "-", "-", "-"],
    surveyed: ["-", "surveying", "closing note_found close", "-", "-", "-"],
    survey_failed: ["-", "surveying", "surveying", "-", "-", "-"],
    looked: ["-", "-", "-", "-", "verifying", "-"],
    look_failed: ["-", "-", "-", "-", "verifying", "-"],
    stray_cancel: ["-", "-", "-", "-", "-", "-"],
    stray_close: ["-", "-", "-", "-", "-", "-"],
    reported: ["-", "-", "-", "-", "-", "idle listen"],
    report_unconfirmed: ["-", "-", "-", "-", "-", "reporting listen"],
    reported_other: ["-", "-", "-", "-", "-", "-"],
    unconfirmed_other: ["-", "-", "-", "-", "-", "-"],
    timer: ["-", "-", "-", "-", "-", "-"],
  };
  for (const [eventName, cells] of Object.entries(TABLE)) {
    for (const [i, [stateName, make]] of Object.entries(STATES).entries()) {
      test(`${stateName} × ${eventName} → ${cells[i]}`, () => {
        const worker = make();
        const before = worker.state;
        const told = worker.tells.length;
        const event = EVENTS[eventName];
        if (event === undefined) throw new Error(eventName);
        const asked = worker.send(40, event).map(({ kind }) => kind);
        const after = Bun.deepEquals(worker.state, before) ? "-" : worker.state.kind;
        expect([after, ...asked].join(" ")).toBe(cells[i] ?? "?");
        if (eventName.startsWith("stray")) expect(worker.tells.slice(told)).toEqual([]);
      });
    }
  }
});

describe("for any venue", () => {
  const outcome = fc.constantFrom<CloseOutcome>(filled("0.002"), filled("0.05"), filled("0.001"), UNKNOWN, REFUSED);
  const stop = { ...aRestingOrder("ETHUSDT", "algo", "7"), closesPosition: true };
  const someLook = fc.constantFrom<Look>(
    lookAt([]),
    lookAt([BTC]),
    lookAt([BTC, ETH]),
    lookAt([], [aRestingOrder("BTCUSDT")]),
    lookAt([ETH], [stop, aRestingOrder("ETHUSDT", "algo", "8")]),
    UNREADABLE,
    { positions: known([]), resting: unknown("503") },
  );

  test("every pass ends within its ten seconds, sends each close once, and says FLAT only after a clean look", () => {
    fc.assert(
      fc.property(
        fc.array(outcome, { minLength: 2, maxLength: 2 }),
        fc.array(someLook, { minLength: 1 }),
        (outcomes, looks) => {
          const worker = new Worker();
          const closes: string[] = [];
          let completion: Completion | null = null;
          let lastLook: Look | null = null;
          let taken = 0;
          const perform = (ms: number, actions: readonly EewAction[]): void => {
            for (const action of actions) {
              if (action.kind === "close") {
                closes.push(action.order.clientOrderId);
                const answer = outcomes[closes.length - 1] ?? UNKNOWN;
                perform(ms, worker.send(ms, { kind: "close_answered", order: action.order, outcome: answer }));
              } else if (action.kind === "cancel") {
                perform(ms, worker.send(ms, { ...action, kind: "cancel_answered", outcome: { kind: "cancelled" } }));
              } else if (action.kind === "survey" || action.kind === "look") {
                lastLook = looks[Math.min(taken++, looks.length - 1)] ?? lookAt([]);
                perform(ms, worker.send(ms, action.kind === "survey" ? surveyed(lastLook) : looked(lastLook)));
              } else if (action.kind === "report") completion = action.completion;
            }
          };
          perform(0, worker.send(0, { kind: "panic", delivery: aDelivery() }));
          perform(1, worker.send(1, { kind: "halt_written" }));
          for (let now = 1; completion === null; ) {
            const due = deadline(worker.state);
            if (due === null) throw new Error(`${worker.state.kind} waits for nothing`);
            now = Math.max(now, due);
            expect(now).toBeLessThanOrEqual(LIMITS.passMs);
            perform(now, worker.send(now, { kind: "timer" }));
          }
          const done: Completion = completion;
          expect(new Set(closes).size).toBe(closes.length);
          expect(done.positionsTotal).toBe(done.positionsClosed + done.positionsFailed);
          expect(done.positionsFailed === 0).toBe(done.outcome === "FLAT");
          if (done.outcome === "FLAT") expect<unknown>(lastLook).toEqual(lookAt([]));
          worker.send(LIMITS.passMs + 1, REPORTED);
          const names = worker.tells.map(({ level, about }) => JSON.stringify([level, about]));
          // `journalctl -p crit` and `EVENT_ID=` show a pass from its first line to its last.
          expect([...new Set(names)]).toEqual([
            JSON.stringify(["critical", { eventId: EVENT_ID, incidentId: EVENT_ID }]),
          ]);
        },
      ),
    );
  });
});

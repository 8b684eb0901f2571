import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decimal, plain } from "../../src/core/decimal.ts";
import {
  type Account,
  deadline,
  EEW_LIMITS,
  type EewAction,
  type EewEvent,
  type EewState,
  step,
} from "../../src/core/eew.ts";
import type { LotRules } from "../../src/core/lots.ts";
import type { Completion } from "../../src/core/messages.ts";
import type { CloseOutcome, Position, RestingOrder } from "../../src/core/position.ts";
import { known, unknown } from "../../src/core/reading.ts";
import { aDelivery, aPosition, aRestingOrder, at, deedsOf, linesOf } from "../support/core.ts";

const LIMITS = EEW_LIMITS;
const NO_LOTS: LotRules = new Map();

/** Stands for the read that was asked for last; `Worker` fills it in. */
const LAST_ASKED = at(-1);
const BTC = aPosition("BTCUSDT", "0.002", "50000");
const ETH = aPosition("ETHUSDT", "-0.05", "2150");

/** The account as the venue shows it. */
function account(positions: readonly Position[], resting: readonly RestingOrder[] = []): EewEvent {
  return {
    kind: "account",
    askedAt: LAST_ASKED,
    account: { positions: known(positions), resting: known(resting) },
    lots: NO_LOTS,
  };
}

const UNREADABLE: Account = { positions: unknown("GET positions: 503"), resting: unknown("GET orders: 503") };

/** A worker under test: feeds events, and answers what it asks for by hand. */
class Worker {
  state: EewState = { kind: "idle" };
  readonly lines: string[] = [];

  #askedAt = at(0);

  send(ms: number, event: EewEvent): readonly EewAction[] {
    const answersLast = event.kind === "account" && event.askedAt === LAST_ASKED;
    const [next, actions] = step(
      LIMITS,
      this.state,
      answersLast ? { ...event, askedAt: this.#askedAt } : event,
      at(ms),
    );
    this.state = next;
    for (const action of actions) if (action.kind === "read_account") this.#askedAt = action.askedAt;
    this.lines.push(...linesOf(actions));
    return deedsOf(actions);
  }

  /** Answers a close order that was sent. */
  answer(ms: number, symbol: string, outcome: CloseOutcome): readonly EewAction[] {
    const inFlight = this.state.kind === "closing" ? this.state.inFlight : [];
    const order = inFlight.find((candidate) => candidate.symbol === symbol);
    if (order === undefined) throw new Error(`no close of ${symbol} is in flight`);
    return this.send(ms, { kind: "close_answered", order, outcome });
  }

  /** Up to the first read of the account. */
  static reading(): Worker {
    const worker = new Worker();
    worker.send(0, { kind: "panic", delivery: aDelivery() });
    worker.send(1, { kind: "halt_written" });
    return worker;
  }

  /** Up to the closes of both legs being under way. */
  static closing(): Worker {
    const worker = Worker.reading();
    worker.send(10, account([BTC, ETH]));
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
  test("the halt is written before the venue is asked anything", () => {
    const worker = new Worker();
    const first = worker.send(0, { kind: "panic", delivery: aDelivery() });
    expect(first.map(({ kind }) => kind)).toEqual(["write_halt"]);
    expect(worker.send(1, { kind: "halt_written" }).map(({ kind }) => kind)).toEqual(["read_account"]);
  });

  test("a halt that is not confirmed does not keep positions open", () => {
    const worker = new Worker();
    worker.send(0, { kind: "panic", delivery: aDelivery() });
    const next = worker.send(700, { kind: "halt_unconfirmed", why: "no answer" });
    expect(next.map(({ kind }) => kind)).toEqual(["read_account"]);
  });

  test("every leg is closed at once, largest notional first, exactly and on the closing side", () => {
    const worker = Worker.reading();
    const orders = worker
      .send(10, account([BTC, ETH]))
      .flatMap((action) => (action.kind === "close" ? [action.order] : []));
    expect(orders.map(({ symbol, side, quantity }) => `${symbol} ${side} ${plain(quantity)}`)).toEqual([
      "ETHUSDT BUY 0.05",
      "BTCUSDT SELL 0.002",
    ]);
  });

  test("reads the account again only after the last order was answered", () => {
    const worker = Worker.closing();
    expect(worker.answer(20, "BTCUSDT", filled("0.002"))).toEqual([]);
    expect(worker.answer(21, "ETHUSDT", filled("0.05"))).toEqual([
      { kind: "read_account", askedAt: at(21), restingWaitMs: null },
    ]);
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
    worker.send(31, { kind: "reported" });
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

  test("listens again only once the report is confirmed, and repeats it until then", () => {
    const worker = Worker.verifying();
    worker.send(30, account([]));
    expect(worker.send(31, { kind: "report_unconfirmed", why: "no answer" })).toEqual([]);
    expect(deadline(worker.state)).toBe(at(31 + LIMITS.reportAgainMs));
    expect(worker.send(281, { kind: "timer" }).map(({ kind }) => kind)).toEqual(["report"]);
    expect(worker.send(282, { kind: "reported" })).toEqual([{ kind: "listen" }]);
    expect(worker.state).toEqual({ kind: "idle" });
  });
});

describe("never better than the venue says", () => {
  test("an empty first list proves nothing: flat needs a second look a second later", () => {
    const worker = Worker.reading();
    expect(worker.send(10, account([]))).toEqual([{ kind: "read_account", askedAt: at(10), restingWaitMs: null }]);
    expect(worker.send(20, account([]))).toEqual([]);
    expect(deadline(worker.state)).toBe(at(20 + LIMITS.witnessGapMs));
    expect(worker.send(1_020, { kind: "timer" })).toEqual([
      { kind: "read_account", askedAt: at(1_020), restingWaitMs: null },
    ]);
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
    const stale: EewEvent = {
      kind: "account",
      askedAt: at(1),
      account: { positions: known([]), resting: known([]) },
      lots: NO_LOTS,
    };
    expect(worker.send(25, stale)).toEqual([]);
    expect(worker.state).toBe(before);
    expect(reported(worker.send(30, account([])))).toMatchObject({ outcome: "FLAT" });
  });

  test("an order that was executed in part leaves NOT_FLAT with the residual by name", () => {
    const worker = Worker.closing();
    worker.answer(20, "BTCUSDT", filled("0.001"));
    worker.answer(21, "ETHUSDT", filled("0.05"));
    const rest = aPosition("BTCUSDT", "0.001");
    expect(worker.send(30, account([rest]))).toEqual([]);
    expect(worker.send(1_030, { kind: "timer" })).toEqual([
      { kind: "read_account", askedAt: at(1_030), restingWaitMs: null },
    ]);
    const completion = reported(worker.send(21 + LIMITS.verifyMs, account([rest])));
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
    worker.send(31, { kind: "reported" });
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
    const worker = Worker.reading();
    worker.send(10, { kind: "account", askedAt: LAST_ASKED, account: UNREADABLE, lots: NO_LOTS });
    expect(deadline(worker.state)).toBe(at(10 + LIMITS.lookAgainMs));
    worker.send(1_010, { kind: "timer" });
    worker.send(1_020, { kind: "account", askedAt: LAST_ASKED, account: UNREADABLE, lots: NO_LOTS });
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
    worker.send(30, { kind: "account", askedAt: LAST_ASKED, account: UNREADABLE, lots: NO_LOTS });
    const completion = reported(worker.send(LIMITS.passMs, { kind: "timer" }));
    expect(completion).toMatchObject({ outcome: "UNKNOWN", positionsTotal: 2, positionsClosed: 0, positionsFailed: 2 });
  });

  test("a flat list with unreadable orders is UNKNOWN: a resting order could re-open the account", () => {
    const worker = Worker.verifying();
    worker.send(30, {
      kind: "account",
      askedAt: LAST_ASKED,
      account: { positions: known([]), resting: unknown("503") },
      lots: NO_LOTS,
    });
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
    worker.send(30, account([], [aRestingOrder("SOLUSDT")]));
    worker.send(1_030, { kind: "timer" });
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

describe("resting orders", () => {
  const RESTING = [
    aRestingOrder("BTCUSDT"),
    aRestingOrder("BTCUSDT", "algo", "2"),
    aRestingOrder("SOLUSDT", "regular", "3"),
  ];

  function cancelled(symbol: string, family: RestingOrder["family"]): EewEvent {
    return { kind: "cancel_answered", symbol, family, outcome: { kind: "cancelled" } };
  }

  test("free symbols are closed at once, the others wait for their cancels; flat symbols are cancelled too", () => {
    const worker = Worker.reading();
    const actions = worker.send(10, account([BTC, ETH], RESTING));
    expect(actions.flatMap((action) => (action.kind === "close" ? [action.order.symbol] : []))).toEqual(["ETHUSDT"]);
    expect(
      actions.flatMap((action) => (action.kind === "cancel" ? [`${action.symbol}/${action.family}`] : [])),
    ).toEqual(["BTCUSDT/regular", "BTCUSDT/algo", "SOLUSDT/regular"]);
  });

  test("a close goes out when both families of its symbol are cancelled", () => {
    const worker = Worker.reading();
    worker.send(10, account([BTC], RESTING));
    expect(worker.send(20, cancelled("BTCUSDT", "regular"))).toEqual([]);
    expect(worker.send(30, cancelled("BTCUSDT", "algo")).map(({ kind }) => kind)).toEqual(["close"]);
  });

  test("a close waits no longer than its limit, answered or not", () => {
    const worker = Worker.reading();
    worker.send(10, account([BTC], RESTING));
    expect(deadline(worker.state)).toBe(at(10 + LIMITS.cancelWaitMs));
    expect(worker.send(10 + LIMITS.cancelWaitMs, { kind: "timer" }).map(({ kind }) => kind)).toEqual(["close"]);
  });

  test("cancelled orders are counted, those of a failed cancel are not", () => {
    const worker = Worker.reading();
    worker.send(10, account([], RESTING));
    worker.send(20, cancelled("BTCUSDT", "regular"));
    worker.send(21, cancelled("BTCUSDT", "algo"));
    worker.send(22, { ...cancelled("SOLUSDT", "regular"), outcome: { kind: "failed", why: "503" } } as EewEvent);
    worker.send(30, account([]));
    worker.send(1_030, { kind: "timer" });
    expect(reported(worker.send(1_031, account([]))).ordersCancelled).toBe(2);
  });

  test("the list of them is waited for as long as a close may wait, and after the close as long as it takes", () => {
    const worker = new Worker();
    worker.send(0, { kind: "panic", delivery: aDelivery() });
    const [first] = worker.send(1, { kind: "halt_written" });
    expect(first).toEqual({ kind: "read_account", askedAt: at(1), restingWaitMs: LIMITS.cancelWaitMs });
    const [second] = worker.send(10, account([]));
    expect(second).toEqual({ kind: "read_account", askedAt: at(10), restingWaitMs: null });
  });

  test("unreadable resting orders do not hold up a close", () => {
    const worker = Worker.reading();
    const actions = worker.send(10, {
      kind: "account",
      askedAt: LAST_ASKED,
      account: { positions: known([BTC]), resting: unknown("503") },
      lots: NO_LOTS,
    });
    expect(actions.map(({ kind }) => kind)).toEqual(["close"]);
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
    expect(worker.lines.at(-1)).toBe(`Event ${delivery.eventId} not executed: ${why}`);
  });
});

describe("step(), every state and every event", () => {
  const STATES: Readonly<Record<string, () => Worker>> = {
    idle: () => new Worker(),
    halting: () => {
      const worker = new Worker();
      worker.send(0, { kind: "panic", delivery: aDelivery() });
      return worker;
    },
    reading: Worker.reading,
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
    account: account([BTC]),
    unreadable: { kind: "account", askedAt: LAST_ASKED, account: UNREADABLE, lots: NO_LOTS },
    stray_cancel: { kind: "cancel_answered", symbol: "X", family: "algo", outcome: { kind: "cancelled" } },
    stray_close: { kind: "close_answered", order, outcome: UNKNOWN },
    reported: { kind: "reported" },
    report_unconfirmed: { kind: "report_unconfirmed", why: "no answer" },
    timer: { kind: "timer" },
  };
  /** The state after the event at 40 ms, and what is asked for; `-` where the event changes nothing. */
  const TABLE: Readonly<Record<string, readonly string[]>> = {
    panic: ["halting write_halt", "-", "-", "-", "-", "-"],
    halt_written: ["-", "reading read_account", "-", "-", "-", "-"],
    halt_unconfirmed: ["-", "reading read_account", "-", "-", "-", "-"],
    account: ["-", "-", "closing close", "-", "verifying", "-"],
    unreadable: ["-", "-", "reading", "-", "verifying", "-"],
    stray_cancel: ["-", "-", "-", "-", "-", "-"],
    stray_close: ["-", "-", "-", "-", "-", "-"],
    reported: ["-", "-", "-", "-", "-", "idle listen"],
    report_unconfirmed: ["-", "-", "-", "-", "-", "reporting"],
    timer: ["-", "-", "-", "-", "-", "-"],
  };
  for (const [eventName, cells] of Object.entries(TABLE)) {
    for (const [i, [stateName, make]] of Object.entries(STATES).entries()) {
      test(`${stateName} × ${eventName} → ${cells[i]}`, () => {
        const worker = make();
        const before = worker.state;
        const event = EVENTS[eventName];
        if (event === undefined) throw new Error(eventName);
        const asked = worker.send(40, event).map(({ kind }) => kind);
        const after = Bun.deepEquals(worker.state, before) ? "-" : worker.state.kind;
        expect([after, ...asked].join(" ")).toBe(cells[i] ?? "?");
      });
    }
  }
});

describe("for any venue", () => {
  const outcome = fc.constantFrom<CloseOutcome>(filled("0.002"), filled("0.05"), filled("0.001"), UNKNOWN, REFUSED);
  const someAccount = fc.constantFrom<EewEvent>(
    account([]),
    account([BTC]),
    account([BTC, ETH]),
    account([], [aRestingOrder("BTCUSDT")]),
    { kind: "account", askedAt: LAST_ASKED, account: UNREADABLE, lots: NO_LOTS },
    { kind: "account", askedAt: LAST_ASKED, account: { positions: known([]), resting: unknown("503") }, lots: NO_LOTS },
  );

  test("every pass ends within its ten seconds, sends each close once, and says FLAT only after a clean look", () => {
    fc.assert(
      fc.property(
        fc.array(outcome, { minLength: 2, maxLength: 2 }),
        fc.array(someAccount, { minLength: 1 }),
        (outcomes, looks) => {
          const worker = new Worker();
          const closes: string[] = [];
          let completion: Completion | null = null;
          let lastLook: EewEvent | null = null;
          let looked = 0;
          const perform = (ms: number, actions: readonly EewAction[]): void => {
            for (const action of actions) {
              if (action.kind === "close") {
                closes.push(action.order.clientOrderId);
                const answer = outcomes[closes.length - 1] ?? UNKNOWN;
                perform(ms, worker.send(ms, { kind: "close_answered", order: action.order, outcome: answer }));
              } else if (action.kind === "cancel") {
                perform(ms, worker.send(ms, { ...action, kind: "cancel_answered", outcome: { kind: "cancelled" } }));
              } else if (action.kind === "read_account") {
                lastLook = looks[Math.min(looked++, looks.length - 1)] ?? account([]);
                perform(ms, worker.send(ms, lastLook));
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
          if (done.outcome === "FLAT") expect<unknown>(lastLook).toEqual(account([]));
        },
      ),
    );
  });
});

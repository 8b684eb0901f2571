import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decimal, plain, ZERO } from "../../src/core/decimal.ts";
import { known, unknown } from "../../src/core/reading.ts";
import { ladder, PolicyRun, policyOf, pricePath, RICH, rules, stopLoss } from "../support/exits.ts";

const LADDER = policyOf(rules({ stopLoss: stopLoss("2"), ladder: ladder(["1R", "50"], ["2R", "50"]) }));
const bare = (order = ""): string => order.split(" ").slice(0, 2).join(" ");

describe("an exit", () => {
  test("is one order, told with its reason, and written down before it is sent", () => {
    const run = new PolicyRun(LADDER);
    run.hold("BTCUSDT", "0.5", "60000");
    run.look("60000");
    let onDisk = "";
    run.answer = (order) => {
      onDisk = run.disk.get("BTCUSDT") ?? "";
      return run.execute(order, order.quantity);
    };
    run.look("61200");
    expect(run.orders.map(bare)).toEqual(["SELL 0.25"]);
    expect(run.lines).toContain("close 50 % of BTCUSDT: +1R reached (entry 60,000, mark 61,200)");
    expect(onDisk).toContain(run.orders[0]?.split(" ")[2] ?? "none");
  });

  test("that nothing changes is not written down again: marks that get no better, legs that stay as they are", () => {
    const run = new PolicyRun(LADDER);
    run.hold("BTCUSDT", "0.5", "100");
    for (const mark of ["100", "101"]) run.look(mark);
    const written = run.writes;
    for (const mark of ["101", "100.5", "101"]) run.look(mark);
    expect(run.writes).toBe(written);
    run.look("101.5");
    expect(run.writes).toBe(written + 1);
  });

  test("of a step is made once, and the next step takes the rest", () => {
    const run = new PolicyRun(LADDER);
    run.hold("BTCUSDT", "0.5", "100");
    for (const mark of ["100", "102", "102", "101", "102", "104", "104"]) run.look(mark);
    expect(run.orders.map(bare)).toEqual(["SELL 0.25", "SELL 0.25"]);
    expect(run.legs.size).toBe(0);
  });

  test("of the whole leg goes on although the mark comes back", () => {
    const run = new PolicyRun(LADDER);
    run.hold("BTCUSDT", "-1", "100");
    run.look("100");
    run.answer = () => ({ kind: "refused", cause: "other", code: -1001, why: "Internal error" });
    run.look("102");
    run.answer = (order) => run.execute(order, order.quantity);
    run.look("101");
    run.look("101");
    expect(run.orders.map(bare)).toEqual(["BUY 1", "BUY 1"]);
    expect(new Set(run.orders).size).toBe(2);
  });

  test("that was executed in part is ordered for the rest", () => {
    const run = new PolicyRun(LADDER);
    run.hold("BTCUSDT", "1", "100");
    run.look("100");
    run.answer = (order) => run.execute(order, decimal("0.2"));
    run.look("102");
    run.answer = (order) => run.execute(order, order.quantity);
    run.look("102");
    expect(run.orders.map(bare)).toEqual(["SELL 0.5", "SELL 0.3"]);
  });

  test("of a mark by stream does not wait for the next list", () => {
    const run = new PolicyRun(LADDER);
    run.hold("BTCUSDT", "1", "100");
    run.look("100");
    run.mark("97");
    expect(run.orders.map(bare)).toEqual(["SELL 1"]);
  });
});

describe("an order whose outcome is not known", () => {
  function inDoubt(): PolicyRun {
    const run = new PolicyRun(LADDER);
    run.hold("BTCUSDT", "1", "100");
    run.look("100");
    run.answer = () => ({ kind: "unknown", why: "no answer within 3500 ms" });
    run.look("102");
    return run;
  }

  test("is asked for, and nothing is ordered on the leg meanwhile", () => {
    const run = inDoubt();
    for (let i = 0; i < 5; i++) run.look("97");
    expect(run.orders.map(bare)).toEqual(["SELL 0.5"]);
  });

  test("that the venue knows is booked as it was executed", () => {
    const run = inDoubt();
    run.lookUp = (order) => run.execute(order, order.quantity);
    run.answer = (order) => run.execute(order, order.quantity);
    for (const mark of ["102", "102", "102", "104", "104"]) run.look(mark);
    expect(run.orders.map(bare)).toEqual(["SELL 0.5", "SELL 0.5"]);
    expect(run.legs.size).toBe(0);
  });

  test("that the venue does not know when it can't arrive any more is ordered anew, under another id", () => {
    const run = inDoubt();
    run.answer = (order) => run.execute(order, order.quantity);
    for (let i = 0; i < 10; i++) run.look("102");
    expect(run.orders.map(bare)).toEqual(["SELL 0.5", "SELL 0.5"]);
    expect(new Set(run.orders).size).toBe(2);
  });

  test("is not given up because the wall clock was set forward", () => {
    const run = inDoubt();
    run.answer = (order) => run.execute(order, order.quantity);
    run.wallMs = 3_600_000;
    run.look("102");
    run.look("102");
    expect(run.orders.map(bare)).toEqual(["SELL 0.5"]);
  });

  test("is still in doubt in the next life", () => {
    const run = inDoubt();
    run.restart();
    run.lookUp = (order) => run.execute(order, order.quantity);
    run.answer = (order) => run.execute(order, order.quantity);
    for (let i = 0; i < 10; i++) run.look("102");
    expect(run.orders.map(bare)).toEqual(["SELL 0.5"]);
  });
});

describe("other hands", () => {
  test("that reduce the leg are told, and a step takes no more than is open", () => {
    const run = new PolicyRun(LADDER);
    run.hold("BTCUSDT", "1", "100");
    run.look("100");
    run.hold("BTCUSDT", "0.3", "100");
    run.look("100");
    run.look("102");
    expect(run.lines).toContain("BTCUSDT was reduced by other hands: 1 → 0.3, stop at 98");
    expect(run.orders.map(bare)).toEqual(["SELL 0.3"]);
  });

  test("that open the other side right behind a close are not taken for a list that lags", () => {
    const run = new PolicyRun(LADDER);
    run.hold("BTCUSDT", "1", "100");
    run.look("100");
    run.look("97");
    run.hold("BTCUSDT", "-1", "97");
    run.look("97");
    run.mark("99");
    expect(run.orders.map(bare)).toEqual(["SELL 1", "BUY 1"]);
  });

  test("that turn the leg while an order is in doubt get no order by the old leg's levels", () => {
    const run = new PolicyRun(LADDER);
    run.hold("BTCUSDT", "1", "100");
    run.look("100");
    run.answer = () => ({ kind: "unknown", why: "no answer within 3500 ms" });
    run.look("97");
    run.hold("BTCUSDT", "-2", "97");
    run.lookUp = () => ({ kind: "executed", orderId: "1", executed: decimal("1") });
    run.look("97");
    run.mark("96");
    run.look("96");
    expect(run.orders.map(bare)).toEqual(["SELL 1"]);
  });

  test("that reduce the leg and grow it again between two lists do not have a step repeated", () => {
    const run = new PolicyRun(LADDER);
    run.hold("BTCUSDT", "1", "100");
    run.look("100");
    run.look("102");
    const memory = run.exits.book.legs.get("BTCUSDT")?.memory ?? null;
    run.recall = () => known(memory);
    run.hold("BTCUSDT", "0.4", "101");
    for (let i = 0; i < 4; i++) run.look("103.5");
    expect(run.lines).toContain(
      "BTCUSDT was opened again by other hands, or has grown unseen: 0.5 → 0.4, stop at 98.98",
    );
    expect(run.orders.map(bare)).toEqual(["SELL 0.5"]);
  });

  test("that grow the leg and reduce it between two lists have no order id come again", () => {
    const run = new PolicyRun(LADDER);
    run.hold("BTCUSDT", "1", "100");
    run.look("100");
    const asOnRecord = run.exits.book.legs.get("BTCUSDT")?.memory ?? null;
    run.recall = () => known(asOnRecord);
    run.answer = () => ({ kind: "refused", cause: "other", code: -1003, why: "banned" });
    run.look("102");
    run.answer = (order) => run.execute(order, order.quantity);
    run.hold("BTCUSDT", "0.8", "101");
    for (let i = 0; i < 4; i++) run.look("103.5");
    expect(run.orders.map((order) => order.replace(/-[0-9a-f]{8}-[0-9a-f]{8}-/, "-step-leg-"))).toEqual([
      "SELL 0.5 qx-mwm0nkyw-step-leg-0",
      "SELL 0.5 qx-mwm0nkyw-step-leg-1",
    ]);
  });

  test("that close the leg end its memory, but one list without it does not", () => {
    const run = new PolicyRun(LADDER);
    run.hold("BTCUSDT", "1", "100");
    run.look("100");
    run.hold("BTCUSDT", "0", "0");
    run.look("100");
    expect(run.disk.size).toBe(1);
    for (let i = 0; i < 4; i++) run.look("100");
    expect(run.disk.size).toBe(0);
    expect(run.lines.at(-1)).toContain("BTCUSDT is flat");
  });
});

test("a life that dies before the venue's records are read leaves that to the next, and takes no step of the ladder", () => {
  const run = new PolicyRun(LADDER);
  run.hold("BTCUSDT", "0.5", "100");
  run.recall = () => unknown("500 -1000: internal error");
  run.look("100");
  run.restart();
  run.look("102");
  expect(run.orders).toEqual([]);
  run.recall = () => known(null);
  for (let i = 0; i < 11; i++) run.look("102");
  expect(run.orders.map(bare)).toEqual(["SELL 0.25"]);
});

test("in shadow every decision is told once, and nothing is sent", () => {
  const run = new PolicyRun(LADDER, "0.001", { shadow: true });
  run.hold("BTCUSDT", "1", "100");
  for (const mark of ["100", "102", "102", "104", "104", "97"]) run.look(mark);
  expect(run.orders).toEqual([]);
  expect(run.lines.filter((line) => line.startsWith("Shadow, would"))).toEqual([
    "Shadow, would close 50 % of BTCUSDT: +1R reached (entry 100, mark 102)",
    "Shadow, would close 50 % of BTCUSDT: +2R reached (entry 100, mark 104)",
    "Shadow, would close all of BTCUSDT: stop loss 98 reached (entry 100, mark 97)",
  ]);
});

test("a refused close of the whole leg that other orders block has them cleared away", () => {
  const run = new PolicyRun(LADDER);
  run.hold("BTCUSDT", "1", "100");
  run.look("100");
  run.answer = () => ({ kind: "refused", cause: "blocked", code: -4118, why: "ReduceOnly Order Failed." });
  run.look("97");
  expect(run.others.map(({ kind }) => kind)).toEqual(["clear_way"]);
});

test("whatever the path and the answers: no order grows the leg, and no more is closed than was open", () => {
  const answers = fc.array(fc.constantFrom("all", "part", "none", "refused", "unknown", "done_unknown"), {
    minLength: 1,
    maxLength: 40,
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1e6 }),
      answers,
      fc.constantFrom("0.777", "-0.777"),
      (seed, kinds, amount) => {
        const run = new PolicyRun(RICH);
        run.hold("BTCUSDT", amount, "100");
        let asked = 0;
        let closed = ZERO;
        run.answer = (order) => {
          const kind = kinds[asked++ % kinds.length];
          if (kind === "refused") return { kind: "refused", cause: "other", code: null, why: "drawn" };
          if (kind === "unknown") return { kind: "unknown", why: "drawn" };
          if (kind === "none") return { kind: "executed", orderId: "1", executed: ZERO };
          const outcome = run.execute(order, kind === "part" ? order.quantity.times("0.5") : order.quantity);
          if (outcome.kind === "executed") closed = closed.plus(outcome.executed);
          return kind === "done_unknown" ? { kind: "unknown", why: "drawn" } : outcome;
        };
        for (const [i, mark] of pricePath(seed).slice(0, 200).entries()) {
          if (i % 37 === 36) run.restart();
          run.look(mark);
        }
        expect(closed.lte("0.777")).toBe(true);
        const left = run.legs.get("BTCUSDT")?.amount.abs() ?? ZERO;
        expect(plain(left.plus(closed))).toBe("0.777");
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);

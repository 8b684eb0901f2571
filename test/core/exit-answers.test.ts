/** What the book of legs makes of answers: of orders, of lists that lag behind them, and of the venue's records. */

import { describe, expect, test } from "bun:test";
import { decimal, plain } from "../../src/core/decimal.ts";
import { BOOK_LIMITS, blindness, leave } from "../../src/core/exit-book.ts";
import { beginLeg, type LegMemory } from "../../src/core/exit-memory.ts";
import type { CloseOutcome, Position } from "../../src/core/position.ts";
import { known, unknown } from "../../src/core/reading.ts";
import { info } from "../../src/core/tell.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { ladder, PolicyRun, policyOf, rules, stopLoss, target } from "../support/exits.ts";

const LADDER = policyOf(rules({ stopLoss: stopLoss("2"), ladder: ladder(["1R", "50"], ["2R", "50"]) }));
const SILENCE: CloseOutcome = { kind: "unknown", why: "no answer within 3500 ms" };
const REFUSED: CloseOutcome = { kind: "refused", cause: "other", code: -1001, why: "-1001: internal error" };

const bare = (order = ""): string => order.split(" ").slice(0, 2).join(" ");
const bares = (run: PolicyRun): readonly string[] => run.orders.map(bare);

/** A leg of 1 at 100 that was looked at once. */
function held(amount = "1"): PolicyRun {
  const run = new PolicyRun(LADDER);
  run.hold("BTCUSDT", amount, "100");
  run.look("100");
  return run;
}

describe("an order is on disk before it is sent", () => {
  /** What is on disk at the moment of the answer. */
  function seenAt(trigger: (run: PolicyRun) => void): { readonly onDisk: string; readonly id: string } {
    const run = held();
    let onDisk = "";
    run.answer = (order) => {
      onDisk = run.disk.get("BTCUSDT") ?? "";
      return run.execute(order, order.quantity);
    };
    trigger(run);
    return { onDisk, id: run.orders[0]?.split(" ")[2] ?? "none" };
  }

  test.each([
    ["by a list", (run: PolicyRun) => run.look("97")],
    ["by a streamed mark", (run: PolicyRun) => run.mark("97")],
  ])("also where nothing else of the leg is new: %s", (_, trigger) => {
    const { id, onDisk } = seenAt(trigger);
    expect(onDisk).toContain(`"clientOrderId":"${id}"`);
    expect(onDisk).toContain('"exiting":"close all of BTCUSDT: stop loss 98 reached (entry 100, mark 97)"');
    expect(onDisk).toContain('"sent":1');
  });
});

test("a best mark that came between two lists is on disk with the next one, though that shows a worse mark", () => {
  const run = held();
  run.mark("101.5");
  expect(run.disk.get("BTCUSDT")).toContain('"best":"100"');
  const writes = run.writes;
  run.look("101");
  expect(run.disk.get("BTCUSDT")).toContain('"best":"101.5"');
  run.look("101");
  expect(run.writes).toBe(writes + 1);
});

describe("an order that was executed", () => {
  test("is told with the quantity that was executed, and the venue's id", () => {
    const run = held();
    run.answer = (order) => run.execute(order, decimal("0.4"));
    run.look("97");
    expect(run.lines).toContain("BTCUSDT: SELL 0.4 (reduce-only) executed - Order ID: 1");
  });

  test("is not repeated on lists that still show the leg as it was, for three seconds", () => {
    const run = held();
    run.listed = new Map(run.legs);
    run.look("97");
    for (let i = 0; i < 2; i++) run.look("97");
    run.mark("96");
    expect(bares(run)).toEqual(["SELL 1"]);
    expect(run.lines.filter((line) => line.includes("other hands"))).toEqual([]);
    run.answer = () => REFUSED;
    run.look("97");
    expect(bares(run)).toEqual(["SELL 1", "SELL 1"]);
    expect(run.ms - 2_000).toBe(BOOK_LIMITS.listLagMs);
  });

  test("of nothing has found nobody: a pause, and the next one", () => {
    const run = held();
    run.answer = () => ({ kind: "executed", orderId: "7", executed: decimal("0") });
    run.look("97");
    run.look("97", 999);
    expect(bares(run)).toEqual(["SELL 1"]);
    run.look("97", 1);
    expect(bares(run)).toEqual(["SELL 1", "SELL 1"]);
  });

  test("ends the pauses of refusals before it, and the next order is a market order again", () => {
    const run = held();
    const band = { up: decimal("1.05"), down: decimal("0.95"), tick: decimal("0.1") };
    run.rulebook.set("BTCUSDT", { lot: null, band });
    const prices: (string | null)[] = [];
    const outcomes: CloseOutcome[] = [
      { kind: "refused", cause: "price_band", code: -4131, why: "PERCENT_PRICE" },
      REFUSED,
      { kind: "executed", orderId: "1", executed: decimal("0.4") },
      { kind: "executed", orderId: "2", executed: decimal("0.6") },
    ];
    run.answer = (order) => {
      prices.push(order.limitPrice === null ? null : plain(order.limitPrice));
      return outcomes[prices.length - 1] ?? REFUSED;
    };
    for (let i = 0; i < 8; i++) run.look("97");
    // Market, then inside the band until something was executed: 97 * (0.95 + 0.05 * 0.2), on the grid towards the mark.
    expect(prices.slice(0, 4)).toEqual([null, "93.2", "93.2", null]);
  });
});

describe("an order that was refused", () => {
  test("is told, and tried again behind pauses that double up to eight seconds", () => {
    const run = held();
    const at: number[] = [];
    run.answer = () => {
      at.push(run.ms);
      return REFUSED;
    };
    for (let i = 0; i < 60; i++) run.look("97", 500);
    expect(run.lines).toContain("BTCUSDT: SELL 1 (reduce-only) was refused: -1001: internal error");
    const pauses = at.slice(1).map((ms, i) => ms - (at[i] ?? 0));
    expect(pauses.slice(0, 5)).toEqual([1_000, 2_000, 4_000, 8_000, 8_000]);
  });

  test("of a step holds up no stop, and that one's own pauses begin anew", () => {
    const run = held();
    const at: number[] = [];
    run.answer = (order) => {
      if (order.quantity.eq("1")) at.push(run.ms);
      return REFUSED;
    };
    for (let i = 0; i < 20; i++) run.look("102", 500);
    const since = run.ms;
    for (let i = 0; i < 7; i++) run.look("97", 500);
    expect(at.map((ms) => ms - since)).toEqual([500, 1_500, 3_500]);
  });

  test.each([
    ["a step that other orders block", "102", { ...REFUSED, cause: "blocked" as const }],
    ["the whole leg for another reason", "97", REFUSED],
  ])("%s clears no order away", (_, mark, outcome) => {
    const run = held();
    run.answer = () => outcome;
    run.look(mark);
    expect(bares(run).length).toBe(1);
    expect(run.others).toEqual([]);
  });

  test("because others block the whole leg names the leg whose orders go", () => {
    const run = held();
    run.answer = () => ({ ...REFUSED, cause: "blocked" });
    run.look("97");
    expect(run.others).toEqual([{ kind: "clear_way", leg: "BTCUSDT", symbol: "BTCUSDT", positionSide: "BOTH" }]);
  });
});

describe("an order in doubt", () => {
  test("is told once, asked for at each look, and told when it never reached the venue", () => {
    const run = held();
    run.answer = () => SILENCE;
    run.look("97");
    let asked = 0;
    run.lookUp = () => {
      asked += 1;
      return { kind: "unknown", why: "-2013: Order does not exist", absent: true };
    };
    for (let i = 0; i < 5; i++) run.look("97");
    expect(asked).toBe(5);
    run.answer = (order) => run.execute(order, order.quantity);
    // Six seconds behind the order: what Binance has not got by then it would refuse.
    run.look("97", 999);
    expect(bares(run)).toEqual(["SELL 1"]);
    run.look("97", 1);
    const told = run.lines.filter((line) => line.includes("SELL 1 (reduce-only)"));
    expect(told.slice(0, 2)).toEqual([
      "BTCUSDT: what became of SELL 1 (reduce-only) is not known yet: no answer within 3500 ms",
      "BTCUSDT: SELL 1 (reduce-only) never reached the venue",
    ]);
    run.look("97");
    expect(bares(run)).toEqual(["SELL 1", "SELL 1"]);
  });

  test("that can't be asked for stays in doubt, however long it takes", () => {
    const run = held();
    run.answer = () => SILENCE;
    run.look("97");
    run.lookUp = () => ({ kind: "unknown", why: "connection refused" });
    for (let i = 0; i < 30; i++) run.look("97");
    expect(bares(run)).toEqual(["SELL 1"]);
  });

  test("is not asked for while its answer is under way", () => {
    const run = held();
    run.answer = () => SILENCE;
    run.look("97");
    let asked = 0;
    run.lookUp = (order) => {
      asked += 1;
      // A look in the middle of the question.
      if (asked === 1) run.look("97");
      return run.execute(order, order.quantity);
    };
    run.look("97");
    expect(asked).toBe(1);
  });

  test("of the next order is told again", () => {
    const run = held();
    run.answer = () => SILENCE;
    for (let i = 0; i < 20; i++) run.look("97");
    const told = run.lines.filter((line) => line.includes("is not known yet"));
    expect(told.length).toBe(run.orders.length);
    expect(run.orders.length).toBeGreaterThan(1);
  });

  test("is in doubt in the next life, too, which gives it another six seconds", () => {
    const run = held();
    run.answer = () => SILENCE;
    run.look("97");
    run.restart();
    run.answer = (order) => run.execute(order, order.quantity);
    const restartedAt = run.ms;
    // A mark before the first list is no reason to act.
    run.mark("90");
    while (run.orders.length === 1 && run.ms < 60_000) run.look("97");
    expect(run.ms - restartedAt).toBe(BOOK_LIMITS.absentIsProofMs + 1_000);
  });

  test("whose answer is under way is neither asked for nor repeated", () => {
    const run = held();
    let asked = 0;
    run.answer = () => null;
    run.lookUp = () => {
      asked += 1;
      return SILENCE;
    };
    run.look("97");
    for (let i = 0; i < 3; i++) run.look("97");
    run.mark("96");
    expect([run.orders.length, asked]).toEqual([1, 0]);
  });
});

test("an exit that takes several orders is told once", () => {
  const run = held("7");
  run.rulebook.set("BTCUSDT", { lot: { min: decimal("1"), max: decimal("3"), step: decimal("1") }, band: null });
  for (let i = 0; i < 4; i++) run.look("97");
  expect(bares(run)).toEqual(["SELL 3", "SELL 3", "SELL 1"]);
  expect(run.lines.filter((line) => line.startsWith("close all of"))).toEqual([
    "close all of BTCUSDT: stop loss 98 reached (entry 100, mark 97)",
  ]);
});

describe("a leg that is to be left for a reason from outside", () => {
  const REASON = "close all of BTCUSDT: its backstop can't be placed";

  test("is told, written down, and left with the next look", () => {
    const run = held();
    const [book, actions] = leave(run.exits.book, "BTCUSDT", REASON);
    expect(actions).toMatchObject([{ kind: "remember", records: [{ memory: { exiting: REASON } }] }, info(REASON)]);
    run.exits = { ...run.exits, book };
    run.look("100");
    expect(bares(run)).toEqual(["SELL 1"]);
  });

  test("is not told again, and one that is not there is none", () => {
    const [book] = leave(held().exits.book, "BTCUSDT", REASON);
    expect(leave(book, "BTCUSDT", "another")).toEqual([book, []]);
    expect(leave(book, "NOSUCH", REASON)).toEqual([book, []]);
  });
});

describe("blindness", () => {
  const policy = policyOf(rules({ liquidationDistancePercent: decimal("5") }));
  /** A book of two legs; the venue tells the liquidation price of both, or not of the second. */
  function bookOf(told: boolean): PolicyRun["exits"]["book"] {
    const run = new PolicyRun(policy);
    run.hold("BTCUSDT", "1", "100");
    run.hold("ETHUSDT", "1", "100");
    run.look("100");
    const legs = new Map(run.exits.book.legs);
    const second = legs.get("ETHUSDT");
    if (second === undefined || second.seen === null) throw new Error("There is no second leg");
    const { liquidationPrice: _untold, ...rest } = second.seen;
    if (!told) legs.set("ETHUSDT", { ...second, seen: rest });
    return { ...run.exits.book, legs };
  }

  test("is named by its leg, wherever it stands", () => {
    expect(blindness(policy, bookOf(false))).toBe("the liquidation price of ETHUSDT can't be read");
    expect(blindness(policy, bookOf(true))).toBeNull();
  });

  test("is none for a leg that this life has not seen", () => {
    const run = held();
    run.restart();
    const margin = policyOf(rules({ liquidationDistancePercent: decimal("5") }));
    expect(blindness(margin, run.exits.book)).toBeNull();
  });
});

test("an answer that nobody waits for changes nothing", () => {
  const run = held();
  const before = run.exits;
  const lines = run.lines.length;
  for (const leg of ["BTCUSDT", "NOSUCH"]) {
    run.hear({ kind: "closed", leg, outcome: { kind: "executed", orderId: "9", executed: decimal("1") } });
    run.hear({ kind: "recalled", leg, memory: known(null) });
  }
  expect(run.exits.book).toEqual(before.book);
  expect(run.lines.length).toBe(lines);
});

describe("what is too small to be ordered", () => {
  const coarse = { lot: { min: decimal("5"), max: decimal("100"), step: decimal("1") }, band: null };

  test("of the whole leg is told once, and held", () => {
    const run = held();
    run.rulebook.set("BTCUSDT", coarse);
    for (let i = 0; i < 3; i++) run.look("97");
    expect(run.orders).toEqual([]);
    expect(run.lines.filter((line) => line.includes("too small"))).toEqual([
      "close all of BTCUSDT: stop loss 98 reached (entry 100, mark 97): 1 is too small to be ordered",
    ]);
  });

  test("of a step is told, and the step is done with, also in the next life", () => {
    const run = held("9");
    run.rulebook.set("BTCUSDT", coarse);
    run.look("102");
    run.restart();
    run.look("102");
    expect(run.lines.filter((line) => line.includes("too small"))).toEqual([
      "close 50 % of BTCUSDT: +1R reached (entry 100, mark 102): 0 is too small to be ordered",
    ]);
    expect(run.disk.get("BTCUSDT")).toContain('"steps":{"1R":{"taken":"0","done":true}}');
    // The whole leg is not.
    run.look("97");
    expect(bares(run)).toEqual(["SELL 9"]);
  });
});

describe("what the venue has on record of a leg", () => {
  const started = (): PolicyRun => {
    const run = new PolicyRun(LADDER);
    run.hold("BTCUSDT", "1", "100");
    return run;
  };
  /** The memory that `run` has, with changes. */
  const memory = (run: PolicyRun, changes: Partial<LegMemory> = {}): LegMemory => {
    const leg = run.exits.book.legs.get("BTCUSDT");
    if (leg === undefined) throw new Error("There is no such leg");
    return { ...leg.memory, ...changes };
  };
  const stepDone = { "1R": { taken: decimal("0.5"), done: true } };

  test("is asked for again after ten seconds if it can't be read; until then stops are made, steps are not", () => {
    const run = started();
    const asked: number[] = [];
    run.recall = () => {
      asked.push(run.ms);
      return unknown("500 internal error");
    };
    for (let i = 0; i < 12; i++) run.look("102");
    expect(asked).toEqual([1_000, 11_000]);
    expect(run.orders).toEqual([]);
    expect(run.lines).toContain(
      "What was done on BTCUSDT before can't be read, no take-profit until it is: 500 internal error",
    );
    run.look("97");
    expect(bares(run)).toEqual(["SELL 1"]);
  });

  test("is joined to what is remembered: a step that was taken is not taken again", () => {
    const run = started();
    run.recall = () => known(memory(run, { steps: stepDone }));
    for (let i = 0; i < 2; i++) run.look("102");
    expect(run.orders).toEqual([]);
    expect(run.lines).toContain("BTCUSDT is taken up again: steps taken: 1R");
    expect(run.disk.get("BTCUSDT")).toContain('"1R":{"taken":"0.5","done":true}');
  });

  test.each([
    ["as much younger as clocks may be apart is the same leg", 5_000, ["1R"]],
    ["a millisecond younger is another one", 5_001, []],
  ] as const)("%s", (_, laterMs, expected) => {
    const run = started();
    run.look("100");
    run.restart();
    const own = memory(run);
    // Only the memory of this life knows of the step.
    const before = { ...own, steps: stepDone };
    const leg = run.exits.book.legs.get("BTCUSDT");
    if (leg === undefined) throw new Error("There is no such leg");
    const asked = { ...leg, memory: before, recall: { kind: "asked" } } as const;
    run.exits = { ...run.exits, book: { ...run.exits.book, legs: new Map([["BTCUSDT", asked]]) } };
    const other = { ...own, openedAt: (own.openedAt + laterMs) as UnixMillis };
    run.hear({ kind: "recalled", leg: "BTCUSDT", memory: known(other) });
    expect(Object.keys(memory(run).steps)).toEqual([...expected]);
  });

  test("of the other side is another leg's: what is remembered of this one does not join it", () => {
    const run = started();
    run.recall = () => known(memory(run, { side: "short", steps: stepDone, best: decimal("50") }));
    run.look("100");
    expect(memory(run)).toMatchObject({ side: "short", steps: stepDone });
  });

  test("is asked for one leg after the other, two seconds apart", () => {
    const run = started();
    run.hold("ETHUSDT", "1", "100");
    const asked: number[] = [];
    run.recall = () => {
      asked.push(run.ms);
      return known(null);
    };
    for (let i = 0; i < 6; i++) run.look("100");
    expect(asked).toEqual([1_000, 3_000]);
  });

  test("is asked for where nobody saw how its entry has changed", () => {
    const run = started();
    let asked = 0;
    run.recall = () => {
      asked += 1;
      return known(null);
    };
    run.look("100");
    run.restart();
    run.look("100");
    expect(asked).toBe(1);
    run.hold("BTCUSDT", "2", "101");
    run.restart();
    for (let i = 0; i < 3; i++) run.look("100");
    expect(asked).toBe(2);
  });
});

describe("a leg whose entry has changed unseen may be another one", () => {
  /** A long leg of 1 at 100 whose stop has come to break even, in a life that is over; now 2 are open at 95.5. */
  const policy = policyOf(
    rules({ stopLoss: stopLoss("10"), breakEven: { at: target("2 %"), offsetPercent: decimal("0") } }),
  );
  const grown = (): { readonly run: PolicyRun; readonly before: LegMemory } => {
    const run = new PolicyRun(policy);
    run.hold("BTCUSDT", "1", "100");
    run.look("100");
    run.look("103");
    const before = run.exits.book.legs.get("BTCUSDT")?.memory;
    if (before === undefined) throw new Error("There is no such leg");
    run.restart();
    run.ms += 60_000;
    run.hold("BTCUSDT", "2", "95.5");
    return { run, before };
  };
  const stopOf = (run: PolicyRun) => plain(run.exits.book.legs.get("BTCUSDT")?.memory.stop?.level ?? decimal("0"));

  test("until its records tell it is not left by the stop of the old one, and has that of a new one", () => {
    const { run } = grown();
    run.recall = () => unknown("mute");
    for (let i = 0; i < 3; i++) run.look("95.5");
    expect([run.orders, stopOf(run)]).toEqual([[], "85.95"]);
    run.look("85");
    expect(bares(run)).toEqual(["SELL 2"]);
  });

  test("that is another one by them keeps nothing of the old one", () => {
    const { run, before } = grown();
    const openedAt = (before.openedAt + 30_000) as UnixMillis;
    run.recall = () => known({ ...before, openedAt, best: decimal("95.5"), stop: null });
    for (let i = 0; i < 3; i++) run.look("95.5");
    expect([run.orders, stopOf(run)]).toEqual([[], "85.95"]);
  });

  test.each([
    ["the same one by them", (before: LegMemory) => known({ ...before, stop: null })],
    ["unknown to them", () => known(null)],
  ])("that is %s keeps its tighter stop", (_, records) => {
    const { run, before } = grown();
    run.recall = () => records(before);
    for (let i = 0; i < 3; i++) run.look("95.5");
    expect(bares(run)).toEqual(["SELL 2"]);
    expect(run.lines.at(-2)).toContain("break-even stop 100 reached");
  });

  test("and so one that has grown, and was reduced to less than it was", () => {
    const { run, before } = grown();
    run.hold("BTCUSDT", "0.5", "95.5");
    run.recall = () => known({ ...before, stop: null });
    for (let i = 0; i < 3; i++) run.look("95.5");
    expect(bares(run)).toEqual(["SELL 0.5"]);
  });

  test("is another one where they have it a millisecond younger", () => {
    const { run, before } = grown();
    const openedAt = (before.openedAt + 1) as UnixMillis;
    run.recall = () => known({ ...before, openedAt, best: decimal("95.5"), stop: null });
    for (let i = 0; i < 3; i++) run.look("95.5");
    expect(run.orders).toEqual([]);
  });

  test("also where the process dies before they tell", () => {
    const { run, before } = grown();
    run.recall = () => unknown("mute");
    run.look("95.5");
    run.restart();
    run.recall = () => known({ ...before, stop: null });
    for (let i = 0; i < 3; i++) run.look("95.5");
    expect(bares(run)).toEqual(["SELL 2"]);
  });

  test("and so is one that has grown at a price that was not there", () => {
    const run = new PolicyRun(LADDER);
    run.hold("BTCUSDT", "1", "100");
    run.look("100");
    run.look("102");
    run.ms += 6_000;
    run.hold("BTCUSDT", "0.75", "101.5");
    run.recall = () => known({ ...beginLeg(LADDER.defaults, ...newLeg(run)), sent: 1 });
    for (let i = 0; i < 3; i++) run.look("103.6");
    expect(bares(run)).toEqual(["SELL 0.5", "SELL 0.375"]);
  });

  /** The leg as it would be listed, and when it was opened: just now. */
  function newLeg(run: PolicyRun): readonly [Position, UnixMillis] {
    const [position] = run.positions("101.5");
    const before = run.exits.book.legs.get("BTCUSDT");
    if (position === undefined || before === undefined) throw new Error("There is no such leg");
    return [position, (before.memory.openedAt + run.ms) as UnixMillis];
  }
});

describe("what is there behind our own close of a whole leg, at another entry,", () => {
  const left = (records: (closed: LegMemory) => LegMemory): PolicyRun => {
    const run = held();
    run.look("97");
    const closed = run.exits.book.legs.get("BTCUSDT")?.memory;
    if (closed === undefined) throw new Error("There is no such leg");
    run.hold("BTCUSDT", "0.2", "97.1");
    run.recall = () => known(records(closed));
    for (let i = 0; i < 3; i++) run.look("97", 2_000);
    return run;
  };

  test("is left where it is of the same leg by its records: others had added to it before", () => {
    expect(bares(left((closed) => ({ ...closed, exiting: null })))).toEqual(["SELL 1", "SELL 0.2"]);
  });

  test("is not where it is another one by them", () => {
    const openedLater = (closed: LegMemory): LegMemory => ({
      ...closed,
      ...{ best: decimal("97"), entryPrice: decimal("97.1"), exiting: null, stop: null },
      openedAt: (closed.openedAt + 5_001) as UnixMillis,
    });
    expect(bares(left(openedLater))).toEqual(["SELL 1"]);
  });
});

describe("a leg that other hands change is told in words", () => {
  test.each([
    ["2", "100.2", "BTCUSDT has grown by other hands, its levels are planned anew: 1 → 2, stop at 98.196"],
    ["2", "100.3", "BTCUSDT was opened again by other hands, or has grown unseen: 1 → 2, stop at 98.294"],
    ["1", "101", "BTCUSDT was opened again by other hands, or has grown unseen: 1 → 1, stop at 98.98"],
    ["-1", "101", "BTCUSDT was turned by other hands: 1 → -1, stop at 103.02"],
    ["0.5", "100", "BTCUSDT was reduced by other hands: 1 → 0.5, stop at 98"],
  ])("%s at %s", (amount, entry, line) => {
    const run = held();
    run.hold("BTCUSDT", amount, entry);
    run.look("100");
    expect(run.lines.at(-1)).toBe(line);
  });

  test("a short, with its sign", () => {
    const run = held("-1");
    run.hold("BTCUSDT", "-0.5", "100");
    run.look("100");
    expect(run.lines.at(-1)).toBe("BTCUSDT was reduced by other hands: -1 → -0.5, stop at 102");
  });

  test("a new one, with its stop", () => {
    expect(held().lines).toContain("BTCUSDT 1 is under the policy, stop at 98");
  });

  test("a new one that has none", () => {
    const run = new PolicyRun(policyOf(rules()));
    run.hold("BTCUSDT", "-0.5", "100");
    run.look("100");
    expect(run.lines).toContain("BTCUSDT -0.5 is under the policy");
  });

  test("other rules of the next life", () => {
    const run = held();
    const next = new PolicyRun(policyOf(rules({ stopLoss: stopLoss("5") })));
    next.hold("BTCUSDT", "1", "100");
    for (const [name, text] of run.disk) next.disk.set(name, text);
    next.restart();
    next.look("100");
    expect(next.lines).toContain("BTCUSDT is under other rules than before: 1 → 1, stop at 95");
  });

  test("one that is gone for three seconds, by whose hands", () => {
    const run = held();
    run.legs.clear();
    run.look("100");
    run.look("100", 2_999);
    expect(run.lines.filter((line) => line.includes("flat"))).toEqual([]);
    run.look("100", 1);
    expect(run.lines.at(-1)).toBe("BTCUSDT is flat, closed by other hands");
  });

  test.each([
    ["by an exit of its own", ["97"]],
    ["by its ladder", ["102", "104"]],
  ])("one that is gone %s", (_, marks) => {
    const run = held();
    for (const mark of marks) run.look(mark);
    for (let i = 0; i < 6; i++) run.look("100");
    expect(run.lines.at(-1)).toBe("BTCUSDT is flat");
  });

  test("one that is gone with an order in doubt: nobody's hands are named", () => {
    const run = held();
    run.answer = () => SILENCE;
    run.look("97");
    run.legs.clear();
    for (let i = 0; i < 4; i++) run.look("97");
    expect(run.lines.at(-1)).toBe("BTCUSDT is flat");
  });

  test("one that comes back within three seconds has not gone: no step is forgotten", () => {
    const run = held();
    run.look("102");
    run.listed = new Map();
    for (let i = 0; i < 2; i++) run.look("102");
    run.mark("97");
    expect(bares(run)).toEqual(["SELL 0.5"]);
    run.listed = null;
    for (let i = 0; i < 4; i++) run.look("102");
    expect(bares(run)).toEqual(["SELL 0.5"]);
  });
});

describe("in shadow", () => {
  test("nothing that is told is written down, and a leg that was opened anew is told anew", () => {
    const run = new PolicyRun(LADDER, "0.001", { shadow: true });
    run.hold("BTCUSDT", "1", "100");
    run.look("103");
    const writes = run.writes;
    for (let i = 0; i < 3; i++) run.look("102");
    expect(run.lines.at(-1)).toContain("Shadow, would close 50 %");
    expect(run.writes).toBe(writes);
    run.hold("BTCUSDT", "1", "99");
    for (let i = 0; i < 3; i++) run.look("102");
    expect(run.lines.filter((line) => line.startsWith("Shadow, would close"))).toEqual([
      "Shadow, would close 50 % of BTCUSDT: +1R reached (entry 100, mark 102)",
      "Shadow, would close 50 % of BTCUSDT: +1R reached (entry 99, mark 102)",
    ]);
  });

  test("nothing is told while trading is halted", () => {
    const run = new PolicyRun(LADDER, "0.001", { shadow: true });
    run.hold("BTCUSDT", "1", "100");
    run.halted = true;
    for (const mark of ["100", "102", "97"]) run.look(mark);
    expect(run.lines.filter((line) => line.startsWith("Shadow, would"))).toEqual([]);
  });
});

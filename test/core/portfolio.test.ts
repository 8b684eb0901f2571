import { describe, expect, test } from "bun:test";
import { decimal, plain } from "../../src/core/decimal.ts";
import { countFrom, heardTransfers, openPortfolio, type PortfolioAction, weigh } from "../../src/core/portfolio.ts";
import { known, unknown } from "../../src/core/reading.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { at } from "../support/core.ts";

const DAY_MS = 86_400_000;
const MIDNIGHT = 20_000 * DAY_MS;
const limits = (daily: string | null, drawdown: string | null) => ({
  dailyLossPercent: daily === null ? null : decimal(daily),
  drawdownPercent: drawdown === null ? null : decimal(drawdown),
});

/** An account whose equity and transfers are read, a second apart. */
function account(policy: ReturnType<typeof limits>) {
  let [state, ms] = [openPortfolio(null, at(0)), 0];
  const told: PortfolioAction[] = [];
  const asked: number[] = [];
  /** What is answered: the net, that it can't be read (null), or nothing yet. */
  let transfers: string | null | "no answer" = "0";
  const take = ([next, actions]: ReturnType<typeof weigh>): void => {
    state = next;
    told.push(...actions);
    for (const action of actions) {
      if (action.kind !== "read_transfers") continue;
      asked.push(ms / 1_000);
      if (transfers === "no answer") continue;
      const net = transfers === null ? unknown("mute") : known(decimal(transfers));
      take(heardTransfers(state, net, at(ms)));
    }
  };
  return {
    equity: (text: string, afterMs = 1_000) => {
      ms += afterMs;
      take(weigh(policy, state, decimal(text), (MIDNIGHT + ms) as UnixMillis, at(ms)));
    },
    transfers: (net: typeof transfers) => {
      transfers = net;
    },
    /** The answer that was missing comes. */
    answer: (net: string) => take(heardTransfers(state, known(decimal(net)), at(ms))),
    /** The process dies and begins anew with what was last remembered. */
    restart: () => {
      const records = told.flatMap((action) => (action.kind === "remember_portfolio" ? [action.record] : []));
      state = openPortfolio(records.at(-1) ?? null, at(ms));
    },
    /** When transfers were asked for, in seconds. */
    asked: () => asked,
    lines: () => told.flatMap((action) => (action.kind === "tell" ? [action.text] : [])),
    panic: (id: string) => {
      state = countFrom(state, id, at(ms));
    },
    breaks: () => told.flatMap((action) => (action.kind === "break" ? [action.reason] : [])),
    peak: () => plain(state.record?.peak ?? decimal("0")),
  };
}

describe("a loss", () => {
  test("of the day is a panic at its limit, and not before", () => {
    const run = account(limits("5", null));
    for (const equity of ["1000", "950.01", "950.01"]) run.equity(equity);
    expect(run.breaks()).toEqual([]);
    run.equity("950");
    expect(run.breaks()).toEqual(["EXIT_BRAIN_DAILY_LOSS_(5.0%_>=_5%)"]);
  });

  test("of yesterday is not one of today", () => {
    const run = account(limits("5", null));
    run.equity("1000");
    run.equity("960");
    run.equity("955", DAY_MS);
    run.equity("920");
    run.equity("920");
    expect(run.breaks()).toEqual([]);
  });

  test("since the peak counts from the highest that was the account's own", () => {
    const run = account(limits(null, "10"));
    run.equity("1000");
    run.equity("1200");
    run.equity("1200", 60_000);
    run.equity("1200", 60_000);
    expect(run.peak()).toBe("1200");
    run.equity("1080");
    expect(run.breaks()).toEqual(["EXIT_BRAIN_DRAWDOWN_(10.0%_>=_10%)"]);
  });
});

test("a fall from a height that no reading of transfers has confirmed yet counts as soon as one has", () => {
  const run = account(limits(null, "10"));
  for (const equity of ["1000", "1200", "1100", "1080"]) run.equity(equity);
  expect(run.breaks()).toEqual(["EXIT_BRAIN_DRAWDOWN_(10.0%_>=_10%)"]);
  expect(run.peak()).toBe("1200");
});

describe("the memory of an account", () => {
  test("goes on in the next life: peak, day and what was moved", () => {
    const run = account(limits("5", "10"));
    run.equity("1000");
    run.equity("1200", 60_000);
    run.transfers("-100");
    run.equity("1100", 60_000);
    run.restart();
    expect(run.peak()).toBe("1200");
    run.equity("990");
    expect(run.breaks()).toEqual(["EXIT_BRAIN_DRAWDOWN_(10.0%_>=_10%)"]);
  });

  test("of a new day is remembered at its first equity", () => {
    const run = account(limits("5", null));
    run.equity("1000");
    run.equity("900", DAY_MS);
    run.restart();
    run.equity("856");
    expect(run.breaks()).toEqual([]);
    run.equity("855");
    expect(run.breaks()).toEqual(["EXIT_BRAIN_DAILY_LOSS_(5.0%_>=_5%)"]);
  });

  test("of a panic that it was begun behind goes on, too", () => {
    const run = account(limits("5", null));
    run.panic("9-0");
    run.equity("1000");
    run.restart();
    run.panic("9-0");
    run.equity("949");
    expect(run.breaks()).toHaveLength(1);
  });
});

describe("transfers are asked for", () => {
  test("when the record begins, once a minute, and never while an answer is under way", () => {
    const run = account(limits("5", null));
    for (let i = 0; i < 61; i++) run.equity("1000");
    expect(run.asked()).toEqual([1, 61]);
    run.transfers("no answer");
    for (let i = 0; i < 200; i++) run.equity("1000");
    expect(run.asked()).toEqual([1, 61, 121]);
    run.answer("0");
    run.equity("1000");
    expect(run.asked()).toEqual([1, 61, 121, 262]);
  });

  test("behind a loss, which is none before the answer", () => {
    const run = account(limits("5", null));
    run.equity("1000");
    run.transfers("no answer");
    for (let i = 0; i < 3; i++) run.equity("940");
    expect([run.asked(), run.breaks()]).toEqual([[1, 2], []]);
    run.answer("0");
    expect(run.breaks()).toHaveLength(1);
  });

  test("again ten seconds behind a loss that nobody acted on; until then it is told at each look", () => {
    const run = account(limits("5", null));
    run.equity("1000");
    for (let i = 0; i < 12; i++) run.equity("940");
    expect(run.asked()).toEqual([1, 2, 12]);
    expect(run.breaks()).toHaveLength(12);
  });

  test("again right away where they could not be read, which is told", () => {
    const run = account(limits("5", null));
    run.equity("1000");
    run.transfers(null);
    for (let i = 0; i < 4; i++) run.equity("940");
    expect(run.asked()).toEqual([1, 2, 4]);
    expect(run.lines()[0]).toBe("Transfers can't be read, what was taken out counts as lost: mute");
  });

  test("and that they can't be read is no news where nothing was lost", () => {
    const run = account(limits("5", null));
    run.transfers(null);
    for (let i = 0; i < 70; i++) run.equity("1000");
    expect(run.lines()).toEqual([]);
    // The first answer that is read may be about what was moved while the record began: it begins anew.
    run.transfers("-500");
    for (let i = 0; i < 60; i++) run.equity("500");
    run.transfers("0");
    run.equity("500");
    expect([run.breaks(), run.peak()]).toEqual([[], "500"]);
  });
});

test("an account whose base is gone has lost all of it", () => {
  const run = account(limits("5", null));
  run.equity("0");
  run.equity("-10");
  expect(run.breaks()).toEqual(["EXIT_BRAIN_DAILY_LOSS_(100.0%_>=_5%)"]);
});

describe("money that is moved", () => {
  test("is told, whichever way it went", () => {
    const run = account(limits("5", null));
    run.equity("1000");
    run.transfers("-500");
    run.equity("500", 60_000);
    run.transfers("250");
    run.equity("1250", 60_000);
    expect(run.lines()).toEqual([
      "500 USD were taken out of the account: neither profit nor loss",
      "750 USD were put into the account: neither profit nor loss",
    ]);
  });

  test("out of the account is no loss", () => {
    const run = account(limits("5", "5"));
    run.equity("1000");
    run.transfers("-500");
    for (let i = 0; i < 5; i++) run.equity("500");
    expect(run.breaks()).toEqual([]);
  });

  test("out of the account in two parts, the second right behind the answer of the venue, is no loss either", () => {
    const run = account(limits("5", "5"));
    run.equity("1000");
    run.transfers("-500");
    run.equity("500");
    run.transfers("-700");
    for (let i = 0; i < 3; i++) run.equity("300");
    expect(run.breaks()).toEqual([]);
  });

  test("while the record begins has it begin anew: nobody can tell whether its first equity has it", () => {
    const run = account(limits("5", "5"));
    run.transfers("-500");
    run.equity("1000");
    run.transfers("0");
    for (let i = 0; i < 3; i++) run.equity("500");
    expect(run.breaks()).toEqual([]);
    run.equity("470");
    expect(run.breaks()).toHaveLength(1);
  });

  test("is asked for again where a loss was judged and could not be acted on", () => {
    const run = account(limits("5", null));
    run.equity("1000");
    run.equity("940");
    run.transfers("-500");
    run.equity("480", 11_000);
    run.equity("480");
    expect(run.breaks()).toHaveLength(1);
  });

  test("out of the account makes no peak of what was there before", () => {
    const run = account(limits(null, "10"));
    for (let i = 0; i < 3; i++) run.equity("1000");
    run.transfers("-500");
    for (let i = 0; i < 3; i++) run.equity("500", 60_000);
    expect(run.peak()).toBe("1000");
  });

  test("into it is no peak, and hides no loss", () => {
    const run = account(limits(null, "10"));
    run.equity("1000");
    run.transfers("1000");
    run.equity("2000");
    run.equity("2000", 60_000);
    run.equity("2000", 60_000);
    expect(run.peak()).toBe("1000");
    run.equity("1790");
    expect(run.breaks()).toEqual(["EXIT_BRAIN_DRAWDOWN_(10.5%_>=_10%)"]);
  });

  test("counts as lost where transfers can't be read", () => {
    const run = account(limits("5", null));
    run.equity("1000");
    run.transfers(null);
    run.equity("500");
    expect(run.breaks()).toHaveLength(1);
  });
});

test("behind a panic that it did not know losses count anew, behind one that it knew they do not", () => {
  const run = account(limits("5", null));
  run.panic("9-0");
  run.equity("1000");
  run.panic("9-0");
  run.equity("960");
  run.panic("10-0");
  run.equity("920");
  run.equity("920");
  expect(run.breaks()).toEqual([]);
});

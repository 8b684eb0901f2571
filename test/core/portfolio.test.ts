import { describe, expect, test } from "bun:test";
import { decimal, plain, sum } from "../../src/core/decimal.ts";
import {
  countFrom,
  heardTransfers,
  openPortfolio,
  overHalt,
  type PortfolioAction,
  weigh,
} from "../../src/core/portfolio.ts";
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
  /** What is answered: what was moved, that it can't be read (null), or nothing yet (undefined). */
  let transfers: string | null | undefined = "0";
  /** `+9000 -9000`: each transfer; a sum alone is of one, and 0 of none. */
  const all = (text: string) => {
    const amounts = text === "0" ? [] : text.split(" ").map(decimal);
    return known({ net: sum(amounts), count: amounts.length });
  };
  const wall = () => (MIDNIGHT + ms) as UnixMillis;
  const take = ([next, actions]: ReturnType<typeof weigh>): void => {
    state = next;
    told.push(...actions);
    for (const action of actions) {
      if (action.kind !== "read_transfers") continue;
      asked.push(ms / 1_000);
      if (transfers === undefined) continue;
      take(heardTransfers(state, transfers === null ? unknown("mute") : all(transfers), at(ms), wall()));
    }
  };
  return {
    /** `oldMs`: so long ago the venue was asked for it. */
    equity: (text: string, afterMs = 1_000, oldMs = 0) => {
      ms += afterMs;
      take(weigh(policy, state, { amount: decimal(text), askedAt: at(ms - oldMs), wall: wall() }, at(ms)));
    },
    since: () => (state.record?.since ?? 0) - MIDNIGHT,
    transfers: (moved: typeof transfers) => {
      transfers = moved;
    },
    /** The answer that was missing comes. */
    answer: (moved: string) => take(heardTransfers(state, all(moved), at(ms), wall())),
    /** The process dies and begins anew with what was last remembered. */
    restart: () => {
      const records = told.flatMap((action) => (action.kind === "remember_portfolio" ? [action.record] : []));
      state = openPortfolio(records.at(-1) ?? null, at(ms));
    },
    /** When transfers were asked for, in seconds. */
    asked: () => asked,
    lines: () => told.flatMap((action) => (action.kind === "tell" ? [action.text] : [])),
    halt: () => take(overHalt(state)),
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

test("what was put in and taken out again between two readings is neither a height to fall from nor nothing", () => {
  const run = account(limits(null, "10"));
  run.equity("1000");
  run.equity("1000");
  run.equity("1200");
  run.transfers("200 -200");
  run.equity("1000");
  run.equity("1000", 60_000);
  expect([run.breaks(), run.peak()]).toEqual([[], "1000"]);
  expect(run.lines()).toEqual(["What was put into the account has left it again: neither profit nor loss"]);
});

test("an account that money came into and left while it was first weighed is weighed anew", () => {
  const run = account(limits(null, "10"));
  run.transfers("200 -200");
  run.equity("1200");
  run.transfers("0");
  run.equity("1000");
  run.equity("1000");
  expect([run.breaks(), run.peak()]).toEqual([[], "1000"]);
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
    run.transfers(undefined);
    for (let i = 0; i < 200; i++) run.equity("1000");
    expect(run.asked()).toEqual([1, 61, 121]);
    run.answer("0");
    run.equity("1000");
    expect(run.asked()).toEqual([1, 61, 121, 262]);
  });

  test("behind a loss, which is none before the answer", () => {
    const run = account(limits("5", null));
    run.equity("1000");
    run.transfers(undefined);
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

describe("an equity from before what was moved", () => {
  test("is no loss behind a deposit", () => {
    const run = account(limits("5", "5"));
    for (let i = 0; i < 2; i++) run.equity("1000");
    run.transfers("500");
    run.equity("1000", 60_000);
    for (let i = 0; i < 2; i++) run.equity("1000", 400, 900);
    expect(run.breaks()).toEqual([]);
    run.equity("1500");
    run.equity("1420");
    expect(run.breaks()).toEqual(["EXIT_BRAIN_DAILY_LOSS_(5.4%_>=_5%)"]);
  });

  test("is no peak behind a withdrawal", () => {
    const run = account(limits(null, "5"));
    for (let i = 0; i < 2; i++) run.equity("1000");
    run.transfers("-500");
    run.equity("500", 60_000);
    run.equity("1000", 400, 900);
    for (let i = 0; i < 3; i++) run.equity("500", 60_000);
    expect([run.breaks(), run.peak()]).toEqual([[], "1000"]);
  });
});

describe("the moment from which transfers are counted", () => {
  const HOUR_MS = 3_600_000;
  const WEEK_MS = 7 * DAY_MS;

  test("is five seconds before the record began: the venue's clock may be behind", () => {
    const run = account(limits("5", null));
    run.equity("1000");
    expect(run.since()).toBe(1_000 - 5_000);
  });

  test("goes forward once it is a week old and nothing was moved for an hour; what counts stays the same", () => {
    const run = account(limits("5", "10"));
    run.equity("1000");
    run.transfers("-400");
    run.equity("600", 60_000);
    for (let i = 0; i < 59; i++) run.equity("600", 60_000);
    run.equity("660", WEEK_MS - HOUR_MS - 3_600_000);
    expect(run.since()).toBe(-4_000);
    run.equity("660", 2 * HOUR_MS);
    const age = WEEK_MS + 60_000 - 50 * 60_000;
    expect(Math.abs(run.since() - age)).toBeLessThanOrEqual(HOUR_MS);
    // Peak 660, and what was taken out is behind that moment: nothing that comes from there on was moved.
    run.transfers("0");
    run.equity("660");
    run.equity("594.1");
    expect(run.breaks().filter((reason) => reason.startsWith("EXIT_BRAIN_DRAWDOWN"))).toEqual([]);
    run.restart();
    expect(run.peak()).toBe("660");
  });

  test("does not go forward while money is moved", () => {
    const run = account(limits("5", null));
    run.equity("1000");
    for (let i = 1; i < 40; i++) {
      run.transfers(String(i * 10));
      run.equity(String(1_000 + i * 10), 6 * HOUR_MS);
    }
    expect(run.since()).toBe(-4_000);
  });

  test("that is further back than the venue tells has losses count anew, and is told", () => {
    const run = account(limits("5", "5"));
    run.equity("1000");
    run.restart();
    run.equity("500", 80 * DAY_MS + 5_000);
    expect(run.breaks()).toEqual([]);
    expect(run.lines()).toEqual([
      "What the account was worth is too long ago to tell what was moved since: losses count from now on",
    ]);
    run.equity("474");
    expect(run.breaks()).toHaveLength(1);
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

  test("while the record begins has it begin anew also in the next life, where this one dies before it knows", () => {
    const run = account(limits("5", "5"));
    run.transfers(undefined);
    run.equity("1500");
    run.restart();
    run.transfers("500");
    for (let i = 0; i < 3; i++) run.equity("1500");
    run.transfers("0");
    for (let i = 0; i < 3; i++) run.equity("1500");
    expect(run.breaks()).toEqual([]);
    run.restart();
    run.equity("1420");
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

  test("is read once in ten seconds for a loss that was judged and could not be acted on", () => {
    const run = account(limits("5", null));
    run.equity("1000");
    for (let i = 0; i < 10; i++) run.equity("940");
    expect([run.breaks().length, run.asked().length]).toEqual([10, 2]);
    run.equity("940");
    expect([run.breaks().length, run.asked().length]).toEqual([11, 3]);
  });

  test("is not judged by an answer that was under way before the loss was seen", () => {
    const run = account(limits("5", null));
    run.equity("1000");
    run.transfers(undefined);
    run.equity("1000", 60_000);
    run.equity("940");
    run.answer("0");
    expect(run.breaks()).toEqual([]);
    run.equity("940");
    run.answer("0");
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

test("behind a halt losses count anew, also where its panic was seen before it, and in the next life", () => {
  const run = account(limits("5", null));
  run.panic("9-0");
  run.equity("1000");
  run.equity("960");
  run.halt();
  run.restart();
  run.panic("9-0");
  run.equity("920");
  run.equity("920");
  expect(run.breaks()).toEqual([]);
  run.equity("870");
  expect(run.breaks()).toHaveLength(1);
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

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
  let transfers: string | null = "0";
  const take = ([next, actions]: ReturnType<typeof weigh>): void => {
    state = next;
    told.push(...actions);
    for (const action of actions) {
      if (action.kind !== "read_transfers") continue;
      const net = transfers === null ? unknown("mute") : known(decimal(transfers));
      take(heardTransfers(state, net, at(ms)));
    }
  };
  return {
    equity: (text: string, afterMs = 1_000) => {
      ms += afterMs;
      take(weigh(policy, state, decimal(text), (MIDNIGHT + ms) as UnixMillis, at(ms)));
    },
    transfers: (net: string | null) => {
      transfers = net;
    },
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

describe("money that is moved", () => {
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

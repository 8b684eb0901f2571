import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Decimal, decimal, plain, sum, ZERO } from "../../src/core/decimal.ts";
import type { LegPolicy } from "../../src/core/exit-policy.ts";
import { beginReplay, type Candle, pnlOf, type Replay, realized, replayCandle } from "../../src/core/exit-replay.ts";
import type { Position } from "../../src/core/position.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { rules } from "../support/exits.ts";

const percent = (value: string): { unit: "percent"; value: Decimal } => ({ unit: "percent", value: decimal(value) });
const r = (value: string): { unit: "r"; value: Decimal } => ({ unit: "r", value: decimal(value) });
const STOP: LegPolicy["stopLoss"] = { percent: decimal("2"), of: "entry" };

const MINUTE_MS = 60_000;

/** A leg of 1 that was opened at 1000. */
function leg(side: "long" | "short" = "long", changes: Partial<Position> = {}): Position {
  return {
    symbol: "BTCUSDT",
    positionSide: "BOTH",
    amount: decimal(side === "long" ? "1" : "-1"),
    entryPrice: decimal("1000"),
    markPrice: decimal("1000"),
    unrealizedPnl: ZERO,
    ...changes,
  };
}

/** Minute after minute: open, high, low, close. */
function candles(...rows: readonly string[]): readonly Candle[] {
  return rows.map((row, minute) => {
    const [open = ZERO, high = ZERO, low = ZERO, close = ZERO] = row.split(" ").map(decimal);
    const openedAt = (minute * MINUTE_MS) as UnixMillis;
    return { openedAt, closedAt: (openedAt + MINUTE_MS - 1) as UnixMillis, open, high, low, close };
  });
}

function replay(policy: Partial<LegPolicy>, of: Position, path: readonly Candle[]): Replay {
  const whole = rules(policy);
  return path.reduce((now, candle) => replayCandle(whole, now, candle), beginReplay(whole, of, 0 as UnixMillis));
}

/** Each decision as `kind quantity@mark pnl`. */
function decided(policy: Partial<LegPolicy>, of: Position, ...rows: readonly string[]): readonly string[] {
  return replay(policy, of, candles(...rows)).decisions.map(
    ({ kind, mark, pnl, quantity, step }) =>
      `${kind}${step === null ? "" : ` ${step}`} ${plain(quantity)}@${plain(mark)} ${plain(pnl)}`,
  );
}

describe("a level is left at the tick that crosses it", () => {
  test.each([
    ["a stop inside a candle, not at its low", { stopLoss: STOP }, ["1000 1005 900 1000"], ["all 1@980 -20"]],
    ["a stop exactly at the low", { stopLoss: STOP }, ["1000 1005 980 1000"], ["all 1@980 -20"]],
    ["a stop that is missed by a tick", { stopLoss: STOP }, ["1000 1005 980.1 1000"], []],
    [
      "a stop between ticks: the tick behind it",
      { stopLoss: { ...STOP, percent: decimal("1.96") } },
      ["1000 1001 970.5 1000"],
      ["all 1@980.4 -19.6"],
    ],
    [
      "a stop between whole ticks",
      { stopLoss: { ...STOP, percent: decimal("1.96") } },
      ["1000 1001 970 1000"],
      ["all 1@980 -20"],
    ],
    [
      "a stop that is jumped over: the price behind the gap",
      { stopLoss: STOP },
      ["1000 1001 999 1000", "950 960 940 955"],
      ["all 1@950 -50"],
    ],
    ["nothing after the end", { stopLoss: STOP }, ["1000 1000 970 1000", "1000 1100 900 1000"], ["all 1@980 -20"]],
    [
      "two steps on one way up, each at its own",
      {
        ladder: [
          { at: percent("2"), closePercent: decimal("25") },
          { at: percent("4"), closePercent: decimal("75") },
        ],
      },
      ["1000 1100 1000 1050"],
      ["step 2 % 0.25@1020 5", "step 4 % 0.75@1040 30"],
    ],
    [
      "two steps over a gap, both behind it",
      {
        ladder: [
          { at: percent("2"), closePercent: decimal("25") },
          { at: percent("4"), closePercent: decimal("25") },
        ],
      },
      ["1000 1000 1000 1000", "1050 1050 1050 1050"],
      ["step 2 % 0.25@1050 12.5", "step 4 % 0.25@1050 12.5"],
    ],
    [
      "the loss before the profit, in one candle",
      { stopLoss: STOP, ladder: [{ at: percent("2"), closePercent: decimal("50") }] },
      ["1000 1030 970 1000"],
      ["all 1@980 -20"],
    ],
    [
      "a step at most once",
      { ladder: [{ at: percent("2"), closePercent: decimal("50") }] },
      ["1000 1030 1000 1000", "1000 1030 1000 1000"],
      ["step 2 % 0.5@1020 10"],
    ],
    [
      "R, from the stop loss",
      { stopLoss: STOP, ladder: [{ at: r("1.5"), closePercent: decimal("50") }] },
      ["1000 1040 1000 1040", "1040 1040 900 900"],
      ["step 1.5R 0.5@1030 15", "all 0.5@980 -10"],
    ],
    [
      "break-even: told when it moves, at entry when it closes",
      { stopLoss: STOP, breakEven: { at: r("1"), offsetPercent: decimal("0") } },
      ["1000 1025 995 1010", "1010 1010 990 1000"],
      ["stop_moved 0@1020 0", "all 1@1000 0"],
    ],
    [
      "a trailing stop, from the best mark, in the same candle",
      { trailing: { activation: percent("2"), distance: percent("1") } },
      ["1000 1100 1000 1050"],
      ["stop_moved 0@1020 0", "all 1@1089 89"],
    ],
  ] as const)("%s", (_what, policy, rows, expected) => {
    expect(decided(policy, leg(), ...rows)).toEqual(expected as readonly string[]);
  });

  test("a short is the mirror of it: the high comes first", () => {
    const policy = { stopLoss: STOP, ladder: [{ at: percent("2"), closePercent: decimal("50") }] };
    expect(decided(policy, leg("short"), "1000 1030 970 1000")).toEqual(["all 1@1020 -20"]);
    expect(decided(policy, leg("short"), "1000 1010 970 990")).toEqual(["step 2 % 0.5@980 10"]);
  });
});

describe("what the venue does", () => {
  test("a backstop closes where no stop of the brain does", () => {
    expect(decided({ backstopPercent: decimal("12") }, leg(), "1000 1000 800 800")).toEqual(["backstop 1@880 -120"]);
    expect(decided({ backstopPercent: decimal("12") }, leg("short"), "1000 1200 1000 1000")).toEqual([
      "backstop 1@1120 -120",
    ]);
  });

  test("behind the brain's own stop it is never reached, not over a gap either", () => {
    const policy = { stopLoss: STOP, backstopPercent: decimal("12") };
    expect(decided(policy, leg(), "1000 1000 800 800")).toEqual(["all 1@980 -20"]);
    expect(decided(policy, leg(), "800 800 800 800")).toEqual(["all 1@800 -200"]);
  });

  test("a leg without a stop is liquidated, and a gap liquidates one with a stop", () => {
    const liquidated = leg("long", { liquidationPrice: decimal("900") });
    expect(decided({ timeLimitMs: 1e9 }, liquidated, "1000 1000 850 1000")).toEqual(["liquidation 1@900 -100"]);
    expect(decided({ stopLoss: STOP }, liquidated, "890 890 850 850")).toEqual(["liquidation 1@890 -110"]);
    const { decisions } = replay({ stopLoss: STOP }, liquidated, candles("890 890 850 850"));
    expect(decisions[0]?.reason).toBe(
      "close all of BTCUSDT: LIQUIDATED by the venue: liquidation 900 reached (entry 1,000, mark 890)",
    );
  });

  test("the distance to liquidation is kept before that", () => {
    const near = leg("long", { liquidationPrice: decimal("900") });
    expect(decided({ liquidationDistancePercent: decimal("10") }, near, "1010 1010 850 1000")).toEqual([
      "all 1@1000 0",
    ]);
  });
});

describe("time", () => {
  test("a limit closes at the first price that is known after it", () => {
    const policy = { timeLimitMs: MINUTE_MS };
    const path = ["1000 1000 1000 1000", "1003 1010 990 1000"];
    expect(decided(policy, leg(), ...path)).toEqual(["all 1@1003 3"]);
    // A third of a minute is over where the low is due.
    expect(decided({ timeLimitMs: 15_000 }, leg(), "1000 1010 990 1000")).toEqual(["all 1@990 -10"]);
  });

  test("a stop on the way wins against a limit at its end", () => {
    expect(decided({ stopLoss: STOP, timeLimitMs: 15_000 }, leg(), "1000 1010 900 1000")).toEqual(["all 1@980 -20"]);
  });

  test("is told with each decision", () => {
    const { decisions } = replay({ stopLoss: STOP }, leg(), candles("1000 1000 1000 1000", "1000 1000 900 900"));
    expect(decisions.map(({ at }) => at as number)).toEqual([MINUTE_MS + 19_999]);
  });
});

// Whole prices near each other, so that a walk over every tick is short.
const price = fc.integer({ min: 900, max: 1_100 });
const path = fc.array(fc.tuple(price, price, price, price), { minLength: 1, maxLength: 8 }).map((rows) =>
  candles(
    ...rows.map(([open, high, low, close]) => {
      return `${open} ${Math.max(open, high, low, close)} ${Math.min(open, high, low, close)} ${close}`;
    }),
  ),
);
const tenths = (min: number, max: number): fc.Arbitrary<Decimal> =>
  fc.integer({ min, max }).map((value) => decimal(String(value)).div(decimal("10")));
const maybe = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(of, { nil: null });
const target = fc.record({ unit: fc.constantFrom("percent" as const, "r" as const), value: tenths(1, 40) });
const anyRules: fc.Arbitrary<LegPolicy> = fc.record({
  stopLoss: maybe(fc.record({ percent: tenths(1, 60), of: fc.constantFrom("entry" as const, "margin" as const) })),
  ladder: fc
    .uniqueArray(tenths(1, 60), { maxLength: 3, selector: plain })
    .map((ats) => ats.map((value) => ({ at: { unit: "percent" as const, value }, closePercent: decimal("30") }))),
  breakEven: maybe(fc.record({ at: target, offsetPercent: fc.constant(ZERO) })),
  trailing: maybe(fc.record({ activation: maybe(target), distance: target })),
  timeLimitMs: maybe(fc.integer({ min: 1_000, max: 400_000 })),
  liquidationDistancePercent: maybe(tenths(10, 60)),
  backstopPercent: maybe(tenths(60, 90)),
});
const anyLeg = fc
  .record({ side: fc.constantFrom("long" as const, "short" as const), liquidation: fc.boolean() })
  .map(({ side, liquidation }) => {
    const liquidationPrice = decimal(side === "long" ? "910" : "1090");
    return leg(side, { leverage: decimal("5"), ...(liquidation ? { liquidationPrice } : {}) });
  });

/** The same path with every tick in it, as candles of one price each. */
function everyTick(path: readonly Candle[], side: Position): readonly Candle[] {
  const ticks: Candle[] = [];
  const add = (value: number, at: number): void => {
    const [openedAt, one] = [at as UnixMillis, decimal(String(value))];
    ticks.push({ openedAt, closedAt: openedAt, open: one, high: one, low: one, close: one });
  };
  for (const { openedAt, closedAt, open, high, low, close } of path) {
    const third = Math.floor((closedAt - openedAt) / 3);
    const [worse, better] = side.amount.gt(ZERO) ? [low, high] : [high, low];
    let [from, since] = [Number(plain(open)), openedAt as number];
    add(from, since);
    for (const [price, at] of [
      [worse, openedAt + third],
      [better, openedAt + 2 * third],
      [close, closedAt],
    ] as const) {
      const to = Number(plain(price));
      while (from !== to) {
        from += Math.sign(to - from);
        add(from, since);
      }
      add(to, at);
      since = at;
    }
  }
  return ticks;
}

const told = ({ decisions }: Replay): readonly string[] =>
  decisions.map(({ kind, mark, quantity, reason }) => `${kind} ${plain(quantity)}@${plain(mark)} ${reason}`);

test("levels that are looked for are the ones that are met by going through every tick", () => {
  fc.assert(
    fc.property(anyRules, anyLeg, path, (rules, leg, path) => {
      expect(told(replay(rules, leg, path))).toEqual(told(replay(rules, leg, everyTick(path, leg))));
    }),
    { numRuns: 300 },
  );
});

test("a stop that is moved is told from where it trailed to last", () => {
  const rules = {
    stopLoss: { percent: decimal("2.7"), of: "entry" as const },
    breakEven: { at: { unit: "r" as const, value: decimal("0.1") }, offsetPercent: ZERO },
    trailing: { activation: null, distance: { unit: "percent" as const, value: decimal("2.7") } },
  };
  expect(told(replay(rules, leg("long"), candles("974 1003 974 974")))[1]).toContain("moved from 974.946 to 1,000");
});

test("what is closed and what is left are always what was opened, and the sum is the sum", () => {
  fc.assert(
    fc.property(anyRules, anyLeg, path, (rules, leg, path) => {
      const end = replay(rules, leg, path);
      let left = decimal("1");
      for (const decision of end.decisions) {
        left = left.minus(decision.quantity);
        expect(plain(decision.left)).toBe(plain(left));
        expect(decision.quantity.gte(ZERO)).toBe(true);
        expect(plain(decision.pnl)).toBe(plain(pnlOf(leg, decision.quantity, decision.mark)));
      }
      expect(plain(end.leg?.amount.abs() ?? ZERO)).toBe(plain(left));
      expect(plain(realized(end))).toBe(plain(sum(end.decisions.map(({ pnl }) => pnl))));
      const steps = end.decisions.filter(({ kind }) => kind === "step").map(({ step }) => step);
      expect(new Set(steps).size).toBe(steps.length);
    }),
    { numRuns: 300 },
  );
});

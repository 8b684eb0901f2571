import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decimal, plain } from "../../src/core/decimal.ts";
import { blindRule, due } from "../../src/core/exit-decision.ts";
import { beginLeg, follow, watchMark } from "../../src/core/exit-memory.ts";
import type { LegPolicy } from "../../src/core/exit-policy.ts";
import type { Position } from "../../src/core/position.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { aPosition } from "../support/core.ts";
import { ladder, rules, stopLoss, target } from "../support/exits.ts";

const LOT = { min: decimal("0.001"), max: decimal("100"), step: decimal("0.001") };
const OPENED = 1_795_000_000_000 as UnixMillis;

function leg(amount: string, entry: string, mark: string, changes: Partial<Position> = {}): Position {
  const [entryPrice, markPrice] = [decimal(entry), decimal(mark)];
  return { ...aPosition("BTCUSDT", amount, mark), entryPrice, markPrice, ...changes };
}

/** What is due behind a path of marks, as `quantity: reason`. */
function decide(
  policy: LegPolicy,
  amount: string,
  entry: string,
  marks: readonly string[],
  changes: Partial<Position> = {},
  afterMs = 0,
) {
  let memory = beginLeg(policy, leg(amount, entry, entry, changes), OPENED);
  const now = (OPENED + afterMs) as UnixMillis;
  for (const mark of marks) [memory] = follow(policy, memory, leg(amount, entry, mark, changes), now);
  const last = leg(amount, entry, marks.at(-1) ?? entry, changes);
  return due(policy, last, memory, LOT, now).map(({ quantity, reason }) => `${plain(quantity)}: ${reason}`);
}

describe("what is due", () => {
  const rows: readonly (readonly [
    name: string,
    LegPolicy,
    amount: string,
    entry: string,
    marks: readonly string[],
    expected: readonly string[],
  ])[] = [
    ["nothing without rules", rules(), "1", "100", ["1"], []],
    [
      "a stop loss at its level",
      rules({ stopLoss: stopLoss("2") }),
      "1",
      "60000",
      ["58800"],
      ["1: close all of BTCUSDT: stop loss 58,800 reached (entry 60,000, mark 58,800)"],
    ],
    ["no stop loss above its level", rules({ stopLoss: stopLoss("2") }), "1", "60000", ["58800.1"], []],
    [
      "a short's stop loss is above",
      rules({ stopLoss: stopLoss("2") }),
      "-1",
      "60000",
      ["61200"],
      ["1: close all of BTCUSDT: stop loss 61,200 reached (entry 60,000, mark 61,200)"],
    ],
    [
      "a step in R",
      rules({ stopLoss: stopLoss("2"), ladder: ladder(["1.5R", "50"]) }),
      "0.5",
      "60000",
      ["61812"],
      ["0.25: close 50 % of BTCUSDT: +1.5R reached (entry 60,000, mark 61,812)"],
    ],
    [
      "two steps at once, the lower first",
      rules({ ladder: ladder(["1 %", "50"], ["2 %", "50"]) }),
      "0.003",
      "100",
      ["102"],
      [
        "0.001: close 50 % of BTCUSDT: +1 % reached (entry 100, mark 102)",
        "0.002: close 50 % of BTCUSDT: +2 % reached (entry 100, mark 102)",
      ],
    ],
    [
      "a step that the mark has left again is not due",
      rules({ ladder: ladder(["1 %", "50"]) }),
      "1",
      "100",
      ["101", "100.9"],
      [],
    ],
    [
      "break-even once it was reached",
      rules({ stopLoss: stopLoss("2"), breakEven: { at: target("1R"), offsetPercent: decimal("0.1") } }),
      "1",
      "100",
      ["102", "100.1"],
      ["1: close all of BTCUSDT: break-even stop 100.1 reached (entry 100, mark 100.1)"],
    ],
    [
      "a trailing stop from its activation",
      rules({ trailing: { activation: target("2 %"), distance: target("1 %") } }),
      "1",
      "100",
      ["101.9", "100"],
      [],
    ],
    [
      "a trailing stop behind the best mark",
      rules({ trailing: { activation: target("2 %"), distance: target("1 %") } }),
      "1",
      "100",
      ["110", "108.9"],
      ["1: close all of BTCUSDT: trailing stop 108.9 reached (entry 100, mark 108.9)"],
    ],
    [
      "a short's trailing stop",
      rules({ stopLoss: stopLoss("10"), trailing: { activation: null, distance: target("0.5R") } }),
      "-1",
      "100",
      ["90", "95"],
      ["1: close all of BTCUSDT: trailing stop 95 reached (entry 100, mark 95)"],
    ],
    [
      "the tightest stop of several names itself",
      rules({
        stopLoss: stopLoss("2"),
        breakEven: { at: target("1R"), offsetPercent: decimal("0") },
        trailing: { activation: null, distance: target("1 %") },
      }),
      "1",
      "100",
      ["102", "100"],
      ["1: close all of BTCUSDT: trailing stop 100.98 reached (entry 100, mark 100)"],
    ],
    [
      "a stop before the ladder",
      rules({ trailing: { activation: null, distance: target("1 %") }, ladder: ladder(["1 %", "50"]) }),
      "1",
      "100",
      ["105", "103"],
      ["1: close all of BTCUSDT: trailing stop 103.95 reached (entry 100, mark 103)"],
    ],
  ];
  for (const [name, policy, amount, entry, marks, expected] of rows) {
    test(name, () => expect(decide(policy, amount, entry, marks)).toEqual([...expected]));
  }

  test("a stop loss of margin is the leverage nearer", () => {
    const policy = rules({ stopLoss: { percent: decimal("30"), of: "margin" } });
    const at20 = { leverage: decimal("20") };
    expect(decide(policy, "1", "100", ["98.5"], at20)[0]).toContain("stop loss 98.5 reached");
    expect(decide(policy, "1", "100", ["98.51"], at20)).toEqual([]);
  });

  test("the time limit counts from the opening", () => {
    const policy = rules({ timeLimitMs: 5_400_000 });
    expect(decide(policy, "1", "100", ["100"], {}, 5_399_999)).toEqual([]);
    expect(decide(policy, "1", "100", ["100"], {}, 5_400_000)).toEqual([
      "1: close all of BTCUSDT: time limit of 90m reached (entry 100, mark 100)",
    ]);
  });

  test("liquidation comes before the stop, and says how far it is", () => {
    const policy = rules({ liquidationDistancePercent: decimal("5"), stopLoss: stopLoss("2") });
    expect(decide(policy, "1", "100", ["94"], { liquidationPrice: decimal("90") })).toEqual([
      "1: close all of BTCUSDT: liquidation at 90 is 4.26 % away, limit 5 % (entry 100, mark 94)",
    ]);
    expect(decide(policy, "1", "100", ["99"], { liquidationPrice: decimal("90") })).toEqual([]);
    expect(decide(policy, "1", "100", ["99"], { liquidationPrice: null })).toEqual([]);
    expect(decide(policy, "1", "100", ["89"], { liquidationPrice: decimal("90") })[0]).toContain("0 % away");
  });
});

test("prices are grouped by thousands, their fractions are not", () => {
  const [close] = decide(rules({ stopLoss: stopLoss("2") }), "1", "1234567.25", ["1000000.1234"]);
  expect(close).toContain("(entry 1,234,567.25, mark 1,000,000.1234)");
});

test("a step that is less than the venue takes is due, and is nothing that could be ordered", () => {
  const policy = rules({ ladder: ladder(["1 %", "50"]) });
  const position = leg("0.003", "100", "101");
  const memory = beginLeg(policy, position, OPENED);
  const lot = { ...LOT, min: decimal("0.002") };
  expect(due(policy, position, memory, lot, OPENED).map(({ quantity }) => plain(quantity))).toEqual(["0"]);
});

describe("a rule that can't be judged for want of a reading is told", () => {
  const ofMargin = rules({
    stopLoss: { percent: decimal("30"), of: "margin" },
    ladder: ladder(["1R", "50"]),
  });
  const distance = rules({ liquidationDistancePercent: decimal("5") });
  const liquidation = "the liquidation price of BTCUSDT can't be read";
  const leverage = "the stop loss of BTCUSDT is in percent of margin, and the venue does not tell its leverage";
  test.each([
    ["none without rules", rules(), {}, null],
    ["none with a stop loss of entry", rules({ stopLoss: stopLoss("2") }), {}, null],
    ["a stop loss of margin without leverage", ofMargin, {}, leverage],
    ["none with leverage", ofMargin, { leverage: decimal("20") }, null],
    ["a distance to liquidation that nobody tells", distance, {}, liquidation],
    ["none where there is no liquidation", distance, { liquidationPrice: null }, null],
    ["none where liquidation is told", distance, { liquidationPrice: decimal("50") }, null],
  ] as const)("%s", (_, policy, changes, expected) => {
    const position = leg("1", "100", "100", changes);
    expect(blindRule(policy, position, beginLeg(policy, position, OPENED))).toBe(expected);
  });

  test("and a step in R is not due meanwhile", () => {
    expect(decide(ofMargin, "1", "100", ["200"])).toEqual([]);
  });
});

describe("a leg that others change", () => {
  const policy = rules({ stopLoss: stopLoss("2") });
  const begun = beginLeg(policy, leg("1", "100", "100"), OPENED);
  const seen = (amount: string, entry: string, mark: string) => follow(policy, begun, leg(amount, entry, mark), OPENED);

  const rows = [
    ["the same", seen("1", "100", "99"), "none", "98"],
    ["shrunk", seen("0.4", "100", "99"), "shrunk", "98"],
    ["grown at a worse price keeps the tighter stop", seen("2", "95", "90"), "grown", "98"],
    ["grown at a better price tightens it", seen("2", "105", "110"), "grown", "102.9"],
    ["opened anew", seen("1", "90", "90"), "reopened", "88.2"],
    ["turned", seen("-1", "100", "100"), "turned", "102"],
  ] as const;
  for (const [name, [memory, change], expected, stop] of rows) {
    test(name, () => {
      expect(change).toBe(expected);
      expect(plain(memory.stop?.level ?? decimal("0"))).toBe(stop);
    });
  }

  test("other rules are planned from the start: a person may loosen what they have tightened", () => {
    const [memory, change] = follow(rules({ stopLoss: stopLoss("5") }), begun, leg("1", "100", "99"), OPENED);
    expect(change).toBe("other_rules");
    expect(plain(memory.stop?.level ?? decimal("0"))).toBe("95");
  });
});

const priceArb = fc.integer({ min: 5_000, max: 20_000 }).map((cents) => decimal((cents / 100).toFixed(2)));
const policyArb = fc
  .record({
    stop: fc.option(fc.integer({ min: 1, max: 30 })),
    steps: fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 4 }),
    even: fc.option(fc.integer({ min: 1, max: 20 })),
    trail: fc.option(fc.integer({ min: 1, max: 20 })),
  })
  .map(
    ({ stop, steps, even, trail }): LegPolicy =>
      rules({
        stopLoss: stop === null ? null : stopLoss(String(stop)),
        ladder: ladder(...steps.sort((a, b) => a - b).map((percent) => [`${percent} %`, "25"] as const)),
        breakEven: even === null ? null : { at: target(`${even} %`), offsetPercent: decimal("0") },
        trailing: trail === null ? null : { activation: null, distance: target(`${trail} %`) },
      }),
  );
const sideArb = fc.constantFrom("1", "-1");

describe("whatever the policy and the path", () => {
  test("a stop never loosens while the leg lasts, also where others add to it", () => {
    const seenArb = fc.record({ mark: priceArb, isAdded: fc.boolean() });
    fc.assert(
      fc.property(policyArb, sideArb, fc.array(seenArb, { minLength: 1 }), (policy, amount, path) => {
        let memory = beginLeg(policy, leg(amount, "100", "100"), OPENED);
        let now = leg(amount, "100", "100");
        for (const { mark, isAdded } of path) {
          // As much again, at the mark.
          const more = isAdded ? { amount: now.amount.times("2"), entryPrice: now.entryPrice.plus(mark).div("2") } : {};
          now = { ...now, ...more, markPrice: mark };
          const [next] = follow(policy, memory, now, OPENED);
          if (memory.stop !== null) {
            expect(next.stop).not.toBeNull();
            const [before, after] = [memory.stop.level, next.stop?.level ?? decimal("0")];
            expect(amount === "1" ? after.gte(before) : after.lte(before)).toBe(true);
          }
          memory = next;
        }
      }),
    );
  });

  test("marks between the extremes change nothing", () => {
    fc.assert(
      fc.property(policyArb, sideArb, fc.array(priceArb, { minLength: 1 }), priceArb, (policy, amount, marks, last) => {
        const between = marks.map((mark) => ({ ...leg(amount, "100", "100"), markPrice: mark }));
        const end = { ...leg(amount, "100", "100"), markPrice: last };
        let every = beginLeg(policy, leg(amount, "100", "100"), OPENED);
        for (const seen of [...between, end]) [every] = follow(policy, every, seen, OPENED);
        const best = [...marks].sort((a, b) => (amount === "1" ? b.cmp(a) : a.cmp(b)))[0] ?? last;
        let few = watchMark(policy, beginLeg(policy, leg(amount, "100", "100"), OPENED), best);
        [few] = follow(policy, few, end, OPENED);
        expect(due(policy, end, few, LOT, OPENED)).toEqual(due(policy, end, every, LOT, OPENED));
      }),
    );
  });
});

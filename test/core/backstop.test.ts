import { describe, expect, test } from "bun:test";
import { alignStops, heardProtect, openBackstop, type RestingStop, watchStops } from "../../src/core/backstop.ts";
import { decimal, plain } from "../../src/core/decimal.ts";
import { sideOf } from "../../src/core/exit-memory.ts";
import { legName, type Position } from "../../src/core/position.ts";
import { known, unknown } from "../../src/core/reading.ts";
import { aPosition, at, linesOf } from "../support/core.ts";
import { policyOf, rules } from "../support/exits.ts";

const POLICY = policyOf(rules({ backstopPercent: decimal("12") }));
const BAND = { up: decimal("1.15"), down: decimal("0.85"), tick: decimal("0.1") };
const RULEBOOK = new Map(["BTCUSDT", "ETHUSDT"].map((symbol) => [symbol, { lot: null, band: BAND }]));
const NO_RULES = new Map();

const leg = (amount: string, entry = "99.99", symbol = "BTCUSDT"): Position => ({
  ...aPosition(symbol, amount, entry),
  entryPrice: decimal(entry),
});
const resting = (id: string, trigger: string, side: "BUY" | "SELL" = "SELL", symbol = "BTCUSDT"): RestingStop => ({
  symbol,
  positionSide: "BOTH",
  side,
  triggerPrice: decimal(trigger),
  clientOrderId: id,
  orderId: `at-${trigger}`,
});

/** `held`: long legs by name, where not those that are listed. */
const legsOf = (positions: readonly Position[], held?: readonly string[]) => ({
  positions,
  held: new Map(
    held?.map((name) => [name, "long" as const]) ?? positions.map((position) => [legName(position), sideOf(position)]),
  ),
});

/** What is done about the stops that rest: `-` one is cancelled, `+` one is placed. */
function align(
  positions: readonly Position[],
  stops: readonly RestingStop[],
  held?: readonly string[],
  rulebook = RULEBOOK,
) {
  const legs = legsOf(positions, held);
  const [, actions] = alignStops(POLICY, rulebook, openBackstop(at(0)), legs, known(stops), at(1));
  return actions.flatMap((action) => {
    if (action.kind === "cancel_stop") return [`-${action.request.orderId}`];
    return action.kind === "protect" ? [`+${action.stop.side} ${plain(action.stop.triggerPrice)}`] : [];
  });
}

describe("a backstop", () => {
  const rows: readonly (readonly [fact: string, done: readonly string[], expected: readonly string[]])[] = [
    ["of a long is below it, on the tick nearer to the mark", align([leg("1")], []), ["+SELL 88"]],
    ["of a short is above it, on the tick nearer to the mark", align([leg("-1")], []), ["+BUY 111.9"]],
    ["that rests is left", align([leg("1")], [resting("qb-1", "88")]), []],
    [
      "at another price is moved: the old one goes first",
      align([leg("1")], [resting("qb-1", "80")]),
      ["-at-80", "+SELL 88"],
    ],
    ["of a leg that has turned is moved", align([leg("-1")], [resting("qb-1", "88")]), ["-at-88", "+BUY 111.9"]],
    ["that rests twice rests once", align([leg("1")], [resting("qb-1", "88"), resting("qb-2", "88")]), ["-at-88"]],
    ["of a leg that is gone for certain goes", align([], [resting("qb-1", "88")]), ["-at-88"]],
    ["of a leg that one list does not show stays", align([], [resting("qb-1", "88")], ["BTCUSDT"]), []],
    [
      "of the other side than the leg that one list does not show goes",
      align([], [resting("qb-1", "112", "BUY")], ["BTCUSDT"]),
      ["-at-112"],
    ],
    ["stays while the tick is not known", align([leg("1")], [resting("qb-1", "80")], undefined, NO_RULES), []],
    ["is not placed where somebody else's stop protects the leg", align([leg("1")], [resting("mine", "95")]), []],
    [
      "is placed where somebody else's stop is for the other side",
      align([leg("1")], [resting("mine", "120", "BUY")]),
      ["+SELL 88"],
    ],
    ["leaves stops of others alone", align([], [resting("mine", "95")]), []],
  ];
  test.each(rows)("%s", (_fact, done, expected) => expect(done).toEqual([...expected]));

  test("is not looked for where no policy has one", () => {
    const [, actions] = watchStops(policyOf(rules()), RULEBOOK, openBackstop(at(0)), legsOf([leg("1")]), at(1));
    expect(actions).toEqual([]);
  });

  test("is looked for at the start, each half minute, and when a leg changes, but never twice at once", () => {
    const asked: number[] = [];
    let state = openBackstop(at(0));
    for (let ms = 0; ms <= 40_000; ms += 1_000) {
      const legs = ms < 10_000 ? [leg("1")] : [leg("1"), leg("1", "50", "ETHUSDT")];
      const [next, actions] = watchStops(POLICY, RULEBOOK, state, legsOf(legs), at(ms));
      state = next;
      if (actions.length === 0) continue;
      asked.push(ms);
      [state] = alignStops(POLICY, RULEBOOK, state, legsOf(legs), known([]), at(ms));
    }
    expect(asked).toEqual([0, 10_000, 40_000]);
  });

  test("is looked for when the leg that is missing is another one than the one that was", () => {
    const [asking] = watchStops(POLICY, RULEBOOK, openBackstop(at(0)), legsOf([], ["BTCUSDT"]), at(0));
    const [seen] = alignStops(POLICY, RULEBOOK, asking, legsOf([], ["BTCUSDT"]), known([]), at(1));
    const missing = (side: "long" | "short") => ({ positions: [], held: new Map([["BTCUSDT", side]]) });
    expect(watchStops(POLICY, RULEBOOK, seen, missing("long"), at(9_000))[1]).toEqual([]);
    expect(watchStops(POLICY, RULEBOOK, seen, missing("short"), at(9_000))[1]).toEqual([{ kind: "list_stops" }]);
  });

  test("is looked for when a leg is missing, and when it is gone for certain", () => {
    const asked: number[] = [];
    let state = openBackstop(at(0));
    for (let ms = 0; ms <= 20_000; ms += 1_000) {
      const legs = legsOf(ms < 10_000 ? [leg("1")] : [], ms < 13_000 ? ["BTCUSDT"] : []);
      const [next, actions] = watchStops(POLICY, RULEBOOK, state, legs, at(ms));
      state = next;
      if (actions.length === 0) continue;
      asked.push(ms);
      [state] = alignStops(POLICY, RULEBOOK, state, legs, known([]), at(ms));
    }
    expect(asked).toEqual([0, 10_000, 13_000]);
  });

  test("is looked for again at once behind an answer, and for a change of legs two seconds behind the last list", () => {
    const [asking, first] = watchStops(POLICY, RULEBOOK, openBackstop(at(0)), legsOf([leg("1")]), at(0));
    expect(first).toEqual([{ kind: "list_stops" }]);
    expect(watchStops(POLICY, RULEBOOK, asking, legsOf([leg("-1")]), at(60_000))).toEqual([asking, []]);
    const [listed] = alignStops(POLICY, RULEBOOK, asking, legsOf([]), known([]), at(100));
    const again = (ms: number, position: Position) =>
      watchStops(POLICY, RULEBOOK, listed, legsOf([position]), at(ms))[1].length;
    expect([
      again(2_099, leg("-1")),
      again(2_100, leg("-1")),
      again(29_999, leg("1")),
      again(30_000, leg("1")),
    ]).toEqual([0, 1, 0, 1]);
    // Which legs there are counts, not their order.
    const two = [leg("1"), leg("1", "50", "ETHUSDT")];
    const [ofTwo] = watchStops(POLICY, RULEBOOK, openBackstop(at(0)), legsOf(two), at(0));
    const [seen] = alignStops(POLICY, RULEBOOK, ofTwo, legsOf(two), known([]), at(1));
    expect(watchStops(POLICY, RULEBOOK, seen, legsOf(two.toReversed()), at(10_000))[1]).toEqual([]);
  });

  test("is looked for again two seconds behind one that could not be placed", () => {
    const [asking] = watchStops(POLICY, RULEBOOK, openBackstop(at(0)), legsOf([leg("1")]), at(0));
    const legs = legsOf([leg("1")]);
    const [listed] = alignStops(POLICY, RULEBOOK, asking, legs, known([]), at(100));
    const [refused] = heardProtect(listed, resting("qb-1", "88"), { kind: "unknown", why: "no answer" });
    expect(watchStops(POLICY, RULEBOOK, refused, legsOf([leg("1")]), at(2_100))[1]).toEqual([{ kind: "list_stops" }]);
    const [placed] = heardProtect(listed, resting("qb-1", "88"), { kind: "resting", orderId: "1" });
    expect(watchStops(POLICY, RULEBOOK, placed, legsOf([leg("1")]), at(2_100))[1]).toEqual([]);
  });

  test("is looked for where only one symbol has one", () => {
    const one = { ...policyOf(rules()), symbols: new Map([["BTCUSDT", rules({ backstopPercent: decimal("12") })]]) };
    expect(watchStops(one, RULEBOOK, openBackstop(at(0)), legsOf([]), at(1))[1]).toEqual([{ kind: "list_stops" }]);
  });

  test("of a leg whose rules have none any more goes; that of another leg is nothing to it", () => {
    const one = { ...policyOf(rules()), symbols: new Map([["ETHUSDT", rules({ backstopPercent: decimal("12") })]]) };
    const legs = legsOf([leg("1", "100", "ETHUSDT"), leg("1")]);
    const stops = known([resting("qb-1", "88"), resting("qb-2", "88", "SELL", "ETHUSDT")]);
    const [, actions] = alignStops(one, RULEBOOK, openBackstop(at(0)), legs, stops, at(1));
    expect(actions).toEqual([
      { kind: "cancel_stop", request: { symbol: "BTCUSDT", family: "algo", orderId: "at-88" } },
    ]);
  });

  test("is told with its price, and its id names leg and price", () => {
    const ids = [leg("1"), leg("1", "50"), leg("1", "99.99", "ETHUSDT")].map((position) => {
      const legs = legsOf([position]);
      const [, actions] = alignStops(POLICY, RULEBOOK, openBackstop(at(0)), legs, known([]), at(1));
      const [line, placed] = actions;
      const price = position.entryPrice.eq("50") ? "44" : "88";
      expect(line).toMatchObject({ kind: "tell", text: `Backstop of ${position.symbol} at the venue: ${price}` });
      return placed?.kind === "protect" ? placed.stop.clientOrderId : "";
    });
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) expect(id).toMatch(/^qb-[\w-]{1,33}$/);
  });

  test("at zero or below it is none", () => {
    const policy = policyOf(rules({ backstopPercent: decimal("100") }));
    const legs = legsOf([leg("1")]);
    expect(alignStops(policy, RULEBOOK, openBackstop(at(0)), legs, known([]), at(1))[1]).toEqual([]);
  });

  test("of a symbol whose price band is not known waits", () => {
    const bare = new Map([["BTCUSDT", { lot: null, band: null }]]);
    const legs = legsOf([leg("1")]);
    expect(alignStops(POLICY, bare, openBackstop(at(0)), legs, known([]), at(1))[1]).toEqual([]);
  });

  test("that the mark is beyond already is a reason to leave", () => {
    const stop = resting("qb-1", "88");
    const [, lines, reason] = heardProtect(openBackstop(at(0)), stop, {
      kind: "refused",
      cause: "crossed",
      why: "-2021",
    });
    expect(lines).toHaveLength(1);
    expect(reason).toBe("close all of BTCUSDT: the mark is beyond its backstop 88");
  });

  test("that can't be placed is told once", () => {
    const stop = resting("qb-1", "88");
    const refusal = { kind: "refused", cause: "other", why: "-4045" } as const;
    const [state, first] = heardProtect(openBackstop(at(0)), stop, refusal);
    const [, second] = heardProtect(state, stop, refusal);
    expect([first.map(({ text }) => text), second]).toEqual([["Backstop of BTCUSDT at 88: -4045"], []]);
    // Once it rests, the next trouble is news.
    const [placed, none, reason] = heardProtect(state, stop, { kind: "resting", orderId: "1" });
    expect([none, reason]).toEqual([[], null]);
    expect(heardProtect(placed, stop, refusal)[1]).toHaveLength(1);
  });

  test.each([
    ["was refused for another reason", { kind: "refused", cause: "other", why: "-4045" }],
    ["stands already", { kind: "refused", cause: "exists", why: "-4130" }],
    ["may rest", { kind: "unknown", why: "no answer" }],
  ] as const)("that %s is no reason to leave", (_, outcome) => {
    expect(heardProtect(openBackstop(at(0)), resting("qb-1", "88"), outcome)[2]).toBeNull();
  });

  test("is not touched where the venue's stops can't be read", () => {
    const legs = legsOf([leg("1")]);
    const [, actions] = alignStops(POLICY, RULEBOOK, openBackstop(at(0)), legs, unknown("mute"), at(1));
    expect(linesOf(actions)).toEqual(["The stops at the venue can't be read: mute"]);
    expect(actions).toHaveLength(1);
  });
});

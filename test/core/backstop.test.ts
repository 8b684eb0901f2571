import { describe, expect, test } from "bun:test";
import { alignStops, heardProtect, openBackstop, type RestingStop, watchStops } from "../../src/core/backstop.ts";
import { decimal, plain } from "../../src/core/decimal.ts";
import type { Position } from "../../src/core/position.ts";
import { known, unknown } from "../../src/core/reading.ts";
import { aPosition, at } from "../support/core.ts";
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

/** What is done about the stops that rest: `-` one is cancelled, `+` one is placed. */
function align(
  positions: readonly Position[],
  stops: readonly RestingStop[],
  held = positions.map(({ symbol }) => symbol),
  rulebook = RULEBOOK,
) {
  const legs = { positions, held: new Set(held) };
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
    const [, actions] = watchStops(policyOf(rules()), RULEBOOK, openBackstop(at(0)), [leg("1")], at(1));
    expect(actions).toEqual([]);
  });

  test("is looked for at the start, each half minute, and when a leg changes, but never twice at once", () => {
    const asked: number[] = [];
    let state = openBackstop(at(0));
    for (let ms = 0; ms <= 40_000; ms += 1_000) {
      const legs = ms < 10_000 ? [leg("1")] : [leg("1"), leg("1", "50", "ETHUSDT")];
      const [next, actions] = watchStops(POLICY, RULEBOOK, state, legs, at(ms));
      state = next;
      if (actions.length === 0) continue;
      asked.push(ms);
      [state] = alignStops(POLICY, RULEBOOK, state, { positions: legs, held: new Set() }, known([]), at(ms));
    }
    expect(asked).toEqual([0, 10_000, 40_000]);
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
    expect([first.length, second.length]).toEqual([1, 0]);
  });

  test("is not touched where the venue's stops can't be read", () => {
    const legs = { positions: [leg("1")], held: new Set(["BTCUSDT"]) };
    const [, actions] = alignStops(POLICY, RULEBOOK, openBackstop(at(0)), legs, unknown("mute"), at(1));
    expect(actions.map(({ kind }) => kind)).toEqual(["tell"]);
  });
});

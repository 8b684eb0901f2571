import { describe, expect, test } from "bun:test";
import { decimal } from "../../src/core/decimal.ts";
import {
  advancePanic,
  allow,
  askedPanic,
  blind,
  type Exits,
  type ExitsAction,
  exitsDeadline,
  hear,
  isLive,
  look,
  needsEquity,
  openExits,
} from "../../src/core/exits.ts";
import type { Equity } from "../../src/core/portfolio.ts";
import type { Position } from "../../src/core/position.ts";
import { known, unknown } from "../../src/core/reading.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { aPermission, aPosition, at, linesOf } from "../support/core.ts";
import { policyOf, rules, stopLoss } from "../support/exits.ts";

const POLICY = policyOf(rules(), { dailyLossPercent: decimal("5") });
const start = (shadow = false): Exits =>
  openExits({ policy: POLICY, records: [], portfolio: null, shadow, autoLive: false }, at(0));
const moment = (ms: number) => ({ now: at(ms), wall: (1_795_000_000_000 + ms) as UnixMillis, mayAct: true });

describe("where it stands", () => {
  /** What is told behind looks at the bus: the newest panic, the panic that a permission holds for, or `halted`. */
  function told(
    exits: Exits,
    ...looks: readonly (readonly [panic: string | null, upTo: string | null, halted?: boolean])[]
  ) {
    let state = exits;
    return looks.map(([newestPanic, upTo, halted = false], i) => {
      const given = upTo === null ? null : aPermission(upTo, upTo);
      const [next, actions] = allow(state, known({ newestPanic, given }), halted, at(i));
      state = next;
      return linesOf(actions);
    });
  }
  const LIVE = ["Live: the exit policy is acted on"];
  const SHADOW = ["Shadow: the exit policy is told and not acted on, until a person says: quantum brain live"];

  test("is told once, and after a reset what a person has to do", () => {
    const looks = told(
      start(),
      [null, null],
      [null, null],
      ["9-0", null, true],
      ["9-0", null],
      ["9-0", null],
      ["9-0", "9-0"],
    );
    expect(looks).toEqual([LIVE, [], [], SHADOW, [], LIVE]);
  });

  test("is told of a brain that never acts, without asking for anything", () => {
    expect(told(start(true), [null, null], [null, null])).toEqual([
      ["Shadow: the exit policy is told and not acted on"],
      [],
    ]);
  });

  test("is not told, and does not change, where it can't be read", () => {
    expect(allow(start(), unknown("mute"), false, at(0))).toEqual([start(), []]);
  });
});

function worth(amount: string, ms: number): Equity {
  return { amount: decimal(amount), askedAt: at(ms), wall: moment(ms).wall };
}

/** Looks at which the account is worth so much, each with the answer that nothing was moved. */
function weighed(
  before: Exits,
  looks: readonly (readonly [ms: number, amount: string])[],
): readonly [Exits, readonly ExitsAction[]] {
  let state = before;
  const actions: ExitsAction[] = [];
  for (const [ms, amount] of looks) {
    const [next, asked] = look(state, [], known(worth(amount, ms)), moment(ms));
    state = next;
    actions.push(...asked);
    if (!asked.some(({ kind }) => kind === "read_transfers")) continue;
    const [heard, told] = hear(
      state,
      { kind: "transfers", transfers: known({ net: decimal("0"), count: 0 }) },
      moment(ms),
    );
    state = heard;
    actions.push(...told);
  }
  return [state, actions];
}

describe("a loss that is too great", () => {
  /** The account loses six percent, and all that comes back is known at once. */
  function broken(): readonly [Exits, readonly ExitsAction[]] {
    const [state] = allow(start(), known({ newestPanic: null, given: null }), false, at(0));
    const [after, actions] = weighed(state, [
      [0, "1000"],
      [1_000, "940"],
      [2_000, "940"],
    ]);
    return [after, actions];
  }
  const kinds = (actions: readonly ExitsAction[]): readonly string[] => actions.map(({ kind }) => kind);

  test("asks for a name, then raises the panic in the runbook's words, again until it is confirmed", () => {
    let [state, actions] = broken();
    expect(kinds(actions)).toContain("name_incident");
    [state, actions] = hear(state, { kind: "named", incidentId: "id-1" }, moment(2_100));
    expect(linesOf(actions)).toEqual(["TRIGGERING PANIC CLOSE", "Reason: EXIT_BRAIN_DAILY_LOSS_(6.0%_>=_5%)"]);
    [state, actions] = hear(state, { kind: "not_raised", why: "gone" }, moment(2_200));
    expect(kinds(actions)).toEqual(["call_direct", "tell"]);
    expect(exitsDeadline(state)).toBe(at(2_450));
    [state, actions] = advancePanic(state, { kind: "timer" }, at(2_450));
    expect(actions).toEqual([{ kind: "raise", incidentId: "id-1", reason: "EXIT_BRAIN_DAILY_LOSS_(6.0%_>=_5%)" }]);
    [state, actions] = hear(state, { kind: "raised" }, moment(2_500));
    expect(linesOf(actions)).toEqual(["Panic close published to system:panic_close", "Event ID: id-1"]);
    expect(exitsDeadline(state)).toBeNull();
  });

  test.each([true, false])("is not counted over its panic, halted %p, and that is written down", (halted) => {
    let [state] = broken();
    let actions: readonly ExitsAction[];
    [state, actions] = allow(state, known({ newestPanic: "9-0", given: null }), halted, at(3_000));
    expect(actions[0]).toMatchObject({ kind: "remember_portfolio", record: { halted: true } });
    [, actions] = allow(state, known({ newestPanic: "9-0", given: null }), halted, at(4_000));
    expect(actions).toEqual([]);
  });

  test("a second time in the same life is an incident of its own", () => {
    let [state] = broken();
    [state] = hear(state, { kind: "named", incidentId: "id-1" }, moment(2_100));
    [state] = hear(state, { kind: "raised" }, moment(2_200));
    [state] = allow(state, known({ newestPanic: "9-0", given: null }), true, at(3_000));
    [state] = allow(state, known({ newestPanic: "9-0", given: aPermission("a", "9-0") }), false, at(4_000));
    const [, actions] = weighed(state, [
      [5_000, "940"],
      [66_000, "880"],
      [67_000, "880"],
    ]);
    expect(kinds(actions)).toContain("name_incident");
  });
});

describe("a panic whose halt came and went unseen", () => {
  const before = aPermission("p-1", "0-0");
  /** A brain whose own panic is confirmed, while this permission was the last. */
  function confirmed(): Exits {
    let [state] = allow(start(), known({ newestPanic: null, given: before }), false, at(0));
    [state] = weighed(state, [
      [0, "1000"],
      [1_000, "940"],
      [2_000, "940"],
    ]);
    [state] = hear(state, { kind: "named", incidentId: "id-1" }, moment(2_100));
    [state] = hear(state, { kind: "raised" }, moment(2_200));
    expect(state.panic?.kind).toBe("confirmed");
    return state;
  }

  test.each([
    ["holds it back under the permission from before, however old the reading is", null, before, false],
    ["holds it back under one that does not cover the panic", "9-0", aPermission("p-2", "8-0"), false],
    ["is over once a person has allowed it behind the panic", "9-0", aPermission("p-2", "9-0"), true],
  ] as const)("%s", (_, newestPanic, given, live) => {
    const [state] = allow(confirmed(), known({ newestPanic, given }), false, at(3_000));
    expect(isLive(state)).toBe(live);
  });

  test("is over with --auto-live, which no permission can tell, by its report on record at two looks", () => {
    let state: Exits = { ...confirmed(), options: { policy: POLICY, shadow: false, autoLive: true } };
    for (const [ms, live] of [
      [3_000, false],
      [4_000, true],
    ] as const) {
      [state] = allow(state, known({ newestPanic: "9-0", given: before, ownEnded: true }), false, at(ms));
      expect([isLive(state), askedPanic(state)]).toEqual([live, live ? null : "id-1"]);
    }
  });

  test("is neither over nor published again by looks that could not read the halt", () => {
    let state = confirmed();
    for (const ms of [3_000, 4_000, 30_000]) {
      [state] = allow(state, known({ newestPanic: "9-0", given: before, ownEnded: ms < 5_000 }), null, at(ms));
      expect(askedPanic(state)).toBe("id-1");
    }
  });

  test("is published again where it has halted nothing", () => {
    const [state, actions] = allow(confirmed(), known({ newestPanic: null, given: before }), false, at(17_200));
    expect([isLive(state), actions[0]]).toEqual([
      false,
      expect.objectContaining({ kind: "raise", incidentId: "id-1" }),
    ]);
  });

  test("and what was lost before that is not raised again, what is lost behind it is", () => {
    const permission = known({ newestPanic: "9-0", given: aPermission("p-2", "9-0") });
    let [state] = allow(confirmed(), permission, false, at(3_000));
    const kindsAt = (ms: number, amount: string): readonly string[] => {
      const [next, asked] = look(state, [], known(worth(amount, ms)), moment(ms));
      const [heard, told] = hear(
        next,
        { kind: "transfers", transfers: known({ net: decimal("0"), count: 0 }) },
        moment(ms),
      );
      state = heard;
      return [...asked, ...told].map(({ kind }) => kind);
    };
    for (const ms of [3_000, 4_000, 5_000]) expect(kindsAt(ms, "940")).not.toContain("name_incident");
    expect(kindsAt(6_000, "893")).toContain("name_incident");
  });
});

describe("what a brain does by where it stands", () => {
  const BACKSTOP = policyOf(rules({ backstopPercent: decimal("12"), stopLoss: stopLoss("2") }), {
    dailyLossPercent: decimal("5"),
  });
  const BAND = { up: decimal("1.15"), down: decimal("0.85"), tick: decimal("0.1") };
  const LEG: Position = { ...aPosition("BTCUSDT", "1", "100"), entryPrice: decimal("100"), markPrice: decimal("100") };
  const LOST: Position = { ...LEG, markPrice: decimal("97") };
  const PANIC = { kind: "naming", reason: "R" } as const;

  function opened(shadow = false): Exits {
    const policy = { policy: BACKSTOP, records: [], portfolio: null, shadow, autoLive: false };
    const [state] = allow(openExits(policy, at(0)), known({ newestPanic: null, given: null }), false, at(0));
    const rulebook = new Map([["BTCUSDT", { lot: null, band: BAND }]]);
    const [ruled, actions] = hear(state, { kind: "rulebook", rulebook }, moment(0));
    expect(actions).toEqual([]);
    return ruled;
  }
  const looked = (state: Exits, position = LEG, mayAct = true) =>
    look(state, [position], null, { ...moment(1_000), mayAct });
  const kindsOf = ([, actions]: readonly [Exits, readonly ExitsAction[]]): ReadonlySet<string> =>
    new Set(actions.map(({ kind }) => kind).filter((kind) => kind !== "tell" && kind !== "remember"));

  test.each([
    ["live: closes and looks after stops", opened(), true, ["recall", "close", "list_stops"]],
    ["in shadow: neither", opened(true), true, ["recall"]],
    ["halted or fenced: neither", opened(), false, ["recall"]],
    ["with a panic of its own: neither", { ...opened(), panic: PANIC }, true, ["recall"]],
  ] as const)("%s", (_, state, mayAct, expected) => {
    expect([...kindsOf(looked(state, LOST, mayAct))]).toEqual([...expected]);
  });

  test("a brain with a panic of its own is not live", () => {
    expect([isLive(opened()), isLive({ ...opened(), panic: PANIC }), isLive(opened(true))]).toEqual([
      true,
      false,
      false,
    ]);
  });

  test("a stop that is missing is placed by a live brain, and not by one that may not act", () => {
    const [state] = looked(opened());
    const listed = { kind: "stops", listed: known([]) } as const;
    const placed = hear(state, listed, moment(1_100));
    expect([...kindsOf(placed)]).toEqual(["protect"]);
    expect(hear(state, listed, { ...moment(1_100), mayAct: false })[1]).toEqual([]);
    // It is heard all the same: the next list is asked for in its time.
    expect(hear(state, listed, { ...moment(1_100), mayAct: false })[0].backstop.listing).toBe(false);
  });

  test("a leg beyond its backstop is left, with the reason", () => {
    const [state] = looked(opened());
    const stop = {
      symbol: "BTCUSDT",
      positionSide: "BOTH",
      side: "SELL",
      triggerPrice: decimal("88"),
      clientOrderId: "qb-1",
    } as const;
    const crossed = { kind: "refused", cause: "crossed", why: "-2021" } as const;
    const [left, actions] = hear(state, { kind: "protected", stop, outcome: crossed }, moment(1_200));
    expect(linesOf(actions)).toEqual([
      "Backstop of BTCUSDT at 88: -2021",
      "close all of BTCUSDT: the mark is beyond its backstop 88",
    ]);
    expect(kindsOf(looked(left))).toContain("close");
    const [rests, nothing] = hear(
      state,
      { kind: "protected", stop, outcome: { kind: "resting", orderId: "1" } },
      moment(1_200),
    );
    expect(nothing).toEqual([]);
    expect(kindsOf(looked(rests))).not.toContain("close");
  });

  test("a loss in shadow is told once, and one of a brain that may not act is neither told nor raised", () => {
    const lose = (state: Exits, mayAct: boolean): readonly string[] => {
      const lines: string[] = [];
      for (const [ms, amount] of [
        [0, "1000"],
        [1_000, "940"],
        [2_000, "940"],
      ] as const) {
        const now = { ...moment(ms), mayAct };
        const [next, asked] = look(state, [], known(worth(amount, ms)), now);
        lines.push(...linesOf(asked));
        const reads = asked.some(({ kind }) => kind === "read_transfers");
        const [heard, told] = reads
          ? hear(next, { kind: "transfers", transfers: known({ net: decimal("0"), count: 0 }) }, now)
          : [next, []];
        state = heard;
        lines.push(...linesOf(told));
        expect([...asked, ...told].map(({ kind }) => kind)).not.toContain("name_incident");
      }
      return lines;
    };
    expect(lose(opened(true), true)).toEqual(["Shadow, would raise a panic: EXIT_BRAIN_DAILY_LOSS_(6.0%_>=_5%)"]);
    expect(lose(opened(), false)).toEqual([]);
  });

  test("nothing is to be raised again where there is no panic", () => {
    const state = opened();
    expect(advancePanic(state, { kind: "timer" }, at(9))).toEqual([state, []]);
    expect(exitsDeadline(state)).toBeNull();
    const naming = { ...state, panic: PANIC };
    expect(advancePanic(naming, { kind: "timer" }, at(9))[0]).toBe(naming);
  });

  test("an answer of the direct line is told", () => {
    const raising = { kind: "raising", incidentId: "i", reason: "R", againAt: at(9), line: "calling" } as const;
    const [, actions] = hear({ ...opened(), panic: raising }, { kind: "called", answer: known(null) }, moment(1));
    expect(linesOf(actions)[0]).toContain("The worker has heard it by the direct line");
  });

  test("equity that can't be read is blindness; where no rule needs it there is none to read", () => {
    const [state] = looked(opened());
    expect(blind(state, unknown("mute"))).toBe("the account's equity can't be read: mute");
    expect([blind(state, known(worth("1", 1))), blind(state, null)]).toEqual([null, null]);
  });

  test.each([
    [null, null, false],
    ["5", null, true],
    [null, "10", true],
    ["5", "10", true],
  ])("a daily loss of %s and a drawdown of %s need equity: %s", (daily, drawdown, expected) => {
    const percent = (text: string | null) => (text === null ? null : decimal(text));
    const policy = policyOf(rules(), { dailyLossPercent: percent(daily), drawdownPercent: percent(drawdown) });
    expect(needsEquity(policy)).toBe(expected);
  });
});

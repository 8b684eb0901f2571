import { describe, expect, test } from "bun:test";
import { decimal } from "../../src/core/decimal.ts";
import {
  advancePanic,
  allow,
  type Exits,
  type ExitsAction,
  exitsDeadline,
  hear,
  look,
  openExits,
} from "../../src/core/exits.ts";
import type { Equity } from "../../src/core/portfolio.ts";
import { known, unknown } from "../../src/core/reading.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { at, linesOf } from "../support/core.ts";
import { policyOf, rules } from "../support/exits.ts";

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
      const given = upTo === null ? null : { id: upTo, upTo };
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

describe("a loss that is too great", () => {
  /** The account loses six percent, and all that comes back is known at once. */
  function broken(): readonly [Exits, readonly ExitsAction[]] {
    let [state] = allow(start(), known({ newestPanic: null, given: null }), false, at(0));
    const actions: ExitsAction[] = [];
    for (const [ms, equity] of [
      [0, "1000"],
      [1_000, "940"],
      [2_000, "940"],
    ] as const) {
      const [next, asked] = look(state, [], known(worth(equity, ms)), moment(ms));
      state = next;
      for (const { kind } of asked) {
        if (kind !== "read_transfers") continue;
        const [heard, told] = hear(state, { kind: "transfers", net: known(decimal("0")) }, moment(ms));
        state = heard;
        actions.push(...told);
      }
      actions.push(...asked);
    }
    return [state, actions];
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

  test("a second time in the same life is an incident of its own", () => {
    let [state] = broken();
    [state] = hear(state, { kind: "named", incidentId: "id-1" }, moment(2_100));
    [state] = hear(state, { kind: "raised" }, moment(2_200));
    [state] = allow(state, known({ newestPanic: "9-0", given: null }), true, at(3_000));
    [state] = allow(state, known({ newestPanic: "9-0", given: { id: "a", upTo: "9-0" } }), false, at(4_000));
    const actions: ExitsAction[] = [];
    for (const [ms, equity] of [
      [5_000, "940"],
      [66_000, "880"],
      [67_000, "880"],
    ] as const) {
      const [next, asked] = look(state, [], known(worth(equity, ms)), moment(ms));
      state = next;
      for (const { kind } of asked) {
        if (kind !== "read_transfers") continue;
        const [heard, told] = hear(state, { kind: "transfers", net: known(decimal("0")) }, moment(ms));
        state = heard;
        actions.push(...told);
      }
      actions.push(...asked);
    }
    expect(kinds(actions)).toContain("name_incident");
  });
});

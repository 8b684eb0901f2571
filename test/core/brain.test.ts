import { describe, expect, test } from "bun:test";
import {
  BRAIN_LIMITS,
  type BrainAction,
  type BrainEvent,
  type BrainState,
  deadline,
  start,
  step,
} from "../../src/core/brain.ts";
import type { Halt } from "../../src/core/messages.ts";
import type { Position } from "../../src/core/position.ts";
import { known, type Reading, unknown } from "../../src/core/reading.ts";
import { aHalt, aPosition, at, deedsOf, linesOf } from "../support/core.ts";

const LIMITS = BRAIN_LIMITS;
const BTC = aPosition("BTCUSDT", "0.002");

function looked(positions: Reading<readonly Position[]>, halt: Reading<Halt | null> = known(null)): BrainEvent {
  return { kind: "looked", positions, halt };
}

/** Feeds events at their times; gives the last state and everything that was asked for. */
function play(...events: readonly (readonly [ms: number, event: BrainEvent])[]) {
  let state: BrainState = start(at(0));
  const actions: BrainAction[] = [];
  for (const [ms, event] of events) {
    const [next, asked] = step(LIMITS, state, event, at(ms));
    state = next;
    actions.push(...asked);
  }
  const beats = actions.flatMap((action) => (action.kind === "beat" ? [action] : []));
  return { state, actions, beats, lines: linesOf(actions) };
}

const TIMER: BrainEvent = { kind: "timer" };

describe("a cycle", () => {
  test("starts at once, looks, and beats only when it has decided", () => {
    const { actions, beats } = play([0, TIMER], [30, looked(known([BTC]))]);
    expect(deedsOf(actions).map(({ kind }) => kind)).toEqual(["look", "beat"]);
    expect(beats[0]).toEqual({
      kind: "beat",
      status: "ALIVE",
      activePositions: 1,
      mode: "live",
      decided: true,
      latencyMs: 30,
    });
  });

  test("keeps to a fixed grid, and skips what it missed", () => {
    expect(deadline(play([0, TIMER], [30, looked(known([]))]).state)).toBe(at(1_000));
    expect(deadline(play([0, TIMER], [2_500, looked(known([]))]).state)).toBe(at(3_000));
  });

  test("shows each position with its mark and its profit or loss", () => {
    expect(play([0, TIMER], [30, looked(known([BTC]))]).lines).toEqual([
      "BTCUSDT 0.002: entry 50000, mark 50000, P&L 0.00",
      "Watching 1 positions, P&L 0.00",
    ]);
  });

  test("is quiet while nothing changes, and shows the account again after a while", () => {
    const same = looked(known([BTC]));
    expect(play([0, TIMER], [10, same], [1_000, TIMER], [1_010, same]).lines).toHaveLength(2);
    expect(play([0, TIMER], [10, same], [11_000, TIMER], [11_010, same]).lines).toHaveLength(4);
  });
});

describe("a cycle that fails", () => {
  test("beats DEGRADED with what was last known, and decides nothing", () => {
    const { beats, lines } = play(
      [0, TIMER],
      [10, looked(known([BTC]))],
      [1_000, TIMER],
      [1_010, looked(unknown("503"))],
    );
    expect(beats[1]).toMatchObject({ status: "DEGRADED", activePositions: 1, decided: false });
    expect(lines.at(-1)).toBe("Positions can't be read: 503");
  });

  test("an unreadable account is never an empty one", () => {
    const { beats, lines } = play([0, TIMER], [10, looked(unknown("503"))]);
    expect(beats[0]?.status).toBe("DEGRADED");
    expect(lines).not.toContain("No open positions");
  });

  test("beats DEGRADED while the venue keeps it waiting, and goes on beating", () => {
    const { beats, state } = play([0, TIMER], [LIMITS.overdueMs, TIMER], [LIMITS.overdueMs + LIMITS.cycleMs, TIMER]);
    expect(beats.map(({ status }) => status)).toEqual(["DEGRADED", "DEGRADED"]);
    expect(state.kind).toBe("looking");
  });

  test("a cycle that took too long is DEGRADED although it ended well", () => {
    const { beats } = play([0, TIMER], [LIMITS.overdueMs + 1, looked(known([]))]);
    expect(beats.map(({ status }) => status)).toEqual(["DEGRADED"]);
  });

  test("says once that it fails and once that it works again", () => {
    const { lines } = play(
      [0, TIMER],
      [10, looked(unknown("503"))],
      [1_000, TIMER],
      [1_010, looked(unknown("503"))],
      [2_000, TIMER],
      [2_010, looked(known([]))],
    );
    expect(lines).toEqual(["Positions can't be read: 503", "Positions are read in time again", "No open positions"]);
  });
});

describe("a halt", () => {
  const ROWS: readonly (readonly [name: string, halt: Reading<Halt | null>, mode: string])[] = [
    ["none", known(null), "live"],
    ["one by an event", known(aHalt()), "halted"],
    ["one by hand", known(aHalt("")), "halted"],
    ["unreadable counts as one", unknown("no answer"), "halted"],
  ];
  for (const [name, halt, mode] of ROWS) {
    test(`${name} → heartbeats go on in mode ${mode}`, () => {
      const { beats } = play([0, TIMER], [10, looked(known([]), halt)]);
      expect(beats[0]).toMatchObject({ status: "ALIVE", mode });
    });
  }
});

test("a heartbeat that is not confirmed is told and changes nothing", () => {
  const before = play([0, TIMER]).state;
  const [next, actions] = step(LIMITS, before, { kind: "beat_lost", why: "no answer" }, at(500));
  expect(next).toBe(before);
  expect(linesOf(actions)).toEqual(["Heartbeat not confirmed: no answer"]);
});

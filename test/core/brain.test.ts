import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  BRAIN_LIMITS,
  type BrainAction,
  type BrainEvent,
  type BrainState,
  deadline,
  mayAct,
  start,
  step,
} from "../../src/core/brain.ts";
import { decimal } from "../../src/core/decimal.ts";
import type { Halt } from "../../src/core/messages.ts";
import type { Position } from "../../src/core/position.ts";
import { known, type Reading, unknown } from "../../src/core/reading.ts";
import type { Permission } from "../../src/core/standing.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { aHalt, aPosition, at, deedsOf, linesOf, marked } from "../support/core.ts";
import { policyOf, rules, stopLoss } from "../support/exits.ts";

const LIMITS = BRAIN_LIMITS;
const BTC = aPosition("BTCUSDT", "0.002");

function looked(positions: Reading<readonly Position[]>, halt: Reading<Halt | null> = known(null)): BrainEvent {
  return { kind: "looked", positions, halt, account: null };
}

/** An event and its time. */
type Happened = readonly [ms: number, event: BrainEvent];

/** Feeds events at their times; gives the last state and everything that was asked for. */
function play(...events: readonly Happened[]) {
  let state: BrainState = start(LIMITS, at(0));
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
      fenced: false,
      ended: true,
      decided: true,
      latencyMs: 30,
    });
  });

  test("begins by its timer alone, and when it is due", () => {
    const resting = play([0, TIMER], [10, looked(known([]))]).state;
    expect(step(LIMITS, resting, TIMER, at(999))).toEqual([resting, []]);
    expect(deedsOf(step(LIMITS, resting, confirmed(990), at(1_000))[1])).toEqual([]);
    expect(deedsOf(step(LIMITS, resting, TIMER, at(1_000))[1])).toEqual([{ kind: "look" }]);
    expect(step(LIMITS, resting, looked(known([BTC])), at(1_000))).toEqual([resting, []]);
  });

  test("under way waits for the venue, and for nothing else", () => {
    const looking = play([0, TIMER]).state;
    expect(step(LIMITS, looking, TIMER, at(LIMITS.overdueMs - 1))).toEqual([looking, []]);
    expect(deadline(looking)).toBe(at(LIMITS.overdueMs));
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

  test("shows the account again at once where an amount or a leg has changed, and else after ten seconds", () => {
    const shows = (second: readonly Position[], ms = 1_000): boolean => {
      const [state] = step(LIMITS, play([0, TIMER], [10, looked(known([BTC]))]).state, TIMER, at(ms));
      return linesOf(step(LIMITS, state, looked(known(second)), at(ms))[1]).some((line) => line.startsWith("Watching"));
    };
    expect(shows([BTC])).toBe(false);
    expect(shows([aPosition("BTCUSDT", "0.003")])).toBe(true);
    expect(shows([aPosition("ETHUSDT", "0.002")])).toBe(true);
    expect([shows([BTC], 10_009), shows([BTC], 10_010)]).toEqual([false, true]);
    expect(BRAIN_LIMITS.showMs).toBe(10_000);
  });

  test("is quiet while nothing changes, and shows the account again after a while", () => {
    const same = looked(known([BTC]));
    expect(play([0, TIMER], [10, same], [1_000, TIMER], [1_010, same]).lines).toHaveLength(2);
    const later = play([0, TIMER], [10, same], [10_995, confirmed(10_990)], [11_000, TIMER], [11_010, same]);
    expect(later.lines).toHaveLength(4);
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
    expect(beats[1]).toMatchObject({ status: "DEGRADED", activePositions: 1, ended: true, decided: false });
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

  test("is late from when it began, and decides nothing until the venue answers", () => {
    const { beats, lines } = play([0, TIMER], [10, FREE], [1_000, TIMER], [3_000, TIMER]);
    expect(beats[1]).toMatchObject({ status: "DEGRADED", ended: false, decided: false, latencyMs: 2_000 });
    expect(lines.at(-1)).toBe("Decision cycle overdue: the venue has not answered for 2000 ms");
  });

  test("that took exactly as long as it may is ALIVE", () => {
    expect(play([0, TIMER], [LIMITS.overdueMs, FREE]).beats.map(({ status }) => status)).toEqual(["ALIVE"]);
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

  test("is told when it comes, when it changes and when it goes, and not in between", () => {
    const looks = [
      known(aHalt()),
      known(aHalt()),
      unknown("no answer"),
      unknown("no route"),
      known(null),
      known(null),
      known(aHalt()),
    ];
    const events = looks.flatMap((halt, i): Happened[] => [
      [i * 1_000, TIMER],
      [i * 1_000 + 10, looked(known([]), halt)],
    ]);
    expect(play(...events).lines.filter((line) => line.startsWith("Trading"))).toEqual([
      "Trading is halted: EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)",
      "Trading is halted: the halt can't be read, no answer",
      "Trading is allowed",
      "Trading is halted: EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)",
    ]);
  });

  test("is obeyed although the positions can't be read", () => {
    const { beats, lines } = play([0, TIMER], [10, looked(unknown("503"), known(aHalt()))]);
    expect(beats[0]).toMatchObject({ status: "DEGRADED", mode: "halted" });
    expect(lines).toContain("Trading is halted: EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)");
  });

  test("that was never read counts as one", () => {
    expect(play([0, TIMER], [LIMITS.overdueMs, TIMER]).beats[0]).toMatchObject({ status: "DEGRADED", mode: "halted" });
  });
});

/** The bus has the heartbeat that was sent then. */
function confirmed(sentAt: number): BrainEvent {
  return { kind: "beat_confirmed", sentAt: at(sentAt) };
}

const LOST: BrainEvent = { kind: "beat_lost", why: "no answer" };
const FREE = looked(known([]));

describe("the fence", () => {
  function fenceLines(...events: readonly Happened[]): readonly string[] {
    return play(...events).lines.filter((line) => /fenced/i.test(line));
  }
  const FENCED = "Fenced: no heartbeat confirmed for 4.0s, no orders until one is";
  const LIFTED = "No longer fenced: a heartbeat was confirmed";
  const BEAT_AT_10: readonly Happened[] = [
    [0, TIMER],
    [10, FREE],
    [15, confirmed(10)],
  ];

  const ROWS: readonly (readonly [name: string, events: readonly Happened[], lines: readonly string[]])[] = [
    ["stays open just short of the limit", [[4_009, TIMER]], []],
    ["closes at the limit, counted from when the last confirmed heartbeat was sent", [[4_010, TIMER]], [FENCED]],
    [
      "is told once",
      [
        [4_010, TIMER],
        [4_500, TIMER],
        [9_000, LOST],
      ],
      [FENCED],
    ],
    ["closes whatever is the first to happen", [[4_010, LOST]], [FENCED]],
    [
      "is not kept open by heartbeats that are not confirmed",
      [
        [2_000, LOST],
        [4_010, TIMER],
      ],
      [FENCED],
    ],
    [
      "is kept open by one that is",
      [
        [2_000, confirmed(1_990)],
        [4_010, TIMER],
      ],
      [],
    ],
    [
      "is lifted by the next one that is confirmed",
      [
        [4_010, TIMER],
        [5_005, confirmed(5_000)],
      ],
      [FENCED, LIFTED],
    ],
    [
      "is not lifted by an old confirmation",
      [
        [4_010, TIMER],
        [8_000, confirmed(4_000)],
      ],
      [FENCED],
    ],
    [
      "is lifted once",
      [
        [4_010, TIMER],
        [5_005, confirmed(5_000)],
        [6_005, confirmed(6_000)],
      ],
      [FENCED, LIFTED],
    ],
    [
      "is not shortened by confirmations in the wrong order",
      [
        [2_000, confirmed(1_990)],
        [2_001, confirmed(990)],
        [5_000, TIMER],
      ],
      [],
    ],
  ];
  for (const [name, events, lines] of ROWS) {
    test(name, () => expect(fenceLines(...BEAT_AT_10, ...events)).toEqual([...lines]));
  }

  test("closes too where no heartbeat was ever confirmed", () => {
    expect(fenceLines([0, TIMER], [10, FREE], [3_999, TIMER])).toEqual([]);
    expect(fenceLines([0, TIMER], [10, FREE], [4_000, TIMER])).toEqual([FENCED]);
  });

  test("wakes the brain when it closes, though its cycle is not due", () => {
    const slow = { ...LIMITS, cycleMs: 60_000 };
    const [looking] = step(slow, start(slow, at(0)), TIMER, at(0));
    const [resting] = step(slow, looking, FREE, at(10));
    const [open] = step(slow, resting, confirmed(10), at(15));
    expect(deadline(open)).toBe(at(4_010));
    const [fenced] = step(slow, open, TIMER, at(4_010));
    expect(deadline(fenced)).toBe(at(60_000));
  });

  test("shows in the heartbeats, which go on", () => {
    const { beats } = play(...BEAT_AT_10, [4_010, TIMER], [4_020, FREE], [5_100, TIMER], [5_110, confirmed(5_100)]);
    expect(beats.map(({ fenced }) => fenced)).toEqual([false, true]);
    expect(beats[1]).toMatchObject({ status: "ALIVE", mode: "live" });
  });
});

describe("mayAct()", () => {
  const NO_HALT: readonly Happened[] = [
    [0, TIMER],
    [10, FREE],
  ];
  const FIT: readonly Happened[] = [...NO_HALT, [15, confirmed(10)]];
  const halted = (halt: Reading<Halt | null>): Happened => [1_010, looked(known([]), halt)];

  const ROWS: readonly (readonly [name: string, events: readonly Happened[], now: number, allowed: boolean])[] = [
    ["nothing was read yet", [], 0, false],
    ["the first look is under way", [[0, TIMER]], 5, false],
    ["no heartbeat was confirmed yet", NO_HALT, 20, false],
    ["one was sent and not confirmed", [...NO_HALT, [15, LOST]], 20, false],
    ["no halt, and a heartbeat was confirmed", FIT, 20, true],
    ["the next look is under way", [...FIT, [1_000, TIMER]], 1_500, true],
    ["a heartbeat is not confirmed, the last one is young", [...FIT, [1_000, LOST]], 1_500, true],
    ["halted by an event", [...FIT, [1_000, TIMER], halted(known(aHalt()))], 1_020, false],
    ["halted by hand", [...FIT, [1_000, TIMER], halted(known(aHalt("")))], 1_020, false],
    ["the halt can't be read", [...FIT, [1_000, TIMER], halted(unknown("no answer"))], 1_020, false],
    [
      "halted, and positions can't be read",
      [...FIT, [1_000, TIMER], [1_010, looked(unknown("503"), known(aHalt()))]],
      1_020,
      false,
    ],
    [
      "a person reset the halt",
      [...FIT, [1_000, TIMER], halted(known(aHalt())), [2_000, TIMER], [2_010, FREE]],
      2_020,
      true,
    ],
    ["just short of the fence", [...FIT, [3_000, TIMER], [3_010, FREE]], 4_009, true],
    ["at the fence, though its timer is late", [...FIT, [3_000, TIMER], [3_010, FREE]], 4_010, false],
    ["fenced", [...FIT, [4_010, TIMER], [4_020, FREE]], 4_030, false],
    ["no longer fenced", [...FIT, [4_010, TIMER], [4_020, FREE], [4_030, confirmed(4_020)]], 4_040, true],
    [
      "after a stall, with an old confirmation",
      [...FIT, [8_000, TIMER], [8_010, FREE], [8_015, confirmed(900)]],
      8_020,
      false,
    ],
    ["heartbeats are confirmed, the halt was read too long ago", [...FIT, [3_000, confirmed(2_990)]], 4_000, false],
  ];
  for (const [name, events, now, allowed] of ROWS) {
    test(`${allowed ? "yes" : "no"}: ${name}`, () => {
      expect(mayAct(LIMITS, play(...events).state, at(now))).toBe(allowed);
    });
  }

  test("is never true without a confirmed heartbeat and a look at the halt, both young, and never told wrongly", () => {
    const halts = [known(null), known(aHalt()), unknown("no answer")];
    const anEvent = fc.oneof(
      fc.constant(TIMER),
      fc.constant(LOST),
      fc.integer({ min: 0, max: 9_000 }).map((ageMs) => ({ ageMs })),
      fc.constantFrom(...halts).map((halt) => looked(known([]), halt)),
    );
    const lives = fc.array(fc.tuple(fc.integer({ min: 0, max: 2_000 }), anEvent), { maxLength: 40 });
    fc.assert(
      fc.property(lives, (life) => {
        let state = start(LIMITS, at(0));
        let now = 0;
        let provenAt = Number.NEGATIVE_INFINITY;
        let free = false;
        const told: string[] = [];
        for (const [ms, happened] of life) {
          now += ms;
          const event = "ageMs" in happened ? confirmed(now - happened.ageMs) : happened;
          if (event.kind === "beat_confirmed") provenAt = Math.max(provenAt, event.sentAt);
          if (event.kind === "looked" && state.kind === "looking") free = event.halt.known && event.halt.value === null;
          const [next, actions] = step(LIMITS, state, event, at(now));
          state = next;
          told.push(...linesOf(actions).filter((line) => /fenced/i.test(line)));
          if (mayAct(LIMITS, state, at(now))) expect(free && now - provenAt < LIMITS.fenceMs).toBe(true);
        }
        told.forEach((line, i) => {
          expect(line.startsWith(i % 2 === 0 ? "Fenced" : "No longer")).toBe(true);
        });
      }),
    );
  });
});

test("a heartbeat that is not confirmed is told and changes nothing", () => {
  const before = play([0, TIMER]).state;
  const [next, actions] = step(LIMITS, before, { kind: "beat_lost", why: "no answer" }, at(500));
  expect(next).toBe(before);
  expect(linesOf(actions)).toEqual(["Heartbeat not confirmed: no answer"]);
  expect(actions).toMatchObject([{ level: "warn" }]);
  expect(step(LIMITS, before, { kind: "beat_lost", why: "OOM", needsPerson: true }, at(500))[1]).toMatchObject([
    { level: "warn", mark: "alarm", text: "Heartbeat not confirmed: OOM" },
  ]);
});

/** Lines as they are told, and to whom. */
describe("what the brain says of", () => {
  const FAILED: readonly Happened[] = [
    [0, TIMER],
    [10, looked(unknown("503"))],
    [1_000, TIMER],
  ];
  const rows: readonly (readonly [of: string, events: readonly Happened[], expected: readonly string[]])[] = [
    [
      "a flat account",
      [
        [0, TIMER],
        [10, FREE],
      ],
      ["info: No open positions"],
    ],
    [
      "an open account",
      [
        [0, TIMER],
        [10, looked(known([aPosition("BTCUSDT", "-0.002", "50000", "SHORT"), BTC]))],
      ],
      [
        "info: BTCUSDT:SHORT -0.002: entry 50000, mark 50000, P&L 0.00",
        "info: BTCUSDT 0.002: entry 50000, mark 50000, P&L 0.00",
        "info: Watching 2 positions, P&L 0.00",
      ],
    ],
    [
      "a look that came back too late, and the next one in time",
      [
        [0, TIMER],
        [2_001, FREE],
        [3_000, TIMER],
        [3_010, FREE],
      ],
      ["info: No open positions", "info: Positions are read in time again"],
    ],
    ["positions that can't be read", FAILED, ["warn: Positions can't be read: 503"]],
    [
      "positions that can be read again, though none is open",
      [...FAILED, [1_010, FREE]],
      ["warn: Positions can't be read: 503", "info: Positions are read in time again", "info: No open positions"],
    ],
    [
      "a look that comes back too late again",
      [...FAILED, [3_010, FREE]],
      ["warn: Positions can't be read: 503", "info: No open positions"],
    ],
    [
      "a venue that does not answer, once",
      [
        [0, TIMER],
        [2_000.4, TIMER],
        [3_000.4, TIMER],
      ],
      ["warn: Decision cycle overdue: the venue has not answered for 2000 ms"],
    ],
    [
      "a halt, and its end",
      [
        [0, TIMER],
        [10, looked(known([]), known(aHalt()))],
        [1_000, TIMER],
        [1_010, FREE],
      ],
      [
        "warn: Trading is halted: EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)",
        "info: No open positions",
        "info: Trading is allowed",
      ],
    ],
    [
      "the fence",
      [
        [0, TIMER],
        [10, FREE],
        [4_000, LOST],
        [4_100, confirmed(4_050)],
      ],
      [
        "info: No open positions",
        "warn: Fenced: no heartbeat confirmed for 4.0s, no orders until one is",
        "warn: Heartbeat not confirmed: no answer",
        "info: No longer fenced: a heartbeat was confirmed",
      ],
    ],
  ];
  test.each(rows)("%s", (_of, events, expected) => {
    expect(marked(play(...events).actions.filter((action) => action.kind === "tell"))).toEqual([...expected]);
  });
});

/** A stop is crossed by a mark that arrives between two looks, 1 s behind the last of these. */
describe("a mark acts", () => {
  const NO_PANIC: Permission = { newestPanic: null, given: null };
  const PANIC: Permission = { newestPanic: "9-0", given: null };
  const LEG = { ...aPosition("BTCUSDT", "1", "100"), entryPrice: decimal("100"), markPrice: decimal("100") };
  const OPEN = known([LEG]);
  const policy = { policy: policyOf(rules({ stopLoss: stopLoss("2") })), shadow: false, autoLive: false };

  function closes(...looks: readonly (readonly [Reading<readonly Position[]>, Reading<Permission>])[]): number {
    let state = start(LIMITS, at(0), { ...policy, records: [], portfolio: null });
    let [sent, ms] = [0, 0];
    const take = (event: BrainEvent): void => {
      const [next, actions] = step(LIMITS, state, event, at(ms));
      state = next;
      sent += actions.filter(({ kind }) => kind === "close").length;
    };
    for (const [positions, permission] of looks) {
      take(TIMER);
      const account = { permission, equity: null, wall: ms as UnixMillis };
      take({ kind: "looked", positions, halt: known(null), account });
      take({ kind: "beat_confirmed", sentAt: at(ms) });
      ms += 1_000;
    }
    const marks = new Map([["BTCUSDT", decimal("97")]]);
    take({ kind: "exits", event: { kind: "marks", marks }, wall: ms as UnixMillis });
    return sent;
  }

  const LIVE = [OPEN, known(NO_PANIC)] as const;
  const MUTE = [OPEN, unknown("mute")] as const;
  test("by the permission of the last look", () => expect(closes(LIVE)).toBe(1));
  test("not behind a panic, also where that look could not read the positions", () =>
    expect(closes(LIVE, [unknown("503"), known(PANIC)])).toBe(0));
  test("not by a permission that could not be read for as long as a halt may be unread", () => {
    expect(closes(LIVE, MUTE, MUTE)).toBe(1);
    expect(closes(LIVE, MUTE, MUTE, MUTE)).toBe(0);
  });
});

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Attempt, Outcome } from "../../src/core/messages.ts";
import { known, unknown } from "../../src/core/reading.ts";
import type { Tell } from "../../src/core/tell.ts";
import type { Instant } from "../../src/core/time.ts";
import { deadline, step } from "../../src/core/watchdog.ts";
import { askedFor, confirmedIn } from "../../src/core/watchdog-incident.ts";
import {
  type AgedBeat,
  type Attachment,
  type DirectLine,
  type Standing,
  UNUSED,
  WATCHDOG_LIMITS,
  type WatchdogEvent,
  type WatchdogState,
} from "../../src/core/watchdog-state.ts";
import { aBeat, aHalt, at, deedsOf, linesOf, marked } from "../support/core.ts";

const LIMITS = WATCHDOG_LIMITS;

const FIRST: Attempt = { incidentId: "incident-1", number: 1 };
const SECOND: Attempt = { incidentId: "incident-1", number: 2 };

/** A halt by the given event; an attempt of its own incident unless `haltedBy` says of which. */
function standing(eventId: string | null, outcomes: Record<string, Outcome> = {}, haltedBy?: Attempt): Standing {
  const own = eventId === null || eventId === "" ? null : { incidentId: eventId, number: 1 };
  return {
    halt: eventId === null ? null : aHalt(eventId),
    haltedBy: haltedBy ?? own,
    outcomes: new Map(Object.entries(outcomes)),
    absenceId: "absence-1",
    lostEvent: null,
  };
}

function tripped(changes: Partial<Extract<WatchdogState, { kind: "tripped" }>> = {}): WatchdogState {
  return {
    kind: "tripped",
    attempt: FIRST,
    eventId: "incident-1",
    reason: "R",
    haltSeen: false,
    outcome: null,
    followUpAt: at(10_000),
    heard: null,
    ...changes,
  };
}

type Tripping = Extract<WatchdogState, { kind: "tripping" }>;

function tripping(changes: Partial<Tripping>): Tripping {
  return {
    kind: "tripping",
    attempt: FIRST,
    reason: "R",
    haltSeen: false,
    retryAt: null,
    directLine: UNUSED,
    heard: null,
    ...changes,
  };
}

type Armed = Extract<WatchdogState, { kind: "armed" }>;
type Waiting = Extract<WatchdogState, { kind: "waiting" }>;

/** Watching a brain that was there at attach and beat last at 0 ms; `changes` are to what is known of it. */
function armed(changes: Partial<Armed["brain"]> = {}, drainBy: Instant | null = null): Armed {
  const brain: Armed["brain"] = {
    lastBeatAt: at(0),
    incidentId: "incident-1",
    degradedSince: null,
    exposed: true,
    positions: 2,
    decision: null,
    instances: [{ id: "instance-1", appearedAt: null, seq: 0 }],
    rivalAt: null,
    ...changes,
  };
  return { kind: "armed", brain, drainBy, told: [] };
}

const WAITING: Waiting = { kind: "waiting", since: at(0), absenceId: "absence-1", drainBy: null, told: [] };

const STATES = {
  detached: { kind: "detached" },
  waiting: WAITING,
  armed: armed(),
  degraded: armed({ degradedSince: at(-4_000) }),
  draining: armed({ lastBeatAt: at(-6_000) }, at(500)),
  publishing: tripping({}),
  retrying: tripping({ retryAt: at(250) }),
  calling: tripping({ retryAt: at(250), directLine: { kind: "calling", since: at(100) } }),
  followingUp: tripping({ attempt: SECOND, haltSeen: true }),
  tripped: tripped(),
  trippedHalted: tripped({ haltSeen: true }),
  trippedAgain: tripped({ attempt: SECOND, eventId: "follow-up-2", haltSeen: true }),
  halted: { kind: "halted", attempt: FIRST, eventId: "incident-1", heard: null },
} satisfies Record<string, WatchdogState>;

const EVENTS = {
  attached: { kind: "attached", attachment: { standing: standing(null), lastBeat: null } },
  beat: { kind: "beat", beat: aBeat("ALIVE", "incident-2"), arrivedAt: at(100) },
  degradedBeat: { kind: "beat", beat: aBeat("DEGRADED", "incident-2"), arrivedAt: at(100) },
  lateBeat: { kind: "beat", beat: aBeat("ALIVE", "incident-2"), arrivedAt: at(5_001) },
  copiedBeat: { kind: "beat", beat: aBeat("ALIVE", "incident-2", { seq: 0 }), arrivedAt: at(100) },
  otherBeat: { kind: "beat", beat: aBeat("ALIVE", "incident-2", { instanceId: "instance-2" }), arrivedAt: at(100) },
  malformed: { kind: "malformed_beat", why: "it has no status" },
  drained: { kind: "drained", beats: [aged(4_100, 1), aged(100, 2)], standing: standing(null) },
  drainedNothing: { kind: "drained", beats: [], standing: standing(null) },
  drainedHalt: { kind: "drained", beats: [aged(100, 1)], standing: standing("incident-1") },
  drainFailed: { kind: "drain_failed" },
  stoodStill: { kind: "stood_still", lateMs: 300 },
  free: { kind: "standing", standing: standing(null) },
  freeFlat: { kind: "standing", standing: standing(null, { "incident-1": "FLAT" }) },
  haltedNoReport: { kind: "standing", standing: standing("incident-1") },
  haltedFlat: { kind: "standing", standing: standing("incident-1", { "incident-1": "FLAT" }) },
  haltedNotFlat: { kind: "standing", standing: standing("incident-1", { "incident-1": "NOT_FLAT" }) },
  haltedByOps: { kind: "standing", standing: standing("ops-1") },
  haltedByHand: { kind: "standing", standing: standing("") },
  haltedBySecond: { kind: "standing", standing: standing("follow-up-2", {}, SECOND) },
  secondNotFlat: { kind: "standing", standing: standing("follow-up-2", { "follow-up-2": "NOT_FLAT" }, SECOND) },
  secondFlat: { kind: "standing", standing: standing("follow-up-2", { "follow-up-2": "FLAT" }, SECOND) },
  lost: { kind: "standing", standing: { ...standing(null), lostEvent: "incident-1" } },
  lostHalted: { kind: "standing", standing: { ...standing("incident-1"), lostEvent: "incident-1" } },
  lostFlat: {
    kind: "standing",
    standing: { ...standing("incident-1", { "incident-1": "FLAT" }), lostEvent: "incident-1" },
  },
  published: { kind: "published", attempt: FIRST, eventId: "incident-1" },
  publishedSecond: { kind: "published", attempt: SECOND, eventId: "follow-up-2" },
  publishedOther: { kind: "published", attempt: { incidentId: "incident-9", number: 1 }, eventId: "incident-9" },
  unconfirmed: { kind: "publish_unconfirmed", attempt: FIRST, why: "no answer" },
  directFlat: { kind: "direct_answered", attempt: FIRST, answer: known({ outcome: "FLAT", open: [] }) },
  directLost: { kind: "direct_answered", attempt: FIRST, answer: unknown("no answer") },
  directHeard: { kind: "direct_answered", attempt: FIRST, answer: known(null) },
  directOther: { kind: "direct_answered", attempt: SECOND, answer: known({ outcome: "FLAT", open: [] }) },
  busLost: { kind: "bus_lost", why: "no answer" },
  busBack: { kind: "bus_back" },
  timer: { kind: "timer" },
} satisfies Record<string, WatchdogEvent>;

/** A heartbeat that waited for so long to be read. */
function aged(ageMs: number, seq: number): AgedBeat {
  return { beat: aBeat("ALIVE", `incident-${seq + 1}`, { seq }), ageMs };
}

type StateName = keyof typeof STATES;
type EventName = keyof typeof EVENTS;

/**
 * What every event does in every state, at 200 ms: the next state, and `+publish`, `+call_direct` or `+drain` where that is wanted.
 * `-` means that nothing changes but what was heard of the brain. Lines are checked elsewhere.
 */
const TABLE: Readonly<Record<EventName, Readonly<Record<StateName, string>>>> = {
  attached: row("waiting", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-"),
  beat: row("-", "armed", "armed", "armed", "tripping +publish", "-", "-", "-", "-", "-", "-", "-", "-"),
  degradedBeat: row("-", "armed", "armed", "armed", "tripping +publish", "-", "-", "-", "-", "-", "-", "-", "-"),
  lateBeat: row(
    "-",
    "armed",
    "tripping +publish",
    "tripping +publish",
    "tripping +publish",
    "-",
    "-",
    "-",
    "-",
    "-",
    "-",
    "-",
    "-",
  ),
  malformed: row("-", "waiting", "armed", "armed", "armed", "-", "-", "-", "-", "-", "-", "-", "-"),
  copiedBeat: row("-", "armed", "armed", "armed", "tripping +publish", "-", "-", "-", "-", "-", "-", "-", "-"),
  otherBeat: row("-", "armed", "armed", "armed", "tripping +publish", "-", "-", "-", "-", "-", "-", "-", "-"),
  drained: row("-", "armed", "armed", "armed", "armed", "-", "-", "-", "armed", "-", "armed", "armed", "armed"),
  drainedNothing: row(
    "-",
    "-",
    "-",
    "-",
    "tripping +publish",
    "-",
    "-",
    "-",
    "waiting",
    "-",
    "waiting",
    "waiting",
    "waiting",
  ),
  drainedHalt: row("-", "tripped", "tripped", "tripped", "tripped", "-", "-", "-", "-", "tripped", "-", "-", "-"),
  stoodStill: row("-", "waiting +drain", "armed +drain", "armed +drain", "-", "-", "-", "-", "-", "-", "-", "-", "-"),
  drainFailed: row("-", "-", "-", "-", "tripping +publish", "-", "-", "-", "-", "-", "-", "-", "-"),
  free: row("-", "-", "-", "-", "-", "-", "-", "-", "waiting", "-", "waiting", "waiting", "waiting"),
  freeFlat: row(
    "-",
    "-",
    "-",
    "-",
    "-",
    "waiting",
    "waiting",
    "waiting",
    "waiting",
    "waiting",
    "waiting",
    "waiting",
    "waiting",
  ),
  haltedNoReport: row("-", "tripped", "tripped", "tripped", "tripped", "-", "-", "-", "-", "tripped", "-", "-", "-"),
  haltedFlat: row("-", "halted", "halted", "halted", "halted", "-", "-", "-", "-", "halted", "halted", "-", "-"),
  haltedNotFlat: row(
    "-",
    "tripped",
    "tripped",
    "tripped",
    "tripped",
    "-",
    "-",
    "-",
    "-",
    "tripped",
    "tripped",
    "-",
    "tripped",
  ),
  haltedByOps: row(
    "-",
    "tripped",
    "tripped",
    "tripped",
    "tripped",
    "-",
    "-",
    "-",
    "-",
    "tripped",
    "tripped",
    "tripped",
    "tripped",
  ),
  haltedByHand: row("-", "-", "-", "-", "-", "-", "-", "-", "-", "tripped", "-", "-", "-"),
  haltedBySecond: row(
    "-",
    "tripped",
    "tripped",
    "tripped",
    "tripped",
    "-",
    "-",
    "-",
    "-",
    "tripped",
    "tripped",
    "-",
    "tripped",
  ),
  secondNotFlat: row(
    "-",
    "tripped",
    "tripped",
    "tripped",
    "tripped",
    "-",
    "-",
    "-",
    "-",
    "tripped",
    "tripped",
    "tripped",
    "tripped",
  ),
  secondFlat: row(
    "-",
    "halted",
    "halted",
    "halted",
    "halted",
    "-",
    "-",
    "-",
    "-",
    "halted",
    "halted",
    "halted",
    "halted",
  ),
  lost: row(
    "-",
    "-",
    "-",
    "-",
    "-",
    "-",
    "-",
    "-",
    "waiting",
    "tripping +publish",
    "tripping +publish",
    "waiting",
    "waiting",
  ),
  lostHalted: row(
    "-",
    "tripped",
    "tripped",
    "tripped",
    "tripped",
    "-",
    "-",
    "-",
    "-",
    "tripping +publish",
    "tripping +publish",
    "-",
    "-",
  ),
  lostFlat: row("-", "halted", "halted", "halted", "halted", "-", "-", "-", "-", "halted", "halted", "-", "-"),
  published: row("-", "-", "-", "-", "-", "tripped", "tripped", "tripped", "-", "-", "-", "-", "-"),
  publishedSecond: row("-", "-", "-", "-", "-", "-", "-", "-", "tripped", "-", "-", "-", "-"),
  publishedOther: row("-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-"),
  unconfirmed: row(
    "-",
    "-",
    "-",
    "-",
    "-",
    "tripping +call_direct",
    "tripping +call_direct",
    "tripping",
    "-",
    "-",
    "-",
    "-",
    "-",
  ),
  directFlat: row("-", "-", "-", "-", "-", "-", "-", "tripping", "-", "-", "-", "-", "-"),
  directLost: row("-", "-", "-", "-", "-", "-", "-", "tripping", "-", "-", "-", "-", "-"),
  directHeard: row("-", "-", "-", "-", "-", "-", "-", "tripping", "-", "-", "-", "-", "-"),
  directOther: row("-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-"),
  busLost: row("-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-"),
  busBack: row("-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-"),
  timer: row("-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-"),
};

function row(...cells: readonly string[]): Readonly<Record<StateName, string>> {
  const names = Object.keys(STATES);
  return Object.fromEntries(names.map((name, i) => [name, cells[i] ?? "?"])) as Record<StateName, string>;
}

describe("step(), every state and every event", () => {
  for (const [eventName, cells] of Object.entries(TABLE)) {
    for (const [stateName, expected] of Object.entries(cells)) {
      test(`${stateName} × ${eventName} → ${expected}`, () => {
        const state: WatchdogState = STATES[stateName as StateName];
        const [next, actions] = step(LIMITS, state, EVENTS[eventName as EventName], at(200));
        const deeds = deedsOf(actions)
          .map(({ kind }) => ` +${kind}`)
          .join("");
        const same = Bun.deepEquals({ ...next, heard: null }, { ...state, heard: null });
        expect(same ? `-${deeds}` : `${next.kind}${deeds}`).toBe(expected);
      });
    }
  }
});

describe("heartbeat missing", () => {
  test("at the limit itself nothing is broken", () => {
    const [next, actions] = step(LIMITS, STATES.armed, { kind: "timer" }, at(5_000));
    expect(next).toEqual(STATES.armed);
    expect(actions).toEqual([]);
  });

  test("a moment later the panic is published, in the runbook's words", () => {
    const [next, actions] = step(LIMITS, STATES.armed, { kind: "timer" }, at(5_000.2));
    const reason = "EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)";
    expect(next).toEqual(tripping({ reason }));
    expect(deedsOf(actions)).toEqual([{ kind: "publish", attempt: FIRST, reason }]);
    expect(linesOf(actions)).toEqual([
      "FAILURE DETECTED: Heartbeat missing (5.1s > 5.0s)",
      "TRIGGERING PANIC CLOSE",
      `Reason: ${reason}`,
    ]);
  });

  test("a heartbeat that comes too late does not undo a broken limit", () => {
    const [next] = step(LIMITS, STATES.armed, EVENTS.lateBeat, at(5_001));
    expect(next).toMatchObject({ kind: "tripping", attempt: FIRST });
  });

  test("the deadline is the moment the limit would break", () => {
    expect(deadline(LIMITS, STATES.armed)).toBe(at(5_000));
  });
});

describe("degraded", () => {
  test("a brain degraded for longer than the limit trips although it beats", () => {
    const state = armed({ degradedSince: at(-4_950) });
    const [next] = step(LIMITS, state, EVENTS.degradedBeat, at(100));
    expect(next).toMatchObject({ kind: "tripping", reason: "EXIT_BRAIN_DEGRADED_(5.1S_>_5.0S)" });
  });

  test("one ALIVE in between breaks the run", () => {
    const [next, actions] = step(LIMITS, STATES.degraded, EVENTS.beat, at(100));
    expect(next).toMatchObject({ kind: "armed", brain: { degradedSince: null } });
    expect(linesOf(actions)).toEqual(["The exit brain says ALIVE again"]);
  });

  test("the run counts from its first heartbeat, not from its last", () => {
    const [next] = step(LIMITS, STATES.degraded, EVENTS.degradedBeat, at(100));
    expect(next).toMatchObject({ kind: "armed", brain: { degradedSince: at(-4_000) } });
    expect(deadline(LIMITS, next)).toBe(at(1_000));
  });

  test("a status nobody knows counts as degraded", () => {
    const [next] = step(LIMITS, STATES.armed, { kind: "beat", beat: aBeat("FINE"), arrivedAt: at(100) }, at(100));
    expect(next).toMatchObject({ brain: { degradedSince: at(100) } });
  });
});

describe("a publish that is not confirmed", () => {
  test("is tried again after the pause, under the same event id", () => {
    const [waiting] = step(LIMITS, STATES.publishing, EVENTS.unconfirmed, at(1_000));
    expect(deadline(LIMITS, waiting)).toBe(at(1_000 + LIMITS.publishRetryMs));
    const [next, actions] = step(LIMITS, waiting, { kind: "timer" }, at(1_250));
    expect(deedsOf(actions)).toEqual([{ kind: "publish", attempt: FIRST, reason: "R" }]);
    expect(next).toMatchObject({ kind: "tripping", retryAt: null });
  });

  test("is done only when it is confirmed, and then says so", () => {
    const [next, actions] = step(LIMITS, STATES.retrying, EVENTS.published, at(300));
    expect(next.kind).toBe("tripped");
    expect(linesOf(actions)).toEqual(["Panic close published to system:panic_close", "Event ID: incident-1"]);
  });
});

describe("the direct line", () => {
  const calling = (changes: Partial<Tripping> = {}): Tripping =>
    tripping({ retryAt: at(1_250), directLine: { kind: "calling", since: at(1_000) }, ...changes });
  const answer = (reading: Extract<WatchdogEvent, { kind: "direct_answered" }>["answer"]): WatchdogEvent => ({
    kind: "direct_answered",
    attempt: FIRST,
    answer: reading,
  });

  test("is used at once when a publish is not confirmed, for the same attempt, and publishing goes on", () => {
    const [next, actions] = step(LIMITS, STATES.publishing, EVENTS.unconfirmed, at(1_000));
    expect(deedsOf(actions)).toEqual([{ kind: "call_direct", attempt: FIRST, reason: "R" }]);
    expect(next).toEqual(calling());
    const [again, more] = step(LIMITS, next, { kind: "timer" }, at(1_250));
    expect(deedsOf(more)).toEqual([{ kind: "publish", attempt: FIRST, reason: "R" }]);
    expect(deedsOf(step(LIMITS, again, EVENTS.unconfirmed, at(1_260))[1])).toEqual([]);
  });

  test.each([
    ["the worker does not hear", unknown("/run/eew.sock: no such file"), "critical"],
    ["it has heard and not said yet what came of it", known(null), "critical"],
  ] as const)("is used again no sooner than a second after the last call where %s", (_fact, reading, level) => {
    const [next, actions] = step(LIMITS, calling(), answer(reading), at(1_100));
    expect(actions).toMatchObject([{ kind: "tell", level }]);
    expect(deedsOf(step(LIMITS, next, EVENTS.unconfirmed, at(1_999))[1])).toEqual([]);
    expect(deedsOf(step(LIMITS, next, EVENTS.unconfirmed, at(2_000))[1])).toMatchObject([{ kind: "call_direct" }]);
  });

  test("is not the record: FLAT by it ends the calls, and only a confirmed publish ends the publishing", () => {
    const [next, actions] = step(LIMITS, calling(), answer(known({ outcome: "FLAT", open: [] })), at(1_100));
    expect(linesOf(actions)[0]).toContain("FLAT; publishing goes on");
    expect(next).toEqual(calling({ directLine: { kind: "ended", outcome: "FLAT", followUpAt: null } }));
    expect(deadline(LIMITS, next)).toBe(at(1_250));
    const [again, more] = step(LIMITS, next, { kind: "timer" }, at(1_250));
    expect(again).toMatchObject({ kind: "tripping", attempt: FIRST, retryAt: null });
    expect(deedsOf(more)).toEqual([{ kind: "publish", attempt: FIRST, reason: "R" }]);
    const [later, calls] = step(LIMITS, next, EVENTS.unconfirmed, at(60_000));
    expect([later.kind, deedsOf(calls)]).toEqual(["tripping", []]);
    expect(step(LIMITS, later, EVENTS.published, at(60_100))[0].kind).toBe("tripped");
  });

  test("is followed up by the next attempt, after the same pauses, where the outcome is not FLAT", () => {
    const ended: DirectLine = { kind: "ended", outcome: "NOT_FLAT", followUpAt: at(2_100) };
    const open = answer(known({ outcome: "NOT_FLAT", open: ["BTCUSDT 0.5"] }));
    const [next, actions] = step(LIMITS, calling({ retryAt: null }), open, at(1_100));
    expect(next).toEqual(tripping({ directLine: ended }));
    expect(linesOf(actions)).toEqual([
      "By the direct line the worker says NOT_FLAT: positions may be open, still open: BTCUSDT 0.5",
    ]);
    expect(deadline(LIMITS, next)).toBe(at(2_100));
    expect(step(LIMITS, next, { kind: "timer" }, at(2_099))).toEqual([next, []]);
    const [second, deeds] = step(LIMITS, next, { kind: "timer" }, at(2_100));
    const reason = "PANIC_CLOSE_INCOMPLETE_(NOT_FLAT)";
    expect(second).toEqual(tripping({ attempt: SECOND, reason }));
    expect(deedsOf(deeds)).toEqual([{ kind: "publish", attempt: SECOND, reason }]);
  });

  test("pauses for 1, 2, 4, 8, 16, 30, 30 … seconds before the next attempt", () => {
    const pauses = [1, 2, 3, 4, 5, 6, 7, 40].map((number) => {
      const attempt = { incidentId: "incident-1", number };
      const ended = known({ outcome: "UNKNOWN", open: [] } as const);
      const state = calling({ attempt, retryAt: null });
      return deadline(LIMITS, step(LIMITS, state, { kind: "direct_answered", attempt, answer: ended }, at(0))[0]);
    });
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000].map(at));
  });
});

describe("a confirmed event that the bus has lost", () => {
  const lost: WatchdogEvent = { kind: "standing", standing: { ...standing(null), lostEvent: "incident-1" } };

  test("is published again at once, under the same id and with the same reason", () => {
    const [next, actions] = step(LIMITS, tripped({ reason: "R", haltSeen: true }), lost, at(300));
    expect(next).toEqual(tripping({ haltSeen: false, retryAt: null }));
    expect(deedsOf(actions)).toEqual([{ kind: "publish", attempt: FIRST, reason: "R" }]);
    expect(linesOf(actions)).toEqual([
      "Event incident-1 is not on record any more: Redis has lost data, publishing it again",
    ]);
  });

  test("is asked about once it is confirmed, and only by the watchdog that has published it", () => {
    const [open] = step(LIMITS, STATES.publishing, EVENTS.published, at(300));
    expect(confirmedIn(open)).toBe("incident-1");
    const [followed] = step(LIMITS, STATES.armed, EVENTS.haltedByOps, at(300));
    expect(followed.kind).toBe("tripped");
    expect(confirmedIn(followed)).toBeNull();
    expect(confirmedIn(STATES.publishing)).toBeNull();
  });

  test("is left to the follow-up once it has ended somehow", () => {
    const ended = tripped({ outcome: "NOT_FLAT" });
    expect(step(LIMITS, ended, lost, at(300))[0].kind).not.toBe("tripping");
  });
});

describe("a watchdog that stood still", () => {
  const late = at(13_000);
  const stalled = (): WatchdogState => step(LIMITS, STATES.armed, { kind: "timer" }, late)[0];

  test("does not judge at once: it drains, half a second at most", () => {
    const [next, actions] = step(LIMITS, STATES.armed, { kind: "timer" }, late);
    expect(next).toEqual(armed({}, at(13_500)));
    expect(deedsOf(actions)).toEqual([{ kind: "drain" }]);
    expect(linesOf(actions)).toEqual([
      "Stood still for 8000 ms or longer: reading what arrived meanwhile before judging",
    ]);
    expect(deadline(LIMITS, next)).toBe(at(13_500));
  });

  test("a quarter of a second late is not standing still", () => {
    const [next] = step(LIMITS, STATES.armed, { kind: "timer" }, at(5_250));
    expect(next.kind).toBe("tripping");
    expect(step(LIMITS, STATES.armed, { kind: "timer" }, at(5_251))[0].kind).toBe("armed");
  });

  test("finds a brain that beat all the while, and stays armed with the true age", () => {
    const beats = [8, 7, 6, 5, 4, 3, 2, 1].map((seconds, i) => aged(seconds * 1_000 - 300, i + 1));
    const event: WatchdogEvent = { kind: "drained", beats, standing: standing(null) };
    const [next, actions] = step(LIMITS, armed({ lastBeatAt: at(5_000) }, at(13_500)), event, at(13_020));
    expect(next).toMatchObject({
      kind: "armed",
      drainBy: null,
      brain: { lastBeatAt: at(12_320), incidentId: "incident-9" },
    });
    expect(actions).toEqual([]);
  });

  test("finds a brain that died meanwhile, and says how long ago", () => {
    const event: WatchdogEvent = { kind: "drained", beats: [aged(7_410, 1)], standing: standing(null) };
    const [next] = step(LIMITS, armed({ lastBeatAt: at(4_700) }, at(13_500)), event, at(13_020));
    expect(next).toMatchObject({
      kind: "tripping",
      attempt: { incidentId: "incident-2", number: 1 },
      reason: "EXIT_BRAIN_HEARTBEAT_MISSING_(7.5S_>_5.0S)",
    });
  });

  test("a gap among what it drained is one: the beat after it came too late", () => {
    const event: WatchdogEvent = { kind: "drained", beats: [aged(7_000, 1), aged(100, 2)], standing: standing(null) };
    const [next] = step(LIMITS, armed({ lastBeatAt: at(4_000) }, at(13_500)), event, at(13_020));
    expect(next).toMatchObject({ kind: "tripping", attempt: { incidentId: "incident-2", number: 1 } });
  });

  test.each([
    ["the drain fails", { kind: "drain_failed" }, 13_100],
    ["the drain brings nothing", EVENTS.drainedNothing, 13_100],
    ["half a second has passed", { kind: "timer" }, 13_500],
  ] as const)("judges with what it knows when %s", (_what, event, ms) => {
    const [next] = step(LIMITS, stalled(), event, at(ms));
    expect(next).toMatchObject({ kind: "tripping", attempt: FIRST });
  });

  test("drains also where no rule is overdue: what waited meanwhile must not count as fresh", () => {
    const [next, actions] = step(LIMITS, STATES.armed, { kind: "stood_still", lateMs: 1_400 }, at(2_000));
    expect(next).toEqual(armed({}, at(2_500)));
    expect(deedsOf(actions)).toEqual([{ kind: "drain" }]);
    const [judged] = step(LIMITS, next, { kind: "timer" }, at(2_500));
    expect(judged).toEqual(STATES.armed);
    expect(deadline(LIMITS, judged)).toBe(at(5_000));
  });

  test("that has judged already judges no more by a drain that fails late: its timer does", () => {
    expect(step(LIMITS, STATES.armed, { kind: "drain_failed" }, at(6_000))).toEqual([STATES.armed, []]);
  });

  test("waits for the drain until then", () => {
    expect(step(LIMITS, stalled(), { kind: "timer" }, at(13_499))[0]).toEqual(stalled());
  });

  test("an age from another clock never makes a heartbeat older than the one before it, or a second one out of it", () => {
    const event: WatchdogEvent = { kind: "drained", beats: [aged(3_600_000, 1)], standing: standing(null) };
    const [next] = step(LIMITS, STATES.armed, event, at(200));
    expect(next).toMatchObject({ kind: "armed", brain: { lastBeatAt: at(0), incidentId: "incident-2" } });
  });

  test("hears of an incident before it judges", () => {
    const [next, actions] = step(LIMITS, STATES.draining, EVENTS.drainedHalt, at(200));
    expect(next.kind).toBe("tripped");
    expect(deedsOf(actions)).toEqual([]);
  });
});

describe("a brain that is required", () => {
  const limits = { ...LIMITS, requireBrainMs: 10_000 };

  test("is not by default: a cold boot is no death", () => {
    expect(deadline(LIMITS, WAITING)).toBeNull();
    expect(step(LIMITS, WAITING, { kind: "timer" }, at(3_600_000))).toEqual([WAITING, []]);
  });

  test("may come until the limit, and not after it", () => {
    expect(deadline(limits, WAITING)).toBe(at(10_000));
    expect(step(limits, WAITING, { kind: "timer" }, at(10_000))).toEqual([WAITING, []]);
    const [next, actions] = step(limits, WAITING, { kind: "timer" }, at(10_001));
    const reason = "EXIT_BRAIN_HEARTBEAT_MISSING_(NONE_FOR_10.1S_>_10.0S)";
    const attempt = { incidentId: "absence-1", number: 1 };
    expect(next).toEqual(tripping({ attempt, reason }));
    expect(linesOf(actions)[0]).toBe("FAILURE DETECTED: Heartbeat missing (none for 10.1s > 10.0s)");
  });

  test("is waited for anew after a reset, under another incident", () => {
    const after: Standing = { ...standing(null), absenceId: "absence-2" };
    const [next] = step(limits, STATES.halted, { kind: "standing", standing: after }, at(7_000));
    expect(next).toEqual({ ...WAITING, since: at(7_000), absenceId: "absence-2" });
    expect(deadline(limits, next)).toBe(at(17_000));
  });

  test("is waited for from when the watch began, under the incident that the bus names last", () => {
    const since: Waiting = { ...WAITING, since: at(5_000) };
    expect(step(limits, since, { kind: "timer" }, at(15_000))).toEqual([since, []]);
    const after: Standing = { ...standing(null), absenceId: "absence-2" };
    const [next] = step(limits, since, { kind: "standing", standing: after }, at(6_000));
    expect(next).toEqual({ ...since, absenceId: "absence-2" });
    const [tripped] = step(limits, next, { kind: "timer" }, at(15_001));
    expect(tripped).toMatchObject({ attempt: { incidentId: "absence-2" } });
    expect(tripped).toMatchObject({ reason: "EXIT_BRAIN_HEARTBEAT_MISSING_(NONE_FOR_10.1S_>_10.0S)" });
  });

  test("is not replaced by what is no heartbeat", () => {
    const [next] = step(limits, WAITING, EVENTS.malformed, at(9_000));
    expect(deadline(limits, next)).toBe(at(10_000));
  });

  test("may have come while the watchdog stood still", () => {
    const [stalled, actions] = step(limits, WAITING, { kind: "timer" }, at(20_000));
    expect(deedsOf(actions)).toEqual([{ kind: "drain" }]);
    const [next] = step(limits, stalled, EVENTS.drained, at(20_020));
    expect(next).toMatchObject({ kind: "armed", brain: { lastBeatAt: at(19_920) } });
  });
});

describe("what is no heartbeat", () => {
  test("is told once for each kind, and resets no age", () => {
    let state: WatchdogState = STATES.armed;
    const lines: string[] = [];
    for (const event of [EVENTS.malformed, EVENTS.copiedBeat, EVENTS.malformed, EVENTS.copiedBeat]) {
      const [next, actions] = step(LIMITS, state, event, at(100));
      lines.push(...linesOf(actions));
      state = next;
    }
    expect(lines).toEqual([
      "Not a heartbeat: it has no status (told once)",
      'Not a heartbeat: not known to be another than one that was heard before, instance "instance-1", seq 0 (told once)',
    ]);
    expect(state).toMatchObject({ brain: STATES.armed.brain, told: ["malformed", "copied"] });
    expect(deadline(LIMITS, state)).toBe(at(5_000));
    expect(step(LIMITS, state, EVENTS.malformed, at(100))[1]).toEqual([]);
  });
});

describe("a second brain", () => {
  test("takes over by its first heartbeat, and the first one's next trips, by name", () => {
    const [taken, lines] = step(LIMITS, STATES.armed, EVENTS.otherBeat, at(100));
    expect(linesOf(lines)).toEqual(['Another instance of the exit brain has taken over: instance "instance-2", seq 1']);
    const back: WatchdogEvent = { kind: "beat", beat: aBeat("ALIVE", "incident-3"), arrivedAt: at(350) };
    const [next, actions] = step(LIMITS, taken, back, at(350));
    expect(next).toMatchObject({
      kind: "tripping",
      attempt: { incidentId: "incident-2", number: 1 },
      reason: "EXIT_BRAIN_DUPLICATE_(OLDER_INSTANCE_BEATS_0.3S_AFTER_NEWER)",
    });
    expect(linesOf(actions)).toContain('A second exit brain is at work: instance "instance-1", seq 1');
  });
});

describe("attach", () => {
  const beat = aBeat();
  const ROWS: readonly (readonly [name: string, attachment: Attachment, kind: string, publishes: boolean])[] = [
    ["no heartbeat ever → waiting, and no panic", { standing: standing(null), lastBeat: null }, "waiting", false],
    ["a fresh heartbeat → armed", lastSeen(500), "armed", false],
    ["a brain that died while nobody watched trips at once", lastSeen(60_000), "tripping", true],
    ["an incident already completed, no halt left: a person has reset it", lastSeen(60_000, true), "waiting", false],
    ["halted and flat → halted", { ...lastSeen(60_000), standing: EVENTS.haltedFlat.standing }, "halted", false],
    [
      "halted and not flat → the incident goes on",
      { ...lastSeen(60_000), standing: EVENTS.haltedNotFlat.standing },
      "tripped",
      false,
    ],
    [
      "halted without a report → the incident goes on",
      { ...lastSeen(1), standing: EVENTS.haltedNoReport.standing },
      "tripped",
      false,
    ],
    [
      "a halt set by hand does not stop the watch",
      { ...lastSeen(1), standing: EVENTS.haltedByHand.standing },
      "armed",
      false,
    ],
  ];

  function lastSeen(ageMs: number, incidentCompleted = false): Attachment {
    return { standing: standing(null), lastBeat: { beat, ageMs, incidentCompleted } };
  }

  for (const [name, attachment, kind, publishes] of ROWS) {
    test(name, () => {
      const [next, actions] = step(LIMITS, STATES.detached, { kind: "attached", attachment }, at(1_000));
      expect(next.kind).toBe(kind as WatchdogState["kind"]);
      expect(deedsOf(actions).length === 1).toBe(publishes);
    });
  }

  test("a fresh heartbeat counts with its true age, and its instance may have run for days", () => {
    const [next] = step(LIMITS, STATES.detached, { kind: "attached", attachment: lastSeen(500) }, at(1_000));
    const instances = [{ id: "instance-1", appearedAt: null, seq: 1 }] as const;
    expect(next).toEqual(armed({ lastBeatAt: at(500), instances }));
  });

  test("before it, and once an incident is flat, there is nothing to wait for but events", () => {
    expect(deadline(LIMITS, STATES.detached)).toBeNull();
    expect(deadline(LIMITS, STATES.halted)).toBeNull();
  });

  test("without a heartbeat it says loudly that nothing is protected", () => {
    const [, actions] = step(LIMITS, STATES.detached, EVENTS.attached, at(0));
    expect(linesOf(actions)[0]).toStartWith("UNPROTECTED");
  });
});

describe("an open incident", () => {
  test("an outcome that is not FLAT is told once, and stays open", () => {
    const [first, lines] = step(LIMITS, STATES.trippedHalted, EVENTS.haltedNotFlat, at(200));
    expect(linesOf(lines)).toEqual(["Event incident-1 ended NOT_FLAT: positions may be open, look at the venue"]);
    const [second, again] = step(LIMITS, first, EVENTS.haltedNotFlat, at(300));
    expect(second.kind).toBe("tripped");
    expect(again).toEqual([]);
  });

  test("is followed up a second after a completion that is not FLAT", () => {
    const [open] = step(LIMITS, STATES.trippedHalted, EVENTS.haltedNotFlat, at(200));
    expect(deadline(LIMITS, open)).toBe(at(1_200));
    const [next, actions] = step(LIMITS, open, { kind: "timer" }, at(1_200));
    const reason = "PANIC_CLOSE_INCOMPLETE_(NOT_FLAT)";
    expect(next).toEqual(tripping({ attempt: SECOND, reason, haltSeen: true }));
    expect(deedsOf(actions)).toEqual([{ kind: "publish", attempt: SECOND, reason }]);
    expect(linesOf(actions)).toEqual([
      "FAILURE DETECTED: Panic close incomplete (NOT_FLAT)",
      "TRIGGERING PANIC CLOSE",
      `Reason: ${reason}`,
      "Attempt: 2 of incident incident-1",
    ]);
  });

  test("is followed up after ten seconds without a completion", () => {
    const [open] = step(LIMITS, STATES.publishing, EVENTS.published, at(200));
    expect(deadline(LIMITS, open)).toBe(at(10_200));
    const [next] = step(LIMITS, open, { kind: "timer" }, at(10_200));
    expect(next).toMatchObject({ kind: "tripping", attempt: SECOND, reason: "PANIC_CLOSE_INCOMPLETE_(NO_COMPLETION)" });
  });

  test("is followed up after 1, 2, 4, 8, 16, 30, 30 … seconds", () => {
    const pauses = [1, 2, 3, 4, 5, 6, 7, 40].map((number) => {
      const state = tripped({ attempt: { incidentId: "incident-1", number }, haltSeen: true });
      const event = standing("incident-1", { "incident-1": "UNKNOWN" }, { incidentId: "incident-1", number });
      const [next] = step(LIMITS, state, { kind: "standing", standing: event }, at(0));
      return deadline(LIMITS, next);
    });
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000].map(at));
  });

  test("goes on until an attempt is FLAT", () => {
    const [next, actions] = step(LIMITS, STATES.trippedAgain, EVENTS.secondFlat, at(200));
    expect(next).toEqual({ kind: "halted", attempt: SECOND, eventId: "follow-up-2", heard: null });
    expect(linesOf(actions)).toEqual(["Event follow-up-2 ended FLAT: halted until a person resets it (quantum reset)"]);
  });

  test("is over with its FLAT attempt, though an earlier one reports late and moves the halt back", () => {
    const [flat] = step(LIMITS, STATES.trippedAgain, EVENTS.secondFlat, at(200));
    const late = standing("incident-1", { "incident-1": "NOT_FLAT", "follow-up-2": "FLAT" });
    expect(step(LIMITS, flat, { kind: "standing", standing: late }, at(300))).toEqual([flat, []]);
  });

  test("goes on with an earlier attempt that halts and has no report: a person has reset, and a worker executes it once more", () => {
    const [flat] = step(LIMITS, STATES.trippedAgain, EVENTS.secondFlat, at(200));
    const anew = standing("incident-1", { "follow-up-2": "FLAT" });
    const [open] = step(LIMITS, flat, { kind: "standing", standing: anew }, at(300));
    expect(open).toMatchObject({ kind: "tripped", attempt: FIRST, outcome: null, followUpAt: at(10_300) });
  });

  test("takes no FLAT for its own that was there before the halt: the next attempt is made at once", () => {
    const anew = standing("incident-1", { "follow-up-2": "FLAT" });
    const [next, actions] = step(LIMITS, STATES.trippedAgain, { kind: "standing", standing: anew }, at(200));
    const third = { incidentId: "incident-1", number: 3 };
    expect(next).toMatchObject({ kind: "tripping", attempt: third, haltSeen: true });
    expect(deedsOf(actions)).toEqual([
      { kind: "publish", attempt: third, reason: "PANIC_CLOSE_INCOMPLETE_(NO_COMPLETION)" },
    ]);
    expect(linesOf(actions)[0]).toBe(
      "Event follow-up-2 ended FLAT before this halt, which proves nothing of now: on to the next attempt",
    );
  });

  test("goes on with an earlier attempt that halts where Redis has lost the FLAT of the later one", () => {
    const [flat] = step(LIMITS, STATES.trippedAgain, EVENTS.secondFlat, at(200));
    const [open] = step(LIMITS, flat, EVENTS.haltedNotFlat, at(300));
    expect(open).toMatchObject({ kind: "tripped", attempt: { number: 1 }, outcome: "NOT_FLAT" });
  });

  test("goes on where Redis has lost that FLAT, and another report of the same attempt says otherwise", () => {
    const [flat] = step(LIMITS, STATES.trippedHalted, EVENTS.haltedFlat, at(200));
    expect(flat.kind).toBe("halted");
    const [open] = step(LIMITS, flat, EVENTS.haltedNotFlat, at(300));
    expect(open).toMatchObject({ kind: "tripped", outcome: "NOT_FLAT", followUpAt: at(300 + LIMITS.followUpMs) });
  });

  test("waits for its own attempt, whatever the last one ended with", () => {
    const [next, actions] = step(LIMITS, STATES.trippedAgain, EVENTS.haltedNotFlat, at(200));
    expect(next).toEqual(STATES.trippedAgain);
    expect(actions).toEqual([]);
  });

  test("is taken up where another watchdog has brought it", () => {
    const [next] = step(LIMITS, STATES.trippedHalted, EVENTS.secondNotFlat, at(200));
    expect(next).toMatchObject({ kind: "tripped", attempt: SECOND, eventId: "follow-up-2", outcome: "NOT_FLAT" });
    expect(deadline(LIMITS, next)).toBe(at(2_200));
  });

  test("is taken up by a watchdog that was restarted in the middle", () => {
    const attachment = { standing: EVENTS.secondNotFlat.standing, lastBeat: null };
    const [next] = step(LIMITS, STATES.detached, { kind: "attached", attachment }, at(1_000));
    expect(next).toMatchObject({ kind: "tripped", attempt: SECOND, outcome: "NOT_FLAT", haltSeen: true });
    expect(deadline(LIMITS, next)).toBe(at(3_000));
  });

  test("a reset between two looks is seen by the outcome that is left", () => {
    const [next] = step(LIMITS, STATES.tripped, EVENTS.freeFlat, at(200));
    expect(next.kind).toBe("waiting");
  });

  test("asks for the outcomes of its own event and of the first", () => {
    expect(askedFor(STATES.trippedAgain)).toEqual(["follow-up-2", "incident-1"]);
    expect(askedFor(STATES.followingUp)).toEqual(["incident-1"]);
    expect(askedFor(STATES.halted)).toEqual(["incident-1"]);
    expect(askedFor(STATES.armed)).toEqual([]);
  });

  test.each([
    ["cleared by a person where the records are left", EVENTS.freeFlat, "Halt cleared by a person"],
    ["lost where they are gone too", EVENTS.free, "The halt of event incident-1 is gone, and its records with it"],
  ])("a halt that is gone was %s, and who trades is watched either way", (_fact, event, words) => {
    const [next, actions] = step(LIMITS, STATES.halted, event, at(200));
    expect([next.kind, linesOf(actions)[0]]).toEqual(["waiting", expect.stringContaining(words)]);
  });

  test("a reset that is found with heartbeats behind it, after an outage, arms as of now: the brain may have died since", () => {
    const beats = [aged(7_410, 1), aged(6_400, 2)];
    const [next, actions] = step(
      LIMITS,
      STATES.halted,
      { kind: "drained", beats, standing: standing(null) },
      at(9_000),
    );
    expect(next).toMatchObject({ kind: "armed", brain: { lastBeatAt: at(9_000) } });
    expect(linesOf(actions)).toHaveLength(2);
    expect(deadline(LIMITS, next)).toBe(at(14_000));
  });

  describe("a heartbeat that came with the reset arms, for the brain may have died behind it", () => {
    const beat: WatchdogEvent = { kind: "beat", beat: aBeat("ALIVE", "incident-7"), arrivedAt: at(300) };

    /** What is left of it all at 900 ms. */
    function after(state: WatchdogState, ...events: readonly WatchdogEvent[]): WatchdogState {
      return events.reduce((before, event) => step(LIMITS, before, event, at(900))[0], state);
    }

    test.each([
      ["after FLAT", STATES.halted, EVENTS.free],
      ["in an incident whose halt was seen", STATES.trippedHalted, EVENTS.free],
      ["in an incident that was over before it was raised again", STATES.tripped, EVENTS.freeFlat],
      ["while that is not confirmed", STATES.publishing, EVENTS.freeFlat],
    ] as const)("%s", (_fact, state, free) => {
      const armed = after(state, beat, free);
      expect(armed).toMatchObject({ kind: "armed", brain: { incidentId: "incident-7", lastBeatAt: at(900) } });
    });

    test("although the look was one of many since the panic", () => {
      const open = after(STATES.publishing, beat, EVENTS.free, EVENTS.published, EVENTS.free);
      expect(after(open, EVENTS.freeFlat)).toMatchObject({ kind: "armed", brain: { incidentId: "incident-7" } });
    });

    test("although it came too late for the limit", () => {
      const late = after(STATES.armed, { ...beat, arrivedAt: at(5_001) });
      expect(after(late, EVENTS.freeFlat)).toMatchObject({ kind: "armed", brain: { incidentId: "incident-7" } });
    });

    test.each([
      ["a look that showed the halt", EVENTS.haltedFlat],
      ["one after a standstill that did", { ...EVENTS.drainedHalt, standing: EVENTS.haltedFlat.standing }],
    ] as const)("but not one that was there before %s", (_fact, halt) => {
      expect(after(STATES.halted, beat, halt, EVENTS.free).kind).toBe("waiting");
    });
  });

  test("a reset that nobody saw is known by any attempt's completion", () => {
    const unseen = tripped({ attempt: SECOND, eventId: "follow-up-2", haltSeen: false });
    const [next] = step(LIMITS, unseen, EVENTS.freeFlat, at(200));
    expect(next.kind).toBe("waiting");
  });
});

describe("the watchdog's lines are about", () => {
  const tripped2 = { eventId: "follow-up-2", incidentId: "incident-1" };
  const first = { eventId: "incident-1", incidentId: "incident-1" };
  const rows: readonly (readonly [
    what: string,
    state: WatchdogState,
    event: WatchdogEvent,
    about: readonly (Tell["about"] | "no event")[],
  ])[] = [
    ["no event before there is one", STATES.waiting, EVENTS.beat, ["no event"]],
    ["no event where Redis is away", STATES.armed, EVENTS.busLost, ["no event"]],
    [
      "the incident that a broken rule opens",
      armed({ lastBeatAt: at(-5_000) }),
      { kind: "timer" },
      [first, first, first],
    ],
    [
      "the incident of two brains at once",
      armed({
        instances: [
          { id: "instance-1", appearedAt: null, seq: 0 },
          { id: "instance-2", appearedAt: at(50), seq: 0 },
        ],
      }),
      { kind: "beat", beat: aBeat("ALIVE", "incident-2", { seq: 1 }), arrivedAt: at(100) },
      [first, first, first, first],
    ],
    [
      "the event that was published",
      STATES.followingUp,
      { kind: "published", attempt: SECOND, eventId: "follow-up-2" },
      [tripped2, tripped2],
    ],
    [
      "the attempt, before its event is published",
      STATES.trippedHalted,
      { kind: "timer" },
      [SECOND, SECOND, SECOND, SECOND],
    ],
    ["the event that is open, where Redis is away", STATES.trippedAgain, EVENTS.busLost, [tripped2]],
    ["the attempt that is not published, too", STATES.followingUp, EVENTS.busLost, [SECOND]],
    ["the event of the halt that is followed", STATES.armed, EVENTS.secondFlat, [tripped2, tripped2]],
    ["the event that a reset ends", STATES.halted, EVENTS.freeFlat, [first]],
  ];
  test.each(rows)("%s", (_what, state, event, about) => {
    const now = event.kind === "timer" && state.kind === "tripped" ? state.followUpAt : at(200);
    const [, actions] = step(LIMITS, state, event, now);
    const lines = actions.filter((action) => action.kind === "tell");
    expect<unknown>(lines.map((line) => line.about ?? "no event")).toEqual([...about]);
  });

  test("not that of the brain which it watches after a reset", () => {
    const beat = { ...EVENTS.beat, beat: aBeat("ALIVE", "incident-7"), arrivedAt: at(100) };
    const [heard] = step(LIMITS, STATES.halted, beat, at(100));
    const [, actions] = step(LIMITS, heard, EVENTS.freeFlat, at(200));
    expect<unknown>(actions.filter((action) => action.kind === "tell").map((line) => line.about)).toEqual([
      first,
      undefined,
    ]);
  });
});

/** Every line of the watchdog, once. `alarm` is what people are told wherever they are, so it belongs to the words. */
describe("what the watchdog says of", () => {
  const seen = (incidentCompleted: boolean): WatchdogEvent => ({
    kind: "attached",
    attachment: { standing: standing(null), lastBeat: { beat: aBeat(), ageMs: 1, incidentCompleted } },
  });
  const beatOf = (status: string, instanceId: string | null, seq: number | null): WatchdogEvent => ({
    kind: "beat",
    beat: aBeat(status, "incident-2", { instanceId, seq }),
    arrivedAt: at(200),
  });
  const answer = (reading: Extract<WatchdogEvent, { kind: "direct_answered" }>["answer"]): WatchdogEvent => ({
    kind: "direct_answered",
    attempt: FIRST,
    answer: reading,
  });
  const unconfirmed = (needsPerson: boolean): WatchdogEvent => ({
    kind: "publish_unconfirmed",
    attempt: FIRST,
    why: "no answer",
    needsPerson,
  });
  const late = armed({ lastBeatAt: at(-5_000) });
  const rows: readonly (readonly [
    of: string,
    state: WatchdogState,
    event: WatchdogEvent,
    expected: readonly string[],
  ])[] = [
    [
      "a Redis that is away",
      STATES.armed,
      EVENTS.busLost,
      ["warn: Redis can't be used, heartbeats cannot be seen: no answer"],
    ],
    [
      "a Redis that a person has to see to",
      STATES.armed,
      { kind: "bus_lost", why: "OOM", needsPerson: true },
      ["warn alarm: Redis can't be used, heartbeats cannot be seen: OOM"],
    ],
    ["a Redis that is back", STATES.armed, EVENTS.busBack, ["info: Redis can be used again"]],
    [
      "a start without a heartbeat",
      STATES.detached,
      EVENTS.attached,
      ["warn alarm: UNPROTECTED: waiting for a heartbeat on exit_brain:heartbeat, no heartbeat has ever been seen"],
    ],
    [
      "a start after a reset",
      STATES.detached,
      seen(true),
      ["warn alarm: UNPROTECTED: waiting for a heartbeat on exit_brain:heartbeat, none since the last reset"],
    ],
    [
      "a start beside a brain",
      STATES.detached,
      seen(false),
      ["info: Armed: watching the exit brain (instance instance-1, status ALIVE)"],
    ],
    [
      "a brain without a name",
      STATES.waiting,
      beatOf("DEGRADED", null, null),
      ["info: Armed: watching the exit brain (a heartbeat without an instance id, status DEGRADED)"],
    ],
    [
      "a brain that degrades",
      STATES.armed,
      beatOf("DEGRADED", "instance-1", 1),
      ["warn: The exit brain says DEGRADED"],
    ],
    ["a brain that stays degraded", STATES.degraded, beatOf("DEGRADED", "instance-1", 1), []],
    ["a brain that is well again", STATES.degraded, EVENTS.beat, ["info: The exit brain says ALIVE again"]],
    ["a brain that stays well", STATES.armed, EVENTS.beat, []],
    [
      "another brain, without a number",
      STATES.armed,
      beatOf("ALIVE", "instance-2", null),
      ['info: Another instance of the exit brain has taken over: instance "instance-2", seq unknown'],
    ],
    [
      "another brain, without a name",
      STATES.armed,
      beatOf("ALIVE", null, null),
      ["info: Another instance of the exit brain has taken over: no instance id"],
    ],
    [
      "another brain with a name that is too long",
      STATES.armed,
      beatOf("ALIVE", "x".repeat(65), 7),
      [`info: Another instance of the exit brain has taken over: instance "${"x".repeat(64)}", seq 7`],
    ],
    [
      "a standstill",
      STATES.armed,
      { kind: "stood_still", lateMs: 300.2 },
      ["warn: Stood still for 301 ms or longer: reading what arrived meanwhile before judging"],
    ],
    ["what is no heartbeat", STATES.armed, EVENTS.malformed, ["warn: Not a heartbeat: it has no status (told once)"]],
    [
      "a broken rule",
      late,
      { kind: "timer" },
      [
        "critical alarm: FAILURE DETECTED: Heartbeat missing (5.2s > 5.0s)",
        "critical alarm: TRIGGERING PANIC CLOSE",
        "critical: Reason: EXIT_BRAIN_HEARTBEAT_MISSING_(5.2S_>_5.0S)",
      ],
    ],
    [
      "a publish",
      STATES.publishing,
      EVENTS.published,
      ["critical done: Panic close published to system:panic_close", "critical: Event ID: incident-1"],
    ],
    [
      "a publish that is not confirmed",
      STATES.publishing,
      unconfirmed(false),
      ["critical: Panic close not confirmed published, trying again: no answer"],
    ],
    [
      "one that a person has to see to",
      STATES.publishing,
      unconfirmed(true),
      ["critical alarm: Panic close not confirmed published, trying again: no answer"],
    ],
    [
      "a worker that has heard",
      STATES.calling,
      EVENTS.directHeard,
      ["critical: The worker has heard it by the direct line, and not said yet what came of it"],
    ],
    [
      "a worker that does not hear",
      STATES.calling,
      EVENTS.directLost,
      ["critical: The worker can't be reached by the direct line: no answer"],
    ],
    [
      "a worker that says FLAT",
      STATES.calling,
      EVENTS.directFlat,
      ["critical: By the direct line the worker says FLAT; publishing goes on, so that it is on record"],
    ],
    [
      "a worker that says what is open",
      STATES.calling,
      answer(known({ outcome: "NOT_FLAT", open: ["BTCUSDT 0.5", "ETHUSDT -1"] })),
      [
        "critical alarm: By the direct line the worker says NOT_FLAT: positions may be open, still open: BTCUSDT 0.5, ETHUSDT -1",
      ],
    ],
    [
      "a worker that does not know",
      STATES.calling,
      answer(known({ outcome: "UNKNOWN", open: [] })),
      ["critical alarm: By the direct line the worker says UNKNOWN: positions may be open, look at the venue"],
    ],
    [
      "an event that Redis has lost",
      STATES.tripped,
      EVENTS.lost,
      ["critical alarm: Event incident-1 is not on record any more: Redis has lost data, publishing it again"],
    ],
    [
      "an incident that has no completion",
      STATES.tripped,
      { kind: "timer" },
      [
        "critical alarm: FAILURE DETECTED: Panic close incomplete (no completion)",
        "critical alarm: TRIGGERING PANIC CLOSE",
        "critical: Reason: PANIC_CLOSE_INCOMPLETE_(NO_COMPLETION)",
        "critical: Attempt: 2 of incident incident-1",
      ],
    ],
    [
      "an incident that is not flat",
      STATES.tripped,
      EVENTS.haltedNotFlat,
      ["critical alarm: Event incident-1 ended NOT_FLAT: positions may be open, look at the venue"],
    ],
    [
      "an incident that is flat",
      STATES.tripped,
      EVENTS.haltedFlat,
      ["critical: Event incident-1 ended FLAT: halted until a person resets it (quantum reset)"],
    ],
    [
      "another's incident that is flat",
      STATES.armed,
      EVENTS.secondFlat,
      [
        "critical: Trading is halted by watchdog, event follow-up-2",
        "critical: Event follow-up-2 ended FLAT: halted until a person resets it (quantum reset)",
      ],
    ],
    [
      "a reset",
      STATES.halted,
      EVENTS.freeFlat,
      ["info: Halt cleared by a person: waiting for a heartbeat to re-attach to"],
    ],
    [
      "a halt that Redis has lost",
      STATES.halted,
      EVENTS.free,
      [
        "warn alarm: The halt of event incident-1 is gone, and its records with it: Redis has lost data, waiting for a heartbeat",
      ],
    ],
  ];
  test.each(rows)("%s", (_of, state, event, expected) => {
    const now = event.kind === "timer" && state.kind === "tripped" ? state.followUpAt : at(200);
    const [, actions] = step(LIMITS, state, event, now);
    expect(marked(actions.filter((action) => action.kind === "tell"))).toEqual([...expected]);
  });
});

describe("for any order of events", () => {
  const event = fc.constantFrom<WatchdogEvent>(...Object.values(EVENTS));
  const timed = fc.array(fc.tuple(event, fc.integer({ min: 0, max: 8_000 })), { maxLength: 30 });

  test("a panic is published only on leaving armed, detached or tripped, or while tripping", () => {
    fc.assert(
      fc.property(timed, (events) => {
        let state: WatchdogState = STATES.detached;
        let now = 0;
        for (const [next, waitMs] of events) {
          now += waitMs;
          const before = state;
          const stamped = next.kind === "beat" ? { ...next, arrivedAt: at(now) } : next;
          const [after, actions] = step(LIMITS, before, stamped, at(now));
          if (actions.some(({ kind }) => kind === "publish")) {
            expect(["armed", "detached", "tripped", "tripping"]).toContain(before.kind);
            expect(after.kind).toBe("tripping");
          }
          state = after;
        }
      }),
    );
  });

  test("the worker is called for one attempt once a second at most, and no more once it has said what came of it", () => {
    const redisAway = fc.constantFrom<WatchdogEvent>(
      EVENTS.unconfirmed,
      EVENTS.directLost,
      EVENTS.directHeard,
      EVENTS.directFlat,
      EVENTS.timer,
    );
    const waits = fc.integer({ min: 0, max: 600 });
    fc.assert(
      fc.property(fc.array(fc.tuple(redisAway, waits), { maxLength: 30 }), (events) => {
        let state: WatchdogState = STATES.publishing;
        let now = 0;
        let calledAt = Number.NEGATIVE_INFINITY;
        for (const [event, waitMs] of events) {
          now += waitMs;
          const isOver = state.kind === "tripping" && state.directLine.kind === "ended";
          const [next, actions] = step(LIMITS, state, event, at(now));
          state = next;
          if (!actions.some(({ kind }) => kind === "call_direct")) continue;
          expect(isOver).toBe(false);
          expect(now - calledAt).toBeGreaterThanOrEqual(LIMITS.callRetryMs);
          calledAt = now;
        }
      }),
    );
  });

  test("a drain is asked for after a standstill only, and puts the verdict off by half a second at most", () => {
    fc.assert(
      fc.property(timed, (events) => {
        let state: WatchdogState = STATES.detached;
        let now = 0;
        for (const [next, waitMs] of events) {
          now += waitMs;
          const before = state;
          const stamped = next.kind === "beat" ? { ...next, arrivedAt: at(now) } : next;
          const [after, actions] = step(LIMITS, before, stamped, at(now));
          state = after;
          if (!actions.some(({ kind }) => kind === "drain")) continue;
          expect(deadline(LIMITS, after)).toBe(at(now + LIMITS.drainMs));
          if (next.kind === "stood_still") continue;
          expect(next.kind).toBe("timer");
          expect(now).toBeGreaterThan((deadline(LIMITS, before) ?? at(Number.NaN)) + LIMITS.stallMs);
          expect(step(LIMITS, after, { kind: "timer" }, at(now + LIMITS.drainMs))[0].kind).toBe("tripping");
        }
      }),
    );
  });

  test("a silent brain is never watched past the limit: at its deadline an armed watchdog trips or was reset", () => {
    fc.assert(
      fc.property(timed, (events) => {
        let state: WatchdogState = STATES.detached;
        let now = 0;
        for (const [next, waitMs] of events) {
          now += waitMs;
          const stamped = next.kind === "beat" ? { ...next, arrivedAt: at(now) } : next;
          [state] = step(LIMITS, state, stamped, at(now));
        }
        // Half a second for what had arrived, at most; only then is it judged.
        if (state.kind === "armed" && state.drainBy !== null)
          [state] = step(LIMITS, state, { kind: "timer" }, state.drainBy);
        if (state.kind !== "armed") return;
        const due = deadline(LIMITS, state) ?? at(Number.NaN);
        const [after] = step(LIMITS, state, { kind: "timer" }, at(due + 0.001));
        expect(after.kind).toBe("tripping");
      }),
    );
  });
});

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Outcome } from "../../src/core/messages.ts";
import {
  type Attachment,
  deadline,
  incidentOf,
  type Standing,
  step,
  WATCHDOG_LIMITS,
  type WatchdogEvent,
  type WatchdogState,
} from "../../src/core/watchdog.ts";
import { aBeat, aHalt, at, deedsOf, linesOf } from "../support/core.ts";

const LIMITS = WATCHDOG_LIMITS;

function standing(eventId: string | null, outcomes: Record<string, Outcome> = {}): Standing {
  return { halt: eventId === null ? null : aHalt(eventId), outcomes: new Map(Object.entries(outcomes)) };
}

const STATES = {
  detached: { kind: "detached" },
  waiting: { kind: "waiting" },
  armed: { kind: "armed", lastBeatAt: at(0), incidentId: "incident-1", degradedSince: null },
  degraded: { kind: "armed", lastBeatAt: at(0), incidentId: "incident-1", degradedSince: at(-4_000) },
  publishing: { kind: "tripping", eventId: "incident-1", reason: "R", retryAt: null },
  retrying: { kind: "tripping", eventId: "incident-1", reason: "R", retryAt: at(250) },
  tripped: { kind: "tripped", eventId: "incident-1", haltSeen: false, outcome: null, overdueAt: at(10_000) },
  trippedHalted: { kind: "tripped", eventId: "incident-1", haltSeen: true, outcome: null, overdueAt: at(10_000) },
  halted: { kind: "halted", eventId: "incident-1" },
} as const satisfies Record<string, WatchdogState>;

const EVENTS = {
  attached: { kind: "attached", attachment: { standing: standing(null), lastBeat: null } },
  beat: { kind: "beat", beat: aBeat("ALIVE", "incident-2"), arrivedAt: at(100) },
  degradedBeat: { kind: "beat", beat: aBeat("DEGRADED", "incident-2"), arrivedAt: at(100) },
  lateBeat: { kind: "beat", beat: aBeat("ALIVE", "incident-2"), arrivedAt: at(5_001) },
  malformed: { kind: "malformed_beat", why: "it has no status" },
  free: { kind: "standing", standing: standing(null) },
  freeFlat: { kind: "standing", standing: standing(null, { "incident-1": "FLAT" }) },
  haltedNoReport: { kind: "standing", standing: standing("incident-1") },
  haltedFlat: { kind: "standing", standing: standing("incident-1", { "incident-1": "FLAT" }) },
  haltedNotFlat: { kind: "standing", standing: standing("incident-1", { "incident-1": "NOT_FLAT" }) },
  haltedByOps: { kind: "standing", standing: standing("ops-1") },
  haltedByHand: { kind: "standing", standing: standing("") },
  published: { kind: "published", eventId: "incident-1" },
  publishedOther: { kind: "published", eventId: "incident-9" },
  unconfirmed: { kind: "publish_unconfirmed", eventId: "incident-1", why: "no answer" },
  busLost: { kind: "bus_lost", why: "no answer" },
  busBack: { kind: "bus_back" },
  timer: { kind: "timer" },
} as const satisfies Record<string, WatchdogEvent>;

type StateName = keyof typeof STATES;
type EventName = keyof typeof EVENTS;

/**
 * What every event does in every state, at 200 ms: the next state, and `+publish` where a panic is published.
 * `-` means that nothing changes. Lines are checked elsewhere.
 */
const TABLE: Readonly<Record<EventName, Readonly<Record<StateName, string>>>> = {
  attached: row("waiting", "-", "-", "-", "-", "-", "-", "-", "-"),
  beat: row("-", "armed", "armed", "armed", "-", "-", "-", "-", "-"),
  degradedBeat: row("-", "armed", "armed", "armed", "-", "-", "-", "-", "-"),
  lateBeat: row("-", "armed", "tripping +publish", "tripping +publish", "-", "-", "-", "-", "-"),
  malformed: row("-", "-", "-", "-", "-", "-", "-", "-", "-"),
  free: row("-", "-", "-", "-", "-", "-", "-", "waiting", "waiting"),
  freeFlat: row("-", "-", "-", "-", "-", "-", "waiting", "waiting", "waiting"),
  haltedNoReport: row("-", "tripped", "tripped", "tripped", "-", "-", "tripped", "-", "-"),
  haltedFlat: row("-", "halted", "halted", "halted", "-", "-", "halted", "halted", "-"),
  haltedNotFlat: row("-", "tripped", "tripped", "tripped", "-", "-", "tripped", "tripped", "-"),
  haltedByOps: row("-", "tripped", "tripped", "tripped", "-", "-", "tripped", "tripped", "tripped"),
  haltedByHand: row("-", "-", "-", "-", "-", "-", "-", "-", "-"),
  published: row("-", "-", "-", "-", "tripped", "tripped", "-", "-", "-"),
  publishedOther: row("-", "-", "-", "-", "-", "-", "-", "-", "-"),
  unconfirmed: row("-", "-", "-", "-", "tripping", "tripping", "-", "-", "-"),
  busLost: row("-", "-", "-", "-", "-", "-", "-", "-", "-"),
  busBack: row("-", "-", "-", "-", "-", "-", "-", "-", "-"),
  timer: row("-", "-", "-", "-", "-", "-", "-", "-", "-"),
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
        const publishes = deedsOf(actions).length === 1 ? " +publish" : "";
        expect(Bun.deepEquals(next, state) ? `-${publishes}` : `${next.kind}${publishes}`).toBe(expected);
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
    expect(next).toEqual({ kind: "tripping", eventId: "incident-1", reason, retryAt: null });
    expect(deedsOf(actions)).toEqual([{ kind: "publish", eventId: "incident-1", reason }]);
    expect(linesOf(actions)).toEqual([
      "FAILURE DETECTED: Heartbeat missing (5.1s > 5.0s)",
      "TRIGGERING PANIC CLOSE",
      `Reason: ${reason}`,
    ]);
  });

  test("a heartbeat that comes too late does not undo a broken limit", () => {
    const [next] = step(LIMITS, STATES.armed, EVENTS.lateBeat, at(5_001));
    expect(next).toMatchObject({ kind: "tripping", eventId: "incident-1" });
  });

  test("the deadline is the moment the limit would break", () => {
    expect(deadline(LIMITS, STATES.armed)).toBe(at(5_000));
  });
});

describe("degraded", () => {
  test("a brain degraded for longer than the limit trips although it beats", () => {
    const state: WatchdogState = { ...STATES.degraded, degradedSince: at(-4_950) };
    const [next] = step(LIMITS, state, EVENTS.degradedBeat, at(100));
    expect(next).toMatchObject({ kind: "tripping", reason: "EXIT_BRAIN_DEGRADED_(5.1S_>_5.0S)" });
  });

  test("one ALIVE in between breaks the run", () => {
    const [next, actions] = step(LIMITS, STATES.degraded, EVENTS.beat, at(100));
    expect(next).toMatchObject({ kind: "armed", degradedSince: null });
    expect(linesOf(actions)).toEqual(["The exit brain says ALIVE again"]);
  });

  test("the run counts from its first heartbeat, not from its last", () => {
    const [next] = step(LIMITS, STATES.degraded, EVENTS.degradedBeat, at(100));
    expect(next).toMatchObject({ kind: "armed", degradedSince: at(-4_000) });
    expect(deadline(LIMITS, next)).toBe(at(1_000));
  });

  test("a status nobody knows counts as degraded", () => {
    const [next] = step(LIMITS, STATES.armed, { kind: "beat", beat: aBeat("FINE"), arrivedAt: at(100) }, at(100));
    expect(next).toMatchObject({ degradedSince: at(100) });
  });
});

describe("a publish that is not confirmed", () => {
  test("is tried again after the pause, under the same event id", () => {
    const [waiting] = step(LIMITS, STATES.publishing, EVENTS.unconfirmed, at(1_000));
    expect(deadline(LIMITS, waiting)).toBe(at(1_000 + LIMITS.publishRetryMs));
    const [next, actions] = step(LIMITS, waiting, { kind: "timer" }, at(1_250));
    expect(deedsOf(actions)).toEqual([{ kind: "publish", eventId: "incident-1", reason: "R" }]);
    expect(next).toMatchObject({ kind: "tripping", retryAt: null });
  });

  test("is done only when it is confirmed, and then says so", () => {
    const [next, actions] = step(LIMITS, STATES.retrying, EVENTS.published, at(300));
    expect(next.kind).toBe("tripped");
    expect(linesOf(actions)).toEqual(["Panic close published to system:panic_close", "Event ID: incident-1"]);
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

  test("without a completion in time people are told, again and again", () => {
    const [next, actions] = step(LIMITS, STATES.tripped, { kind: "timer" }, at(10_000));
    expect(linesOf(actions)[0]).toContain("still not proven flat");
    expect(deadline(LIMITS, next)).toBe(at(20_000));
  });

  test("a reset between two looks is seen by the outcome that is left", () => {
    const [next] = step(LIMITS, STATES.tripped, EVENTS.freeFlat, at(200));
    expect(next.kind).toBe("waiting");
  });

  test("asks for the outcome of its own incident", () => {
    expect(incidentOf(STATES.tripped)).toBe("incident-1");
    expect(incidentOf(STATES.armed)).toBeNull();
  });
});

describe("for any order of events", () => {
  const event = fc.constantFrom<WatchdogEvent>(...Object.values(EVENTS));
  const timed = fc.array(fc.tuple(event, fc.integer({ min: 0, max: 8_000 })), { maxLength: 30 });

  test("a panic is published only on leaving armed or detached, or while tripping", () => {
    fc.assert(
      fc.property(timed, (events) => {
        let state: WatchdogState = STATES.detached;
        let now = 0;
        for (const [next, waitMs] of events) {
          now += waitMs;
          const before = state;
          const stamped = next.kind === "beat" ? { ...next, arrivedAt: at(now) } : next;
          const [after, actions] = step(LIMITS, before, stamped, at(now));
          if (deedsOf(actions).length > 0) {
            expect(["armed", "detached", "tripping"]).toContain(before.kind);
            expect(after.kind).toBe("tripping");
          }
          state = after;
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
        if (state.kind !== "armed") return;
        const due = deadline(LIMITS, state) ?? at(Number.NaN);
        const [after] = step(LIMITS, state, { kind: "timer" }, at(due + 0.001));
        expect(after.kind).toBe("tripping");
      }),
    );
  });
});

import { describe, expect, test } from "bun:test";
import {
  ALERT_LIMITS,
  type Alert,
  type AlertEvent,
  type AlertState,
  deadline,
  NO_ALERTS,
  step,
} from "../../src/core/alert.ts";
import { ending, eventOf, heading, refusal } from "../../src/core/eew-words.ts";
import type { Completion } from "../../src/core/messages.ts";
import { type About, critical, info, regarding, type Tell, warn } from "../../src/core/tell.ts";
import { step as watchdog } from "../../src/core/watchdog.ts";
import { WATCHDOG_LIMITS, type WatchdogEvent, type WatchdogState } from "../../src/core/watchdog-state.ts";
import { aBeat, aDelivery, aHalt, at } from "../support/core.ts";

const { gatherMs, repeatMs } = ALERT_LIMITS;

/** Lines as they are logged, each at its own time; what is gathered is taken when it is due, as the log does. */
function told(...lines: readonly (readonly [ms: number, tell: Tell])[]): readonly Alert[] {
  let state: AlertState = NO_ALERTS;
  const alerts: Alert[] = [];
  const take = (event: AlertEvent, ms: number): void => {
    const [next, alert] = step(ALERT_LIMITS, state, event, at(ms));
    state = next;
    if (alert !== null) alerts.push(alert);
  };
  for (const [ms, { level, text, mark, about }] of lines) {
    const due = deadline(ALERT_LIMITS, state);
    if (due !== null && due <= ms) take({ kind: "timer" }, due);
    take({ kind: "line", level, text, mark, about }, ms);
  }
  take({ kind: "end" }, lines.at(-1)?.[0] ?? 0);
  return alerts;
}

const texts = (alerts: readonly Alert[]): readonly string[] => alerts.map(({ text }) => text);

const RULES: readonly (readonly [fact: string, tell: Tell, told: boolean])[] = [
  ["an alarm of an incident", critical("BTCUSDT not closed: -2019", "alarm"), true],
  ["an alarm outside of one", warn("UNPROTECTED: waiting", "alarm"), true],
  ["the incident's good end", critical("PANIC CLOSE COMPLETE - SYSTEM HALTED", "lock"), true],
  ["the incident's bad end", critical("PANIC CLOSE INCOMPLETE - SYSTEM HALTED", "alarm"), true],
  ["a line of an incident", critical("Event ID: event-1"), false],
  ["what went well", critical("Trigger validated (source=ops, age=0.5s)", "done"), false],
  ["a warning", warn("Redis can't be used"), false],
  ["the ordinary course", info("Redis can be used again"), false],
];

describe("people are told", () => {
  test.each(RULES)("%s", (_fact, tell, expected) => {
    expect(texts(told([0, tell]))).toEqual(expected ? [tell.text] : []);
  });

  test("with the level of the gravest line", () => {
    expect(told([0, warn("a", "alarm")])[0]?.level).toBe("warn");
    expect(told([0, warn("a", "alarm")], [1, critical("b", "alarm")])[0]?.level).toBe("critical");
  });
});

/** Lines about an event, all at once. */
function about(event: About, ms: number, ...lines: readonly Tell[]): readonly (readonly [number, Tell])[] {
  return regarding(event, lines).map((line) => [ms, line] as const);
}

/** An event that opens its incident. */
function opening(eventId: string): About {
  return { eventId, incidentId: eventId };
}

const FAILURE = [
  critical("FAILURE DETECTED: Heartbeat missing (5.1s > 5.0s)", "alarm"),
  critical("TRIGGERING PANIC CLOSE", "alarm"),
  critical("Reason: MISSING"),
] as const;

function published(id: string): readonly Tell[] {
  return [critical("Panic close published to system:panic_close", "done"), critical(`Event ID: ${id}`)];
}

/** What the watchdog writes when it trips. */
function tripping(from: number, id: string, ms: number): readonly (readonly [number, Tell])[] {
  return [...about(opening(id), from, ...FAILURE), ...about(opening(id), from + ms, ...published(id))];
}

/** The same of a follow-up: its id comes with the confirmation, `ms` later. */
function followUp(from: number, incidentId: string, id: string, ms: number): readonly (readonly [number, Tell])[] {
  return [
    ...about({ incidentId, number: 2 }, from, ...FAILURE),
    ...about({ eventId: id, incidentId }, from + ms, ...published(id)),
  ];
}

/** What the worker writes of a pass. */
function pass(from: number, id: string, end: Tell, incidentId = id): readonly (readonly [number, Tell])[] {
  const event = { eventId: id, incidentId };
  const heading = [
    critical("PANIC CLOSE EVENT RECEIVED", "alarm"),
    critical(`Event ID: ${id}`),
    critical("Source: watchdog"),
    critical("Reason: MISSING"),
  ];
  return [
    ...about(event, from, ...heading),
    ...about(event, from + 1_000, critical("Closed: 1/1"), end),
    [from + 1_000, info("Listening for panic_close events...")],
  ];
}
const COMPLETE = critical("PANIC CLOSE COMPLETE - SYSTEM HALTED", "lock");
const INCOMPLETE = critical("PANIC CLOSE INCOMPLETE - SYSTEM HALTED", "alarm");

describe("one message", () => {
  test("holds the lines that come together, what explains them, and the event", () => {
    expect(told(...tripping(0, "event-1", 20))).toEqual([
      {
        level: "critical",
        text: "FAILURE DETECTED: Heartbeat missing (5.1s > 5.0s)\nTRIGGERING PANIC CLOSE\nReason: MISSING",
        eventId: "event-1",
        incidentId: "event-1",
      },
    ]);
  });

  test("does not wait for an id that does not come", () => {
    const [alert] = told(...followUp(0, "event-1", "event-2", gatherMs + 1));
    expect(alert).toMatchObject({ eventId: null, incidentId: "event-1" });
    expect(alert?.text).toStartWith("FAILURE DETECTED");
    expect(told(...followUp(0, "event-1", "event-2", gatherMs - 1))[0]?.eventId).toBe("event-2");
  });

  test("never carries the id of the incident before", () => {
    const alerts = told(...tripping(0, "event-1", 20), [100_000, warn("x", "alarm")]);
    expect(alerts.map(({ eventId, incidentId }) => [eventId, incidentId])).toEqual([
      ["event-1", "event-1"],
      [null, null],
    ]);
  });

  test("is about one event only, however soon the next one follows", () => {
    const second = pass(1_001, "event-2", COMPLETE, "event-1");
    const alerts = told(...pass(0, "event-1", INCOMPLETE), ...second);
    expect(alerts.map(({ text, eventId, incidentId }) => [text.split("\n")[0], eventId, incidentId])).toEqual([
      ["PANIC CLOSE EVENT RECEIVED", "event-1", "event-1"],
      ["PANIC CLOSE INCOMPLETE - SYSTEM HALTED", "event-1", "event-1"],
      ["PANIC CLOSE COMPLETE - SYSTEM HALTED", "event-2", "event-1"],
    ]);
  });

  test("takes the event from what a line is about, and never from its words", () => {
    const refusal = critical("Event event-9 not executed: already completed", "alarm");
    expect(told([0, refusal])[0]?.eventId).toBeNull();
    expect(told(...about(opening("event-9"), 0, refusal))[0]?.eventId).toBe("event-9");
  });

  test("after a pass or a reset is about no event", () => {
    const after = [
      [10_000, info("Halt cleared by a person: waiting")],
      [10_001, warn("x", "alarm")],
    ] as const;
    expect(told(...tripping(0, "event-1", 1), ...after).at(-1)?.eventId).toBeNull();
    expect(told(...pass(0, "event-1", COMPLETE), [10_001, warn("x", "alarm")]).at(-1)?.eventId).toBeNull();
  });

  test("has a bound, in lines and in characters, under Telegram's 4096", () => {
    const many = Array.from({ length: 50 }, (_, i) => [0, critical(`${i} ${"x".repeat(500)}`, "alarm")] as const);
    const [alert, ...rest] = told(...many);
    expect(rest).toEqual([]);
    expect(alert?.text.length).toBeLessThan(3_800);
    expect(alert?.text).toEndWith("\nand 30 more lines, see the log");
  });

  test("can't be given a line by what a venue says", () => {
    expect(texts(told([0, critical("not closed: a\r\nPANIC CLOSE COMPLETE", "alarm")]))).toEqual([
      "not closed: a PANIC CLOSE COMPLETE",
    ]);
  });
});

/** The lines of an answer of the real machines, all at once. */
function linesAt(ms: number, actions: readonly { readonly kind: string }[]): readonly (readonly [number, Tell])[] {
  return actions.flatMap((action) => (action.kind === "tell" ? [[ms, action as Tell] as const] : []));
}

describe("the words are those that are really said", () => {
  test("by the worker, of a follow-up", () => {
    const delivery = aDelivery({ eventId: "event-2", followsUp: { incidentId: "event-1", number: 2 } });
    const completion = { outcome: "NOT_FLAT" } as Completion;
    const event = eventOf(delivery);
    const alerts = told(...about(event, 0, ...heading(delivery)), ...about(event, 1_000, ...ending(completion)));
    expect(alerts.map(({ eventId, incidentId }) => [eventId, incidentId])).toEqual([
      ["event-2", "event-1"],
      ["event-2", "event-1"],
    ]);
    expect(alerts[0]?.text).toBe(
      "PANIC CLOSE EVENT RECEIVED\nSource: watchdog\nReason: EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)\n" +
        "Attempt: 2 of incident event-1",
    );
    expect(told(...about(event, 0, refusal(delivery, "it was completed", 1)))[0]?.eventId).toBe("event-2");
  });

  test("by the watchdog, from the first event over a follow-up to the reset", () => {
    const lines: (readonly [number, Tell])[] = [];
    let state = { kind: "detached" } as WatchdogState;
    const feed = (ms: number, event: WatchdogEvent): void => {
      const [next, actions] = watchdog(WATCHDOG_LIMITS, state, event, at(ms));
      state = next;
      lines.push(...linesAt(ms, actions));
    };
    const standing = { halt: null, haltedBy: null, absenceId: "absence-1", outcomes: new Map(), lostEvent: null };
    const halted = {
      halt: aHalt("incident-1"),
      haltedBy: { incidentId: "incident-1", number: 1 },
      absenceId: "absence-1",
      lostEvent: null,
      outcomes: new Map([["incident-1", "NOT_FLAT"]] as const),
    };
    feed(0, { kind: "attached", attachment: { standing, lastBeat: null } });
    feed(1_000, { kind: "beat", beat: aBeat(), arrivedAt: at(1_000) });
    feed(6_001, { kind: "timer" });
    feed(6_010, { kind: "published", attempt: { incidentId: "incident-1", number: 1 }, eventId: "incident-1" });
    feed(8_000, { kind: "standing", standing: halted });
    feed(9_000, { kind: "timer" });
    feed(9_010, { kind: "published", attempt: { incidentId: "incident-1", number: 2 }, eventId: "event-2" });
    feed(20_000, { kind: "standing", standing: { ...standing, outcomes: new Map([["event-2", "FLAT"]] as const) } });
    expect(state.kind).toBe("waiting");
    const alerts = told(...lines, [30_000, critical("later", "alarm")]);
    expect(alerts.map(({ text, eventId, incidentId }) => [text.split("\n")[0], eventId, incidentId])).toEqual([
      [expect.stringMatching(/^UNPROTECTED: /), null, null],
      ["FAILURE DETECTED: Heartbeat missing (5.1s > 5.0s)", "incident-1", "incident-1"],
      [expect.stringMatching(/^Event incident-1 ended NOT_FLAT/), "incident-1", "incident-1"],
      ["FAILURE DETECTED: Panic close incomplete (NOT_FLAT)", "event-2", "incident-1"],
      ["later", null, null],
    ] as never);
  });
});

describe("the same line", () => {
  const alarm = critical("BTCUSDT not closed: -2019", "alarm");

  test("is told once a minute", () => {
    expect(texts(told([0, alarm], [1, alarm]))).toHaveLength(1);
    expect(texts(told([0, alarm], [1_000, alarm], [repeatMs - 1, alarm]))).toHaveLength(1);
    expect(texts(told([0, alarm], [repeatMs + gatherMs, alarm]))).toHaveLength(2);
  });

  test("is told again in another incident", () => {
    const alerts = told(...pass(0, "event-1", COMPLETE), ...pass(2_000, "event-2", COMPLETE));
    expect(alerts.map(({ eventId }) => eventId)).toEqual(["event-1", "event-1", "event-2", "event-2"]);
  });

  test("is not told again by the next attempt of the same incident", () => {
    const alerts = told(...pass(0, "event-1", INCOMPLETE), ...pass(2_000, "event-2", INCOMPLETE, "event-1"));
    expect(alerts).toHaveLength(2);
  });
});

describe("what a message is about", () => {
  const [e2, attempt] = [
    { eventId: "e2", incidentId: "e1" },
    { incidentId: "e1", number: 2 },
  ] as const;
  const alarm = critical("x", "alarm");
  const from = (event: About): Tell => ({ ...alarm, about: event });
  const detail = (event: About): Tell => ({ ...critical("a detail"), about: event });
  /** The ids of each message, of lines that all come at once. */
  const rows: readonly (readonly [fact: string, lines: readonly Tell[], ids: readonly (readonly unknown[])[]])[] = [
    ["its event, and what that follows up", [from(e2)], [["e2", "e1"]]],
    ["an attempt that is not published: its incident", [from(attempt)], [[null, "e1"]]],
    ["an attempt, until a line knows its event", [from(attempt), detail(e2)], [["e2", "e1"]]],
    ["an event, also for an attempt behind it", [from(e2), from(attempt)], [["e2", "e1"]]],
    ["nothing", [alarm, alarm], [[null, null]]],
    ["what one of its lines is about", [alarm, from(e2), alarm], [["e2", "e1"]]],
    ["not what came before it", [detail(e2), alarm], [[null, null]]],
    [
      "one event: another one is another message",
      [from(e2), from({ eventId: "e3", incidentId: "e1" })],
      [
        ["e2", "e1"],
        ["e3", "e1"],
      ],
    ],
    [
      "one incident",
      [from(attempt), from(opening("e4"))],
      [
        [null, "e1"],
        ["e4", "e4"],
      ],
    ],
    [
      "also where only a detail is about another one",
      [from(e2), detail(opening("e4")), alarm],
      [
        ["e2", "e1"],
        [null, null],
      ],
    ],
  ];
  test.each(rows)("%s", (_fact, lines, ids) => {
    // The texts differ: the same line is told once.
    const alerts = told(...lines.map((line, i) => [0, { ...line, text: `${line.text} ${i}` }] as const));
    expect(alerts.map(({ eventId, incidentId }) => [eventId, incidentId])).toEqual(
      ids.map((pair) => [...pair]) as never,
    );
  });
});

describe("what is told of a line", () => {
  const alarm = critical("x", "alarm");
  const line = (text: string): AlertEvent => ({ kind: "line", level: "warn", text, mark: "alarm", about: undefined });

  test("an explanation counts at the beginning of a line, and never without an alarm before it", () => {
    const lines = [
      critical("Source: early"),
      alarm,
      critical("Source: a"),
      critical("Reason: b"),
      critical("No Source: c"),
    ];
    expect(texts(told(...lines.map((line) => [0, line] as const)))).toEqual(["x\nSource: a\nReason: b"]);
  });

  test("what is only for those who debug is not told, marked or not", () => {
    const event: AlertEvent = { kind: "line", level: "debug", text: "x", mark: "alarm", about: undefined };
    expect(step(ALERT_LIMITS, NO_ALERTS, event, at(0))).toEqual([NO_ALERTS, null]);
  });

  test("a timer that comes early takes nothing, and one without an alarm neither", () => {
    const [gathering] = step(ALERT_LIMITS, NO_ALERTS, line("x"), at(0));
    expect(step(ALERT_LIMITS, gathering, { kind: "timer" }, at(gatherMs - 1))).toEqual([gathering, null]);
    expect(step(ALERT_LIMITS, gathering, { kind: "timer" }, at(gatherMs))[1]?.text).toBe("x");
    expect(step(ALERT_LIMITS, NO_ALERTS, { kind: "timer" }, at(gatherMs))).toEqual([NO_ALERTS, null]);
  });

  test("a line of the greatest length is whole, a longer one ends with a sign that it does not", () => {
    const most = "x".repeat(ALERT_LIMITS.lineCharsMax);
    expect(texts(told([0, critical(most, "alarm")]))).toEqual([most]);
    expect(texts(told([0, critical(`${most}x`, "alarm")]))).toEqual([`${most.slice(1)}…`]);
  });

  test("as many lines as a message may have are all there", () => {
    const many = Array.from({ length: ALERT_LIMITS.linesMax }, (_, i) => [0, critical(`${i}`, "alarm")] as const);
    expect(texts(told(...many))[0]?.split("\n")).toEqual(many.map(([, { text }]) => text));
  });

  test("a thousand told lines are remembered, and the oldest is forgotten", () => {
    let state: AlertState = NO_ALERTS;
    for (let i = 0; i <= 1_001; i++) {
      [state] = step(ALERT_LIMITS, state, line(`${i}`), at(0));
      [state] = step(ALERT_LIMITS, state, { kind: "end" }, at(0));
    }
    expect(state.told.size).toBe(1_001);
    expect([...state.told.keys()].slice(0, 1)).toEqual([" 1"]);
  });
});

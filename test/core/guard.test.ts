/** The guard's decisions, on virtual time: a small world answers each action, and a test says what is other than usual. */

import { beforeEach, describe, expect, test } from "bun:test";
import { deadline, start, step } from "../../src/core/guard.ts";
import {
  GUARD_LIMITS,
  type GuardAction,
  type GuardEvent,
  type GuardLimits,
  type GuardState,
} from "../../src/core/guard-state.ts";
import type { Halt } from "../../src/core/messages.ts";
import type { Position } from "../../src/core/position.ts";
import { known, type Reading, unknown } from "../../src/core/reading.ts";
import { guardLine } from "../../src/core/status-line.ts";
import type { Instant } from "../../src/core/time.ts";
import { aHalt, aPosition, at } from "./../support/core.ts";

/** What happens beside the guard. Each is what it answers to an action, or null: no answer. */
interface Scene {
  halt: Reading<Halt | null> | null;
  positions: Reading<readonly Position[]> | null;
  failures: readonly string[] | null;
  beats: "confirmed" | "lost";
  publish: "confirmed" | "lost";
}

let scene: Scene;
let limits: GuardLimits;
let now: Instant;
let state: GuardState;
/** Everything that was asked for, with when. */
let done: (readonly [at: Instant, action: GuardAction])[];

beforeEach(() => {
  scene = {
    halt: known(null),
    positions: known([aPosition("BTCUSDT", "0.5")]),
    failures: [],
    beats: "confirmed",
    publish: "confirmed",
  };
  // A quarter of a second between two looks at the halt keeps the times in the rows round.
  limits = { ...GUARD_LIMITS, haltLookMs: 250 };
  now = at(0);
  state = start(now);
  done = [];
});

function feed(event: GuardEvent): void {
  const [next, actions] = step(limits, state, event, now);
  state = next;
  for (const action of actions) {
    done.push([now, action]);
    const answer = answerTo(action);
    if (answer !== null) feed(answer);
  }
}

function answerTo(action: GuardAction): GuardEvent | null {
  switch (action.kind) {
    case "read_halt":
      return scene.halt === null ? null : { kind: "halt_read", halt: scene.halt };
    case "start_bot":
      return { kind: "started" };
    case "look":
      return scene.positions === null ? null : { kind: "looked", positions: scene.positions };
    case "probe":
      return scene.failures === null ? null : { kind: "probed", failures: scene.failures };
    case "beat":
      return scene.beats === "confirmed"
        ? { kind: "beat_confirmed", sentAt: now }
        : { kind: "beat_lost", why: "no answer" };
    case "name_incident":
      return { kind: "named", incidentId: "incident-1" };
    case "raise":
      return scene.publish === "confirmed" ? { kind: "raised" } : { kind: "not_raised", why: "no answer" };
    case "end_bot":
    case "call_direct":
    case "end":
    case "tell":
      return null;
  }
}

/** Lets time pass; the guard gets its timers when they are due. */
function pass(ms: number): void {
  const until = at(now + ms);
  for (let turns = 0; ; turns++) {
    const due = deadline(limits, state);
    if (due === null || due > until) break;
    if (turns > 10_000) throw new Error("the guard does not come to rest");
    now = due > now ? due : now;
    feed({ kind: "timer" });
  }
  now = until;
}

const of = <K extends GuardAction["kind"]>(kind: K): readonly Extract<GuardAction, { kind: K }>[] =>
  done.flatMap(([, action]) => (action.kind === kind ? [action as Extract<GuardAction, { kind: K }>] : []));
const times = (kind: GuardAction["kind"]): readonly number[] =>
  done.flatMap(([when, action]) => (action.kind === kind ? [when] : []));
const statuses = (): readonly string[] => of("beat").map(({ status }) => status);
const lines = (): readonly string[] => of("tell").map(({ text }) => text);
const HALTED = known(aHalt());

/** The bot runs, and was seen to be well for a while. */
function guarding(): void {
  pass(5_500);
  expect(state.kind).toBe("guarding");
  done = [];
}

describe("before the bot is started", () => {
  test("no halt must have been seen for two seconds without a break", () => {
    pass(1_999);
    expect(times("start_bot")).toEqual([]);
    pass(1);
    expect(times("start_bot")).toEqual([2_000]);
  });

  test("a halt that comes and goes begins the two seconds anew: one that was lost is put back within one", () => {
    pass(1_500);
    scene.halt = HALTED;
    pass(250);
    scene.halt = known(null);
    pass(2_000);
    expect(times("start_bot")).toEqual([]);
    pass(250);
    expect(times("start_bot")).toEqual([4_000]);
  });

  test("a reading that fails is no sight of no halt, and is told once", () => {
    scene.halt = unknown("Redis is gone");
    pass(10_000);
    expect(times("start_bot")).toEqual([]);
    expect(lines()).toEqual(["The bot is not started, because whether trading is halted can't be read: Redis is gone"]);
  });

  test("trading is halted: it waits for as long as that lasts, beats not once, and says what to type", () => {
    scene.halt = HALTED;
    pass(100_000);
    expect(times("start_bot")).toEqual([]);
    expect(times("beat")).toEqual([]);
    expect(lines()).toEqual([
      expect.stringMatching(/^Trading is halted: EXIT_BRAIN_.*\. The bot is not started\..*quantum reset/),
    ]);
    expect(guardLine(state)).toStartWith("halted: the bot is not started until a person resets");
    scene.halt = known(null);
    pass(2_500);
    expect(state.kind).toBe("guarding");
    expect(lines()).toContain("Trading is allowed: starting the bot");
  });

  test("a person who stops it then gets exit code 0, and no bot", () => {
    pass(500);
    feed({ kind: "asked", signal: "SIGTERM" });
    expect(of("end")).toEqual([{ kind: "end", code: 0 }]);
    pass(10_000);
    expect(times("start_bot")).toEqual([]);
  });

  test("a bot that can't be started is told, and the guard's end", () => {
    limits = { ...limits, clearMs: 1_000_000 };
    pass(100);
    state = { ...state, kind: "starting", asked: null } as GuardState;
    feed({ kind: "not_started", why: "no such file" });
    expect(of("end")).toEqual([{ kind: "end", code: 1 }]);
    expect(lines().at(-1)).toBe("The bot could not be started: no such file");
  });
});

describe("while the bot runs", () => {
  test("a heartbeat each second says that all is well, and how much is open", () => {
    pass(6_500);
    expect(times("beat")).toEqual([2_000, 3_000, 4_000, 5_000, 6_000]);
    expect(of("beat")[0]).toMatchObject({ status: "ALIVE", activePositions: 1, mode: "live" });
    expect(lines()).toEqual(["The bot is guarded from here on", "Open: BTCUSDT 0.5"]);
    scene.positions = known([]);
    pass(1_000);
    expect(of("beat").at(-1)).toMatchObject({ activePositions: 0 });
    expect(lines().at(-1)).toBe("No open positions");
    expect(guardLine(state)).toBe("guarding the bot, 0 positions");
  });

  test.each([
    ["can't be read", { positions: unknown("HTTP 503") }, ["DEGRADED", "DEGRADED", "DEGRADED"]],
    ["does not answer: from the second second on", { positions: null }, ["DEGRADED"]],
    ["is read, and a probe fails", { failures: ["HTTP 503"] }, []],
    ["is read, and a probe does not answer", { failures: null }, []],
    ["can't be read, and a probe fails", { failures: ["HTTP 503"], positions: unknown("HTTP 503") }, []],
    ["does not answer, and a probe fails", { failures: ["HTTP 503"], positions: null }, []],
  ] as const)("the venue %s", (_what, changes, beats) => {
    guarding();
    Object.assign(scene, changes);
    pass(2_500);
    expect(statuses()).toEqual([...beats]);
  });

  test("a venue that answers too late is DEGRADED, and one that answers in time is told to be well again", () => {
    guarding();
    scene.positions = null;
    pass(500);
    now = at(now + 2_100);
    feed({ kind: "looked", positions: known([]) });
    expect(statuses()).toEqual(["DEGRADED"]);
    scene.positions = known([]);
    pass(1_000);
    expect(statuses().at(-1)).toBe("ALIVE");
    expect(lines()).toContain("All is well with the bot again");
  });

  test("cycles keep to their grid, and missed ones are not made up", () => {
    guarding();
    scene.positions = null;
    pass(500);
    now = at(now + 1_700);
    feed({ kind: "looked", positions: known([]) });
    scene.positions = known([]);
    pass(2_000);
    expect(times("look")).toEqual([6_000, 8_000, 9_000]);
  });

  test("a trouble is told when it begins, and not for as long as it lasts", () => {
    guarding();
    scene.failures = ["HTTP 503"];
    pass(2_000);
    expect(lines()).toEqual(["No heartbeat, since a probe does not pass: HTTP 503"]);
    expect(guardLine(state)).toBe("silent, since a probe does not pass: HTTP 503");
    scene.failures = [];
    scene.positions = unknown("gone");
    pass(2_000);
    expect(lines().slice(1)).toEqual(["DEGRADED: positions can't be read: gone"]);
    expect(guardLine(state)).toBe("DEGRADED: positions can't be read: gone, 1 position at last");
  });

  test("a probe that fails for two seconds and passes again stops nothing", () => {
    guarding();
    scene.failures = ["HTTP 503"];
    pass(2_000);
    expect(times("beat")).toEqual([]);
    scene.failures = [];
    pass(10_000);
    expect(times("end_bot")).toEqual([]);
  });
});

describe("the fence: the bot is stopped a second before it is given up for dead", () => {
  // The last heartbeat was sent at 5000 ms, and the last reading of no halt asked for at 5500 ms.
  test.each([
    ["a probe fails", { failures: ["HTTP 503"] }, 9_000, /no heartbeat .* for 4\.0s: HTTP 503; /],
    ["a probe does not answer", { failures: null }, 9_000, /no heartbeat/],
    ["no heartbeat is confirmed", { beats: "lost" }, 9_000, /no heartbeat for it was confirmed for 4\.0s; /],
    ["the halt can't be read", { halt: unknown("gone") }, 9_500, /halted could not be read for 4\.0s: gone; /],
    ["the halt is not answered", { halt: null }, 9_500, /halted could not be read/],
  ] as const)("where %s", (_what, changes, stopsAt, words) => {
    guarding();
    Object.assign(scene, changes);
    pass(3_400);
    expect(times("end_bot")).toEqual([]);
    pass(1_000);
    expect(times("end_bot")).toEqual([stopsAt]);
    expect(of("end_bot")).toEqual([{ kind: "end_bot", signal: "SIGTERM", killAfterMs: 1_000 }]);
    expect(lines().find((line) => line.startsWith("Stopping the bot, because"))).toMatch(words);
    expect(times("beat").filter((when) => when > stopsAt)).toEqual([]);
  });

  test("a patience that is shorter than the last second is kept to", () => {
    limits = { ...limits, killAfterMs: 100 };
    guarding();
    scene.failures = ["HTTP 503"];
    pass(5_000);
    expect(of("end_bot")).toMatchObject([{ killAfterMs: 100 }]);
  });

  test("a confirmation counts from when its heartbeat was sent, also where they overtake each other", () => {
    guarding();
    scene.beats = "lost";
    pass(3_000);
    feed({ kind: "beat_confirmed", sentAt: at(7_000) });
    feed({ kind: "beat_confirmed", sentAt: at(6_000) });
    pass(2_400);
    expect(times("end_bot")).toEqual([]);
    pass(200);
    expect(times("end_bot")).toEqual([11_000]);
  });

  test("a guard that stood still for longer stops the bot when it wakes, whatever it reads then", () => {
    guarding();
    now = at(now + 8_000);
    feed({ kind: "beat_confirmed", sentAt: at(5_000) });
    expect(of("end_bot")).toHaveLength(1);
  });

  test("DEGRADED heartbeats keep it open: the watchdog judges those, and the halt stops the bot", () => {
    guarding();
    scene.positions = unknown("gone");
    pass(20_000);
    expect(times("end_bot")).toEqual([]);
  });
});

describe("a bot that takes its time to start", () => {
  test("is not beaten for until its probes have passed, and has a minute", () => {
    scene.failures = ["connection refused"];
    pass(30_000);
    expect(times("beat")).toEqual([]);
    expect(lines()).toEqual(["Waiting for the probes to pass for the first time: connection refused"]);
    expect(guardLine(state)).toStartWith("UNPROTECTED: the bot runs, and has not passed its probes yet: connection");
    scene.failures = [];
    pass(1_000);
    expect(statuses()).toEqual(["ALIVE"]);
    expect(lines()[1]).toBe("The bot is guarded from here on");
  });

  test("and that has not passed them by then is stopped", () => {
    scene.failures = ["connection refused"];
    pass(61_999);
    expect(times("end_bot")).toEqual([]);
    pass(1);
    expect(times("end_bot")).toEqual([62_000]);
    expect(lines().at(-1)).toMatch(/it did not pass its probes within 60\.0s of its start: connection refused/);
  });
});

/** The end of the bot's own process, and then of everything that it has started. */
const exits = (code: number | null, signal: string | null = null): void =>
  feed({ kind: "exited", end: { code, signal } });
const goes = (left: readonly number[] = []): void => feed({ kind: "gone", left });

describe("the bot's death", () => {
  test.each([
    [0, null, "exit code 0"],
    [1, null, "exit code 1"],
    [null, "SIGSEGV", "killed by SIGSEGV"],
    [null, null, "killed by an unknown signal"],
  ] as const)("with code %p, signal %p ends its heartbeats, and what it has left running", (code, signal, words) => {
    guarding();
    exits(code, signal);
    goes();
    pass(10_000);
    expect(times("beat")).toEqual([]);
    expect(times("start_bot")).toEqual([]);
    expect(of("end_bot")).toEqual([{ kind: "end_bot", signal: "SIGTERM", killAfterMs: 2_000 }]);
    expect(lines()[0]).toStartWith(`The bot has ended by itself, ${words}: silent from here on`);
    expect(times("raise")).toEqual([]);
  });

  test("the guard stays until trading is halted, so that no restart of it can hide the death", () => {
    guarding();
    exits(1);
    goes();
    pass(5_000);
    expect(of("end")).toEqual([]);
    expect(guardLine(state)).toBe("the bot has ended: silent, waiting for the halt");
    scene.halt = HALTED;
    pass(250);
    expect(of("end")).toEqual([{ kind: "end", code: 1 }]);
    expect(lines().at(-1)).toStartWith("The bot is not started again by itself: quantum reset");
    pass(60_000);
    expect(times("start_bot")).toEqual([]);
  });

  test("fifteen seconds at most, and then says that nobody has acted", () => {
    guarding();
    exits(1);
    goes();
    pass(14_999);
    expect(of("end")).toEqual([]);
    pass(1);
    expect(of("end")).toEqual([{ kind: "end", code: 1 }]);
    expect(lines().at(-2)).toStartWith("Trading is not halted, or that can't be read: look at the account");
  });

  test("not before everything is gone, and what can't be ended is named", () => {
    guarding();
    exits(1);
    scene.halt = HALTED;
    pass(20_000);
    expect(of("end")).toEqual([]);
    goes([4711, 4712]);
    expect(of("end")).toHaveLength(1);
    expect(lines()).toContain(
      "What the bot has started can't be ended: process 4711, 4712. It may trade, end it by hand",
    );
  });

  test("a person who stops the guard meanwhile waits for nothing but the bot", () => {
    guarding();
    exits(1);
    feed({ kind: "asked", signal: "SIGTERM" });
    expect(of("end")).toEqual([]);
    goes();
    expect(of("end")).toEqual([{ kind: "end", code: 1 }]);
  });
});

describe("a halt", () => {
  test("is looked for twenty times a second, and four times where it can't be read", () => {
    limits = GUARD_LIMITS;
    pass(1_025);
    expect(times("read_halt")).toHaveLength(21);
    scene.halt = unknown("gone");
    done = [];
    pass(1_025);
    expect(times("read_halt")).toHaveLength(5);
  });

  test("stops the bot with the next look, and ends the guard once it is gone", () => {
    guarding();
    scene.halt = HALTED;
    pass(250);
    expect(of("end_bot")).toEqual([{ kind: "end_bot", signal: "SIGTERM", killAfterMs: 2_000 }]);
    expect(of("end")).toEqual([]);
    exits(null, "SIGTERM");
    goes();
    expect(of("end")).toEqual([{ kind: "end", code: 1 }]);
    expect(lines()[0]).toMatch(/^Trading is halted: EXIT_BRAIN_.*\. Stopping the bot$/);
  });

  test("that is reset while the bot ends starts nothing again", () => {
    guarding();
    scene.halt = HALTED;
    pass(250);
    scene.halt = known(null);
    pass(1_000);
    goes();
    expect(of("end")).toEqual([{ kind: "end", code: 1 }]);
    expect(times("start_bot")).toEqual([]);
  });

  test("raises no panic, also where the bot's end is proof: there is one", () => {
    limits = { ...limits, tripOnExit: true };
    guarding();
    scene.halt = HALTED;
    pass(250);
    exits(null, "SIGTERM");
    goes();
    expect(times("name_incident")).toEqual([]);
  });

  test("that comes while the bot is being started stops it again", () => {
    pass(1_999);
    state = { ...state, kind: "starting", asked: null, halt: { kind: "halted", reason: "R" } } as GuardState;
    feed({ kind: "started" });
    expect(of("end_bot")).toHaveLength(1);
  });
});

describe("a person who stops the guard", () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "by %s: the bot gets it, no heartbeat comes any more, exit code 0",
    (signal) => {
      limits = { ...limits, tripOnExit: true };
      guarding();
      feed({ kind: "asked", signal });
      expect(of("end_bot")).toEqual([{ kind: "end_bot", signal, killAfterMs: 2_000 }]);
      pass(1_500);
      exits(0);
      goes();
      expect(times("beat")).toEqual([]);
      expect(times("raise")).toEqual([]);
      expect(of("end")).toEqual([{ kind: "end", code: 0 }]);
    },
  );

  test("while the bot is being started has it ended", () => {
    pass(1_000);
    state = { ...state, kind: "starting", asked: null } as GuardState;
    feed({ kind: "asked", signal: "SIGINT" });
    feed({ kind: "started" });
    expect(of("end_bot")).toMatchObject([{ signal: "SIGINT" }]);
  });
});

describe("where the bot's end is proof", () => {
  beforeEach(() => {
    limits = { ...limits, tripOnExit: true };
    guarding();
  });

  test("the panic is asked for before anything else is done", () => {
    exits(1);
    expect(done.map(([, { kind }]) => kind).slice(0, 2)).toEqual(["name_incident", "raise"]);
    expect(of("raise")).toEqual([
      { kind: "raise", incidentId: "incident-1", reason: "EXIT_BRAIN_BOT_EXITED_(CODE_1)" },
    ]);
    expect(lines()).toContain("Panic close published to system:panic_close");
    expect(of("tell").find(({ text }) => text === "Event ID: incident-1")).toMatchObject({
      level: "critical",
      about: { eventId: "incident-1", incidentId: "incident-1" },
    });
  });

  test("a panic that is not confirmed is published again, and the worker called meanwhile, one call at a time", () => {
    scene.publish = "lost";
    exits(null, "SIGKILL");
    goes();
    pass(1_000);
    expect(times("raise")).toEqual([5_500, 5_750, 6_000, 6_250, 6_500]);
    expect(of("call_direct")).toHaveLength(1);
    feed({ kind: "called", answer: unknown("connection refused") });
    pass(250);
    expect(of("call_direct")).toHaveLength(2);
    feed({ kind: "called", answer: known(null) });
    scene.halt = HALTED;
    pass(1_000);
    expect(of("call_direct")).toHaveLength(2);
    // The halt alone is not enough: the panic is not on record.
    expect(of("end")).toEqual([]);
    scene.publish = "confirmed";
    pass(250);
    expect(of("end")).toEqual([{ kind: "end", code: 1 }]);
  });

  test("and is given up with the guard: the watchdog publishes the same one", () => {
    scene.publish = "lost";
    exits(1);
    goes();
    pass(15_000);
    expect(of("end")).toHaveLength(1);
  });

  test("a bot that its guard has stopped is dead as well, once it is gone", () => {
    scene.failures = ["HTTP 503"];
    pass(4_000);
    expect(times("end_bot")).toEqual([9_000]);
    expect(times("raise")).toEqual([]);
    exits(null, "SIGTERM");
    expect(times("raise")).toEqual([]);
    goes();
    expect(of("raise")).toMatchObject([{ reason: "EXIT_BRAIN_BOT_STOPPED_(PROBE_FAILED)" }]);
  });

  test.each([
    ["HEARTBEAT_NOT_CONFIRMED", { beats: "lost" }],
    ["HALT_UNREADABLE", { halt: unknown("gone") }],
  ] as const)("its reason says why: %s", (reason, changes) => {
    Object.assign(scene, changes);
    pass(4_500);
    goes();
    expect(of("raise")).toMatchObject([{ reason: `EXIT_BRAIN_BOT_STOPPED_(${reason})` }]);
  });
});

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  ACCOUNT_STREAM_LIMITS,
  closedStream,
  deadline,
  lateness,
  MARK_STREAM_LIMITS,
  type StreamAction,
  type StreamHealthEvent,
  type StreamLimits,
  type StreamState,
  step,
} from "../../src/core/stream-health.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { at } from "../support/core.ts";

const MARKS: StreamLimits = { ...MARK_STREAM_LIMITS, quietMs: 4_000, openMs: 5_000, pausesMs: [250, 1_000, 2_000] };
const ACCOUNT: StreamLimits = { ...ACCOUNT_STREAM_LIMITS, quietMs: 7_000, pingMs: 3_000, openMs: 5_000 };

const pausing = (openAt: number, changes: Partial<StreamState> = {}): StreamState =>
  ({ kind: "pausing", openAt: at(openAt), attempt: 1, failures: 0, told: "nothing", ...changes }) as StreamState;
const opening = (changes: Partial<StreamState> = {}): StreamState =>
  ({ kind: "opening", giveUpAt: at(5_000), attempt: 1, failures: 0, told: "nothing", ...changes }) as StreamState;
const open = (changes: Partial<Extract<StreamState, { kind: "open" }>> = {}): StreamState => ({
  kind: "open",
  openedAt: at(0),
  heardAt: at(1_000),
  pingAt: null,
  renewAt: null,
  flows: true,
  attempt: 1,
  failures: 0,
  told: "flowing",
  ...changes,
});
const STOPPED: StreamState = { kind: "stopped", attempt: 1, failures: 0, told: "flowing" };

const TIMER: StreamHealthEvent = { kind: "timer" };
const STOP: StreamHealthEvent = { kind: "stop" };
const said = (kind: "opened" | "heard" | "renewed" | "renewal_failed", attempt = 1): StreamHealthEvent => ({
  kind,
  attempt,
});
const lost = (attempt = 1): StreamHealthEvent => ({ kind: "lost", attempt, why: "it broke" });

/** What is done, in a word each. */
function words(actions: readonly StreamAction[]): string {
  return actions
    .map((action) => {
      if (action.kind === "open") return `open ${action.attempt}`;
      return action.kind === "tell_quiet" ? `quiet: ${action.why}` : action.kind;
    })
    .join(", ");
}

type Row = readonly [
  fact: string,
  limits: StreamLimits,
  before: StreamState,
  event: StreamHealthEvent,
  now: number,
  after: string,
  done: string,
];

const ROWS: readonly Row[] = [
  ["a new stream is opened at once", MARKS, closedStream(at(0)), TIMER, 0, "opening until 5000", "open 1"],
  ["a pause lasts", MARKS, pausing(250), TIMER, 249, "pausing until 250", ""],
  ["and ends in the next attempt", MARKS, pausing(250), TIMER, 250, "opening until 5250", "open 2"],
  ["in a pause nothing else moves it", MARKS, pausing(250), lost(), 100, "pausing until 250", ""],

  ["that it opened proves nothing", MARKS, opening(), said("opened"), 90, "open", ""],
  ["where nothing comes unasked, it is asked for", ACCOUNT, opening(), said("opened"), 90, "open", "ping"],
  ["an attempt may take its time", MARKS, opening(), TIMER, 4_999, "opening until 5000", ""],
  ["and no more", MARKS, opening(), TIMER, 5_000, "pausing until 5250", "cut, quiet: it did not open within 5000 ms"],
  [
    "one that opens after that is cut all the same",
    MARKS,
    opening(),
    said("opened"),
    9_000,
    "pausing until 9250",
    "cut, quiet: it did not open within 5000 ms",
  ],
  ["an attempt that fails is told", MARKS, opening(), lost(), 10, "pausing until 260", "cut, quiet: it broke"],
  ["the next one is not", MARKS, opening({ failures: 1, told: "quiet" }), lost(), 10, "pausing until 1010", "cut"],
  ["pauses grow to the last", MARKS, opening({ failures: 9, told: "quiet" }), lost(), 10, "pausing until 2010", "cut"],
  ["what a former attempt says is not heard", MARKS, opening({ attempt: 3 }), lost(2), 10, "opening until 5000", ""],
  ["nor that it opened", MARKS, opening({ attempt: 3 }), said("opened", 2), 10, "opening until 5000", ""],
  ["a timer of before does not move an attempt", MARKS, opening(), TIMER, 10, "opening until 5000", ""],

  [
    "the first message proves it",
    MARKS,
    open({ flows: false, told: "quiet" }),
    said("heard"),
    1_500,
    "flowing",
    "tell_flowing",
  ],
  ["the second says nothing new", MARKS, open(), said("heard"), 1_500, "flowing", ""],
  ["a short silence is none", MARKS, open(), TIMER, 4_999, "flowing", ""],
  ["a long one is", MARKS, open(), TIMER, 5_000, "pausing until 5250", "cut, quiet: nothing was heard on it for 4.0 s"],
  [
    "what was buffered while this process stood still is not heard",
    MARKS,
    open(),
    said("heard"),
    13_000,
    "pausing until 13250",
    "cut, quiet: nothing was heard on it for 12.0 s",
  ],
  [
    "a stream that opened and said nothing",
    MARKS,
    open({ flows: false, told: "quiet" }),
    TIMER,
    5_000,
    "pausing until 5250",
    "cut",
  ],
  ["a drop is told", MARKS, open(), lost(), 1_500, "pausing until 1750", "cut, quiet: it broke"],
  [
    "one that was opened again soon goes on in the row",
    MARKS,
    open({ failures: 1 }),
    lost(),
    1_500,
    "pausing until 2500",
    "cut, quiet: it broke",
  ],
  [
    "one that flowed for long begins it anew",
    MARKS,
    open({ failures: 2, heardAt: at(59_500) }),
    lost(),
    60_000,
    "pausing until 60250",
    "cut, quiet: it broke",
  ],
  ["a drop of a former attempt is none", MARKS, open({ attempt: 2 }), lost(1), 1_500, "flowing", ""],

  ["a pong is asked for", ACCOUNT, open({ pingAt: at(3_000) }), TIMER, 3_000, "flowing", "ping"],
  ["a key is renewed", ACCOUNT, open({ renewAt: at(2_000) }), TIMER, 2_000, "flowing", "renew"],
  ["both at once", ACCOUNT, open({ pingAt: at(2_000), renewAt: at(2_000) }), TIMER, 2_000, "flowing", "ping, renew"],
  ["neither before its time", ACCOUNT, open({ pingAt: at(3_000), renewAt: at(3_000) }), TIMER, 2_999, "flowing", ""],
  [
    "a stream of age is changed, and nobody is told",
    MARKS,
    open({ heardAt: at(82_800_000 - 500), failures: 2 }),
    TIMER,
    82_800_000,
    "pausing until 82800000",
    "cut",
  ],

  ["a pause is stopped", MARKS, pausing(250), STOP, 10, "stopped", "cut"],
  ["an attempt is stopped", MARKS, opening(), STOP, 10, "stopped", "cut"],
  ["a stream is stopped", MARKS, open(), STOP, 1_500, "stopped", "cut"],
  ["what is stopped stays so", MARKS, STOPPED, TIMER, 9_999, "stopped", ""],
  ["whatever happens", MARKS, STOPPED, lost(), 9_999, "stopped", ""],
];

function shown(state: StreamState): string {
  switch (state.kind) {
    case "pausing":
      return `pausing until ${state.openAt}`;
    case "opening":
      return `opening until ${state.giveUpAt}`;
    case "open":
      return state.flows ? "flowing" : "open";
    case "stopped":
      return "stopped";
  }
}

describe("step()", () => {
  test.each(ROWS)("%s", (_fact, limits, before, event, now, after, done) => {
    const [state, actions] = step(limits, before, event, at(now));
    expect(shown(state)).toBe(after);
    expect(words(actions)).toBe(done);
  });

  test("a renewal is due again after half an hour, and after a minute where it failed or was not answered", () => {
    const after = (event: StreamHealthEvent): unknown => {
      const [state] = step(ACCOUNT, open({ renewAt: at(2_000) }), event, at(2_000));
      return state.kind === "open" ? state.renewAt : state.kind;
    };
    expect(after(said("renewed"))).toBe(1_802_000);
    expect(after(said("renewal_failed"))).toBe(62_000);
    expect(after(TIMER)).toBe(62_000);
  });

  test("after a change for age a stream that does not open again is told, and soon tried again", () => {
    const [changing] = step(MARKS, open({ heardAt: at(82_799_500), failures: 2 }), TIMER, at(82_800_000));
    expect(changing).toMatchObject({ told: "flowing", failures: 0 });
    const [again] = step(MARKS, changing, TIMER, at(82_800_000));
    const [state, actions] = step(MARKS, again, lost(2), at(82_800_010));
    expect(shown(state)).toBe("pausing until 82800260");
    expect(words(actions)).toBe("cut, quiet: it broke");
  });

  test("a stream that opened asks for its next pong, and renews its key, in time", () => {
    const [state] = step(ACCOUNT, opening(), said("opened"), at(100));
    expect(state).toMatchObject({ pingAt: 3_100, renewAt: 1_800_100, heardAt: 100, openedAt: 100 });
  });
});

describe("deadline()", () => {
  test.each([
    ["the end of the pause", MARKS, pausing(250), 250],
    ["the end of the attempt", MARKS, opening(), 5_000],
    ["silence", MARKS, open(), 5_000],
    ["a ping", ACCOUNT, open({ pingAt: at(3_000), renewAt: at(4_000) }), 3_000],
    ["a renewal", ACCOUNT, open({ pingAt: at(3_000), renewAt: at(2_000) }), 2_000],
    ["its age", MARKS, open({ heardAt: at(82_799_000) }), 82_800_000],
    ["never", MARKS, STOPPED, null],
  ] as const)("the next moment is %s", (_fact, limits, state, moment) => {
    expect(deadline(limits, state)).toBe(moment === null ? null : at(moment));
  });
});

test("whatever is said and whenever: it is told in turns, cut before it is opened again, and never waits for ever", () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constantFrom("opened", "heard", "renewed", "renewal_failed"), old: fc.nat(2) }),
    fc.record({ kind: fc.constant("lost"), old: fc.nat(2) }),
    fc.record({ kind: fc.constant("timer"), old: fc.constant(0) }),
  );
  const lives = fc.array(fc.tuple(event, fc.integer({ min: 0, max: 8_000 })), { maxLength: 60 });
  fc.assert(
    fc.property(fc.constantFrom(MARKS, ACCOUNT), lives, (limits, life) => {
      let state = closedStream(at(0));
      let now = 0;
      let told = "nothing";
      let connections = 0;
      let lastOpenAt = Number.NEGATIVE_INFINITY;
      for (const [{ kind, old }, waitMs] of life) {
        now += waitMs;
        const attempt = state.attempt - old;
        const happened = kind === "timer" ? TIMER : kind === "lost" ? lost(attempt) : said(kind, attempt);
        const [next, actions] = step(limits, state, happened, at(now));
        for (const action of actions) {
          if (action.kind === "tell_flowing" || action.kind === "tell_quiet") {
            expect(told).not.toBe(action.kind);
            told = action.kind;
          }
          if (action.kind === "cut") connections = 0;
          if (action.kind !== "open") continue;
          connections += 1;
          expect(connections).toBe(1);
          expect(now - lastOpenAt).toBeGreaterThanOrEqual(limits.pausesMs[0] ?? 0);
          lastOpenAt = now;
        }
        state = next;
        const due = deadline(limits, state);
        expect(due).not.toBeNull();
        expect((due ?? 0) - now).toBeLessThanOrEqual(30_000);
      }
    }),
  );
});

describe("lateness() is measured against what came soonest", () => {
  const SOONEST = 1_000_000;
  test.each([
    ["the first is not late, whatever the clocks say", null, 5_000, 0, 5_000],
    ["one that took as long as the soonest", SOONEST, SOONEST, 0, SOONEST],
    ["one that took longer", SOONEST, SOONEST + 4_001, 4_001, SOONEST],
    ["one that came sooner is the soonest from then on", SOONEST, SOONEST - 300, 0, SOONEST - 300],
  ])("%s", (_fact, soonest, apart, lateMs, next) => {
    const sentAt = 1_795_000_000_000 as UnixMillis;
    expect(lateness(soonest, sentAt, at(sentAt + apart))).toEqual({ soonest: next, lateMs });
  });
});

import { describe, expect, test } from "bun:test";
import {
  beginPanic,
  inPanic,
  lookUnhalted,
  type OwnPanic,
  type OwnPanicEvent,
  panicDeadline,
} from "../../src/core/own-panic.ts";
import { known, unknown } from "../../src/core/reading.ts";
import { at, linesOf } from "../support/core.ts";

const LIMITS = { publishRetryMs: 250 };
const [NAMING] = beginPanic("EXIT_BRAIN_DRAWDOWN_(12.0%_>=_10%)");
const RAISING = {
  kind: "raising",
  incidentId: "id-1",
  reason: "EXIT_BRAIN_DRAWDOWN_(12.0%_>=_10%)",
  againAt: null,
  line: "free",
} as const satisfies OwnPanic;
const CONFIRMED = {
  ...{ kind: "confirmed", incidentId: "id-1", reason: RAISING.reason },
  ...{ since: at(1_000), hasEnded: false },
} as const satisfies OwnPanic;
const RAISE = { kind: "raise", incidentId: "id-1", reason: RAISING.reason } as const;
const CALL = { kind: "call_direct", incidentId: "id-1", reason: RAISING.reason } as const;

type Event = OwnPanicEvent | { readonly kind: "timer" };
const EVENTS: readonly Event[] = [
  { kind: "named", incidentId: "id-1" },
  { kind: "raised" },
  { kind: "not_raised", why: "no answer" },
  { kind: "called", answer: known(null) },
  { kind: "timer" },
];
const deeds = (panic: OwnPanic, event: Event, ms = 1_000) => {
  const [next, actions] = inPanic(LIMITS, panic, event, at(ms));
  return { next, deeds: actions.filter(({ kind }) => kind !== "tell"), lines: linesOf(actions) };
};

test("begins by asking for its name", () => {
  expect(beginPanic("R")).toEqual([{ kind: "naming", reason: "R" }, [{ kind: "name_incident" }]]);
});

describe("while its name is asked for", () => {
  test("only the name moves it: it is published and told, as an alarm", () => {
    const [next, actions] = inPanic(LIMITS, NAMING, { kind: "named", incidentId: "id-1" }, at(0));
    expect(next).toEqual(RAISING);
    expect(actions[0]).toEqual(RAISE);
    expect(linesOf(actions)).toEqual(["TRIGGERING PANIC CLOSE", `Reason: ${RAISING.reason}`]);
    expect(actions[1]).toMatchObject({ mark: "alarm", about: { eventId: "id-1" } });
  });

  test.each(EVENTS.slice(1))("$kind does not", (event) => {
    expect(inPanic(LIMITS, NAMING, event, at(0))).toEqual([NAMING, []]);
  });
});

describe("while it is published", () => {
  test("another name changes nothing", () => {
    expect(inPanic(LIMITS, RAISING, { kind: "named", incidentId: "id-2" }, at(0))).toEqual([RAISING, []]);
  });

  test("the confirmation ends it", () => {
    const { next, lines } = deeds(RAISING, { kind: "raised" });
    expect([next, lines]).toEqual([CONFIRMED, ["Panic close published to system:panic_close", "Event ID: id-1"]]);
  });

  test("without one it is published again after a quarter of a second, and the worker is called meanwhile", () => {
    const first = deeds(RAISING, { kind: "not_raised", why: "no answer" });
    expect(first.next).toEqual({ ...RAISING, againAt: at(1_250), line: "calling" });
    expect(first.deeds).toEqual([CALL]);
    expect(first.lines).toEqual(["Panic close not confirmed published, trying again: no answer"]);
    expect(panicDeadline(first.next)).toBe(at(1_250));
    expect(inPanic(LIMITS, first.next, { kind: "timer" }, at(1_249))).toEqual([first.next, []]);
    const again = deeds(first.next, { kind: "timer" }, 1_250);
    expect([again.next, again.deeds]).toEqual([{ ...RAISING, line: "calling" }, [RAISE]]);
    // While a publish is under way there is nothing to wait for.
    expect(panicDeadline(again.next)).toBeNull();
    expect(inPanic(LIMITS, again.next, { kind: "timer" }, at(9_000))).toEqual([again.next, []]);
  });

  test.each([
    ["under way", "calling"],
    ["heard", "heard"],
  ] as const)("a call that is %s is not made twice", (_, line) => {
    const { deeds: done, next } = deeds({ ...RAISING, line }, { kind: "not_raised", why: "no answer" });
    expect([done, next]).toEqual([[], { ...RAISING, againAt: at(1_250), line }]);
  });

  test.each([
    [known(null), "heard", "The worker has heard it by the direct line; publishing goes on, so that it is on record"],
    [unknown("connection refused"), "free", "The worker can't be reached by the direct line: connection refused"],
  ] as const)("what came of the call is told", (answer, line, words) => {
    const { next, lines } = deeds({ ...RAISING, line: "calling" }, { kind: "called", answer });
    expect([next, lines]).toEqual([{ ...RAISING, line }, [words]]);
  });
});

test.each(EVENTS)("once it is confirmed $kind changes nothing", (event) => {
  expect(inPanic(LIMITS, CONFIRMED, event, at(0))).toEqual([CONFIRMED, []]);
  expect(panicDeadline(CONFIRMED)).toBeNull();
});

describe("a look that shows no halt", () => {
  test("changes nothing while it is not confirmed, or for fifteen seconds behind that", () => {
    for (const panic of [NAMING, RAISING]) expect(lookUnhalted(panic, true, at(99_000))).toEqual([panic, []]);
    expect(lookUnhalted(CONFIRMED, false, at(15_999))).toEqual([CONFIRMED, []]);
  });

  test("behind them has it published again, as an alarm: a failover has lost it, or nobody executes it", () => {
    const [next, actions] = lookUnhalted(CONFIRMED, false, at(16_000));
    expect([next, actions[0]]).toEqual([RAISING, RAISE]);
    expect(linesOf(actions)).toEqual(["Panic id-1 has halted nothing for 15 s: publishing it again"]);
    expect(actions[1]).toMatchObject({ mark: "alarm", about: { eventId: "id-1" } });
    const [again] = inPanic(LIMITS, RAISING, { kind: "raised" }, at(16_010));
    expect(lookUnhalted(again, false, at(31_009))).toEqual([again, []]);
  });

  test("ends it where its report is there, seen twice: a person has reset", () => {
    const [once] = lookUnhalted(CONFIRMED, true, at(2_000));
    expect(once).toEqual({ ...CONFIRMED, hasEnded: true });
    expect(lookUnhalted({ ...CONFIRMED, hasEnded: true }, true, at(60_000))).toEqual([null, []]);
  });
});

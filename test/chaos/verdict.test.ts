import { describe, expect, test } from "bun:test";
import { checks, type Observation } from "../../src/chaos/verdict.ts";
import type { UnixMillis } from "../../src/core/time.ts";

/** A moment, in milliseconds after the last heartbeat. */
function at(ms: number): UnixMillis {
  return (1_795_450_000_000 + ms) as UnixMillis;
}

const GOOD: Observation = {
  lastBeatAt: at(0),
  killedAt: at(400),
  panicAt: at(5_004),
  flatAt: at(5_216),
  positionsFailed: 0,
  halted: true,
};

test("a good observation passes the contract's five criteria, in the contract's order and words", () => {
  expect(checks(GOOD)).toEqual([
    { name: "heartbeat_to_panic_ms", measured: 5_004, limit: 5_500, passed: true },
    { name: "panic_to_flat_ms", measured: 212, limit: 10_000, passed: true },
    { name: "kill_to_flat_ms", measured: 4_816, limit: 15_000, passed: true },
    { name: "positions_failed", measured: 0, limit: 0, passed: true },
    { name: "trading_halted", measured: true, limit: true, passed: true },
  ]);
});

describe("checks()", () => {
  test.each<readonly [string, string, Partial<Observation>, number | boolean | null, boolean]>([
    ["heartbeat_to_panic_ms", "no time at all", { panicAt: at(0) }, 0, true],
    ["heartbeat_to_panic_ms", "just below the limit", { panicAt: at(5_499) }, 5_499, true],
    ["heartbeat_to_panic_ms", "at the limit", { panicAt: at(5_500) }, 5_500, false],
    ["heartbeat_to_panic_ms", "above the limit", { panicAt: at(9_000) }, 9_000, false],
    ["heartbeat_to_panic_ms", "no panic", { panicAt: null }, null, false],
    ["heartbeat_to_panic_ms", "no heartbeat", { lastBeatAt: null }, null, false],
    ["heartbeat_to_panic_ms", "a negative time", { panicAt: at(-1) }, -1, false],
    ["panic_to_flat_ms", "just below the limit", { flatAt: at(5_004 + 9_999) }, 9_999, true],
    ["panic_to_flat_ms", "at the limit", { flatAt: at(5_004 + 10_000) }, 10_000, false],
    ["panic_to_flat_ms", "above the limit", { flatAt: at(5_004 + 60_000) }, 60_000, false],
    ["panic_to_flat_ms", "not flat", { flatAt: null }, null, false],
    ["panic_to_flat_ms", "no panic", { panicAt: null }, null, false],
    ["panic_to_flat_ms", "a negative time", { flatAt: at(5_003) }, -1, false],
    ["kill_to_flat_ms", "just below the limit", { flatAt: at(400 + 14_999) }, 14_999, true],
    ["kill_to_flat_ms", "at the limit", { flatAt: at(400 + 15_000) }, 15_000, false],
    ["kill_to_flat_ms", "not flat", { flatAt: null }, null, false],
    ["kill_to_flat_ms", "a negative time", { flatAt: at(399) }, -1, false],
    ["positions_failed", "one", { positionsFailed: 1 }, 1, false],
    ["positions_failed", "no report", { positionsFailed: null }, null, false],
    ["trading_halted", "not halted", { halted: false }, false, false],
    ["trading_halted", "unreadable", { halted: null }, null, false],
  ])("%s: %s", (name, _what, changes, measured, passed) => {
    const check = checks({ ...GOOD, ...changes }).find((each) => each.name === name);
    expect(check).toMatchObject({ measured, passed });
  });

  test("each criterion is judged for itself", () => {
    const failing = checks({ ...GOOD, halted: false }).filter((check) => !check.passed);
    expect(failing.map(({ name }) => name)).toEqual(["trading_halted"]);
  });
});

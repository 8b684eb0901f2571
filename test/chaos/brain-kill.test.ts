import { describe, expect, test } from "bun:test";
import { brainKill, type DrillResult } from "../../src/chaos/brain-kill.ts";
import { Failure, Refusal } from "../../src/config/refusal.ts";
import { decimal } from "../../src/core/decimal.ts";
import type { PanicEvent } from "../../src/core/messages.ts";
import { aHalt, aPosition } from "../support/core.ts";
import { EPOCH, OWN, type Script, scriptedStage } from "./scripted-stage.ts";

/** The criteria that were not met. */
function failedChecks({ checks }: DrillResult): readonly string[] {
  return checks.filter(({ passed }) => !passed).map(({ name }) => name);
}

function measured({ checks }: DrillResult): readonly (number | boolean | null)[] {
  return checks.map((check) => check.measured);
}

const EVERYTHING = [
  "heartbeat_to_panic_ms",
  "panic_to_flat_ms",
  "kill_to_flat_ms",
  "positions_failed",
  "trading_halted",
] as const;

/** Somebody else closed in time: the account is flat, and nothing else is proven. */
const ALL_BUT_FLAT: readonly string[] = EVERYTHING.filter((name) => name !== "kill_to_flat_ms");

function anEvent(eventId: string, issuedBy: PanicEvent["issuedBy"] = "watchdog"): PanicEvent {
  return { eventId, reason: "OTHER", issuedBy, ts: EPOCH };
}

describe("brainKill() on a deployment that works", () => {
  test.each([
    ["sigkill", "SIGKILL"],
    ["sigterm", "SIGTERM"],
    ["sigstop", "SIGSTOP"],
  ] as const)("passes with %s, after one blow", async (method, blow) => {
    const stage = scriptedStage();
    const result = await brainKill(stage, method);
    expect(stage.blows).toEqual([blow]);
    expect(result).toMatchObject({ drill: "brain-kill", method, target: "sandbox", passed: true, eventId: OWN });
    expect(result.recovery).toMatchObject({ passed: true, failure: null });
  });

  test("measures from the records: last heartbeat, panic, the venue's last fill", async () => {
    const stage = scriptedStage();
    const result = await brainKill(stage, "sigkill");
    const struckAt = stage.struckAtMs() ?? 0;
    const lastBeatAt = Math.floor(struckAt / 1_000) * 1_000;
    expect(measured(result)).toEqual([5_004, 212, lastBeatAt + 5_004 + 212 - struckAt, 0, true]);
    expect(result.startedAt).toBe(EPOCH);
    expect(result.timeline.map(({ atMs }) => atMs)).toEqual(
      result.timeline.map(({ atMs }) => atMs).toSorted((a, b) => a - b),
    );
    expect(result.timeline[0]).toEqual({ atMs: lastBeatAt - struckAt, event: "last heartbeat" });
  });

  test.each([3_600_000, -3_600_000])("a venue whose clock is %d ms off is measured the same", async (venueAheadMs) => {
    expect(measured(await brainKill(scriptedStage({ venueAheadMs }), "sigkill"))).toEqual(
      measured(await brainKill(scriptedStage(), "sigkill")),
    );
  });

  test("an older incident before the blow changes nothing", async () => {
    const others = [
      { atMs: -60_000, event: anEvent("old") },
      { atMs: 3_000, event: anEvent("recent", "ops") },
    ];
    expect(await brainKill(scriptedStage({ others }), "sigkill")).toMatchObject({ passed: true, eventId: OWN });
  });
});

describe("brainKill() fails, and recovers nothing, when", () => {
  test.each<readonly [string, Script, readonly string[]]>([
    ["no panic comes", { panicBy: null }, EVERYTHING],
    ["the panic is of ops: it is no evidence of the watchdog", { panicBy: "ops" }, ALL_BUT_FLAT],
    ["the panic is of the worker", { panicBy: "eew" }, ALL_BUT_FLAT],
    [
      "the only panic is of an older incident",
      {
        panicBy: null,
        others: [
          { atMs: -60_000, event: anEvent("old") },
          { atMs: 3_000, event: anEvent("recent") },
        ],
        haltedBy: "recent",
      },
      EVERYTHING,
    ],
    ["the panic comes too late", { detectedAfterMs: 5_500 }, ["heartbeat_to_panic_ms"]],
    ["the close takes too long", { closedAfterMs: 10_000 }, ["panic_to_flat_ms", "kill_to_flat_ms"]],
    ["the worker does not report", { report: null }, ["positions_failed"]],
    [
      "the worker reports that it is not flat",
      { report: { outcome: "NOT_FLAT", positionsClosed: 1, positionsFailed: 1, failedSymbols: ["ETHUSDT"] } },
      ["positions_failed"],
    ],
    [
      "the worker does not know",
      { report: { outcome: "UNKNOWN", positionsFailed: 1, failedSymbols: ["*"] } },
      ["positions_failed"],
    ],
    [
      "the venue still shows a position although the worker reports FLAT",
      { left: [aPosition("ETHUSDT", "-0.01", "2000")] },
      ["panic_to_flat_ms", "kill_to_flat_ms"],
    ],
    ["trading is not halted", { haltedBy: null }, ["trading_halted"]],
    ["trading is halted by another event", { haltedBy: "another-event" }, ["trading_halted"]],
  ])("%s", async (_what, script, expected) => {
    const result = await brainKill(scriptedStage(script), "sigkill");
    expect(result.passed).toBe(false);
    expect(result.recovery).toBeNull();
    expect(failedChecks(result)).toEqual(expected);
  });

  test("what was not seen is not measured", async () => {
    const result = await brainKill(scriptedStage({ panicBy: null }), "sigkill");
    expect(measured(result)).toEqual([null, null, null, null, null]);
    expect(result.eventId).toBeNull();
  });

  test("the worker reports NOT_FLAT with nothing failed, which no honest report can be", async () => {
    const report = { outcome: "NOT_FLAT", positionsFailed: 0, residual: [] } as const;
    const result = await brainKill(scriptedStage({ report }), "sigkill");
    expect(result.passed).toBe(false);
  });
});

describe("brainKill() does not pass when the recovery fails:", () => {
  test.each<readonly [string, Script, RegExp]>([
    ["a second panic", { secondPanicMs: 6_000 }, /^a second panic was published: SECOND, event second-event$/],
    ["the brain stays dead", { staysDead: true }, /^the heartbeat did not resume/],
    ["the watchdog stays blind", { staysBlind: true }, /^the watchdog did not re-attach/],
    ["the halt can't be cleared", { unreadable: ["clearHalt"] }, /^clearHalt can't be read$/],
  ])("%s", async (_what, script, failure) => {
    const result = await brainKill(scriptedStage(script), "sigkill");
    expect(failedChecks(result)).toEqual([]);
    expect(result.passed).toBe(false);
    expect(result.recovery?.passed).toBe(false);
    expect(result.recovery?.failure).toMatch(failure);
  });

  test("a second panic that comes while the brain is restarted", async () => {
    const result = await brainKill(scriptedStage({ secondPanicMs: 100 }), "sigkill");
    expect(result).toMatchObject({ passed: false, recovery: { passed: false } });
  });
});

describe("brainKill() refuses, and strikes nobody, when", () => {
  test.each<readonly [string, Script, RegExp]>([
    ["no position is open", { positions: [] }, /^No position is open: expected one or two small test positions/],
    ["trading is halted", { haltBefore: aHalt("old") }, /^Trading is halted: expected a system at work/],
    ["the halt can't be read", { unreadable: ["halt"] }, /^halt can't be read$/],
    ["the positions can't be read", { unreadable: ["positions"] }, /^positions can't be read$/],
    ["Redis does not answer", { unreadable: ["now"] }, /^now can't be read$/],
    ["the brain does not run", { down: ["brain"] }, /^brain is not running/],
    ["the watchdog does not run", { down: ["watchdog"] }, /^watchdog is not running/],
    ["the worker does not run", { down: ["eew"] }, /^eew is not running/],
    ["the brain is silent", { brainSays: null }, /^The roles did not become steady/],
    ["the brain is degraded", { brainSays: "DEGRADED" }, /^The roles did not become steady/],
    ["the watchdog is not armed", { watchdogState: "waiting" }, /^The roles did not become steady/],
  ])("%s", async (_what, script, message) => {
    const stage = scriptedStage(script);
    const error: unknown = await brainKill(stage, "sigkill").then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(Refusal);
    expect(String(error instanceof Error ? error.message : error)).toMatch(message);
    expect(stage.blows).toEqual([]);
  });
});

test("a person who ends the drill ends it as a failure, not as a result", async () => {
  const stop = new AbortController();
  const stage = scriptedStage({}, stop.signal);
  const { supervisor } = stage;
  const interrupted = {
    ...stage,
    supervisor: {
      ...supervisor,
      strike: (...blow: Parameters<typeof supervisor.strike>) => {
        stop.abort();
        return supervisor.strike(...blow);
      },
    },
  };
  expect(brainKill(interrupted, "sigkill")).rejects.toThrow(new Failure("The drill was interrupted"));
});

test("the size of what is open does not matter to the drill, only that it is gone", async () => {
  const positions = [{ ...aPosition("BTCUSDT", "0.002"), amount: decimal("0.001") }];
  expect((await brainKill(scriptedStage({ positions }), "sigkill")).passed).toBe(true);
});

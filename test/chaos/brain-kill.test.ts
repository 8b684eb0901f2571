import { describe, expect, test } from "bun:test";
import { brainKill, type DrillResult } from "../../src/chaos/brain-kill.ts";
import { abortedRecord, begunRecord, type DrillNotes, newNotes, recordOf } from "../../src/chaos/notes.ts";
import type { Stage } from "../../src/chaos/stage.ts";
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

const NAME = { drill: "brain-kill", method: "sigkill", target: "live" } as const;

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
    ["the drill can't be put on record", { unreadable: ["begin"] }, /^begin can't be read$/],
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

describe("brainKill() writes down what is known as it goes, so that", () => {
  /** Plays to the end, whatever it is; what was written down by then, and the error's class. */
  async function notesOf(stage: Stage): Promise<readonly [DrillNotes, string]> {
    const notes = newNotes();
    const ended = await brainKill(stage, "sigkill", notes).then(
      () => "judged",
      (error: unknown) => (error instanceof Error ? error.constructor.name : String(error)),
    );
    return [notes, ended];
  }

  /** A stage on which a person ends the drill at the first line that says `at`. */
  function interrupted(at: RegExp, script: Script = {}): Stage {
    const stop = new AbortController();
    const stage = scriptedStage(script, stop.signal);
    return { ...stage, progress: (text) => (at.test(text) ? stop.abort() : undefined) };
  }

  test("a drill that ends well is put on record once before the blow", async () => {
    const stage = scriptedStage();
    const [notes, ended] = await notesOf(stage);
    expect([ended, stage.begun(), notes.struck]).toEqual(["judged", 1, true]);
  });

  test("one that is refused was not struck, and is not on record", async () => {
    const stage = scriptedStage({ brainSays: "DEGRADED" });
    const [notes, ended] = await notesOf(stage);
    expect([ended, stage.begun(), notes.struck]).toEqual(["Refusal", 0, false]);
  });

  test("one that is ended before the blow was not struck", async () => {
    const [notes, ended] = await notesOf(interrupted(/^waiting for steady state/));
    expect([ended, notes.struck, notes.startedAt]).toEqual(["Failure", false, EPOCH]);
    expect(abortedRecord(NAME, notes, "why")).toMatchObject({ verdict: "aborted", checks: [], why: "why" });
  });

  test("a blow that can't be confirmed may have fallen", async () => {
    const [notes, ended] = await notesOf(scriptedStage({ unreadable: ["strike"] }));
    expect([ended, notes.struck]).toEqual(["Failure", true]);
  });

  test("one that is ended while the account is closed keeps the panic, and nothing else has passed", async () => {
    const [notes, ended] = await notesOf(interrupted(/^panic published/));
    expect([ended, notes.eventId]).toEqual(["Failure", OWN]);
    const record = abortedRecord(NAME, notes, "The drill was interrupted");
    expect(record).toMatchObject({ verdict: "aborted", eventId: OWN, startedAt: EPOCH });
    expect(record?.checks.map(({ passed }) => passed)).toEqual([false, false, false, false, false]);
  });

  test("one that is ended while it recovers has passed every check, and not the drill", async () => {
    const [notes, ended] = await notesOf(interrupted(/^recovery: brain restarted/));
    expect(ended).toBe("Failure");
    const record = abortedRecord(NAME, notes, "The drill was interrupted");
    expect(record?.checks.map(({ passed }) => passed)).toEqual([true, true, true, true, true]);
    expect(record).toMatchObject({ verdict: "aborted", why: "The drill was interrupted" });
  });

  test("one that never learned the time leaves nothing to keep", async () => {
    const [notes, ended] = await notesOf(scriptedStage({ unreadable: ["now"] }));
    expect([ended, abortedRecord(NAME, notes, "why")]).toEqual(["Refusal", null]);
  });
});

describe("the record of a drill", () => {
  test("that passed says so, and gives no reason", async () => {
    const result = await brainKill(scriptedStage(), "sigstop");
    expect(recordOf(result)).toEqual({
      drill: "brain-kill",
      method: "sigstop",
      target: "sandbox",
      verdict: "passed",
      eventId: OWN,
      startedAt: EPOCH,
      checks: result.checks,
      why: null,
    });
  });

  test.each<readonly [string, Script, string]>([
    ["came too late", { closedAfterMs: 10_000 }, "panic_to_flat_ms 10000, expected below 10000; kill_to_flat_ms "],
    ["saw no panic", { panicBy: null }, "heartbeat_to_panic_ms not seen, expected below 5500; "],
    ["saw no halt", { haltedBy: null }, "trading_halted false, expected true"],
    ["did not recover", { staysBlind: true }, "recovery: the watchdog did not re-attach: expected it armed"],
  ])("that %s says why it failed", async (_what, script, why) => {
    const record = recordOf(await brainKill(scriptedStage(script), "sigkill"));
    expect(record.verdict).toBe("failed");
    expect(record.why).toStartWith(why);
  });

  test("before the blow is no verdict", () => {
    expect(begunRecord(NAME, EPOCH)).toMatchObject({ verdict: "begun", checks: [], eventId: null, startedAt: EPOCH });
  });
});

test("the size of what is open does not matter to the drill, only that it is gone", async () => {
  const positions = [{ ...aPosition("BTCUSDT", "0.002"), amount: decimal("0.001") }];
  expect((await brainKill(scriptedStage({ positions }), "sigkill")).passed).toBe(true);
});

import { describe, expect, test } from "bun:test";
import type { DrillResult } from "../../src/chaos/brain-kill.ts";
import { checks } from "../../src/chaos/verdict.ts";
import { drillDocument, renderDrill } from "../../src/cli/render-drill.ts";
import type { UnixMillis } from "../../src/core/time.ts";

const STARTED: UnixMillis = 1_795_450_000_000 as UnixMillis;

function at(ms: number): UnixMillis {
  return (STARTED + ms) as UnixMillis;
}

const PASSED: DrillResult = {
  drill: "brain-kill",
  method: "sigkill",
  target: "sandbox",
  passed: true,
  eventId: "550e8400-e29b-41d4-a716-446655440000",
  startedAt: STARTED,
  checks: checks({
    killedAt: at(96),
    lastBeatAt: at(0),
    panicAt: at(5_004),
    flatAt: at(5_216),
    positionsFailed: 0,
    halted: true,
  }),
  timeline: [
    { atMs: -96, event: "last heartbeat" },
    { atMs: 0, event: "brain struck with SIGKILL" },
  ],
  recovery: { passed: true, failure: null, steps: [] },
};

const FAILED: DrillResult = {
  ...PASSED,
  passed: false,
  eventId: null,
  checks: checks({
    killedAt: at(0),
    lastBeatAt: at(0),
    panicAt: null,
    flatAt: null,
    positionsFailed: null,
    halted: null,
  }),
  recovery: null,
};

/** The document as a reader gets it. */
function written(result: DrillResult): Readonly<Record<string, unknown>> {
  return JSON.parse(JSON.stringify(drillDocument(result))) as Readonly<Record<string, unknown>>;
}

describe("chaos --json", () => {
  test("is the contract's document: names, values and order", () => {
    const { recovery, ...document } = written(PASSED);
    expect(JSON.stringify(document)).toBe(
      JSON.stringify({
        drill: "brain-kill",
        method: "sigkill",
        target: "sandbox",
        passed: true,
        event_id: "550e8400-e29b-41d4-a716-446655440000",
        started_at: 1_795_450_000_000,
        checks: [
          { name: "heartbeat_to_panic_ms", measured: 5_004, limit: 5_500, passed: true },
          { name: "panic_to_flat_ms", measured: 212, limit: 10_000, passed: true },
          { name: "kill_to_flat_ms", measured: 5_120, limit: 15_000, passed: true },
          { name: "positions_failed", measured: 0, limit: 0, passed: true },
          { name: "trading_halted", measured: true, limit: true, passed: true },
        ],
        timeline: [
          { at_ms: -96, event: "last heartbeat" },
          { at_ms: 0, event: "brain struck with SIGKILL" },
        ],
      }),
    );
    expect(recovery).toEqual({ passed: true, failure: null });
  });

  test("of a drill that saw nothing has nulls, never zeros", () => {
    const unseen = Array.from({ length: 5 }, () => expect.objectContaining({ measured: null, passed: false }));
    expect(written(FAILED)).toMatchObject({ passed: false, event_id: null, checks: unseen, recovery: null });
  });
});

describe("chaos for people", () => {
  test("shows timeline, table and verdict, in the runbook's words", () => {
    expect(renderDrill(PASSED, false).split("\n")).toEqual([
      "Drill brain-kill (sigkill, sandbox), event ID: 550e8400-e29b-41d4-a716-446655440000",
      "    -96 ms  last heartbeat",
      "      0 ms  brain struck with SIGKILL",
      "┌─────────────────────────────────────────────┬──────────┬────────────┬────────┐",
      "│ Metric                                      │ Measured │ Threshold  │ Result │",
      "├─────────────────────────────────────────────┼──────────┼────────────┼────────┤",
      "│ Heartbeat last seen → panic_close published │ 5004 ms  │ < 5500 ms  │ PASS   │",
      "├─────────────────────────────────────────────┼──────────┼────────────┼────────┤",
      "│ panic_close → all positions closed          │ 212 ms   │ < 10000 ms │ PASS   │",
      "├─────────────────────────────────────────────┼──────────┼────────────┼────────┤",
      "│ Total: kill → positions closed              │ 5120 ms  │ < 15000 ms │ PASS   │",
      "├─────────────────────────────────────────────┼──────────┼────────────┼────────┤",
      "│ positions_failed                            │ 0        │ 0          │ PASS   │",
      "├─────────────────────────────────────────────┼──────────┼────────────┼────────┤",
      "│ system:state:trading.halted                 │ true     │ true       │ PASS   │",
      "└─────────────────────────────────────────────┴──────────┴────────────┴────────┘",
      "Recovery: PASS",
      "PASS",
    ]);
  });

  test("says of a failed drill what was not seen, and that nothing was recovered", () => {
    const text = renderDrill(FAILED, false);
    expect(text).toContain("event ID: none");
    expect(text.match(/not seen +│ .* │ FAIL/g)).toHaveLength(5);
    expect(text).toEndWith("Recovery: not tried, the drill failed\nFAIL");
  });

  test("has colours only where they are wanted", () => {
    expect(renderDrill(PASSED, true)).toContain("\u001b[");
    expect(renderDrill(PASSED, false)).not.toContain("\u001b[");
  });

  test("says why a recovery failed", () => {
    const failure = "the watchdog did not re-attach: expected it armed";
    const recovery = { passed: false, failure, steps: [] };
    const text = renderDrill({ ...PASSED, passed: false, recovery }, false);
    expect(text).toEndWith(`Recovery: ${failure}\nFAIL`);
  });
});

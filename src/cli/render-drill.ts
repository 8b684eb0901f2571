/** A drill's result as terminal text or as the contract's JSON document (section 5); no decisions. */

import type { DrillResult } from "../chaos/brain-kill.ts";
import type { Check } from "../core/drill.ts";
import { newTable } from "./table.ts";

/** What the runbook calls each check. */
const TITLES: Readonly<Record<string, string>> = {
  heartbeat_to_panic_ms: "Heartbeat last seen → panic_close published",
  panic_to_flat_ms: "panic_close → all positions closed",
  kill_to_flat_ms: "Total: kill → positions closed",
  positions_failed: "positions_failed",
  trading_halted: "system:state:trading.halted",
};

/** `chaos --json`. */
export function drillDocument(result: DrillResult): object {
  const { drill, method, target, passed, eventId, startedAt, checks, timeline, recovery } = result;
  return {
    drill,
    method,
    target,
    passed,
    event_id: eventId,
    started_at: startedAt,
    checks,
    timeline: timeline.map(({ atMs, event }) => ({ at_ms: atMs, event })),
    recovery: recovery && { passed: recovery.passed, failure: recovery.failure },
  };
}

/** `chaos` for people: timeline, table, verdict. */
export function renderDrill(result: DrillResult, colour: boolean): string {
  const table = newTable(["Metric", "Measured", "Threshold", "Result"], colour);
  for (const check of result.checks) {
    table.push([TITLES[check.name] ?? check.name, measured(check), threshold(check), word(check.passed, colour)]);
  }
  const timeline = result.timeline.map(({ atMs, event }) => `${`${atMs} ms`.padStart(10)}  ${event}`);
  const { recovery } = result;
  const recovered = recovery === null ? "not tried, the drill failed" : (recovery.failure ?? "PASS");
  return [
    `Drill ${result.drill} (${result.method}, ${result.target}), event ID: ${result.eventId ?? "none"}`,
    ...timeline,
    table.toString(),
    `Recovery: ${recovered}`,
    word(result.passed, colour),
  ].join("\n");
}

function word(passed: boolean, colour: boolean): string {
  if (!colour) return passed ? "PASS" : "FAIL";
  return passed ? "\u001b[1;32mPASS\u001b[0m" : "\u001b[1;31mFAIL\u001b[0m";
}

function measured({ name, measured }: Check): string {
  if (measured === null) return "not seen";
  return name.endsWith("_ms") ? `${measured} ms` : String(measured);
}

function threshold({ name, limit }: Check): string {
  return name.endsWith("_ms") ? `< ${limit} ms` : String(limit);
}

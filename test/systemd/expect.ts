/** What most cases expect. */

import { must } from "../faults/case.ts";
import type { SeenEvent } from "../faults/scene.ts";
import type { SeenReport } from "../faults/truth.ts";
import { type Figure, took } from "./case.ts";
import type { Machine } from "./machine.ts";
import { limitsMs, RUNBOOK } from "./runbook.ts";
import type { Site } from "./site.ts";
import { properties } from "./units.ts";

/** The runbook's pass criteria. */
const CRITERIA = limitsMs(RUNBOOK);

/** A pass takes ten seconds at most, and its second witness one more. */
const REPORT_MS = 15_000;

/** One of the runbook's pass criteria in milliseconds. */
export function criterionMs(metric: string): number {
  const limitMs = CRITERIA.get(metric);
  if (limitMs === undefined) throw new Error(`The runbook's pass criteria have no ${metric}`);
  return limitMs;
}

/** The runbook's names of what a drill measures. */
const DETECTION = "Heartbeat last seen → panic_close published";
const CLOSING = "panic_close → all positions closed";
export const TOTAL = "Total: kill → positions closed";

/** The brain was killed then: a panic in time, a flat account, one true report, a halt, and nothing after it. */
export async function killedAndFlat(site: Site, killedAtMs: number): Promise<readonly Figure[]> {
  const event = await site.firstEvent(criterionMs(TOTAL));
  const beatMs = await site.lastBeatMs();
  must(event.reason.startsWith("EXIT_BRAIN_HEARTBEAT_MISSING_("), `the reason is ${event.reason}`);
  await flatOnRecord(site, event);
  return [
    took("heartbeat → panic", event.atMs - beatMs, criterionMs(DETECTION)),
    took("panic → flat", site.lastFillMs() - event.atMs, criterionMs(CLOSING)),
    took("kill → flat", site.lastFillMs() - killedAtMs, criterionMs(TOTAL)),
  ];
}

/** The account is flat, the event has a report that says so, trading is halted, and it is the only event. */
export async function flatOnRecord(site: Site, { eventId }: SeenEvent): Promise<SeenReport> {
  await site.untilFlat(REPORT_MS);
  const report = await site.report(eventId, REPORT_MS);
  must(report.outcome === "FLAT", `the report says ${report.outcome}`);
  must(await site.isHalted(), "trading is not halted");
  const events = await site.events();
  must(events.length === 1, `${events.length} panic events: ${events.map(({ reason }) => reason).join(", ")}`);
  return report;
}

/** The units are active; each that is not is named, with what systemd says of it. */
export async function active(machine: Machine, units: readonly string[]): Promise<void> {
  for (const unit of units) {
    const { ActiveState, SubState, Result } = await properties(machine, unit, "ActiveState", "SubState", "Result");
    must(ActiveState === "active", `${unit} is ${ActiveState} (${SubState}), result ${Result}`);
  }
}

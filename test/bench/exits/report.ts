/** What the exits cost, as a table, and whether it is little enough. */

import Table from "cli-table3";
import type { Verdict } from "../targets.ts";
import type { BrainCost } from "./brain.ts";
import type { DecisionCost } from "./decision.ts";
import { LEGS } from "./policy.ts";

/** Everything that was measured of the exits. */
export interface ExitFigures {
  readonly decision: DecisionCost;
  readonly brain: BrainCost;
}

/** The most CPU time that a decision over `LEGS` legs may cost. */
const DECISION_MS_MAX = 5;
/** From the mark's arrival by stream to the order. */
const STREAM_MS_MAX = 20;
/** One cycle, for a mark that only a look can tell of, and as much for the decision as by stream. */
const REST_MS_MAX = 1_000 + STREAM_MS_MAX;

/** Judges the exits. The worst run counts: an exit that is late once is late. */
export function exitVerdicts({ brain, decision }: ExitFigures): readonly Verdict[] {
  return [
    atMost(`exits, ${LEGS} positions: CPU ms of a decision`, decision.meanMs, DECISION_MS_MAX),
    atMost(`exits, ${LEGS} positions: ms from mark to order by stream, worst`, worst(brain.byStreamMs), STREAM_MS_MAX),
    atMost(`exits, ${LEGS} positions: ms from mark to order by REST, worst`, worst(brain.byRestMs), REST_MS_MAX),
  ];
}

/** One line for each thing measured. */
export function exitsTable({ brain, decision }: ExitFigures): string {
  const table = new Table({
    head: [`exits, ${LEGS} positions`, "median", "worst", "runs"],
    style: { head: [], border: [] },
  });
  const { meanMs, medianMs, worstMs } = decision;
  table.push(
    [`one decision, ms (CPU, mean: ${meanMs.toFixed(2)})`, medianMs.toFixed(2), worstMs.toFixed(2), ""],
    ["the brain's process, CPU ms per cycle", brain.cpuMsPerCycle.toFixed(1), "", ""],
    ["mark to order by stream, ms", ...spread(brain.byStreamMs)],
    ["mark to order by REST, ms", ...spread(brain.byRestMs)],
  );
  return table.toString();
}

function spread(values: readonly number[]): [string, string, string] {
  const sorted = values.toSorted((a, b) => a - b);
  return [
    String(sorted[Math.floor(sorted.length / 2)] ?? "none"),
    String(sorted.at(-1) ?? "none"),
    String(values.length),
  ];
}

function worst(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.max(...values);
}

function atMost(name: string, value: number | null, most: number): Verdict {
  const measured = value === null ? "none" : String(Math.round(value * 100) / 100);
  return { name, measured, target: `<= ${most}`, passed: value !== null && value <= most };
}

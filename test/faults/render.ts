/** The table for people. */

import Table from "cli-table3";
import type { Measure } from "./case.ts";
import type { NotCaused } from "./catalogue.ts";
import type { Verdict } from "./runner.ts";

const PLAIN = { head: [], border: [] };
const HEAD = ["#", "fault", "caused by", "must hold", "measured", "result"];
const WIDTHS = [4, 26, 36, 34, 38, 8];

/** One line of progress. */
export function progressLine({ fault, broken, tookMs, skipped }: Verdict): string {
  const seconds = (tookMs / 1_000).toFixed(1);
  return `${resultOf(broken, skipped)} ${String(fault.row).padStart(2)} ${fault.fault} (${seconds} s)`;
}

/** One row per fault. */
export function faultsTable(verdicts: readonly Verdict[], notCaused: readonly NotCaused[]): string {
  const table = new Table({ head: HEAD, colWidths: WIDTHS, wordWrap: true, style: PLAIN });
  const rows = [
    ...verdicts.map(({ fault, measures, broken, skipped }) => ({
      row: fault.row,
      cells: [fault.fault, fault.caused, fault.holds, skipped ?? measures.map(figure).join("\n")],
      result: resultOf(broken, skipped),
    })),
    ...notCaused.map(({ row, fault, reason }) => ({ row, cells: [fault, "", "", reason], result: "not here" })),
  ];
  for (const { row, cells, result } of rows.toSorted((one, other) => one.row - other.row)) {
    table.push([String(row), ...cells, result]);
  }
  return table.toString();
}

/** What is broken, with the last words of every role. */
export function brokenLines({ fault, broken, tails }: Verdict): readonly string[] {
  if (broken.length === 0) return [];
  return [`${fault.row} ${fault.fault}`, ...broken.map((line) => `  ${line}`), ...tails.map((line) => `    ${line}`)];
}

function resultOf(broken: readonly string[], skipped: string | null): string {
  if (skipped !== null) return "not here";
  return broken.length === 0 ? "PASS" : "FAIL";
}

function figure({ what, ms, limitMs }: Measure): string {
  return limitMs === null ? `${what}: ${ms} ms` : `${what}: ${ms} ms (≤ ${limitMs})`;
}

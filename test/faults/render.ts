/** The table for people. */

import Table from "cli-table3";
import type { Measure } from "./case.ts";
import type { Verdict } from "./runner.ts";

const PLAIN = { head: [], border: [] };

/** Each column with its width, and the narrow terminals that do without it. */
const COLUMNS = [
  { head: "#", width: 4, wideOnly: false },
  { head: "fault", width: 26, wideOnly: false },
  { head: "caused by", width: 36, wideOnly: true },
  { head: "must hold", width: 34, wideOnly: true },
  { head: "measured", width: 38, wideOnly: false },
  { head: "result", width: 8, wideOnly: false },
];
const WIDE = COLUMNS.reduce((sum, { width }) => sum + width + 1, 1);

/** One line of progress. */
export function progressLine({ fault, broken, tookMs, skipped }: Verdict): string {
  const seconds = (tookMs / 1_000).toFixed(1);
  return `${resultOf(broken, skipped)} ${String(fault.row).padStart(2)} ${fault.fault} (${seconds} s)`;
}

/** One row per fault. A terminal too narrow for the causes shows what was measured only; `charsMax` undefined: no terminal. */
export function faultsTable(verdicts: readonly Verdict[], charsMax: number | undefined): string {
  const isShown = COLUMNS.map(({ wideOnly }) => !wideOnly || charsMax === undefined || charsMax >= WIDE);
  const shown = COLUMNS.filter((_, i) => isShown[i]);
  const [head, colWidths] = [shown.map((column) => column.head), shown.map((column) => column.width)];
  const table = new Table({ head, colWidths, wordWrap: true, style: PLAIN });
  for (const { fault, measures, broken, skipped } of verdicts) {
    const measured = skipped ?? measures.map(figure).join("\n");
    const cells = [String(fault.row), fault.fault, fault.caused, fault.holds, measured, resultOf(broken, skipped)];
    table.push(cells.filter((_, i) => isShown[i]));
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

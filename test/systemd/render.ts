/** The table for people. */

import Table from "cli-table3";
import type { Figure, SystemdCase } from "./case.ts";
import type { Verdict } from "./verdict.ts";

/** Each column with its width, and what a narrow terminal does without. */
const COLUMNS = [
  { head: "case", width: 28, wideOnly: false },
  { head: "caused by", width: 36, wideOnly: true },
  { head: "had to hold", width: 34, wideOnly: true },
  { head: "measured", width: 46, wideOnly: false },
  { head: "result", width: 8, wideOnly: false },
];
const WIDE = COLUMNS.reduce((sum, { width }) => sum + width + 1, 1);

/** One line of progress. */
export function progressLine({ name, broken, tookMs }: Verdict): string {
  return `${resultOf(broken)} ${name} (${(tookMs / 1_000).toFixed(1)} s)`;
}

/** One row per case. A terminal too narrow for the causes shows what was measured only; `charsMax` undefined: no terminal. */
export function casesTable(
  cases: readonly SystemdCase[],
  verdicts: readonly Verdict[],
  charsMax: number | undefined,
): string {
  const shown = COLUMNS.filter(({ wideOnly }) => !wideOnly || charsMax === undefined || charsMax >= WIDE);
  const table = new Table({
    head: shown.map(({ head }) => head),
    colWidths: shown.map(({ width }) => width),
    wordWrap: true,
    style: { head: [], border: [] },
  });
  for (const { name, caused, holds } of cases) {
    const verdict = verdicts.find((one) => one.name === name);
    if (verdict === undefined) continue;
    const measured = verdict.figures.map(figureInWords).join("\n");
    const cells = [name, caused, holds, measured, resultOf(verdict.broken)];
    table.push(cells.filter((_, i) => shown.includes(COLUMNS[i] as (typeof COLUMNS)[number])));
  }
  return table.toString();
}

/** What is broken, with the last words of every unit. */
export function brokenLines({ name, broken, tails }: Verdict): readonly string[] {
  if (broken.length === 0) return [];
  return [name, ...broken.map((line) => `  ${line}`), ...tails.map((line) => `    ${line}`)];
}

function resultOf(broken: readonly string[]): string {
  return broken.length === 0 ? "PASS" : "FAIL";
}

function figureInWords({ what, value, unit, limit }: Figure): string {
  const amount = unit === "" ? String(value) : `${value} ${unit}`;
  return limit === null ? `${what}: ${amount}` : `${what}: ${amount} (≤ ${limit})`;
}

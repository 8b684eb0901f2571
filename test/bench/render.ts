/** The tables for people. */

import Table from "cli-table3";
import type { Figure } from "./figures.ts";
import type { Row } from "./rows.ts";
import type { Verdict } from "./targets.ts";

const PLAIN = { head: [], border: [] };
const HEAD = [
  "positions",
  "orders",
  "closer",
  "last fill ms: median",
  "worst",
  "round trips",
  "TLS handshakes",
  "flat",
  "x sequential",
  "x ccxt",
];

/** One line per row and closer. */
export function figuresTable(figures: readonly Figure[]): string {
  const table = new Table({ head: HEAD, style: PLAIN });
  for (const figure of figures) table.push(line(figure));
  return table.toString();
}

/** One line per target. */
export function verdictsTable(verdicts: readonly Verdict[]): string {
  const table = new Table({ head: ["target", "measured", "expected", "result"], style: PLAIN });
  for (const { name, measured, target, passed } of verdicts) {
    table.push([name, measured, target, passed ? "PASS" : "FAIL"]);
  }
  return table.toString();
}

function line({ row, closer, medianMs, worstMs, roundTrips, ...rest }: Figure): string[] {
  return [
    String(row.positions),
    circumstances(row),
    closer,
    medianMs === null ? "never" : String(medianMs),
    worstMs === null ? "never" : String(worstMs),
    fixed(roundTrips, 2),
    String(rest.handshakesMedian),
    rest.flat === rest.runs ? "yes" : `${rest.flat} of ${rest.runs}`,
    fixed(rest.ratioToSequential, 1),
    fixed(rest.ratioToCcxt, 2),
  ];
}

function circumstances({ orders, cold }: Row): string {
  if (cold) return "none, cold TLS";
  return orders ? "half" : "none";
}

function fixed(value: number | null, digits: number): string {
  return value === null ? "" : value.toFixed(digits);
}

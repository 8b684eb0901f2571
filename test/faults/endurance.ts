/**
 * `npm run endurance`: the long runs.
 *
 *   npm run endurance -- detection       200 deaths of the brain, a quarter of an hour
 *   npm run endurance -- passes          50 deaths of the worker in a pass, some five minutes
 *   npm run endurance -- calm            an hour in which nothing may happen
 *   npm run endurance -- calm --count 5  so many times, or minutes
 *
 * Exit code 1 if something did not hold, 2 for a word or flag that cannot be used.
 */

import { parseArgs } from "node:util";
import Table from "cli-table3";
import { flags, whole } from "../support/flags.ts";
import { CALM } from "./endurance/calm.ts";
import { DETECTION } from "./endurance/detection.ts";
import { PASSES } from "./endurance/passes.ts";
import type { Series } from "./endurance/series.ts";

const SERIES: Readonly<Record<string, Series>> = { detection: DETECTION, passes: PASSES, calm: CALM };

function read(args: readonly string[]): { readonly series: Series; readonly count: number } {
  const options = { count: { type: "string" } } as const;
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  const [name = "nothing"] = positionals;
  const series = positionals.length > 1 ? undefined : SERIES[name];
  if (series === undefined) throw new Error(`${name}: expected one of ${Object.keys(SERIES).join(", ")}`);
  const { count = String(series.usual) } = values;
  return { series, count: whole("--count", count, 1, 9_999) };
}

const { series, count } = flags(read);
console.error(`${count} ${series.describe}`);
const findings = await series.run(count, (line) => console.error(line));
const table = new Table({ head: ["what", "measured", "expected", "result"], style: { head: [], border: [] } });
for (const { what, measured, expected, passed } of findings) {
  table.push([what, measured, expected, passed ? "PASS" : "FAIL"]);
}
console.log(table.toString());
process.exit(findings.every(({ passed }) => passed) ? 0 : 1);

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
import { CALM } from "./endurance/calm.ts";
import { DETECTION } from "./endurance/detection.ts";
import { PASSES } from "./endurance/passes.ts";
import type { Series } from "./endurance/series.ts";

const SERIES: Readonly<Record<string, Series>> = { detection: DETECTION, passes: PASSES, calm: CALM };

function read(): { readonly series: Series; readonly count: number } {
  const { values, positionals } = parseArgs({ options: { count: { type: "string" } }, allowPositionals: true });
  const [name = "nothing"] = positionals;
  const series = positionals.length > 1 ? undefined : SERIES[name];
  if (series === undefined) throw new Error(`${name}: expected one of ${Object.keys(SERIES).join(", ")}`);
  const { count = String(series.usual) } = values;
  if (!/^[1-9]\d{0,3}$/.test(count)) throw new Error(`--count ${count}: expected a whole number from 1 to 9999`);
  return { series, count: Number(count) };
}

function readOrExit(): ReturnType<typeof read> {
  try {
    return read();
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(2);
  }
}

const { series, count } = readOrExit();
console.error(`${count} ${series.describe}`);
const findings = await series.run(count, (line) => console.error(line));
const table = new Table({ head: ["what", "measured", "expected", "result"], style: { head: [], border: [] } });
for (const { what, measured, expected, passed } of findings) {
  table.push([what, measured, expected, passed ? "PASS" : "FAIL"]);
}
console.log(table.toString());
process.exit(findings.every(({ passed }) => passed) ? 0 : 1);

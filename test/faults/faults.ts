/**
 * `npm run faults`: causes each fault of the catalogue on real processes and shows what held.
 *
 *   npm run faults                 everything, some five minutes
 *   npm run faults -- --fast       what runs with every change
 *   npm run faults -- --only 1,27  these rows
 *   npm run faults -- --json       one JSON document instead of the table
 *
 * Exit code 1 if anything is broken, 2 for a flag that cannot be used.
 */

import { flags } from "../support/flags.ts";
import { FAULTS } from "./catalogue.ts";
import { parseOptions } from "./options.ts";
import { brokenLines, faultsTable, progressLine } from "./render.ts";
import { runCases } from "./runner.ts";

const { only, fast, json, jobs } = flags(parseOptions);
const cases = FAULTS.filter((fault) => (only === null || only.includes(fault.row)) && (!fast || fault.fast));
const verdicts = await runCases(cases, jobs, (verdict) => {
  console.error(progressLine(verdict));
  for (const line of brokenLines(verdict)) console.error(line);
});
if (json) console.log(JSON.stringify({ verdicts }));
else console.log(faultsTable(verdicts, process.stdout.columns));
const broken = verdicts.filter((verdict) => verdict.broken.length > 0);
console.error(`${verdicts.length - broken.length} of ${verdicts.length} held`);
process.exit(broken.length === 0 ? 0 : 1);

/** Runs the drill many times, one after another, and shows how the measured times spread: `npm run drills -- 20`. */

import { execFile } from "node:child_process";
import { join } from "node:path";
import Table from "cli-table3";

const QUANTUM = join(import.meta.dir, "..", "quantum");

interface Drill {
  readonly passed: boolean;
  readonly checks: readonly { readonly name: string; readonly measured: number | boolean | null }[];
}

function drill(args: readonly string[]): Promise<Drill> {
  return new Promise((resolve, reject) => {
    execFile(QUANTUM, ["chaos", "--sandbox", "--json", ...args], (error, stdout, stderr) => {
      if (stdout !== "") resolve(JSON.parse(stdout) as Drill);
      else reject(new Error(stderr.trim().split("\n").at(-1) ?? error?.message));
    });
  });
}

const [count = "20", ...args] = process.argv.slice(2);
const runs = Number(count);
if (!Number.isSafeInteger(runs) || runs < 1) {
  console.error(`drills: ${JSON.stringify(count)} is no number of runs: expected for example npm run drills -- 20`);
  process.exit(2);
}

const drills: Drill[] = [];
for (let run = 1; run <= runs; run++) {
  const result = await drill(args);
  drills.push(result);
  const measured = result.checks.map((check) => `${check.name} ${check.measured}`).join(", ");
  console.log(`${String(run).padStart(3)}  ${result.passed ? "PASS" : "FAIL"}  ${measured}`);
}

const table = new Table({ head: ["check", "min", "median", "max"], style: { head: [], border: [] } });
for (const { name } of drills[0]?.checks ?? []) {
  const values = drills
    .map((result) => result.checks.find((check) => check.name === name)?.measured)
    .filter((value) => typeof value === "number")
    .sort((a, b) => a - b);
  if (values.length > 0) table.push([name, values[0], values[Math.floor(values.length / 2)], values.at(-1)]);
}
console.log(table.toString());
const passed = drills.filter((result) => result.passed).length;
console.log(`${passed} of ${runs} passed`);
process.exit(passed === runs ? 0 : 1);

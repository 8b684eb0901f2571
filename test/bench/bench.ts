/** `npm run bench`: how fast the account is flat, ours beside its peers, and whether the targets are met. */

import { availableParallelism, loadavg } from "node:os";
import { figures } from "./figures.ts";
import { type BenchOptions, parseOptions } from "./options.ts";
import { figuresTable, verdictsTable } from "./render.ts";
import { runSuite } from "./suite.ts";
import { verdicts } from "./targets.ts";

function options(): BenchOptions {
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(2);
  }
}

const asked = options();
const loadBefore = loadavg();
const interrupted = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => interrupted.abort());
const samples = await runSuite(asked, (line) => console.error(line), interrupted.signal);
const measured = figures(samples, asked.latencyMs);
const judged = verdicts(measured);
const passed = judged.every((verdict) => verdict.passed);
const machine = { cores: availableParallelism(), loadBefore, loadAfter: loadavg() };
if (asked.json) {
  console.log(JSON.stringify({ passed, options: asked, machine, figures: measured, targets: judged, samples }));
} else {
  const load = (values: readonly number[]): string => values.map((value) => value.toFixed(2)).join(" ");
  console.log(figuresTable(measured));
  console.log(verdictsTable(judged));
  console.log(
    `${asked.latencyMs} ms per call, ${asked.repeats} repeats, ccxt under ${asked.ccxtRuntime}. ` +
      `${machine.cores} cores, load before ${load(machine.loadBefore)}, after ${load(machine.loadAfter)}`,
  );
  console.log(passed ? "PASS" : "FAIL");
}
process.exit(passed ? 0 : 1);

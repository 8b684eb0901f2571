/**
 * `npm run bench`: how fast the account is flat, ours beside its peers, what the exits cost, and whether the targets are met.
 *
 *   npm run bench                       everything, some twenty minutes
 *   npm run bench -- --only 20          accounts of so many positions; exits: what a brain's exits cost
 *   npm run bench -- --repeats 3        each so many times; 5 if not said
 *   npm run bench -- --latency-ms 10    a venue that takes so long for every call; 50 if not said
 *   npm run bench -- --ccxt-under bun   the runtime of the peer; node if not said
 *   npm run bench -- --no-idle          without what the worker asks while it waits
 *   npm run bench -- --json             one JSON document instead of the tables
 *
 * Exit code 1 if a target is missed, 2 for a flag that cannot be used.
 */

import { availableParallelism, loadavg } from "node:os";
import { flags } from "../support/flags.ts";
import { exitsTable, exitVerdicts } from "./exits/report.ts";
import { figures } from "./figures.ts";
import { parseOptions } from "./options.ts";
import { figuresTable, verdictsTable } from "./render.ts";
import { runExits, runSuite } from "./suite.ts";
import { verdicts } from "./targets.ts";

const asked = flags(parseOptions);
const loadBefore = loadavg();
const interrupted = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => interrupted.abort());
const say = (line: string): void => console.error(line);
const samples = await runSuite(asked, say, interrupted.signal);
const exits = asked.exits ? await runExits(asked, say, interrupted.signal) : null;
const measured = figures(samples, asked.latencyMs);
const judged = [...verdicts(measured), ...(exits === null ? [] : exitVerdicts(exits))];
const passed = judged.every((verdict) => verdict.passed);
const machine = { cores: availableParallelism(), loadBefore, loadAfter: loadavg() };
if (asked.json) {
  console.log(JSON.stringify({ passed, options: asked, machine, figures: measured, targets: judged, samples, exits }));
} else {
  const load = (values: readonly number[]): string => values.map((value) => value.toFixed(2)).join(" ");
  if (measured.length > 0) console.log(figuresTable(measured));
  if (exits !== null) console.log(exitsTable(exits));
  console.log(verdictsTable(judged));
  console.log(
    `${asked.latencyMs} ms per call, ${asked.repeats} repeats, ccxt under ${asked.ccxtRuntime}. ` +
      `${machine.cores} cores, load before ${load(machine.loadBefore)}, after ${load(machine.loadAfter)}`,
  );
  console.log(passed ? "PASS" : "FAIL");
}
process.exit(passed ? 0 : 1);

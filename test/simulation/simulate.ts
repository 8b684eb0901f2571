/**
 * `npm run simulate`: lives through many seeds, or through one of them with its trace.
 *
 *   npm run simulate                        2000 fresh seeds
 *   npm run simulate -- --seeds 100         so many
 *   npm run simulate -- --from 7 --seeds 1  these
 *   npm run simulate -- --seed 7            one, line by line: virtual time in milliseconds, who, what
 *   npm run simulate -- --seed 7 --shrink   the same, without the faults that do not matter for its failure
 *
 * Exit code 1 if anything is broken, 2 for a flag that cannot be used.
 */

import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";
import { type Outcome, runSeed } from "./world/run.ts";
import { shrink } from "./world/shrink.ts";
import { summary, Tally } from "./world/tally.ts";

const SEED_MAX = 4_294_967_295;

function whole(flag: string, text: string): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value <= SEED_MAX) return value;
  console.error(`${flag} ${text}: expected a whole number from 0 to ${SEED_MAX}`);
  process.exit(2);
}

function commit(): string {
  return execFileSync("git", ["describe", "--always", "--dirty"], { encoding: "utf8" }).trim();
}

function tellBroken({ seed, broken }: Outcome): void {
  console.error(`BROKEN: seed ${seed}, commit ${commit()}: npm run simulate -- --seed ${seed}`);
  for (const what of broken) console.error(`  ${what}`);
}

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string", default: "2000" },
    from: { type: "string" },
    shrink: { type: "boolean", default: false },
  },
});
if (values.seed !== undefined) {
  let outcome = await runSeed(whole("--seed", values.seed));
  if (values.shrink && outcome.broken.length > 0) outcome = await shrink(outcome, console.error);
  console.log(outcome.lines.join("\n"));
  console.log(`what has struck: ${outcome.strikes.join("; ") || "nothing"}`);
  console.log(`${outcome.ending}; trace ${outcome.hash}`);
  if (outcome.broken.length > 0) tellBroken(outcome);
  process.exit(outcome.broken.length > 0 ? 1 : 0);
}

const tally = new Tally();
const from = whole("--from", values.from ?? `${Date.now() % SEED_MAX}`);
const beganAt = performance.now();
for (let i = 0; i < whole("--seeds", values.seeds); i++) {
  const outcome = await runSeed((from + i) >>> 0);
  tally.add(outcome);
  if (outcome.broken.length > 0) tellBroken(outcome);
}
console.log(summary(tally, (performance.now() - beganAt) / 1_000));
process.exit(tally.broken === 0 ? 0 : 1);

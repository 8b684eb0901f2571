/**
 * `npm run simulate`: lives through many seeds, or through one of them with its trace.
 *
 *   npm run simulate                        2000 fresh seeds
 *   npm run simulate -- --seeds 100         so many
 *   npm run simulate -- --from 7 --seeds 1  these
 *   npm run simulate -- --jobs 4            in so many processes at once, one for each core if not given
 *   npm run simulate -- --seed 7            one, line by line: virtual time in milliseconds, who, what
 *   npm run simulate -- --seed 7 --shrink   the same, without the faults that do not matter for its failure
 *   npm run simulate -- --seed 7 --plant NAME  with a planted bug (npm run plants -- --list)
 *
 * Ctrl-C ends it with the summary of what has been run. Exit code 1 if anything is broken, 2 for a flag that cannot be used,
 * 130 after Ctrl-C.
 */

import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { runInChildren, type SeedReport } from "./children.ts";
import { plantNamed } from "./planted/bugs.ts";
import { testBuild } from "./planted/build.ts";
import { runSeed } from "./world/run.ts";
import { shrink } from "./world/shrink.ts";
import { summary, Tally } from "./world/tally.ts";

const SEED_MAX = 4_294_967_295;
const ERASE_LINE = "\r\u001b[K";

function whole(flag: string, text: string, min = 0): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= SEED_MAX) return value;
  console.error(`${flag} ${text}: expected a whole number from ${min} to ${SEED_MAX}`);
  process.exit(2);
}

function commit(): string {
  return execFileSync("git", ["describe", "--always", "--dirty"], { encoding: "utf8" }).trim();
}

function tellBroken({ seed, broken }: Pick<SeedReport, "seed" | "broken">): void {
  console.error(`BROKEN: seed ${seed}, commit ${commit()}: npm run simulate -- --seed ${seed}`);
  for (const what of broken) console.error(`  ${what}`);
}

/** One seed in a test build, with the same flags; its exit code. */
async function simulatePlanted(name: string): Promise<number> {
  if (values.seed === undefined) {
    console.error("--plant is for one seed: --seed N");
    return 2;
  }
  const plant = plantNamed(name);
  if (plant === undefined) {
    console.error(`--plant ${name}: no planted bug of that name, see npm run plants -- --list`);
    return 2;
  }
  const build = await testBuild("test/simulation/simulate.ts", plant);
  const args = process.argv.slice(2).filter((arg, i, all) => !/^--plant(=|$)/.test(arg) && all[i - 1] !== "--plant");
  try {
    const child = Bun.spawn([process.execPath, build.path, ...args], { stdio: ["ignore", "inherit", "inherit"] });
    return await child.exited;
  } finally {
    build.remove();
  }
}

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string", default: "2000" },
    from: { type: "string" },
    shrink: { type: "boolean", default: false },
    jobs: { type: "string" },
    plant: { type: "string" },
  },
});
if (values.plant !== undefined) process.exit(await simulatePlanted(values.plant));
if (values.seed !== undefined) {
  let outcome = await runSeed(whole("--seed", values.seed));
  if (values.shrink && outcome.broken.length > 0) outcome = await shrink(outcome, console.error);
  console.log(outcome.lines.join("\n"));
  console.log(`what has struck: ${outcome.strikes.join("; ") || "nothing"}`);
  console.log(`${outcome.ending}; trace ${outcome.hash}`);
  if (outcome.broken.length > 0) tellBroken(outcome);
  process.exit(outcome.broken.length > 0 ? 1 : 0);
}

const seeds = whole("--seeds", values.seeds);
const from = whole("--from", values.from ?? `${Date.now() % SEED_MAX}`);
const jobs = Math.min(whole("--jobs", values.jobs ?? `${availableParallelism()}`, 1), Math.max(1, seeds));
const tally = new Tally();
const beganAt = performance.now();
const seconds = (): number => (performance.now() - beganAt) / 1_000;
const isTerminal = process.stderr.isTTY === true;

function tellProgress(): void {
  const [done, all] = [tally.seeds, seeds].map((count) => count.toLocaleString("en-US"));
  const text = `${done} of ${all} seeds, ${(tally.seeds / seconds()).toFixed(1)} seeds/s, ${tally.broken} broken`;
  process.stderr.write(isTerminal ? `${ERASE_LINE}${text}` : `${text}\n`);
}

const interrupted = new AbortController();
process.once("SIGINT", () => interrupted.abort());
const progress = setInterval(tellProgress, isTerminal ? 1_000 : 10_000);
await runInChildren(
  { from, seeds, jobs },
  (report) => {
    tally.merge(report.counts);
    if (report.broken.length === 0) return;
    if (isTerminal) process.stderr.write(ERASE_LINE);
    tellBroken(report);
  },
  interrupted.signal,
);
clearInterval(progress);
if (isTerminal) process.stderr.write(ERASE_LINE);
console.log(summary(tally, seconds(), jobs));
process.exit(tally.broken > 0 ? 1 : interrupted.signal.aborted ? 130 : 0);

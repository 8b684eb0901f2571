/**
 * `npm run simulate`: lives through many seeds, or through one of them with its trace.
 *
 *   npm run simulate                        2000 fresh seeds
 *   npm run simulate -- --seeds 100         so many
 *   npm run simulate -- --from 7 --seeds 1  these
 *   npm run simulate -- --policy            only seeds whose brain has an exit policy: one of eight, and they take twice as long
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
import { flags, whole } from "../support/flags.ts";
import { runInChildren, SEED_MAX, type SeedReport } from "./children.ts";
import { type Plant, plantNamed } from "./planted/bugs.ts";
import { testBuild } from "./planted/build.ts";
import { runSeed } from "./world/run.ts";
import { shrink } from "./world/shrink.ts";
import { summary, Tally } from "./world/tally.ts";

const ERASE_LINE = "\r\u001b[K";

function commit(): string {
  return execFileSync("git", ["describe", "--always", "--dirty"], { encoding: "utf8" }).trim();
}

function tellBroken({ seed, broken }: Pick<SeedReport, "seed" | "broken">): void {
  console.error(`BROKEN: seed ${seed}, commit ${commit()}: npm run simulate -- --seed ${seed}`);
  for (const what of broken) console.error(`  ${what}`);
}

/** One seed in a test build, with the same flags; its exit code. */
async function simulatePlanted(plant: Plant): Promise<number> {
  const build = await testBuild("test/simulation/simulate.ts", plant);
  const args = process.argv.slice(2).filter((arg, i, all) => !/^--plant(=|$)/.test(arg) && all[i - 1] !== "--plant");
  try {
    const child = Bun.spawn([process.execPath, build.path, ...args], { stdio: ["ignore", "inherit", "inherit"] });
    return await child.exited;
  } finally {
    build.remove();
  }
}

/** One seed, with its trace; the exit code. */
async function simulateOne(seed: number, isShrunk: boolean): Promise<number> {
  let outcome = await runSeed(seed);
  if (isShrunk && outcome.broken.length > 0) outcome = await shrink(outcome, console.error);
  console.log(outcome.lines.join("\n"));
  console.log(`what has struck: ${outcome.strikes.join("; ") || "nothing"}`);
  console.log(`${outcome.ending}; trace ${outcome.hash}`);
  if (outcome.broken.length > 0) tellBroken(outcome);
  return outcome.broken.length > 0 ? 1 : 0;
}

function read(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: "string" },
      seeds: { type: "string", default: "2000" },
      from: { type: "string", default: `${Date.now() % SEED_MAX}` },
      policy: { type: "boolean", default: false },
      shrink: { type: "boolean", default: false },
      jobs: { type: "string", default: `${availableParallelism()}` },
      plant: { type: "string" },
    },
  });
  const plant = values.plant === undefined ? null : plantNamed(values.plant);
  if (plant === undefined)
    throw new Error(`--plant ${values.plant}: no planted bug of that name, see npm run plants -- --list`);
  const seed = values.seed === undefined ? null : whole("--seed", values.seed, 0, SEED_MAX);
  if (seed === null && plant !== null) throw new Error("--plant is for one seed: --seed N");
  if (seed === null && values.shrink) throw new Error("--shrink is for one seed: --seed N");
  const seeds = whole("--seeds", values.seeds, 1, SEED_MAX);
  return {
    plant,
    seed,
    seeds,
    from: whole("--from", values.from, 0, SEED_MAX),
    policyOnly: values.policy,
    shrinks: values.shrink,
    jobs: Math.min(whole("--jobs", values.jobs, 1, 64), seeds),
  };
}

const { plant, seed, seeds, from, policyOnly, shrinks, jobs } = flags(read);
if (plant !== null) process.exit(await simulatePlanted(plant));
if (seed !== null) process.exit(await simulateOne(seed, shrinks));

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
  { from, seeds, jobs, policyOnly },
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

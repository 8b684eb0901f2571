/**
 * Many seeds in several processes: one seed is one thread's work.
 *
 * Each process takes every n-th seed and says what came of each, in a line of JSON. A seed that ends its process, or does not
 * end, is broken, and the rest of that process's seeds goes on in a new one.
 */

import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { exitsOf } from "./world/policies.ts";
import { type Outcome, runSeed } from "./world/run.ts";
import { type Counted, NOTHING, Tally, type TallyCounts } from "./world/tally.ts";

/** What came of one seed. */
export interface SeedReport {
  readonly seed: number;
  /** What does not hold, in words; empty: everything did. */
  readonly broken: readonly string[];
  /** The tally of this one seed. */
  readonly counts: TallyCounts;
}

/** The last seed; behind it comes 0. */
export const SEED_MAX = 4_294_967_295;

/** What to run, and how. */
export interface Run {
  /** The first seed. */
  readonly from: number;
  readonly seeds: number;
  /** Passes over the seeds whose brain has no exit policy. */
  readonly policyOnly?: boolean;
  /** Processes at once. */
  readonly jobs: number;
  /** How long a seed may take before its process is ended. */
  readonly seedLimitMs?: number;
  /** What a process runs; gets `from`, its place in line, `seeds`, `jobs` and which seeds count as arguments. */
  readonly command?: readonly string[];
}

const POLICY_ONLY = "policy-only";

/** A seed takes 0.3 s at most where it has a core for itself, and nothing on virtual time waits for anything. */
const SEED_LIMIT_MS = 60_000;

/** A seed leaves 10 MB of garbage. Collected every 64 MB instead of every 8 that costs a tenth less; a process takes 180 MB. */
const ROOMY = { BUN_JSC_largeHeapSize: "67108864" };

/** Runs all of them, each told when it is through. Settles when all are, or once `signal` has aborted. */
export async function runInChildren(run: Run, told: (report: SeedReport) => void, signal: AbortSignal): Promise<void> {
  const job = async (first: number): Promise<void> => {
    for (let next = first; next < run.seeds && !signal.aborted; ) next = await runChild(run, next, told, signal);
  };
  await Promise.all(Array.from({ length: run.jobs }, (_, i) => job(i)));
}

/** One process, from that place in line on; returns the place at which another has to go on. */
async function runChild(
  {
    from,
    seeds,
    jobs,
    policyOnly = false,
    seedLimitMs = SEED_LIMIT_MS,
    command = [process.execPath, import.meta.path],
  }: Run,
  first: number,
  told: (report: SeedReport) => void,
  signal: AbortSignal,
): Promise<number> {
  const args = [...[from, first, seeds, jobs].map(String), policyOnly ? POLICY_ONLY : "all"];
  const env = { ...process.env, ...ROOMY };
  const child = Bun.spawn([...command, ...args], { env, stdin: "ignore", stdout: "pipe", stderr: "inherit", signal });
  let late = false;
  const overdue = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, seedLimitMs);
  let next = first;
  for await (const text of createInterface({ input: Readable.fromWeb(child.stdout) })) {
    overdue.refresh();
    told(JSON.parse(text) as SeedReport);
    next += jobs;
  }
  await child.exited;
  clearTimeout(overdue);
  if (next >= seeds || signal.aborted) return next;
  const how = child.signalCode ?? `exit code ${child.exitCode}`;
  const why = late ? `it did not end within ${seedLimitMs} ms` : `its process died: ${how}`;
  const seed = line(from, policyOnly).drop(next).next().value ?? from;
  told(reportOf({ ...NOTHING, seed, broken: [why] }));
  return next + jobs;
}

/** The seeds from that one on, in their places in line. */
function* line(from: number, policyOnly: boolean): Generator<number, void, void> {
  for (let seed = from; ; seed = seed === SEED_MAX ? 0 : seed + 1)
    if (!policyOnly || exitsOf(seed) !== null) yield seed;
}

function reportOf(outcome: Counted & Pick<Outcome, "seed">): SeedReport {
  const tally = new Tally();
  tally.add(outcome);
  return { seed: outcome.seed, broken: outcome.broken, counts: tally.counts() };
}

if (import.meta.main) {
  // Ctrl-C at a terminal reaches every process; the parent ends this one when it has heard of it.
  process.on("SIGINT", () => undefined);
  const [from = 0, first = 0, seeds = 0, jobs = 1] = process.argv.slice(2, 6).map(Number);
  const inLine = line(from, process.argv[6] === POLICY_ONLY).take(seeds);
  for (const [place, seed] of inLine.map((seed, at) => [at, seed] as const)) {
    if (place < first || (place - first) % jobs !== 0) continue;
    writeSync(1, `${JSON.stringify(reportOf(await runSeed(seed)))}\n`);
  }
}

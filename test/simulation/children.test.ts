import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { type Run, runInChildren, type SeedReport } from "./children.ts";
import { exitsOf } from "./world/policies.ts";
import { runSeed } from "./world/run.ts";
import { Tally } from "./world/tally.ts";

setDefaultTimeout(120_000);

const NEVER = new AbortController().signal;

async function reportsOf(run: Run): Promise<readonly SeedReport[]> {
  const reports: SeedReport[] = [];
  await runInChildren(run, (report) => reports.push(report), NEVER);
  return reports.sort((one, other) => one.seed - other.seed);
}

function tallyOf(reports: readonly SeedReport[]): Tally {
  const tally = new Tally();
  for (const { counts } of reports) tally.merge(counts);
  return tally;
}

/** A process that says of every seed that it held, and does `what` at seed 5. */
function childThat(what: string): readonly string[] {
  const counts = JSON.stringify(new Tally().counts());
  const script = `
    const [from, first, seeds, jobs] = process.argv.slice(-5).map(Number);
    for (let place = first; place < seeds; place += jobs) {
      if (from + place === 5) ${what};
      console.log(JSON.stringify({ seed: from + place, broken: [], counts: ${counts} }));
    }`;
  return [process.execPath, "-e", script];
}

test("seeds come to the same in one process and in three", async () => {
  const here = new Tally();
  for (let seed = 20; seed < 27; seed++) here.add(await runSeed(seed));
  const reports = await reportsOf({ from: 20, seeds: 7, jobs: 3 });
  expect(reports.map(({ seed }) => seed)).toEqual([20, 21, 22, 23, 24, 25, 26]);
  expect(tallyOf(reports).counts()).toEqual(here.counts());
});

test("seeds without a policy can be passed over, in one process as in three", async () => {
  const [one, three] = await Promise.all(
    [1, 3].map(async (jobs) => await reportsOf({ from: 20, seeds: 4, jobs, policyOnly: true })),
  );
  expect(one).toEqual(three);
  const passedOver = Array.from({ length: (one?.at(-1)?.seed ?? 0) - 19 }, (_, i) => 20 + i);
  expect(one?.map(({ seed }) => seed)).toEqual(passedOver.filter((seed) => exitsOf(seed) !== null));
});

test("the first seed comes after the last", async () => {
  const reports = await reportsOf({ from: 4_294_967_295, seeds: 2, jobs: 1 });
  expect(reports.map(({ seed }) => seed)).toEqual([0, 4_294_967_295]);
});

test.each([
  ["dies", "process.exit(3)", "its process died: exit code 3"],
  ["is killed", 'process.kill(process.pid, "SIGKILL")', "its process died: SIGKILL"],
  ["does not end", "for (;;);", "it did not end within 3000 ms"],
])("a seed whose process %s is broken, and the seeds behind it are run", async (_how, what, why) => {
  const reports = await reportsOf({ from: 1, seeds: 9, jobs: 2, seedLimitMs: 3_000, command: childThat(what) });
  expect(reports.map(({ seed }) => seed)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(reports.filter(({ broken }) => broken.length > 0).map(({ seed, broken }) => [seed, broken])).toEqual([
    [5, [why]],
  ]);
  expect(tallyOf(reports).counts()).toMatchObject({ seeds: 1, broken: 1, endings: { BROKEN: 1 } });
});

test("Ctrl-C ends with the summary of what has been run, and breaks nothing", async () => {
  const args = [process.execPath, join(import.meta.dirname, "simulate.ts"), "--seeds", "100000", "--jobs", "2"];
  // A group of its own, which gets the signal as it does from a terminal.
  const child = Bun.spawn(args, { detached: true, stdout: "pipe", stderr: "pipe" });
  await Bun.sleep(4_000);
  process.kill(-child.pid, "SIGINT");
  const [out, code] = [await new Response(child.stdout).text(), await child.exited];
  expect(out).toMatch(/^[1-9]\d* seeds, .+ seeds\/s in all, .+ per core \(2 processes\)$/m);
  expect(out).toMatch(/^([1-9]\d*) of \1 seeds held$/m);
  expect(code).toBe(130);
});

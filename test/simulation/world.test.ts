import { expect, setDefaultTimeout, test } from "bun:test";
import { keptSeeds } from "./world/kept.ts";
import { type Outcome, runSeed } from "./world/run.ts";
import { Tally } from "./world/tally.ts";

/*
 * What holds for the whole system on virtual time, whatever fails (simulation.md):
 *
 *   S1  nobody trips over a brain that beats, where Redis and the way to it are well;
 *   S3  a report is on record once for each event id, and once more for each loss of data;
 *   S4  no order of ours grows or turns a leg;
 *   S5  one life sends an order id once, and once more after a loss of data;
 *   S8  what is reported FLAT is flat at that moment;
 *   L   what is left when the rest is dead for ever gets the account flat, and on record where Redis is left, in time.
 */

setDefaultTimeout(300_000);

/** So long, and at least so many seeds that every situation is reached. More with `npm run simulate`. */
const FRESH_MS = 20_000;
const FRESH_MIN = 120;

function check({ seed, broken }: Outcome): void {
  expect({ replay: `npm run simulate -- --seed ${seed}`, broken }).toEqual({
    replay: `npm run simulate -- --seed ${seed}`,
    broken: [],
  });
}

test("the seeds that have found something hold", async () => {
  expect(keptSeeds().length).toBeGreaterThan(0);
  for (const seed of keptSeeds()) check(await runSeed(seed));
});

test("fresh seeds hold, and reach every situation that they are there for", async () => {
  const tally = new Tally();
  const from = Math.floor(Math.random() * 4_000_000_000);
  const until = performance.now() + FRESH_MS;
  for (let i = 0; i < FRESH_MIN || performance.now() < until; i++) {
    const outcome = await runSeed(from + i);
    check(outcome);
    tally.add(outcome);
  }
  expect({ from, missed: tally.missed() }).toEqual({ from, missed: [] });
});

test("a seed is one run, to the last line", async () => {
  const [one, again, other] = [await runSeed(7), await runSeed(7), await runSeed(8)];
  expect(again.lines).toEqual(one.lines);
  expect(again.hash).toBe(one.hash);
  expect(other.hash).not.toBe(one.hash);
});

import { expect, setDefaultTimeout, test } from "bun:test";
import { availableParallelism } from "node:os";
import { PLANTED } from "./planted/bugs.ts";
import { planted } from "./planted/build.ts";
import { caughtFrom } from "./planted/caught.ts";
import { hunt } from "./planted/hunt.ts";
import { share } from "./planted/share.ts";

setDefaultTimeout(600_000);

/** Beyond the seed that has caught it, for what a small change of the simulation shifts. */
const SEEDS = 60;

/** Those that take thousands of seeds are for `npm run plants` alone: no line in `caught-from`. */
const PLANTED_MIN = 24;

const JOBS = Math.min(4, availableParallelism());

test("planted bugs are caught, and what ships holds over the same seeds", async () => {
  const from = caughtFrom();
  const plants = PLANTED.filter(({ name }) => from.has(name));
  expect(plants.length).toBeGreaterThanOrEqual(PLANTED_MIN);
  const verdicts = await share(JOBS, plants, async (plant) => {
    let seeds = 0;
    const begin = from.get(plant.name) ?? 1;
    const caught = await hunt(plant, begin, SEEDS, () => {
      seeds += 1;
    });
    return { name: plant.name, isCaught: caught !== null, falseAlarm: await hunt(null, begin, seeds) };
  });
  expect(verdicts.filter(({ isCaught }) => !isCaught).map(({ name }) => name)).toEqual([]);
  expect(verdicts.flatMap(({ falseAlarm }) => falseAlarm ?? [])).toEqual([]);
});

test("a bug whose place is gone, or there twice, is not planted", () => {
  const plant = { name: "a-bug", file: "src/core/some.ts", from: "yes", to: "no", danger: "" };
  expect(planted(plant, "yes and no")).toBe("no and no");
  expect(() => planted(plant, "nothing")).toThrow("0 times in src/core/some.ts, expected once");
  expect(() => planted(plant, "yes, yes")).toThrow("2 times in src/core/some.ts, expected once");
});

test("a bug has a name of its own, and differs from what ships", () => {
  expect(new Set(PLANTED.map(({ name }) => name)).size).toBe(PLANTED.length);
  for (const { from, to } of PLANTED) expect(to).not.toBe(from);
});

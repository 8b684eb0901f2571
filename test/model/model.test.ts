/** The protocol of an incident holds in every state that can be reached, and the check would notice if it did not. */

import { expect, test } from "bun:test";
import { checkModel } from "../../build/model.ts";

/** A minute on one idle core. */
const LIMIT_MS = 600_000;

test(
  "spin finds nothing in the model of an incident, and every bug that is planted in it",
  async () => {
    const verdicts = await checkModel(() => undefined);
    expect(verdicts.filter(({ ok }) => !ok)).toEqual([]);
    const [planted, good] = [true, false].map((bug) => verdicts.filter(({ name }) => name.startsWith("BUG_") === bug));
    expect(planted).toHaveLength(12);
    expect(good?.map(({ search }) => search.complaint)).toEqual([null, null, null, null, null]);
    // A model in which little can happen proves little.
    for (const { search } of good ?? []) expect(search.states).toBeGreaterThan(1_000_000);
  },
  LIMIT_MS,
);

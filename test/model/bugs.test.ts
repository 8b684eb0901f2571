/** The check of the model would notice if the protocol did not hold. Beside the other one, so that each has a core. */

import { expect, test } from "bun:test";
import { checkBugs } from "../../build/model.ts";

/** Some thirty seconds on one idle core. */
const LIMIT_MS = 600_000;

test(
  "spin finds every bug that is planted in the model of an incident",
  async () => {
    const verdicts = await checkBugs(() => undefined);
    expect(verdicts.filter(({ ok }) => !ok)).toEqual([]);
    expect(verdicts).toHaveLength(12);
  },
  LIMIT_MS,
);

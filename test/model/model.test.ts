/** The protocol of an incident holds in every state that can be reached. */

import { expect, test } from "bun:test";
import { checkProperties } from "../../build/model.ts";

/** Some thirty seconds on one idle core. */
const LIMIT_MS = 600_000;

test(
  "spin finds nothing in the model of an incident",
  async () => {
    const verdicts = await checkProperties(() => undefined);
    expect(verdicts.filter(({ ok }) => !ok)).toEqual([]);
    expect(verdicts.map(({ search }) => search.complaint)).toEqual([null, null, null, null, null]);
    // A model in which little can happen proves little.
    for (const { search } of verdicts) expect(search.states).toBeGreaterThan(1_000_000);
  },
  LIMIT_MS,
);

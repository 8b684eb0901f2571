/** Leaves out the faults of a failing seed that do not matter for its failure. */

import { type Outcome, runSeed } from "./run.ts";

/** The rule that was broken first: `S8`. Only a run that breaks the same one is the same failure. */
function ruleOf({ broken }: Outcome): string {
  return broken[0]?.split(":", 1)[0] ?? "";
}

/**
 * Tries to leave out halves of what has struck, then quarters, down to single faults, for as long as the same rule breaks.
 *
 * A fault that is left out changes what comes after it, so others may strike that had not; they count as well.
 */
export async function shrink(failed: Outcome, tell: (what: string) => void): Promise<Outcome> {
  const rule = ruleOf(failed);
  let best = failed;
  let leftOut: ReadonlySet<string> = new Set();
  let runs = 0;
  for (let size = Math.ceil(best.strikes.length / 2); size >= 1; ) {
    let isSmaller = false;
    for (let from = 0; from < best.strikes.length; ) {
      const tried = new Set([...leftOut, ...best.strikes.slice(from, from + size)]);
      const outcome = await runSeed(failed.seed, tried);
      runs += 1;
      if (outcome.broken.length > 0 && ruleOf(outcome) === rule && outcome.strikes.length < best.strikes.length) {
        [best, leftOut, isSmaller] = [outcome, tried, true];
        tell(`${best.strikes.length} faults left after ${runs} runs`);
      } else from += size;
    }
    // Once more with the same size: what is left now may have needed what has gone since.
    if (!isSmaller) size = size === 1 ? 0 : Math.ceil(size / 2);
  }
  return best;
}

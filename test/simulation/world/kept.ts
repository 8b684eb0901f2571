/** Seeds that have found something, in `test/simulation/seeds`: a line each, the seed and what it found. */

import { readFileSync } from "node:fs";
import { join } from "node:path";

/** All of them, in their order. */
export function keptSeeds(): readonly number[] {
  const text = readFileSync(join(import.meta.dirname, "..", "seeds"), "utf8");
  return text.split("\n").flatMap((line) => (/^\d/.test(line) ? [Number.parseInt(line, 10)] : []));
}

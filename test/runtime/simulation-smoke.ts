/** Lives through a few seeds and prints what each came to: the same on every runtime, or something here is not determined by the seed. */

import { runSeed } from "../simulation/world/run.ts";

for (let seed = 0; seed < 8; seed++) {
  const { ending, hash } = await runSeed(seed);
  console.log(`seed ${seed}: ${ending}, trace ${hash}`);
}

/** A seed is the same run wherever Quantum runs. */

import { expect, test } from "bun:test";
import { join } from "node:path";
import { ROOT, run } from "../support/run.ts";

const SMOKE = join(ROOT, "test", "runtime", "simulation-smoke.ts");

test("a seed is the same run on Bun and on Deno, to the last line of its trace", async () => {
  const deno = join(ROOT, "node_modules", ".bin", "deno");
  const [onBun, onDeno] = await Promise.all([run(process.execPath, [SMOKE]), run(deno, ["run", "-A", SMOKE])]);
  expect(onBun.stdout.match(/^seed \d: .+, trace [\da-f]{64}$/gm)).toHaveLength(8);
  expect(onDeno.stdout).toBe(onBun.stdout);
}, 120_000);

/** Looks for a planted bug: how many seeds does the simulation take to catch it? */

import { runInChildren, type SeedReport } from "../children.ts";
import type { Plant } from "./bugs.ts";
import { testBuild } from "./build.ts";

/**
 * Runs `seeds` seeds from `from` on with the bug, or as many as it takes until one is broken; null: without any bug.
 *
 * @param each is told of every seed.
 * @returns the seed that was broken; null if everything held.
 * @throws {Error} if the bug can't be planted.
 */
export async function hunt(
  plant: Plant | null,
  from: number,
  seeds: number,
  each: (report: SeedReport) => void = () => {},
): Promise<SeedReport | null> {
  const build = await testBuild("test/simulation/children.ts", plant);
  const caught = new AbortController();
  let broken: SeedReport | null = null;
  try {
    const told = (report: SeedReport): void => {
      if (broken !== null) return;
      each(report);
      if (report.broken.length === 0) return;
      broken = report;
      caught.abort();
    };
    await runInChildren({ from, seeds, jobs: 1, command: [process.execPath, build.path] }, told, caught.signal);
    return broken;
  } finally {
    build.remove();
  }
}

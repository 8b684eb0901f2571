/** From which seed each planted bug is caught within a few: `caught-from`, a line each. `npm run plants -- --renew` writes it. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FILE = join(import.meta.dirname, "caught-from");

const HEAD = [
  "# The seed that catches each planted bug. A change of what a run draws makes it a seed like any other: npm run plants -- --renew",
];

/** The seeds by the bug's name. */
export function caughtFrom(): ReadonlyMap<string, number> {
  const lines = readFileSync(FILE, "utf8").split("\n");
  return new Map(
    lines.flatMap((line): readonly (readonly [string, number])[] => {
      const [seed, name] = line.trim().split(/\s+/, 2);
      return name === undefined || seed === undefined || !/^\d+$/.test(seed) ? [] : [[name, Number(seed)]];
    }),
  );
}

/** The file's text for these seeds. */
export function caughtText(seeds: ReadonlyMap<string, number>): string {
  const lines = [...seeds].map(([name, seed]) => `${`${seed}`.padStart(6)} ${name}`);
  return `${[...HEAD, ...lines].join("\n")}\n`;
}

/** Writes it. */
export function writeCaught(seeds: ReadonlyMap<string, number>): void {
  writeFileSync(FILE, caughtText(seeds));
}

/** The test build: the simulation as it is, but for the few characters of one planted bug. The sources stay as they are. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BunPlugin } from "bun";
import type { Plant } from "./bugs.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");

/** A bundle in a directory of its own. */
export interface TestBuild {
  readonly path: string;
  /** Takes the directory away. */
  remove(): void;
}

/**
 * Bundles an entry (a path from the repository's root) with the bug; null: without any.
 *
 * @throws {Error} if the bug's text is not in its file, or more than once.
 */
export async function testBuild(entry: string, plant: Plant | null): Promise<TestBuild> {
  const plugins = plant === null ? [] : [planting(plant)];
  const folder = mkdtempSync(join(tmpdir(), "quantum-plant-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const built = await Bun.build({ entrypoints: [join(ROOT, entry)], outdir: folder, target: "bun", plugins });
    const path = built.outputs.find(({ kind }) => kind === "entry-point")?.path;
    if (path === undefined) throw new Error(`${entry} was built without an entry`);
    return { path, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function planting(plant: Plant): BunPlugin {
  const contents = planted(plant, readFileSync(join(ROOT, plant.file), "utf8"));
  return {
    name: plant.name,
    setup: (build) => {
      const isFile = new RegExp(`^${RegExp.escape(join(ROOT, plant.file))}$`);
      build.onLoad({ filter: isFile }, () => ({ contents, loader: "ts" }));
    },
  };
}

/**
 * The file's text with the bug in it.
 *
 * @throws {Error} if there is not exactly one place for it.
 */
export function planted({ name, file, from, to }: Plant, text: string): string {
  const places = text.split(from).length - 1;
  if (places === 1) return text.replace(from, () => to);
  throw new Error(
    `Cannot plant ${name}: its text is ${places} times in ${file}, expected once. The product moved, move the plant`,
  );
}

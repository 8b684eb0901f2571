import { existsSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { known, type Reading, unknown } from "../../core/reading.ts";

/**
 * Whether files can be kept in a directory: writes one and removes it. A directory that does not exist is not created,
 * which would make it the caller's own; then it is tried in the one that it would be created in.
 */
export function writableDirectory(path: string): Reading<null> {
  const probe = join(nearest(path), `.quantum-probe-${process.pid}`);
  try {
    writeFileSync(probe, "", { mode: 0o600 });
    rmSync(probe);
    return known(null);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    return unknown(`${path} can't be written (${code})`);
  }
}

function nearest(path: string): string {
  const parent = dirname(path);
  return existsSync(path) || parent === path ? path : nearest(parent);
}

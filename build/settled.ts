import { chmodSync, lstatSync, readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";

/**
 * Takes out of a folder what would differ from one build to the next: every time becomes `epoch`, in seconds since 1970, and
 * the rights no longer depend on the umask. Files named in `executables`, and folders, may be executed.
 */
export function settle(folder: string, executables: readonly string[], epoch: number): void {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  for (const path of [...names.map((name) => join(folder, name)), folder]) {
    const isOpen = lstatSync(path).isDirectory() || executables.includes(path);
    chmodSync(path, isOpen ? 0o755 : 0o644);
    utimesSync(path, epoch, epoch);
  }
}

/** Cases that several processes take one by one, each of them once: a directory with a file for each that is taken. */

import { closeSync, openSync } from "node:fs";
import { join } from "node:path";

/** Takes a case; false if another process has it. */
export function take(directory: string, name: string): boolean {
  try {
    closeSync(openSync(join(directory, name), "wx"));
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

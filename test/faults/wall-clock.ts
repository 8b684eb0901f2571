/** Wall clocks that go wrong, one process at a time (`clock-shim.c`). */

import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A wall clock that can be shifted while its process runs. */
export interface WallClock {
  /** What the process's environment must have. */
  readonly env: Readonly<Record<string, string>>;
  /** From now on the process's wall clock is off by so much; its monotonic clock is not. */
  shift(ms: number): void;
}

/** A clock that is right until it is shifted. Needs gcc. */
export function wallClock(directory: string, name: string): WallClock {
  const file = join(directory, `${name}.clock`);
  const shift = (ms: number): void => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(Math.round(ms)) * 1_000_000n);
    // In place: the process has the file mapped.
    writeFileSync(file, bytes, { flag: existsSync(file) ? "r+" : "w" });
  };
  shift(0);
  return { env: { LD_PRELOAD: compiled(directory), CLOCK_SHIM_FILE: file }, shift };
}

function compiled(directory: string): string {
  const file = join(directory, "clock-shim.so");
  if (!existsSync(file)) {
    execFileSync("gcc", ["-shared", "-fPIC", "-O2", "-o", file, join(import.meta.dir, "clock-shim.c")]);
  }
  return file;
}

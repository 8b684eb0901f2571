/**
 * Builds `./quantum` for this machine; or, with `--target linux-x64` or `--target linux-arm64` and `--outfile PATH`, for
 * another one.
 */

import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildExecutable } from "./executable.ts";
import { MACHINES, type Target } from "./runtime.ts";

const { values } = parseArgs({ options: { target: { type: "string" }, outfile: { type: "string" } } });
const outfile = resolve(values.outfile ?? join(import.meta.dir, "..", "quantum"));
const target = values.target ?? null;
if (target !== null && !isTarget(target)) {
  console.error(`--target is ${target}: expected ${Object.keys(MACHINES).join(" or ")}`);
  process.exit(2);
}
await buildExecutable(target, outfile);
const version = target === null ? execFileSync(outfile, ["--version"], { encoding: "utf8" }).trim() : `for ${target}`;
console.error(`built ${values.outfile ?? "./quantum"} ${version}, ${Math.round(statSync(outfile).size / 1e6)} MB`);

function isTarget(name: string): name is Target {
  return name in MACHINES;
}

/** Builds `./quantum`: one executable that needs no file beside it. */

import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..");
const CACHE = join(ROOT, "build", ".cache");

/**
 * Bun reads these variables before any code of ours runs: BUN_OPTIONS can preload a script, BUN_BE_BUN turns the
 * executable into the bun command line, BUN_INSPECT… opens a debugger. There is no switch against them, so the
 * runtime that is packed in gets names that no environment can hold; src/main.ts can then refuse the real ones.
 */
const RENAMED = ["BUN_OPTIONS", "BUN_BE_BUN", "BUN_INSPECT"] as const;
const DISARMED_PREFIX = "\0\0\0";

function disarmedRuntime(): string {
  const runtime = readFileSync(process.execPath);
  for (const name of RENAMED) {
    const before = Buffer.from(name);
    let found = 0;
    for (let at = runtime.indexOf(before); at !== -1; at = runtime.indexOf(before, at)) {
      runtime.write(DISARMED_PREFIX, at);
      found++;
    }
    if (found === 0)
      throw new Error(`Bun ${Bun.version} does not contain ${name}: look at how it reads its environment now`);
  }
  mkdirSync(CACHE, { recursive: true });
  const path = join(CACHE, `bun-${Bun.version}`);
  writeFileSync(path, runtime);
  chmodSync(path, 0o755);
  return path;
}

function commit(): string {
  const git = (...args: string[]): string => execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).trim();
  try {
    const changed = git("status", "--porcelain") === "" ? "" : "-changed";
    return `${git("rev-parse", "--short=12", "HEAD")}${changed}`;
  } catch {
    return "no commit";
  }
}

const outfile = join(ROOT, "quantum");
const built = await Bun.build({
  entrypoints: [join(ROOT, "src", "main.ts")],
  target: "bun",
  format: "esm",
  minify: { whitespace: true, syntax: true },
  bytecode: true,
  define: { QUANTUM_COMMIT: JSON.stringify(commit()) },
  compile: {
    outfile,
    executablePath: disarmedRuntime(),
    autoloadDotenv: false,
    autoloadBunfig: false,
    autoloadTsconfig: false,
    autoloadPackageJson: false,
  },
});
for (const message of built.logs) console.error(message.message);
if (!built.success) process.exit(1);
const version = execFileSync(outfile, ["--version"], { encoding: "utf8" }).trim();
console.error(`built ./quantum ${version}, ${Math.round(statSync(outfile).size / 1e6)} MB`);

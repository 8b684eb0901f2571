import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { disarmedRuntime, elfMachineOf, MACHINES, type Target } from "./runtime.ts";

const ROOT = join(import.meta.dir, "..");

/** Where modules live inside the executable. */
const INSIDE = "/$bunfs/root";

/**
 * Builds one executable that needs no file beside it.
 *
 * The same commit gives the same bytes, whoever builds it and in whichever folder: what would differ is only the place of the
 * packages, which Bun writes into each that asks for it.
 *
 * @param target null: for this machine, with the runtime that is running.
 */
export async function buildExecutable(target: Target | null, outfile: string): Promise<void> {
  mkdirSync(dirname(outfile), { recursive: true });
  // Beside it, so that it is put in place by a rename; and under this name, which Bun writes into it.
  const folder = mkdtempSync(join(dirname(outfile), ".quantum-build-"));
  try {
    const path = join(folder, "quantum");
    await build(target, path);
    check(target, readFileSync(path));
    chmodSync(path, 0o755);
    renameSync(path, outfile);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function build(target: Target | null, outfile: string): Promise<void> {
  const built = await Bun.build({
    entrypoints: [join(ROOT, "src", "main.ts")],
    target: "bun",
    format: "esm",
    minify: { whitespace: true, syntax: true },
    bytecode: true,
    define: {
      __dirname: JSON.stringify(INSIDE),
      __filename: JSON.stringify(`${INSIDE}/quantum`),
      QUANTUM_COMMIT: JSON.stringify(commit()),
    },
    compile: {
      outfile,
      executablePath: disarmedRuntime(target),
      ...(target === null ? {} : { target: `bun-${target}` as const }),
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      autoloadPackageJson: false,
    },
  });
  for (const message of built.logs) console.error(message.message);
  if (!built.success) throw new Error("not built");
}

function check(target: Target | null, executable: Buffer): void {
  if (target !== null && elfMachineOf(executable) !== MACHINES[target].elfMachine) {
    throw new Error(`what was built is not for ${target}`);
  }
  const folder = join(ROOT, "node_modules");
  if (executable.includes(`${folder}/`)) throw new Error(`what was built holds the name of the folder ${folder}`);
}

/** The commit as it is stamped in; a tree that is not as committed says so. */
export function commit(): string {
  const git = (...args: string[]): string => execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).trim();
  try {
    const changed = git("status", "--porcelain") === "" ? "" : "-changed";
    return `${git("rev-parse", "HEAD").slice(0, 12)}${changed}`;
  } catch {
    return "no commit";
  }
}

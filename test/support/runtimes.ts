import { join } from "node:path";
import { QUANTUM, ROOT } from "./run.ts";

const MAIN = join(ROOT, "src", "main.ts");

/** Every way in which Quantum is run: the program, and the arguments before its own. */
export const RUNTIMES: readonly (readonly [name: string, file: string, args: readonly string[]])[] = [
  ["the built executable", QUANTUM, []],
  ["the sources under Bun", process.execPath, [MAIN]],
  ["the sources under Deno", join(ROOT, "node_modules", ".bin", "deno"), ["run", "-A", MAIN]],
];

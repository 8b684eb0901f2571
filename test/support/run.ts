/** Runs a program to its end, as a user would. */

import { spawn } from "node:child_process";
import { join } from "node:path";

/** The repository. */
export const ROOT: string = join(import.meta.dir, "..", "..");

/** The built executable; `npm test` builds it first. */
export const QUANTUM: string = join(ROOT, "quantum");

/** What came of a run. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run it. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Called with everything on stderr so far, as it grows, and with a way to send a signal. */
  readonly watch?: (stderr: string, kill: (signal: NodeJS.Signals) => void) => void;
}

/** No drill takes longer; a program that does is ended, and its run has failed. */
const LIMIT_MS = 100_000;

/** Runs `file` with nothing of this process's environment but PATH, and waits until its output is drained. */
export function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const env = { PATH: process.env["PATH"] ?? "", ...options.env };
  const child = spawn(file, [...args], { env, cwd: options.cwd ?? ROOT, stdio: ["ignore", "pipe", "pipe"] });
  const limit = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
    options.watch?.(stderr, (signal) => child.kill(signal));
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(limit);
      resolve({ code, stdout, stderr });
    });
  });
}

/** A drill in a sandbox as a user runs it, and whatever it leaves behind. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Finished, QUANTUM, type RunOptions, run } from "./run.ts";

/** How long a drill may take on a busy machine, all of it. */
export const DRILL_MS = 120_000;

/** What came of a drill. */
export interface Drill extends Finished {
  /** Names of files that the drill left in its temporary directory. */
  readonly filesLeft: readonly string[];
  /** Command lines of processes that still run with it. */
  readonly processesLeft: readonly string[];
}

/** Runs a drill in a temporary directory of its own, so that whatever it leaves behind is found. */
export async function drill(args: readonly string[], options: RunOptions = {}): Promise<Drill> {
  const directory = mkdtempSync(join(tmpdir(), "quantum-e2e-"));
  try {
    const finished = await run(QUANTUM, ["chaos", "--sandbox", ...args], {
      ...options,
      env: { TMPDIR: directory, ...options.env },
    });
    return { ...finished, filesLeft: readdirSync(directory), processesLeft: processesOf(directory) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Processes whose command line or environment names the directory. */
function processesOf(directory: string): readonly string[] {
  const read = (path: string): string => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return "";
    }
  };
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter(
      (pid) => read(`/proc/${pid}/cmdline`).includes(directory) || read(`/proc/${pid}/environ`).includes(directory),
    )
    .map((pid) => read(`/proc/${pid}/cmdline`).replaceAll("\0", " "));
}

/** `chaos --json`. */
export interface Document {
  readonly passed: boolean;
  readonly event_id: string | null;
  readonly checks: readonly { readonly name: string; readonly measured: unknown; readonly passed: boolean }[];
  readonly recovery: { readonly passed: boolean } | null;
}

/** The document that it printed. */
export function document({ stdout }: Finished): Document {
  return JSON.parse(stdout) as Document;
}

/** The runbook's criteria, in their order. */
export const CRITERIA: readonly string[] = [
  "heartbeat_to_panic_ms",
  "panic_to_flat_ms",
  "kill_to_flat_ms",
  "positions_failed",
  "trading_halted",
];

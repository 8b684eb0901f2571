/** The command line in this process, with nothing of the process around it. */

import { runCli } from "../../src/cli/cli.ts";
import type { ExitCode } from "../../src/cli/io.ts";
import type { Env } from "../../src/config/env.ts";

/** What came of a command line. */
export interface Ran {
  readonly code: ExitCode;
  /** Each line of standard output. */
  readonly out: readonly string[];
  /** Each line of standard error. */
  readonly err: readonly string[];
}

/** What surrounds a command line; nothing of it is set if not given. */
export interface Surroundings {
  readonly env?: Env;
  readonly terminal?: boolean;
  readonly columns?: number;
  /** What a person answers; null: nobody is there. */
  readonly answer?: string | null;
  readonly signal?: AbortSignal;
}

/** Runs one command line to its end. */
export async function cli(argv: readonly string[], surroundings: Surroundings = {}): Promise<Ran> {
  const { env = {}, terminal = false, columns, answer = null, signal = new AbortController().signal } = surroundings;
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCli(argv, {
    env,
    terminal,
    columns,
    journal: false,
    signal,
    // Words and exit codes are at stake here, on a machine that may be busy; how quick the executable is has a test of its own.
    uptimeMs: () => -3_000,
    out: (text) => out.push(...text.split("\n")),
    err: (text) => err.push(...text.split("\n")),
    ask: async () => answer,
    lastWords: { tell: null },
  });
  return { code, out, err };
}

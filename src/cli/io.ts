import { type Env, variable } from "../config/env.ts";

/** What a command may touch of the process it runs in; tests bring their own. */
export interface Io {
  readonly env: Env;
  /** One line of result. With `--json`, the document and nothing else. */
  out(text: string): void;
  /** One line of progress or complaint. */
  err(text: string): void;
  /** A question on the terminal; null if there is nobody to answer. */
  ask(question: string): Promise<string | null>;
  /** Standard output is a terminal. */
  readonly terminal: boolean;
  /** How long ago the process was started, in milliseconds: loading the program is part of what a caller waits for. */
  uptimeMs(): number;
  /** Aborts when the process is asked to stop. */
  readonly signal: AbortSignal;
}

/** Whether a result may have colours (contract section 1): on a terminal only, none with NO_COLOR. */
export function coloursWanted({ env, terminal }: Io): boolean {
  return terminal && variable(env, "NO_COLOR") === null;
}

/** A command that has run: the exit code (contract section 1). */
export type ExitCode = 0 | 1 | 2;

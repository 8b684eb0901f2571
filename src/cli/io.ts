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
  /** How many characters a line of it holds; not set: not known. */
  readonly columns?: number | undefined;
  /** Standard output goes to the journal. */
  readonly journal: boolean;
  /** How long ago the process was started, in milliseconds: loading the program is part of what a caller waits for. */
  uptimeMs(): number;
  /** Aborts when the process is asked to stop. */
  readonly signal: AbortSignal;
  /** Where a role leaves how people are told that a defect ends it; the last one counts. */
  readonly lastWords: LastWords;
}

/** What is said of a defect before it ends the process. */
export interface LastWords {
  /** Tells people; null as long as nobody is to be told. Must not reject. */
  tell: ((why: string) => Promise<void>) | null;
}

/** Whether a result may have colours (contract section 1): on a terminal only, none with NO_COLOR. */
export function coloursWanted({ env, terminal }: Io): boolean {
  return terminal && variable(env, "NO_COLOR") === null;
}

/** A command that has run: the exit code (contract section 1). */
export type ExitCode = 0 | 1 | 2;

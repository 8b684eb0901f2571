/** Process entry: argv in, exit code out. The only place that ends the process. */

import { createInterface } from "node:readline/promises";
import { hideBin } from "yargs/helpers";
import { hostEnvironmentObjection } from "./adapters/host/environment.ts";
import { writeLine } from "./adapters/host/output.ts";
import { isJournalStream } from "./adapters/systemd/journal-stream.ts";
import { runCli } from "./cli/cli.ts";
import type { Io } from "./cli/io.ts";

const stop = new AbortController();

const io: Io = {
  env: process.env,
  out: (text) => writeLine(1, text),
  err: (text) => writeLine(2, text),
  ask: async (question) => {
    if (!process.stdin.isTTY) return null;
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return await terminal.question(question, { signal: stop.signal });
    } catch {
      return null;
    } finally {
      terminal.close();
    }
  },
  terminal: process.stdout.isTTY === true,
  columns: process.stdout.columns,
  journal: isJournalStream(process.env["JOURNAL_STREAM"], 1),
  uptimeMs: () => performance.now(),
  signal: stop.signal,
  lastWords: { tell: null },
};

/** How long the last words may take: the supervisor starts the role again only after them. */
const LAST_WORDS_MS = 1_000;

/** A defect ends the process, in one line: a protector that limps is worse than one that is started again. */
async function crash(error: unknown): Promise<never> {
  const why = error instanceof Error ? error.message : String(error);
  io.err(`quantum: ended by a defect, please report it: ${why}`);
  const { tell } = io.lastWords;
  // A second defect on the way out ends it at once.
  io.lastWords.tell = null;
  if (tell !== null) await Promise.race([tell(why), new Promise((resolve) => setTimeout(resolve, LAST_WORDS_MS))]);
  process.exit(1);
}

process.on("uncaughtException", (error) => void crash(error));
process.on("unhandledRejection", (error) => void crash(error));
// With its name as the reason: a guard hands it on to its bot.
process.on("SIGTERM", () => stop.abort("SIGTERM"));
process.on("SIGINT", () => stop.abort("SIGINT"));

const objection = hostEnvironmentObjection(process.env);
if (objection !== null) {
  io.err(`quantum: ${objection}`);
  process.exit(2);
}
process.exit(await runCli(hideBin(process.argv), io));

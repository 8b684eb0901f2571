/** Process entry: argv in, exit code out. The only place that ends the process. */

import { createInterface } from "node:readline/promises";
import { hideBin } from "yargs/helpers";
import { hostEnvironmentObjection } from "./adapters/host/environment.ts";
import { writeLine } from "./adapters/host/output.ts";
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
  uptimeMs: () => performance.now(),
  signal: stop.signal,
};

/** A defect ends the process, in one line: a protector that limps is worse than one that is started again. */
function crash(error: unknown): never {
  io.err(`quantum: ended by a defect, please report it: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}

process.on("uncaughtException", crash);
process.on("unhandledRejection", crash);
process.on("SIGTERM", () => stop.abort());
process.on("SIGINT", () => stop.abort());

const objection = hostEnvironmentObjection(process.env);
if (objection !== null) {
  io.err(`quantum: ${objection}`);
  process.exit(2);
}
process.exit(await runCli(hideBin(process.argv), io));

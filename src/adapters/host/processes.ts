/** Child processes that are never left behind. */

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { known, type Reading, unknown } from "../../core/reading.ts";

/** What to run. */
export interface ProcessOptions {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Standard output and error go here, appended. */
  readonly logFile: string;
}

/** A child process of ours. */
export class ChildRun {
  readonly #child: ChildProcess;
  readonly #logFile: string;
  /** Settles when the process is gone, or could not be started: then with the reason. */
  readonly ended: Promise<string | null>;
  #over = false;

  constructor({ file, args, env, cwd, logFile }: ProcessOptions) {
    const log = openSync(logFile, "a");
    this.#logFile = logFile;
    // A process group of its own: Ctrl-C in the terminal is for us, and we end the children in order.
    this.#child = spawn(file, [...args], { env: { ...env }, cwd, stdio: ["ignore", log, log], detached: true });
    closeSync(log);
    this.ended = new Promise((resolve) => {
      this.#child.once("error", (error) => resolve(error.message));
      this.#child.once("exit", () => resolve(null));
    });
    void this.ended.then(() => {
      this.#over = true;
    });
  }

  /** Its number while it runs; null: it could not be started, or is gone. */
  pid(): number | null {
    return this.running() ? (this.#child.pid ?? null) : null;
  }

  /** Whether it runs; a frozen process does. */
  running(): boolean {
    return !this.#over && this.#child.pid !== undefined;
  }

  /** Sends a signal; unknown if there is no process to send it to. */
  signal(name: NodeJS.Signals): Reading<null> {
    return this.#kill(name) ? known(null) : unknown(`${name} could not be sent: the process is gone`);
  }

  /** Ends the process for certain, frozen or not, and waits until it is gone. */
  async end(): Promise<void> {
    if (this.#kill("SIGKILL")) await this.ended;
  }

  /** By pid: under Deno, `ChildProcess.kill` sends a first signal only, and says that it sent the next one too. */
  #kill(name: NodeJS.Signals): boolean {
    const { pid } = this.#child;
    if (this.#over || pid === undefined) return false;
    try {
      return process.kill(pid, name);
    } catch {
      return false;
    }
  }

  /** Everything it has written so far. */
  log(): string {
    return readFileSync(this.#logFile, "utf8");
  }
}

import { type ChildProcess, spawn } from "node:child_process";
import { known, type Reading, unknown } from "../../core/reading.ts";
import { after } from "../../core/time.ts";
import type { Probe } from "../../ports/bot.ts";
import type { Clock } from "../../ports/clock.ts";

/** A command line for `/bin/sh`. */
export interface CommandProbeOptions {
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
  readonly deadlineMs: number;
  readonly clock: Clock;
}

/**
 * Passes where the command exits with 0. At its deadline it is killed, with all that is in its process group. It is never
 * repeated in an answer: there may be a password in it.
 */
export function commandProbe({ command, env, deadlineMs, clock }: CommandProbeOptions): Probe {
  return {
    check: () =>
      new Promise<Reading<null>>((resolve) => {
        let shell: ChildProcess;
        try {
          shell = spawn("/bin/sh", ["-c", command], { env: { ...env }, stdio: "ignore", detached: true });
        } catch (error) {
          return resolve(unknown(`the probe's command can't be started: ${String(error)}`));
        }
        const settle = (answer: Reading<null>): void => {
          cancel();
          // Behind an answer, too: what it leaves behind must not pile up, one each second.
          if (shell.pid !== undefined) killGroup(shell.pid);
          resolve(answer);
        };
        const cancel = clock.at(after(clock.now(), deadlineMs), () =>
          settle(unknown(`the probe's command was not done within ${deadlineMs} ms, and was killed`)),
        );
        shell.once("error", (error) => settle(unknown(`the probe's command can't be started: ${error.message}`)));
        shell.once("exit", (code, signal) => {
          const end = code === null ? `was killed by ${signal}` : `ended with exit code ${code}`;
          settle(code === 0 ? known(null) : unknown(`the probe's command ${end}`));
        });
      }),
  };
}

function killGroup(group: number): void {
  try {
    process.kill(-group, "SIGKILL");
  } catch {
    // Nothing of it is left.
  }
}

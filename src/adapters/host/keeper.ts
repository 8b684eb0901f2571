/**
 * Ends a bot whose guard can't do it any more. A guard that is killed outright says nothing to its child, and a bot that goes on
 * would open again what is closed behind it.
 *
 * A shell waits at the end of a pipe that only the guard holds open: it closes with the guard, however that ended.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { known, type Reading, unknown } from "../../core/reading.ts";
import { MARK } from "./descendants.ts";

/** What a bot without a guard may take to end. */
const KILL_AFTER_TENTHS = 10;

/** Arguments: the mark, and for how many tenths of a second the bot is waited for. It reads the bot's group, and then whether all is done. */
const SCRIPT = `
trap '' HUP INT TERM
read -r group || exit 0
read -r over && exit 0
all() {
  kill -s "$1" -- "-$group" 2>/dev/null
  for found in $(grep -lszxF "${MARK}=$mark" /proc/[0-9]*/environ); do
    found=\${found#/proc/}
    kill -s "$1" "\${found%/environ}" 2>/dev/null
  done
}
mark=$1
all TERM
while [ "$2" -gt 0 ] && kill -s 0 -- "-$group" 2>/dev/null; do sleep 0.1; set -- "$1" $(($2 - 1)); done
all KILL`;

/** A shell that waits. */
export interface Keeper {
  /** From here on the bot of this process group is ended with the guard. */
  watch(group: number): void;
  /** The bot is gone, or was never there. */
  release(): void;
}

/** Unknown: there is no such shell, and a bot had better not be started. */
export function startKeeper(mark: string): Promise<Reading<Keeper>> {
  return new Promise((resolve) => {
    const refuse = (error: unknown): void => {
      const why = error instanceof Error ? error.message : String(error);
      resolve(unknown(`what ends it together with its guard can't be started: ${why}`));
    };
    let shell: ChildProcess;
    try {
      shell = spawn("/bin/sh", ["-c", SCRIPT, "quantum-guard-keeper", mark, String(KILL_AFTER_TENTHS)], {
        env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
        cwd: "/",
        stdio: ["pipe", "ignore", "ignore"],
        // Out of reach of what is sent to the guard's own group, such as Ctrl-C.
        detached: true,
      });
    } catch (error) {
      return refuse(error);
    }
    shell.once("error", refuse);
    shell.stdin?.on("error", () => undefined);
    shell.once("spawn", () => {
      resolve(
        known({
          watch: (group) => void shell.stdin?.write(`${group}\n`),
          release: () => void shell.stdin?.end("over\n"),
        }),
      );
    });
  });
}

/**
 * The bot of a sandbox whose brain is a guard. It is a process of its own that can die, hang and end like any other, and writes a file
 * as long as it works; it does not trade, since nothing in this program can open a position.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { hostClock } from "../adapters/host/clock.ts";
import type { ChildRun } from "../adapters/host/processes.ts";
import { known, type Reading, unknown } from "../core/reading.ts";
import type { Blow } from "../ports/supervisor.ts";

/** Whom the blows of a drill strike: the bot, or its guard. */
export type Struck = "bot" | "guard";

/** What the bot writes: its process id once, and something as long as it works. */
const PID = "bot.pid";
const ALIVE = "bot.alive";

/** Arguments of the brain that guards it. */
export const GUARD_ARGS: readonly string[] = [
  ...["brain", "guard", "--probe-file", ALIVE, "--max-age-ms", "1000", "--"],
  ...["sh", "-c", `echo $$ > ${PID}; while echo up > ${ALIVE}; do sleep 0.2; done`],
];

/** How long the guard may take to end its bot and itself: what it gives to the bot, and a second more. */
const END_MS = 4_000;
const LOOK_MS = 20;

/** Delivers a signal to the bot that runs in this folder. */
export function strikeBot(directory: string, blow: Blow): Reading<null> {
  const pid = botIn(directory);
  if (pid === null) return unknown("the bot was not started");
  return send(pid, blow) ? known(null) : unknown(`${blow} could not be sent: the bot is gone`);
}

/** Ends the guard, which takes its bot along, and waits until both are gone. */
export async function endGuard(guard: ChildRun, directory: string): Promise<void> {
  const bot = botIn(directory);
  if (guard.signal("SIGTERM").known) await Promise.race([guard.ended, hostClock.sleep(END_MS)]);
  // One that is frozen is killed, and its bot ended by what keeps it.
  await guard.end();
  const until = hostClock.now() + END_MS;
  while (bot !== null && send(-bot, 0) && hostClock.now() < until) await hostClock.sleep(LOOK_MS);
}

function botIn(directory: string): number | null {
  try {
    const pid = Number(readFileSync(join(directory, PID), "utf8"));
    return Number.isSafeInteger(pid) && pid > 1 ? pid : null;
  } catch {
    return null;
  }
}

/** By process id, or by its negative to the whole group. */
function send(target: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(target, signal);
  } catch {
    return false;
  }
}

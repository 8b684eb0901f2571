/** The roles as systemd runs them (runbook, "Services Required"). */

import { execFile } from "node:child_process";
import { known, type Reading, unknown } from "../../core/reading.ts";
import type { BeatingRole } from "../../ports/bus.ts";
import type { Supervisor } from "../../ports/supervisor.ts";

/** The runbook's unit names. */
const UNITS: Readonly<Record<BeatingRole, string>> = {
  brain: "quantum-exit-brain.service",
  watchdog: "quantum-exit-brain-watchdog.service",
  eew: "quantum-emergency-exit-worker.service",
};

/** systemctl answers in well under a second, but a restart waits for the process to be gone. */
const DEADLINE_MS = 30_000;

/** Asks `systemctl`; a machine without systemd answers every question with unknown. */
export const systemdSupervisor: Supervisor = {
  running: async (role) => {
    const state = await systemctl(["show", "--property=ActiveState", "--value", UNITS[role]]);
    return state.known ? known(state.value === "active") : state;
  },
  strike: async (role, blow) => nothing(await systemctl(["kill", "--kill-whom=main", `--signal=${blow}`, UNITS[role]])),
  restart: async (role) => {
    // A frozen process does not hear the SIGTERM of a restart; one that is gone already is no reason to complain.
    await systemctl(["kill", "--signal=SIGKILL", UNITS[role]]);
    await systemctl(["reset-failed", UNITS[role]]);
    return nothing(await systemctl(["restart", UNITS[role]]));
  },
};

function nothing(answer: Reading<string>): Reading<null> {
  return answer.known ? known(null) : answer;
}

function systemctl(args: readonly string[]): Promise<Reading<string>> {
  return new Promise((resolve) => {
    execFile("systemctl", [...args], { timeout: DEADLINE_MS }, (error, stdout, stderr) => {
      if (error === null) return resolve(known(stdout.trim()));
      const why = stderr.trim().split("\n")[0] || error.message;
      resolve(unknown(`systemctl ${args.join(" ")}: ${why}`));
    });
  });
}

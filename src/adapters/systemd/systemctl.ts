import { execFile } from "node:child_process";
import { known, type Reading, unknown } from "../../core/reading.ts";

/** systemctl answers in well under a second, but a restart waits until the new process is ready. */
const DEADLINE_MS = 60_000;

/** Runs `systemctl`; known is what it printed, unknown why it failed: in its own words, or that there is none. */
export function systemctl(args: readonly string[]): Promise<Reading<string>> {
  return new Promise((resolve) => {
    execFile("systemctl", [...args], { timeout: DEADLINE_MS }, (error, stdout, stderr) => {
      if (error === null) return resolve(known(stdout.trim()));
      const why = stderr.trim().split("\n")[0] || error.message;
      resolve(unknown(`systemctl ${args.join(" ")}: ${why}`));
    });
  });
}

/** The units that run now, of those that match a pattern such as `quantum-*`. */
export async function activeUnits(pattern: string): Promise<Reading<readonly string[]>> {
  const args = ["list-units", "--plain", "--no-legend", "--state=active,activating,reloading", pattern];
  const answer = await systemctl(args);
  if (!answer.known) return answer;
  return known(
    answer.value
      .split("\n")
      .flatMap((line) => line.trim().split(/\s+/, 1))
      .filter((name) => name !== ""),
  );
}

/** The runbook's commands as they are typed here: the one place that says where that is not letter for letter, and why. */

/** A command of the runbook that can't be typed as it is printed. */
export interface Deviation {
  /** As printed, or what of it. */
  readonly printed: string;
  readonly typed: string;
  readonly why: string;
}

/** Every deviation there is. */
export const DEVIATIONS: readonly Deviation[] = [
  {
    printed: 'kill -9 $(pgrep -f "main_with_watchdog.py")',
    typed: "systemctl kill -s KILL quantum-exit-brain.service",
    why: "The brain is no Python script. The unit's name is what there is to go by, and systemctl knows its process.",
  },
  {
    printed: "sudo ",
    typed: "",
    why: "The console is root's, and a minimal Debian has no sudo.",
  },
];

/** What `redis-cli` needs to print as on a terminal, which it is not run on here; as the runbook shows it. */
export const ON_A_TERMINAL: Readonly<Record<string, string>> = { FAKETTY: "1" };

/** The command as it is typed. One that follows a log (`-f`) stays as it is: whoever types it ends it after a while. */
export function typed(printed: string): string {
  return DEVIATIONS.reduce((line, deviation) => line.replace(deviation.printed, deviation.typed), printed);
}

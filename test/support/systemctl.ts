/** A `systemctl` of a few units, as a program of its own in a directory to put on the PATH. */

import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What systemd 252 answers to what a drill asks; every call is written down. */
const SCRIPT = `#!/bin/sh
here=$(dirname "$0")
echo "$*" >> "$here/calls"
verb=$1
for unit in "$@"; do :; done
unit_dir="$here/units/$unit"
pid=$(cat "$unit_dir/pid" 2>/dev/null || echo 0)
state=inactive
if [ "$pid" != 0 ] && kill -0 "$pid" 2>/dev/null; then state=active; fi
if [ -e "$unit_dir/state" ]; then state=$(cat "$unit_dir/state"); fi
case "$verb" in
  show)
    if [ -d "$unit_dir" ]; then load=loaded; else load=not-found; fi
    printf 'MainPID=%s\\nLoadState=%s\\nActiveState=%s\\n' "$pid" "$load" "$state"
    ;;
  kill)
    for word in "$@"; do case "$word" in --signal=*) signal=\${word#--signal=SIG} ;; esac; done
    if [ "$state" != active ]; then
      echo "Failed to kill unit $unit: No main process to kill" >&2
      exit 1
    fi
    kill -s "$signal" "$pid"
    ;;
  reset-failed) ;;
  restart) sh "$unit_dir/start" > "$unit_dir/log" 2>&1 & echo $! > "$unit_dir/pid" ;;
  *) echo "Unknown command verb $verb." >&2; exit 1 ;;
esac
`;

/** A unit's process. */
interface UnitProcess {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** The fake, and what it runs. */
export interface FakeSystemctl {
  /** A PATH on which it is found first. */
  readonly path: string;
  /** Every call so far, a line each. */
  calls(): readonly string[];
  /** Loads a unit and starts its process; the same is started again by `restart`. */
  start(unit: string, process: UnitProcess): void;
  /** A unit that is loaded and says `state`, without a process that could be looked at. */
  claim(unit: string, state: string): void;
  pid(unit: string): number;
  /** Whether the unit's process is there. */
  runs(unit: string): boolean;
  /** Everything that a restarted process has written. */
  log(unit: string): string;
  /** Kills what it runs, by pid, and forgets every unit. */
  clear(): void;
  /** The same, and removes its files. */
  remove(): void;
}

/** Makes one, without any unit. */
export function fakeSystemctl(): FakeSystemctl {
  const directory = mkdtempSync(join(tmpdir(), "quantum-test-systemctl-"));
  const children = new Map<string, ChildProcess>();
  const units = join(directory, "units");
  const file = (unit: string, name: string): string => join(units, unit, name);
  const read = (path: string): string => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return "";
    }
  };
  const load = (unit: string): void => void mkdirSync(join(units, unit), { recursive: true });
  const pid = (unit: string): number => Number(read(file(unit, "pid")));
  const kill = (of: number): void => {
    try {
      if (of > 0) process.kill(of, "SIGKILL");
    } catch {
      // It is gone.
    }
  };
  const clear = (): void => {
    for (const unit of children.keys()) kill(pid(unit));
    for (const child of children.values()) child.kill("SIGKILL");
    children.clear();
    rmSync(units, { recursive: true, force: true });
    rmSync(join(directory, "calls"), { force: true });
  };
  writeFileSync(join(directory, "systemctl"), SCRIPT);
  chmodSync(join(directory, "systemctl"), 0o755);
  return {
    path: `${directory}:${process.env["PATH"] ?? ""}`,
    calls: () => read(join(directory, "calls")).split("\n").slice(0, -1),
    start: (unit, { file: program, args, env }) => {
      load(unit);
      const words = Object.entries(env).map(([name, value]) => `${name}=${value}`);
      const line = ["env", "-i", ...words, program, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
      writeFileSync(file(unit, "start"), `exec ${line.join(" ")}\n`);
      const child = spawn(program, [...args], { env: { ...env }, stdio: "ignore" });
      children.set(unit, child);
      writeFileSync(file(unit, "pid"), String(child.pid ?? 0));
    },
    claim: (unit, state) => {
      load(unit);
      writeFileSync(file(unit, "state"), state);
    },
    pid,
    runs: (unit) => {
      const [, state] = /^\d+ \(.*\) (\w)/.exec(read(`/proc/${pid(unit)}/stat`)) ?? [];
      return state !== undefined && state !== "Z";
    },
    log: (unit) => read(file(unit, "log")),
    clear,
    remove: () => {
      clear();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

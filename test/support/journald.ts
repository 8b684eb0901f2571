/**
 * A real systemd-journald, in a mount namespace of its own: what is started in there finds it at its usual place, and this
 * machine's own journal, where there is one, hears nothing. Needs root.
 */

import { spawn, spawnSync } from "node:child_process";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ChildRun } from "../../src/adapters/host/processes.ts";
import { eventually } from "./eventually.ts";

const JOURNALD = "/lib/systemd/systemd-journald";

/** How many datagrams wait for a reader: as many as systemd sets at boot (sysctl.d/50-default.conf); the kernel's own are ten. */
const QUEUE = 512;

/** One entry, with the fields that it was given and those that journald has added. */
type Entry = Readonly<Record<string, string>>;

/** A journal, and a place to write to it. */
export interface TestJournal {
  /** Starts a program whose stdout is taken for the journal. Its file has what journald did not take. */
  start(name: string, file: string, args: readonly string[], env: Readonly<Record<string, string>>): ChildRun;
  /** What `journalctl` shows for these arguments, the oldest first. */
  entries(...args: readonly string[]): readonly Entry[];
  stop(): Promise<void>;
}

/** Why there can be none on this machine; null if there can. */
export function journalNeeds(): string | null {
  if (process.getuid?.() !== 0) return "a mount namespace can be made by root only";
  if (!existsSync(JOURNALD)) return "there is no systemd-journald: apt-get install systemd";
  const probe = spawnSync("unshare", ["-m", "-n", "mount", "-t", "tmpfs", "tmpfs", "/run"]);
  return probe.status === 0 ? null : "this kernel makes no mount namespace";
}

/** Starts it, and waits until it listens. */
export async function startJournal(directory: string): Promise<TestJournal> {
  const script = `
    set -e
    mount -t tmpfs tmpfs /run
    mkdir -p /run/systemd/journal /run/systemd/journald.conf.d
    printf '[Journal]\\nStorage=volatile\\nReadKMsg=no\\nAudit=no\\nRateLimitBurst=0\\n' > /run/systemd/journald.conf.d/test.conf
    echo ${QUEUE} > /proc/sys/net/unix/max_dgram_qlen
    exec ${JOURNALD}`;
  const env = { PATH: process.env["PATH"] ?? "" };
  // Named sockets know no network namespaces: the queue's length is all that this one is for.
  const journald = spawn("unshare", ["-m", "-n", "sh", "-c", script], { env, stdio: "ignore" });
  const gone = new Promise<void>((resolve) => journald.once("close", () => resolve()));
  const by = ["-m", "-t", String(journald.pid), "--"];
  const inside = (...command: readonly string[]) => spawnSync("nsenter", [...by, ...command], { encoding: "utf8" });
  await eventually("journald listens", () => {
    if (journald.exitCode !== null) throw new Error(`systemd-journald ended with ${journald.exitCode}`);
    return inside("test", "-S", "/run/systemd/journal/stdout").status === 0;
  });
  return {
    start: (name, file, args, own) => {
      const stdout = join(directory, `${name}.log`);
      writeFileSync(stdout, "", { flag: "a" });
      const { dev, ino } = statSync(stdout);
      const journal = { ...env, ...own, JOURNAL_STREAM: `${dev}:${ino}` };
      return new ChildRun({
        file: "nsenter",
        args: [...by, file, ...args],
        env: journal,
        cwd: directory,
        logFile: stdout,
      });
    },
    entries: (...args) => {
      const { stdout, stderr, status } = inside("journalctl", "--no-pager", "-o", "json", ...args);
      if (status !== 0 && stderr !== "") throw new Error(stderr);
      return stdout.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Entry]));
    },
    stop: async () => {
      journald.kill("SIGKILL");
      await gone;
    },
  };
}

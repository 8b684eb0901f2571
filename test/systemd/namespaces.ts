/** A network of its own and a view of the file systems of its own, for this process and what it starts; both end with them. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { onHost } from "./host.ts";

/** Starts a script of this repository in new namespaces. It gets SIGTERM should this process die without a word. */
export function startInside(script: string, args: readonly string[]): ChildProcess {
  const inside = ["--net", "--mount", "--propagation", "private", process.execPath, script, ...args];
  return spawn("setpriv", ["--pdeathsig", "TERM", "unshare", ...inside], { stdio: ["ignore", "pipe", "inherit"] });
}

/** Furnishes the namespaces that this process was started in, and gives an empty directory in memory that ends with it. */
export function settle(): string {
  onHost("ip", "link", "set", "lo", "up");
  // systemd-nspawn removes what it leaves here only where it lies in memory.
  mkdirSync("/run/systemd/nspawn", { recursive: true });
  onHost("mount", "-t", "tmpfs", "tmpfs", "/run/systemd/nspawn");
  const directory = "/mnt";
  onHost("mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", directory);
  return directory;
}

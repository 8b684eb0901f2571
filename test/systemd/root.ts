/** The root file system that a machine boots from: made once, never written to again. */

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const SUITE = "bookworm";
const MIRROR = "http://deb.debian.org/debian";
const INCLUDED = ["systemd", "systemd-sysv", "dbus", "redis-server"];
/** It took 60 s here; a slow mirror may take ten times as long. */
const MAKING_MS = 600_000;
const MAKING = "making-";
/** Something is said at least this often. */
const PATIENCE_MS = 10_000;
/** Raised when a root that is made the same way has to be made anew. */
const EDITION = 1;

/** Where roots are kept, each named by how it is made. */
function cacheDirectory(): string {
  const cache = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  return join(cache, "quantum-test");
}

/**
 * The path of a root of Debian with systemd and Redis; made by debootstrap, in about a minute, if there is none yet.
 *
 * @throws {Error} with the end of debootstrap's log, if it can't be made.
 */
export async function cachedRoot(progress: (line: string) => void): Promise<string> {
  const words = ["--variant=minbase", `--include=${INCLUDED.join(",")}`, SUITE];
  const key = createHash("sha256")
    .update([process.arch, MIRROR, String(EDITION), ...words].join(" "))
    .digest("hex")
    .slice(0, 12);
  const cache = cacheDirectory();
  const root = join(cache, `root-${key}`);
  if (existsSync(root)) return root;
  mkdirSync(cache, { recursive: true });
  removeAbandoned(cache);
  const making = mkdtempSync(join(cache, MAKING));
  try {
    progress(`making a Debian root in ${cache}, once: debootstrap ${words.join(" ")}`);
    await debootstrap(words, join(making, "root"), progress);
    // Downloaded packages are of no use to a machine that has no network.
    rmSync(join(making, "root/var/cache/apt/archives"), { recursive: true, force: true });
    for (const older of readdirSync(cache).filter((name) => name.startsWith("root-"))) {
      rmSync(join(cache, older), { recursive: true, force: true });
    }
    renameSync(join(making, "root"), root);
  } catch (error) {
    // Another run may have made the same one meanwhile.
    if (!existsSync(root)) throw error;
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
  return root;
}

/** What a run that was interrupted has left. */
function removeAbandoned(cache: string): void {
  for (const name of readdirSync(cache).filter((each) => each.startsWith(MAKING))) {
    const path = join(cache, name);
    if (Date.now() - statSync(path).mtimeMs > MAKING_MS) rmSync(path, { recursive: true, force: true });
  }
}

function debootstrap(words: readonly string[], root: string, progress: (line: string) => void): Promise<void> {
  // In a mount namespace of its own: what it mounts goes with it, also when it is killed.
  const args = ["--mount", "--propagation", "private", "debootstrap", ...words, root, MIRROR];
  const child = spawn("unshare", args, { stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  const keep = (text: Buffer): void => {
    log += text.toString();
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const last = (lines: number): string => log.trim().split("\n").slice(-lines).join("\n");
  const beganAt = performance.now();
  const told = setInterval(() => {
    const seconds = Math.round((performance.now() - beganAt) / 1_000);
    progress(`debootstrap, ${seconds} s: ${last(1)}`);
  }, PATIENCE_MS);
  const limit = setTimeout(() => child.kill("SIGKILL"), MAKING_MS);
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`debootstrap ended with ${code}, expected ${MIRROR} within reach:\n${last(10)}`));
    });
  });
  return ended.finally(() => {
    clearInterval(told);
    clearTimeout(limit);
  });
}

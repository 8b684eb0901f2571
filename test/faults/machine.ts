/** Parts of the machine that a scene may break: a disk and the names of hosts. All of it needs root, and ends with the scene. */

import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Scene } from "./scene.ts";

/** Why none of it can be broken here; null if it can. */
export function machineObjection(): string | null {
  return process.getuid?.() === 0 ? null : "root, to mount a file system";
}

/** A disk of 64 KiB. */
export interface SmallDisk {
  readonly directory: string;
  /** Takes the last byte. */
  fill(): void;
  /** Gives it all back. */
  empty(): void;
}

const DISK_BYTES = 65_536;
const PAGE_BYTES = 4_096;

/** Mounts one. */
export function smallDisk(scene: Scene): SmallDisk {
  const directory = join(scene.directory, "disk");
  mkdirSync(directory);
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "tmpfs", directory]);
  // Lazily: a role that could not be ended may still have its log open there.
  scene.onClose(() => void execFileSync("umount", ["--lazy", directory]));
  const filler = join(directory, "filler");
  return {
    directory,
    fill: () => {
      // What a file has begun of its last page is its own, and would take a few lines more.
      for (const name of readdirSync(directory)) {
        const file = join(directory, name);
        appendFileSync(file, "\n".repeat(PAGE_BYTES - (statSync(file).size % PAGE_BYTES)));
      }
      try {
        writeFileSync(filler, Buffer.alloc(DISK_BYTES));
      } catch {
        // Full: that was the purpose.
      }
    },
    empty: () => rmSync(filler),
  };
}

/** The names of hosts as some roles know them. */
export interface HostNames {
  /** What a role with these names is started by. */
  readonly by: readonly string[];
  /** What its environment must have: the runtime remembers names, and must not for longer than a case takes. */
  readonly env: Readonly<Record<string, string>>;
  /** From now on no name resolves. */
  forget(): void;
  /** From now on they do again. */
  recall(): void;
  /** Whether a role that asks now would learn the address. */
  resolves(name: string): boolean;
  /** How long a role may remember what it was told. */
  readonly rememberedMs: number;
}

/** Names that all mean this machine, in a mount namespace that lives as long as its roles do. */
export function hostNames(scene: Scene, names: readonly string[]): HostNames {
  const hosts = join(scene.directory, "hosts");
  const resolver = join(scene.directory, "resolv.conf");
  const known = `127.0.0.1 ${names.join(" ")}\n`;
  writeFileSync(hosts, known);
  // Nobody listens there: a name that is not in the file is not found at once.
  writeFileSync(resolver, "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
  const rememberedS = 1;
  const mounts = `mount --bind ${hosts} /etc/hosts && mount --bind ${resolver} /etc/resolv.conf`;
  const by = ["--mount", "sh", "-c", `${mounts} && exec "$@"`, "sh"];
  return {
    by: ["unshare", ...by],
    env: { BUN_CONFIG_DNS_TIME_TO_LIVE_SECONDS: String(rememberedS) },
    // In place: the file is what is mounted.
    forget: () => writeFileSync(hosts, "\n"),
    recall: () => writeFileSync(hosts, known),
    resolves: (name) => spawnSync("unshare", [...by, "getent", "ahostsv4", name]).status === 0,
    rememberedMs: 2 * rememberedS * 1_000,
  };
}

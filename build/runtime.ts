/** The runtime that is packed into the executable: for this machine or another one, disarmed, and nothing but what the lock file names. */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..");
const CACHE = join(ROOT, "build", ".cache");

/** A machine that an executable is built for: how Debian calls it, where its runtime comes from, how its ELF header names it. */
interface Machine {
  readonly debian: string;
  readonly runtimePackage: string;
  readonly elfMachine: number;
}

/** What can be built for. */
export type Target = "linux-x64" | "linux-arm64";

/** Each of them. */
export const MACHINES: Readonly<Record<Target, Machine>> = {
  "linux-x64": { debian: "amd64", runtimePackage: "@oven/bun-linux-x64", elfMachine: 62 },
  "linux-arm64": { debian: "arm64", runtimePackage: "@oven/bun-linux-aarch64", elfMachine: 183 },
};

/**
 * Bun reads these variables before any code of ours runs: BUN_OPTIONS can preload a script, BUN_BE_BUN turns the
 * executable into the bun command line, BUN_INSPECT… opens a debugger. There is no switch against them, so the
 * runtime that is packed in gets names that no environment can hold; src/main.ts can then refuse the real ones.
 */
const RENAMED = ["BUN_OPTIONS", "BUN_BE_BUN", "BUN_INSPECT"] as const;
const DISARMED_PREFIX = "\0\0\0";

/** The disarmed runtime of a machine, as a file; null: of this one, which is running already. */
export function disarmedRuntime(target: Target | null): string {
  const runtime = target === null ? readFileSync(process.execPath) : runtimeOf(target);
  disarm(runtime);
  mkdirSync(CACHE, { recursive: true });
  const path = join(CACHE, `bun-${Bun.version}${target === null ? "" : `-${target}`}`);
  writeFileSync(path, runtime);
  chmodSync(path, 0o755);
  return path;
}

function disarm(runtime: Buffer): void {
  for (const name of RENAMED) {
    const before = Buffer.from(name);
    let found = 0;
    for (let at = runtime.indexOf(before); at !== -1; at = runtime.indexOf(before, at)) {
      runtime.write(DISARMED_PREFIX, at);
      found++;
    }
    if (found === 0)
      throw new Error(`Bun ${Bun.version} does not contain ${name}: look at how it reads its environment now`);
  }
}

/** Out of the npm package that the lock file names; npm installs that of this machine only. */
function runtimeOf(target: Target): Buffer {
  const { runtimePackage, elfMachine } = MACHINES[target];
  const archive = verifiedArchive(runtimePackage);
  const folder = mkdtempSync(join(tmpdir(), "quantum-runtime-"));
  try {
    execFileSync("tar", ["-xzf", archive, "-C", folder, "package/bin/bun"]);
    const runtime = readFileSync(join(folder, "package", "bin", "bun"));
    if (elfMachineOf(runtime) !== elfMachine) throw new Error(`${runtimePackage} is not for ${target}`);
    return runtime;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The package as a file, with the checksum of package-lock.json whatever the registry, a mirror or the cache says. */
function verifiedArchive(name: string): string {
  const { version, integrity } = locked(name);
  if (version !== Bun.version)
    throw new Error(`package-lock.json has ${name} ${version}, this is Bun ${Bun.version}: expected the same`);
  const path = join(CACHE, `${name.replace("@", "").replace("/", "-")}-${version}.tgz`);
  if (!existsSync(path)) download(`${name}@${version}`, path);
  const found = `sha512-${createHash("sha512").update(readFileSync(path)).digest("base64")}`;
  if (found === integrity) return path;
  rmSync(path);
  throw new Error(
    `${name}@${version} is ${found}: expected ${integrity}, as package-lock.json says; it was thrown away`,
  );
}

function locked(name: string): { readonly version: string; readonly integrity: string } {
  const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, { readonly version: string; readonly integrity: string }>>;
  };
  const entry = lock.packages[`node_modules/${name}`];
  if (entry === undefined) throw new Error(`package-lock.json has no ${name}: expected it as a dependency of bun`);
  return entry;
}

/** Under another name until it is whole. */
function download(what: string, path: string): void {
  console.error(`getting ${what} from npm`);
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, "download-"));
  try {
    const args = ["pack", what, "--silent", "--ignore-scripts", "--pack-destination", folder];
    const name = execFileSync("npm", args, { encoding: "utf8", cwd: folder }).trim().split("\n").at(-1) ?? "";
    renameSync(join(folder, name), path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Which machine an executable is for: `e_machine` of its ELF header. */
export function elfMachineOf(executable: Buffer): number {
  if (executable.toString("latin1", 0, 4) !== "\x7fELF") throw new Error("not an ELF file");
  return executable.readUInt16LE(18);
}

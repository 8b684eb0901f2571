/** A Debian package out of a folder that holds the files of one, byte for byte the same from the same files. */

import { execFileSync } from "node:child_process";
import { cpSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { settle } from "./settled.ts";

const DEBIAN = join(import.meta.dir, "debian");

/** What a package says of itself. */
export interface DebFacts {
  readonly version: string;
  /** As Debian calls it, such as `amd64`. */
  readonly architecture: string;
  /** The lowest glibc that has everything that the executable asks for, such as `2.17`. */
  readonly glibc: string;
  /** Seconds since 1970: when everything in it was last changed. */
  readonly epoch: number;
}

/** The text of `DEBIAN/control`. */
export function controlText({ version, architecture, glibc }: Omit<DebFacts, "epoch">, installedKib: number): string {
  return `Package: quantum
Version: ${version}
Architecture: ${architecture}
Maintainer: The Quantum authors <quantum@quantum.invalid>
Installed-Size: ${installedKib}
Depends: libc6 (>= ${glibc})
Recommends: redis-server (>= 5:7.0), systemd
Section: net
Priority: optional
Description: emergency exit for bots that hold leveraged Binance futures
 When the part of a trading bot that decides exits dies, hangs or lies, Quantum
 notices within five seconds, closes every position with reduce-only market
 orders, verifies at the venue that the account is flat, and halts trading until
 a person resets it.
 .
 One executable holds the three roles (exit brain, watchdog, emergency exit
 worker), their systemd units, and the drill that proves them every month. After
 the installation nothing runs: "quantum install" asks for the settings.
`;
}

/**
 * Adds what a package needs to \`tree\`, which holds its files where they will be, and packs it.
 *
 * @param documents what goes into /usr/share/doc/quantum, by name.
 */
export function packDeb(
  tree: string,
  documents: Readonly<Record<string, string>>,
  facts: DebFacts,
  path: string,
): void {
  const docs = join(tree, "usr", "share", "doc", "quantum");
  mkdirSync(docs, { recursive: true });
  for (const [name, text] of Object.entries(documents)) writeFileSync(join(docs, name), text);
  writeFileSync(join(docs, "changelog.gz"), gzipSync(changelogText(facts), { level: 9 }));
  const overrides = join(tree, "usr", "share", "lintian", "overrides");
  mkdirSync(overrides, { recursive: true });
  cpSync(join(DEBIAN, "lintian-overrides"), join(overrides, "quantum"));
  const control = join(tree, "DEBIAN");
  mkdirSync(control);
  const kib = Math.ceil(bytesIn(join(tree, "usr")) / 1_024);
  writeFileSync(join(control, "control"), controlText(facts, kib));
  const scripts = ["postinst", "prerm", "postrm"];
  for (const script of scripts) cpSync(join(DEBIAN, script), join(control, script));
  const executables = [join(tree, "usr", "bin", "quantum"), ...scripts.map((script) => join(control, script))];
  settle(tree, executables, facts.epoch);
  // One thread: more of them cut the data into other blocks on a machine with other cores.
  const args = ["--root-owner-group", "-Zxz", "-z2", "--threads-max=1", "--build", tree, path];
  execFileSync("dpkg-deb", args, { env: { ...process.env, SOURCE_DATE_EPOCH: String(facts.epoch) } });
}

function changelogText({ version, epoch }: DebFacts): string {
  const date = new Date(epoch * 1_000).toUTCString().replace("GMT", "+0000");
  return `quantum (${version}) unstable; urgency=medium

  * What has changed is told by the commits of the repository.

 -- The Quantum authors <quantum@quantum.invalid>  ${date}
`;
}

function bytesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => lstatSync(join(folder, name)))
    .reduce((sum, { size }) => sum + size, 0);
}

/**
 * The lowest glibc that an executable can be loaded with: the newest version that it asks for by name.
 *
 * @param needs what `readelf --version-info` says.
 */
export function glibcNeeded(needs: string): string {
  const versions = [...needs.matchAll(/Name: GLIBC_(\d+(?:\.\d+)+)/g)].map(([, version = ""]) => version);
  const newest = versions.sort((one, other) => one.localeCompare(other, "en", { numeric: true })).at(-1);
  if (newest === undefined) throw new Error("the executable asks for no GLIBC: expected one that is linked to it");
  return newest;
}

/** The same of a file. */
export function glibcOf(executable: string): string {
  return glibcNeeded(execFileSync("readelf", ["--version-info", executable], { encoding: "utf8" }));
}

/** The text of a file of the repository. */
export function repositoryText(name: string): string {
  return readFileSync(join(import.meta.dir, "..", name), "utf8");
}

/**
 * Builds what is handed out, into dist/: a Debian package and a tarball for each machine, and their checksums. Every file is read
 * back before it counts.
 */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };
import { glibcOf, packDeb, repositoryText } from "./deb.ts";
import { buildExecutable, commit } from "./executable.ts";
import { copyrightText, thirdPartyText } from "./licences.ts";
import { MACHINES, type Target } from "./runtime.ts";
import { packTarball } from "./tarball.ts";

const ROOT = join(import.meta.dir, "..");
const DIST = join(ROOT, "dist");
const { version } = manifest;

/** An executable, and what a package of it is called. */
interface Built {
  readonly target: Target;
  readonly executable: string;
}

/** When the commit was made, in seconds since 1970, or what SOURCE_DATE_EPOCH says: no file in a package is newer. */
function epoch(): number {
  const given = process.env["SOURCE_DATE_EPOCH"];
  const text = given ?? execFileSync("git", ["log", "-1", "--format=%ct"], { cwd: ROOT, encoding: "utf8" });
  if (/^\d+\s*$/.test(text)) return Number(text);
  throw new Error(`SOURCE_DATE_EPOCH is ${JSON.stringify(text)}: expected seconds since 1970`);
}

/** Writes the files of a package below `tree`: the executable of this machine does that, and is replaced by the one for the package. */
function layOut(tree: string, own: Built, { executable }: Built): void {
  execFileSync(own.executable, ["install", "--prefix", tree], { stdio: ["ignore", "ignore", "pipe"] });
  copyFileSync(executable, join(tree, "usr", "bin", "quantum"));
}

function deb(folder: string, own: Built, built: Built, at: number): string {
  const { debian } = MACHINES[built.target];
  const tree = join(folder, `deb-${debian}`);
  layOut(tree, own, built);
  const facts = { version, architecture: debian, glibc: glibcOf(built.executable), epoch: at };
  const documents = {
    "README.md": repositoryText("README.md"),
    copyright: copyrightText(),
    "third-party-licences.txt": thirdPartyText(),
    "users.acl": repositoryText("redis/users.acl"),
  };
  const path = join(DIST, `quantum_${version}_${debian}.deb`);
  packDeb(tree, documents, facts, path);
  return path;
}

function tarball(folder: string, { target, executable }: Built, at: number): string {
  const name = `quantum-${version}-${target}`;
  const tree = join(folder, name);
  mkdirSync(join(tree, "redis"), { recursive: true });
  cpSync(executable, join(tree, "quantum"));
  for (const file of ["README.md", "LICENSE", "redis/users.acl"]) cpSync(join(ROOT, file), join(tree, file));
  writeFileSync(join(tree, "third-party-licences.txt"), thirdPartyText());
  const path = join(DIST, `${name}.tar.gz`);
  packTarball(folder, name, [join(tree, "quantum")], at, path);
  return path;
}

function sha256(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

/** Unpacks an archive again: what is in it must be the executable that was built, to the last byte, and owned by root. */
function readBack(path: string, { executable, target }: Built): void {
  const folder = mkdtempSync(join(tmpdir(), "quantum-read-back-"));
  try {
    const isDeb = path.endsWith(".deb");
    if (isDeb) execFileSync("dpkg-deb", ["--extract", path, folder]);
    else execFileSync("tar", ["-xzf", path, "-C", folder]);
    const found = join(folder, isDeb ? "usr/bin/quantum" : `quantum-${version}-${target}/quantum`);
    if (sha256(found) !== sha256(executable)) throw new Error(`${path} does not hold the executable that was built`);
    if ((statSync(found).mode & 0o777) !== 0o755) throw new Error(`${path}: the executable in it can't be executed`);
    const args = isDeb ? ["--contents", path] : ["--numeric-owner", "-tvzf", path];
    const listing = execFileSync(isDeb ? "dpkg-deb" : "tar", args, { encoding: "utf8" })
      .trim()
      .split("\n");
    const others = listing.filter((line) => !/^\S+ (?:root\/root|0\/0) /.test(line));
    if (others.length > 0) throw new Error(`${path} holds what is not root's: ${others[0]}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const startedAt = performance.now();
const at = epoch();
const stamp = commit();
if (!/^[0-9a-f]{12}$/.test(stamp)) console.error(`package: ${stamp}: nobody else can build the same`);
rmSync(DIST, { recursive: true, force: true });
mkdirSync(DIST);
const folder = mkdtempSync(join(tmpdir(), "quantum-package-"));
try {
  const built: Built[] = [];
  for (const target of Object.keys(MACHINES) as Target[]) {
    const executable = join(folder, target);
    await buildExecutable(target, executable);
    built.push({ target, executable });
  }
  const own = built.find(({ target }) => target === `linux-${process.arch}`);
  if (own === undefined) throw new Error(`a package is made on ${Object.keys(MACHINES).join(" or ")}, this is neither`);
  const sums: string[] = [];
  for (const each of built) {
    for (const path of [deb(folder, own, each, at), tarball(folder, each, at)]) {
      readBack(path, each);
      const name = path.slice(DIST.length + 1);
      sums.push(`${sha256(path)}  ${name}`);
      console.error(`${name}  ${(statSync(path).size / 1e6).toFixed(1)} MB`);
    }
    console.error(`${each.target}: the executable in it is ${sha256(each.executable)}`);
  }
  writeFileSync(join(DIST, "SHA256SUMS"), `${sums.join("\n")}\n`);
  execFileSync("sha256sum", ["--check", "--quiet", "SHA256SUMS"], { cwd: DIST, stdio: "inherit" });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.error(`dist/: quantum ${version} (${stamp}) in ${Math.round((performance.now() - startedAt) / 1_000)} s`);

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { settle } from "./settled.ts";

/** More than any archive of ours; `execFileSync` would end tar at a megabyte. */
const BYTES_MAX = 1_073_741_824;

/**
 * Packs the folder `name` in `parent` as a .tar.gz, byte for byte the same from the same files.
 *
 * @param executables absolute paths of what may be executed.
 * @param epoch seconds since 1970: when everything in it was last changed.
 */
export function packTarball(
  parent: string,
  name: string,
  executables: readonly string[],
  epoch: number,
  path: string,
): void {
  settle(`${parent}/${name}`, executables, epoch);
  const who = ["--owner=0", "--group=0", "--numeric-owner"];
  const args = ["--format=ustar", "--sort=name", `--mtime=@${epoch}`, ...who, "-cf", "-", "-C", parent, name];
  const tar = execFileSync("tar", args, { maxBuffer: BYTES_MAX });
  writeFileSync(path, gzipSync(tar, { level: 9 }));
}

/** Files that are written whole or not at all. */

import { createHash } from "node:crypto";
import {
  chmodSync,
  closeSync,
  copyFileSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { known, type Reading, unknown } from "../../core/reading.ts";

/** A file as it was found. */
export interface FoundFile {
  /** Hex SHA-256 of its content. */
  readonly sha256: string;
  /** Permission bits. */
  readonly mode: number;
}

/** What is at a path; known null: nothing is. A folder or a link is unknown: it is not what was asked for. */
export function findFile(path: string): Reading<FoundFile | null> {
  try {
    const stat = lstatSync(path);
    if (!stat.isFile()) return unknown(`${path} is not a file`);
    return known({ sha256: createHash("sha256").update(readFileSync(path)).digest("hex"), mode: stat.mode & 0o7777 });
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
      return known(null);
    return unknown(String(error instanceof Error ? error.message : error));
  }
}

/**
 * Puts a file in place in one moment: whoever opens the path sees the old one or the new one, also after a power cut. A
 * program that runs from the old one goes on with it.
 */
export function putFile(
  path: string,
  content: { readonly text: string } | { readonly from: string },
  mode: number,
): Reading<null> {
  const fresh = `${path}.new`;
  try {
    if ("text" in content) writeFileSync(fresh, content.text, { mode: 0o600 });
    else copyFileSync(content.from, fresh);
    chmodSync(fresh, mode);
    flush(fresh);
    renameSync(fresh, path);
    flush(dirname(path));
    return known(null);
  } catch (error) {
    rmSync(fresh, { force: true });
    return unknown(`${path} can't be written: ${String(error instanceof Error ? error.message : error)}`);
  }
}

/**
 * Appends to a file, which is made for its owner alone where it is missing, and returns when the disk has it.
 *
 * @throws {Error} where it does not: a part of the text may be there then, without its end.
 */
export function appendFlushed(path: string, text: string): void {
  const file = openSync(path, "a", 0o600);
  try {
    // Not `writeSync`: on a disk that has room for a part it writes that, and says so by a number only.
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function flush(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Makes a folder, and those above it; its own permissions are set, also where it was there already. */
export function makeFolder(path: string, mode: number): Reading<null> {
  try {
    mkdirSync(path, { recursive: true });
    chmodSync(path, mode);
    return known(null);
  } catch (error) {
    return unknown(`${path} can't be made: ${String(error instanceof Error ? error.message : error)}`);
  }
}

/** Removes a file; what is not there is removed. */
export function removeFile(path: string): Reading<null> {
  return attempt(path, () => rmSync(path, { force: true }));
}

/** Removes a folder with everything in it. */
export function removeTree(path: string): Reading<null> {
  return attempt(path, () => rmSync(path, { force: true, recursive: true }));
}

/** Removes a folder if nothing is in it; known false: something is, or it is not there. */
export function removeEmptyFolder(path: string): Reading<boolean> {
  try {
    rmdirSync(path);
    return known(true);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    if (code === "ENOENT" || code === "ENOTEMPTY") return known(false);
    return unknown(`${path} can't be removed: ${String(error instanceof Error ? error.message : error)}`);
  }
}

function attempt(path: string, act: () => void): Reading<null> {
  try {
    act();
    return known(null);
  } catch (error) {
    return unknown(`${path} can't be removed: ${String(error instanceof Error ? error.message : error)}`);
  }
}

/** What is there: this executable, this host, and what an earlier installation has left on record. */

import { existsSync, readFileSync } from "node:fs";
import { findFile } from "../../adapters/host/files.ts";
import { selfCommand } from "../../adapters/host/self.ts";
import { Failure, Refusal } from "../../config/refusal.ts";
import type { Layout } from "../../install/layout.ts";
import { type Manifest, manifestPath, parseManifest } from "../../install/manifest.ts";
import type { Found, Wishes } from "../../install/plan.ts";

/** @throws {Refusal} if this is not the executable, which alone can be installed. */
export function thisProgram(): Wishes["program"] {
  const { file, args } = selfCommand();
  if (args.length > 0) {
    throw new Refusal("These are the sources: expected the executable, npm run build and then ./quantum install");
  }
  const found = findFile(file);
  if (!found.known) throw new Failure(`The executable can't be read: ${found.why}`);
  if (found.value === null) throw new Failure(`The executable ${file} was removed while it ran: expected it in place`);
  return { path: file, sha256: found.value.sha256 };
}

/** @throws {Refusal} where nothing can be installed. */
export function requireHost(): void {
  if (process.getuid?.() !== 0)
    throw new Refusal("Only root can install: expected sudo quantum install, or --dry-run to look");
  if (existsSync("/run/systemd/system")) return;
  throw new Refusal(
    "This host was not started by systemd: expected one that was, or --prefix FOLDER to make a package",
  );
}

/**
 * The record of an earlier installation; null if there was none.
 *
 * @throws {Refusal} if there is one that can't be read: what it says would be lost.
 */
export function readManifest(layout: Layout): Manifest | null {
  const path = manifestPath(layout);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw new Refusal(`${path} can't be read: expected root, sudo quantum install`);
  }
  const manifest = parseManifest(text);
  if (manifest !== null) return manifest;
  throw new Refusal(`${path} can't be understood: expected it as an installation wrote it, or a newer quantum`);
}

/** What is at each path. */
export function lookAt(paths: readonly string[]): ReadonlyMap<string, Found> {
  return new Map(
    paths.map((path): readonly [string, Found] => {
      const found = findFile(path);
      if (!found.known) return [path, { kind: "unreadable", why: found.why }];
      return [path, found.value === null ? { kind: "absent" } : { kind: "file", ...found.value }];
    }),
  );
}

/** The machine that the other one is booted in. */

import { spawnSync } from "node:child_process";

const COMMAND_MS = 30_000;

/** What a program started here gets: it is found by the same PATH, and gets no more. */
export function hostEnvironment(): Readonly<Record<string, string>> {
  return { PATH: process.env["PATH"] ?? "", LANG: "C.UTF-8" };
}

/** Runs a short command. @throws {Error} with what it has said, if it fails. */
export function onHost(file: string, ...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(file, [...args], { encoding: "utf8", timeout: COMMAND_MS });
  if (status !== 0) throw new Error(`${[file, ...args].join(" ")}: ${error?.message ?? stderr.trim()}`);
}

/**
 * `npm run test:systemd`: boots Debian with systemd in a container, deploys Quantum on it, and shows what held.
 *
 *   npm run test:systemd                          everything
 *   npm run test:systemd -- --only runbook-kill   these cases
 *   npm run test:systemd -- --keep --only units   leaves the machine up and says how to enter it
 *   npm run test:systemd -- --json                one JSON document instead of the table
 *   npm run test:systemd -- --machines 1          so many machines at a time
 *
 * Exit code 1 if anything is broken, 2 for a flag that cannot be used or a machine that cannot do it.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { flags } from "../support/flags.ts";
import { CASES } from "./catalogue.ts";
import { startInside } from "./namespaces.ts";
import { objection } from "./needs.ts";
import { parseOptions } from "./options.ts";
import { brokenLines, casesTable, progressLine } from "./render.ts";
import { cachedRoot } from "./root.ts";
import type { Verdict } from "./verdict.ts";

const beganAt = performance.now();
const progress = (line: string): void => {
  console.error(`${((performance.now() - beganAt) / 1_000).toFixed(0).padStart(4)} s  ${line}`);
};

const names = CASES.map(({ name }) => name);
const { only, json, keep, machines } = flags((args) => parseOptions(args, names));
const reason = objection();
if (reason !== null) {
  console.error(reason);
  process.exit(2);
}

const cases = CASES.filter(({ name }) => only === null || only.includes(name));
const verdicts: Verdict[] = [];

/** One machine in its own namespaces; resolves to the code that it ended with. */
function runMachine(root: string, queue: string, signal: AbortSignal): Promise<number | null> {
  const names = cases.map(({ name }) => name);
  const child = startInside(join(import.meta.dir, "on-machine.ts"), [
    root,
    queue,
    ...(keep ? ["--keep"] : []),
    ...names,
  ]);
  signal.addEventListener("abort", () => child.kill("SIGTERM"));
  if (child.stdout === null) throw new Error("a machine can't be heard");
  createInterface({ input: child.stdout }).on("line", (line) => {
    const verdict = JSON.parse(line) as Verdict;
    verdicts.push(verdict);
    progress(progressLine(verdict));
    for (const broken of brokenLines(verdict)) console.error(broken);
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
}

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stopping.abort());
const queue = mkdtempSync(join(tmpdir(), "quantum-systemd-"));
let codes: readonly (number | null)[] = [];
try {
  const root = await cachedRoot(progress);
  codes = await Promise.all(
    Array.from({ length: Math.min(machines, cases.length) }, () => runMachine(root, queue, stopping.signal)),
  );
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
} finally {
  rmSync(queue, { recursive: true, force: true });
}
if (json) console.log(JSON.stringify({ verdicts }));
else console.log(casesTable(cases, verdicts, process.stdout.columns));
const missing = cases.filter(({ name }) => !verdicts.some((verdict) => verdict.name === name));
if (missing.length > 0) console.error(`not run to the end: ${missing.map(({ name }) => name).join(", ")}`);
const held = verdicts.filter(({ broken }) => broken.length === 0).length;
console.error(`${held} of ${cases.length} held`);
process.exit(held === cases.length && codes.length > 0 && codes.every((code) => code === 0) ? 0 : 1);

/**
 * Boots a machine, runs the cases on it that no other machine has taken, and prints each verdict as a line of JSON.
 * Started by `systemd.ts`, in namespaces of its own:
 *
 *   on-machine.ts ROOT QUEUE [--keep] NAME…
 */

import { must } from "../faults/case.ts";
import type { Figure, SystemdCase } from "./case.ts";
import { CASES } from "./catalogue.ts";
import { Machine } from "./machine.ts";
import { settle } from "./namespaces.ts";
import { take } from "./queue.ts";
import { Site } from "./site.ts";
import { overLimit, type Verdict } from "./verdict.ts";

/** No case may take longer. */
const CASE_MAX_MS = 120_000;
const TAIL_LINES = 15;

const [root = "", queue = "", ...rest] = process.argv.slice(2);
const keep = rest.includes("--keep");
const cases = CASES.filter(({ name }) => rest.includes(name));
const progress = (line: string): void => console.error(line);

const booted: Machine[] = [];
let isInterrupted = false;
const interrupted = new Promise<void>((resolve) => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      isInterrupted = true;
      resolve();
    });
  }
});

async function main(): Promise<void> {
  const machine = await Machine.boot(root, settle());
  booted.push(machine);
  progress(`booted in ${machine.bootMs} ms`);
  const site = await Site.open(machine);
  for (const one of cases) {
    if (isInterrupted) break;
    if (!take(queue, one.name)) continue;
    const verdict = await runCase(site, one);
    // The machine is taken from under a case when a person ends it.
    if (!isInterrupted) console.log(JSON.stringify(verdict));
  }
  if (keep && !isInterrupted) {
    progress(`The machine stays up until Ctrl-C. To enter it: ${machine.entry}`);
    await interrupted;
  }
  await site.close();
}

async function runCase(site: Site, one: SystemdCase): Promise<Verdict> {
  const beganAt = performance.now();
  const broken: string[] = [];
  let figures: readonly Figure[] = [];
  try {
    figures = await within(site.begin(one.site ?? {}).then(() => one.run(site)));
    broken.push(...figures.flatMap(overLimit));
    broken.push(...(await site.violations()));
  } catch (error) {
    broken.push(error instanceof Error ? error.message : String(error));
  }
  const tails = broken.length === 0 ? [] : await site.logTails(TAIL_LINES).catch(() => []);
  return { name: one.name, figures, broken, tails, tookMs: performance.now() - beganAt };
}

async function within<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`The case took longer than ${CASE_MAX_MS} ms`)), CASE_MAX_MS);
  });
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

let code = 0;
try {
  must(root !== "" && queue !== "", "on-machine.ts is started by systemd.ts: npm run test:systemd");
  await Promise.race([main(), interrupted]);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  code = 1;
}
for (const machine of booted) await machine.shutDown();
process.exit(isInterrupted ? 130 : code);

/**
 * Checks the model of an incident with spin, exhaustively, and that each planted bug is found: `npm run model`.
 *
 * What is modelled and what must hold: test/model/incident.pml.
 */

import { execFile } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Table from "cli-table3";

const MODEL = join(import.meta.dir, "..", "test", "model", "incident.pml");

/** No search takes longer on any machine that we use; the longest takes about half a minute. */
const LIMIT_MS = 300_000;

/** The search stops at this depth, and has then failed. The good model goes a tenth as deep. */
const MAX_DEPTH = 1_000_000;

/** A formula of the model, or all of its assertions in one search. */
type Property = "L1" | "L2" | "L3" | "L4" | "S1-S6";

const PROPERTIES: readonly (readonly [property: Property, words: string])[] = [
  ["S1-S6", "one event per attempt, one completion per event, halt first"],
  ["L1", "FLAT comes on record, or a person has reset"],
  ["L2", "every event is completed and acknowledged"],
  ["L3", "every watchdog comes to rest"],
  ["L4", "the halt's event ended FLAT, or a person has reset"],
];

/** What spin says when it finds a bug: which condition was false, or which formula has a run that breaks it. */
const BUGS: readonly (readonly [bug: string, property: Property, rule: string, complaint: string])[] = [
  ["REPORT_TWICE", "S1-S6", "S1", "assertion violated (outcome[k]==0)"],
  ["ACK_FIRST", "S1-S6", "S2", "assertion violated (outcome[k]!=0)"],
  ["RESET_UNDONE", "S1-S6", "S2", "assertion violated (outcome[1]!=0)"],
  ["REPORT_NO_HALT", "S1-S6", "S3", "assertion violated (halt!=0)"],
  ["ORDERS_FIRST", "S1-S6", "S4", "assertion violated told"],
  ["PUBLISH_SPLIT", "S1-S6", "S5", "assertion violated (entry[k]==0)"],
  ["FRESH_ID", "S1-S6", "S5", "assertion violated (entry[k]==0)"],
  ["PUBLISH_FORGET", "S1-S6", "S6", "assertion violated (entry[k]!=0)"],
  ["GROUP_AT_END", "L1", "L1", "acceptance cycle"],
  ["NO_TAKEOVER", "L2", "L2", "acceptance cycle"],
  ["HALT_GOES_BACK", "L3", "L3", "acceptance cycle"],
  ["HALT_MOVED_BACK", "L4", "L4", "acceptance cycle"],
];

/** What one search came to. */
interface Search {
  /** What spin found; null: nothing, in all the states there are. */
  readonly complaint: string | null;
  readonly states: number;
  readonly depth: number;
  readonly seconds: number;
  readonly megabytes: number;
}

/** A row of what is checked, and whether it came out as it should. */
export interface Verdict {
  readonly name: string;
  readonly words: string;
  readonly search: Search;
  readonly ok: boolean;
}

/** Checks what must hold, one search after another, and tells each verdict as it comes. */
export async function checkProperties(tell: (verdict: Verdict) => void): Promise<readonly Verdict[]> {
  return await oneByOne(PROPERTIES, tell, async ([property, words]) => {
    const search = await explore(property, null);
    return { name: property, words, search, ok: search.complaint === null };
  });
}

/** Checks that each planted bug is found, in the same way. */
export async function checkBugs(tell: (verdict: Verdict) => void): Promise<readonly Verdict[]> {
  return await oneByOne(BUGS, tell, async ([bug, property, rule, complaint]) => {
    const search = await explore(property, bug);
    const ok = search.complaint?.includes(complaint) ?? false;
    return { name: `BUG_${bug}`, words: `breaks ${rule}`, search, ok };
  });
}

async function oneByOne<T>(
  rows: readonly T[],
  tell: (verdict: Verdict) => void,
  check: (row: T) => Promise<Verdict>,
): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const row of rows) {
    const verdict = await check(row);
    verdicts.push(verdict);
    tell(verdict);
  }
  return verdicts;
}

/** Has spin write the search for one property, compiles it and runs it, in a directory that is gone afterwards. */
async function explore(property: Property, bug: string | null): Promise<Search> {
  const folder = mkdtempSync(join(tmpdir(), "quantum-model-"));
  try {
    copyFileSync(MODEL, join(folder, "incident.pml"));
    await run(folder, "spin", [...(bug === null ? [] : [`-DBUG_${bug}`]), "-a", "incident.pml"]);
    const safety = property === "S1-S6";
    // NFAIR: weak fairness keeps a bit for each of the five processes, and they don't fit the default.
    const defines = safety ? ["-DSAFETY", "-DNOCLAIM"] : ["-DNFAIR=3"];
    await run(folder, "gcc", ["-O2", "-w", ...defines, "-o", "pan", "pan.c"]);
    const kind = safety ? [] : ["-a", "-f", "-N", property];
    return parse(await run(folder, join(folder, "pan"), [...kind, `-m${MAX_DEPTH}`]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * What the search says of itself.
 *
 * @throws {Error} if it does not say that it came to an end.
 */
function parse(report: string): Search {
  const number = (pattern: RegExp): number => {
    const found = pattern.exec(report)?.[1];
    if (found === undefined) throw new Error(`The search ended without ${pattern.source}: ${report}`);
    return Number(found);
  };
  const errors = number(/errors: (\d+)/);
  // "pan:1:" found something, "error:" could not go on, as where the depth or the memory did not suffice.
  const complaint = /^pan:1: (.*)$/m.exec(report)?.[1] ?? /^(?:pan: )?(?:error|Warning): (.*)$/im.exec(report)?.[1];
  return {
    complaint: complaint ?? (errors === 0 ? null : `${errors} errors`),
    states: number(/(\d+) states, stored/),
    depth: number(/depth reached (\d+)/),
    seconds: number(/elapsed time ([\d.]+)/),
    megabytes: number(/([\d.]+)\ttotal actual memory usage/),
  };
}

function run(cwd: string, file: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(file, [...args], { cwd, timeout: LIMIT_MS, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      // The search exits with 0 or another number whatever it found: what it says counts.
      if (error === null || (file.endsWith("/pan") && !error.killed)) resolve(`${stdout}${stderr}`);
      else reject(new Error(`${file} ${args.join(" ")}: ${error.message}\n${stdout}${stderr}`));
    });
  });
}

if (import.meta.main) {
  const tell = ({ name, ok }: Verdict): void => console.error(`${ok ? "ok  " : "BAD "} ${name}`);
  const verdicts = [...(await checkProperties(tell)), ...(await checkBugs(tell))];
  const head = ["", "what", "states", "depth", "s", "MB", "verdict"];
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const { name, words, ok, search } of verdicts) {
    const { states, depth, seconds, megabytes } = search;
    const verdict = `${ok ? "ok" : "BAD"}: ${search.complaint ?? "holds in every state"}`;
    table.push([name, words, states, depth, seconds, Math.round(megabytes), verdict]);
  }
  console.log(table.toString());
  process.exit(verdicts.every(({ ok }) => ok) ? 0 : 1);
}

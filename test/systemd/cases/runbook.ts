/** The runbook, typed as it is printed. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { must } from "../../faults/case.ts";
import { eventually } from "../../support/eventually.ts";
import { type Figure, type SystemdCase, took } from "../case.ts";
import { criterionMs, killedAndFlat, TOTAL } from "../expect.ts";
import { missingFromHash, missingFromLog, missingFromReply } from "../printed.ts";
import { type PrintedCommand, RUNBOOK, type Section, section } from "../runbook.ts";
import type { Site } from "../site.ts";
import { ON_A_TERMINAL, typed } from "../typed.ts";
import { UNITS } from "../units.ts";

/** A log that is followed for longer is not of this run. */
const FOLLOWED_MS = 45_000;
/** "Brain restarted" to its first heartbeat, and to the watchdog's word. */
const RECOVERY_MS = 15_000;

const PREREQUISITES = section(RUNBOOK, "Services Required");
const REDIS_ACCESS = section(RUNBOOK, "Redis Access");
const [BASELINE, KILL, DETECTION_LOG, PUBLISHED, EXECUTION_LOG, COMPLETED, HALTED] = [
  "Step 1:",
  "Step 3:",
  "Step 4:",
  "Step 5:",
  "Step 6:",
  "Step 7:",
  "Step 8:",
].map((heading) => section(RUNBOOK, heading)) as [Section, Section, Section, Section, Section, Section, Section];
const RECOVERY = section(RUNBOOK, "Recovery Procedure");
const SCRIPT = section(RUNBOOK, "Automated Script").script;

export const RUNBOOK_CASES: readonly SystemdCase[] = [
  {
    name: "runbook-stop",
    caused: "the runbook's steps 1 to 8 and the recovery, typed; Method 1: systemctl stop",
    holds: "each step shows what the runbook prints",
    run: (site) => followed(site, 0),
  },
  {
    name: "runbook-kill",
    caused: "the same with Method 2: systemctl kill -s KILL",
    holds: "each step shows what the runbook prints",
    run: (site) => followed(site, 1),
  },
  {
    name: "runbook-script",
    caused: "the runbook's automated script, answered with yes",
    holds: "it sees the completion",
    run: async ({ machine }) => {
      const { code, stdout, stderr } = await machine.type(`bash -c "$RUNBOOK_SCRIPT" <<< yes`, {
        env: { RUNBOOK_SCRIPT: typed(SCRIPT) },
        limitMs: FOLLOWED_MS,
      });
      must(code === 0, `the script ended with ${code}:\n${stdout}${stderr}`);
      const elapsed = /Panic close completed in (\d+)ms/.exec(stdout)?.[1];
      must(elapsed !== undefined, `the script does not say how long it took:\n${stdout}`);
      return [took("kill → completion, by the script", Number(elapsed), criterionMs(TOTAL))];
    },
  },
];

/** Types the whole of it, with one of the two methods. */
async function followed(site: Site, method: number): Promise<readonly Figure[]> {
  const { machine } = site;
  for (const unit of UNITS) {
    must(
      PREREQUISITES.commands.some(({ line }) => line.includes(unit)),
      `the runbook does not ask for ${unit}`,
    );
  }
  for (const { line } of [...PREREQUISITES.commands, ...REDIS_ACCESS.commands]) await machine.must(typed(line));
  const [beats, listening] = pair(BASELINE.commands);
  await replies(site, beats);
  await logs(site, listening);

  const watchdog = await Follower.open(site, only(DETECTION_LOG.commands));
  const worker = await Follower.open(site, only(EXECUTION_LOG.commands));
  try {
    const kill = KILL.commands[method];
    must(kill !== undefined, `the runbook has no method ${method + 1}`);
    const killedAt = Date.now();
    await machine.must(typed((kill as PrintedCommand).line));
    await watchdog.shows(DETECTION_LOG.log, criterionMs(TOTAL));
    await replies(site, only(PUBLISHED.commands));
    await worker.shows(EXECUTION_LOG.log, criterionMs(TOTAL));
    const figures = await killedAndFlat(site, killedAt);
    await replies(site, only(COMPLETED.commands));
    await hash(site, only(HALTED.commands));
    return [...figures, ...(await recovered(site))];
  } finally {
    await watchdog.close();
    await worker.close();
  }
}

/** Clears, starts, and sees that all is as before. */
async function recovered(site: Site): Promise<readonly Figure[]> {
  const { machine } = site;
  const [clear, start, beat, attached] = RECOVERY.commands as [
    PrintedCommand,
    PrintedCommand,
    PrintedCommand,
    PrintedCommand,
  ];
  must(RECOVERY.commands.length === 4, `the recovery has ${RECOVERY.commands.length} commands, expected 4`);
  const lastBeatMs = await site.lastBeatMs();
  const cleared = await machine.must(typed(clear.line), { env: ON_A_TERMINAL });
  must(cleared.trim() === "(integer) 1", `${clear.line} answered ${cleared}`);
  const startedAt = Date.now();
  await machine.must(typed(start.line));
  // The last two are typed until they show it: a person looks again, too.
  const resumed = async (): Promise<boolean> => {
    const reply = await machine.must(typed(beat.line), { env: ON_A_TERMINAL });
    const atMs = Number(/"(\d{13})-\d+"/.exec(reply)?.[1] ?? Number.NaN);
    return atMs > lastBeatMs && reply.includes('"ALIVE"');
  };
  await eventually("the heartbeat has resumed", resumed, RECOVERY_MS);
  const beatAt = Date.now();
  const reattached = async (): Promise<boolean> => (await machine.must(typed(attached.line))).includes(": Armed: ");
  await eventually(`${attached.line} says that the watchdog is armed`, reattached, RECOVERY_MS);
  must(!(await site.isHalted()), "trading is still halted");
  return [took("brain started → heartbeat", beatAt - startedAt)];
}

async function replies({ machine }: Site, { line, expected }: PrintedCommand): Promise<void> {
  must(expected.length > 0, `the runbook does not say what ${line} shows`);
  const reply = await machine.must(typed(line), { env: ON_A_TERMINAL });
  shown(line, missingFromReply(expected, reply), reply);
}

async function hash({ machine }: Site, { line, expected }: PrintedCommand): Promise<void> {
  const [, ...fields] = expected;
  must(fields.length > 0, `the runbook does not say what ${line} shows`);
  const reply = await machine.must(typed(line), { env: ON_A_TERMINAL });
  shown(line, missingFromHash(fields, reply), reply);
}

/** `Should see: "words"` */
async function logs({ machine }: Site, { line, expected }: PrintedCommand): Promise<void> {
  const words = expected.flatMap((text) => [...text.matchAll(/"(.+)"/g)].map(([, quoted = ""]) => quoted));
  must(words.length > 0, `the runbook does not say what ${line} shows`);
  const log = await machine.must(typed(line));
  shown(line, missingFromLog(words, log), log);
}

function shown(line: string, missing: readonly string[], output: string): void {
  must(missing.length === 0, `${line}: ${missing.join("; ")}. It shows:\n${output.trimEnd()}`);
}

function only(commands: readonly PrintedCommand[]): PrintedCommand {
  const [command, ...others] = commands;
  if (command === undefined || others.length > 0) throw new Error(`expected one command, found ${commands.length}`);
  return command;
}

function pair(commands: readonly PrintedCommand[]): readonly [PrintedCommand, PrintedCommand] {
  const [first, second] = commands;
  if (first === undefined || second === undefined) throw new Error(`expected two commands, found ${commands.length}`);
  return [first, second];
}

let followers = 0;

/** A log that is followed in another terminal, as the runbook does. */
class Follower {
  readonly #line: string;
  readonly #file: string;
  readonly #end: () => Promise<void>;
  /** What it has shown when it was opened is of an earlier run. */
  readonly #from: number;

  private constructor(line: string, file: string, from: number, end: () => Promise<void>) {
    this.#line = line;
    this.#file = file;
    this.#from = from;
    this.#end = end;
  }

  static async open({ machine }: Site, { line }: PrintedCommand): Promise<Follower> {
    must(line.endsWith(" -f"), `the runbook does not follow the log with ${line}`);
    followers += 1;
    const file = join(machine.directory, `followed-${followers}.log`);
    const run = machine.begin(typed(line), file, FOLLOWED_MS);
    // It begins with the last lines there are.
    await eventually(`${line} shows something`, () => existsSync(file) && readFileSync(file, "utf8").includes("\n"));
    return new Follower(line, file, readFileSync(file, "utf8").length, () => run.end());
  }

  /** Waits until it has shown these lines. */
  async shows(lines: readonly string[], limitMs: number): Promise<void> {
    const shows = (): readonly string[] => missingFromLog(lines, readFileSync(this.#file, "utf8").slice(this.#from));
    await eventually(this.#line, () => shows().length === 0, limitMs).catch(() => {
      shown(this.#line, shows(), readFileSync(this.#file, "utf8").slice(this.#from));
    });
  }

  async close(): Promise<void> {
    await this.#end();
  }
}

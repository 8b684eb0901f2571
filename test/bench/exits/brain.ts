/** A brain over many legs: what its process costs, and how soon after a mark its order is at the venue. */

import { randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ChildRun } from "../../../src/adapters/host/processes.ts";
import { decimal, plain, ZERO } from "../../../src/core/decimal.ts";
import { eventually } from "../../support/eventually.ts";
import { QUANTUM } from "../../support/run.ts";
import { type BenchContract, benchContracts } from "../contracts.ts";
import type { Stage } from "../measure.ts";
import type { VenueReport } from "../protocol.ts";
import type { VenueProcess } from "../venue-process.ts";
import { LEGS, POLICY_TEXT } from "./policy.ts";

/** What was measured of a brain that runs. */
export interface BrainCost {
  /** The CPU time of the whole process in a second, which is one cycle: sockets, heartbeats, and the streamed marks of all contracts. */
  readonly cpuMsPerCycle: number;
  /** From the move of a mark to the order's arrival, run by run. */
  readonly byStreamMs: readonly number[];
  readonly byRestMs: readonly number[];
}

/** What of a stage the measuring of exits needs. */
export type ExitStage = Pick<Stage, "children" | "directory" | "env" | "say" | "venue">;

/** For each repeat. */
const CPU_WATCH_MS = 4_000;
/** Orders by stream, and by REST, for each repeat: a worst case is not found by few. */
const RUNS = 4;
/** `getconf CLK_TCK`: what /proc counts in, on every Linux that Bun runs on. */
const TICK_MS = 10;
/** A cycle, and what a slow machine takes for it. */
const ORDER_LIMIT_MS = 10_000;
/** A stream is silent for so long before the brain believes it, and it goes by its looks alone (src/core/stream-health.ts). */
const QUIET_MS = 7_000;
/** From run to run another part of the second, so that a look is met at each of its moments. */
const PHASE_STEP_MS = 370;
const SECOND_MS = 1_000;

/** Measures a brain with `LEGS` legs; the venue answers at once, so that only the brain's own time is in the figures. */
export async function brainCost(stage: ExitStage, repeats: number): Promise<BrainCost> {
  const { children, directory, env, say, venue } = stage;
  const contracts = benchContracts(LEGS);
  await venue.ask({ do: "set", positions: LEGS, orders: false });
  const policy = join(directory, "exits.yaml");
  writeFileSync(policy, POLICY_TEXT);
  const brain = new ChildRun({
    file: QUANTUM,
    args: ["brain", "--policy", policy, "--auto-live"],
    env: { ...env, LOG_FORMAT: "text", STATE_DIRECTORY: join(directory, `brain-${randomUUID()}`) },
    cwd: directory,
    logFile: join(directory, "brain.log"),
  });
  children.add(brain);
  try {
    const has = (line: string) => (): boolean => {
      if (!brain.running()) throw new Error(`The brain ended at once: ${brain.log().trim().slice(-1_000)}`);
      return brain.log().includes(line);
    };
    await eventually("the brain watches every leg", has(`Watching ${LEGS} positions`), 30_000);
    await eventually("the brain is live", has("Live: the exit policy is acted on"));
    await eventually("the marks flow", has("The marks stream flows"));
    const cpuMsPerCycle = await cpuMsPerSecond(brain, repeats * CPU_WATCH_MS);
    say(`  CPU of the process per cycle: ${cpuMsPerCycle.toFixed(1)} ms`);
    const byStreamMs: number[] = [];
    const byRestMs: number[] = [];
    const runs = Math.min(RUNS * repeats, LEGS / 2);
    const [streamed, listed] = [contracts.slice(0, runs), contracts.slice(runs, 2 * runs)];
    for (const [run, contract] of streamed.entries()) byStreamMs.push(await markToOrder(venue, contract, run));
    say(`  mark to order by stream: ${byStreamMs.join(" ")} ms`);
    await venue.ask({ do: "stream", mood: "quiet" });
    await eventually("the brain has seen the silence", has("the brain looks once a second all the same"), 2 * QUIET_MS);
    for (const [run, contract] of listed.entries()) byRestMs.push(await markToOrder(venue, contract, run));
    say(`  mark to order by REST: ${byRestMs.join(" ")} ms`);
    return { cpuMsPerCycle, byStreamMs, byRestMs };
  } finally {
    await venue.ask({ do: "stream", mood: "flowing" });
    await brain.end();
    children.delete(brain);
  }
}

/** Moves the contract's mark beyond its stop loss, and waits for the order. */
async function markToOrder(venue: VenueProcess, { rules, amount }: BenchContract, run: number): Promise<number> {
  await Bun.sleep((run * PHASE_STEP_MS) % SECOND_MS);
  const before = orders(await venue.ask({ do: "report" })).count;
  const share = decimal(decimal(amount).gt(ZERO) ? "0.97" : "1.03");
  const moved = await venue.ask({ do: "mark", symbol: rules.symbol, price: plain(decimal(rules.mark).times(share)) });
  let arrivedAt = 0;
  await eventually(
    `the order for ${rules.symbol} is at the venue`,
    async () => {
      const { count, lastAt } = orders(await venue.ask({ do: "report" }));
      arrivedAt = lastAt;
      return count > before;
    },
    ORDER_LIMIT_MS,
  );
  return arrivedAt - (moved.markedAt ?? 0);
}

function orders({ steps }: VenueReport): { readonly count: number; readonly lastAt: number } {
  return steps.find(({ call }) => call === "POST /fapi/v1/order") ?? { count: 0, lastAt: 0 };
}

async function cpuMsPerSecond(brain: ChildRun, watchMs: number): Promise<number> {
  const before = cpuMs(brain);
  const from = performance.now();
  await Bun.sleep(watchMs);
  return ((cpuMs(brain) - before) * SECOND_MS) / (performance.now() - from);
}

/** User and system time of all its threads: fields 14 and 15 of proc_pid_stat(5). */
function cpuMs(brain: ChildRun): number {
  const stat = readFileSync(`/proc/${brain.pid()}/stat`, "utf8");
  // The name, in parentheses, may have blanks of its own.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** One closer in one row: started, made ready, and struck by the event as often as asked. */

import type { ChildRun } from "../../src/adapters/host/processes.ts";
import { type CcxtRuntime, startCloser } from "./closers.ts";
import { IDLE_WATCH_MS, idleWeightPerMinute } from "./idle.ts";
import type { VenueReport, VenueStep } from "./protocol.ts";
import type { CloserName, Row } from "./rows.ts";
import type { Trigger } from "./trigger.ts";
import type { VenueProcess } from "./venue-process.ts";

/** Where the measuring happens. */
export interface Stage {
  readonly venue: VenueProcess;
  readonly trigger: Trigger;
  readonly env: Readonly<Record<string, string>>;
  readonly directory: string;
  readonly ccxtRuntime: CcxtRuntime;
  readonly latencyMs: number;
  /** Whether what the worker asks while it waits is watched, too. */
  readonly idle: boolean;
  /** The closers that run, so that an interrupted benchmark leaves none behind. */
  readonly children: Set<ChildRun>;
  readonly say: (line: string) => void;
}

/** What came of one event. */
export interface Run {
  /** From the event's entry in Redis to the venue's last execution; `null` if there was none. */
  readonly lastFillMs: number | null;
  /** Completed between the event and the closer's report. */
  readonly handshakes: number;
  /** No position open and no order resting, at the venue. */
  readonly flat: boolean;
  readonly fills: number;
  /** What the closer said; the peers do not judge themselves. */
  readonly outcome: string | null;
  /** Every kind of request during the pass, in ms since the event. */
  readonly steps: readonly VenueStep[];
}

/** A connection that is not used for this long has been closed, so that none is left over from the pass before. */
const IDLE_MS = 5_500;

/** Longer than the pause between two rounds of a closer's warming up. */
const STABLE_MS = 3_500;

/** Until then a closer has its connections, or never. */
const WARM_LIMIT_MS = 30_000;

/** Binance counts orders in windows of ten seconds, aligned to the clock. A pass of this many starts in a fresh one. */
const WINDOW_MS = 10_000;
const WINDOW_MATTERS_FROM = 50;

/** Longer than the worker takes to see that the halt is gone. */
const HALT_SEEN_MS = 2_500;

/** A sequential closer may take its time. */
const PASS_LIMIT_MS = 120_000;

const LOOK_EVERY_MS = 250;

/** What came of all the events of a row, and what it costs to wait for one: null where that is not watched. */
interface Measured {
  readonly runs: readonly Run[];
  readonly idleWeight: number | null;
}

/** Runs the row `repeats` times, and then watches the worker wait, if asked. */
export async function measure(closer: CloserName, row: Row, repeats: number, stage: Stage): Promise<Measured> {
  const { venue, trigger, say } = stage;
  await trigger.forget();
  await venue.ask({ do: "open" });
  await venue.ask({ do: "set", positions: row.positions, orders: row.orders });
  const child = await startCloser(closer, row.positions, stage);
  stage.children.add(child);
  const runs: Run[] = [];
  let idleWeight: number | null = null;
  try {
    for (let repeat = 1; repeat <= repeats; repeat++) {
      const run = await once(row, stage);
      runs.push(run);
      const time = run.lastFillMs === null ? "no fill" : `last fill ${run.lastFillMs} ms`;
      say(`  ${closer} ${repeat}/${repeats}: ${time}, ${run.handshakes} handshakes${run.flat ? "" : ", NOT FLAT"}`);
      if (!run.flat) say(`    its last words: ${child.log().trim().split("\n").slice(-3).join("\n    ")}`);
    }
    if (stage.idle && closer === "quantum" && !row.orders && !row.cold) {
      say(`  ${closer} idle: watched for ${IDLE_WATCH_MS / 1_000} s`);
      await reset(row, stage);
      await warm(venue);
      idleWeight = await idleWeightPerMinute(venue);
    }
  } finally {
    await child.end();
    stage.children.delete(child);
  }
  return { runs, idleWeight };
}

async function once(row: Row, stage: Stage): Promise<Run> {
  const { venue, trigger, latencyMs } = stage;
  await reset(row, stage);
  if (row.cold) {
    await venue.ask({ do: "shut" });
    await Bun.sleep(IDLE_MS);
  } else {
    await warm(venue);
  }
  if (row.positions >= WINDOW_MATTERS_FROM) await freshWindow();
  const before = await venue.ask(row.cold ? { do: "open" } : { do: "report" });
  if (before.positions !== row.positions || before.resting > 0 !== row.orders) {
    const expected = `expected ${row.positions}, ${row.orders ? "with" : "without"} orders`;
    throw new Error(
      `The venue has ${before.positions} positions and ${before.resting} orders before the event: ${expected}`,
    );
  }
  const event = await trigger.publish();
  const outcome = await event.outcome(PASS_LIMIT_MS);
  // An order whose answer nobody waits for may still be on its way.
  await Bun.sleep(2 * latencyMs);
  const after = await venue.ask({ do: "report" });
  return { ...judged(before, after, event.at), outcome };
}

/** Sets the scene anew, once the worker has seen that the halt is gone: it closes what opens under a halt. */
async function reset(row: Row, { venue, trigger }: Stage): Promise<void> {
  await trigger.clearHalt();
  await Bun.sleep(HALT_SEEN_MS);
  await venue.ask({ do: "set", positions: row.positions, orders: row.orders });
}

function judged(before: VenueReport, after: VenueReport, at: number): Omit<Run, "outcome"> {
  const since = after.steps.filter(({ lastAt }) => lastAt >= at);
  return {
    lastFillMs: after.fills.length === 0 ? null : Math.max(...after.fills) - at,
    handshakes: after.handshakes - before.handshakes,
    flat: after.positions === 0 && after.resting === 0,
    fills: after.fills.length,
    steps: since.map((step) => ({ ...step, firstAt: step.firstAt - at, lastAt: step.lastAt - at })),
  };
}

/** Waits until the connections of the last pass are gone, and no new one has been made for a while. */
async function warm(venue: VenueProcess): Promise<void> {
  const startedAt = performance.now();
  let { handshakes } = await venue.ask({ do: "report" });
  let stableSince = performance.now();
  while (performance.now() - startedAt < WARM_LIMIT_MS) {
    if (performance.now() - startedAt >= IDLE_MS && performance.now() - stableSince >= STABLE_MS) return;
    await Bun.sleep(LOOK_EVERY_MS);
    const now = await venue.ask({ do: "report" });
    if (now.handshakes !== handshakes) stableSince = performance.now();
    handshakes = now.handshakes;
  }
}

async function freshWindow(): Promise<void> {
  // A little into it: the two processes read the same clock, but not at the same moment.
  await Bun.sleep(WINDOW_MS - (Date.now() % WINDOW_MS) + 20);
}

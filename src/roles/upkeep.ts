/** What a role that sends orders does while nothing is under way, so that an order finds all of it done. */

import type { Snapshot } from "../core/position.ts";
import type { Rulebook } from "../core/rulebook.ts";
import { after, type Instant } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { Exchange } from "../ports/exchange.ts";
import type { Log } from "../ports/log.ts";
import type { RulebookStore } from "../ports/rulebook-store.ts";

/** What a pass knows without asking. */
export interface Memory {
  rulebook: Rulebook;
  /** The positions as they were last read; null if never. */
  snapshot: Snapshot | null;
  /** When a pass has proven the account flat last; null if none has. */
  flatAt: Instant | null;
}

interface Upkeep {
  readonly clock: Clock;
  readonly exchange: Exchange;
  readonly rulebooks: RulebookStore;
  readonly log: Log;
}

/** How often the positions are read: the age at most of what is closed blindly. Weight 5, so 150 a minute. Design section 4. */
const SNAPSHOT_EVERY_MS = 2_000;

/**
 * How many connections for orders are kept open, and how often they are proven: each ping is of weight 1. `everyMs`: a round is no
 * sooner behind the last one; those for reads are proven in each, eight in all.
 */
interface Warmth {
  readonly perLeg: number;
  readonly min: number;
  readonly max: number;
  readonly pingsPerMinute: number;
  readonly everyMs: number;
}

/** How often it is looked whether a round is due. */
const LOOK_EVERY_MS = 2_000;

/**
 * Two for each leg, because a leg may have orders of both families to cancel at once, and no request should wait for another or make a
 * connection of its own. As many as the account may send orders in ten seconds. The more there are the rarer they are proven, so that
 * they cost no more than a fifth of the address's 2400 a minute (binance.md 3).
 */
const WORKER_WARMTH: Warmth = { perLeg: 2, min: 8, max: 300, pingsPerMinute: 480, everyMs: LOOK_EVERY_MS };

/**
 * Beside a worker of the same address, and looks that cost it some 600 a minute: where all of it is used up nobody can look or close
 * any more. A brain leaves legs one by one; as many connections as are proven in time at less than a tenth of the address's budget.
 */
const BRAIN_WARMTH: Warmth = { perLeg: 1, min: 4, max: 60, pingsPerMinute: 120, everyMs: 10_000 };

/** The venue's rules change when it lists or changes a symbol; a symbol that is missing is closed all the same. */
const RULEBOOK_EVERY_MS = 3_600_000;
/** Of weight 1. Without them a brain can place no backstop: its tick is not known. */
const RULEBOOK_RETRY_MS = 5_000;

/** Keeps everything fresh until `signal` aborts; whatever loads the venue pauses while `idle` says no. */
export async function keepReady(
  upkeep: Upkeep,
  memory: Memory,
  idle: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all([
    keepWarm(upkeep, WORKER_WARMTH, memory, idle, signal),
    keepSnapshot(upkeep, memory, idle, signal),
    keepRulebook(upkeep, memory, idle, signal),
  ]);
}

/** The same for a brain with a policy, which lists the positions itself, each second. */
export async function keepReadyForExits(upkeep: Upkeep, memory: Memory, signal: AbortSignal): Promise<void> {
  const always = (): boolean => true;
  await Promise.all([
    keepWarm(upkeep, BRAIN_WARMTH, memory, always, signal),
    keepRulebook(upkeep, memory, always, signal),
  ]);
}

/** Keeps connections open and the venue's clock known, so that a pass pays for neither. */
async function keepWarm(
  { clock, exchange, log }: Upkeep,
  warmth: Warmth,
  memory: Memory,
  idle: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  let cold = false;
  let warmed = 0;
  let dueAt = clock.now();
  while (!signal.aborted) {
    const wanted = socketsFor(warmth, memory.snapshot);
    if (idle() && (clock.now() >= dueAt || wanted > warmed)) {
      const answer = await exchange.warm(wanted);
      if (!answer.known && !cold) log.write("warn", `The venue does not answer: ${answer.why}`);
      if (answer.known && cold) log.write("info", "The venue answers again");
      cold = !answer.known;
      warmed = answer.known ? wanted : 0;
      dueAt = after(clock.now(), Math.max(warmth.everyMs, (wanted * 60_000) / warmth.pingsPerMinute));
    }
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

function socketsFor({ max, min, perLeg }: Warmth, snapshot: Snapshot | null): number {
  return Math.min(max, Math.max(min, perLeg * (snapshot?.positions.length ?? 0)));
}

/** Reads the positions now and then; what can't be read leaves the last list as it is. */
async function keepSnapshot(
  { clock, exchange }: Upkeep,
  memory: Memory,
  idle: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    if (idle()) {
      const takenAt = clock.now();
      const answer = await exchange.positions();
      if (answer.known) memory.snapshot = { positions: answer.value, takenAt };
    }
    await clock.sleep(SNAPSHOT_EVERY_MS, signal);
  }
}

/** Reads the rulebook now and then, while nothing is under way: the answer is large, and parsing it takes its time. */
async function keepRulebook(
  { clock, exchange, log, rulebooks }: Upkeep,
  memory: Memory,
  idle: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  let dueAt = clock.now();
  while (!signal.aborted) {
    if (clock.now() >= dueAt && idle()) {
      const answer = await exchange.rulebook();
      if (answer.known) {
        memory.rulebook = answer.value;
        if (!rulebooks.save(answer.value))
          log.write("warn", "The venue's rulebook can't be saved: the next start reads it anew");
      } else if (memory.rulebook.size === 0) {
        log.write("warn", `The venue's rulebook can't be read, large positions can't be split: ${answer.why}`);
      }
      dueAt = after(clock.now(), answer.known ? RULEBOOK_EVERY_MS : RULEBOOK_RETRY_MS);
    }
    await clock.sleep(SNAPSHOT_EVERY_MS, signal);
  }
}

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
 * Connections for cancels and closes: two for each leg, because a leg may have orders of both families to cancel at once, and
 * no request should wait for another or make a connection of its own. As many as the account may send orders in ten seconds.
 */
const SOCKETS_PER_LEG = 2;
const SOCKETS_MIN = 8;
const SOCKETS_MAX = 300;

/**
 * Each connection is proven by a ping, of weight 1. The more there are the rarer, so that they cost no more than a fifth of
 * the address's 2400 a minute (binance.md 3).
 */
const PINGS_PER_MINUTE = 480;
const WARM_EVERY_MS_MIN = 2_000;

/** The venue's rules change when it lists or changes a symbol; a symbol that is missing is closed all the same. */
const RULEBOOK_EVERY_MS = 3_600_000;
const RULEBOOK_RETRY_MS = 30_000;

/** Keeps everything fresh until `signal` aborts; whatever loads the venue pauses while `idle` says no. */
export async function keepReady(
  upkeep: Upkeep,
  memory: Memory,
  idle: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all([
    keepWarm(upkeep, memory, idle, signal),
    keepSnapshot(upkeep, memory, idle, signal),
    keepRulebook(upkeep, memory, idle, signal),
  ]);
}

/** The same for a brain with a policy, which lists the positions itself, each second. */
export async function keepReadyForExits(upkeep: Upkeep, memory: Memory, signal: AbortSignal): Promise<void> {
  const always = (): boolean => true;
  await Promise.all([keepWarm(upkeep, memory, always, signal), keepRulebook(upkeep, memory, always, signal)]);
}

/** Keeps connections open and the venue's clock known, so that a pass pays for neither. */
async function keepWarm(
  { clock, exchange, log }: Upkeep,
  memory: Memory,
  idle: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  let cold = false;
  let warmed = 0;
  let dueAt = clock.now();
  while (!signal.aborted) {
    const wanted = socketsFor(memory.snapshot);
    if (idle() && (clock.now() >= dueAt || wanted > warmed)) {
      const answer = await exchange.warm(wanted);
      if (!answer.known && !cold) log.write("warn", `The venue does not answer: ${answer.why}`);
      if (answer.known && cold) log.write("info", "The venue answers again");
      cold = !answer.known;
      warmed = answer.known ? wanted : 0;
      dueAt = after(clock.now(), Math.max(WARM_EVERY_MS_MIN, (wanted * 60_000) / PINGS_PER_MINUTE));
    }
    await clock.sleep(WARM_EVERY_MS_MIN, signal);
  }
}

function socketsFor(snapshot: Snapshot | null): number {
  return Math.min(SOCKETS_MAX, Math.max(SOCKETS_MIN, SOCKETS_PER_LEG * (snapshot?.positions.length ?? 0)));
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

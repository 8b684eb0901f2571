import { Failure } from "../config/refusal.ts";
import type { Reading } from "../core/reading.ts";
import type { UnixMillis } from "../core/time.ts";
import type { DrillBus } from "../ports/bus.ts";
import type { Clock } from "../ports/clock.ts";
import type { Exchange } from "../ports/exchange.ts";
import type { Supervisor } from "../ports/supervisor.ts";
import type { Struck } from "./guarded-bot.ts";

/** Where a drill plays: a live testnet deployment or a sandbox, through the same ports. */
export interface Stage {
  readonly target: "sandbox" | "live";
  readonly clock: Clock;
  readonly bus: DrillBus;
  readonly exchange: Exchange;
  readonly supervisor: Supervisor;
  /** Whom the blow strikes: the exit brain, or a bot or its guard where those are in its place. */
  readonly victim: "brain" | Struck;
  /** Protectors left out on purpose, to see the drill fail. */
  readonly without: readonly ("watchdog" | "eew")[];
  /** Puts on record that the blow is about to fall; unknown: it can't be kept, and no blow falls. */
  begin(startedAt: UnixMillis): Promise<Reading<null>>;
  /** Tells people how it goes, as it goes. */
  progress(text: string): void;
  /** Aborts when a person wants the drill to end. */
  readonly signal: AbortSignal;
}

/** Pause between two looks of a drill. Times are read from records, so it does not blur what is measured. */
const LOOK_EVERY_MS = 25;

/** Says that something still takes time this often. */
const PATIENCE_MS = 2_000;

/**
 * Looks until there is something to see; null if there was nothing within `limitMs`.
 *
 * @param what is waited for, in words for people.
 * @throws {Failure} when a person ends the drill.
 */
export async function until<T>(
  { clock, progress, signal }: Stage,
  what: string,
  limitMs: number,
  look: () => Promise<T | null>,
): Promise<T | null> {
  const startedAt = clock.now();
  let toldAt = startedAt;
  for (;;) {
    if (signal.aborted) throw new Failure("The drill was interrupted");
    const seen = await look();
    if (seen !== null) return seen;
    const now = clock.now();
    if (now - startedAt > limitMs) return null;
    if (now - toldAt >= PATIENCE_MS) {
      progress(`waiting for ${what} (${Math.round((now - startedAt) / 1_000)} s)`);
      toldAt = now;
    }
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

/** A supervisor that remembers what it was told, and when. */

import type { Clock } from "../../src/ports/clock.ts";
import type { Service } from "../../src/ports/service.ts";

/** What one role told it. */
export interface Supervised extends Service {
  /** When the role was first ready; null: it was not. */
  readyAt(): number | null;
  /** When each useful cycle came to its end. */
  readonly workedAt: readonly number[];
  /** The longest time without one, up to now and from when the role was ready. */
  widestGapMs(): number;
  /** Each status as it changed. */
  readonly lines: readonly string[];
}

/** Nothing was told yet. */
export function supervised(clock: Clock): Supervised {
  const workedAt: number[] = [];
  const lines: string[] = [];
  let readyAt: number | null = null;
  return {
    ready: () => {
      readyAt ??= clock.now();
    },
    worked: () => void workedAt.push(clock.now()),
    status: (text) => {
      if (lines.at(-1) !== text) lines.push(text);
    },
    readyAt: () => readyAt,
    workedAt,
    lines,
    widestGapMs: () => {
      const times = [readyAt ?? 0, ...workedAt, clock.now()];
      return Math.max(...times.slice(1).map((at, i) => at - (times[i] ?? 0)));
    },
  };
}

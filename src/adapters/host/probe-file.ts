import { stat } from "node:fs/promises";
import { known, type Reading, unknown } from "../../core/reading.ts";
import { after, type Instant, latest } from "../../core/time.ts";
import { tenths } from "../../core/trip.ts";
import type { Probe } from "../../ports/bot.ts";
import type { Clock } from "../../ports/clock.ts";
import { withinDeadline } from "./within-deadline.ts";

/** A file that the bot writes to as long as it works. */
export interface FileProbeOptions {
  readonly path: string;
  /** It passes while the last change is no older. */
  readonly maxAgeMs: number;
  readonly deadlineMs: number;
  readonly clock: Clock;
}

/**
 * Passes while the file changes. When it did is told by the local monotonic clock from the second look on: a wall clock that is set
 * back would make a file that nobody writes look new for as long as that (design rule 7).
 */
export function fileProbe({ path, maxAgeMs, deadlineMs, clock }: FileProbeOptions): Probe {
  /** What the file was like, when that was new, and when it was looked at last. */
  let seen: { readonly version: string; readonly changedAt: Instant } | null = null;
  let lookedAt: Instant | null = null;

  async function look(): Promise<Reading<null>> {
    const { mtimeMs, mtimeNs, ino, size } = await stat(path, { bigint: true });
    const now = clock.now();
    const version = `${ino} ${size} ${mtimeNs}`;
    if (seen?.version !== version) {
      const byWallClock = after(now, -Math.max(0, clock.wall() - Number(mtimeMs)));
      // It can't have changed before the last look, which did not show it.
      seen = { version, changedAt: lookedAt === null ? byWallClock : latest(byWallClock, lookedAt) };
    }
    lookedAt = now;
    const ageMs = now - seen.changedAt;
    if (ageMs <= maxAgeMs) return known(null);
    return unknown(`${path} was not written for ${tenths(ageMs)} > ${tenths(maxAgeMs)}`);
  }

  return {
    check: () =>
      withinDeadline(
        clock,
        deadlineMs,
        () => look().catch((error: Error) => unknown(`${path} can't be looked at: ${error.message}`)),
        `${path} could not be looked at within ${deadlineMs} ms`,
      ),
  };
}

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
 * Passes while the file changes; what it is like when the probe is made, before the bot, is left from another life and proves nothing.
 * When it did is told by the local monotonic clock from then on: a wall clock that is set back would make a file that nobody writes
 * look new for as long as that (design rule 7).
 */
export function fileProbe({ path, maxAgeMs, deadlineMs, clock }: FileProbeOptions): Probe {
  const before = versionOf(path).then(
    ({ version }) => version,
    () => null,
  );
  /** What the file was like, when that was new, and when it was looked at last. */
  let seen: { readonly version: string; readonly changedAt: Instant } | null = null;
  let lookedAt = clock.now();

  async function look(): Promise<Reading<null>> {
    const left = await before;
    const { version, mtimeMs } = await versionOf(path);
    const [now, lastLook] = [clock.now(), lookedAt];
    lookedAt = now;
    if (seen === null && version === left) return unknown(`${path} was not written since this guard has begun`);
    if (seen?.version !== version) {
      const byWallClock = after(now, -Math.max(0, clock.wall() - mtimeMs));
      // It can't have changed before the last look, which did not show it.
      seen = { version, changedAt: latest(byWallClock, lastLook) };
    }
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

async function versionOf(path: string): Promise<{ readonly version: string; readonly mtimeMs: number }> {
  const { mtimeMs, mtimeNs, ino, size } = await stat(path, { bigint: true });
  return { version: `${ino} ${size} ${mtimeNs}`, mtimeMs: Number(mtimeMs) };
}

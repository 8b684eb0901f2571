/** Who has trouble, and who had some a moment ago: what a role may be excused for. */

import type { Clock } from "../../../src/ports/clock.ts";

/** A machine, with its links. */
export type Part = "brain" | "wd1" | "wd2" | "eew1" | "eew2" | "redis";

/**
 * Whoever is without trouble for so long has forgotten it: the limits of watchdog and second line (5 and 10 s), the longest
 * look at the bus, and a second.
 */
const FORGOTTEN_MS = 13_000;
/** A crash loop is counted over a minute (design section 3). */
const BRAIN_FORGOTTEN_MS = FORGOTTEN_MS + 60_000;

/** Begun, ended, and not forgotten yet. */
export class Troubles {
  readonly #time: Pick<Clock, "now">;
  readonly #now = new Map<Part, number>();
  readonly #until = new Map<Part, number>();

  constructor(time: Pick<Clock, "now">) {
    this.#time = time;
  }

  /** Something goes wrong with a part from now on; it ends with `end`. */
  begin(part: Part): void {
    this.#now.set(part, (this.#now.get(part) ?? 0) + 1);
  }

  end(part: Part): void {
    this.#now.set(part, (this.#now.get(part) ?? 1) - 1);
    this.#until.set(part, this.#time.now());
  }

  /** For how long nothing has gone wrong with it; 0 while something does. */
  wellForMs(part: Part): number {
    if ((this.#now.get(part) ?? 0) > 0) return 0;
    return this.#time.now() - (this.#until.get(part) ?? 0);
  }

  /** Whether what it does or does not do now may come of trouble. */
  excuse(part: Part): boolean {
    if ((this.#now.get(part) ?? 0) > 0) return true;
    const until = this.#until.get(part);
    const forgottenMs = part === "brain" ? BRAIN_FORGOTTEN_MS : FORGOTTEN_MS;
    return until !== undefined && this.#time.now() - until < forgottenMs;
  }
}

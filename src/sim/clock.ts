/** Time that passes only when everything at hand is done: a minute of waiting takes a millisecond, and never a race. */

import { setImmediate as nextTurn } from "node:timers/promises";
import { after, type Instant, type UnixMillis } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";

interface Timer {
  readonly at: Instant;
  /** Timers of the same instant fire in the order they were set. */
  readonly order: number;
  readonly fire: () => void;
}

/**
 * The smallest step of time: about a microsecond, and exact in binary.
 *
 * A timer that is set for a moment that has come fires this much later. So time moves while somebody waits, as it does
 * everywhere else: who sets his timer anew for as long as a limit is reached and not exceeded gets beyond it.
 */
const STEP_MS = 1 / 1_024;

/** A clock that starts at zero; its wall clock, in whole milliseconds, at `startsAt`. */
export class VirtualClock implements Clock {
  readonly #startsAt: UnixMillis;
  #now = 0 as Instant;
  #order = 0;
  #timers: Timer[] = [];

  constructor(startsAt: UnixMillis) {
    this.#startsAt = startsAt;
  }

  now(): Instant {
    return this.#now;
  }

  wall(): UnixMillis {
    return Math.floor(this.#startsAt + this.#now) as UnixMillis;
  }

  at(at: Instant, fire: () => void): () => void {
    const timer: Timer = { at: at <= this.#now ? after(this.#now, STEP_MS) : at, order: this.#order++, fire };
    this.#insert(timer);
    return () => {
      const place = this.#timers.indexOf(timer);
      if (place >= 0) this.#timers.splice(place, 1);
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  /**
   * Lets time pass until `done` says so; true if it did.
   *
   * Between two timers everything that can run without waiting runs to its end. False when `limitMs` have passed first,
   * whether or not anything happened in them.
   */
  async runUntil(done: () => boolean, limitMs: number): Promise<boolean> {
    const until = (this.#now + limitMs) as Instant;
    for (;;) {
      await nextTurn();
      if (done()) return true;
      const next = this.#timers.shift();
      if (next === undefined || next.at > until) {
        if (next !== undefined) this.#timers.unshift(next);
        this.#now = until;
        return false;
      }
      this.#now = next.at;
      next.fire();
    }
  }

  /** Keeps the timers sorted: most new ones belong near the end. */
  #insert(timer: Timer): void {
    let place = this.#timers.length;
    while (place > 0 && (this.#timers[place - 1]?.at ?? 0) > timer.at) place--;
    this.#timers.splice(place, 0, timer);
  }
}

/** `Clock.sleep` of a clock that has the rest. */
export function sleepOn(clock: Pick<Clock, "now" | "at">, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.at(after(clock.now(), Math.max(0, ms)), done);
    signal?.addEventListener("abort", done, { once: true });
  });
}

/** Time that passes only when everything at hand is done: a minute of waiting takes a millisecond, and never a race. */

import { nextTick } from "node:process";
import { setImmediate as nextTurn } from "node:timers/promises";
import { after, type Instant, type UnixMillis } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import { Timers } from "./timers.ts";

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
  readonly #timers = new Timers();

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
    return this.#timers.set(at <= this.#now ? after(this.#now, STEP_MS) : at, fire);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  /**
   * Lets time pass until `done` says so; true if it did.
   *
   * Between two timers everything that can run without waiting runs to its end. False when `limitMs` have passed first,
   * whether or not anything happened in them. The event loop of the process turns once, at the beginning: nothing in
   * virtual time may wait for a socket, a file, a real timer or a tick, only for promises and for timers of this clock.
   */
  async runUntil(done: () => boolean, limitMs: number): Promise<boolean> {
    const until = (this.#now + limitMs) as Instant;
    await nextTurn();
    return await new Promise((resolve, reject) => {
      const step = (): void => {
        try {
          const reached = this.#step(done, until);
          if (reached === null) queueMicrotask(atStandstill);
          else resolve(reached);
        } catch (error) {
          reject(error);
        }
      };
      // Ticks come when no microtask is left, so one that a microtask asks for comes behind whatever that one's neighbours
      // still set off. Bun and Deno keep to this order of Node's, and it costs a fifth of a turn of the event loop.
      const atStandstill = (): void => nextTick(step);
      queueMicrotask(atStandstill);
    });
  }

  /** Fires the next timer; then null, or how it ended. */
  #step(done: () => boolean, until: Instant): boolean | null {
    if (done()) return true;
    const next = this.#timers.next(until);
    this.#now = next?.at ?? until;
    if (next === null) return false;
    next.fire();
    return null;
  }
}

/** Who sleeps until a signal at most: a signal's own list of listeners costs more than all the rest of a sleep. */
const sleepers = new WeakMap<AbortSignal, Set<() => void>>();

function sleepersOf(signal: AbortSignal): Set<() => void> {
  const known = sleepers.get(signal);
  if (known !== undefined) return known;
  const set = new Set<() => void>();
  sleepers.set(signal, set);
  const wakeAll = (): void => {
    for (const wake of set) wake();
  };
  signal.addEventListener("abort", wakeAll, { once: true });
  return set;
}

/** `Clock.sleep` of a clock that has the rest. */
export function sleepOn(clock: Pick<Clock, "now" | "at">, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const others = signal === undefined ? null : sleepersOf(signal);
    const done = (): void => {
      cancel();
      others?.delete(done);
      resolve();
    };
    const cancel = clock.at(after(clock.now(), Math.max(0, ms)), done);
    others?.add(done);
  });
}

import type { Instant, UnixMillis } from "../../core/time.ts";
import type { Clock } from "../../ports/clock.ts";

/** This machine's clocks. Timers of Bun and Deno are monotonic: a jump of the wall clock moves none of them. */
export const hostClock: Clock = {
  now: () => performance.now() as Instant,
  wall: () => Date.now() as UnixMillis,
  at: (at, fire) => {
    // Rounded up: a timer that fires a fraction early would find its deadline not reached yet.
    const timer = setTimeout(fire, Math.max(0, Math.ceil(at - performance.now())));
    return () => clearTimeout(timer);
  },
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener("abort", done, { once: true });
    }),
};

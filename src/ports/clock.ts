import type { Instant, UnixMillis } from "../core/time.ts";

/** The time, and the only way to wait for it. */
export interface Clock {
  /** The local monotonic clock. Never goes back; unaffected by changes of the wall clock. */
  now(): Instant;
  /** The local wall clock. For showing and for stamping records; no decision uses it. */
  wall(): UnixMillis;
  /** Calls `fire` once, not before `at`; returns how to cancel it. A past `at` fires on the next turn. */
  at(at: Instant, fire: () => void): () => void;
  /** Resolves after `ms`, or at once when `signal` aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

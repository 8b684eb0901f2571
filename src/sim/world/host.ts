/** A machine with one process on it: its own clocks, and the ways in which it stops. */

import { after, type Instant, type UnixMillis } from "../../core/time.ts";
import type { Clock } from "../../ports/clock.ts";
import { sleepOn, type VirtualClock } from "../clock.ts";

/** One machine. The process on it comes and goes; the machine's name and wall clock stay. */
export class Host {
  readonly name: string;
  readonly #time: VirtualClock;
  #life: Life | null = null;
  #lives = 0;
  #paused = false;
  /** What came due while the process stood still, in its order. */
  #overdue: (() => void)[] = [];
  /** What arrived from elsewhere meanwhile: sockets are read after overdue timers were served (runtimes.md). */
  #arrived: (() => void)[] = [];
  /** How far the wall clock is off at that moment; only shown and stamped, so that nothing may depend on it. */
  wallOffset: (at: Instant) => number = () => 0;
  /** How fast the monotonic clock of the next process runs: 1 is right, quartz is right within one in ten thousand. */
  rate = 1;

  constructor(name: string, time: VirtualClock) {
    this.name = name;
    this.#time = time;
  }

  /** The process that runs, or stands still; null: none. */
  life(): Life | null {
    return this.#life;
  }

  isPaused(): boolean {
    return this.#paused;
  }

  /** Starts a process; the one before must have ended. */
  start(): Life {
    if (this.#life !== null) throw new Error(`${this.name} runs already`);
    this.#lives += 1;
    this.#life = new Life(this, this.#time, this.#lives);
    return this.#life;
  }

  /** Ends the process in the middle of whatever it did: nothing that it waited for comes to it any more. */
  crash(): void {
    this.#life?.end();
    this.#life = null;
    this.#paused = false;
    this.#overdue = [];
    this.#arrived = [];
  }

  /** SIGSTOP. */
  pause(): void {
    if (this.#life !== null) this.#paused = true;
  }

  /** SIGCONT: what is overdue comes first, then what has arrived, one after the other. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    const waiting = [...this.#overdue, ...this.#arrived];
    this.#overdue = [];
    this.#arrived = [];
    for (const what of waiting) this.#time.at(this.#time.now(), what);
  }

  /** Does what came due at once, or when the process goes on. */
  due(what: () => void): void {
    if (this.#paused) this.#overdue.push(what);
    else what();
  }

  /** The same for what comes from elsewhere. */
  arrive(what: () => void): void {
    if (this.#paused) this.#arrived.push(what);
    else what();
  }
}

/** One process, from its start to its end; its monotonic clock begins where the machine's happens to be. */
export class Life implements Clock {
  readonly host: Host;
  readonly number: number;
  readonly #time: VirtualClock;
  readonly #epochMs: number;
  readonly #startedAt: Instant;
  readonly #rate: number;
  readonly #mourners = new Set<() => void>();
  #ended = false;

  constructor(host: Host, time: VirtualClock, number: number) {
    this.host = host;
    this.#time = time;
    this.number = number;
    // Whole milliseconds, so that an instant is exact on every clock.
    this.#epochMs = number * 7_000_000;
    this.#startedAt = time.now();
    this.#rate = host.rate;
  }

  ended(): boolean {
    return this.#ended;
  }

  /** Nothing happens to it any more. Whoever waits for an answer from it is told. */
  end(): void {
    this.#ended = true;
    for (const mourn of this.#mourners) mourn();
    this.#mourners.clear();
  }

  /** Calls `mourn` when it ends; returns how to withdraw that. */
  onEnd(mourn: () => void): () => void {
    this.#mourners.add(mourn);
    return () => this.#mourners.delete(mourn);
  }

  /** Hands it what comes from elsewhere: now, when it goes on, or never. */
  deliver(what: () => void): void {
    this.host.arrive(() => {
      if (!this.#ended) what();
    });
  }

  now(): Instant {
    const now = this.#time.now();
    const elapsedMs = now - this.#startedAt;
    return after(this.#rate === 1 ? now : after(this.#startedAt, elapsedMs * this.#rate), this.#epochMs);
  }

  wall(): UnixMillis {
    return (this.#time.wall() + Math.round(this.host.wallOffset(this.#time.now()))) as UnixMillis;
  }

  at(at: Instant, fire: () => void): () => void {
    let cancelled = false;
    const serve = (): void => {
      if (!cancelled && !this.#ended) fire();
    };
    const cancel = this.#time.at(this.#trueTime(at), () => this.host.due(serve));
    return () => {
      cancelled = true;
      cancel();
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  /** When it is that late on the process's own clock. */
  #trueTime(at: Instant): Instant {
    const own = after(at, -this.#epochMs);
    return this.#rate === 1 ? own : after(this.#startedAt, (own - this.#startedAt) / this.#rate);
  }
}

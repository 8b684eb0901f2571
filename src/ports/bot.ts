import type { BotEnd, StopSignal } from "../core/guard-state.ts";
import type { Reading } from "../core/reading.ts";

/** Somebody else's program, run once. No method throws or rejects. */
export interface Bot {
  /** Starts it. Unknown: it could not be started, and nothing of it is there. Called once. */
  start(): Promise<Reading<Running>>;
}

/** A bot that was started. */
export interface Running {
  /** How its own process has ended; pending as long as that lives. What it has started may outlive it. */
  readonly ended: Promise<BotEnd>;
  /** Hands a signal on to its own process; nothing happens where that is gone. */
  signal(name: string): void;
  /**
   * Ends it and everything that it has started, whether or not its own process is still there: sends `signal` to all of it, and
   * kills what is left after `killAfterMs`. Settles as soon as nothing is left, and a second after the kill in any case; the
   * value is what could not be ended, by process id.
   */
  end(signal: StopSignal, killAfterMs: number): Promise<readonly number[]>;
}

/** A question whether the bot is well. */
export interface Probe {
  /** Known: it is. Never rejects, and settles within its own deadline; what has not answered by then has not passed. */
  check(): Promise<Reading<null>>;
}

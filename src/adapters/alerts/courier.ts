import type { Alerts } from "../../ports/alerts.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { Message, Target } from "./target.ts";

/** How hard a delivery is tried. */
export interface CourierLimits {
  /** One try, from the call to the answer. */
  readonly deadlineMs: number;
  /** The pause after each try that failed; after the last one comes one more try. */
  readonly pausesMs: readonly number[];
  /** The longest pause that a target may ask for; one that wants a longer one is tried then all the same. */
  readonly pauseMsMax: number;
  /** Alerts that wait for one target. */
  readonly waitingMax: number;
  /** How long the end of the process waits for what is under way. */
  readonly endMs: number;
}

/**
 * Four tries in at most 19 s, so that a target which is being restarted is found again. One that asks for more time gets it:
 * Telegram does where a chat got more than its twenty messages a minute.
 */
export const COURIER_LIMITS: CourierLimits = {
  deadlineMs: 3_000,
  pausesMs: [1_000, 2_000, 4_000],
  pauseMsMax: 30_000,
  waitingMax: 100,
  endMs: 1_000,
};

/** Who sends, to whom, and where it is told what could not be delivered. */
export interface CourierOptions {
  readonly role: string;
  readonly targets: readonly Target[];
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: CourierLimits;
}

/** Alerts on their way. */
export interface Courier extends Alerts {
  /** Waits for what is under way, `endMs` at most, and gives up the rest, which it tells in the log. */
  end(): Promise<void>;
}

/** Sends each alert to every target; each has a queue of its own, so that one which is mute holds up no other. */
export function courier({ role, targets, clock, log, limits = COURIER_LIMITS }: CourierOptions): Courier {
  const lines = targets.map((target) => line(target, clock, log, limits));
  return {
    send: (alert) => {
      for (const { push } of lines) push({ ...alert, role, at: clock.wall() });
    },
    end: async () => {
      const waited = new AbortController();
      await Promise.race([Promise.all(lines.map(({ idle }) => idle())), clock.sleep(limits.endMs, waited.signal)]);
      waited.abort();
      await Promise.all(lines.map(({ stop }) => stop()));
    },
  };
}

interface Line {
  push(message: Message): void;
  /** Resolves once nothing waits and nothing is under way. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

function line(target: Target, clock: Clock, log: Log, limits: CourierLimits): Line {
  const waiting: Message[] = [];
  const stopping = new AbortController();
  let dropped = 0;
  let underWay: Promise<void> | null = null;

  async function work(): Promise<void> {
    for (let message = waiting.shift(); message !== undefined; message = waiting.shift()) {
      const why = await deliver(message);
      if (stopping.signal.aborted) return;
      if (why !== null) log.write("warn", `An alert was not delivered to ${target.name}: ${why}`);
      tellDropped();
    }
    underWay = null;
  }

  /** Why it was given up; null once it is delivered. */
  async function deliver(message: Message): Promise<string | null> {
    for (let tries = 1; ; tries++) {
      const outcome = await target.post(message, limits.deadlineMs);
      if (outcome.kind === "delivered") return null;
      if (outcome.kind === "refused") return outcome.why;
      const pauseMs = limits.pausesMs[tries - 1];
      if (pauseMs === undefined || stopping.signal.aborted) return `${outcome.why}, given up after ${tries} tries`;
      const askedMs = Math.min(outcome.retryAfterMs, limits.pauseMsMax);
      await clock.sleep(Math.max(pauseMs, askedMs), stopping.signal);
    }
  }

  function tellDropped(): void {
    if (dropped === 0) return;
    log.write("warn", `Alerts to ${target.name} dropped, with ${limits.waitingMax} waiting: the oldest ${dropped}`);
    dropped = 0;
  }

  return {
    push: (message) => {
      if (stopping.signal.aborted) return;
      waiting.push(message);
      if (waiting.length > limits.waitingMax) {
        // The newest is the truest, and it may be the incident's end.
        waiting.shift();
        dropped++;
      }
      underWay ??= work();
    },
    idle: async () => {
      await underWay;
    },
    stop: async () => {
      const left = waiting.length + (underWay === null ? 0 : 1);
      stopping.abort();
      tellDropped();
      if (left > 0) log.write("warn", `Alerts to ${target.name} not delivered before the end: ${left}`);
      await target.dispose();
    },
  };
}

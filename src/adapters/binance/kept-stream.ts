/** Carries out what `core/stream-health.ts` decides about one stream: opens it, times it, cuts it, opens it anew. */

import {
  closedStream,
  deadline,
  type StreamHealthEvent,
  type StreamLimits,
  type StreamState,
  step,
} from "../../core/stream-health.ts";
import type { Clock } from "../../ports/clock.ts";

/** What one attempt says. After it was cut nobody listens. */
export interface AttemptVoice {
  opened(): void;
  /** Something arrived. False: the stream was taken for dead before, and what arrived is too old to be told. */
  heard(): boolean;
  /** `why` is complete and holds no secret. */
  lost(why: string): void;
  renewed(): void;
  renewalFailed(): void;
}

/** One attempt at the stream. */
export interface Attempt {
  ping(): void;
  renew(): void;
  /** Ends it at once, in whatever state it is. */
  cut(): void;
  /** Resolves once it is cut and its socket closed. Never rejects. */
  readonly closed: Promise<void>;
}

/** One stream to be kept open. None of the functions may throw. */
export interface StreamToKeep {
  readonly clock: Clock;
  readonly limits: StreamLimits;
  /** Begins an attempt, and says what comes of it in a later turn. */
  open(voice: AttemptVoice): Attempt;
  onFlowing(): void;
  onQuiet(why: string): void;
}

/** How long the last socket's closing is waited for; it was destroyed, so this is for a runtime that does not tell. */
const CLOSE_MS_MAX = 500;

/** Keeps the stream open until `signal` aborts; resolves when it is closed then. Never rejects. */
export async function keepStream(stream: StreamToKeep, signal: AbortSignal): Promise<void> {
  const { clock, limits } = stream;
  let state: StreamState = closedStream(clock.now());
  let attempt: Attempt | null = null;
  let cancelTimer = (): void => undefined;

  const feed = (event: StreamHealthEvent): void => {
    const [next, actions] = step(limits, state, event, clock.now());
    state = next;
    for (const action of actions) {
      switch (action.kind) {
        case "open":
          attempt = stream.open(voiceOf(action.attempt));
          break;
        case "cut":
          attempt?.cut();
          break;
        case "ping":
          attempt?.ping();
          break;
        case "renew":
          attempt?.renew();
          break;
        case "tell_flowing":
          stream.onFlowing();
          break;
        case "tell_quiet":
          stream.onQuiet(action.why);
          break;
      }
    }
    cancelTimer();
    const at = deadline(limits, state);
    cancelTimer = at === null ? () => undefined : clock.at(at, () => feed({ kind: "timer" }));
  };
  const voiceOf = (number: number): AttemptVoice => ({
    opened: () => feed({ kind: "opened", attempt: number }),
    heard: () => {
      feed({ kind: "heard", attempt: number });
      return state.kind === "open" && state.attempt === number;
    },
    lost: (why) => feed({ kind: "lost", attempt: number, why }),
    renewed: () => feed({ kind: "renewed", attempt: number }),
    renewalFailed: () => feed({ kind: "renewal_failed", attempt: number }),
  });

  if (signal.aborted) return;
  feed({ kind: "timer" });
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  feed({ kind: "stop" });
  const last = attempt as Attempt | null;
  await Promise.race([last?.closed ?? Promise.resolve(), clock.sleep(CLOSE_MS_MAX)]);
}

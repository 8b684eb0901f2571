/**
 * One stream of the venue: when it is opened, when it counts as quiet, and when it is opened anew.
 *
 * A stream is an accelerator and never the truth, so nothing here can fail for good: whatever happens, the stream is cut
 * and, after a pause, opened again.
 */

import { after, earliest, type Instant, type UnixMillis } from "./time.ts";

/** When a stream is given up, and how soon it is opened again. */
export interface StreamLimits {
  /** From the attempt to the open stream: key, connection and handshake included. */
  readonly openMs: number;
  /** Without a sign of life for longer the stream is cut. */
  readonly quietMs: number;
  /** How often a sign of life is asked for, from the opening on; null where the venue sends one unasked. */
  readonly pingMs: number | null;
  /** How often the venue wants the key renewed, and how soon again after a renewal that failed; null for a stream without a key. */
  readonly renewMs: { readonly every: number; readonly again: number } | null;
  /** The stream is changed for a new one at this age, before the venue ends it. */
  readonly ageMs: number;
  /** The pause before the first, second, … attempt in a row; the last one repeats. */
  readonly pausesMs: readonly number[];
  /** A stream that has flowed for this long was a good one: the row of failures begins anew. */
  readonly steadyMs: number;
  /** What it tells may come so much later than what it told soonest; see `lateness`. */
  readonly lateMs: number;
}

const HOUR_MS = 3_600_000;

const COMMON = {
  /** Two cold round trips for the key and three for the stream, halfway round the world, and a venue that takes its time. */
  openMs: 5_000,
  /** Binance ends a connection after 24 h (USDⓈ-M docs, Connect). */
  ageMs: 23 * HOUR_MS,
  /**
   * Soon at first, for most drops are the network's. Then so slowly that both streams of several roles stay inside Binance's
   * 300 connections in 5 minutes for an address (USDⓈ-M docs, WebSocket limits).
   */
  pausesMs: [250, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000],
  steadyMs: 60_000,
  /** As long as a stream may be silent. The clocks of two hosts that nobody sets drift apart by that in half a day at the soonest. */
  lateMs: 4_000,
} as const;

/** Marks come once a second: when three in a row are missing, the stream is taken for dead. */
export const MARK_STREAM_LIMITS: StreamLimits = {
  ...COMMON,
  quietMs: 4_000,
  pingMs: null,
  renewMs: null,
};

/**
 * An account may have nothing to say for days, so a pong is asked for: a server must answer each ping (RFC 6455, 5.5.2). Its key
 * lives for 60 min and is renewed at half of that, so that a renewal may fail many times.
 */
export const ACCOUNT_STREAM_LIMITS: StreamLimits = {
  ...COMMON,
  quietMs: 7_000,
  pingMs: 3_000,
  renewMs: { every: HOUR_MS / 2, again: 60_000 },
};

/** What is known of a stream. Each attempt has a number, so that what a former one still says is told from the present one. */
export type StreamState = StreamMemory &
  (
    | { readonly kind: "pausing"; readonly openAt: Instant }
    | { readonly kind: "opening"; readonly giveUpAt: Instant }
    | {
        readonly kind: "open";
        readonly openedAt: Instant;
        readonly heardAt: Instant;
        readonly pingAt: Instant | null;
        readonly renewAt: Instant | null;
        readonly flows: boolean;
      }
    | { readonly kind: "stopped" }
  );

interface StreamMemory {
  readonly attempt: number;
  /** Attempts in a row that came to nothing much. */
  readonly failures: number;
  /** What was told last. */
  readonly told: "nothing" | "flowing" | "quiet";
}

/** What can happen to a stream. All but the last two are said by an attempt. */
export type StreamHealthEvent =
  | { readonly kind: "opened"; readonly attempt: number }
  /** A message, or a pong. */
  | { readonly kind: "heard"; readonly attempt: number }
  | { readonly kind: "lost"; readonly attempt: number; readonly why: string }
  | { readonly kind: "renewed"; readonly attempt: number }
  | { readonly kind: "renewal_failed"; readonly attempt: number }
  | { readonly kind: "timer" }
  | { readonly kind: "stop" };

/** What is to be done for a stream. */
export type StreamAction =
  | { readonly kind: "open"; readonly attempt: number }
  /** Throw the connection of the last attempt away, whatever state it is in. */
  | { readonly kind: "cut" }
  | { readonly kind: "ping" }
  | { readonly kind: "renew" }
  | { readonly kind: "tell_flowing" }
  /** `why` is complete, and holds no secret if what was lost held none. */
  | { readonly kind: "tell_quiet"; readonly why: string };

type Step = readonly [StreamState, readonly StreamAction[]];
type Open = Extract<StreamState, { readonly kind: "open" }>;

/** A stream that is opened at the first timer. */
export function closedStream(now: Instant): StreamState {
  return { kind: "pausing", openAt: now, attempt: 0, failures: 0, told: "nothing" };
}

/** Advances a stream by one event. */
export function step(limits: StreamLimits, state: StreamState, event: StreamHealthEvent, now: Instant): Step {
  if ("attempt" in event && event.attempt !== state.attempt) return [state, []];
  if (event.kind === "stop") return [{ ...memoryOf(state), kind: "stopped" }, [{ kind: "cut" }]];
  switch (state.kind) {
    case "stopped":
      return [state, []];
    case "pausing":
      return now < state.openAt ? [state, []] : open(limits, state, now);
    case "opening":
      if (event.kind === "lost") return lose(limits, state, event.why, now);
      // Checked before the good news: what comes over after its time was buffered while this process stood still.
      if (now >= state.giveUpAt) return lose(limits, state, `it did not open within ${limits.openMs} ms`, now);
      return event.kind === "opened" ? opened(limits, state, now) : [state, []];
    case "open":
      if (event.kind === "lost") return lose(limits, state, event.why, now);
      if (now >= after(state.heardAt, limits.quietMs)) return lose(limits, state, silence(state, now), now);
      return event.kind === "timer" ? tick(limits, state, now) : hear(limits, state, event, now);
  }
}

/** When `step` wants a `timer`, if nothing else happens before; null: never again. */
export function deadline(limits: StreamLimits, state: StreamState): Instant | null {
  switch (state.kind) {
    case "pausing":
      return state.openAt;
    case "opening":
      return state.giveUpAt;
    case "open": {
      const quietAt = after(state.heardAt, limits.quietMs);
      return earliest(quietAt, state.pingAt, state.renewAt, after(state.openedAt, limits.ageMs));
    }
    case "stopped":
      return null;
  }
}

/**
 * How much later a message has come than the soonest one before it, by the time at which the venue says that it was so. Only the
 * difference counts, for the two clocks are not one. `soonest` is for the next message; null before the first.
 *
 * A line that is too slow for all that is sent on it is never silent and more late with each message, and a venue that repeats itself
 * is not silent either.
 */
export function lateness(
  soonest: number | null,
  at: UnixMillis,
  now: Instant,
): { readonly soonest: number; readonly lateMs: number } {
  const apart = now - at;
  const least = soonest === null ? apart : Math.min(soonest, apart);
  return { soonest: least, lateMs: apart - least };
}

function open(limits: StreamLimits, state: StreamState, now: Instant): Step {
  const attempt = state.attempt + 1;
  const opening = { ...memoryOf(state), attempt, giveUpAt: after(now, limits.openMs) };
  return [{ ...opening, kind: "opening" }, [{ kind: "open", attempt }]];
}

function opened(limits: StreamLimits, state: StreamState, now: Instant): Step {
  const next: Open = {
    ...memoryOf(state),
    kind: "open",
    openedAt: now,
    heardAt: now,
    pingAt: limits.pingMs === null ? null : after(now, limits.pingMs),
    renewAt: limits.renewMs === null ? null : after(now, limits.renewMs.every),
    flows: false,
  };
  // That it opened proves nothing yet: a venue that is stuck may still greet.
  return [next, limits.pingMs === null ? [] : [{ kind: "ping" }]];
}

function hear(limits: StreamLimits, state: Open, event: StreamHealthEvent, now: Instant): Step {
  switch (event.kind) {
    case "heard":
      return flow({ ...state, heardAt: now });
    case "renewed":
      return [{ ...state, renewAt: limits.renewMs === null ? null : after(now, limits.renewMs.every) }, []];
    case "renewal_failed":
      return [{ ...state, renewAt: limits.renewMs === null ? null : after(now, limits.renewMs.again) }, []];
    default:
      return [state, []];
  }
}

function flow(state: Open): Step {
  const next: Open = { ...state, flows: true, told: "flowing" };
  return [next, state.told === "flowing" ? [] : [{ kind: "tell_flowing" }]];
}

function tick(limits: StreamLimits, state: Open, now: Instant): Step {
  // Not a loss: nobody is told unless the new one does not open.
  if (now >= after(state.openedAt, limits.ageMs)) {
    return [{ ...memoryOf(state), kind: "pausing", openAt: now, failures: 0 }, [{ kind: "cut" }]];
  }
  const pings = limits.pingMs !== null && state.pingAt !== null && now >= state.pingAt;
  const renews = limits.renewMs !== null && state.renewAt !== null && now >= state.renewAt;
  const next: Open = {
    ...state,
    pingAt: pings ? after(now, limits.pingMs) : state.pingAt,
    // An answer will move it; until then a renewal that is never answered counts as one that failed.
    renewAt: renews ? after(now, limits.renewMs.again) : state.renewAt,
  };
  return [next, [...(pings ? [{ kind: "ping" } as const] : []), ...(renews ? [{ kind: "renew" } as const] : [])]];
}

function lose(limits: StreamLimits, state: StreamState, why: string, now: Instant): Step {
  const steady = state.kind === "open" && state.flows && now - state.openedAt >= limits.steadyMs;
  const before = steady ? 0 : state.failures;
  const pauseMs = limits.pausesMs[Math.min(before, limits.pausesMs.length - 1)] ?? 0;
  const next: StreamState = {
    kind: "pausing",
    openAt: after(now, pauseMs),
    attempt: state.attempt,
    failures: before + 1,
    told: "quiet",
  };
  return [next, [{ kind: "cut" }, ...(state.told === "quiet" ? [] : [{ kind: "tell_quiet", why } as const])]];
}

function silence(state: Open, now: Instant): string {
  return `nothing was heard on it for ${((now - state.heardAt) / 1_000).toFixed(1)} s`;
}

function memoryOf({ attempt, failures, told }: StreamMemory): StreamMemory {
  return { attempt, failures, told };
}

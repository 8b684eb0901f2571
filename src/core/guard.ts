/**
 * The guard: it stands for a bot that is not ours, and beats for it as a brain would.
 *
 * A heartbeat says that the bot's process lives, that its probes pass and that the venue was read. Where the venue can't be read
 * it is `DEGRADED`; where the bot is dead or a probe fails there is none at all, so that its death counts from the last moment
 * at which it was proven to live. The bot is never started twice.
 */

import { plain } from "./decimal.ts";
import { close, inEnding } from "./guard-ending.ts";
import {
  type EndCause,
  type GuardEvent,
  type Guarding,
  type GuardLimits,
  type GuardMemory,
  type GuardState,
  type GuardStep,
  memoryOf,
  type StopSignal,
  type Waiting,
} from "./guard-state.ts";
import type { Halt } from "./messages.ts";
import { panicDeadline } from "./own-panic.ts";
import { legName, type Position } from "./position.ts";
import type { Reading } from "./reading.ts";
import { alarmIf, critical, info, type Tell, warn } from "./tell.ts";
import { after, earliest, type Instant } from "./time.ts";
import { tenths } from "./trip.ts";

type GuardingState = GuardMemory & Guarding;

/** The guard before it has looked whether trading is halted. */
export function start(now: Instant): GuardState {
  return {
    kind: "waiting",
    told: "nothing",
    halt: { kind: "unread" },
    haltLookAt: now,
    haltAskedAt: now,
    clearAt: null,
  };
}

/** Advances the guard by one event. */
export function step(limits: GuardLimits, state: GuardState, event: GuardEvent, now: Instant): GuardStep {
  if (state.kind === "over") return [state, []];
  if (event.kind === "halt_read") return advance(limits, withHalt(limits, state, event.halt, now), event, now);
  if (event.kind !== "timer" || state.haltLookAt === null || now < state.haltLookAt)
    return advance(limits, state, event, now);
  const [next, actions] = advance(limits, { ...state, haltLookAt: null, haltAskedAt: now }, event, now);
  return [next, [{ kind: "read_halt" }, ...actions]];
}

/** When `step` wants a `timer` event, if nothing else happens before. */
export function deadline(limits: GuardLimits, state: GuardState): Instant | null {
  switch (state.kind) {
    case "over":
      return null;
    case "waiting":
    case "starting":
      return state.haltLookAt;
    case "guarding": {
      const { cycle } = state;
      const cycleAt = cycle.kind === "resting" ? cycle.nextAt : cycle.beatBy;
      return earliest(state.haltLookAt, cycleAt, fenceOf(limits, state).closesAt);
    }
    case "ending": {
      const { gone, panic } = state;
      const againAt = panic.kind === "none" || panic.kind === "owed" ? null : panicDeadline(panic);
      // Before nothing of the bot is left there is nothing to decide then.
      return earliest(state.haltLookAt, againAt, gone ? state.until : null);
    }
  }
}

function withHalt<S extends GuardState>(limits: GuardLimits, state: S, halt: Reading<Halt | null>, now: Instant): S {
  const haltLookAt = after(now, halt.known ? limits.haltLookMs : limits.haltRetryMs);
  if (!halt.known) return { ...state, haltLookAt, halt: { kind: "unreadable", why: halt.why } };
  if (halt.value !== null) return { ...state, haltLookAt, halt: { kind: "halted", reason: halt.value.reason } };
  const askedAt = state.haltAskedAt;
  const since = state.halt.kind === "none" ? state.halt.since : askedAt;
  return { ...state, haltLookAt, clearAt: askedAt, halt: { kind: "none", since } };
}

function advance(limits: GuardLimits, state: GuardState, event: GuardEvent, now: Instant): GuardStep {
  switch (state.kind) {
    case "waiting":
      return wait(limits, state, event);
    case "starting":
      if (event.kind === "asked") return [{ ...state, asked: event.signal }, []];
      if (event.kind === "not_started") {
        return [
          over(state),
          [critical(`The bot could not be started: ${event.why}`, "alarm"), { kind: "end", code: 1 }],
        ];
      }
      return event.kind === "started" ? begin(limits, state, state.asked, now) : [state, []];
    case "guarding":
      return guard(limits, state, event, now);
    case "ending":
      return inEnding(limits, state, event, now);
    case "over":
      return [state, []];
  }
}

function over(memory: GuardMemory): GuardState {
  return { ...memoryOf(memory), kind: "over" };
}

function wait(limits: GuardLimits, state: GuardMemory & Waiting, event: GuardEvent): GuardStep {
  if (event.kind === "asked") return [over(state), [{ kind: "end", code: 0 }]];
  if (event.kind !== "halt_read") return [state, []];
  const { halt, told } = state;
  switch (halt.kind) {
    case "unread":
      return [state, []];
    case "halted": {
      const words = `Trading is halted: ${halt.reason}. The bot is not started. Once all is well: quantum reset, and it is`;
      return [{ ...state, told: "halted" }, told === "halted" ? [] : [warn(words)]];
    }
    case "unreadable": {
      const words = `The bot is not started, because whether trading is halted can't be read: ${halt.why}`;
      return [{ ...state, told: "unreadable" }, told === "nothing" ? [warn(words)] : []];
    }
    case "none": {
      if (state.haltAskedAt - halt.since < limits.clearMs) return [state, []];
      const words = told === "nothing" ? [] : [info("Trading is allowed: starting the bot")];
      return [{ ...memoryOf(state), kind: "starting", asked: null }, [...words, { kind: "start_bot" }]];
    }
  }
}

function begin(limits: GuardLimits, memory: GuardMemory, asked: StopSignal | null, now: Instant): GuardStep {
  const state: GuardingState = {
    ...memoryOf(memory),
    kind: "guarding",
    startedAt: now,
    cycle: { kind: "resting", nextAt: now },
    isUp: false,
    firstBeatAt: null,
    confirmedAt: null,
    activePositions: 0,
    shown: null,
    trouble: null,
  };
  if (asked !== null) return close(limits, state, { kind: "asked", signal: asked }, now);
  return guard(limits, state, { kind: "timer" }, now);
}

function guard(limits: GuardLimits, state: GuardingState, event: GuardEvent, now: Instant): GuardStep {
  if (event.kind === "exited") return close(limits, state, { kind: "died", end: event.end }, now);
  if (event.kind === "asked") return close(limits, state, { kind: "asked", signal: event.signal }, now);
  if (state.halt.kind === "halted") return close(limits, state, { kind: "halted" }, now);
  const heard = event.kind === "beat_confirmed" ? confirm(state, event.sentAt) : state;
  const { closesAt, cause } = fenceOf(limits, heard);
  if (now >= closesAt) return close(limits, heard, cause, now);
  switch (event.kind) {
    case "beat_lost":
      return [heard, [warn(`Heartbeat not confirmed: ${event.why}`, alarmIf(event.needsPerson))]];
    case "looked":
      if (heard.cycle.kind === "resting") return [heard, []];
      return settle(limits, { ...heard, cycle: { ...heard.cycle, positions: event.positions } }, now);
    case "probed":
      if (heard.cycle.kind === "resting") return [heard, []];
      return settle(limits, { ...heard, cycle: { ...heard.cycle, failures: event.failures } }, now);
    case "timer":
      return tick(limits, heard, now);
    default:
      return [heard, []];
  }
}

/** Confirmations may overtake each other. */
function confirm(state: GuardingState, sentAt: Instant): GuardingState {
  if (state.confirmedAt !== null && state.confirmedAt >= sentAt) return state;
  return { ...state, confirmedAt: sentAt };
}

/**
 * When the bot is stopped by its own guard, and why then: a second before it is given up for dead, and everything is closed
 * behind its back. It counts from when a heartbeat was sent, and from when a halt was asked for, as `core/fence.ts` does.
 */
function fenceOf(limits: GuardLimits, state: GuardingState): { readonly closesAt: Instant; readonly cause: EndCause } {
  const { fenceMs, startUpMs } = limits;
  const { clearAt, confirmedAt, firstBeatAt, halt, startedAt, trouble } = state;
  const unread = after(clearAt ?? startedAt, fenceMs);
  const beatAt = confirmedAt ?? firstBeatAt;
  const silent = beatAt === null ? after(startedAt, startUpMs) : after(beatAt, fenceMs);
  if (unread <= silent) {
    const why = halt.kind === "unreadable" ? `: ${halt.why}` : "";
    const words = `whether trading is halted could not be read for ${tenths(fenceMs)}${why}`;
    return { closesAt: unread, cause: { kind: "fenced", reason: "HALT_UNREADABLE", why: words } };
  }
  const last = trouble === null ? "" : `: ${trouble.words}`;
  if (beatAt === null) {
    const words = `it did not pass its probes within ${tenths(startUpMs)} of its start${last}`;
    return { closesAt: silent, cause: { kind: "fenced", reason: "NEVER_READY", why: words } };
  }
  const reason = trouble?.with === "probe" ? "PROBE_FAILED" : "HEARTBEAT_NOT_CONFIRMED";
  const words = `no heartbeat for it was confirmed for ${tenths(fenceMs)}${last}`;
  return { closesAt: silent, cause: { kind: "fenced", reason, why: words } };
}

function tick(limits: GuardLimits, state: GuardingState, now: Instant): GuardStep {
  const { cycle } = state;
  if (cycle.kind === "resting") {
    if (now < cycle.nextAt) return [state, []];
    const beatBy = after(now, limits.overdueMs);
    const looking = { kind: "looking", startedAt: now, beatBy, positions: null, failures: null } as const;
    return [{ ...state, cycle: looking }, [{ kind: "look" }, { kind: "probe" }]];
  }
  if (now < cycle.beatBy) return [state, []];
  const next = { ...state, cycle: { ...cycle, beatBy: after(now, limits.cycleMs) } };
  // A probe that has not answered has not passed.
  if (cycle.failures === null || cycle.failures.length > 0) return [next, []];
  const overdueMs = Math.round(now - cycle.startedAt);
  return degraded(next, overdueMs, `the venue has not answered for ${tenths(overdueMs)}`, now);
}

/** The end of a cycle, once venue and probes have both answered. */
function settle(limits: GuardLimits, state: GuardingState, now: Instant): GuardStep {
  const { cycle } = state;
  if (cycle.kind === "resting" || cycle.positions === null || cycle.failures === null) return [state, []];
  const { positions, failures, startedAt } = cycle;
  const latencyMs = Math.round(now - startedAt);
  const missed = Math.floor((now - startedAt) / limits.cycleMs);
  const nextAt = after(startedAt, (missed + 1) * limits.cycleMs);
  const rested: GuardingState = { ...state, cycle: { kind: "resting", nextAt } };
  if (failures.length > 0) return silent(rested, failures.join("; "));
  if (!positions.known) return degraded(rested, latencyMs, `positions can't be read: ${positions.why}`, now);
  const seen = { ...rested, activePositions: positions.value.length };
  if (latencyMs > limits.overdueMs) return degraded(seen, latencyMs, `the venue took ${tenths(latencyMs)}`, now);
  return alive(seen, latencyMs, positions.value, now);
}

/** No heartbeat at all: what can't be proven to live counts as dead from the last proof on. */
function silent(state: GuardingState, words: string): GuardStep {
  const next: GuardingState = { ...state, trouble: { with: "probe", words } };
  if (state.trouble?.with === "probe") return [next, []];
  if (!state.isUp) return [next, [info(`Waiting for the probes to pass for the first time: ${words}`)]];
  return [next, [warn(`No heartbeat, since a probe does not pass: ${words}`)]];
}

function degraded(state: GuardingState, latencyMs: number, words: string, now: Instant): GuardStep {
  const news = state.trouble?.with === "venue" ? [] : [warn(`DEGRADED: ${words}`)];
  return beat({ ...state, trouble: { with: "venue", words } }, "DEGRADED", latencyMs, news, now);
}

function alive(state: GuardingState, latencyMs: number, legs: readonly Position[], now: Instant): GuardStep {
  const open = legs.map((leg) => `${legName(leg)} ${plain(leg.amount)}`).join(", ");
  const shown = open === "" ? "No open positions" : `Open: ${open}`;
  const news = [
    ...(state.isUp && state.trouble !== null ? [info("All is well with the bot again")] : []),
    ...(shown === state.shown ? [] : [info(shown)]),
  ];
  return beat({ ...state, shown, trouble: null }, "ALIVE", latencyMs, news, now);
}

function beat(
  state: GuardingState,
  status: "ALIVE" | "DEGRADED",
  latencyMs: number,
  news: readonly Tell[],
  now: Instant,
): GuardStep {
  const { activePositions, firstBeatAt, halt, isUp } = state;
  const mode = halt.kind === "none" ? "live" : "halted";
  const up = isUp ? [] : [info("The bot is guarded from here on")];
  const next: GuardingState = { ...state, isUp: true, firstBeatAt: firstBeatAt ?? now };
  return [next, [{ kind: "beat", status, activePositions, mode, latencyMs }, ...up, ...news]];
}

/** How each role is, in one line: what `systemctl status` shows of it. No secret can be in it, only what the log says as well. */

import type { BrainState } from "./brain.ts";
import type { EewState } from "./eew.ts";
import { isLive } from "./exits.ts";
import type { GuardState } from "./guard-state.ts";
import type { WatchdogState } from "./watchdog-state.ts";

/** What a role last saw of Redis. */
export type BusView =
  | { readonly kind: "unseen" }
  | { readonly kind: "lost"; readonly why: string }
  | { readonly kind: "seen"; readonly halted: boolean };

/** @param lost why Redis can't be used; null: it can. */
export function watchdogLine(state: WatchdogState, lost: string | null): string {
  return lost === null ? watching(state) : `Redis can't be used: ${lost}; ${watching(state)}`;
}

function watching(state: WatchdogState): string {
  switch (state.kind) {
    case "detached":
      return "attaching, UNPROTECTED";
    case "waiting":
      return "waiting: no brain yet, UNPROTECTED";
    case "armed": {
      const { degradedSince, positions } = state.brain;
      return `armed: the brain ${degradedSince === null ? "beats" : "says DEGRADED"}, ${counted(positions)}`;
    }
    case "tripping":
      return `tripping: ${attemptOf(state)}, not confirmed published`;
    case "tripped":
      return `tripped: ${attemptOf(state)}, ${state.outcome === null ? "no completion yet" : `ended ${state.outcome}`}`;
    case "halted":
      return `halted: ${attemptOf(state)}, ended FLAT, until a person resets it`;
  }
}

function attemptOf({ attempt }: Extract<WatchdogState, { attempt: unknown }>): string {
  return `incident ${attempt.incidentId} attempt ${attempt.number}`;
}

/** What the exit brain does, or what keeps it from that. */
export function brainLine({ activePositions, exits, fence, halt, healthy }: BrainState): string {
  const watched = `watching ${counted(activePositions)}`;
  if (fence.kind === "unproven") return "starting: no heartbeat confirmed yet";
  if (fence.kind === "fenced") return `fenced: no heartbeat is confirmed, ${watched}`;
  if (!healthy) {
    const unread = exits === null ? "positions" : "positions, or what the exit policy needs,";
    return `DEGRADED: ${unread} can't be read in time, ${watched} at last`;
  }
  switch (halt.kind) {
    case "halted":
      return `halted, ${watched}`;
    case "unreadable":
      return `halted, because the halt can't be read, ${watched}`;
    case "unread":
      return watched;
    case "none":
      if (exits === null) return watched;
      return isLive(exits) ? `live by its exit policy, ${watched}` : `in shadow, ${watched}`;
  }
}

/** What the guard of somebody else's bot does, or what keeps it from that. */
export function guardLine(state: GuardState): string {
  switch (state.kind) {
    case "waiting":
      if (state.halt.kind === "halted")
        return `halted: the bot is not started until a person resets: ${state.halt.reason}`;
      if (state.halt.kind === "unreadable") return `the bot is not started: the halt can't be read, ${state.halt.why}`;
      return "starting";
    case "starting":
      return "starting the bot";
    case "guarding": {
      const { activePositions, isUp, trouble } = state;
      if (!isUp)
        return `UNPROTECTED: the bot runs, and has not passed its probes yet${trouble ? `: ${trouble.words}` : ""}`;
      if (trouble?.with === "probe") return `silent, since a probe does not pass: ${trouble.words}`;
      if (trouble !== null) return `DEGRADED: ${trouble.words}, ${counted(activePositions)} at last`;
      return `guarding the bot, ${counted(activePositions)}`;
    }
    case "ending":
      return state.gone ? "the bot has ended: silent, waiting for the halt" : "ending the bot: silent";
    case "over":
      return "the bot has ended";
  }
}

/** What the worker does, or what keeps it from that. */
export function eewLine(state: EewState, bus: BusView): string {
  switch (state.kind) {
    case "idle":
      return hearing(bus);
    case "reporting":
      return `reporting ${state.delivery.eventId}${bus.kind === "lost" ? `; ${hearing(bus)}` : ""}`;
    case "surveying":
    case "closing":
    case "verifying":
      return `executing ${state.delivery.eventId}`;
  }
}

function hearing(bus: BusView): string {
  switch (bus.kind) {
    case "unseen":
      return "listening";
    case "lost":
      return `Redis can't be used: ${bus.why}; listening by the direct line`;
    case "seen":
      return bus.halted ? "halted: listening, and looking that nothing opens" : "listening";
  }
}

function counted(positions: number | null): string {
  if (positions === null) return "an unknown number of positions";
  return positions === 1 ? "1 position" : `${positions} positions`;
}

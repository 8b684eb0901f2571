/**
 * The exit brain's cycle (design section 5): look at every position once a second, decide, beat.
 *
 * The heartbeat is written by the cycle, so it proves work, not that a timer still fires. Without a policy the
 * decision is to hold; the cycle, its deadline and its heartbeat are the same.
 */

import { cents, plain, sum } from "./decimal.ts";
import type { BrainMode, Halt } from "./messages.ts";
import { PEER_LIMITS, type PeerLimits } from "./peers.ts";
import { legName, type Position } from "./position.ts";
import type { Reading } from "./reading.ts";
import { info, type Tell, warn } from "./tell.ts";
import { after, type Instant } from "./time.ts";

/** The brain's rhythm. */
export interface BrainLimits {
  /** One decision cycle. Runbook, steps 1 and 4: heartbeats each second against a limit of five. */
  readonly cycleMs: number;
  /**
   * A cycle that takes longer beats `DEGRADED`. Two seconds leave a slow venue some room, and still put the
   * first `DEGRADED` well before the watchdog would call the heartbeat missing.
   */
  readonly overdueMs: number;
  /** Positions, marks and P&L are logged this often, and whenever a leg changes. */
  readonly showMs: number;
  /** When the other roles count as lost. */
  readonly peers: PeerLimits;
}

/** Design section 5. */
export const BRAIN_LIMITS: BrainLimits = { cycleMs: 1_000, overdueMs: 2_000, showMs: 10_000, peers: PEER_LIMITS };

/** Where the brain is in its cycle, and what it last knew. */
export type BrainState = BrainMemory &
  (
    | { readonly kind: "resting"; readonly nextAt: Instant }
    /** `beatBy`: when a heartbeat is due although the venue has not answered. */
    | { readonly kind: "looking"; readonly startedAt: Instant; readonly beatBy: Instant }
  );

interface BrainMemory {
  readonly activePositions: number;
  readonly mode: BrainMode;
  /** Legs and amounts as last logged, and when; null before the first time. */
  readonly shown: { readonly legs: string; readonly at: Instant } | null;
  readonly healthy: boolean;
}

/** Everything that can happen to the brain. */
export type BrainEvent =
  | { readonly kind: "looked"; readonly positions: Reading<readonly Position[]>; readonly halt: Reading<Halt | null> }
  | { readonly kind: "beat_lost"; readonly why: string }
  | { readonly kind: "timer" };

/** What the brain wants done. */
export type BrainAction =
  | { readonly kind: "look" }
  | {
      readonly kind: "beat";
      readonly status: "ALIVE" | "DEGRADED";
      readonly activePositions: number;
      readonly mode: BrainMode;
      /** This cycle reached a decision; the heartbeat's `last_decision_ts` moves. */
      readonly decided: boolean;
      readonly latencyMs: number;
    }
  | Tell;

type Step = readonly [BrainState, readonly BrainAction[]];

/** The brain before its first cycle, which starts at once. */
export function start(now: Instant): BrainState {
  return { kind: "resting", nextAt: now, activePositions: 0, mode: "live", shown: null, healthy: true };
}

/** Advances the brain by one event. */
export function step(limits: BrainLimits, state: BrainState, event: BrainEvent, now: Instant): Step {
  if (event.kind === "beat_lost") return [state, [warn(`Heartbeat not confirmed: ${event.why}`)]];
  if (state.kind === "resting") {
    if (event.kind !== "timer" || now < state.nextAt) return [state, []];
    const looking = { ...memoryOf(state), startedAt: now, beatBy: after(now, limits.overdueMs) };
    return [{ ...looking, kind: "looking" }, [{ kind: "look" }]];
  }
  if (event.kind === "looked") return decide(limits, state, event, now);
  if (now < state.beatBy) return [state, []];
  const next = { ...state, beatBy: after(now, limits.cycleMs), healthy: false };
  const line = warn(`Decision cycle overdue: the venue has not answered for ${Math.round(now - state.startedAt)} ms`);
  return [next, [beat(state, "DEGRADED", false, now - state.startedAt), ...(state.healthy ? [line] : [])]];
}

/** When `step` wants a `timer` event, if nothing else happens before. */
export function deadline(state: BrainState): Instant {
  return state.kind === "resting" ? state.nextAt : state.beatBy;
}

function decide(
  limits: BrainLimits,
  state: Extract<BrainState, { kind: "looking" }>,
  { positions, halt }: Extract<BrainEvent, { kind: "looked" }>,
  now: Instant,
): Step {
  const latencyMs = now - state.startedAt;
  const nextAt = nextCycle(limits, state.startedAt, now);
  if (!positions.known) {
    const next: BrainState = { ...memoryOf(state), kind: "resting", nextAt, healthy: false };
    const lines = state.healthy ? [warn(`Positions can't be read: ${positions.why}`)] : [];
    return [next, [beat(state, "DEGRADED", false, latencyMs), ...lines]];
  }
  // An unreadable halt counts as one (design rule 1).
  const mode: BrainMode = !halt.known || halt.value !== null ? "halted" : "live";
  const status = latencyMs > limits.overdueMs ? "DEGRADED" : "ALIVE";
  const legs = positions.value.map((leg) => `${legName(leg)} ${plain(leg.amount)}`).join(", ");
  const quiet = state.shown !== null && state.shown.legs === legs && now - state.shown.at < limits.showMs;
  const shown = quiet ? state.shown : { legs, at: now };
  const memory = { activePositions: positions.value.length, mode, shown, healthy: status === "ALIVE" };
  const next: BrainState = { ...memory, kind: "resting", nextAt };
  const lines = [
    ...(status === "ALIVE" && !state.healthy ? [info("Positions are read in time again")] : []),
    ...modeLine(state.mode, mode, halt),
    ...(quiet ? [] : positionLines(positions.value)),
  ];
  return [next, [beat(next, status, true, latencyMs), ...lines]];
}

function modeLine(before: BrainMode, mode: BrainMode, halt: Reading<Halt | null>): readonly Tell[] {
  if (before === mode) return [];
  if (mode === "live") return [info("Trading is allowed")];
  return [
    warn(`Trading is halted: ${halt.known ? (halt.value?.reason ?? "") : `the halt can't be read, ${halt.why}`}`),
  ];
}

/** The account as the runbook's reader wants it: each leg with its mark and its profit or loss. */
function positionLines(positions: readonly Position[]): readonly Tell[] {
  if (positions.length === 0) return [info("No open positions")];
  const legs = positions.map((leg) => {
    const prices = `entry ${plain(leg.entryPrice)}, mark ${plain(leg.markPrice)}`;
    return info(`${legName(leg)} ${plain(leg.amount)}: ${prices}, P&L ${cents(leg.unrealizedPnl)}`);
  });
  const total = cents(sum(positions.map((leg) => leg.unrealizedPnl)));
  return [...legs, info(`Watching ${positions.length} positions, P&L ${total}`)];
}

/** Cycles keep to a fixed grid; those that were missed are skipped, not made up. */
function nextCycle(limits: BrainLimits, startedAt: Instant, now: Instant): Instant {
  const missed = Math.floor((now - startedAt) / limits.cycleMs);
  return after(startedAt, (missed + 1) * limits.cycleMs);
}

function beat(memory: BrainMemory, status: "ALIVE" | "DEGRADED", decided: boolean, latencyMs: number): BrainAction {
  const { activePositions, mode } = memory;
  return { kind: "beat", status, activePositions, mode, decided, latencyMs: Math.round(latencyMs) };
}

function memoryOf({ activePositions, mode, shown, healthy }: BrainMemory): BrainMemory {
  return { activePositions, mode, shown, healthy };
}

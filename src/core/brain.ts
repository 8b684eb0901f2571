/**
 * The exit brain's cycle (design section 5): look at every position once a second, decide, beat.
 *
 * The heartbeat is written by the cycle, so it proves work, not that a timer still fires. Without a policy the
 * decision is to hold; with one, `exits.ts` decides. The cycle, its deadline and its heartbeat are the same.
 */

import { cents, plain, sum } from "./decimal.ts";
import {
  advancePanic,
  allow,
  blind,
  type Exits,
  type ExitsAction,
  type ExitsEvent,
  type ExitsStart,
  exitsDeadline,
  hear,
  isLive,
  look,
  openExits,
} from "./exits.ts";
import { advance, closing, type Fence, getsThrough, unproven } from "./fence.ts";
import type { BrainMode, Halt } from "./messages.ts";
import { PEER_LIMITS, type PeerLimits } from "./peers.ts";
import type { Equity } from "./portfolio.ts";
import { legName, type Position } from "./position.ts";
import type { Reading, Unread } from "./reading.ts";
import type { Permission } from "./standing.ts";
import { alarmIf, info, type Tell, warn } from "./tell.ts";
import { after, earliest, type Instant, latest, type UnixMillis } from "./time.ts";

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
  /** Without a confirmed heartbeat for this long the brain fences itself. Design section 5: a second before the watchdog's limit. */
  readonly fenceMs: number;
  /** The answer to an order of ours brings the next cycle forward, but not closer than this to the last one. */
  readonly soonMs: number;
  /**
   * So does whatever else changes in the account, but not closer than this: beside a bot that sends orders all the time there are
   * two looks a second, of weight 10 at most, of the 2400 that the address has in a minute.
   */
  readonly nudgeMs: number;
  /** When the other roles count as lost. */
  readonly peers: PeerLimits;
}

/** Design section 5. */
export const BRAIN_LIMITS: BrainLimits = {
  cycleMs: 1_000,
  overdueMs: 2_000,
  showMs: 10_000,
  fenceMs: 4_000,
  soonMs: 100,
  nudgeMs: 500,
  peers: PEER_LIMITS,
};

/** Where the brain is in its cycle, and what it last knew. */
export type BrainState = BrainMemory &
  (
    | { readonly kind: "resting"; readonly nextAt: Instant }
    /** `beatBy`: when a heartbeat is due although the venue has not answered. */
    | { readonly kind: "looking"; readonly startedAt: Instant; readonly beatBy: Instant }
  );

interface BrainMemory {
  readonly activePositions: number;
  readonly halt: HaltView;
  readonly fence: Fence;
  /** Legs and amounts as last logged, and when; null before the first time. */
  readonly shown: { readonly legs: string; readonly at: Instant } | null;
  readonly healthy: boolean;
  /** The policy at work; null without one. */
  readonly exits: Exits | null;
  /** When the last look was begun; null before the first. */
  readonly lookedAt: Instant | null;
  /** When the permission that the policy stands by was asked for; as a halt's, the reading expires. Null: it was not read. */
  readonly permittedAt: Instant | null;
}

/** What the brain knows of the halt. Everything but `none` counts as halted (design rule 1). */
type HaltView =
  | { readonly kind: "unread" }
  /** `askedAt`: a halt may have been written since. */
  | { readonly kind: "none"; readonly askedAt: Instant }
  | { readonly kind: "halted" }
  | { readonly kind: "unreadable" };

/** Everything that can happen to the brain. */
export type BrainEvent =
  | {
      readonly kind: "looked";
      readonly positions: Reading<readonly Position[]>;
      readonly halt: Reading<Halt | null>;
      /** What a policy needs besides; null without one. */
      readonly account: Account | null;
    }
  /** Something came back for the policy. */
  | { readonly kind: "exits"; readonly event: ExitsEvent; readonly wall: UnixMillis }
  /** The venue says that orders or legs have changed: it is worth a look. */
  | { readonly kind: "account_changed" }
  /** The bus has the heartbeat that was sent at `sentAt`. */
  | { readonly kind: "beat_confirmed"; readonly sentAt: Instant }
  /** Not confirmed: it may or may not be on the bus, so it proves nothing. */
  | ({ readonly kind: "beat_lost" } & Omit<Unread, "known">)
  | { readonly kind: "timer" };

/** What a brain with a policy reads in each cycle beside the legs and the halt. */
export interface Account {
  readonly permission: Reading<Permission>;
  /** Null where no rule needs it. */
  readonly equity: Reading<Equity> | null;
  /** The host's wall clock: time limits and days are measured on it. */
  readonly wall: UnixMillis;
}

/** What the brain wants done. */
export type BrainAction =
  | { readonly kind: "look" }
  | Exclude<ExitsAction, Tell>
  | {
      readonly kind: "beat";
      readonly status: "ALIVE" | "DEGRADED";
      readonly activePositions: number;
      readonly mode: BrainMode;
      readonly fenced: boolean;
      /** The cycle has come to its end, with a decision or without; false: it goes on, overdue. */
      readonly ended: boolean;
      /** This cycle reached a decision; the heartbeat's `last_decision_ts` moves. */
      readonly decided: boolean;
      readonly latencyMs: number;
    }
  | Tell;

type Step = readonly [BrainState, readonly BrainAction[]];

/** The brain before its first cycle, which starts at once. */
export function start(limits: BrainLimits, now: Instant, policy: ExitsStart | null = null): BrainState {
  const fence = unproven(limits.fenceMs, now);
  return {
    kind: "resting",
    nextAt: now,
    activePositions: 0,
    halt: { kind: "unread" },
    fence,
    shown: null,
    healthy: true,
    exits: policy === null ? null : openExits(policy, now),
    lookedAt: null,
    permittedAt: null,
  };
}

/**
 * Whether an order may be sent at `now`: the halt was read and there is none, and heartbeats get through.
 *
 * A reading is worth no more than a heartbeat: both expire after `fenceMs`, also where a suspended process finds its
 * timers late.
 */
export function mayAct(limits: BrainLimits, { halt, fence }: BrainState, now: Instant): boolean {
  if (halt.kind !== "none" || now - halt.askedAt >= limits.fenceMs) return false;
  return getsThrough(fence, now);
}

/** The same for the policy's own acts, by the permission as it was last read. */
export function mayExit(limits: BrainLimits, state: BrainState, now: Instant): boolean {
  return state.exits !== null && isLive(state.exits) && isPermitted(limits, state, now);
}

function isPermitted(limits: BrainLimits, state: BrainState, now: Instant): boolean {
  if (state.permittedAt === null || now - state.permittedAt >= limits.fenceMs) return false;
  return mayAct(limits, state, now);
}

/** Advances the brain by one event. */
export function step(limits: BrainLimits, state: BrainState, event: BrainEvent, now: Instant): Step {
  const sentAt = event.kind === "beat_confirmed" ? event.sentAt : null;
  const [fence, lines] = advance(limits.fenceMs, state.fence, sentAt, now);
  const fenced = fence === state.fence ? state : { ...state, fence };
  const [panicking, raised] = event.kind === "timer" ? raiseAgain(fenced, now) : [fenced, []];
  const [next, actions] = cycle(limits, panicking, event, now);
  return [next, [...lines, ...raised, ...actions]];
}

/** When `step` wants a `timer` event, if nothing else happens before. */
export function deadline(state: BrainState): Instant | null {
  const panicAt = state.exits === null ? null : exitsDeadline(state.exits);
  return earliest(state.kind === "resting" ? state.nextAt : state.beatBy, closing(state.fence), panicAt);
}

function raiseAgain(state: BrainState, now: Instant): Step {
  if (state.exits === null) return [state, []];
  const [exits, actions] = advancePanic(state.exits, { kind: "timer" }, now);
  return [exits === state.exits ? state : { ...state, exits }, actions];
}

function cycle(limits: BrainLimits, state: BrainState, event: BrainEvent, now: Instant): Step {
  switch (event.kind) {
    case "beat_lost":
      return [state, [warn(`Heartbeat not confirmed: ${event.why}`, alarmIf(event.needsPerson))]];
    case "account_changed":
      return [soon(limits.nudgeMs, state, now), []];
    case "exits":
      return exitsHeard(limits, state, event, now);
    default:
  }
  if (state.kind === "resting") {
    if (event.kind !== "timer" || now < state.nextAt) return [state, []];
    const looking = { ...memoryOf(state), lookedAt: now, startedAt: now, beatBy: after(now, limits.overdueMs) };
    return [{ ...looking, kind: "looking" }, [{ kind: "look" }]];
  }
  if (event.kind === "looked") return decide(limits, state, event, now);
  if (now < state.beatBy) return [state, []];
  const next = { ...state, beatBy: after(now, limits.cycleMs), healthy: false };
  const line = warn(`Decision cycle overdue: the venue has not answered for ${Math.round(now - state.startedAt)} ms`);
  return [next, [beat(state, "DEGRADED", "overdue", now - state.startedAt), ...(state.healthy ? [line] : [])]];
}

function decide(
  limits: BrainLimits,
  state: Extract<BrainState, { kind: "looking" }>,
  { account, positions, halt }: Extract<BrainEvent, { kind: "looked" }>,
  now: Instant,
): Step {
  const latencyMs = now - state.startedAt;
  const nextAt = nextCycle(limits, state.startedAt, now);
  // Before anything else, and whether or not the positions can be read: the halt is obeyed, and a missing permission is.
  const halted = haltView(halt, state.startedAt);
  const haltLines = haltLine(state.halt, halted, halt);
  const [allowed, standing] = withPermission(state.exits, account, halted, now);
  const permittedAt = account?.permission.known === true ? state.startedAt : state.permittedAt;
  if (!positions.known) {
    const memory = { ...memoryOf(state), halt: halted, exits: allowed, permittedAt };
    const next: BrainState = { ...memory, kind: "resting", nextAt, healthy: false };
    const lines = state.healthy ? [warn(`Positions can't be read: ${positions.why}`)] : [];
    return [next, [...standing, beat(next, "DEGRADED", "undecided", latencyMs), ...haltLines, ...lines]];
  }
  const mayActNow = mayAct(limits, { ...state, halt: halted }, now);
  const { actions, blindness, exits } = withPolicy(allowed, account, positions.value, mayActNow, now);
  const status = latencyMs > limits.overdueMs || blindness !== null ? "DEGRADED" : "ALIVE";
  const legs = positions.value.map((leg) => `${legName(leg)} ${plain(leg.amount)}`).join(", ");
  const quiet = state.shown !== null && state.shown.legs === legs && now - state.shown.at < limits.showMs;
  const next: BrainState = {
    kind: "resting",
    nextAt,
    activePositions: positions.value.length,
    halt: halted,
    fence: state.fence,
    shown: quiet ? state.shown : { legs, at: now },
    healthy: status === "ALIVE",
    exits,
    lookedAt: state.lookedAt,
    permittedAt,
  };
  const lines = [
    ...(status === "ALIVE" && !state.healthy ? [info("Positions are read in time again")] : []),
    ...(blindness !== null && state.healthy ? [warn(`The exit policy can't be judged: ${blindness}`)] : []),
    ...haltLines,
    ...(quiet ? [] : positionLines(positions.value)),
  ];
  // What is to be closed goes first: the heartbeat says that it was decided.
  return [next, [...standing, ...actions, beat(next, status, "decided", latencyMs), ...lines]];
}

/** Where the policy stands after a look at the bus. */
function withPermission(
  exits: Exits | null,
  account: Account | null,
  halt: HaltView,
  now: Instant,
): readonly [Exits | null, readonly ExitsAction[]] {
  if (exits === null || account === null) return [exits, []];
  const isHalted = halt.kind === "halted" ? true : halt.kind === "none" ? false : null;
  return allow(exits, account.permission, isHalted, now);
}

/** What the policy makes of a look. */
function withPolicy(
  exits: Exits | null,
  account: Account | null,
  positions: readonly Position[],
  mayActNow: boolean,
  now: Instant,
): { readonly exits: Exits | null; readonly actions: readonly ExitsAction[]; readonly blindness: string | null } {
  if (exits === null || account === null) return { exits, actions: [], blindness: null };
  const { equity, permission, wall } = account;
  const [next, actions] = look(exits, positions, equity, { now, wall, mayAct: mayActNow && permission.known });
  // A brain that may not act harms nobody by not seeing.
  const blindness = isLive(next) ? blind(next, equity) : null;
  return { exits: next, actions, blindness };
}

/** Something came back for the policy. An order's answer is a reason to look again: what it has done is the venue's to say. */
function exitsHeard(
  limits: BrainLimits,
  state: BrainState,
  { event, wall }: Extract<BrainEvent, { kind: "exits" }>,
  now: Instant,
): Step {
  if (state.exits === null) return [state, []];
  const [exits, actions] = hear(state.exits, event, { now, wall, mayAct: isPermitted(limits, state, now) });
  const next = { ...state, exits };
  return [event.kind === "closed" ? soon(limits.soonMs, next, now) : next, actions];
}

/** The next cycle is brought forward. */
function soon(apartMs: number, state: BrainState, now: Instant): BrainState {
  if (state.kind !== "resting") return state;
  const earliestAt = state.lookedAt === null ? now : latest(now, after(state.lookedAt, apartMs));
  return earliestAt < state.nextAt ? { ...state, nextAt: earliestAt } : state;
}

function haltView(halt: Reading<Halt | null>, askedAt: Instant): HaltView {
  if (!halt.known) return { kind: "unreadable" };
  return halt.value === null ? { kind: "none", askedAt } : { kind: "halted" };
}

/** Told when it changes, not while it stays. A start that finds trading allowed is the ordinary course. */
function haltLine(before: HaltView, now: HaltView, halt: Reading<Halt | null>): readonly Tell[] {
  if (before.kind === now.kind || (before.kind === "unread" && now.kind === "none")) return [];
  if (now.kind === "none") return [info("Trading is allowed")];
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

function beat(
  memory: BrainMemory,
  status: "ALIVE" | "DEGRADED",
  cycle: "decided" | "undecided" | "overdue",
  latencyMs: number,
): BrainAction {
  const { activePositions, exits, halt, fence } = memory;
  const allowed: BrainMode = exits === null || isLive(exits) ? "live" : "shadow";
  const mode = halt.kind === "none" ? allowed : "halted";
  const fenced = fence.kind === "fenced";
  const [ended, decided] = [cycle !== "overdue", cycle === "decided"];
  return { kind: "beat", status, activePositions, mode, fenced, ended, decided, latencyMs: Math.round(latencyMs) };
}

function memoryOf(memory: BrainMemory): BrainMemory {
  const { activePositions, halt, fence, shown, healthy, exits, lookedAt, permittedAt } = memory;
  return { activePositions, halt, fence, shown, healthy, exits, lookedAt, permittedAt };
}

/** What the guard of somebody else's bot knows, what can happen to it, and what it wants done. */

import type { BrainMode, Halt } from "./messages.ts";
import type { OwnPanic, OwnPanicAction, OwnPanicEvent } from "./own-panic.ts";
import { PEER_LIMITS, type PeerLimits } from "./peers.ts";
import type { Position } from "./position.ts";
import type { Reading, Unread } from "./reading.ts";
import type { Instant } from "./time.ts";

/** The guard's rhythm, and how long it waits for whom. */
export interface GuardLimits {
  /** One look at everything, and a heartbeat. Runbook, steps 1 and 4: heartbeats each second against a limit of five. */
  readonly cycleMs: number;
  /** A venue that takes longer makes the heartbeat `DEGRADED`; as for the brain. */
  readonly overdueMs: number;
  /**
   * The halt is read this often: sooner than a bot can see what a pass has closed, and open it again. What it manages to open all
   * the same until it has ended is for the worker to close.
   */
  readonly haltLookMs: number;
  /** The same while it can't be read. */
  readonly haltRetryMs: number;
  /**
   * A bot is started once no halt was seen for this long. A worker that finds a halt lost puts it back within a second, and until
   * then nobody sees one (`roles/eew-halt.ts`): twice that.
   */
  readonly clearMs: number;
  /** Without a confirmed heartbeat, or a halt that can be read, for this long, the bot is stopped. Design section 5: a second before the watchdog gives it up. */
  readonly fenceMs: number;
  /** How long a bot may take until its probes pass for the first time. */
  readonly startUpMs: number;
  /** What a bot that is told to end may take until it is killed. */
  readonly killAfterMs: number;
  /** The same behind the fence: no longer than what is left until the watchdog gives it up. */
  readonly fencedKillMs: number;
  /** A bot's end is told by a panic, and not by silence alone. */
  readonly tripOnExit: boolean;
  /** A panic that is not confirmed published is published again. As the watchdog's. */
  readonly publishRetryMs: number;
  /** After the bot's end the guard stays, silent, until trading is halted, for this long at most. Runbook: 15 s in all. */
  readonly lingerMs: number;
  readonly peers: PeerLimits;
}

export const GUARD_LIMITS: GuardLimits = {
  cycleMs: 1_000,
  overdueMs: 2_000,
  haltLookMs: 50,
  haltRetryMs: 250,
  clearMs: 2_000,
  fenceMs: 4_000,
  startUpMs: 60_000,
  killAfterMs: 2_000,
  fencedKillMs: 1_000,
  tripOnExit: false,
  publishRetryMs: 250,
  lingerMs: 15_000,
  peers: PEER_LIMITS,
};

/** The signals by which the guard is asked to stop, and which it hands on. */
export type StopSignal = "SIGTERM" | "SIGINT";

/** How the bot's own process has ended. */
export interface BotEnd {
  /** Null: by a signal. */
  readonly code: number | null;
  readonly signal: string | null;
}

/** Where the guard stands. */
export type GuardState = GuardMemory & (Waiting | Starting | Guarding | Ending | Over);

/** What it knows in every state. */
export interface GuardMemory {
  readonly halt: HaltView;
  /** When the halt is to be read again; null: it is being read. */
  readonly haltLookAt: Instant | null;
  /** When the reading under way was asked for. */
  readonly haltAskedAt: Instant;
  /** When the last reading was asked for that showed no halt; null: there was none. */
  readonly clearAt: Instant | null;
}

/** Everything but `none` counts as halted (design rule 1). */
type HaltView =
  | { readonly kind: "unread" }
  /** `since`: in a row, by when they were asked for. */
  | { readonly kind: "none"; readonly since: Instant }
  | { readonly kind: "halted"; readonly reason: string }
  | { readonly kind: "unreadable"; readonly why: string };

/** The bot is not started, because trading is halted or that is not known. */
export interface Waiting {
  readonly kind: "waiting";
  /** What keeps it waiting, as last told. */
  readonly told: "nothing" | "halted" | "unreadable";
}

interface Starting {
  readonly kind: "starting";
  /** Asked to stop meanwhile. */
  readonly asked: StopSignal | null;
}

/** The bot runs. */
export interface Guarding {
  readonly kind: "guarding";
  readonly startedAt: Instant;
  readonly cycle:
    | { readonly kind: "resting"; readonly nextAt: Instant }
    | {
        readonly kind: "looking";
        readonly startedAt: Instant;
        /** When a heartbeat is due although the venue has not answered. */
        readonly beatBy: Instant;
        /** Null: not answered yet. */
        readonly positions: Reading<readonly Position[]> | null;
        readonly failures: readonly string[] | null;
      };
  /** The probes have passed once. */
  readonly isUp: boolean;
  /** When the first heartbeat was sent; null before. */
  readonly firstBeatAt: Instant | null;
  /** When the last heartbeat was sent that was confirmed. */
  readonly confirmedAt: Instant | null;
  readonly activePositions: number;
  /** Open legs as last logged; null before the first time. */
  readonly shown: string | null;
  /** What the last cycle has found wrong; null: nothing. */
  readonly trouble: Trouble | null;
}

/** A bot whose probe fails is silent, one whose venue can't be read is `DEGRADED`. */
interface Trouble {
  readonly with: "probe" | "venue";
  readonly words: string;
}

/** The bot has ended, or is made to. It is never started again. */
export interface Ending {
  readonly kind: "ending";
  readonly cause: EndCause;
  /** Nothing of it is left, or what is left can't be ended. */
  readonly gone: boolean;
  readonly panic: Panic;
  /** How long the guard stays for a halt at most. */
  readonly until: Instant;
  /** A person wants the guard to end: it waits for nothing but the bot. */
  readonly hurry: boolean;
}

/** Why a bot has come to its end. */
export type EndCause =
  | { readonly kind: "died"; readonly end: BotEnd }
  | { readonly kind: "halted" }
  /** Stopped by its guard before others give it up; `reason` as an event's, `why` for people. */
  | { readonly kind: "fenced"; readonly reason: string; readonly why: string }
  | { readonly kind: "asked"; readonly signal: StopSignal };

/** The panic that tells of the bot's end. */
export type Panic =
  | { readonly kind: "none" }
  /** To be raised once the bot is gone. */
  | { readonly kind: "owed"; readonly reason: string }
  | OwnPanic;

interface Over {
  readonly kind: "over";
}

/** Everything that can happen to the guard. */
export type GuardEvent =
  | { readonly kind: "halt_read"; readonly halt: Reading<Halt | null> }
  | { readonly kind: "started" }
  | { readonly kind: "not_started"; readonly why: string }
  | { readonly kind: "looked"; readonly positions: Reading<readonly Position[]> }
  /** What each probe that does not pass says. */
  | { readonly kind: "probed"; readonly failures: readonly string[] }
  /** The bus has the heartbeat that was sent at `sentAt`. */
  | { readonly kind: "beat_confirmed"; readonly sentAt: Instant }
  /** Not confirmed: it may or may not be on the bus, so it proves nothing. */
  | ({ readonly kind: "beat_lost" } & Omit<Unread, "known">)
  /** The bot's own process has ended; what it has started may go on. */
  | { readonly kind: "exited"; readonly end: BotEnd }
  /** The bot was made to end, with everything that it has started; `left` could not be. */
  | { readonly kind: "gone"; readonly left: readonly number[] }
  | OwnPanicEvent
  /** A person wants the guard to stop, and the bot with it. */
  | { readonly kind: "asked"; readonly signal: StopSignal }
  | { readonly kind: "timer" };

/** What the guard wants done. */
export type GuardAction =
  | { readonly kind: "read_halt" }
  | { readonly kind: "start_bot" }
  | { readonly kind: "look" }
  | { readonly kind: "probe" }
  | {
      readonly kind: "beat";
      readonly status: "ALIVE" | "DEGRADED";
      readonly activePositions: number;
      readonly mode: BrainMode;
      readonly latencyMs: number;
    }
  /** Ends the bot and everything that it has started: by the signal, and after so long for certain. */
  | { readonly kind: "end_bot"; readonly signal: StopSignal; readonly killAfterMs: number }
  | OwnPanicAction
  /** The guard's own end, with its exit code. */
  | { readonly kind: "end"; readonly code: 0 | 1 };

export type GuardStep = readonly [GuardState, readonly GuardAction[]];

/** The part that all states share. */
export function memoryOf({ halt, haltLookAt, haltAskedAt, clearAt }: GuardMemory): GuardMemory {
  return { halt, haltLookAt, haltAskedAt, clearAt };
}

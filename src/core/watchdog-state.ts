/** What the watchdog believes, hears and wants done, and its thresholds. */

import type { BrainWatch, BrainWatchLimits } from "./brain-watch.ts";
import type { Attempt, Beat, Ending, Halt, Outcome } from "./messages.ts";
import { PEER_LIMITS, type PeerLimits } from "./peers.ts";
import type { Reading, Unread } from "./reading.ts";
import type { Tell } from "./tell.ts";
import type { Instant } from "./time.ts";

/** The watchdog's thresholds. No grace periods: a threshold is a threshold (design rule 5). */
export interface WatchdogLimits extends BrainWatchLimits {
  /** No heartbeat for this long since the attach or the reset is a failure too; null: a cold boot is not a death. `--require-brain-ms`. */
  readonly requireBrainMs: number | null;
  /** A timer that fires later than this after it was due was held up with everything else here. Well over what a busy host costs, well under a heartbeat. */
  readonly stallMs: number;
  /** How long what had arrived may take to be read after that. Design section 3: 500 ms. */
  readonly drainMs: number;
  /** How soon a publish that was not confirmed is tried again. */
  readonly publishRetryMs: number;
  /** A worker that did not hear the direct line, or has not said yet what came of it, is called again no sooner than this. */
  readonly callRetryMs: number;
  /** A published panic without a completion for this long is followed up. Runbook: a pass takes up to 10 s. */
  readonly completionOverdueMs: number;
  /** Pause before the first follow-up after a completion that is not FLAT; it doubles with each attempt. Design rule 4. */
  readonly followUpMs: number;
  /** The pause never grows beyond this. Design rule 4. */
  readonly followUpMaxMs: number;
  /** When the other roles count as lost. */
  readonly peers: PeerLimits;
}

/** Runbook and design section 3. */
export const WATCHDOG_LIMITS: WatchdogLimits = {
  heartbeatMissingMs: 5_000,
  unguardedMs: null,
  degradedMs: 5_000,
  decisionsStaleMs: 30_000,
  crashLoopInstances: 3,
  crashLoopMs: 60_000,
  requireBrainMs: null,
  stallMs: 250,
  drainMs: 500,
  publishRetryMs: 250,
  callRetryMs: 1_000,
  completionOverdueMs: 10_000,
  followUpMs: 1_000,
  followUpMaxMs: 30_000,
  peers: PEER_LIMITS,
};

/** What the watchdog believes. Each state owns its data. */
export type WatchdogState =
  /** Has not seen the bus yet. */
  { readonly kind: "detached" } | Waiting | Armed | Tripping | Tripped | Halted;

/** What waiting and watching have in common: they listen for heartbeats. */
interface Listening {
  /** Until when what had arrived is being read, after this process stood still; null: it did not. */
  readonly drainBy: Instant | null;
  /** What was no heartbeat is told once for each kind, not with every beat. */
  readonly told: readonly NoHeartbeat[];
}

/** Why an entry is no heartbeat: it can't be parsed, or its `seq` was heard before. */
export type NoHeartbeat = "malformed" | "copied";

/**
 * No heartbeat since the last reset, or none ever: unprotected, and no panic, since a cold boot is not a death.
 *
 * Nothing is remembered of the brains before: what a person has cleared is not held against the next start.
 */
export interface Waiting extends Listening {
  readonly kind: "waiting";
  readonly since: Instant;
  /** The incident that begins if that is required to be a failure. */
  readonly absenceId: string;
}

/** A brain is watched. */
export interface Armed extends Listening {
  readonly kind: "armed";
  readonly brain: BrainWatch;
}

/** What every state of an incident remembers of the brain. */
interface InIncident {
  /**
   * The last heartbeat that came after the last look that showed the halt, or after the panic was decided: once a person has
   * reset, it may be of a brain that trades again. Null: none has come. `step` keeps it.
   */
  readonly heard: Beat | null;
}

/** A panic is decided and not yet confirmed published. */
export interface Tripping extends InIncident {
  readonly kind: "tripping";
  readonly attempt: Attempt;
  readonly reason: string;
  /** Only a halt that was there can be reset. */
  readonly haltSeen: boolean;
  /** Null while a publish is under way. */
  readonly retryAt: Instant | null;
  readonly directLine: DirectLine;
}

/** How far this attempt has come by the direct line to the worker. It is used only while the publish is not confirmed. */
export type DirectLine =
  /** May be used from then on; null: at once. */
  | { readonly kind: "free"; readonly from: Instant | null }
  | { readonly kind: "calling"; readonly since: Instant }
  /** The worker has said what came of the attempt. Unless that is FLAT, the next one is made then. */
  | { readonly kind: "ended"; readonly outcome: Outcome; readonly followUpAt: Instant | null };

/** The direct line before the first call of an attempt. */
export const UNUSED: DirectLine = { kind: "free", from: null };

/** The incident is open. */
export interface Tripped extends InIncident {
  readonly kind: "tripped";
  readonly attempt: Attempt;
  /** The event of this attempt. */
  readonly eventId: string;
  /** With which reason this watchdog published it, so that it can do so again; null: another did. */
  readonly reason: string | null;
  readonly haltSeen: boolean;
  /** The outcome already told to people; null before the completion. */
  readonly outcome: Outcome | null;
  /** When the next attempt is made, unless a completion says FLAT or a person resets before. */
  readonly followUpAt: Instant;
}

/** Flat by this attempt, and waiting for a person. */
export interface Halted extends InIncident {
  readonly kind: "halted";
  readonly attempt: Attempt;
  readonly eventId: string;
}

/** The halt and what is on record about the incidents in question. */
export interface Standing {
  /** Null: trading is not halted. */
  readonly halt: Halt | null;
  /** Which attempt of which incident the halt's event is; null without a halt, or for one that was set by hand. */
  readonly haltedBy: Attempt | null;
  /** Outcome on record by event id, for the halt's event and for those that were asked for. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
  /**
   * The event id of the incident that begins if no brain ever comes: it follows from the newest completion alone, so
   * every watchdog raises the same, and after each incident it is another one.
   */
  readonly absenceId: string;
  /** The event that was asked about as confirmed, if it is not on record any more: the bus has lost data. */
  readonly lostEvent: string | null;
}

/** What the bus looked like at attach. */
export interface Attachment {
  readonly standing: Standing;
  readonly lastBeat: {
    readonly beat: Beat;
    /** Server's clock minus entry id, so a brain that died while nobody watched is seen with its true age. */
    readonly ageMs: number;
    /** The incident that this heartbeat began was completed: with no halt left, a person has reset it. */
    readonly incidentCompleted: boolean;
  } | null;
}

/** A heartbeat that was waiting to be read. */
export interface AgedBeat {
  readonly beat: Beat;
  readonly ageMs: number;
}

/** Everything that can happen to a watchdog. */
export type WatchdogEvent =
  | { readonly kind: "attached"; readonly attachment: Attachment }
  | { readonly kind: "beat"; readonly beat: Beat; readonly arrivedAt: Instant }
  /** A heartbeat entry that can't be parsed: no heartbeat, but worth a line. */
  | { readonly kind: "malformed_beat"; readonly why: string }
  /** What had arrived was read, oldest first, each with the server's clock minus its entry id; and the halt. */
  | { readonly kind: "drained"; readonly beats: readonly AgedBeat[]; readonly standing: Standing }
  | { readonly kind: "drain_failed" }
  /** This process did nothing for longer than it meant to: what is read next may have waited as long. */
  | { readonly kind: "stood_still"; readonly lateMs: number }
  /** The halt was read again. */
  | { readonly kind: "standing"; readonly standing: Standing }
  | { readonly kind: "published"; readonly attempt: Attempt; readonly eventId: string }
  /** Not confirmed: it may or may not be on the bus. */
  | ({ readonly kind: "publish_unconfirmed"; readonly attempt: Attempt } & Omit<Unread, "known">)
  /** The worker was called. Unknown: it did not hear, or refuses; null: it has heard, and not said yet what came of it. */
  | { readonly kind: "direct_answered"; readonly attempt: Attempt; readonly answer: Reading<Ending | null> }
  | ({ readonly kind: "bus_lost" } & Omit<Unread, "known">)
  | { readonly kind: "bus_back" }
  /** A deadline has passed. */
  | { readonly kind: "timer" };

/** What the watchdog wants done. */
export type WatchdogAction =
  | { readonly kind: "publish"; readonly attempt: Attempt; readonly reason: string }
  /** Tell the worker itself, without Redis. The same attempt again is harmless: the worker executes an event id once. */
  | { readonly kind: "call_direct"; readonly attempt: Attempt; readonly reason: string }
  /** Read what has arrived so far, over a new connection: the call under way timed out with this process. */
  | { readonly kind: "drain" }
  | Tell;

/** The next state, and what is to be done. */
export type Step = readonly [WatchdogState, readonly WatchdogAction[]];

/** The state before the first heartbeat, after the attach or a reset. */
export function waiting(standing: Standing, now: Instant): Waiting {
  return { kind: "waiting", since: now, absenceId: standing.absenceId, drainBy: null, told: [] };
}

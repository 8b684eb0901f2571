/**
 * What each role needs from the bus. One failure contract for all of it: no method rejects, each settles within
 * the adapter's own deadline, and an answer that was not confirmed comes back as unknown. Unknown after a write
 * means that it may or may not have happened, so every write here is harmless to repeat.
 */

import type { BrainNote } from "../core/brain-note.ts";
import type { DrillRecord, LastDrill } from "../core/drill.ts";
import type { ExitRecord } from "../core/exit-leg.ts";
import type { HaltSight, PastHalt, PutBack } from "../core/halt-memory.ts";
import type { Attempt, Beat, Completion, Delivery, Halt, Heartbeat, Outcome, PanicEvent } from "../core/messages.ts";
import type { RoleView } from "../core/overview.ts";
import type { LastHeard } from "../core/peers.ts";
import type { FoundLeg } from "../core/position.ts";
import type { Reading } from "../core/reading.ts";
import type { Vigil } from "../core/second-line.ts";
import type { Permission } from "../core/standing.ts";
import type { UnixMillis } from "../core/time.ts";
import type { AgedBeat, Attachment, Standing } from "../core/watchdog-state.ts";

/** The roles that beat for each other and for `quantum status`. */
export type BeatingRole = "brain" | "watchdog" | "eew";

/** How every role shows that it lives (contract 3.1 and 3.5). */
export interface Pulse {
  /** Confirmed once the bus has it. A heartbeat that was not confirmed may still arrive; it is then late, not wrong. */
  beat(role: BeatingRole, heartbeat: Heartbeat): Promise<Reading<null>>;
}

/** The halt, as everyone may read it. */
interface HaltReader {
  /** Null: trading is not halted. Unknown: it can't be read, which callers must take for halted (design rule 1). */
  halt(): Promise<Reading<Halt | null>>;
}

/** How a brain orders an exit itself, as `exit_brain`. Whoever runs it repeats `raise`, with one id, until it is confirmed. */
interface PanicRaiser {
  /**
   * The event id of the incident that begins if the last heartbeat of this instance stays its last one: the one that a watchdog
   * derives which misses it, so that both raise one incident. Always known, since a panic must not wait for it: where the bus
   * can't be read it follows from the last heartbeat that was confirmed, and before the first one from the instance itself.
   */
  ownIncident(instanceId: string): Promise<string>;
  /** Publishes the event that opens the incident, unless it was published before, by whomever. */
  raise(incidentId: string, reason: string): Promise<Reading<null>>;
}

/** Whether a brain with a policy may act again after an incident (`core/standing.ts`). */
interface PermissionReader {
  /** `ownPanic`: the event of this brain's own whose end is asked for besides; null: none. */
  permission(ownPanic: string | null): Promise<Reading<Permission>>;
}

/** The brain's side of the bus. */
export interface BrainBus extends Pulse, HaltReader, PeerReader, PanicRaiser, PermissionReader {}

/** Whether the other roles live. */
export interface PeerReader {
  /** The last heartbeat of each of `roles`, in their order. */
  lastHeard(roles: readonly BeatingRole[]): Promise<Reading<readonly LastHeard[]>>;
}

/** One look at what arrived since the last one. */
export interface Watch {
  readonly beats: readonly (Beat | { readonly malformed: string })[];
  readonly standing: Standing;
}

/** Everything that had arrived by now; each heartbeat with the server's clock minus its entry id. */
export interface Drain {
  readonly beats: readonly (AgedBeat | { readonly malformed: string })[];
  readonly standing: Standing;
}

/** The watchdog's side of the bus. */
export interface WatchdogBus extends Pulse, PeerReader {
  /** Reads the whole picture, and sets the place from which `watch` continues. */
  attach(): Promise<Reading<Attachment>>;
  /**
   * Waits for heartbeats, about a second at most, then reads the halt: an empty look is always followed by this
   * proof that the link lives. `eventIds` names the events whose outcomes are asked for besides the halt's own, and
   * `confirmed` one that was confirmed published before this look began: whether it is still there. A bus that has lost
   * heartbeats that were read before says so once, as unknown; the newest that it still has comes with the next `drain`.
   */
  watch(eventIds: readonly string[], confirmed?: string | null): Promise<Reading<Watch>>;
  /**
   * The same without waiting for anything, over a new connection: after this process stood still the call under way
   * has timed out, and what it read was lost with it. A `watch` under way comes to nothing: every heartbeat is
   * brought once, by the one or the other.
   */
  drain(eventIds: readonly string[], confirmed?: string | null): Promise<Reading<Drain>>;
  /**
   * Publishes this attempt of an incident, unless it was published before; known, with its event id, once either is
   * certain. The id follows from the attempt alone, so whoever makes the same attempt publishes the same event.
   */
  publish(attempt: Attempt, reason: string): Promise<Reading<string>>;
  /** The event id of an attempt, published or not. It follows from the attempt alone, at once and without the bus. */
  eventIdOf(attempt: Attempt): string;
}

/** The worker's side of the bus. */
export interface EewBus extends Pulse {
  /**
   * Waits about a second for the next event: first those a former life left unfinished, then new ones, then those that
   * another worker has begun and has not renewed its claim on for two seconds; null if none.
   */
  next(): Promise<Reading<Delivery | null>>;
  /** Shows the other workers that this one still executes the event; at least every second, or they take it over. */
  renew(delivery: Delivery): Promise<Reading<null>>;
  /** What is on record of an event, whoever has executed it; null if nothing is. */
  outcome(eventId: string): Promise<Reading<Outcome | null>>;
  /**
   * How the event ended, or FLAT where a later attempt of its incident ended so: then nothing is left to do of it. Null if
   * neither is on record.
   */
  ended(event: Pick<Delivery, "eventId" | "followsUp">): Promise<Reading<Outcome | null>>;
  /**
   * Waits about a second for the brain's next heartbeat, and says which incident begins if it stays the last one; null if none
   * came. From the first question on, but for those that come while Redis can't be used: what was missed a `vigil` shows.
   */
  hearBrain(): Promise<Reading<string | null>>;
  /** Looks at those who should speak before this worker does. */
  vigil(): Promise<Reading<Vigil>>;
  /** The halt that is there, and what is left on record of a past one, as of one moment. Null: only the former. */
  sightOf(past: PastHalt | null): Promise<Reading<HaltSight>>;
  /**
   * Puts back on record that a past event was completed, and its halt where there is none, in one atomic step; nothing of
   * it while the event is completed there, or is there to be.
   */
  putBack(past: PastHalt): Promise<Reading<PutBack>>;
  /** Publishes an event that is not on the bus yet, unless one of that id was published before. */
  raise(delivery: Delivery): Promise<Reading<null>>;
  /** Writes the halt, unless it stands for a later attempt of that incident already. Repeating it changes nothing. */
  writeHalt(halt: Halt): Promise<Reading<null>>;
  /**
   * Leaves what a pass has found open for whoever has to finish it: `next` brings it with the event, together with what was
   * noted before, and the report removes it. Without it that report counts only what is open then.
   */
  noteFound(delivery: Delivery, found: readonly FoundLeg[]): Promise<Reading<null>>;
  /**
   * Report, halt and acknowledgement in one atomic step. A second report for the same event id is dropped, so the
   * record holds exactly one. An event that is not on the bus yet is published before. The halt of a later attempt of the
   * same incident stays.
   */
  report(delivery: Delivery, completion: Completion, halt: Halt): Promise<Reading<null>>;
  /** Acknowledges an event that is not executed. */
  acknowledge(delivery: Delivery): Promise<Reading<null>>;
}

/** A role as the bus last heard of it. */
export interface RolePulse extends RoleView {
  readonly role: BeatingRole;
}

/** A panic event on record. */
export interface PanicRecord {
  readonly event: PanicEvent;
  /** The bus's clock when it was published. */
  readonly publishedAt: UnixMillis;
  readonly outcome: Outcome | null;
}

/** What an operator sees of the system in one look. */
export interface Overview {
  readonly roles: readonly RolePulse[];
  readonly halt: Halt | null;
  readonly lastPanic: PanicRecord | null;
}

/** What a reset is decided on; the bus refuses it if anything of this has changed since. */
export interface ResetGrounds {
  readonly halt: Halt;
  /** Names the newest panic event. */
  readonly newestPanic: string;
}

/** What came of a reset; in all cases but the first nothing was changed. */
export type ResetAnswer =
  | { readonly kind: "cleared" }
  /** A panic event was published since the grounds were read. */
  | { readonly kind: "panic_published" }
  /** Another event halts trading than when the grounds were read. */
  | { readonly kind: "halt_changed" }
  /** The halt's event has no report: its pass is not over. */
  | { readonly kind: "unreported" }
  /** So many panic events are published and neither executed nor refused yet. */
  | { readonly kind: "undone"; readonly events: number };

/** The operator's side of the bus. */
export interface OperatorBus extends HaltReader {
  overview(): Promise<Reading<Overview>>;
  /** The newest record of a drill; null: none was ever kept. Apart from the overview, which must not depend on it. */
  lastDrill(): Promise<Reading<LastDrill | null>>;
  /** What the brain last said of itself, whether or not it still beats; null: nothing that is understood. Apart, too. */
  brainNote(): Promise<Reading<BrainNote | null>>;
  /** What the brain's exit policy remembers of each leg, as far as it can be understood. */
  exitRecords(): Promise<Reading<readonly ExitRecord[]>>;
  publish(event: PanicEvent): Promise<Reading<null>>;
  /** The report for an event; null while there is none. */
  completion(eventId: string): Promise<Reading<Completion | null>>;
  /** What a reset would be decided on now; null: trading is not halted. */
  resetGrounds(): Promise<Reading<ResetGrounds | null>>;
  /** Removes the halt, and marks every panic event up to now as done with, in one atomic step. */
  reset(grounds: ResetGrounds): Promise<Reading<ResetAnswer>>;
  /** Lets a brain in shadow act, for all panic events up to now, in one atomic step; `halted`: not while trading is halted. */
  allowLive(id: string): Promise<Reading<"allowed" | "halted">>;
}

/** Where a drill starts to look: the newest entry of each stream at that moment. */
export interface Bookmark {
  readonly heartbeat: string;
  readonly panic: string;
}

/** A heartbeat as a drill measures it, on the bus's clock. */
interface TimedBeat {
  readonly at: UnixMillis;
  readonly instanceId: string | null;
  readonly heartbeat: Heartbeat;
}

/** What a drill reads besides. Records older than the bookmark are never evidence. */
export interface DrillBus extends OperatorBus {
  /** The bus's clock, on which everything it records is timed. */
  now(): Promise<Reading<UnixMillis>>;
  /** Removes the halt and nothing else, as `DEL system:state:trading` by hand. True if there was one. */
  clearHalt(): Promise<Reading<boolean>>;
  bookmark(): Promise<Reading<Bookmark>>;
  beatsSince(bookmark: Bookmark): Promise<Reading<readonly TimedBeat[]>>;
  panicsSince(bookmark: Bookmark): Promise<Reading<readonly PanicRecord[]>>;
  /** Keeps a drill's record. A repeat may keep it twice, which changes nothing: the newest counts, and both say the same. */
  keepDrill(record: DrillRecord): Promise<Reading<null>>;
}

/**
 * The bus in memory, behind the same ports as Redis: one record, and each role's side of it.
 *
 * It keeps what the roles rely on: entry ids that follow the bus's own clock, one consumer group with its list of
 * unfinished events, and reports that are written once. It never fails; faults are put around it, not into it.
 */

import { eventIdFor, violationIdOf, watchdogEvent } from "../adapters/redis/event-id.ts";
import type { HaltSight, PastHalt } from "../core/halt-memory.ts";
import {
  type Attempt,
  type Beat,
  type Completion,
  type Delivery,
  type Halt,
  type Heartbeat,
  ISSUERS,
  type Outcome,
  type PanicEvent,
} from "../core/messages.ts";
import { known, type Reading, unknown } from "../core/reading.ts";
import type { Instant, UnixMillis } from "../core/time.ts";
import type { Standing } from "../core/watchdog-state.ts";
import type { BeatingRole, EewBus, HaltReader, PeerReader, Pulse, Watch, WatchdogBus } from "../ports/bus.ts";
import type { Clock } from "../ports/clock.ts";

interface Entry<T> {
  readonly id: string;
  readonly at: UnixMillis;
  readonly value: T;
}

/** How long a read waits for something new; as long as the real one. */
const WAIT_MS = 1_000;

/** As long as the real one. */
const TAKE_OVER_MS = 2_000;

/** Everything on the bus. */
export class SimulatedBus {
  readonly #clock: Clock;
  readonly #heartbeats: Record<BeatingRole, Entry<Heartbeat>[]> = { brain: [], watchdog: [], eew: [] };
  readonly #panics: Entry<PanicEvent>[] = [];
  /** Read by some worker and not acknowledged yet, by entry id. */
  readonly #unfinished = new Map<string, { readonly worker: string; readonly renewedAt: Instant }>();
  readonly #read = new Set<string>();
  readonly #completions: Completion[] = [];
  /** What a worker has put back after a loss, by event id. */
  readonly #putBack = new Map<string, PastHalt>();
  #halt: Halt | null = null;
  #seq = 0;
  #wake: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The reports on record, oldest first. */
  completions(): readonly Completion[] {
    return this.#completions;
  }

  /** The events on record, oldest first. */
  panics(): readonly PanicEvent[] {
    return this.#panics.map(({ value }) => value);
  }

  /** What every role shares. */
  pulse(): Pulse {
    return {
      beat: async (role, heartbeat) => {
        this.#heartbeats[role].push(this.#entry(heartbeat));
        this.#stir();
        return known(null);
      },
    };
  }

  /** Who was heard when. */
  peers(): PeerReader {
    return {
      lastHeard: async (roles) =>
        known(
          roles.map((role) => {
            const entry = this.#heartbeats[role].at(-1);
            if (entry === undefined) return { role, last: null };
            return { role, last: { entry: entry.id, ageMs: Math.max(0, this.#clock.wall() - entry.at) } };
          }),
        ),
    };
  }

  /** The brain's side, and a person's view of the halt. */
  brain(): Pulse & HaltReader & PeerReader {
    return { ...this.pulse(), ...this.peers(), halt: async () => known(this.#halt) };
  }

  /** What a person does with `DEL system:state:trading`. */
  reset(): void {
    this.#halt = null;
    this.#stir();
  }

  /** What FLUSHALL does. */
  flush(): void {
    for (const beats of Object.values(this.#heartbeats)) beats.length = 0;
    this.#panics.length = 0;
    this.#completions.length = 0;
    this.#unfinished.clear();
    this.#read.clear();
    this.#putBack.clear();
    this.reset();
  }

  /** Publishes once by event id, whoever does it. */
  async publish(event: PanicEvent): Promise<Reading<null>> {
    if (!this.#panics.some(({ value }) => value.eventId === event.eventId)) this.#panics.push(this.#entry(event));
    this.#stir();
    return known(null);
  }

  /** The watchdog's side. */
  watchdog(): WatchdogBus {
    let cursor = 0;
    let drains = 0;
    const beats = this.#heartbeats.brain;
    const beatOf = ({ id, value }: Entry<Heartbeat>): Beat => ({ heartbeat: value, incidentId: eventIdFor(id) });
    return {
      ...this.pulse(),
      ...this.peers(),
      publish: async (attempt, reason) => {
        const event = watchdogEvent(attempt, reason, this.#clock.wall());
        await this.publish(event);
        return known(event.eventId);
      },
      attach: async () => {
        const standing = this.#standing([], null);
        const entry = beats.at(-1);
        cursor = beats.length;
        if (entry === undefined) return known({ standing, lastBeat: null });
        const beat = beatOf(entry);
        const incidentCompleted = this.#outcome(beat.incidentId) !== null;
        return known({ standing, lastBeat: { beat, ageMs: this.#clock.wall() - entry.at, incidentCompleted } });
      },
      watch: async (eventIds, confirmed = null): Promise<Reading<Watch>> => {
        const drainsBefore = drains;
        cursor = Math.min(cursor, beats.length);
        if (cursor === beats.length) await this.#change(() => beats.length > cursor);
        if (drains !== drainsBefore) return unknown("overtaken by a drain");
        const fresh = beats.slice(cursor);
        cursor = beats.length;
        return known({ beats: fresh.map(beatOf), standing: this.#standing(eventIds, confirmed) });
      },
      drain: async (eventIds, confirmed = null) => {
        drains += 1;
        const now = this.#clock.wall();
        cursor = Math.min(cursor, beats.length);
        const fresh = beats.slice(cursor);
        cursor = beats.length;
        return known({
          beats: fresh.map((entry) => ({ beat: beatOf(entry), ageMs: Math.max(0, now - entry.at) })),
          standing: this.#standing(eventIds, confirmed),
        });
      },
    };
  }

  /** One worker's side; a worker with the same name takes up what the last one left unfinished. */
  eew(worker: string): EewBus {
    let resuming = true;
    return {
      ...this.pulse(),
      next: async () => {
        if (resuming) {
          const left = this.#panics.find(({ id }) => this.#unfinished.get(id)?.worker === worker);
          if (left !== undefined) return known(this.#delivery(left));
          resuming = false;
        }
        await this.#change(() => this.#panics.some(({ id }) => !this.#read.has(id)));
        const entry = this.#panics.find(({ id }) => !this.#read.has(id)) ?? this.#abandoned();
        if (entry === undefined) return known(null);
        this.#read.add(entry.id);
        this.#claim(entry.id, worker);
        return known(this.#delivery(entry));
      },
      vigil: async () => {
        const [brain, watchdog] = [this.#heartbeats.brain.at(-1), this.#heartbeats.watchdog.at(-1)];
        const incidentId = brain === undefined ? "" : eventIdFor(brain.id);
        const ageOf = ({ at }: Entry<Heartbeat>): number => this.#clock.wall() - at;
        return known({
          brain:
            brain === undefined
              ? null
              : { incidentId, ageMs: ageOf(brain), incidentCompleted: this.#outcome(incidentId) !== null },
          watchdogAgeMs: watchdog === undefined ? null : ageOf(watchdog),
          halted: this.#halt !== null,
          violationId:
            this.#halt !== null && this.#outcome(this.#halt.eventId) === "FLAT"
              ? violationIdOf(this.#halt.eventId)
              : null,
        });
      },
      outcome: async (eventId) => known(this.#outcome(eventId)),
      sightOf: async (past) => known(this.#sightOf(past?.halt.eventId ?? "")),
      putBack: async (past) => {
        const { halt } = past;
        const { halted, record } = this.#sightOf(halt.eventId);
        if (record === "completed" || (record === "published" && !past.onRecord)) return known("nothing");
        this.#putBack.set(halt.eventId, past);
        if (!halted) this.#halt = halt;
        this.#stir();
        return known(halted ? "record" : "halt");
      },
      raise: (delivery) => this.#raise(delivery),
      renew: async ({ entryId }) => {
        if (this.#unfinished.has(entryId)) this.#claim(entryId, worker);
        return known(null);
      },
      writeHalt: async (halt) => {
        this.#halt = halt;
        return known(null);
      },
      report: async (delivery, completion, halt) => {
        if (delivery.entryId === "") {
          await this.#raise(delivery);
        }
        if (this.#outcome(completion.eventId) === null) {
          this.#completions.push(completion);
          this.#halt = halt;
        }
        this.#unfinished.delete(delivery.entryId);
        this.#stir();
        return known(null);
      },
      acknowledge: async (delivery) => {
        this.#unfinished.delete(delivery.entryId);
        return known(null);
      },
    };
  }

  #raise({ eventId, reason, issuedBy, followsUp }: Delivery): Promise<Reading<null>> {
    const issuer = ISSUERS.find((one) => one === issuedBy) ?? "eew";
    const event: PanicEvent = { eventId, reason: reason ?? "", issuedBy: issuer, ts: this.#clock.wall() };
    return this.publish(followsUp === null ? event : { ...event, followsUp });
  }

  #claim(entryId: string, worker: string): void {
    this.#unfinished.set(entryId, { worker, renewedAt: this.#clock.now() });
  }

  /** An event that its worker has begun and left. */
  #abandoned(): Entry<PanicEvent> | undefined {
    return this.#panics.find(({ id }) => {
      const claim = this.#unfinished.get(id);
      return claim !== undefined && this.#clock.now() - claim.renewedAt >= TAKE_OVER_MS;
    });
  }

  #delivery({ id, at, value }: Entry<PanicEvent>): Delivery {
    const { eventId, reason, issuedBy, followsUp = null } = value;
    const completed = this.#outcome(eventId) !== null;
    const ageMs = Math.max(0, this.#clock.wall() - at);
    const signature = "not_required";
    return { entryId: id, eventId, reason, issuedBy, ageMs, followsUp, signature, completed, beforeReset: false };
  }

  #sightOf(eventId: string): HaltSight {
    const published = this.#panics.some(({ value }) => value.eventId === eventId);
    const record = this.#outcome(eventId) !== null ? "completed" : published ? "published" : "gone";
    const outcome = this.#halt === null ? null : this.#outcome(this.#halt.eventId);
    const by = this.#haltedBy();
    const followsUp = by === null || by.number === 1 ? null : by;
    const standing =
      this.#halt === null || outcome === null
        ? null
        : { halt: this.#halt, outcome, entryId: "", followsUp, onRecord: true };
    return { halted: this.#halt !== null, record, standing };
  }

  #standing(eventIds: readonly string[], confirmed: string | null): Standing {
    const outcomes = new Map<string, Outcome>();
    for (const eventId of [this.#halt?.eventId ?? null, ...eventIds]) {
      const outcome = eventId === null ? null : this.#outcome(eventId);
      if (eventId !== null && outcome !== null) outcomes.set(eventId, outcome);
    }
    const absenceId = eventIdFor(`no brain since ${this.#completions.at(-1)?.eventId ?? "ever"}`);
    const lostEvent = this.#panics.some(({ value }) => value.eventId === confirmed) ? null : confirmed;
    return { halt: this.#halt, haltedBy: this.#haltedBy(), outcomes, absenceId, lostEvent };
  }

  #haltedBy(): Attempt | null {
    const eventId = this.#halt?.eventId ?? "";
    if (eventId === "") return null;
    const event = this.#panics.find(({ value }) => value.eventId === eventId);
    const followsUp = event?.value.followsUp ?? this.#putBack.get(eventId)?.followsUp;
    return followsUp ?? { incidentId: eventId, number: 1 };
  }

  #outcome(eventId: string): Outcome | null {
    const completion = this.#completions.find((one) => one.eventId === eventId);
    return completion?.outcome ?? this.#putBack.get(eventId)?.outcome ?? null;
  }

  #entry<T>(value: T): Entry<T> {
    const at = this.#clock.wall();
    return { id: `${at}-${this.#seq++}`, at, value };
  }

  #stir(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }

  /** Resolves when `ready` holds after a change, or after the wait of a read. */
  async #change(ready: () => boolean): Promise<void> {
    const waited = new AbortController();
    const timeout = this.#clock.sleep(WAIT_MS, waited.signal).then(() => true);
    while (!ready()) {
      const changed = new Promise<boolean>((resolve) => this.#wake.push(() => resolve(false)));
      if (await Promise.race([changed, timeout])) break;
    }
    waited.abort();
  }
}

/**
 * The bus in memory, behind the same ports as Redis: one record, and each role's side of it.
 *
 * It keeps what the roles rely on: entry ids that follow the bus's own clock, one consumer group with its list of
 * unfinished events, and reports that are written once. It never fails by itself: what gets lost on the way is up to the
 * link between a side and the record, and what the record forgets to `flush` and `checkpoint`.
 */

import type { ExitHash } from "../adapters/exits/store.ts";
import {
  brainEvent,
  eventIdFor,
  eventIdOf,
  laterIds,
  unheardIncidentId,
  violationIdOf,
  watchdogEvent,
} from "../adapters/redis/event-id.ts";
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
import { everyLeg, type FoundLeg } from "../core/position.ts";
import { known, type Reading, unknown } from "../core/reading.ts";
import type { Permission } from "../core/standing.ts";
import { after, type Instant, type UnixMillis } from "../core/time.ts";
import type { Standing } from "../core/watchdog-state.ts";
import type { BeatingRole, BrainBus, EewBus, PeerReader, Pulse, Watch, WatchdogBus } from "../ports/bus.ts";
import type { Clock } from "../ports/clock.ts";

interface Entry<T> {
  readonly id: string;
  /** Grows with every entry of any stream, also over a loss of data: as Redis's clock does, which ids follow. */
  readonly seq: number;
  readonly at: UnixMillis;
  readonly value: T;
}

/** How long a read waits for something new; as long as the real one. */
const WAIT_MS = 1_000;

/** As long as the real one. */
const TAKE_OVER_MS = 2_000;

/** How the questions of one side reach the record, and its answers the side. */
export interface BusLink {
  /** Asks once. Unknown where the question or the answer was lost: it may or may not have been answered there. */
  read<T>(what: string, question: () => Promise<T>): Promise<Reading<T>>;
  /** The same for what is harmless to repeat: it may be carried out twice. */
  write<T>(what: string, question: () => Promise<T>): Promise<Reading<T>>;
}

/** The record is in the same place as its side: nothing gets lost. */
const AT_HAND: BusLink = {
  read: async (_what, question) => known(await question()),
  write: async (_what, question) => known(await question()),
};

/** Everything on the bus. */
export class SimulatedBus {
  readonly #clock: Clock;
  #heartbeats: Record<BeatingRole, Entry<Heartbeat>[]> = { brain: [], watchdog: [], eew: [] };
  #panics: Entry<PanicEvent>[] = [];
  /** Read by some worker and not acknowledged yet, by entry id. */
  #unfinished = new Map<string, { readonly worker: string; readonly renewedAt: Instant }>();
  #read = new Set<string>();
  #completions: Completion[] = [];
  /** What passes found open that are not reported yet, by event id. */
  #found = new Map<string, readonly FoundLeg[]>();
  /** What a worker has put back after a loss, by event id. */
  #putBack = new Map<string, PastHalt>();
  #haltOnRecord: Halt | null = null;
  #haltedSince: Instant | null = null;
  #live: Permission["given"] = null;
  /** What a brain has written down of its exit policy, by field. */
  #exits = new Map<string, string>();
  #seq = 0;
  #wake: (() => void)[] = [];
  readonly #eventIdFor = remembering(eventIdFor);
  readonly #violationIdOf = remembering(violationIdOf);

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
  pulse(link: BusLink = AT_HAND): Pulse {
    return {
      beat: (role, heartbeat) =>
        link.write("beat", async () => {
          this.#beat(role, heartbeat);
          return null;
        }),
    };
  }

  /** Who was heard when. */
  peers(link: BusLink = AT_HAND): PeerReader {
    return {
      lastHeard: (roles) =>
        link.read("look for the others", async () =>
          roles.map((role) => {
            const entry = this.#heartbeats[role].at(-1);
            if (entry === undefined) return { role, last: null };
            return { role, last: { entry: entry.id, ageMs: Math.max(0, this.#clock.wall() - entry.at) } };
          }),
        ),
    };
  }

  /** Since when trading is halted without a break, by what is on record; null: it is not. */
  haltedSince(): Instant | null {
    return this.#haltedSince;
  }

  get #halt(): Halt | null {
    return this.#haltOnRecord;
  }

  set #halt(halt: Halt | null) {
    this.#haltOnRecord = halt;
    this.#haltedSince = halt === null ? null : (this.#haltedSince ?? this.#clock.now());
  }

  /** Whether a brain may act without having been asked to stay in shadow: a person has allowed it behind the newest panic. */
  allowsLive(): boolean {
    const newest = this.#panics.at(-1);
    return newest === undefined || (this.#live !== null && seqOf(this.#live.upTo) >= newest.seq);
  }

  /** The permission that is on record, by its id; null: none. */
  livePermission(): string | null {
    return this.#live?.id ?? null;
  }

  /** The second copy of the exit policy's memory (adapters/redis/brain-bus.ts). */
  exitHash(link: BusLink = AT_HAND): ExitHash {
    return {
      read: () => link.read("read the exits", async () => new Map(this.#exits)),
      write: (set, removed) =>
        link.write("write the exits", async () => {
          for (const [field, text] of set) this.#exits.set(field, text);
          for (const field of removed) this.#exits.delete(field);
          return null;
        }),
    };
  }

  /** That copy as it is now. */
  exits(): ReadonlyMap<string, string> {
    return this.#exits;
  }

  /** A person lets a brain in shadow act. */
  allowLive(id: string): void {
    this.#live = { id, upTo: this.#panics.at(-1)?.id ?? "0-0", at: this.#clock.wall() };
  }

  /** The brain's side, and a person's view of the halt. */
  brain(link: BusLink = AT_HAND): BrainBus {
    /** The last heartbeat that was confirmed, by instance. */
    const confirmed = new Map<string, string>();
    return {
      ...this.peers(link),
      beat: async (role, heartbeat) => {
        const answer = await link.write("beat", async () => this.#beat(role, heartbeat));
        if (!answer.known) return answer;
        const instanceId = heartbeat.details?.instanceId ?? null;
        if (instanceId !== null) confirmed.set(instanceId, answer.value);
        return known(null);
      },
      halt: () => link.read("read the halt", async () => this.#halt),
      permission: (ownPanic) =>
        link.read("read the permission", async () => ({
          newestPanic: this.#panics.at(-1)?.id ?? null,
          given: this.#live,
          ownEnded: ownPanic !== null && this.#outcome(ownPanic) !== null,
        })),
      ownIncident: async (instanceId) => {
        const answer = await link.read("read the own heartbeat", async () => this.#lastBeatOf(instanceId));
        const entryId = (answer.known ? answer.value : null) ?? confirmed.get(instanceId);
        return entryId === undefined ? unheardIncidentId(instanceId) : this.#eventIdFor(entryId);
      },
      raise: (incidentId, reason) =>
        link.write("raise", async () => {
          this.#publish(brainEvent(incidentId, reason, this.#clock.wall()));
          return null;
        }),
    };
  }

  #beat(role: BeatingRole, heartbeat: Heartbeat): string {
    const entry = this.#entry(heartbeat, this.#heartbeats[role]);
    this.#heartbeats[role].push(entry);
    this.#stir();
    return entry.id;
  }

  #lastBeatOf(instanceId: string): string | null {
    const entry = this.#heartbeats.brain.findLast(({ value }) => value.details?.instanceId === instanceId);
    return entry?.id ?? null;
  }

  /** What a person does with `DEL system:state:trading`. */
  reset(): void {
    this.#halt = null;
    this.#stir();
  }

  /** What FLUSHALL does. */
  flush(): void {
    this.#heartbeats = { brain: [], watchdog: [], eew: [] };
    this.#panics = [];
    this.#completions = [];
    this.#unfinished = new Map();
    this.#read = new Set();
    this.#found = new Map();
    this.#putBack = new Map();
    this.#live = null;
    this.#exits = new Map();
    this.reset();
  }

  /** What a replica has got up to now. The function that it returns makes it the master: everything since is forgotten. */
  checkpoint(): () => void {
    const { brain, watchdog, eew } = this.#heartbeats;
    const heartbeats = { brain: [...brain], watchdog: [...watchdog], eew: [...eew] };
    const [panics, completions] = [[...this.#panics], [...this.#completions]];
    const [unfinished, read, putBack] = [new Map(this.#unfinished), new Set(this.#read), new Map(this.#putBack)];
    const found = new Map(this.#found);
    const [halt, live, exits] = [this.#halt, this.#live, new Map(this.#exits)];
    return () => {
      this.#heartbeats = heartbeats;
      this.#panics = panics;
      this.#completions = completions;
      this.#unfinished = unfinished;
      this.#read = read;
      this.#found = found;
      this.#putBack = putBack;
      this.#halt = halt;
      this.#live = live;
      this.#exits = exits;
      this.#stir();
    };
  }

  /** Closes every connection: who waits for something new waits in vain. */
  disconnect(): void {
    this.#wake = [];
  }

  /** Publishes once by event id, whoever does it. */
  async publish(event: PanicEvent): Promise<Reading<null>> {
    this.#publish(event);
    return known(null);
  }

  #publish(event: PanicEvent): void {
    if (!this.#panics.some(({ value }) => value.eventId === event.eventId))
      this.#panics.push(this.#entry(event, this.#panics));
    this.#stir();
  }

  /** The watchdog's side. */
  watchdog(link: BusLink = AT_HAND): WatchdogBus {
    /** The `seq` of the last heartbeat that was read. */
    let cursor = 0;
    let drains = 0;
    const lastSeq = (): number => this.#heartbeats.brain.at(-1)?.seq ?? 0;
    const beatOf = ({ id, value }: Entry<Heartbeat>): Beat => ({ heartbeat: value, incidentId: this.#eventIdFor(id) });
    const fresh = (from: number): readonly Entry<Heartbeat>[] => {
      const { brain } = this.#heartbeats;
      return brain.slice(brain.findLastIndex(({ seq }) => seq <= from) + 1);
    };
    /** Moves on to what was answered; in words why nothing can be made of it. */
    const advance = (from: number, last: number, drainsBefore: number): string | null => {
      if (drains !== drainsBefore) return "overtaken by a drain";
      cursor = last < from ? (this.#heartbeats.brain.at(-2)?.seq ?? 0) : last;
      return last < from ? "heartbeats that were there are gone" : null;
    };
    return {
      ...this.pulse(link),
      ...this.peers(link),
      publish: (attempt, reason) =>
        link.write("publish", async () => {
          const event = watchdogEvent(attempt, reason, this.#clock.wall());
          this.#publish(event);
          return event.eventId;
        }),
      eventIdOf,
      attach: async () => {
        const answer = await link.read("attach", async () => {
          const standing = this.#standing([], null);
          const entry = this.#heartbeats.brain.at(-1);
          if (entry === undefined) return { last: 0, attachment: { standing, lastBeat: null } };
          const beat = beatOf(entry);
          const incidentCompleted = this.#outcome(beat.incidentId) !== null;
          const lastBeat = { beat, ageMs: Math.max(0, this.#clock.wall() - entry.at), incidentCompleted };
          return { last: entry.seq, attachment: { standing, lastBeat } };
        });
        if (!answer.known) return answer;
        cursor = answer.value.last;
        return known(answer.value.attachment);
      },
      watch: async (eventIds, confirmed = null): Promise<Reading<Watch>> => {
        const [from, drainsBefore] = [cursor, drains];
        const answer = await link.read("watch", async () => {
          if (lastSeq() <= from) await this.#change(() => lastSeq() > from);
          const beats = fresh(from).map(beatOf);
          return { last: lastSeq(), watch: { beats, standing: this.#standing(eventIds, confirmed) } };
        });
        if (!answer.known) return answer;
        const why = advance(from, answer.value.last, drainsBefore);
        return why === null ? known(answer.value.watch) : unknown(why);
      },
      drain: async (eventIds, confirmed = null) => {
        drains += 1;
        const [from, drainsBefore] = [cursor, drains];
        const answer = await link.read("drain", async () => {
          const now = this.#clock.wall();
          const beats = fresh(from).map((entry) => ({ beat: beatOf(entry), ageMs: Math.max(0, now - entry.at) }));
          return { last: lastSeq(), drain: { beats, standing: this.#standing(eventIds, confirmed) } };
        });
        if (!answer.known) return answer;
        const why = advance(from, answer.value.last, drainsBefore);
        return why === null ? known(answer.value.drain) : unknown(why);
      },
    };
  }

  /** One worker's side; a worker with the same name takes up what the last one left unfinished. */
  eew(worker: string, link: BusLink = AT_HAND): EewBus {
    let resuming = true;
    /** The `seq` of the last heartbeat that was there or came; null before the first question. */
    let heard: number | null = null;
    return {
      ...this.pulse(link),
      next: async () => {
        const wasResuming = resuming;
        const answer = await link.read("next", async () => {
          if (wasResuming) {
            const left = this.#panics.find(({ id }) => this.#unfinished.get(id)?.worker === worker);
            if (left !== undefined) return { delivery: this.#delivery(left), left: true };
          }
          await this.#change(() => this.#panics.some(({ id }) => !this.#read.has(id)));
          const entry = this.#panics.find(({ id }) => !this.#read.has(id)) ?? this.#abandoned();
          if (entry === undefined) return { delivery: null, left: false };
          this.#read.add(entry.id);
          this.#claim(entry.id, worker);
          return { delivery: this.#delivery(entry), left: false };
        });
        // A lost answer may have held an event, and a new connection asks for it.
        resuming = !answer.known || answer.value.left;
        return answer.known ? known(answer.value.delivery) : answer;
      },
      hearBrain: () =>
        link.read("hear the brain", async () => {
          const last = (): number => this.#heartbeats.brain.at(-1)?.seq ?? 0;
          const from = heard ?? last();
          if (last() <= from) await this.#change(() => last() > from);
          const newest = this.#heartbeats.brain.at(-1);
          heard = Math.max(from, last());
          return newest === undefined || newest.seq <= from ? null : this.#eventIdFor(newest.id);
        }),
      vigil: () =>
        link.read("vigil", async () => {
          const [brain, watchdog] = [this.#heartbeats.brain.at(-1), this.#heartbeats.watchdog.at(-1)];
          const incidentId = brain === undefined ? "" : this.#eventIdFor(brain.id);
          const ageOf = ({ at }: Entry<Heartbeat>): number => Math.max(0, this.#clock.wall() - at);
          return {
            brain:
              brain === undefined
                ? null
                : { incidentId, ageMs: ageOf(brain), incidentCompleted: this.#outcome(incidentId) !== null },
            watchdog: watchdog === undefined ? null : { entry: watchdog.id, ageMs: ageOf(watchdog) },
            halted: this.#halt !== null,
            violationId:
              this.#halt !== null && this.#endedFlat(this.#halt.eventId)
                ? this.#nextViolation(this.#halt.eventId)
                : null,
          };
        }),
      outcome: (eventId) => link.read("read an outcome", async () => this.#outcome(eventId)),
      ended: ({ eventId, followsUp }) =>
        link.read("read an outcome", async () => {
          const later = laterIds(followsUp ?? { incidentId: eventId, number: 1 });
          return this.#outcome(eventId) ?? (later.some((id) => this.#outcome(id) === "FLAT") ? "FLAT" : null);
        }),
      sightOf: (past) => link.read("look for the halt", async () => this.#sightOf(past?.halt.eventId ?? "")),
      putBack: (past) =>
        link.write("put the halt back", async () => {
          const { halt } = past;
          const { halted, record } = this.#sightOf(halt.eventId);
          if (record === "completed" || (record === "published" && !past.onRecord)) return "nothing";
          this.#putBack.set(halt.eventId, past);
          if (!halted) this.#halt = halt;
          this.#stir();
          return halted ? "record" : "halt";
        }),
      raise: (delivery) =>
        link.write("raise", async () => {
          this.#raise(delivery);
          return null;
        }),
      renew: ({ entryId }) =>
        link.write("renew", async () => {
          if (this.#unfinished.has(entryId)) this.#claim(entryId, worker);
          return null;
        }),
      writeHalt: (halt) =>
        link.write("write the halt", async () => {
          if (!this.#isAhead(halt.eventId)) this.#halt = halt;
          return null;
        }),
      noteFound: ({ eventId }, found) =>
        link.write("note what was found", async () => {
          if (this.#outcome(eventId) === null)
            this.#found.set(eventId, everyLeg(this.#found.get(eventId) ?? [], found));
          return null;
        }),
      report: (delivery, completion, halt) =>
        link.write("report", async () => {
          if (delivery.entryId === "") this.#raise(delivery);
          if (this.#outcome(completion.eventId) === null) {
            if (!this.#isAhead(completion.eventId)) this.#halt = halt;
            this.#completions.push(completion);
          }
          this.#unfinished.delete(delivery.entryId);
          this.#found.delete(completion.eventId);
          this.#stir();
          return null;
        }),
      acknowledge: (delivery) =>
        link.write("acknowledge", async () => {
          this.#unfinished.delete(delivery.entryId);
          return null;
        }),
    };
  }

  #raise({ eventId, reason, issuedBy, followsUp }: Delivery): void {
    const issuer = ISSUERS.find((one) => one === issuedBy) ?? "eew";
    const event: PanicEvent = { eventId, reason: reason ?? "", issuedBy: issuer, ts: this.#clock.wall() };
    this.#publish(followsUp === null ? event : { ...event, followsUp });
  }

  #claim(entryId: string, worker: string): void {
    this.#unfinished.set(entryId, { worker, renewedAt: this.#clock.now() });
  }

  /** An event that somebody has begun and left, under this worker's own name too (adapters/redis/claims.ts). */
  #abandoned(): Entry<PanicEvent> | undefined {
    return this.#panics.find(({ id }) => {
      const claim = this.#unfinished.get(id);
      if (claim === undefined) return false;
      return this.#clock.now() - claim.renewedAt >= TAKE_OVER_MS;
    });
  }

  #delivery({ id, at, value }: Entry<PanicEvent>): Delivery {
    const { eventId, reason, issuedBy, followsUp = null } = value;
    const completed = this.#outcome(eventId) !== null;
    const ageMs = Math.max(0, this.#clock.wall() - at);
    const signature = "not_required";
    const foundBefore = this.#found.get(eventId) ?? [];
    const told = { reason, issuedBy, ageMs, followsUp, signature, completed, beforeReset: false, foundBefore } as const;
    return { entryId: id, eventId, ...told };
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
    const absenceId = this.#eventIdFor(`no brain since ${this.#completions.at(-1)?.eventId ?? "ever"}`);
    const lostEvent = this.#panics.some(({ value }) => value.eventId === confirmed) ? null : confirmed;
    return { halt: this.#halt, haltedBy: this.#haltedBy(), outcomes, absenceId, lostEvent };
  }

  #haltedBy(): Attempt | null {
    const eventId = this.#halt?.eventId ?? "";
    return eventId === "" ? null : this.#attempt(eventId);
  }

  /** Whether the halt stands for a later attempt of the incident than the event is. */
  #isAhead(eventId: string): boolean {
    const [by, attempt] = [this.#haltedBy(), this.#attempt(eventId)];
    return by !== null && by.incidentId === attempt.incidentId && by.number > attempt.number;
  }

  /** By this attempt, or by a later one. */
  #endedFlat(eventId: string): boolean {
    const later = laterIds(this.#attempt(eventId));
    return this.#outcome(eventId) !== null && [eventId, ...later].some((id) => this.#outcome(id) === "FLAT");
  }

  /** The first violation of a halt that is not completed. */
  #nextViolation(eventId: string): string {
    const violation = this.#violationIdOf(eventId);
    return this.#outcome(violation) === null ? violation : this.#nextViolation(violation);
  }

  #attempt(eventId: string): Attempt {
    const event = this.#panics.find(({ value }) => value.eventId === eventId);
    const followsUp = event?.value.followsUp ?? this.#putBack.get(eventId)?.followsUp;
    return followsUp ?? { incidentId: eventId, number: 1 };
  }

  #outcome(eventId: string): Outcome | null {
    const completion = this.#completions.find((one) => one.eventId === eventId);
    return completion?.outcome ?? this.#putBack.get(eventId)?.outcome ?? null;
  }

  /** An entry is never older than the one before it in its stream, also where the clock was set back: ids only grow. */
  #entry<T>(value: T, stream: readonly Entry<T>[]): Entry<T> {
    const at = Math.max(this.#clock.wall(), stream.at(-1)?.at ?? 0) as UnixMillis;
    const seq = ++this.#seq;
    return { id: `${at}-${seq}`, seq, at, value };
  }

  #stir(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }

  /** Resolves when `ready` holds, now or after a change, or after the wait of a read. */
  async #change(ready: () => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      let waits = true;
      const end = (): void => {
        waits = false;
        cancel();
        resolve();
      };
      const cancel = this.#clock.at(after(this.#clock.now(), WAIT_MS), end);
      const look = (): void => {
        if (!waits) return;
        if (ready()) end();
        else this.#wake.push(look);
      };
      look();
    });
    // Behind what has changed it: where that is carried out twice, one look shows both.
    await Promise.resolve();
  }
}

/** The `seq` in an entry's id. */
function seqOf(id: string): number {
  return Number(id.split("-")[1]);
}

/** Derives each id once: a hash takes longer than all the rest of a look at the bus, and every look asks for the same ones. */
function remembering(derive: (from: string) => string): (from: string) => string {
  const derived = new Map<string, string>();
  return (from) => {
    const known = derived.get(from);
    if (known !== undefined) return known;
    const id = derive(from);
    derived.set(from, id);
    return id;
  };
}

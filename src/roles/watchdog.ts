import { known, type Reading } from "../core/reading.ts";
import { watchdogLine } from "../core/status-line.ts";
import type { Tell } from "../core/tell.ts";
import { after, type Instant } from "../core/time.ts";
import { deadline, step } from "../core/watchdog.ts";
import { askedFor, confirmedIn } from "../core/watchdog-incident.ts";
import type {
  AgedBeat,
  Attachment,
  WatchdogAction,
  WatchdogEvent,
  WatchdogLimits,
  WatchdogState,
} from "../core/watchdog-state.ts";
import type { BeatingRole, Drain, Watch, WatchdogBus } from "../ports/bus.ts";
import type { Clock } from "../ports/clock.ts";
import type { DirectCall } from "../ports/direct-line.ts";
import type { Log } from "../ports/log.ts";
import type { Service } from "../ports/service.ts";
import { Outage } from "./outage.ts";
import { watchPeers } from "./peers.ts";
import { type Identity, pulse } from "./pulse.ts";
import { type Running, run } from "./role.ts";
import { say } from "./say.ts";

/** What the watchdog runs on. */
export interface WatchdogWorld {
  readonly clock: Clock;
  readonly bus: WatchdogBus;
  /** The way to the worker without Redis; null where none is set. */
  readonly direct: DirectCall | null;
  readonly log: Log;
  readonly service: Service;
  readonly limits: WatchdogLimits;
  readonly identity: Identity;
}

/** How often it sees whether it stood still: a standstill this long and `stallMs` longer can't go unnoticed. */
const LOOK_UP_MS = 250;

/** Whom the watchdog watches besides the brain: a panic that nobody executes closes nothing. */
const PEERS: readonly BeatingRole[] = ["eew"];

/** Pause before a bus that does not answer is asked again. */
const BUS_RETRY_MS = 250;

/** Runs the watchdog until `signal` aborts; rejects only on a defect. */
export async function runWatchdog(world: WatchdogWorld, signal: AbortSignal): Promise<void> {
  const { clock, limits, service } = world;
  const drain = bell();
  /** Why Redis can't be used; null: it can. */
  let lost: string | null = null;
  const show = (): void => service.status(watchdogLine(role.state(), lost));
  const role = run<WatchdogState, WatchdogEvent, WatchdogAction>(clock, {
    start: { kind: "detached" },
    step: (state, event, now) => step(limits, state, event, now),
    deadline: (state) => deadline(limits, state),
    perform: (action, emit) => {
      if (action.kind === "drain") drain.ring();
      else perform(world, action, emit);
    },
    show,
  });
  // Asked to stop while starting: a listener that is added after the fact would never be called.
  if (signal.aborted) role.stop();
  signal.addEventListener("abort", role.stop, { once: true });
  await Promise.all([
    role.ended,
    listen(world, role, drain, signal, (why) => {
      lost = why;
      show();
    }),
    feelStandstill(world, role, signal),
    watchPeers(world, limits.peers, PEERS, signal),
  ]);
}

function perform(
  { bus, direct, log }: WatchdogWorld,
  action: Exclude<WatchdogAction, { kind: "drain" }>,
  emit: (event: WatchdogEvent) => void,
): void {
  if (action.kind === "tell") {
    say(log, named(bus, action));
    return;
  }
  const { attempt, reason } = action;
  if (action.kind === "call_direct") {
    void direct?.call(attempt, reason).then((answer) => emit({ kind: "direct_answered", attempt, answer }));
    return;
  }
  void bus.publish(attempt, reason).then((answer) => {
    if (answer.known) emit({ kind: "published", attempt, eventId: answer.value });
    else emit({ ...answer, kind: "publish_unconfirmed", attempt });
  });
}

/** Core knows a follow-up that is not published as an attempt only. */
function named(bus: WatchdogBus, line: Tell): Tell {
  const { about } = line;
  if (about === undefined || "eventId" in about) return line;
  return { ...line, about: { eventId: bus.eventIdOf(about), incidentId: about.incidentId } };
}

/** Tells the role when this process did nothing for longer than it meant to. Ends with `signal`. */
async function feelStandstill(
  { clock, limits }: WatchdogWorld,
  role: Running<WatchdogState, WatchdogEvent>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const due = after(clock.now(), LOOK_UP_MS);
    await clock.sleep(LOOK_UP_MS, signal);
    const lateMs = clock.now() - due;
    if (lateMs > limits.stallMs) role.emit({ kind: "stood_still", lateMs });
  }
}

/** Calls somebody away from what they wait for. */
interface Bell {
  ring(): void;
  /** Resolves to null at the next ring, or at once if it has rung since the last answer. */
  rung(): Promise<null>;
}

function bell(): Bell {
  let ringing = false;
  let answer: (() => void) | null = null;
  return {
    ring: () => {
      ringing = true;
      answer?.();
    },
    rung: () =>
      new Promise((resolve) => {
        answer = () => {
          ringing = false;
          answer = null;
          resolve(null);
        };
        if (ringing) answer();
      }),
  };
}

/**
 * Attaches, then feeds what arrives on the bus to the role. Its own heartbeat follows each look that worked.
 *
 * What is read in the normal run has just arrived. What is read after this process stood still, or after a look that
 * failed, may have waited for long: it is drained, and comes with its age.
 *
 * The watchdog's useful cycle is a look that came to its end, also with the known failure that Redis can't be read: while it is
 * away, to judge that and to call the worker is the work, and a new process would know nothing of the brain. A look that it is
 * called away from is none.
 *
 * @param reached told after each look why Redis can't be read; null: it can.
 */
async function listen(
  { bus, clock, identity, service }: WatchdogWorld,
  role: Running<WatchdogState, WatchdogEvent>,
  drain: Bell,
  signal: AbortSignal,
  reached: (lost: string | null) => void,
): Promise<void> {
  const nextBeat = pulse(clock, identity);
  // Not asked of the role, which takes the answer a moment later: a heartbeat between two attaches would be heard by neither.
  let isAttached = false;
  const outage = new Outage();
  let behind = false;
  const look = async (): Promise<Reading<readonly WatchdogEvent[]>> => {
    const state = role.state();
    const asked = [askedFor(state), confirmedIn(state)] as const;
    if (!isAttached) return eventsOf(await bus.attach(), attached);
    if (behind) return eventsOf(await bus.drain(...asked), drained);
    return eventsOf(await bus.watch(...asked), (watch) => watched(watch, clock.now()));
  };
  while (!signal.aborted) {
    const called = drain.rung();
    const answer = await Promise.race([look(), called]);
    if (answer === null) {
      behind = true;
      continue;
    }
    service.worked();
    // Without Redis, too: it counts the silence then, and a start that waited for Redis would look like one that hangs.
    service.ready();
    reached(answer.known ? null : answer.why);
    if (!answer.known) {
      if (outage.goesOn(answer)) role.emit({ ...answer, kind: "bus_lost" });
      if (behind) role.emit({ kind: "drain_failed" });
      behind = true;
      await Promise.race([clock.sleep(BUS_RETRY_MS, signal), called]);
      continue;
    }
    if (outage.ends()) role.emit({ kind: "bus_back" });
    isAttached = true;
    behind = false;
    for (const event of answer.value) role.emit(event);
    // Not waited for: a slow write must not make the next heartbeat seem late. It settles within its own deadline.
    void bus.beat("watchdog", nextBeat(role.state().kind));
  }
}

function eventsOf<T>(
  answer: Reading<T>,
  events: (value: T) => readonly WatchdogEvent[],
): Reading<readonly WatchdogEvent[]> {
  return answer.known ? known(events(answer.value)) : answer;
}

function attached(attachment: Attachment): readonly WatchdogEvent[] {
  return [{ kind: "attached", attachment }];
}

function watched({ beats, standing }: Watch, arrivedAt: Instant): readonly WatchdogEvent[] {
  const events = beats.map(
    (beat): WatchdogEvent =>
      "malformed" in beat ? { kind: "malformed_beat", why: beat.malformed } : { kind: "beat", beat, arrivedAt },
  );
  return [...events, { kind: "standing", standing }];
}

function drained({ beats, standing }: Drain): readonly WatchdogEvent[] {
  const malformed: WatchdogEvent[] = [];
  const aged: AgedBeat[] = [];
  for (const beat of beats) {
    if ("malformed" in beat) malformed.push({ kind: "malformed_beat", why: beat.malformed });
    else aged.push(beat);
  }
  return [...malformed, { kind: "drained", beats: aged, standing }];
}

import {
  type Account,
  type BrainAction,
  type BrainEvent,
  type BrainLimits,
  type BrainState,
  deadline,
  mayExit,
  start,
  step,
} from "../core/brain.ts";
import { askedPanic, type Exits, type ExitsStart, needsEquity } from "../core/exits.ts";
import type { Equity } from "../core/portfolio.ts";
import type { Position } from "../core/position.ts";
import { known, type Reading } from "../core/reading.ts";
import { brainLine } from "../core/status-line.ts";
import type { UnixMillis } from "../core/time.ts";
import type { BeatingRole, BrainBus } from "../ports/bus.ts";
import type { Clock } from "../ports/clock.ts";
import type { DirectCall } from "../ports/direct-line.ts";
import type { Exchange } from "../ports/exchange.ts";
import type { ExitStore } from "../ports/exit-store.ts";
import type { ExitVenue } from "../ports/exit-venue.ts";
import type { Log } from "../ports/log.ts";
import type { RulebookStore } from "../ports/rulebook-store.ts";
import type { Service } from "../ports/service.ts";
import type { StreamEvent, VenueStream } from "../ports/venue-stream.ts";
import { atMostEvery } from "./at-most-every.ts";
import { exitHands } from "./exit-hands.ts";
import { watchPeers } from "./peers.ts";
import type { Identity } from "./pulse.ts";
import { type Running, run } from "./role.ts";
import { say } from "./say.ts";
import { keepReadyForExits, type Memory } from "./upkeep.ts";

/** What a policy is carried out with. */
export interface PolicyWorld {
  readonly start: ExitsStart;
  readonly exits: ExitVenue;
  /** The way to the worker without the bus; null: there is none. */
  readonly direct: DirectCall | null;
  /** Tells sooner what the lists tell anyway. */
  readonly stream: VenueStream;
  readonly store: ExitStore;
  readonly rulebooks: RulebookStore;
}

/** What the brain runs on. */
export interface BrainWorld {
  readonly clock: Clock;
  readonly bus: BrainBus;
  readonly exchange: Exchange;
  readonly log: Log;
  readonly service: Service;
  readonly limits: BrainLimits;
  readonly identity: Identity;
  /** Null: it watches, and leaves no position by itself. */
  readonly policy: PolicyWorld | null;
}

/** Whom the brain watches: those who would act if it died. */
const PEERS: readonly BeatingRole[] = ["watchdog", "eew"];

/**
 * Runs the exit brain until `signal` aborts; rejects only on a defect. It never says goodbye: a stop looks like a death.
 *
 * Its useful cycle is one that came to its end, with a decision or with the known failure that the venue can't be read, and
 * whose heartbeat the bus has. A cycle that hangs beats `DEGRADED` by a timer, which proves nothing; and a brain that nobody
 * hears is taken for dead, whatever it does.
 */
export async function runBrain(world: BrainWorld, signal: AbortSignal): Promise<void> {
  const { bus, clock, exchange, identity, limits, log, policy, service } = world;
  let seq = 0;
  let lastDecisionTs: UnixMillis | null = null;
  const account = accountReader(world, () => role.state().exits);
  const hands =
    policy === null
      ? null
      : handsOf(
          world,
          policy,
          () => mayExit(limits, role.state(), clock.now()),
          (event) => role.emit(event),
        );

  const role = run<BrainState, BrainEvent, BrainAction>(clock, {
    start: start(limits, clock.now(), policy?.start ?? null),
    step: (state, event, now) => step(limits, state, event, now),
    deadline,
    perform: (action, emit) => {
      switch (action.kind) {
        case "tell":
          say(log, action);
          return;
        case "look":
          void Promise.all([exchange.positions(), bus.halt(), account()]).then(([positions, halt, read]) => {
            emit({ kind: "looked", positions, halt, account: read });
          });
          return;
        case "beat": {
          const { status, activePositions, mode, fenced, ended, decided, latencyMs } = action;
          const ts = clock.wall();
          if (decided) lastDecisionTs = ts;
          const state = fenced ? { state: "fenced" } : {};
          const details = { ...identity, seq: ++seq, lastDecisionTs, latencyMs, mode, ...state };
          const sentAt = clock.now();
          void bus.beat("brain", { status, activePositions, ts, details }).then((answer) => {
            if (answer.known) service.ready();
            if (answer.known && ended) service.worked();
            emit(answer.known ? { kind: "beat_confirmed", sentAt } : { ...answer, kind: "beat_lost" });
          });
          return;
        }
        default:
          hands?.(action);
      }
    },
    show: (state) => service.status(brainLine(state)),
  });
  // Asked to stop while starting: a listener that is added after the fact would never be called.
  if (signal.aborted) role.stop();
  signal.addEventListener("abort", role.stop, { once: true });
  const upkeep =
    policy === null ? [] : [keepVenueReady(world, policy, role, signal), listen(world, policy, role, signal)];
  await Promise.all([role.ended, watchPeers(world, limits.peers, PEERS, signal), ...upkeep]);
}

/**
 * A look that changes in the account have brought forward goes without a new equity: beside a bot that sends orders all the time it
 * would cost the address 300 of its 2400 a minute. Less than a cycle, so that each of the usual ones reads it.
 */
const EQUITY_EVERY_MS = 900;

/** What a policy needs to know in each cycle, read beside the positions. */
function accountReader({ bus, clock, policy }: BrainWorld, exits: () => Exits | null): () => Promise<Account | null> {
  if (policy === null) return () => Promise.resolve(null);
  const weighs = needsEquity(policy.start.policy);
  const equity = atMostEvery(clock, EQUITY_EVERY_MS, async (): Promise<Reading<Equity>> => {
    const [askedAt, wall] = [clock.now(), clock.wall()];
    const amount = await policy.exits.equity();
    return amount.known ? known({ amount: amount.value, askedAt, wall }) : amount;
  });
  return async () => {
    const now = exits();
    const permitted = bus.permission(now === null ? null : askedPanic(now));
    const [permission, worth] = await Promise.all([permitted, weighs ? equity() : null]);
    return { permission, equity: worth, wall: clock.wall() };
  };
}

function handsOf(
  world: BrainWorld,
  policy: PolicyWorld,
  mayAct: () => boolean,
  emit: (event: BrainEvent) => void,
): ReturnType<typeof exitHands> {
  const { direct, exits, start, store } = policy;
  const { instanceId } = world.identity;
  const hands = { ...world, direct, exits, store, policy: start.policy, instanceId };
  return exitHands(hands, mayAct, (event, wall) => emit({ kind: "exits", event, wall }));
}

/** The venue's streams, for as long as the brain runs. A mark is judged as it comes; anything else is a reason to look. */
function listen(
  { clock, log }: BrainWorld,
  { stream }: PolicyWorld,
  role: Running<BrainState, BrainEvent | { readonly kind: "timer" }>,
  signal: AbortSignal,
): Promise<void> {
  let listed: readonly Position[] = [];
  let held = new Set<string>();
  const isHeld = (symbol: string): boolean => {
    const positions = role.state().exits?.positions ?? listed;
    // Asked for every contract that the venue has, each second.
    if (positions !== listed) [listed, held] = [positions, new Set(positions.map((leg) => leg.symbol))];
    return held.has(symbol);
  };
  const emit = (event: StreamEvent): void => {
    switch (event.kind) {
      case "marks": {
        const marks = new Map(event.marks.map(({ symbol, price }) => [symbol, price]));
        role.emit({ kind: "exits", event: { kind: "marks", marks }, wall: clock.wall() });
        return;
      }
      case "account_changed":
        role.emit({ kind: "account_changed" });
        return;
      case "flowing":
        log.write("info", `The ${event.which} stream flows`);
        return;
      case "quiet":
        log.write("warn", `${event.why}; the brain looks once a second all the same`);
    }
  };
  return stream.run({ wants: isHeld, emit }, signal);
}

/** Warm connections and the venue's rules, for as long as the brain runs. */
function keepVenueReady(
  { clock, exchange, log }: BrainWorld,
  { rulebooks }: PolicyWorld,
  role: Running<BrainState, BrainEvent | { readonly kind: "timer" }>,
  signal: AbortSignal,
): Promise<void> {
  let rulebook = rulebooks.load();
  const tell = (): void => role.emit({ kind: "exits", event: { kind: "rulebook", rulebook }, wall: clock.wall() });
  tell();
  const memory: Memory = {
    get rulebook() {
      return rulebook;
    },
    set rulebook(next) {
      rulebook = next;
      tell();
    },
    get snapshot() {
      const positions = role.state().exits?.positions ?? [];
      return { positions, takenAt: clock.now() };
    },
    flatAt: null,
  };
  return keepReadyForExits({ clock, exchange, rulebooks, log }, memory, signal);
}

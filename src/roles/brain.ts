import {
  type BrainAction,
  type BrainEvent,
  type BrainLimits,
  type BrainState,
  deadline,
  start,
  step,
} from "../core/brain.ts";
import { brainLine } from "../core/status-line.ts";
import type { UnixMillis } from "../core/time.ts";
import type { BeatingRole, HaltReader, PeerReader, Pulse } from "../ports/bus.ts";
import type { Clock } from "../ports/clock.ts";
import type { Exchange } from "../ports/exchange.ts";
import type { Log } from "../ports/log.ts";
import type { Service } from "../ports/service.ts";
import { watchPeers } from "./peers.ts";
import type { Identity } from "./pulse.ts";
import { run } from "./role.ts";
import { say } from "./say.ts";

/** What the brain runs on. */
export interface BrainWorld {
  readonly clock: Clock;
  readonly bus: Pulse & HaltReader & PeerReader;
  readonly exchange: Exchange;
  readonly log: Log;
  readonly service: Service;
  readonly limits: BrainLimits;
  readonly identity: Identity;
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
  const { bus, clock, exchange, identity, limits, log, service } = world;
  let seq = 0;
  let lastDecisionTs: UnixMillis | null = null;

  const role = run<BrainState, BrainEvent, BrainAction>(clock, {
    start: start(limits, clock.now()),
    step: (state, event, now) => step(limits, state, event, now),
    deadline,
    perform: (action, emit) => {
      switch (action.kind) {
        case "tell":
          say(log, action);
          return;
        case "look":
          void Promise.all([exchange.positions(), bus.halt()]).then(([positions, halt]) => {
            emit({ kind: "looked", positions, halt });
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
      }
    },
    show: (state) => service.status(brainLine(state)),
  });
  // Asked to stop while starting: a listener that is added after the fact would never be called.
  if (signal.aborted) role.stop();
  signal.addEventListener("abort", role.stop, { once: true });
  await Promise.all([role.ended, watchPeers(world, limits.peers, PEERS, signal)]);
}

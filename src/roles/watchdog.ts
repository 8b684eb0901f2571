import {
  askedFor,
  deadline,
  step,
  type WatchdogAction,
  type WatchdogEvent,
  type WatchdogLimits,
  type WatchdogState,
} from "../core/watchdog.ts";
import type { BeatingRole, WatchdogBus } from "../ports/bus.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { watchPeers } from "./peers.ts";
import { type Identity, pulse } from "./pulse.ts";
import { type Running, run } from "./role.ts";

/** What the watchdog runs on. */
export interface WatchdogWorld {
  readonly clock: Clock;
  readonly bus: WatchdogBus;
  readonly log: Log;
  readonly limits: WatchdogLimits;
  readonly identity: Identity;
}

/** Whom the watchdog watches besides the brain: a panic that nobody executes closes nothing. */
const PEERS: readonly BeatingRole[] = ["eew"];

/** Pause before a bus that does not answer is asked again. */
const BUS_RETRY_MS = 250;

/** Runs the watchdog until `signal` aborts; rejects only on a defect. */
export async function runWatchdog(world: WatchdogWorld, signal: AbortSignal): Promise<void> {
  const { clock, limits } = world;
  const role = run<WatchdogState, WatchdogEvent, WatchdogAction>(clock, {
    start: { kind: "detached" },
    step: (state, event, now) => step(limits, state, event, now),
    deadline: (state) => deadline(limits, state),
    perform: (action, emit) => perform(world, action, emit),
  });
  // Asked to stop while starting: a listener that is added after the fact would never be called.
  if (signal.aborted) role.stop();
  signal.addEventListener("abort", role.stop, { once: true });
  await Promise.all([role.ended, listen(world, role, signal), watchPeers(world, limits.peers, PEERS, signal)]);
}

function perform({ bus, log }: WatchdogWorld, action: WatchdogAction, emit: (event: WatchdogEvent) => void): void {
  if (action.kind === "tell") {
    log.write(action.level, action.text, action.mark);
    return;
  }
  const { attempt, reason } = action;
  void bus.publish(attempt, reason).then((answer) => {
    if (answer.known) emit({ kind: "published", attempt, eventId: answer.value });
    else emit({ kind: "publish_unconfirmed", attempt, why: answer.why });
  });
}

/** Attaches, then feeds what arrives on the bus to the role. Its own heartbeat follows each look that worked. */
async function listen(
  { bus, clock, identity }: WatchdogWorld,
  role: Running<WatchdogState, WatchdogEvent>,
  signal: AbortSignal,
): Promise<void> {
  const nextBeat = pulse(clock, identity);
  let lost = false;
  while (!signal.aborted) {
    const answer = role.state().kind === "detached" ? await bus.attach() : await bus.watch(askedFor(role.state()));
    const arrivedAt = clock.now();
    if (!answer.known) {
      if (!lost) role.emit({ kind: "bus_lost", why: answer.why });
      lost = true;
      await clock.sleep(BUS_RETRY_MS, signal);
      continue;
    }
    if (lost) role.emit({ kind: "bus_back" });
    lost = false;
    if ("beats" in answer.value) {
      for (const beat of answer.value.beats) {
        role.emit(
          "malformed" in beat ? { kind: "malformed_beat", why: beat.malformed } : { kind: "beat", beat, arrivedAt },
        );
      }
      role.emit({ kind: "standing", standing: answer.value.standing });
    } else {
      role.emit({ kind: "attached", attachment: answer.value });
    }
    // Not waited for: a slow write must not make the next heartbeat seem late. It settles within its own deadline.
    void bus.beat("watchdog", nextBeat(role.state().kind));
  }
}

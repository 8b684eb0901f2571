import { type PeerLimits, START, step } from "../core/peers.ts";
import type { BeatingRole, PeerReader } from "../ports/bus.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { say } from "./say.ts";

/** What a role that watches others runs on. */
export interface PeerWorld {
  readonly clock: Clock;
  readonly bus: PeerReader;
  readonly log: Log;
}

/** Tells when one of `peers` is lost and when it is back, until `signal` aborts. It runs beside the role's own loop and can't hold it up. */
export async function watchPeers(
  { bus, clock, log }: PeerWorld,
  limits: PeerLimits,
  peers: readonly BeatingRole[],
  signal: AbortSignal,
): Promise<void> {
  let state = START;
  while (!signal.aborted) {
    // Judged as of the question: what was answered before a stall of this process is not news after it.
    const askedAt = clock.now();
    const [next, lines] = step(limits, state, await bus.lastHeard(peers), askedAt);
    state = next;
    for (const line of lines) say(log, line);
    await clock.sleep(limits.lookMs, signal);
  }
}

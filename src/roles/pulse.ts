import type { Heartbeat } from "../core/messages.ts";
import type { Clock } from "../ports/clock.ts";

/** Who beats. */
export interface Identity {
  readonly serviceId: string;
  /** New at each process start. */
  readonly instanceId: string;
}

/** Makes the heartbeats of a protector, each the next in sequence; `state` is shown to operators. */
export function pulse(clock: Clock, identity: Identity): (state: string) => Heartbeat {
  let seq = 0;
  return (state) => ({
    status: "ALIVE",
    activePositions: 0,
    ts: clock.wall(),
    details: { ...identity, seq: ++seq, lastDecisionTs: null, latencyMs: 0, mode: "live", state },
  });
}

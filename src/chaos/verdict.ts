/** What was observed, against the runbook's pass criteria. Pure: what was not seen has not passed. */

import type { Check } from "../core/drill.ts";
import type { UnixMillis } from "../core/time.ts";

/** What a drill saw of its own incident; null where it was not seen in time. All times on the bus's clock. */
export interface Observation {
  readonly killedAt: UnixMillis | null;
  readonly lastBeatAt: UnixMillis | null;
  readonly panicAt: UnixMillis | null;
  /** The venue's last fill, and the venue itself shows no position any more. */
  readonly flatAt: UnixMillis | null;
  /** From the worker's report for this event. */
  readonly positionsFailed: number | null;
  /** The halt is set, and by this event. */
  readonly halted: boolean | null;
}

/** Runbook, "Pass/Fail Criteria". */
export const CRITERIA = {
  heartbeatToPanicMs: 5_500,
  panicToFlatMs: 10_000,
  killToFlatMs: 15_000,
  /** FAIL: "Watchdog does not detect death within 10 seconds". */
  detectionMs: 10_000,
} as const;

/** The runbook's five criteria, in its order (contract section 5). */
export function checks(seen: Observation): readonly Check[] {
  return [
    below("heartbeat_to_panic_ms", between(seen.lastBeatAt, seen.panicAt), CRITERIA.heartbeatToPanicMs),
    below("panic_to_flat_ms", between(seen.panicAt, seen.flatAt), CRITERIA.panicToFlatMs),
    below("kill_to_flat_ms", between(seen.killedAt, seen.flatAt), CRITERIA.killToFlatMs),
    equal("positions_failed", seen.positionsFailed, 0),
    equal("trading_halted", seen.halted, true),
  ];
}

function between(from: UnixMillis | null, to: UnixMillis | null): number | null {
  return from === null || to === null ? null : to - from;
}

/** A negative time means that the records are not of this incident, or that the clocks are: no evidence either way. */
function below(name: string, measured: number | null, limit: number): Check {
  return { name, measured, limit, passed: measured !== null && measured >= 0 && measured < limit };
}

function equal<T extends number | boolean>(name: string, measured: T | null, limit: T): Check {
  return { name, measured, limit, passed: measured === limit };
}

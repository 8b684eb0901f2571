/** What a drill writes down as it goes, and the record that is kept of it. */

import { type Check, checkInWords, type DrillRecord } from "../core/drill.ts";
import type { UnixMillis } from "../core/time.ts";
import type { DrillResult, Method } from "./brain-kill.ts";
import type { Stage } from "./stage.ts";
import { checks, type Observation } from "./verdict.ts";

/** What is known of a drill so far. What was not seen yet is null, and null has not passed. */
export interface DrillNotes {
  /** Null until the bus has told its time: then nothing is known at all. */
  startedAt: UnixMillis | null;
  /** From the moment in which the blow is ordered: it may or may not have fallen. */
  struck: boolean;
  eventId: string | null;
  readonly seen: { -readonly [Name in keyof Observation]: Observation[Name] };
}

/** An empty page. */
export function newNotes(): DrillNotes {
  const nothing = {
    killedAt: null,
    lastBeatAt: null,
    panicAt: null,
    flatAt: null,
    positionsFailed: null,
    halted: null,
  };
  return { startedAt: null, struck: false, eventId: null, seen: nothing };
}

/** Which drill it is. */
export interface DrillName {
  readonly drill: DrillResult["drill"];
  readonly method: Method;
  readonly target: Stage["target"];
}

/** Written before the blow. */
export function begunRecord(name: DrillName, startedAt: UnixMillis): DrillRecord {
  return {
    ...name,
    verdict: "begun",
    eventId: null,
    startedAt,
    checks: [],
    why: "it was begun, and no verdict was kept",
  };
}

/** Of a drill that came to its end. */
export function recordOf({ drill, method, target, passed, eventId, startedAt, ...rest }: DrillResult): DrillRecord {
  const verdict = passed ? "passed" : "failed";
  const why = passed ? null : whyNot(rest.checks, rest.recovery?.failure ?? null);
  return { drill, method, target, verdict, eventId, startedAt, checks: rest.checks, why };
}

/** Of one that did not; null if it had not begun. */
export function abortedRecord(name: DrillName, notes: DrillNotes, why: string): DrillRecord | null {
  const { startedAt, struck, eventId, seen } = notes;
  if (startedAt === null) return null;
  return { ...name, verdict: "aborted", eventId, startedAt, checks: struck ? checks(seen) : [], why };
}

function whyNot(all: readonly Check[], recoveryFailure: string | null): string {
  const failed = all.filter(({ passed }) => !passed).map(checkInWords);
  return [...failed, ...(recoveryFailure === null ? [] : [`recovery: ${recoveryFailure}`])].join("; ");
}

/**
 * A panic that a brain, or the guard of a bot, raises itself, as `exit_brain`: named by its own last heartbeat, published until
 * that is confirmed, under one event id, and meanwhile told to the worker by the direct line. Follow-ups are the watchdog's.
 */

import type { Reading, Unread } from "./reading.ts";
import { alarmIf, asEvent, critical, regarding, type Tell } from "./tell.ts";
import { after, type Instant } from "./time.ts";

/** Where it is. */
export type OwnPanic =
  /** Its event id is being asked for. */
  | { readonly kind: "naming"; readonly reason: string }
  | {
      readonly kind: "raising";
      readonly incidentId: string;
      readonly reason: string;
      /** Null: a publish is under way. */
      readonly againAt: Instant | null;
      /** `calling` or `heard`: the worker is not called again by the direct line. */
      readonly line: "free" | "calling" | "heard";
    }
  | {
      readonly kind: "confirmed";
      readonly incidentId: string;
      readonly reason: string;
      readonly since: Instant;
      /** Its report was on record at the last look. */
      readonly hasEnded: boolean;
    };

/** What comes back of it. */
export type OwnPanicEvent =
  | { readonly kind: "named"; readonly incidentId: string }
  | { readonly kind: "raised" }
  /** Not confirmed: it may or may not be on the bus. */
  | ({ readonly kind: "not_raised" } & Omit<Unread, "known">)
  /** The worker was called by the direct line. */
  | { readonly kind: "called"; readonly answer: Reading<unknown> };

/** What it wants done. */
export type OwnPanicAction =
  /** Asks for the event id. */
  | { readonly kind: "name_incident" }
  | { readonly kind: "raise"; readonly incidentId: string; readonly reason: string }
  | { readonly kind: "call_direct"; readonly incidentId: string; readonly reason: string }
  | Tell;

type Step = readonly [OwnPanic, readonly OwnPanicAction[]];

/**
 * A published panic that has neither halted nor ended for so long is published again: a failover has lost it, or nobody executes
 * it. Runbook: a pass takes up to 10 s.
 */
const UNHEARD_MS = 15_000;

/** Begins one. */
export function beginPanic(reason: string): Step {
  return [{ kind: "naming", reason }, [{ kind: "name_incident" }]];
}

/** When it wants a `timer`; null: only an answer can move it. */
export function panicDeadline(panic: OwnPanic): Instant | null {
  return panic.kind === "raising" ? panic.againAt : null;
}

/**
 * What a look at the bus makes of it that shows no halt; `hasEnded`: its report is on record. Null: it is over, a person has reset,
 * for a report halts in the same step. The look may have read the halt before the report: so it takes two.
 */
export function lookUnhalted(
  panic: OwnPanic,
  hasEnded: boolean,
  now: Instant,
): readonly [OwnPanic | null, readonly OwnPanicAction[]] {
  if (panic.kind !== "confirmed") return [panic, []];
  if (hasEnded) return [panic.hasEnded ? null : { ...panic, hasEnded }, []];
  if (now - panic.since < UNHEARD_MS) return [panic, []];
  const { incidentId, reason } = panic;
  return [
    { kind: "raising", incidentId, reason, againAt: null, line: "free" },
    about(incidentId, [
      { kind: "raise", incidentId, reason },
      critical(`Panic ${incidentId} has halted nothing for ${UNHEARD_MS / 1_000} s: publishing it again`, "alarm"),
    ]),
  ];
}

/** Advances it by what came back, or by a timer. */
export function inPanic(
  { publishRetryMs }: { readonly publishRetryMs: number },
  panic: OwnPanic,
  event: OwnPanicEvent | { readonly kind: "timer" },
  now: Instant,
): Step {
  if (panic.kind === "naming") {
    if (event.kind !== "named") return [panic, []];
    const { incidentId } = event;
    const { reason } = panic;
    return [
      { kind: "raising", incidentId, reason, againAt: null, line: "free" },
      about(incidentId, [
        { kind: "raise", incidentId, reason },
        critical("TRIGGERING PANIC CLOSE", "alarm"),
        critical(`Reason: ${reason}`),
      ]),
    ];
  }
  return panic.kind === "raising" ? raising(publishRetryMs, panic, event, now) : [panic, []];
}

function raising(
  publishRetryMs: number,
  panic: Extract<OwnPanic, { kind: "raising" }>,
  event: OwnPanicEvent | { readonly kind: "timer" },
  now: Instant,
): Step {
  const { againAt, incidentId, line, reason } = panic;
  switch (event.kind) {
    case "named":
      return [panic, []];
    case "raised":
      return [
        { kind: "confirmed", incidentId, reason, since: now, hasEnded: false },
        about(incidentId, [
          critical("Panic close published to system:panic_close", "done"),
          critical(`Event ID: ${incidentId}`),
        ]),
      ];
    case "not_raised": {
      const isFree = line === "free";
      const call: readonly OwnPanicAction[] = isFree ? [{ kind: "call_direct", incidentId, reason }] : [];
      const words = `Panic close not confirmed published, trying again: ${event.why}`;
      return [
        { ...panic, againAt: after(now, publishRetryMs), line: isFree ? "calling" : line },
        about(incidentId, [...call, critical(words, alarmIf(event.needsPerson))]),
      ];
    }
    case "called": {
      const { answer } = event;
      const words = answer.known
        ? "The worker has heard it by the direct line; publishing goes on, so that it is on record"
        : `The worker can't be reached by the direct line: ${answer.why}`;
      return [{ ...panic, line: answer.known ? "heard" : "free" }, about(incidentId, [critical(words)])];
    }
    case "timer":
      if (againAt === null || now < againAt) return [panic, []];
      return [{ ...panic, againAt: null }, [{ kind: "raise", incidentId, reason }]];
  }
}

function about(incidentId: string, actions: readonly OwnPanicAction[]): readonly OwnPanicAction[] {
  return regarding<OwnPanicAction>(asEvent({ incidentId, number: 1 }), actions);
}

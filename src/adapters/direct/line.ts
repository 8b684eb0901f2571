/**
 * The worker's direct line: what its doors have in common. Events wait here until the worker takes them, and each is handed
 * on once, however often it is said and by whichever door.
 *
 * What is refused is what the bus refuses (design section 4), and at the door: who can't sign must not keep a place from
 * somebody who can. A sender's `ts` is signed and not judged (design rule 7): a watchdog whose clock is wrong by a year must
 * be heard. So an event that somebody has caught on its way can be said again later. If this worker or another has executed
 * it, the answer is what came of it then, and nothing else happens: this line remembers its own life, the journal the ones
 * before, Redis the other workers. If nobody has, because it was held back, it is executed: a close of everything under a
 * halt, which can't increase exposure, and is loud. Where that is too much, the way to the HTTP door has to be private:
 * loopback, or a tunnel. `parent_event_id` and `attempt` are not signed (contract 3.2); they choose between a market order
 * and a limit order at the price band, no more.
 */

import { AUTHORIZATION_LIMITS, authorize } from "../../core/authorization.ts";
import type { Delivery, Ending } from "../../core/messages.ts";
import type { Clock } from "../../ports/clock.ts";
import type { DirectLine } from "../../ports/direct-line.ts";
import type { Log } from "../../ports/log.ts";
import { parseFollowUp } from "../redis/codec.ts";
import { checkSignature } from "../redis/signature.ts";
import { Complaints } from "./complaints.ts";
import { eventShape } from "./protocol.ts";

/** Events that wait for the worker: more is a mistake or an attack. */
const WAITING_MAX = 16;

/** Ends that are remembered; the oldest is forgotten, and then the journal or Redis has to know. */
const ENDED_MAX = 1_000;

/** What a caller is told at once. */
export type Hearing =
  /** `ending` resolves when a pass has ended, which may be long ago. */
  | { readonly kind: "heard"; readonly eventId: string; readonly ending: Promise<Ending> }
  | { readonly kind: "refused"; readonly cause: "malformed" | "unsigned" | "issuer" | "full"; readonly why: string };

/** The worker's end of the line, with a side for its doors. */
export interface OpenLine extends DirectLine {
  /** Takes an event as a caller has said it. */
  hear(text: string): Hearing;
  /** Says no more. */
  close(): void;
}

interface Call {
  readonly ending: Promise<Ending>;
  readonly end: (ending: Ending) => void;
  readonly ended: boolean;
}

/** A line that nobody has called yet. */
export function directLine(triggerSecret: string | null, { clock, log }: { clock: Clock; log: Log }): OpenLine {
  const calls = new Map<string, Call>();
  const complaints = new Complaints(clock, log);
  let waiting: Delivery[] = [];
  let wake: (() => void) | null = null;

  function refuse(cause: Extract<Hearing, { kind: "refused" }>["cause"], why: string, eventId?: string): Hearing {
    // The caller's words, quoted, so that they can't pretend to be lines of ours.
    const which = eventId === undefined ? "" : ` event ${JSON.stringify(eventId.slice(0, 64))}:`;
    complaints.tell(`Refused on the direct line:${which} ${why}`);
    return { kind: "refused", cause, why };
  }

  return {
    hear: (text) => {
      const event = deliveryOf(text, triggerSecret);
      if (typeof event === "string") return refuse("malformed", event);
      const { eventId, signature } = event;
      const verdict = authorize(AUTHORIZATION_LIMITS, event);
      if (verdict.kind === "refuse") {
        return refuse(signature === "missing" || signature === "wrong" ? "unsigned" : "issuer", verdict.why, eventId);
      }
      const known = calls.get(eventId);
      if (known !== undefined) return { kind: "heard", eventId, ending: known.ending };
      if (waiting.length >= WAITING_MAX) return refuse("full", `${WAITING_MAX} events are waiting already`, eventId);
      const call = newCall();
      calls.set(eventId, call);
      waiting.push(event);
      wake?.();
      return { kind: "heard", eventId, ending: call.ending };
    },

    next: async () => {
      let event = waiting.shift();
      while (event === undefined) {
        await new Promise<void>((resolve) => (wake = resolve));
        event = waiting.shift();
      }
      wake = null;
      return event;
    },

    ended: (eventId, ending) => {
      const known = calls.get(eventId);
      // One that had ended before has ended anew: the last word counts.
      const call = known === undefined || known.ended ? newCall() : known;
      calls.delete(eventId);
      calls.set(eventId, { ...call, ended: true });
      call.end(ending);
      waiting = waiting.filter((event) => event.eventId !== eventId);
      forget(calls);
    },

    close: () => complaints.end(),
  };
}

function newCall(): Call {
  const { promise, resolve } = Promise.withResolvers<Ending>();
  return { ending: promise, end: resolve, ended: false };
}

function forget(calls: Map<string, Call>): void {
  if (calls.size <= ENDED_MAX) return;
  for (const [eventId, { ended }] of calls) {
    if (!ended) continue;
    calls.delete(eventId);
    return;
  }
}

/** The event as the worker takes it from the bus, but for the entry: nobody else has seen it. In words what is wrong with it. */
function deliveryOf(text: string, triggerSecret: string | null): Delivery | string {
  let fields: ReadonlyMap<string, string>;
  try {
    fields = new Map(Object.entries(eventShape.parse(JSON.parse(text))));
  } catch {
    return "it is no JSON object of strings: expected the fields of a panic event";
  }
  const eventId = fields.get("event_id") ?? "";
  if (eventId === "") return "event_id is missing: expected the fields of a panic event";
  return {
    entryId: "",
    eventId,
    reason: fields.get("reason") || null,
    issuedBy: fields.get("issued_by") || null,
    ageMs: 0,
    followsUp: parseFollowUp(fields),
    signature: checkSignature(triggerSecret, fields),
    completed: false,
    beforeReset: false,
    foundBefore: [],
  };
}

/**
 * What is said on the direct line. The caller says the fields of a panic event as they would stand on the bus (contract 3.2),
 * as one JSON object of strings; the worker says that it has heard it, or why not, and at the end of the pass what came of it.
 * On the Unix socket each is a line; over HTTP the first is the body of a POST, and each answer says what is known by then.
 */

import { z } from "zod";
import type { Ending, PanicEvent } from "../../core/messages.ts";
import { panicFields } from "../redis/codec.ts";
import { sign } from "../redis/signature.ts";

/** Longer than any event, and short enough to be held in memory. */
export const EVENT_BYTES_MAX = 4_096;

/** Where the HTTP door takes events. */
export const HTTP_PATH = "/panic";

/** How long a caller may ask the HTTP door to wait for the outcome: a few passes. */
export const WAIT_MS_MAX = 60_000;

/** The fields of a panic event, as strings. */
export const eventShape: z.ZodType<Readonly<Record<string, string>>> = z.record(z.string(), z.string());

/** What the worker says. */
const answerShape: z.ZodType<Answer> = z.union([
  z.object({ heard: z.string() }),
  z.object({ refused: z.string() }),
  z.object({ done: z.string(), outcome: z.enum(["FLAT", "NOT_FLAT", "UNKNOWN"]), open: z.array(z.string()) }),
]);

/** One thing that the worker says. */
export type Answer =
  | { readonly heard: string }
  | { readonly refused: string }
  | { readonly done: string; readonly outcome: Ending["outcome"]; readonly open: readonly string[] };

/** What came of an event, as it is said. */
export function doneAnswer(eventId: string, { outcome, open }: Ending): Answer {
  return { done: eventId, outcome, open };
}

/** An event as a caller says it, signed where there is a secret. */
export function eventText(event: PanicEvent, triggerSecret: string | null): string {
  const fields = panicFields(event, triggerSecret === null ? null : sign(triggerSecret, event));
  return JSON.stringify(Object.fromEntries(fields.flatMap((name, i) => (i % 2 === 0 ? [[name, fields[i + 1]]] : []))));
}

/** The worker's answer; null if it can't be read as one. */
export function parseAnswer(text: string): Answer | null {
  try {
    return answerShape.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/**
 * What is said on the direct line: one JSON object a line. The caller says the fields of a panic event as they would stand on
 * the bus (contract 3.2); the worker says that it has heard it, or why not, and at the end of the pass what came of it.
 */

import { z } from "zod";

/** Longer than any event, and short enough to be held in memory. */
export const LINE_BYTES_MAX = 4_096;

/** The fields of a panic event, as strings. */
export const eventShape: z.ZodType<Readonly<Record<string, string>>> = z.record(z.string(), z.string());

/** What the worker says. */
export const answerShape: z.ZodType<Answer> = z.union([
  z.object({ heard: z.string() }),
  z.object({ refused: z.string() }),
  z.object({ done: z.string(), outcome: z.enum(["FLAT", "NOT_FLAT", "UNKNOWN"]), open: z.array(z.string()) }),
]);

/** One line of the worker's. */
export type Answer =
  | { readonly heard: string }
  | { readonly refused: string }
  | { readonly done: string; readonly outcome: "FLAT" | "NOT_FLAT" | "UNKNOWN"; readonly open: string[] };

import { wholeNumber } from "../config/number.ts";
import { Refusal } from "../config/refusal.ts";
import { type Flags, text } from "./options.ts";

/** Half as much again as a pass may take (runbook: 10 s). */
const WAIT_MS = 15_000;

/**
 * What an operator's panic says, by whichever way it goes.
 *
 * @throws {Refusal} naming the flag that can't be used.
 */
export function panicWords(flags: Flags): { readonly reason: string; readonly waitMs: number } {
  const reason = text(flags, "reason") ?? "";
  if (!/^\P{Cc}{1,200}$/u.test(reason)) {
    throw new Refusal("--reason is empty, too long or has control characters: expected 1 to 200 characters");
  }
  return { reason, waitMs: wholeNumber("--wait-ms", text(flags, "wait-ms"), 0, 600_000) ?? WAIT_MS };
}

import { Refusal } from "../../config/refusal.ts";
import type { Step } from "../../install/plan.ts";
import type { Io } from "../io.ts";
import { type Flags, isSet } from "../options.ts";
import { renderSteps, stepDocument } from "../render-install.ts";

/** Shows what would be done, every file with its text. */
export function show(steps: readonly Step[], heading: string, flags: Flags, io: Io): void {
  if (isSet(flags, "json")) io.out(JSON.stringify({ would_do: steps.map(stepDocument) }));
  else io.out(steps.length === 0 ? "Nothing to do" : `${heading}\n${renderSteps(steps, isSet(flags, "dry-run"))}`);
}

/**
 * Shows what will be done, and asks.
 *
 * @throws {Refusal} unless the answer is yes.
 */
export async function confirm(steps: readonly Step[], heading: string, flags: Flags, io: Io): Promise<void> {
  if (isSet(flags, "yes")) return;
  io.err(`${heading}\n${renderSteps(steps, false)}`);
  const answer = await io.ask("Continue? (yes/no): ");
  if (answer?.trim() !== "yes") throw new Refusal("Not confirmed: expected yes, or --yes for scripts");
}

/** The document of what was done. */
export function tellDone(steps: readonly Step[], flags: Flags, io: Io): void {
  if (isSet(flags, "json")) io.out(JSON.stringify({ done: steps.map(stepDocument) }));
}

/**
 * What an error answer to a new protective stop means, beyond what it would mean for a close (`error-table.ts`).
 *
 * Sources: Binance USDⓈ-M Futures, Error Codes (2026-05-28). -4130 is not in it; clients of the algo endpoint quote it, one
 * with a stop of the whole leg that was to replace another (2026-08-10): the old one has to be cancelled first.
 */

import type { ProtectOutcome } from "../../ports/exit-venue.ts";
import { meaningForClose, type VenueError } from "./errors.ts";

type Refused = Extract<ProtectOutcome, { readonly kind: "refused" }>;

/** Certain: none of these rests. */
const REFUSED: ReadonlyMap<number, readonly [cause: Refused["cause"], reason: string]> = new Map([
  [-2021, ["crossed", "the mark is beyond the trigger already"]],
  [-4142, ["crossed", "the mark is beyond the trigger already"]],
  [-4130, ["exists", "a stop of the whole leg rests on that side already"]],
  [-4006, ["other", "the trigger is not above zero"]],
  [-4007, ["other", "the trigger is above the highest price of the contract"]],
  [-4031, ["other", "the venue does not know the working type"]],
  [-4045, ["other", "too many conditional orders wait"]],
  [-4210, ["other", "the trigger is further above the mark than the venue takes"]],
  [-4211, ["other", "the trigger is further below the mark than the venue takes"]],
]);

/** What became of the stop that was answered so; `why` is the answer in words. */
export function stopRefused(error: VenueError, why: string): Exclude<ProtectOutcome, { readonly kind: "resting" }> {
  const row = error.code === null || error.status >= 500 ? undefined : REFUSED.get(error.code);
  if (row !== undefined) return { kind: "refused", cause: row[0], why: `${why} (${row[1]})` };
  const meaning = meaningForClose(error);
  const reasoned = `${why} (${meaning.reason})`;
  return meaning.outcome === "refused"
    ? { kind: "refused", cause: "other", why: reasoned }
    : { kind: "unknown", why: reasoned };
}

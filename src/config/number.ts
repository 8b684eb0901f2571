import { Refusal } from "./refusal.ts";

/**
 * A whole number as a user typed it for `name`; undefined stays undefined, so that the default applies.
 *
 * @throws {Refusal} for anything but plain digits within `min` and `max`: a threshold is never guessed.
 */
export function wholeNumber(name: string, text: string | undefined, min: number, max: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new Refusal(`${name} is ${JSON.stringify(text)}: expected a whole number from ${min} to ${max}`);
}

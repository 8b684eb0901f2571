/** Exact prices and quantities. Venue strings come in and order strings go out; no float in between. */

import Big from "big.js";

// Strict mode throws when a JavaScript number is passed in or taken out, so a float cannot slip into money.
const Exact = Big();
Exact.strict = true;

/** An exact decimal number. Compare with `.eq`, `.gt`, `.lt`; never with `===`. */
export type Decimal = Big;

/** Zero. */
export const ZERO: Decimal = new Exact("0");

/**
 * Parses a plain decimal string such as `"-0.002"`.
 *
 * @throws {Error} naming the text, if it is not a decimal number. Adapters call this at the edge only.
 */
export function decimal(text: string): Decimal {
  if (!/^[+-]?(\d+(\.\d*)?|\.\d+)$/.test(text)) throw new Error(`Not a decimal number: ${JSON.stringify(text)}`);
  return new Exact(text.startsWith("+") ? text.slice(1) : text);
}

/** The number as a venue expects it: plain digits, never an exponent, no trailing zeros. */
export function plain(value: Decimal): string {
  return value.toFixed();
}

/** The number as people read money: two places, halves rounded away from zero. For display only. */
export function cents(value: Decimal): string {
  return value.toFixed(2, Big.roundHalfUp);
}

/** The exact sum; zero for no values. */
export function sum(values: Iterable<Decimal>): Decimal {
  let total = ZERO;
  for (const value of values) total = total.plus(value);
  return total;
}

/** What Binance's JSON is made of, read the same way everywhere. */

import * as z from "zod/mini";
import { type Decimal, decimal } from "../../core/decimal.ts";
import type { PositionSide } from "../../core/position.ts";

/** A number on the wire, quoted or not. Ids pass 2^53, so the digits are kept and no float is made of them. */
export const digits: z.ZodMiniString = z.string();

/** An id, or a time. */
export const wholeNumber: z.ZodMiniString = z.string().check(z.regex(/^-?\d{1,20}$/));

/** A text that must not be empty. */
export const name: z.ZodMiniString = z.string().check(z.minLength(1));

/** Which leg a row is about. */
export const positionSide: z.ZodMiniEnum<{ readonly [Side in PositionSide]: Side }> = z.enum(["BOTH", "LONG", "SHORT"]);

/** A decimal as JSON may write it; with an exponent, too, which our own decimals do not have. */
export function exact(text: string): Decimal {
  const parts = /^([+-]?\d+)(?:\.(\d*))?[eE]([+-]?\d{1,3})$/.exec(text);
  if (parts === null) return decimal(text);
  const [, whole = "", fraction = "", exponent = ""] = parts;
  const power = Number(exponent) - fraction.length;
  const tens = "0".repeat(Math.abs(power));
  return power >= 0
    ? decimal(`${whole}${fraction}${tens}`)
    : decimal(`${whole}${fraction}`).times(decimal(`0.${tens.slice(1)}1`));
}

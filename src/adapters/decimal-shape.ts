/** An exact number as it is written down: plain digits in a string, on disk and on Redis. */

import { z } from "zod";
import { type Decimal, decimal } from "../core/decimal.ts";

/** Reads such a string; anything else is an issue, never a throw. */
export const decimalText: z.ZodType<Decimal> = z.string().transform((text, context): Decimal => {
  try {
    return decimal(text);
  } catch {
    context.addIssue({ code: "custom", message: "not a decimal number" });
    return z.NEVER;
  }
});

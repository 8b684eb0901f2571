/** The brain's memory as JSON, one text for each leg and one for the portfolio: the same on disk and in Redis. */

import { z } from "zod";
import { type Decimal, plain } from "../../core/decimal.ts";
import type { ExitRecord } from "../../core/exit-leg.ts";
import type { PortfolioRecord } from "../../core/portfolio.ts";
import type { UnixMillis } from "../../core/time.ts";
import { decimalText } from "../decimal-shape.ts";

const millis = z.int().transform((value) => value as UnixMillis);
const positionSide = z.enum(["BOTH", "LONG", "SHORT"]);

const order = z.object({
  symbol: z.string(),
  positionSide,
  side: z.enum(["BUY", "SELL"]),
  mode: z.enum(["one_way", "hedge"]),
  limitPrice: z.nullable(decimalText),
  quantity: decimalText,
  clientOrderId: z.string(),
});
const memory = z.object({
  side: z.enum(["long", "short"]),
  openedAt: millis,
  rules: z.string(),
  entryPrice: decimalText,
  amount: decimalText,
  size: decimalText,
  best: decimalText,
  stop: z.nullable(z.object({ level: decimalText, rule: z.enum(["stop_loss", "break_even", "trailing"]) })),
  r: z.nullable(decimalText),
  steps: z.record(z.string(), z.object({ taken: decimalText, done: z.boolean() })),
  exiting: z.nullable(z.string()),
  sent: z.int(),
});
const legRecord = z.object({
  symbol: z.string(),
  positionSide,
  memory,
  earlier: z.nullable(memory).default(null),
  pending: z.nullable(z.object({ order, step: z.nullable(z.string()), wanted: decimalText })),
  recalled: z.boolean(),
});
const portfolioRecord = z.object({
  since: millis,
  net: decimalText,
  transfers: z.int().default(0),
  peak: decimalText,
  day: z.int(),
  dayStart: decimalText,
  panic: z.nullable(z.string()),
  halted: z.boolean().default(false),
  fresh: z.boolean().default(false),
});

/** A record in one line of text. */
export function writeRecord(record: ExitRecord | PortfolioRecord): string {
  return JSON.stringify(plainly(record));
}

/** A leg's record; null for a text that is none. */
export function readLegRecord(text: string): ExitRecord | null {
  return parse(legRecord, text);
}

/** The portfolio's record; null for a text that is none. */
export function readPortfolioRecord(text: string): PortfolioRecord | null {
  return parse(portfolioRecord, text);
}

function parse<T>(shape: z.ZodType<T>, text: string): T | null {
  try {
    const parsed = shape.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** Decimals as plain digits: left to themselves they write exponents. */
function plainly(value: unknown): unknown {
  if (value === null || typeof value !== "object") return value;
  if (isDecimal(value)) return plain(value);
  const parts: Record<string, unknown> = {};
  for (const [key, part] of Object.entries(value)) parts[key] = plainly(part);
  return parts;
}

function isDecimal(value: object): value is Decimal {
  return "toFixed" in value;
}

/** The values of a policy file: text as a person writes it → exact numbers. Null: it is none of them; nothing is guessed. */

import { type Decimal, decimal } from "../core/decimal.ts";
import type { LegPolicy, Target } from "../core/exit-policy.ts";

/** Plain digits, few enough that every product of two of them is still read at a glance. */
const NUMBER = String.raw`(\d{1,6}(?:\.\d{1,8})?)`;
const PERCENT = new RegExp(`^${NUMBER} ?%$`);
const R = new RegExp(`^${NUMBER} ?R$`);
const STOP_LOSS = new RegExp(`^${NUMBER} ?%(?: of (entry|margin))?$`);
const SPAN = /^(\d{1,9}) ?([smhd])$/;

const MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A leg that is to be left after more than a year has no time limit that anybody meant. */
const SPAN_MAX_MS = 366 * 86_400_000;

/** What was expected where one of these is refused, for the end of "expected …". */
export const EXPECTED = {
  part: 'a percentage above 0 and below 100, such as "5 %"',
  share: 'a percentage above 0 and up to 100, such as "50 %"',
  offset: 'a percentage of the entry price from 0 to below 100, such as "0.1 %"',
  target: 'a profit above 0, such as "3 %" of the entry price or "1.5R"',
  distance: 'a distance above 0 and below 100 %, such as "1 %" of the best mark or "0.5R"',
  stopLoss: 'a percentage such as "2 %" of the entry price (below 100), or "30 % of margin"',
  span: 'a time such as "90s", "45m", "8h" or "3d", up to 366d',
} as const;

/** `5 %`: above 0 and below 100. */
export function part(text: string): Decimal | null {
  const value = percent(text);
  return value?.gt("0") && value.lt("100") ? value : null;
}

/** `50 %`: above 0, up to 100. */
export function share(text: string): Decimal | null {
  const value = percent(text);
  return value?.gt("0") && value.lte("100") ? value : null;
}

/** `0.1 %`, or `0 %`. */
export function offset(text: string): Decimal | null {
  const value = percent(text);
  return value?.lt("100") ? value : null;
}

/** `3 %` or `1.5R`. */
export function target(text: string): Target | null {
  const r = R.exec(text)?.[1];
  const value = r === undefined ? percent(text) : decimal(r);
  return value?.gt("0") ? { unit: r === undefined ? "percent" : "r", value } : null;
}

/** `1 %`, below 100, or `0.5R`. */
export function distance(text: string): Target | null {
  const value = target(text);
  return value?.unit === "percent" && value.value.gte("100") ? null : value;
}

/** `2 %`, `2 % of entry` or `30 % of margin`. */
export function stopLoss(text: string): LegPolicy["stopLoss"] {
  const [, digits, of = "entry"] = STOP_LOSS.exec(text) ?? [];
  if (digits === undefined) return null;
  const value = decimal(digits);
  if (value.lte("0")) return null;
  // All of the margin may be meant: with cross margin more than that can be lost.
  if (of === "margin") return value.lte("100") ? { percent: value, of } : null;
  return value.lt("100") ? { percent: value, of: "entry" } : null;
}

/** `8h`, in milliseconds. */
export function span(text: string): number | null {
  const [, digits, unit = ""] = SPAN.exec(text) ?? [];
  const ms = Number(digits ?? "0") * (MS[unit] ?? 0);
  return ms > 0 && ms <= SPAN_MAX_MS ? ms : null;
}

function percent(text: string): Decimal | null {
  const digits = PERCENT.exec(text)?.[1];
  return digits === undefined ? null : decimal(digits);
}

/** The legs that a pass has found open, as they are written down: in the journal and on Redis alike. */

import { z } from "zod";
import { decimal, plain } from "../core/decimal.ts";
import type { FoundLeg, PositionSide } from "../core/position.ts";

const number = z.string().regex(/^-?\d+(\.\d+)?$/);

/** A leg in the order of its shape; numbers are plain text, because no digit of them may be lost. */
export interface WrittenLeg {
  readonly symbol: string;
  readonly positionSide: PositionSide;
  readonly positionAmt: string;
  readonly markPrice: string;
}

/** One of them. */
export const writtenLeg: z.ZodType<WrittenLeg> = z.object({
  symbol: z.string(),
  positionSide: z.enum(["BOTH", "LONG", "SHORT"]),
  positionAmt: number,
  markPrice: number,
});

/** As they are written down. */
export function written(legs: readonly FoundLeg[]): WrittenLeg[] {
  return legs.map(({ symbol, positionSide, amount, markPrice }) => ({
    symbol,
    positionSide,
    positionAmt: plain(amount),
    markPrice: plain(markPrice),
  }));
}

/** As they were found. */
export function legsOf(text: readonly WrittenLeg[]): readonly FoundLeg[] {
  return text.map(({ symbol, positionSide, positionAmt, markPrice }) => ({
    symbol,
    positionSide,
    amount: decimal(positionAmt),
    markPrice: decimal(markPrice),
  }));
}

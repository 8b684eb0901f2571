/** When the brain leaves a position: what a policy file says, as values. `config/policy.ts` reads the file. */

import { type Decimal, plain } from "./decimal.ts";

/** A profit: in percent of the entry price, or in R, the distance from entry to the first stop loss. */
export interface Target {
  readonly unit: "percent" | "r";
  /** Positive. */
  readonly value: Decimal;
}

/** One rung of the take-profit ladder. */
export interface LadderStep {
  readonly at: Target;
  /** Of the largest size that the leg has had; above 0, and all steps of a ladder together 100 at most. */
  readonly closePercent: Decimal;
}

/** What holds for one leg. A rule that is null does not exist. Percentages are numbers of percent: 2 is 2 %. */
export interface LegPolicy {
  /** The most that may be lost: in percent of the entry price, or of the margin that is held for the leg. */
  readonly stopLoss: { readonly percent: Decimal; readonly of: "entry" | "margin" } | null;
  /** In the order of the file; no two steps are at the same profit. */
  readonly ladder: readonly LadderStep[];
  /** Once `at` was reached, the stop is at entry, plus `offsetPercent` of it on the side of profit. */
  readonly breakEven: { readonly at: Target; readonly offsetPercent: Decimal } | null;
  /** Once `activation` was reached (null: from the start), the stop follows the best mark: percent of that mark, or R. */
  readonly trailing: { readonly activation: Target | null; readonly distance: Target } | null;
  /** From the opening of the leg. */
  readonly timeLimitMs: number | null;
  /** Leave when the mark is no further than this from the liquidation price, in percent of the mark. */
  readonly liquidationDistancePercent: Decimal | null;
  /** A stop at the venue itself, this far from entry in percent of it. */
  readonly backstopPercent: Decimal | null;
}

/** What holds for the account. Either raises a panic (contract 3.2, `exit_brain`). */
export interface PortfolioPolicy {
  /** The most that may be lost since 00:00 UTC, in percent of the equity then. */
  readonly dailyLossPercent: Decimal | null;
  /** The most that may be lost since equity was at its peak, in percent of that. */
  readonly drawdownPercent: Decimal | null;
}

/** One policy file. */
export interface ExitPolicy {
  readonly defaults: LegPolicy;
  /** What differs for a symbol is merged in already: an entry is complete. */
  readonly symbols: ReadonlyMap<string, LegPolicy>;
  readonly portfolio: PortfolioPolicy;
}

/** The rules for one symbol. */
export function policyFor(policy: ExitPolicy, symbol: string): LegPolicy {
  return policy.symbols.get(symbol) ?? policy.defaults;
}

/** A profit in words, as it stands in the file: `1.5R` or `4 %`. Equal profits have equal names. */
export function targetName({ unit, value }: Target): string {
  return unit === "r" ? `${plain(value)}R` : `${plain(value)} %`;
}

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
] as const;

/** A time limit as it stands in the file, in the largest unit that fits: `90m`, `8h`. */
export function durationName(ms: number): string {
  const [unit, size] = UNITS.find(([, size]) => ms % size === 0) ?? ["s", 1_000];
  return `${ms / size}${unit}`;
}

/** What is measured: the rows of the table. */

/** One scene, and under which circumstances the event comes. */
export interface Row {
  readonly positions: number;
  /** Half of the positions have resting orders. */
  readonly orders: boolean;
  /** Not one connection to the venue is open when the event comes. */
  readonly cold: boolean;
}

const SIZES = [2, 20, 100, 300] as const;

/** Every row: each size without and with resting orders, and then cold. */
export const ROWS: readonly Row[] = [
  ...SIZES.flatMap((positions) => [
    { positions, orders: false, cold: false },
    { positions, orders: true, cold: false },
  ]),
  ...SIZES.map((positions) => ({ positions, orders: false, cold: true })),
];

/** Who is measured, in this order. */
export const CLOSERS = ["quantum", "ccxt", "sequential"] as const;

/** One of those who close. */
export type CloserName = (typeof CLOSERS)[number];

/**
 * Whether a closer runs in a row. A sequential closer opens one connection, so cold is nothing to it: what a cold start
 * costs is asked of those who need many.
 */
export function takesPart(closer: CloserName, row: Row): boolean {
  return closer !== "sequential" || !row.cold;
}

/** How often a closer runs in a row: the sequential one takes up to half a minute, and each time the same. */
export function runsOf(closer: CloserName, row: Row, repeats: number): number {
  return closer === "sequential" && row.positions >= 100 ? 1 : repeats;
}

/** What the row is about, in words. */
export function title({ positions, orders, cold }: Row): string {
  return `${positions} positions${orders ? ", half with resting orders" : ""}${cold ? ", cold TLS" : ""}`;
}

/** What the figures must come to. */

import type { Figure } from "./figures.ts";
import { title } from "./rows.ts";

/** One demand and what was measured. */
export interface Verdict {
  readonly name: string;
  readonly measured: string;
  readonly target: string;
  readonly passed: boolean;
}

/** The most round trips from the event to the last fill, by positions; resting orders cost one more. */
const ROUND_TRIPS_MAX: ReadonlyMap<number, number> = new Map([
  [2, 2.3],
  [20, 2.5],
  [100, 2.9],
  [300, 4],
]);
const ROUND_TRIPS_FOR_ORDERS = 1;

/** From so many positions on, never slower than everything in parallel with ccxt. */
const CCXT_FROM = 20;

/** At so many positions, so many times faster than one after another. */
const SEQUENTIAL_AT = 100;
const SEQUENTIAL_RATIO_MIN = 20;

/** Binance's budget of an address is 2400 a minute; half of it is for passes, and for whoever else works from there. */
const IDLE_WEIGHT_MAX = 1_200;

/** Judges the worker's figures. Every pass must end flat; what a cold start costs in time is shown, not judged. */
export function verdicts(figures: readonly Figure[]): readonly Verdict[] {
  return figures.filter(({ closer }) => closer === "quantum").flatMap(verdictsOn);
}

function verdictsOn(figure: Figure): readonly Verdict[] {
  const { row, roundTrips, ratioToCcxt, ratioToSequential, handshakesWorst, idleWeight, flat, runs } = figure;
  const where = title(row);
  const tripsMax = ROUND_TRIPS_MAX.get(row.positions);
  const found: Verdict[] = [
    {
      name: `${where}: account flat`,
      measured: `${flat} of ${runs}`,
      target: `${runs} of ${runs}`,
      passed: flat === runs,
    },
  ];
  if (row.cold) return found;
  found.push({
    name: `${where}: TLS handshakes inside a pass`,
    measured: String(handshakesWorst),
    target: "0",
    passed: handshakesWorst === 0,
  });
  if (tripsMax !== undefined) {
    found.push(atMost(`${where}: round trips`, roundTrips, tripsMax + (row.orders ? ROUND_TRIPS_FOR_ORDERS : 0)));
  }
  if (idleWeight !== null) {
    found.push({
      name: `${where}: weight a minute while idle`,
      measured: String(idleWeight),
      target: `<= ${IDLE_WEIGHT_MAX}`,
      passed: idleWeight <= IDLE_WEIGHT_MAX,
    });
  }
  if (row.positions >= CCXT_FROM) found.push(atLeast(`${where}: times as fast as ccxt`, ratioToCcxt, 1));
  if (row.positions === SEQUENTIAL_AT && !row.orders) {
    found.push(atLeast(`${where}: times as fast as sequential`, ratioToSequential, SEQUENTIAL_RATIO_MIN));
  }
  return found;
}

function atMost(name: string, value: number | null, most: number): Verdict {
  return { name, measured: shown(value), target: `<= ${most}`, passed: value !== null && value <= most };
}

function atLeast(name: string, value: number | null, least: number): Verdict {
  return { name, measured: shown(value), target: `>= ${least}`, passed: value !== null && value >= least };
}

function shown(value: number | null): string {
  return value === null ? "none" : value.toFixed(2);
}

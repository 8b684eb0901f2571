/** From runs to the figures of the table. */

import type { Run } from "./measure.ts";
import type { CloserName, Row } from "./rows.ts";

/** All runs of one closer in one row. */
export interface Sample {
  readonly closer: CloserName;
  readonly row: Row;
  readonly runs: readonly Run[];
  /** What waiting costs of the address's budget, per minute; null where it was not watched. */
  readonly idleWeight: number | null;
}

/** One line of the table. */
export interface Figure {
  readonly closer: CloserName;
  readonly row: Row;
  readonly runs: number;
  /** Event to last fill; `null` if a run had no fill at all. */
  readonly medianMs: number | null;
  readonly worstMs: number | null;
  /** The median in round trips to the venue. */
  readonly roundTrips: number | null;
  /** Inside the pass. */
  readonly handshakesMedian: number;
  readonly handshakesWorst: number;
  readonly idleWeight: number | null;
  /** How many runs left the account flat. */
  readonly flat: number;
  /** How many times faster than the peer, by the medians; `null` where the peer took no part. */
  readonly ratioToSequential: number | null;
  readonly ratioToCcxt: number | null;
}

/** The figures, in the order of the samples. */
export function figures(samples: readonly Sample[], latencyMs: number): readonly Figure[] {
  return samples.map((sample) => figure(sample, samples, latencyMs));
}

function figure(sample: Sample, samples: readonly Sample[], latencyMs: number): Figure {
  const { closer, row, runs } = sample;
  const medianMs = lastFill(sample, median);
  const handshakes = runs.map((run) => run.handshakes);
  const ratioTo = (peer: CloserName): number | null => {
    const other = samples.find((candidate) => candidate.closer === peer && candidate.row === row);
    const peerMs = other === undefined ? null : lastFill(other, median);
    return peerMs === null || medianMs === null || peer === closer ? null : peerMs / medianMs;
  };
  return {
    closer,
    row,
    runs: runs.length,
    medianMs,
    worstMs: lastFill(sample, worst),
    roundTrips: medianMs === null ? null : medianMs / latencyMs,
    handshakesMedian: median(handshakes),
    handshakesWorst: worst(handshakes),
    idleWeight: sample.idleWeight,
    flat: runs.filter(({ flat }) => flat).length,
    ratioToSequential: ratioTo("sequential"),
    ratioToCcxt: ratioTo("ccxt"),
  };
}

function lastFill({ runs }: Sample, pick: (values: readonly number[]) => number): number | null {
  const values = runs.map(({ lastFillMs }) => lastFillMs).filter((value) => value !== null);
  return values.length < runs.length || values.length === 0 ? null : pick(values);
}

/** The upper one of the two in the middle. */
function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function worst(values: readonly number[]): number {
  return Math.max(0, ...values);
}

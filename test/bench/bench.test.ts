/** The benchmark runs, and its tables say what they should. How fast anybody was is no concern of this test. */

import { describe, expect, test } from "bun:test";
import { type ExitFigures, exitsTable, exitVerdicts } from "./exits/report.ts";
import { figures, type Sample } from "./figures.ts";
import type { Run } from "./measure.ts";
import { parseOptions } from "./options.ts";
import { figuresTable, verdictsTable } from "./render.ts";
import { CLOSERS, type CloserName, type Row } from "./rows.ts";
import { runExits, runSuite } from "./suite.ts";
import { verdicts } from "./targets.ts";

const PLAIN: Row = { positions: 2, orders: false, cold: false };
const SMOKE_LIMIT_MS = 60_000;

test(
  "all three closers leave the account flat",
  async () => {
    const options = parseOptions(["--only", "2", "--repeats", "1", "--latency-ms", "10", "--no-idle"]);
    const rows = [{ ...PLAIN, orders: true }];
    const samples = await runSuite({ ...options, rows }, () => undefined, new AbortController().signal);
    expect(samples.map(({ closer }) => closer)).toEqual([...CLOSERS]);
    expect(samples.map(({ runs }) => runs.map(({ flat, fills }) => ({ flat, fills })))).toEqual(
      CLOSERS.map(() => [{ flat: true, fills: 2 }]),
    );
    const table = figuresTable(figures(samples, options.latencyMs));
    for (const closer of CLOSERS) expect(table).toContain(closer);
  },
  SMOKE_LIMIT_MS,
);

test(
  "a brain with 200 legs sends an order for every mark that crosses a stop, by stream and by REST",
  async () => {
    const options = parseOptions(["--only", "exits", "--repeats", "1"]);
    const { brain, decision } = await runExits(options, () => undefined, new AbortController().signal);
    expect([brain.byStreamMs.length, brain.byRestMs.length]).toEqual([4, 4]);
    expect(decision.meanMs).toBeGreaterThan(0);
    expect(brain.cpuMsPerCycle).toBeGreaterThan(0);
  },
  SMOKE_LIMIT_MS,
);

describe("exits", () => {
  const figures = (meanMs: number, stream: number[], rest: number[]): ExitFigures => ({
    decision: { meanMs, medianMs: 1, worstMs: 9 },
    brain: { cpuMsPerCycle: 50, byStreamMs: stream, byRestMs: rest },
  });

  test.each([
    ["all in time", figures(4, [5, 20], [40, 1_000]), [true, true, true]],
    ["a dear decision", figures(5.1, [5], [40]), [false, true, true]],
    ["one late order by stream", figures(4, [5, 21, 6], [40]), [true, false, true]],
    ["one order by REST that missed a cycle", figures(4, [5], [40, 1_021]), [true, true, false]],
    ["nothing measured", figures(4, [], []), [true, false, false]],
  ] as const)("%s", (_, measured, passed) => {
    expect(exitVerdicts(measured).map((verdict) => verdict.passed)).toEqual([...passed]);
  });

  test("the table shows the median and the worst", () => {
    expect(exitsTable(figures(4, [7, 5, 89], [40]))).toMatch(/by stream, ms +│ 7 +│ 89 +│ 3/);
  });
});

const NOTHING = { handshakes: 0, fills: 2, outcome: null, steps: [] };

function sample(closer: CloserName, row: Row, ...lastFills: readonly (number | null)[]): Sample {
  const runs = lastFills.map((lastFillMs): Run => ({ ...NOTHING, lastFillMs, flat: lastFillMs !== null }));
  return { closer, row, runs, idleWeight: 700 };
}

describe("figures", () => {
  const row = { ...PLAIN, positions: 100 };
  const measured = figures(
    [sample("quantum", row, 120, 90, 100), sample("ccxt", row, 150), sample("sequential", row, 5_000)],
    50,
  );

  test("are the median, the worst, round trips, and ratios to each peer", () => {
    expect(measured[0]).toMatchObject({ medianMs: 100, worstMs: 120, roundTrips: 2 });
    expect(measured[0]).toMatchObject({ ratioToCcxt: 1.5, ratioToSequential: 50 });
    expect(measured[1]).toMatchObject({ ratioToCcxt: null });
  });

  test("meet every target of that row", () => {
    expect(verdicts(measured).map(({ passed }) => passed)).toEqual([true, true, true, true, true, true]);
    expect(verdictsTable(verdicts(measured))).not.toContain("FAIL");
  });

  test("a run that left something open has no time, and fails", () => {
    const failed = figures([sample("quantum", PLAIN, 90, null)], 50);
    expect(failed[0]).toMatchObject({ medianMs: null, flat: 1, runs: 2 });
    expect(figuresTable(failed)).toContain("1 of 2");
    expect(verdictsTable(verdicts(failed))).toContain("FAIL");
  });

  test("a cold start is judged for being flat, and not for its time", () => {
    const cold = { ...PLAIN, cold: true };
    expect(verdicts(figures([sample("quantum", cold, 900)], 50)).map(({ passed }) => passed)).toEqual([true]);
    expect(verdicts(figures([sample("quantum", cold, 900, null)], 50)).map(({ passed }) => passed)).toEqual([false]);
  });
});

describe("options", () => {
  test.each([
    ["--repeats", "0"],
    ["--only", "a few"],
    ["--only", "21"],
    ["--latency-ms", "-1"],
    ["--ccxt-under", "deno"],
  ])("%s %s is refused by name", (flag, value) => {
    expect(() => parseOptions([`${flag}=${value}`])).toThrow(`${flag} ${value}: expected`);
  });
});

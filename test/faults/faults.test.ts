/** The catalogue is complete, and the fast half of it holds. */

import { afterAll, describe, expect, test } from "bun:test";
import { FAULTS, ROWS } from "./catalogue.ts";
import { brokenLines } from "./render.ts";
import { runCases, type Verdict } from "./runner.ts";

test("every row of the catalogue is caused, once", () => {
  const rows = FAULTS.map(({ row }) => row).toSorted((one, other) => one - other);
  expect(rows).toEqual(Array.from({ length: ROWS }, (_, i) => i + 1));
});

describe("a fault that is caused on real processes", () => {
  // Some at a time: most of a case is waiting.
  const ended = new Map<number, (verdict: Verdict) => void>();
  const cases = FAULTS.filter(({ fast }) => fast);
  const verdicts = new Map(
    cases.map(({ row }) => [row, new Promise<Verdict>((resolve) => void ended.set(row, resolve))]),
  );
  let all: Promise<unknown> | null = null;
  const begin = (): void => {
    all ??= runCases(cases, 3, (verdict) => ended.get(verdict.fault.row)?.(verdict));
  };
  afterAll(async () => {
    await all;
  });

  for (const { row, fault } of cases) {
    test(`${row} ${fault}`, async () => {
      begin();
      const verdict = await verdicts.get(row);
      expect(verdict === undefined ? ["not run"] : brokenLines(verdict)).toEqual([]);
    }, 600_000);
  }
});

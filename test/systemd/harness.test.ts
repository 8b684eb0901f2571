import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { counted, took } from "./case.ts";
import { CASES } from "./catalogue.ts";
import { parseOptions } from "./options.ts";
import { take } from "./queue.ts";
import { casesTable } from "./render.ts";
import { overLimit } from "./verdict.ts";

test("each case has a name of its own", () => {
  const names = CASES.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

describe("the flags", () => {
  test("choose cases, and one machine to look into", () => {
    expect(parseOptions(["--only", "b,a"], ["a", "b"])).toMatchObject({ only: ["b", "a"], machines: 2, keep: false });
    expect(parseOptions(["--keep", "--machines", "3"], [])).toMatchObject({ only: null, machines: 1, keep: true });
  });

  test.each([
    [["--only", "c"], "--only c: expected a, b"],
    [["--machines", "5"], "--machines 5: expected a whole number from 1 to 4"],
    [["--machines", "0"], "--machines 0: expected a whole number from 1 to 4"],
  ])("%p is refused", (args, words) => {
    expect(() => parseOptions(args, ["a", "b"])).toThrow(words);
  });
});

test("a case is taken once", () => {
  const directory = mkdtempSync(join(tmpdir(), "quantum-queue-"));
  try {
    expect([take(directory, "a"), take(directory, "a"), take(directory, "b")]).toEqual([true, false, true]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test("a figure over its limit has failed, and so has one that was not measured", () => {
  expect(overLimit(took("gap", 5_500, 5_500))).toEqual([]);
  expect(overLimit(took("gap", 5_501, 5_500))).toEqual(["gap: 5501 ms, the limit is 5500 ms"]);
  expect(overLimit(counted("exposure", 1.6, 1.5))).toEqual(["exposure: 1.6, the limit is 1.5"]);
  expect(overLimit(took("gap", Number.NaN))).toEqual(["gap was not measured"]);
  expect(overLimit(counted("restarts", 20))).toEqual([]);
});

test("the table shows what was measured, and the causes where there is room", () => {
  const one = { name: "a", caused: "by hand", holds: "it holds", run: () => Promise.resolve([]) };
  const verdict = { name: "a", figures: [took("gap", 12.4, 20)], broken: ["it broke"], tails: [], tookMs: 1 };
  const wide = casesTable([one], [verdict], undefined);
  for (const words of ["by hand", "it holds", "gap: 12 ms (≤ 20)", "FAIL"]) expect(wide).toContain(words);
  const narrow = casesTable([one], [verdict], 90);
  expect(narrow).not.toContain("by hand");
  expect(narrow).toContain("gap: 12 ms (≤ 20)");
});

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { withErrorTable } from "../../build/error-table.ts";
import { ERROR_TABLE } from "../../src/adapters/binance/error-table.ts";
import { ROOT } from "../support/run.ts";

const README = readFileSync(join(ROOT, "README.md"), "utf8");

test("the error table in README.md is that of the source, letter for letter", () => {
  expect(withErrorTable(README)).toBe(README);
});

test("the README has a line for every row of the source", () => {
  const lines = README.split("\n").filter((line) => /^\|.*\| (refused|\*\*unknown\*\*) \|/.test(line));
  expect(lines).toHaveLength(ERROR_TABLE.length);
  expect(lines).toContain(
    "| -1015 | Too many new orders | refused | the account's order limit is used up: something else is sending orders | waits for the window |",
  );
});

test("a table that somebody edited is written anew, and nothing around it", () => {
  const edited = README.replace("| waits for the window |", "| nothing |");
  expect(edited).not.toBe(README);
  expect(withErrorTable(edited)).toBe(README);
});

describe("withErrorTable() refuses", () => {
  const [begin = "", end = ""] = README.match(/<!-- .*error table.* -->/g) ?? [];
  test.each([
    ["a text without markers", "# Quantum"],
    ["one without its end", `a\n${begin}\nb`],
    ["one whose end comes first", `${end}\n${begin}`],
    ["one with two tables", `${begin}\n${end}\n${begin}\n${end}`],
  ])("%s", (_fact, text) => {
    expect(() => withErrorTable(text)).toThrow("README.md: expected once");
  });
});

/** `quantum brain --check-policy`: no Redis, no key and no venue is set in here. */

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { ROOT } from "../support/run.ts";
import { cli } from "./fake-io.ts";

const folder = mkdtempSync(join(tmpdir(), "quantum-check-policy-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** As a person in the repository's folder would write it. */
const EXAMPLE = relative(process.cwd(), join(ROOT, "examples", "exits.yaml"));
const CHECK = ["brain", "--check-policy", "--policy"];

function file(text: string): string {
  const path = join(folder, "exits.yaml");
  writeFileSync(path, text);
  return path;
}

test("the example is accepted, and said in words, letter for letter", async () => {
  const golden = readFileSync(join(import.meta.dir, "golden", "check-policy.txt"), "utf8");
  const { code, out, err } = await cli([...CHECK, EXAMPLE]);
  expect({ code, err }).toEqual({ code: 0, err: [] });
  expect(`${out.join("\n")}\n`).toBe(golden.replace("examples/exits.yaml", EXAMPLE));
});

test("the example as one document", async () => {
  const { code, out, err } = await cli([...CHECK, EXAMPLE, "--json"]);
  expect({ code, err, lines: out.length }).toEqual({ code: 0, err: [], lines: 1 });
  const usual = {
    stop_loss: { percent: "2", of: "entry" },
    take_profit: [
      { at: "1.5R", close_percent: "50" },
      { at: "4 %", close_percent: "50" },
    ],
    break_even: { at: "1R", offset_percent: "0" },
    trailing_stop: { activation: "2 %", distance: "1 %" },
    time_limit_ms: 28_800_000,
    liquidation_distance_percent: "5",
    backstop_percent: "12",
  };
  expect(JSON.parse(out.join(""))).toEqual({
    ok: true,
    file: EXAMPLE,
    defaults: usual,
    symbols: { BTCUSDT: { ...usual, stop_loss: { percent: "1", of: "entry" }, trailing_stop: null } },
    portfolio: { daily_loss_percent: "5", drawdown_percent: "10" },
    problems: [],
  });
});

test("rules that are not on are shown as none, and a stop loss of margin as one", async () => {
  const path = file("defaults: { stop-loss: 30 % of margin, trailing-stop: { distance: 0.5R } }");
  const { out } = await cli([...CHECK, path]);
  const row = (rule: string): string | undefined => out.find((line) => line.startsWith(`│ ${rule}`));
  expect(row("stop loss")).toContain("close all at a loss of 30 % of the margin");
  expect(row("trailing stop")).toContain("from the start: stop 0.5R behind the best mark");
  for (const rule of ["take profit", "break-even", "time limit", "liquidation", "backstop", "daily", "drawdown"]) {
    expect(row(rule)).toContain("│ none ");
  }
  expect(out).toContain("Every position");
});

describe("a policy that is none", () => {
  const text = "defaults:\n  stop-loss: 2\n  stoploss: 2 %\n";
  const first =
    'defaults.stop-loss is "2": expected a percentage such as "2 %" of the entry price (below 100), or "30 % of margin", or off';
  const second = "defaults.stoploss is not a key here: expected stop-loss, perhaps";

  test("is refused with everything that is wrong, a line each", async () => {
    const path = file(text);
    expect(await cli([...CHECK, path])).toEqual({
      code: 2,
      out: [],
      err: [`quantum: ${path}:2: ${first}`, `quantum: ${path}:3: ${second}`],
    });
  });

  test("is refused as one document", async () => {
    const path = file(text);
    const { code, out, err } = await cli([...CHECK, path, "--json"]);
    expect({ code, err, lines: out.length }).toEqual({ code: 2, err: [], lines: 1 });
    const problems = [
      { line: 2, problem: first },
      { line: 3, problem: second },
    ];
    expect(JSON.parse(out.join(""))).toEqual({ ok: false, file: path, problems });
  });
});

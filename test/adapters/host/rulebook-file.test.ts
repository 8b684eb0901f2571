import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rulebookFile } from "../../../src/adapters/host/rulebook-file.ts";
import { decimal, plain } from "../../../src/core/decimal.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "quantum-rulebook-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const RULES = new Map([
  [
    "币安人生USDT",
    {
      lot: { min: decimal("0.0000001"), max: decimal("590119"), step: decimal("0.0000001") },
      band: { up: decimal("1.15"), down: decimal("0.85"), tick: decimal("0.00001") },
    },
  ],
  ["BTCUSDT", { lot: null, band: null }],
]);

test("what is saved is loaded by the next life, exactly", () => {
  expect(rulebookFile(join(directory, "state")).save(RULES)).toBe(true);
  const loaded = rulebookFile(join(directory, "state")).load().get("币安人生USDT");
  const lot = [loaded?.lot?.min, loaded?.lot?.max, loaded?.lot?.step];
  expect(lot.map((value) => value && plain(value))).toEqual(["0.0000001", "590119", "0.0000001"]);
  const band = [loaded?.band?.up, loaded?.band?.down, loaded?.band?.tick];
  expect(band.map((value) => value && plain(value))).toEqual(["1.15", "0.85", "0.00001"]);
  expect(rulebookFile(join(directory, "state")).load().get("BTCUSDT")).toEqual({ lot: null, band: null });
});

test("nothing is left beside the file, and nobody else may read it", () => {
  rulebookFile(directory).save(RULES);
  expect(readdirSync(directory)).toEqual(["rulebook.json"]);
  expect(statSync(join(directory, "rulebook.json")).mode & 0o777).toBe(0o600);
});

test.each(["", "{", "[]", '{"BTCUSDT":{"lot":{"min":"x","max":"1","step":"1"},"band":null}}', '{"BTCUSDT":7}'])(
  "a file of %p counts as none",
  (text) => {
    writeFileSync(join(directory, "rulebook.json"), text);
    expect(rulebookFile(directory).load().size).toBe(0);
  },
);

test("a directory that can't be written is told, not thrown", () => {
  writeFileSync(join(directory, "file"), "");
  expect(rulebookFile(join(directory, "file", "state")).save(RULES)).toBe(false);
});

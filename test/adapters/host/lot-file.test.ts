import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lotFile } from "../../../src/adapters/host/lot-file.ts";
import { decimal, plain } from "../../../src/core/decimal.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "quantum-lots-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const RULES = new Map([
  ["币安人生USDT", { min: decimal("0.0000001"), max: decimal("590119"), step: decimal("0.0000001") }],
]);

test("what is saved is loaded by the next life, exactly", () => {
  expect(lotFile(join(directory, "state")).save(RULES)).toBe(true);
  const loaded = lotFile(join(directory, "state")).load().get("币安人生USDT");
  expect([loaded?.min, loaded?.max, loaded?.step].map((value) => value && plain(value))).toEqual([
    "0.0000001",
    "590119",
    "0.0000001",
  ]);
});

test("nothing is left beside the file, and nobody else may read it", () => {
  lotFile(directory).save(RULES);
  expect(readdirSync(directory)).toEqual(["lots.json"]);
  expect(statSync(join(directory, "lots.json")).mode & 0o777).toBe(0o600);
});

test.each(["", "{", "[]", '{"BTCUSDT":{"min":"x","max":"1","step":"1"}}', '{"BTCUSDT":7}'])(
  "a file of %p counts as none",
  (text) => {
    writeFileSync(join(directory, "lots.json"), text);
    expect(lotFile(directory).load().size).toBe(0);
  },
);

test("a directory that can't be written is told, not thrown", () => {
  writeFileSync(join(directory, "file"), "");
  expect(lotFile(join(directory, "file", "state")).save(RULES)).toBe(false);
});

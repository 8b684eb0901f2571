import { expect, test } from "bun:test";
import { nearest } from "../../src/config/nearest.ts";

const WORDS = ["stop-loss", "take-profit", "trailing-stop", "at", "close"];

test.each([
  ["stoploss", "stop-loss"],
  ["STOP_LOSS", "stop-loss"],
  ["stopLos", "stop-loss"],
  ["takeprofits", "take-profit"],
  ["trialing-stop", "trailing-stop"],
  ["clsoe", null],
  ["clos", "close"],
  ["AT", "at"],
  ["to", null],
  ["trail", null],
  // Three slips are another word, however long it is.
  ["trailing-sock", null],
  ["", null],
  ["stop-loss".repeat(10_000), null],
] as const)("%s is probably %s", (word, expected) => {
  expect(nearest(word, WORDS)).toBe(expected);
});

import { expect, test } from "bun:test";
import { wholeNumber } from "../../src/config/number.ts";
import { Refusal } from "../../src/config/refusal.ts";

test.each([
  ["1000", 1_000],
  ["5000", 5_000],
  ["60000", 60_000],
  ["05000", 5_000],
] as const)("%j is %d", (text, value) => {
  expect(wholeNumber("--limit-ms", text, 1_000, 60_000)).toBe(value);
});

test("what was not given stays open, so that the default applies", () => {
  expect(wholeNumber("--limit-ms", undefined, 1_000, 60_000)).toBeUndefined();
});

test.each([
  "abc",
  "",
  "-1",
  "-5000",
  "+5000",
  "1e3",
  "0x10",
  " 5000",
  "5000 ",
  "5000.0",
  "5_000",
  "5000ms",
  "Infinity",
  "NaN",
  "٥٠٠٠",
  "99999999999999999999",
  "999",
  "60001",
])("%j is refused, with the name, what was given and what was expected", (text) => {
  const act = (): unknown => wholeNumber("--limit-ms", text, 1_000, 60_000);
  expect(act).toThrow(new Refusal(`--limit-ms is ${JSON.stringify(text)}: expected a whole number from 1000 to 60000`));
});

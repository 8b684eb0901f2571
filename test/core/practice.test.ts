import { expect, test } from "bun:test";
import { practise } from "../../src/core/practice.ts";

test("practise() goes through a whole pass, and quickly enough to be done at every start", () => {
  const startedAt = performance.now();
  practise();
  // Tens of milliseconds; the bound only tells a practice from a hang.
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});

/** Restarts, at every moment there is. Alone in its file: what breaks the core a thousand times does not run it. */

import { expect, test } from "bun:test";
import { PolicyRun, pricePath, RICH } from "../support/exits.ts";

function run(marks: readonly string[], restartAt: number | null): PolicyRun {
  const policy = new PolicyRun(RICH);
  policy.hold("BTCUSDT", "0.777", "100");
  for (const [i, mark] of marks.entries()) {
    if (i === restartAt) policy.restart();
    policy.look(mark);
  }
  return policy;
}

test("a restart before any cycle of 1000 gives the same orders as none", () => {
  const marks = pricePath(7);
  const { orders } = run(marks, null);
  expect(orders.length).toBeGreaterThan(3);
  for (let i = 0; i < marks.length; i++) expect(run(marks, i).orders).toEqual(orders);
}, 120_000);

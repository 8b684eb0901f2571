import { expect, test } from "bun:test";
import { overtakenFence } from "../../src/core/fence.ts";

test.each([
  [3_999, true],
  [4_000, true],
  [4_001, false],
])("a limit of %d ms beside a fence of 4000 ms is worth a warning: %p", (limitMs, warned) => {
  const line = overtakenFence(4_000, "--heartbeat-missing-ms", limitMs);
  expect(line?.level ?? null).toBe(warned ? "warn" : null);
  if (warned)
    expect(line?.text).toBe(
      `--heartbeat-missing-ms is ${limitMs}, and the brain's own fence closes only after 4000 ms: ` +
        "until then a brain that is given up may still send orders",
    );
});

import { expect, test } from "bun:test";
import { advance, type Fence, overtakenFence, unproven } from "../../src/core/fence.ts";
import { at } from "../support/core.ts";

const OPEN: Fence = { kind: "open", closesAt: at(4_010) };
const ROWS: readonly (readonly [fact: string, fence: Fence, sentAt: number | null, now: number, next: Fence])[] = [
  ["a heartbeat sent at the very start opens it", unproven(4_000, at(0)), 0, 5, { kind: "open", closesAt: at(4_000) }],
  ["without one it stays unproven until it closes", unproven(4_000, at(0)), null, 3_999, unproven(4_000, at(0))],
  ["and closes then", unproven(4_000, at(0)), null, 4_000, { kind: "fenced" }],
  ["a later heartbeat moves it", OPEN, 20, 30, { kind: "open", closesAt: at(4_020) }],
  ["one that was sent before leaves it where it is", OPEN, 5, 30, OPEN],
  ["so does the same one again", OPEN, 10, 30, OPEN],
  ["one that is too old by now opens nothing", { kind: "fenced" }, 10, 4_010, { kind: "fenced" }],
];

test.each(ROWS)("%s", (_fact, fence, sentAt, now, next) => {
  const [after, lines] = advance(4_000, fence, sentAt === null ? null : at(sentAt), at(now));
  expect(after).toEqual(next);
  expect(lines).toHaveLength(after.kind === "fenced" && fence.kind !== "fenced" ? 1 : 0);
});

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

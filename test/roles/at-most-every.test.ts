import { expect, test } from "bun:test";
import { known, type Reading, unknown } from "../../src/core/reading.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { atMostEvery } from "../../src/roles/at-most-every.ts";
import { VirtualClock } from "../../src/sim/clock.ts";

test("a question is asked at most once in so long, by when it was asked, and again at once where there was no answer", async () => {
  const clock = new VirtualClock(0 as UnixMillis);
  const answers: Reading<number>[] = [known(1), known(2), unknown("gone"), known(4)];
  let asked = 0;
  const ask = atMostEvery(clock, 900, async () => answers[asked++] ?? unknown("too often"));
  const pass = (ms: number) => clock.runUntil(() => false, ms);
  expect(await ask()).toEqual(known(1));
  await pass(500);
  expect(await ask()).toEqual(known(1));
  await pass(400);
  expect(await ask()).toEqual(known(2));
  await pass(1_000);
  expect(await ask()).toEqual(unknown("gone"));
  expect(await ask()).toEqual(known(4));
  expect(await ask()).toEqual(known(4));
});

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { allSince, PAGE_ROWS, type PastRow } from "../../../src/adapters/binance/past.ts";
import { hostClock } from "../../../src/adapters/host/clock.ts";
import { known, type Reading, unknown } from "../../../src/core/reading.ts";
import { after, type UnixMillis } from "../../../src/core/time.ts";

const DAY_MS = 86_400_000;
const NOW = 1_794_479_420_000 as UnixMillis;
const ago = (ms: number): UnixMillis => (NOW - ms) as UnixMillis;

/** How a venue may answer a window that holds more than a page. */
type Order = "oldest first" | "newest first";

interface Asked {
  readonly from: UnixMillis;
  readonly to: UnixMillis | null;
}

/** A list with these rows, by their times; ids count up. */
function listOf(times: readonly number[], order: Order, answer: (asked: Asked) => string | null = () => null) {
  const rows = times.map((time, index): PastRow<number> => {
    return { id: String(999_000 + index), time: time as UnixMillis, value: index };
  });
  const asked: Asked[] = [];
  const read = async (from: UnixMillis, to: UnixMillis | null): Promise<Reading<readonly PastRow<number>[]>> => {
    asked.push({ from, to });
    const why = answer({ from, to });
    if (why !== null) return unknown(why);
    // A week at most from its start, as Binance does where no end is given.
    const until = to ?? from + 7 * DAY_MS;
    expect(until - from).toBeLessThanOrEqual(7 * DAY_MS);
    const inside = rows.filter(({ time }) => time >= from && time <= until);
    return known(order === "oldest first" ? inside.slice(0, PAGE_ROWS) : inside.slice(-PAGE_ROWS));
  };
  return { rows, asked, read };
}

const since = (moment: UnixMillis) => ({ since: moment, now: NOW, clock: hostClock });

describe("allSince()", () => {
  test("asks week by week, the last one up to now, and no moment twice", async () => {
    const { asked, read } = listOf([], "oldest first");
    expect(await allSince("the list", read, since(ago(20 * DAY_MS)))).toEqual({ known: true, value: [] });
    expect(asked).toHaveLength(3);
    for (const [index, { to }] of asked.entries())
      expect(to).toBe(index === 2 ? null : (((asked[index + 1]?.from ?? 0) - 1) as UnixMillis));
  });

  test("a moment ahead of now is asked for once", async () => {
    const { asked, read } = listOf([], "oldest first");
    await allSince("the list", read, since(ago(-5_000)));
    expect(asked).toEqual([{ from: ago(-5_000), to: null }]);
  });

  for (const order of ["oldest first", "newest first"] as const) {
    test(`finds every row, once and in order, of a list that answers a full page ${order}`, async () => {
      const drawn = fc.array(fc.record({ at: fc.nat(30 * DAY_MS), count: fc.integer({ min: 1, max: 700 }) }), {
        minLength: 1,
        maxLength: 8,
      });
      await fc.assert(
        fc.asyncProperty(drawn, async (clusters) => {
          // Many of them at the same moment, and at moments that are close.
          const times = clusters.flatMap(({ at, count }) =>
            Array.from({ length: count }, (_, i) => ago(at) + (i >> 7)),
          );
          const { rows, read } = listOf(
            times.sort((one, other) => one - other),
            order,
          );
          const from = ago(25 * DAY_MS);
          const reading = await allSince("the list", read, since(from));
          const wanted = rows.filter(({ time }) => time >= from).map(({ value }) => value);
          expect(reading).toEqual({ known: true, value: wanted });
        }),
        { numRuns: 60 },
      );
    });
  }

  test("rows of the same time come by their ids, however many digits these have", async () => {
    const rows = ["1000", "999", "8389765500000000002", "8389765500000000001"];
    const read = async () => known(rows.map((id) => ({ id, time: NOW, value: id })));
    const reading = await allSince("the list", read, since(ago(DAY_MS)));
    expect(reading).toEqual({ known: true, value: ["999", "1000", "8389765500000000001", "8389765500000000002"] });
  });

  test("is unknown where a moment has more rows than a page", async () => {
    const { read } = listOf(Array(PAGE_ROWS).fill(NOW - DAY_MS), "oldest first");
    expect(await allSince("the list", read, since(ago(2 * DAY_MS)))).toMatchObject({
      known: false,
      why: `the list: 1000 or more have the same time, ${NOW - DAY_MS}`,
    });
  });

  test("is unknown where there is more than it may ask for, and asks no further", async () => {
    const times = Array.from({ length: 60 * PAGE_ROWS }, (_, index) => NOW - DAY_MS + index);
    const { asked, read } = listOf(times, "oldest first");
    const reading = await allSince("the list", read, since(ago(2 * DAY_MS)));
    expect(reading).toMatchObject({ known: false, why: expect.stringContaining("than 40 answers hold") });
    expect(asked).toHaveLength(40);
  });

  test("is unknown where one window could not be read, and says why", async () => {
    const { read } = listOf([], "oldest first", ({ to }) => (to === null ? null : "GET it: HTTP 500"));
    const reading = await allSince("the list", read, since(ago(10 * DAY_MS)));
    expect(reading).toEqual({ known: false, why: "GET it: HTTP 500" });
  });

  test("is unknown, and not asked for, where the venue keeps nothing from then", async () => {
    const { asked, read } = listOf([], "oldest first");
    expect(await allSince("the list", read, since(ago(89 * DAY_MS)))).toMatchObject({
      known: false,
      why: expect.stringContaining("keeps three months, and 2026-08-15 is before that"),
    });
    expect(asked).toEqual([]);
    expect(await allSince("the list", read, since(ago(89 * DAY_MS - 1)))).toMatchObject({ known: true });
    expect(asked).toHaveLength(13);
  });

  test("ends after ten seconds, whatever is still to be read", async () => {
    let now = hostClock.now();
    const clock = { ...hostClock, now: () => now };
    const times = Array.from({ length: 20 * PAGE_ROWS }, (_, index) => NOW - DAY_MS + index);
    const { read, asked } = listOf(times, "oldest first", () => {
      now = after(now, 2_500);
      return null;
    });
    const reading = await allSince("the list", read, { since: ago(2 * DAY_MS), now: NOW, clock });
    expect(reading).toMatchObject({ known: false, why: expect.stringContaining("within 10000 ms") });
    expect(asked.length).toBeLessThan(8);
  });
});

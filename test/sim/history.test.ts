import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { UnixMillis } from "../../src/core/time.ts";
import { HISTORY_MS, HistoryTable } from "../../src/sim/history.ts";

interface Row {
  readonly symbol: string;
  readonly value: number;
}

const row = (symbol: string, value: number): Row => ({ symbol, value });

function tableAt(clock: { now: number }): HistoryTable<Row> {
  return new HistoryTable<Row>(() => clock.now as UnixMillis);
}

/** The rows by key order, so that only contents are compared. */
const sorted = (rows: readonly Row[]): readonly string[] =>
  rows.map(({ symbol, value }) => `${symbol}=${value}`).sort();

describe("HistoryTable", () => {
  test("finds by key and by symbol, and forgets what is deleted", () => {
    const table = tableAt({ now: 0 });
    table.set("a", row("BTCUSDT", 1));
    table.set("b", row("BTCUSDT", 2));
    table.set("c", row("ETHUSDT", 3));
    table.delete("b");
    table.delete("never there");
    expect(table.get("b")).toBeUndefined();
    expect(sorted(table.values())).toEqual(["BTCUSDT=1", "ETHUSDT=3"]);
    expect(sorted(table.values("BTCUSDT"))).toEqual(["BTCUSDT=1"]);
    expect([table.count(), table.count("BTCUSDT"), table.count("SOLUSDT")]).toEqual([2, 1, 0]);
  });

  test("a change belongs to the millisecond it was made in", () => {
    const clock = { now: 1000 };
    const table = tableAt(clock);
    table.set("a", row("BTCUSDT", 1));
    clock.now = 2000;
    table.set("a", row("BTCUSDT", 2));
    const at = (moment: number) => table.asOf(moment as UnixMillis).get("a")?.value;
    expect([at(999), at(1000), at(1999), at(2000), at(9000)]).toEqual([undefined, 1, 1, 2, 2]);
  });

  test("looking back changes nothing", () => {
    const clock = { now: 1000 };
    const table = tableAt(clock);
    table.set("a", row("BTCUSDT", 1));
    const past = table.asOf(0 as UnixMillis);
    past.set("a", row("BTCUSDT", 9));
    expect(table.get("a")?.value).toBe(1);
  });

  test("a key without a past has always been as it is; the others keep theirs", () => {
    const clock = { now: 1000 };
    const table = tableAt(clock);
    table.set("a", row("BTCUSDT", 1));
    table.set("b", row("BTCUSDT", 2));
    table.forgetPast("a");
    expect(sorted(table.asOf(0 as UnixMillis).values())).toEqual(["BTCUSDT=1"]);
  });

  test("forgets changes older than a minute, however many there were", () => {
    const clock = { now: 0 };
    const table = tableAt(clock);
    for (clock.now = 0; clock.now < 5 * HISTORY_MS; clock.now += 100) table.set("a", row("BTCUSDT", clock.now));
    const last = clock.now - 100;
    const at = (moment: number) => table.asOf(moment as UnixMillis).get("a")?.value;
    expect(at(last - HISTORY_MS)).toBe(last - HISTORY_MS);
    // Older than is remembered: the oldest that is, not a hole.
    expect(at(0) ?? 0).toBeGreaterThan(last - 2 * HISTORY_MS);
  });

  test("is at every moment of the last minute what it was then", () => {
    const steps = fc.array(
      fc.record({
        key: fc.constantFrom("a", "b", "c"),
        value: fc.option(fc.nat(9), { nil: null }),
        passes: fc.nat(500),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(steps, (sequence) => {
        const clock = { now: 0 };
        const table = tableAt(clock);
        const seen: { readonly at: number; readonly rows: readonly string[] }[] = [];
        for (const { key, value, passes } of sequence) {
          if (value === null) table.delete(key);
          else table.set(key, row(`${key.toUpperCase()}USDT`, value));
          seen.push({ at: clock.now, rows: sorted(table.values()) });
          clock.now += 1 + passes;
        }
        for (const { at, rows } of seen) {
          const past = table.asOf(at as UnixMillis);
          expect(sorted(past.values())).toEqual(rows as string[]);
          const bySymbol = ["AUSDT", "BUSDT", "CUSDT"].flatMap((symbol) => past.values(symbol));
          expect(sorted(bySymbol)).toEqual(rows as string[]);
        }
      }),
    );
  });
});

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exitFile } from "../../../src/adapters/exits/file.ts";
import { readLegRecord, writeRecord } from "../../../src/adapters/exits/record.ts";
import { type ExitHash, exitStore } from "../../../src/adapters/exits/store.ts";
import { decimal } from "../../../src/core/decimal.ts";
import type { ExitRecord } from "../../../src/core/exit-leg.ts";
import type { LegMemory } from "../../../src/core/exit-memory.ts";
import type { PortfolioRecord } from "../../../src/core/portfolio.ts";
import type { CloseOrder } from "../../../src/core/position.ts";
import { known, unknown } from "../../../src/core/reading.ts";
import type { UnixMillis } from "../../../src/core/time.ts";
import { eventually } from "../../support/eventually.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "quantum-exits-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function record(changes: Partial<LegMemory> = {}, symbol = "BTCUSDT"): ExitRecord {
  const memory: LegMemory = {
    side: "long",
    openedAt: 1_795_000_000_000 as UnixMillis,
    rules: "2/entry - -",
    entryPrice: decimal("0.00000012"),
    amount: decimal("5"),
    size: decimal("5"),
    best: decimal("0.00000013"),
    stop: { level: decimal("0.00000011"), rule: "trailing" },
    r: null,
    steps: { "1.5R": { taken: decimal("1"), done: true } },
    exiting: null,
    sent: 2,
    ...changes,
  };
  return { symbol, positionSide: "BOTH", memory, earlier: null, pending: null, recalled: true };
}
const ORDER: CloseOrder = {
  symbol: "BTCUSDT",
  positionSide: "BOTH",
  side: "SELL",
  mode: "one_way",
  limitPrice: null,
  quantity: decimal("1"),
  clientOrderId: "qx-1",
};
const PORTFOLIO: PortfolioRecord = {
  since: 1 as UnixMillis,
  net: decimal("-5"),
  transfers: 1,
  peak: decimal("1000"),
  day: 20_000,
  dayStart: decimal("990"),
  panic: null,
  halted: false,
  fresh: true,
};

/** A hash that takes what it is given, unless it is gone. */
function hash(fields: Map<string, string> = new Map()): ExitHash & { fields: Map<string, string>; isGone: boolean } {
  const own = {
    fields,
    isGone: false,
    read: async () => (own.isGone ? unknown("gone") : known(fields)),
    write: async (set: ReadonlyMap<string, string>, removed: readonly string[]) => {
      if (own.isGone) return unknown("gone");
      for (const field of removed) fields.delete(field);
      for (const [field, text] of set) fields.set(field, text);
      return known(null);
    },
  };
  return own;
}

test("a record is read as it was written, to the last digit", () => {
  expect(readLegRecord(writeRecord(record()))).toEqual(record());
  expect(writeRecord(record())).toContain('"0.00000012"');
});

describe("on disk", () => {
  test("the last line about a leg counts, and a leg that is gone is none", () => {
    const file = exitFile(directory);
    file.remember([record({ sent: 1 }), record({}, "ETHUSDT")], []);
    file.remember([record({ sent: 3 })], ["ETHUSDT"]);
    file.rememberPortfolio(PORTFOLIO);
    expect(exitFile(directory).found).toEqual({ legs: [record({ sent: 3 })], portfolio: PORTFOLIO });
  });

  test("a line that a crash has cut off is not believed, and the next one is on a line of its own", () => {
    exitFile(directory).remember([record()], []);
    appendFileSync(join(directory, "exits.jsonl"), '{"leg":"BTC');
    const file = exitFile(directory);
    expect([file.trouble, file.found.legs.length]).toEqual([null, 1]);
    file.remember([record({ sent: 9 })], []);
    expect(exitFile(directory).found.legs).toEqual([record({ sent: 9 })]);
  });

  test("a line that can't be read is told by its number", () => {
    writeFileSync(join(directory, "exits.jsonl"), `{"leg":"BTCUSDT","record":"{}"}\n`);
    expect(exitFile(directory).trouble).toContain("line 1 of the exit policy's memory");
  });

  test("a file that has grown is written anew with what counts, for its owner alone", () => {
    const file = exitFile(directory);
    const others = Array.from({ length: 200 }, (_, i) => record({}, `S${i}USDT`));
    file.rememberPortfolio(PORTFOLIO);
    for (let i = 0; i < 12; i++) file.remember([...others, record({ sent: i })], []);
    const path = join(directory, "exits.jsonl");
    expect(statSync(path).size).toBeLessThan(1_000_000);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const { legs, portfolio } = exitFile(directory).found;
    expect(legs.find(({ symbol }) => symbol === "BTCUSDT")).toEqual(record({ sent: 11 }));
    expect([legs.length, portfolio]).toEqual([201, PORTFOLIO]);
  });

  test("a disk that takes nothing is told, not thrown", () => {
    writeFileSync(join(directory, "taken"), "");
    expect(exitFile(join(directory, "taken")).remember([record()], [])).toContain("can't be written");
  });

  test("what a write that failed was to say is there with the next one, whatever that is about", () => {
    const file = exitFile(directory);
    const inTheWay = join(directory, "exits.jsonl");
    mkdirSync(inTheWay);
    expect(file.remember([record()], [])).toContain("can't be written");
    rmdirSync(inTheWay);
    expect(file.remember([record({}, "ETHUSDT")], [])).toBeNull();
    expect(exitFile(directory).found.legs).toEqual([record(), record({}, "ETHUSDT")]);
  });
});

describe("both places together", () => {
  test("either is enough; what only Redis knows may be old, and the venue is asked for the rest", async () => {
    const empty = exitStore(exitFile(directory), hash(new Map([["BTCUSDT", writeRecord(record())]])));
    expect((await empty.load()).memory.records).toEqual([{ ...record(), recalled: false }]);
    exitFile(directory).remember([record()], []);
    const gone = hash();
    gone.isGone = true;
    const { memory, trouble } = await exitStore(exitFile(directory), gone).load();
    expect(memory.records).toEqual([record()]);
    expect(trouble[0]).toContain("in Redis can't be read");
  });

  test("of one opening all that either knows counts", async () => {
    exitFile(directory).remember([record({ sent: 1, best: decimal("9") })], []);
    const other = record({ sent: 2, steps: { "2R": { taken: decimal("2"), done: true } } });
    const { memory } = await exitStore(exitFile(directory), hash(new Map([["BTCUSDT", writeRecord(other)]]))).load();
    const [joined] = memory.records;
    expect(Object.keys(joined?.memory.steps ?? {}).sort((a, b) => a.localeCompare(b))).toEqual(["1.5R", "2R"]);
    expect(joined?.memory.best).toEqual(decimal("9"));
    expect(joined?.memory.sent).toBe(2);
    expect(joined?.recalled).toBe(true);
  });

  test("a copy from before the leg was found to be older is no later opening, and forgets no order in doubt", async () => {
    const pending = { order: ORDER, step: "2R", wanted: decimal("1") };
    const old = record({ openedAt: 1_795_000_000_500 as UnixMillis, sent: 1 });
    exitFile(directory).remember([{ ...record(), pending }], []);
    const load = async (copy: ExitRecord) =>
      (await exitStore(exitFile(directory), hash(new Map([["BTCUSDT", writeRecord(copy)]]))).load()).memory.records;
    expect(await load(old)).toEqual([{ ...record(), pending }]);
    const grown = { ...old, memory: { ...old.memory, entryPrice: decimal("0.0000002") } };
    expect(await load(grown)).toEqual([{ ...grown, pending, recalled: false }]);
  });

  test("of two openings the later one counts", async () => {
    exitFile(directory).remember([record()], []);
    const entryPrice = decimal("0.00000013");
    const later = record({ openedAt: 1_795_000_000_001 as UnixMillis, entryPrice, steps: {} });
    const earlier = record({ openedAt: 1_794_999_999_999 as UnixMillis, exiting: "its stop", sent: 3 });
    const kept = await exitStore(exitFile(directory), hash(new Map([["BTCUSDT", writeRecord(earlier)]]))).load();
    expect(kept.memory.records).toEqual([record()]);
    const { memory } = await exitStore(exitFile(directory), hash(new Map([["BTCUSDT", writeRecord(later)]]))).load();
    expect(memory.records).toEqual([{ ...later, recalled: false }]);
  });

  test("what is known of a leg in doubt is in either copy", async () => {
    const doubt = { ...record(), earlier: record({ sent: 2 }).memory, recalled: false };
    exitFile(directory).remember([doubt], []);
    const load = async (copies: ReadonlyMap<string, string>) =>
      (await exitStore(exitFile(directory), hash(new Map(copies))).load()).memory.records;
    expect(await load(new Map())).toEqual([doubt]);
    expect(await load(new Map([["BTCUSDT", writeRecord(doubt)]]))).toEqual([doubt]);
    exitFile(directory).remember([{ ...doubt, earlier: null }], []);
    expect(await load(new Map([["BTCUSDT", writeRecord(doubt)]]))).toEqual([doubt]);
  });

  test.each([
    ["has transfers in it", { fresh: false }],
    ["has seen a halt", { halted: true }],
    ["knows of more transfers", { transfers: 2, peak: decimal("900") }],
  ])("of the account's record the one that %s counts", async (_what, change) => {
    const later = { ...PORTFOLIO, ...change };
    exitFile(directory).rememberPortfolio(PORTFOLIO);
    const { memory } = await exitStore(exitFile(directory), hash(new Map([["*", writeRecord(later)]]))).load();
    expect(memory.portfolio).toEqual(later);
  });

  test("what Redis did not take is written with the next change, and nothing older over it", async () => {
    const redis = hash();
    const store = exitStore(exitFile(directory), redis);
    redis.isGone = true;
    store.remember([record({ sent: 1 }), record({}, "ETHUSDT")], []);
    store.remember([record({ sent: 2 })], ["ETHUSDT"]);
    await eventually("it was tried", () => true);
    redis.isGone = false;
    store.rememberPortfolio(PORTFOLIO);
    await eventually("all of it is there", () => redis.fields.size === 2);
    expect(redis.fields.get("BTCUSDT")).toBe(writeRecord(record({ sent: 2 })));
    expect(readFileSync(join(directory, "exits.jsonl"), "utf8").split("\n").length).toBeGreaterThan(3);
  });
});

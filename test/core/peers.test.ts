import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type LastHeard, PEER_LIMITS, START, step } from "../../src/core/peers.ts";
import { known, type Reading, unknown } from "../../src/core/reading.ts";
import type { Tell } from "../../src/core/tell.ts";
import { at } from "../support/core.ts";

type Look = readonly [ms: number, reading: Reading<readonly LastHeard[]>];

/** Feeds looks at their times; gives everything that was told. */
function play(looks: readonly Look[]): readonly Tell[] {
  let state = START;
  const told: Tell[] = [];
  for (const [ms, reading] of looks) {
    const [next, lines] = step(PEER_LIMITS, state, reading, at(ms));
    state = next;
    told.push(...lines);
  }
  return told;
}

/** The bus shows this heartbeat of the watchdog as its last. */
function shows(entry: string, ageMs: number): Reading<readonly LastHeard[]> {
  return known([{ role: "watchdog", last: { entry, ageMs } }]);
}

const NOTHING = known([{ role: "watchdog", last: null }]);
const AWAY = unknown("no answer");
const HOUR_MS = 3_600_000;

const LOST = "watchdog lost: no heartbeat for 10.2s";
const FELL_SILENT: readonly Look[] = [
  [0, shows("e1", 0)],
  [10_000, shows("e1", 10_000)],
  [10_200, shows("e1", 10_200)],
];

const ROWS: readonly (readonly [name: string, looks: readonly Look[], lines: readonly string[]])[] = [
  ["beats: nothing to say", [0, 1, 2, 3].map((i): Look => [i * 4_000, shows(`e${i}`, 100)]), []],
  ["silent for exactly the limit: not lost yet", FELL_SILENT.slice(0, 2), []],
  ["silent for longer: lost", FELL_SILENT, [LOST]],
  ["stays silent: told once", [...FELL_SILENT, [11_200, shows("e1", 11_200)], [99_000, shows("e1", 99_000)]], [LOST]],
  ["beats again: back", [...FELL_SILENT, [15_000, shows("e2", 100)]], [LOST, "watchdog is back"]],
  [
    "falls silent again: told again",
    [...FELL_SILENT, [15_000, shows("e2", 0)], [25_200, shows("e2", 10_200)]],
    [LOST, "watchdog is back", LOST],
  ],
  [
    "was never there: one warning",
    [
      [0, NOTHING],
      [10_000, NOTHING],
    ],
    [],
  ],
  [
    "was never there for longer than the limit",
    [
      [0, NOTHING],
      [10_001, NOTHING],
      [12_000, NOTHING],
    ],
    ["watchdog: no heartbeat has ever been seen"],
  ],
  [
    "comes at last",
    [
      [0, NOTHING],
      [10_001, NOTHING],
      [12_000, shows("e1", 100)],
    ],
    ["watchdog: no heartbeat has ever been seen", "watchdog is there"],
  ],
  [
    "comes in time",
    [
      [0, NOTHING],
      [9_000, shows("e1", 100)],
      [12_000, shows("e2", 100)],
    ],
    [],
  ],
  ["died long before we looked: not at once, it may be starting too", [[0, shows("e1", HOUR_MS)]], []],
  [
    "died long before we looked, and stays away",
    [
      [0, shows("e1", HOUR_MS)],
      [10_001, shows("e1", HOUR_MS)],
    ],
    ["watchdog lost: no heartbeat for 3610.1s"],
  ],
  [
    "its stream is emptied: silence all the same",
    [
      [0, shows("e1", 0)],
      [10_200, NOTHING],
    ],
    [LOST],
  ],
  [
    "the bus is away: no verdict",
    [
      [0, shows("e1", 0)],
      [1_000, AWAY],
      [60_000, AWAY],
    ],
    [],
  ],
  [
    "the bus comes back with the old heartbeat: not at once",
    [
      [0, shows("e1", 0)],
      [1_000, AWAY],
      [20_000, shows("e1", 20_000)],
      [30_000, shows("e1", 30_000)],
    ],
    [],
  ],
  [
    "the bus comes back and the peer does not",
    [
      [0, shows("e1", 0)],
      [1_000, AWAY],
      [20_000, shows("e1", 20_000)],
      [30_001, shows("e1", 30_001)],
    ],
    ["watchdog lost: no heartbeat for 30.1s"],
  ],
  ["lost, and the bus comes back: no return", [...FELL_SILENT, [11_000, AWAY], [12_000, shows("e1", 12_000)]], [LOST]],
  [
    "lost, beat once while the bus could not be read, and is silent again: no return",
    [...FELL_SILENT, [11_000, AWAY], [60_000, shows("e2", 40_000)]],
    [LOST],
  ],
  [
    "the bus's clock jumps an hour ahead: nothing",
    [
      [0, shows("e1", 0)],
      [1_000, shows("e1", HOUR_MS)],
      [2_000, shows("e2", HOUR_MS)],
      [3_000, shows("e3", 0)],
    ],
    [],
  ],
  [
    "beats again, and its heartbeat is as old as it may be: back",
    [...FELL_SILENT, [15_000, shows("e2", 100)], [25_200, shows("e2", 10_300)], [35_200, shows("e3", 10_000)]],
    [LOST, "watchdog is back", "watchdog lost: no heartbeat for 10.3s", "watchdog is back"],
  ],
  [
    "the bus's clock jumps an hour ahead after a long while: a heartbeat that was not there before is new all the same",
    [...[0, 1, 2, 3, 4].map((i): Look => [i * 5_000, shows(`e${i}`, 100)]), [21_000, shows("e5", HOUR_MS)]],
    [],
  ],
  [
    "the bus's clock jumps an hour back: a dead peer does not look young",
    [
      [0, shows("e1", 0)],
      [5_000, shows("e1", 0)],
      [10_200, shows("e1", 0)],
    ],
    [LOST],
  ],
];

describe("a peer that", () => {
  for (const [name, looks, lines] of ROWS) {
    test(name, () => expect(play(looks).map(({ text }) => text)).toEqual([...lines]));
  }
});

test("a loss is an alarm, an absence from the start a warning", () => {
  expect(play(FELL_SILENT)).toMatchObject([{ level: "critical", mark: "alarm" }]);
  expect(
    play([
      [0, NOTHING],
      [10_001, NOTHING],
    ]),
  ).toMatchObject([{ level: "warn" }]);
});

test("each peer is judged by itself", () => {
  const both = (eew: number): Reading<readonly LastHeard[]> =>
    known([
      { role: "watchdog", last: { entry: `w${eew}`, ageMs: 100 } },
      { role: "eew", last: { entry: "e1", ageMs: eew } },
    ]);
  const told = play([
    [0, both(0)],
    [5_000, both(5_000)],
    [10_100, both(10_100)],
  ]);
  expect(told.map(({ text }) => text)).toEqual(["eew lost: no heartbeat for 10.1s"]);
});

test("losses and returns alternate, whatever the bus shows", () => {
  const aReading = fc.oneof(
    fc.constant(AWAY),
    fc.constant(NOTHING),
    fc.tuple(fc.integer({ min: 0, max: 4 }), fc.nat(60_000)).map(([n, ageMs]) => shows(`e${n}`, ageMs)),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(15_000), aReading), { maxLength: 40 }), (gaps) => {
      let now = 0;
      const looks = gaps.map(([ms, reading]): Look => {
        now += ms;
        return [now, reading];
      });
      play(looks).forEach(({ level }, i) => {
        expect(level === "info").toBe(i % 2 === 1);
      });
    }),
  );
});

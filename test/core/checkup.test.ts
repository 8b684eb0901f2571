import { describe, expect, test } from "bun:test";
import { type CheckName, type CheckupFacts, checkup, type Finding, isFit } from "../../src/core/checkup.ts";
import { known, unknown } from "../../src/core/reading.ts";
import { aHalt } from "../support/core.ts";

type Redis = CheckupFacts["redis"];
type Venue = CheckupFacts["venue"];

const REDIS: Redis = {
  roundTripMs: known(0.4),
  memory: known({ maxBytes: 0, policy: "noeviction" }),
  write: known(null),
  halt: known(null),
};
const VENUE: Venue = {
  roundTripMs: known(41.2),
  clockAheadMs: known(-3),
  key: { kind: "granted" },
  account: known({ canTrade: true, mode: "hedge" }),
  orderLimits: known({ per10s: 300, perMinute: 1_200 }),
  positions: known(2),
  restingOrders: known(0),
};

interface Changes {
  readonly redis?: Partial<Redis>;
  readonly venue?: Partial<Venue>;
  readonly directLine?: CheckupFacts["directLine"];
  readonly alerts?: CheckupFacts["alerts"];
}

function facts(changes: Changes = {}): CheckupFacts {
  return {
    settings: "testnet",
    redis: { ...REDIS, ...changes.redis },
    venue: { ...VENUE, ...changes.venue },
    stateDirectory: { path: "/var/lib/quantum", writable: known(null) },
    directLine: changes.directLine ?? null,
    alerts: changes.alerts ?? [{ name: "the webhook", tested: null }],
  };
}

/** What is not ok. */
function troubles(given: CheckupFacts): readonly Finding[] {
  return checkup(given).filter(({ verdict }) => verdict !== "ok");
}

test("a deployment that has everything is fit, and there is nothing to do", () => {
  const findings = checkup(facts());
  expect(isFit(findings)).toBe(true);
  expect(findings.map(({ check, found }) => `${check}: ${found}`)).toEqual([
    "settings: testnet",
    "redis: answers within 1 ms",
    "redis_memory: no maxmemory: nothing is evicted",
    "redis_write: can be written and read back",
    "halt: can be read: trading is not halted",
    "venue: answers within 42 ms",
    "clock: this machine's clock is 3 ms ahead of the venue's",
    "key: is accepted",
    "account: may trade",
    "position_mode: hedge: a long and a short leg per symbol",
    "order_limits: 300 orders per 10 s, 1200 per minute",
    "positions: can be read: 2 open",
    "resting_orders: can be read: 0 resting",
    "state_directory: /var/lib/quantum can be written",
    "alerts: go to the webhook",
  ]);
  expect(findings.every(({ verdict, advice }) => verdict === "ok" && advice === null)).toBe(true);
});

describe("one thing that is wrong is one line", () => {
  const rows: readonly (readonly [
    fact: string,
    given: CheckupFacts,
    check: CheckName,
    verdict: "warn" | "fail",
    words: string,
  ])[] = [
    [
      "a worker that does not answer at its door, perhaps not started yet",
      facts({ directLine: { url: "http://127.0.0.1:8702", answers: unknown("connect ECONNREFUSED") } }),
      "direct_line",
      "warn",
      "connect ECONNREFUSED",
    ],
    ["nobody to tell", facts({ alerts: [] }), "alerts", "warn", "nobody is told of an incident"],
    [
      "a test alert that did not arrive",
      facts({
        alerts: [
          { name: "webhook 1", tested: known(null) },
          { name: "webhook 2", tested: unknown("HTTP 404") },
        ],
      }),
      "alerts",
      "fail",
      "a test alert did not arrive: webhook 2: HTTP 404",
    ],
    ["a slow Redis", facts({ redis: { roundTripMs: known(100.1) } }), "redis", "warn", "answers within 101 ms"],
    [
      "a Redis that evicts",
      facts({ redis: { memory: known({ maxBytes: 1_048_576, policy: "allkeys-lru" }) } }),
      "redis_memory",
      "fail",
      "maxmemory is 1048576 bytes, maxmemory-policy is allkeys-lru",
    ],
    [
      "a Redis that evicts only what expires",
      facts({ redis: { memory: known({ maxBytes: 1, policy: "volatile-ttl" }) } }),
      "redis_memory",
      "fail",
      "volatile-ttl",
    ],
    [
      "a Redis that would evict if somebody gave it a limit",
      facts({ redis: { memory: known({ maxBytes: 0, policy: "allkeys-lru" }) } }),
      "redis_memory",
      "warn",
      "maxmemory is 0 bytes, maxmemory-policy is allkeys-lru",
    ],
    [
      "a Redis whose memory can't be read",
      facts({ redis: { memory: unknown("NOPERM") } }),
      "redis_memory",
      "warn",
      "NOPERM",
    ],
    [
      "a Redis that takes no writes",
      facts({ redis: { write: unknown("READONLY") } }),
      "redis_write",
      "fail",
      "READONLY",
    ],
    ["a halt", facts({ redis: { halt: known(aHalt()) } }), "halt", "warn", "trading is halted by watchdog: "],
    ["a halt that can't be read", facts({ redis: { halt: unknown("WRONGTYPE") } }), "halt", "fail", "WRONGTYPE"],
    ["a slow venue", facts({ venue: { roundTripMs: known(1_000.1) } }), "venue", "warn", "answers within 1001 ms"],
    [
      "a clock that is slow",
      facts({ venue: { clockAheadMs: known(1_001) } }),
      "clock",
      "warn",
      "this machine's clock is 1001 ms behind the venue's",
    ],
    [
      "a clock that is fast",
      facts({ venue: { clockAheadMs: known(-86_400_000) } }),
      "clock",
      "warn",
      "86400000 ms ahead of the venue's",
    ],
    [
      "a venue that does not tell its time",
      facts({ venue: { clockAheadMs: unknown("HTTP 500") } }),
      "clock",
      "fail",
      "HTTP 500",
    ],
    [
      "an account that may not trade",
      facts({ venue: { account: known({ canTrade: false, mode: "one_way" }) } }),
      "account",
      "fail",
      "may not trade (canTrade is false)",
    ],
    [
      "order limits that can't be read",
      facts({ venue: { orderLimits: unknown("HTTP 500") } }),
      "order_limits",
      "warn",
      "HTTP 500",
    ],
    [
      "positions that can't be read",
      facts({ venue: { positions: unknown("HTTP 500") } }),
      "positions",
      "fail",
      "HTTP 500",
    ],
    [
      "orders that can't be read",
      facts({ venue: { restingOrders: unknown("HTTP 500") } }),
      "resting_orders",
      "fail",
      "HTTP 500",
    ],
    [
      "a state directory that can't be written",
      { ...facts(), stateDirectory: { path: "/x", writable: unknown("/x can't be written (EACCES)") } },
      "state_directory",
      "fail",
      "EACCES",
    ],
  ];
  test.each(rows)("%s", (_fact, given, check, verdict, words) => {
    const found = troubles(given);
    expect(found).toMatchObject([{ check, verdict }]);
    expect(found[0]?.found).toContain(words);
    expect(found[0]?.advice).toMatch(/^[a-z].{5,}[^.]$/);
    expect(isFit(checkup(given))).toBe(verdict === "warn");
  });

  test.each([
    [
      "one that is just fast enough",
      facts({ redis: { roundTripMs: known(100) }, venue: { roundTripMs: known(1_000) } }),
    ],
    ["a full memory that evicts nothing", facts({ redis: { memory: known({ maxBytes: 1, policy: "noeviction" }) } })],
    ["a clock that is a second off", facts({ venue: { clockAheadMs: known(1_000) } })],
  ])("and none is %s", (_fact, given) => {
    expect(troubles(given)).toEqual([]);
  });
});

describe("what can't be had for want of something else is said once", () => {
  const unread = unknown("no answer within 2500 ms");
  const unreadRedis: Redis = { roundTripMs: unread, memory: unread, write: unread, halt: unread };
  const afterKey = { account: unread, orderLimits: unread, positions: unread, restingOrders: unread };
  const noKey = { kind: "unknown", why: "no answer within 2500 ms" } as const;

  test("a Redis that does not answer", () => {
    const found = troubles(facts({ redis: unreadRedis }));
    expect(found.map(({ check, verdict }) => `${check} ${verdict}`)).toEqual([
      "redis fail",
      "redis_memory fail",
      "redis_write fail",
      "halt fail",
    ]);
    expect(found.slice(1).map((finding) => finding.found)).toEqual(Array(3).fill("not checked: Redis can't be used"));
    expect(found.filter(({ advice }) => advice !== null)).toHaveLength(1);
  });

  test("a venue that does not answer", () => {
    const found = troubles(facts({ venue: { roundTripMs: unread, clockAheadMs: unread, key: noKey, ...afterKey } }));
    expect(found[0]).toMatchObject({ check: "venue", found: "no answer within 2500 ms" });
    expect(new Set(found.slice(1).map((finding) => finding.found))).toEqual(
      new Set(["not checked: the venue does not answer"]),
    );
    expect(found.filter(({ advice }) => advice !== null)).toHaveLength(1);
  });

  test("a key that is refused, in the venue's words", () => {
    const why = "HTTP 401, code -2015 (this is a Portfolio Margin account: …)";
    const found = troubles(facts({ venue: { key: { kind: "refused", why }, ...afterKey } }));
    expect(found[0]).toMatchObject({ check: "key", verdict: "fail", found: why });
    expect(new Set(found.slice(1).map((finding) => finding.found))).toEqual(
      new Set(["not checked: the key is not accepted"]),
    );
  });

  test("but what was read all the same is told", () => {
    const found = checkup(facts({ venue: { roundTripMs: unread } }));
    expect(found.find(({ check }) => check === "positions")).toMatchObject({
      verdict: "ok",
      found: "can be read: 2 open",
    });
  });

  test("a key of which nobody knows is a failure of its own", () => {
    const found = troubles(facts({ venue: { key: noKey } }));
    expect(found).toMatchObject([{ check: "key", verdict: "fail", found: noKey.why }]);
  });
});

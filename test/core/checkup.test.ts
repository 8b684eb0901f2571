import { describe, expect, test } from "bun:test";
import type { ExitsView } from "../../src/core/brain-note.ts";
import { type CheckName, type CheckupFacts, checkup, type Finding, isFit } from "../../src/core/checkup.ts";
import { known, unknown } from "../../src/core/reading.ts";
import { aDrill, aHalt } from "../support/core.ts";

type Redis = CheckupFacts["redis"];
type Venue = CheckupFacts["venue"];

const REDIS: Redis = {
  roundTripMs: known(0.4),
  memory: known({ maxBytes: 0, policy: "noeviction" }),
  disk: known({ appends: true }),
  write: known(null),
  halt: known(null),
  lastDrill: known(aDrill()),
};
const VENUE: Venue = {
  testnet: true,
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
  readonly exits?: Partial<CheckupFacts["exits"]>;
  readonly directLine?: CheckupFacts["directLine"];
  readonly alerts?: CheckupFacts["alerts"];
}

function facts(changes: Changes = {}): CheckupFacts {
  return {
    settings: "testnet",
    redis: { ...REDIS, ...changes.redis },
    venue: { ...VENUE, ...changes.venue },
    exits: { installed: known(null), brain: { kind: "watch" }, ...changes.exits },
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
    "redis_disk: each change goes to its disk at once",
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
    "exit_policy: none, the brain only watches",
    "state_directory: /var/lib/quantum can be written",
    "last_drill: the last drill passed 3 days ago",
    "alerts: go to the webhook",
  ]);
  expect(findings.every(({ verdict, advice }) => verdict === "ok" && advice === null)).toBe(true);
});

const DAY_MS = 86_400_000;

test.each<readonly [string, Changes, string]>([
  [
    "a drill is under way",
    { redis: { lastDrill: known(aDrill({ verdict: "begun" }, 40_000)) } },
    "a drill was begun 40 s ago",
  ],
  [
    "it is just young enough",
    { redis: { lastDrill: known(aDrill({}, 35 * DAY_MS)) } },
    "the last drill passed 35 days ago",
  ],
  [
    "real money is here, where no drill is ever run",
    { redis: { lastDrill: known(null) }, venue: { testnet: false } },
    "none here, where real money is: drill this account's twin on the testnet, monthly",
  ],
])("the last drill is no trouble where %s", (_what, changes, found) => {
  expect(checkup(facts(changes)).find(({ check }) => check === "last_drill")).toMatchObject({ verdict: "ok", found });
});

const INSTALLED = { path: "/etc/quantum/exits.yaml", sha256: "a1" };

/** A brain that runs a policy. */
function running(changes: Partial<Extract<ExitsView, { kind: "policy" }>> = {}): ExitsView {
  return { kind: "policy", sha256: INSTALLED.sha256, mode: "live", stance: "live", quiet: [], ...changes };
}

test.each<readonly [string, ExitsView, string]>([
  ["acts", running(), "/etc/quantum/exits.yaml, live and acted on"],
  [
    "was started in shadow",
    running({ mode: "shadow", stance: "told" }),
    "/etc/quantum/exits.yaml, in shadow, started with --shadow: it is told, and not acted on",
  ],
  [
    "goes without a stream",
    running({ quiet: ["marks"] }),
    "/etc/quantum/exits.yaml, live and acted on; quiet streams: marks",
  ],
  ["does not beat", { kind: "nobody" }, "/etc/quantum/exits.yaml is valid; no brain beats"],
])("the policy that is installed is no trouble where the brain %s", (_what, brain, found) => {
  const findings = checkup(facts({ exits: { installed: known(INSTALLED), brain } }));
  expect(findings.find(({ check }) => check === "exit_policy")).toMatchObject({ verdict: "ok", found, advice: null });
});

test.each<readonly [string, ExitsView, string]>([
  ["runs one of its own", running({ sha256: "b2" }), "the brain runs one of its own, live and acted on"],
  ["guards a bot", { kind: "guard" }, "none, the brain guards a bot that leaves positions by itself"],
  ["says nothing", { kind: "unsaid" }, "none is installed"],
  ["can't be asked", { kind: "unknown", why: "NOPERM" }, "none is installed"],
])("no policy is installed, and that is no trouble where the brain %s", (_what, brain, found) => {
  const findings = checkup(facts({ exits: { brain } }));
  expect(findings.find(({ check }) => check === "exit_policy")).toMatchObject({ verdict: "ok", found, advice: null });
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
    [
      "a policy that no brain would start with",
      facts({ exits: { installed: unknown("--policy: /etc/quantum/exits.yaml:2: stop-loss is nonsense") } }),
      "exit_policy",
      "fail",
      "--policy: /etc/quantum/exits.yaml:2: stop-loss is nonsense",
    ],
    [
      "a policy that was edited and not brought into force",
      facts({ exits: { installed: known(INSTALLED), brain: running({ sha256: "b2" }) } }),
      "exit_policy",
      "warn",
      "/etc/quantum/exits.yaml was changed, and the brain runs a former one, live and acted on",
    ],
    [
      "a policy that waits for a person after an incident",
      facts({ exits: { installed: known(INSTALLED), brain: running({ stance: "waiting" }) } }),
      "exit_policy",
      "warn",
      "/etc/quantum/exits.yaml, in shadow since the last incident, until a person says: quantum brain live",
    ],
    [
      "a policy that the brain does not run",
      facts({ exits: { installed: known(INSTALLED), brain: { kind: "watch" } } }),
      "exit_policy",
      "fail",
      "/etc/quantum/exits.yaml is installed, and the brain does not run it: none, the brain only watches",
    ],
    [
      "a brain that does not say whether it runs the policy",
      facts({ exits: { installed: known(INSTALLED), brain: { kind: "unsaid" } } }),
      "exit_policy",
      "warn",
      "/etc/quantum/exits.yaml is valid; whether the brain runs it can't be told: the brain that beats says nothing of one",
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
    ["no drill ever", facts({ redis: { lastDrill: known(null) } }), "last_drill", "warn", "no drill is on record"],
    [
      "a drill that is too old",
      facts({ redis: { lastDrill: known(aDrill({}, 35 * DAY_MS + 1)) } }),
      "last_drill",
      "fail",
      "the last drill is 36 days old, more than 35 days",
    ],
    [
      "a drill that failed",
      facts({ redis: { lastDrill: known(aDrill({ verdict: "failed", why: "trading_halted false, expected true" })) } }),
      "last_drill",
      "fail",
      "the last drill, 3 days ago, failed: trading_halted false, expected true",
    ],
    [
      "a drill that did not come to its end",
      facts({ redis: { lastDrill: known(aDrill({ verdict: "aborted", why: "The drill was interrupted" })) } }),
      "last_drill",
      "fail",
      "the last drill, 3 days ago, aborted: The drill was interrupted",
    ],
    [
      "a drill whose own process died",
      facts({ redis: { lastDrill: known(aDrill({ verdict: "begun" }, 600_001)) } }),
      "last_drill",
      "fail",
      "the last drill was begun 11 min ago and has no verdict",
    ],
    [
      "a drill's record that is not one",
      facts({ redis: { lastDrill: known({ ...aDrill(), record: null }) } }),
      "last_drill",
      "fail",
      "the record of the last drill, 3 days ago, can't be read",
    ],
    [
      "a drill's record that can't be read",
      facts({ redis: { lastDrill: unknown("read quantum:drills: NOPERM") } }),
      "last_drill",
      "fail",
      "the last drill can't be read, read quantum:drills: NOPERM",
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
      "a Redis that a power cut takes the heartbeats from",
      facts({ redis: { disk: known({ appends: false }) } }),
      "redis_disk",
      "warn",
      "appendonly is no",
    ],
    [
      "a Redis whose disk can't be asked about",
      facts({ redis: { disk: unknown("NOPERM") } }),
      "redis_disk",
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
  const unreadRedis: Redis = {
    roundTripMs: unread,
    memory: unread,
    disk: unread,
    write: unread,
    halt: unread,
    lastDrill: unread,
  };
  const afterKey = { account: unread, orderLimits: unread, positions: unread, restingOrders: unread };
  const noKey = { kind: "unknown", why: "no answer within 2500 ms" } as const;

  test("a Redis that does not answer", () => {
    const found = troubles(facts({ redis: unreadRedis }));
    expect(found.map(({ check, verdict }) => `${check} ${verdict}`)).toEqual([
      "redis fail",
      "redis_memory fail",
      "redis_disk fail",
      "redis_write fail",
      "halt fail",
      "last_drill fail",
    ]);
    expect(found.slice(1).map((finding) => finding.found)).toEqual(Array(5).fill("not checked: Redis can't be used"));
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

test("every trouble comes with what a person has to do about it", () => {
  const unread = unknown("no answer");
  const one = (check: CheckName, given: CheckupFacts): string =>
    `${check}: ${checkup(given).find((finding) => finding.check === check)?.advice}`;
  const redis = (changes: Partial<Redis>): CheckupFacts => facts({ redis: changes });
  const venue = (changes: Partial<Venue>): CheckupFacts => facts({ venue: changes });
  expect([
    one("redis", redis({ roundTripMs: unread })),
    one("redis", redis({ roundTripMs: known(101) })),
    one("redis_memory", redis({ memory: unread })),
    one("redis_memory", redis({ memory: known({ maxBytes: 0, policy: "allkeys-lru" }) })),
    one("redis_disk", redis({ disk: unread })),
    one("redis_disk", redis({ disk: known({ appends: false }) })),
    one("redis_write", redis({ write: unread })),
    one("halt", redis({ halt: unread })),
    one("halt", redis({ halt: known(aHalt()) })),
    one("venue", venue({ roundTripMs: unread })),
    one("venue", venue({ roundTripMs: known(1_001) })),
    one("clock", venue({ clockAheadMs: unread })),
    one("clock", venue({ clockAheadMs: known(1_001) })),
    one("key", venue({ key: { kind: "refused", why: "-2015" } })),
    one("key", venue({ key: { kind: "unknown", why: "no answer" } })),
    one("account", venue({ account: unread })),
    one("account", venue({ account: known({ canTrade: false, mode: "hedge" }) })),
    one("position_mode", venue({ account: unread })),
    one("order_limits", venue({ orderLimits: unread })),
    one("positions", venue({ positions: unread })),
    one("resting_orders", venue({ restingOrders: unread })),
    one("state_directory", { ...facts(), stateDirectory: { path: "/x", writable: unread } }),
    one("direct_line", facts({ directLine: { url: "http://127.0.0.1:8702", answers: unread } })),
    one("last_drill", redis({ lastDrill: known(null) })),
    one("last_drill", redis({ lastDrill: known(aDrill({}, 36 * DAY_MS)) })),
    one("last_drill", redis({ lastDrill: known(aDrill({ verdict: "failed" })) })),
    one("last_drill", redis({ lastDrill: unread })),
    one("alerts", facts({ alerts: [] })),
    one("alerts", facts({ alerts: [{ name: "webhook", tested: unread }] })),
  ]).toEqual([
    "redis: start Redis, or set REDIS_URL or --redis-url",
    "redis: use a nearer Redis: more than 100 ms leaves a panic too few tries",
    "redis_memory: let the user of REDIS_URL run INFO",
    "redis_memory: set maxmemory-policy noeviction: any other lets Redis drop the halt or a panic event",
    "redis_disk: let the user of REDIS_URL run INFO",
    "redis_disk: redis-cli CONFIG SET appendonly yes, then CONFIG REWRITE: without the heartbeats nobody misses a brain",
    "redis_write: let the user of REDIS_URL write, and use no replica",
    "halt: look at system:state:trading: until it can be read trading counts as halted",
    "halt: look at quantum status, then quantum reset",
    "venue: let this host reach the venue, or set BINANCE_BASE_URL",
    "venue: run nearer to the venue: more than 1000 ms a call leaves a pass of 10 s too few of them",
    "clock: look at why the venue does not tell its time",
    "clock: set the clock (NTP): while the venue's can't be read, requests are stamped with it and refused",
    "key: mend the key as it says there",
    "key: run it again",
    "account: run it again",
    "account: look at the account at the venue: it is restricted, and no close would be taken",
    "position_mode: run it again",
    "order_limits: the documented limits are used, 300 per 10 s and 1200 per minute",
    "positions: what can't be read can't be closed: run it again",
    "resting_orders: what can't be read can't be cancelled: run it again",
    "state_directory: create it for the user that the roles run as, or set STATE_DIRECTORY",
    "direct_line: start the worker, with the same QUANTUM_DIRECT_HTTP",
    "last_drill: run quantum chaos, on the testnet every month",
    "last_drill: run quantum chaos, and look at why quantum-chaos.timer did not",
    "last_drill: look at why, mend it, and run quantum chaos again",
    "last_drill: let the user of REDIS_URL read quantum:drills (redis/users.acl), or run quantum chaos again",
    "alerts: set ALERT_WEBHOOK_URL, or TELEGRAM_BOT_TOKEN and TELEGRAM_CHAT_ID",
    "alerts: mend the address or the token, then run quantum doctor --test-alert again",
  ]);
});

test("what is found in order, in its other words", () => {
  const one = (check: CheckName, given: CheckupFacts): string | undefined =>
    checkup(given).find((finding) => finding.check === check)?.found;
  const webhook = { name: "the webhook", tested: known(null) };
  const telegram = { name: "Telegram", tested: known(null) };
  expect([
    one("position_mode", facts({ venue: { account: known({ canTrade: true, mode: "one_way" }) } })),
    one("clock", facts({ venue: { clockAheadMs: known(0) } })),
    one("redis_memory", facts({ redis: { memory: known({ maxBytes: 1, policy: "noeviction" }) } })),
    one("direct_line", facts({ directLine: { url: "http://127.0.0.1:8702", answers: known(null) } })),
    one("alerts", facts({ alerts: [webhook, telegram] })),
    one("alerts", facts({ alerts: [webhook, { ...telegram, tested: null }] })),
    one(
      "alerts",
      facts({
        alerts: [
          { ...webhook, tested: unknown("404") },
          { ...telegram, tested: unknown("403") },
        ],
      }),
    ),
  ]).toEqual([
    "one-way",
    "this machine's clock is 0 ms behind the venue's",
    "maxmemory is 1 bytes, maxmemory-policy is noeviction",
    "the worker answers at http://127.0.0.1:8702",
    "a test alert arrived: the webhook, Telegram",
    "go to the webhook, Telegram",
    "a test alert did not arrive: the webhook: 404; Telegram: 403",
  ]);
});

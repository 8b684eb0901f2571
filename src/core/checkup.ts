/** Is everything there that an exit needs? What was found out, judged: in the words of `quantum doctor`. */

import { type ExitsView, exitsLine } from "./brain-note.ts";
import { DRILL_ADVICE, drillStanding, type LastDrill } from "./drill.ts";
import type { Halt } from "./messages.ts";
import type { PositionMode } from "./position.ts";
import type { Reading } from "./reading.ts";

/** What was found out about a deployment. Nothing in here was changed to find it out. */
export interface CheckupFacts {
  /** The settings that were used, in one line. */
  readonly settings: string;
  readonly redis: {
    readonly roundTripMs: Reading<number>;
    readonly memory: Reading<{ readonly maxBytes: number; readonly policy: string }>;
    /** Whether each change goes to a file at once (`appendonly`), or all of them every few minutes, if ever. */
    readonly disk: Reading<{ readonly appends: boolean }>;
    /** Known: what was written could be read back. */
    readonly write: Reading<null>;
    readonly halt: Reading<Halt | null>;
    readonly lastDrill: Reading<LastDrill | null>;
  };
  readonly venue: {
    readonly testnet: boolean;
    readonly roundTripMs: Reading<number>;
    /** How far the venue's clock is ahead of this machine's wall clock. */
    readonly clockAheadMs: Reading<number>;
    readonly key: { readonly kind: "granted" } | { readonly kind: "refused" | "unknown"; readonly why: string };
    readonly account: Reading<{ readonly canTrade: boolean; readonly mode: PositionMode }>;
    readonly orderLimits: Reading<{ readonly per10s: number; readonly perMinute: number }>;
    readonly positions: Reading<number>;
    readonly restingOrders: Reading<number>;
  };
  readonly exits: {
    /** The policy that is installed, by the digest of its file; known null: none is; unknown: it is not in order, and why. */
    readonly installed: Reading<{ readonly path: string; readonly sha256: string } | null>;
    /** What the brain says that it runs. */
    readonly brain: ExitsView;
  };
  readonly stateDirectory: { readonly path: string; readonly writable: Reading<null> };
  /** Where the worker takes a panic without Redis, and whether it answers there; null where no place is set. */
  readonly directLine: { readonly url: string; readonly answers: Reading<null> } | null;
  /** Everyone who is told of an incident; `tested` is null where no test alert was asked for. */
  readonly alerts: readonly { readonly name: string; readonly tested: Reading<null> | null }[];
}

/** What is checked, in the order of the report. */
export type CheckName =
  | "settings"
  | "redis"
  | "redis_memory"
  | "redis_disk"
  | "redis_write"
  | "halt"
  | "venue"
  | "clock"
  | "key"
  | "account"
  | "position_mode"
  | "order_limits"
  | "positions"
  | "resting_orders"
  | "exit_policy"
  | "state_directory"
  | "direct_line"
  | "last_drill"
  | "alerts";

/** How a check ended; `warn` is no reason not to go live. */
export type Verdict = "ok" | "warn" | "fail";

/** One line of the report. */
export interface Finding {
  readonly check: CheckName;
  readonly verdict: Verdict;
  readonly found: string;
  /** What a person has to do; null where there is nothing to do. */
  readonly advice: string | null;
}

/** A panic that Redis has not confirmed within 700 ms is published again (`config/redis.ts`); this leaves it seven round trips. */
const REDIS_SLOW_MS = 100;

/** A pass of 10 s makes about five round trips, some with several MiB to read; a slower venue eats up half of it. */
const VENUE_SLOW_MS = 1_000;

/** A request stamped this far ahead is refused whatever its window (binance.md 2.5): the worst a wall clock can do. */
const CLOCK_OFF_MS = 1_000;

/** Why nothing is known of what Redis holds. */
const NO_REDIS = "Redis can't be used";

/** Every check, judged. */
export function checkup(facts: CheckupFacts): readonly Finding[] {
  const { redis, venue, stateDirectory } = facts;
  const noRedis = redis.roundTripMs.known ? null : NO_REDIS;
  const noVenue = venue.roundTripMs.known ? null : "the venue does not answer";
  const noKey = noVenue ?? (venue.key.kind === "granted" ? null : "the key is not accepted");
  return [
    ok("settings", facts.settings),
    judged("redis", redis.roundTripMs, null, "start Redis, or set REDIS_URL or --redis-url", redisSpeed),
    judged("redis_memory", redis.memory, noRedis, "let the user of REDIS_URL run INFO", redisMemory, "warn"),
    judged("redis_disk", redis.disk, noRedis, "let the user of REDIS_URL run INFO", redisDisk, "warn"),
    judged("redis_write", redis.write, noRedis, "let the user of REDIS_URL write, and use no replica", () =>
      ok("redis_write", "can be written and read back"),
    ),
    judged(
      "halt",
      redis.halt,
      noRedis,
      "look at system:state:trading: until it can be read trading counts as halted",
      halted,
    ),
    judged("venue", venue.roundTripMs, null, "let this host reach the venue, or set BINANCE_BASE_URL", venueSpeed),
    judged("clock", venue.clockAheadMs, noVenue, "look at why the venue does not tell its time", clock),
    key(venue.key, noVenue),
    judged("account", venue.account, noKey, "run it again", account),
    judged("position_mode", venue.account, noKey, "run it again", ({ mode }) =>
      ok("position_mode", mode === "hedge" ? "hedge: a long and a short leg per symbol" : "one-way"),
    ),
    judged(
      "order_limits",
      venue.orderLimits,
      noKey,
      "the documented limits are used, 300 per 10 s and 1200 per minute",
      limits,
      "warn",
    ),
    judged("positions", venue.positions, noKey, "what can't be read can't be closed: run it again", (count) =>
      ok("positions", `can be read: ${count} open`),
    ),
    judged(
      "resting_orders",
      venue.restingOrders,
      noKey,
      "what can't be read can't be cancelled: run it again",
      (count) => ok("resting_orders", `can be read: ${count} resting`),
    ),
    judged(
      "exit_policy",
      facts.exits.installed,
      null,
      "mend it, then quantum install --restart: with this one no brain starts",
      (installed) => exitPolicy(installed, facts.exits.brain),
    ),
    judged(
      "state_directory",
      stateDirectory.writable,
      null,
      "create it for the user that the roles run as, or set STATE_DIRECTORY",
      () => ok("state_directory", `${stateDirectory.path} can be written`),
    ),
    ...(facts.directLine === null ? [] : [directLine(facts.directLine)]),
    lastDrill(facts),
    alerts(facts.alerts),
  ];
}

/** Whether a live deployment has what it needs. */
export function isFit(findings: readonly Finding[]): boolean {
  return findings.every(({ verdict }) => verdict !== "fail");
}

function ok(check: CheckName, found: string): Finding {
  return { check, verdict: "ok", found, advice: null };
}

/**
 * What is known is judged by `judge`. What is not is a failure: without its ground (`missing`) it was not to be had, and
 * there is nothing to do about it but what is said there.
 */
function judged<T>(
  check: CheckName,
  reading: Reading<T>,
  missing: string | null,
  advice: string,
  judge: (value: T) => Finding,
  unread: Verdict = "fail",
): Finding {
  if (reading.known) return judge(reading.value);
  if (missing !== null) return { check, verdict: "fail", found: `not checked: ${missing}`, advice: null };
  return { check, verdict: unread, found: reading.why, advice };
}

function redisSpeed(ms: number): Finding {
  const found = `answers within ${wholeMs(ms)}`;
  if (ms <= REDIS_SLOW_MS) return ok("redis", found);
  const advice = `use a nearer Redis: more than ${REDIS_SLOW_MS} ms leaves a panic too few tries`;
  return { check: "redis", verdict: "warn", found, advice };
}

/** Whether Redis keeps what it was told: the halt and the panic events must never make room for anything. */
export function redisMemory({ maxBytes, policy }: { readonly maxBytes: number; readonly policy: string }): Finding {
  if (maxBytes === 0 && policy === "noeviction") return ok("redis_memory", "no maxmemory: nothing is evicted");
  const found = `maxmemory is ${maxBytes} bytes, maxmemory-policy is ${policy}`;
  if (policy === "noeviction") return ok("redis_memory", found);
  const advice = "set maxmemory-policy noeviction: any other lets Redis drop the halt or a panic event";
  // Without a limit nothing is evicted yet, and whoever sets one may not know what it would do here.
  return { check: "redis_memory", verdict: maxBytes === 0 ? "warn" : "fail", found, advice };
}

/** Redis that comes back with nothing knows of no heartbeat: nobody would miss the brain, and what is open stays open. */
function redisDisk({ appends }: { readonly appends: boolean }): Finding {
  if (appends) return ok("redis_disk", "each change goes to its disk at once");
  const advice =
    "redis-cli CONFIG SET appendonly yes, then CONFIG REWRITE: without the heartbeats nobody misses a brain";
  return { check: "redis_disk", verdict: "warn", found: "appendonly is no: a power cut takes the heartbeats", advice };
}

function halted(halt: Halt | null): Finding {
  if (halt === null) return ok("halt", "can be read: trading is not halted");
  const found = `trading is halted by ${halt.source}: ${halt.reason}`;
  return { check: "halt", verdict: "warn", found, advice: "look at quantum status, then quantum reset" };
}

function venueSpeed(ms: number): Finding {
  const found = `answers within ${wholeMs(ms)}`;
  if (ms <= VENUE_SLOW_MS) return ok("venue", found);
  const advice = `run nearer to the venue: more than ${VENUE_SLOW_MS} ms a call leaves a pass of 10 s too few of them`;
  return { check: "venue", verdict: "warn", found, advice };
}

function clock(aheadMs: number): Finding {
  const way = aheadMs < 0 ? "ahead of" : "behind";
  const found = `this machine's clock is ${wholeMs(Math.abs(aheadMs))} ${way} the venue's`;
  if (Math.abs(aheadMs) <= CLOCK_OFF_MS) return ok("clock", found);
  const advice = "set the clock (NTP): while the venue's can't be read, requests are stamped with it and refused";
  return { check: "clock", verdict: "warn", found, advice };
}

function key(fact: CheckupFacts["venue"]["key"], missing: string | null): Finding {
  switch (fact.kind) {
    case "granted":
      return ok("key", "is accepted");
    case "refused":
      return { check: "key", verdict: "fail", found: fact.why, advice: "mend the key as it says there" };
    case "unknown":
      return judged("key", { known: false, why: fact.why }, missing, "run it again", () => ok("key", "is accepted"));
  }
}

function account({ canTrade }: { readonly canTrade: boolean }): Finding {
  if (canTrade) return ok("account", "may trade");
  const advice = "look at the account at the venue: it is restricted, and no close would be taken";
  return { check: "account", verdict: "fail", found: "may not trade (canTrade is false)", advice };
}

function limits({ per10s, perMinute }: { readonly per10s: number; readonly perMinute: number }): Finding {
  return ok("order_limits", `${per10s} orders per 10 s, ${perMinute} per minute`);
}

/** Whether the brain runs what was installed, and may act on it. */
function exitPolicy(installed: { readonly path: string; readonly sha256: string } | null, brain: ExitsView): Finding {
  const check = "exit_policy";
  if (brain.kind === "policy" && (installed === null || installed.sha256 === brain.sha256)) {
    const found = `${installed === null ? "the brain runs one of its own" : installed.path}, ${exitsLine(brain)}`;
    if (brain.stance !== "waiting") return ok(check, found);
    return { check, verdict: "warn", found, advice: "look at what it says that it would do, then quantum brain live" };
  }
  if (installed === null) {
    return ok(check, brain.kind === "watch" || brain.kind === "guard" ? exitsLine(brain) : "none is installed");
  }
  const { path } = installed;
  switch (brain.kind) {
    case "policy": {
      const found = `${path} was changed, and the brain runs a former one, ${exitsLine(brain)}`;
      return { check, verdict: "warn", found, advice: "quantum install --restart brings it into force" };
    }
    case "nobody":
      return ok(check, `${path} is valid; no brain beats`);
    case "watch":
    case "guard": {
      const found = `${path} is installed, and the brain does not run it: ${exitsLine(brain)}`;
      const advice = `quantum install --policy ${path} has it run it; systemctl cat shows what its unit runs instead`;
      return { check, verdict: "fail", found, advice };
    }
    case "unsaid":
    case "unknown": {
      const found = `${path} is valid; whether the brain runs it can't be told: ${exitsLine(brain)}`;
      return { check, verdict: "warn", found, advice: "look at systemctl status quantum-exit-brain" };
    }
  }
}

/** The worker may not have been started yet. */
function directLine({ url, answers }: NonNullable<CheckupFacts["directLine"]>): Finding {
  const advice = "start the worker, with the same QUANTUM_DIRECT_HTTP";
  return judged("direct_line", answers, null, advice, () => ok("direct_line", `the worker answers at ${url}`), "warn");
}

/**
 * Whether it was proven lately that all this works. No drill at all is a warning: a deployment has to run before it can be
 * drilled. One that is old, or did not pass, is a failure: a person was to look at it, and did not.
 */
function lastDrill({ redis, venue }: CheckupFacts): Finding {
  const check = "last_drill";
  if (!venue.testnet)
    return ok(check, "none here, where real money is: drill this account's twin on the testnet, monthly");
  if (!redis.roundTripMs.known && !redis.lastDrill.known) {
    return { check, verdict: "fail", found: `not checked: ${NO_REDIS}`, advice: null };
  }
  const { kind, words } = drillStanding(redis.lastDrill);
  if (kind === "proven" || kind === "under_way") return ok(check, words);
  return { check, verdict: kind === "never" ? "warn" : "fail", found: words, advice: DRILL_ADVICE[kind] };
}

function alerts(targets: CheckupFacts["alerts"]): Finding {
  if (targets.length === 0) {
    const advice = "set ALERT_WEBHOOK_URL, or TELEGRAM_BOT_TOKEN and TELEGRAM_CHAT_ID";
    return { check: "alerts", verdict: "warn", found: "nobody is told of an incident", advice };
  }
  const failed = targets.flatMap(({ name, tested }) =>
    tested === null || tested.known ? [] : [`${name}: ${tested.why}`],
  );
  if (failed.length > 0) {
    const advice = "mend the address or the token, then run quantum doctor --test-alert again";
    return { check: "alerts", verdict: "fail", found: `a test alert did not arrive: ${failed.join("; ")}`, advice };
  }
  const names = targets.map(({ name }) => name).join(", ");
  const tested = targets.every((target) => target.tested !== null);
  return ok("alerts", tested ? `a test alert arrived: ${names}` : `go to ${names}`);
}

/** Rounded up: nothing takes 0 ms. */
function wholeMs(ms: number): string {
  return `${Math.ceil(ms)} ms`;
}

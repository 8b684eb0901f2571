/** The operator's commands against a real Redis and the simulated exchange, in this process. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostClock } from "../../src/adapters/host/clock.ts";
import { redisBrainBus } from "../../src/adapters/redis/brain-bus.ts";
import { drillFields, type Fields, fieldsOf, type RawEntry } from "../../src/adapters/redis/codec.ts";
import { redisEewBus } from "../../src/adapters/redis/eew-bus.ts";
import { type Keys, keysOf } from "../../src/adapters/redis/keys.ts";
import { redisOperatorBus } from "../../src/adapters/redis/operator-bus.ts";
import { sign } from "../../src/adapters/redis/signature.ts";
import { redisWatchdogBus } from "../../src/adapters/redis/watchdog-bus.ts";
import type { Env } from "../../src/config/env.ts";
import { decimal } from "../../src/core/decimal.ts";
import type { Completion, Delivery, Heartbeat, Outcome } from "../../src/core/messages.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import type { BeatingRole, EewBus } from "../../src/ports/bus.ts";
import { type BinanceServer, serveBinance } from "../../src/sim/binance-server.ts";
import { Venue } from "../../src/sim/venue.ts";
import { aBeat, aDrillRecord, aHalt } from "../support/core.ts";
import { eventually } from "../support/eventually.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { cli, type Surroundings } from "./fake-io.ts";

// Real processes: a busy machine may be slow, and what is measured has bounds of its own.
setDefaultTimeout(30_000);

const API_KEY = "api-key-k3y";
const SECRET = "api-secret-s3cret";

let redis: TestRedis;
let server: BinanceServer;
let venue: Venue;
let keys: Keys;
let env: Env;
let namespaces = 0;
const state = mkdtempSync(join(tmpdir(), "quantum-commands-"));
const open: { close(): void }[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  await redis.stop();
  rmSync(state, { recursive: true, force: true });
});

beforeEach(async () => {
  const namespace = `cli${namespaces++}`;
  keys = keysOf(namespace);
  venue = new Venue({ now: hostClock.wall });
  venue.addAccount({ apiKey: API_KEY, secret: SECRET });
  server = await serveBinance({ venue });
  env = {
    REDIS_URL: redis.url,
    QUANTUM_NAMESPACE: namespace,
    BINANCE_TESTNET: "true",
    BINANCE_BASE_URL: server.url,
    BINANCE_API_KEY: API_KEY,
    BINANCE_API_SECRET: SECRET,
    STATE_DIRECTORY: state,
  };
});
afterEach(async () => {
  for (const side of open.splice(0)) side.close();
  await server.close();
});

function busOptions(): { url: string; namespace: string; triggerSecret: null; deadlineMs: number } {
  return { url: redis.url, namespace: env["QUANTUM_NAMESPACE"] ?? "", triggerSecret: null, deadlineMs: 2_000 };
}

function keep<T extends { close(): void }>(side: T): T {
  open.push(side);
  return side;
}

function worker(): EewBus {
  return keep(redisEewBus({ ...busOptions(), worker: "worker", clock: hostClock }));
}

/** One heartbeat of each role. */
async function beatAll(changes: Partial<Record<BeatingRole, Partial<Heartbeat>>> = {}): Promise<void> {
  const { heartbeat } = aBeat();
  const { details } = heartbeat;
  const armed: Heartbeat = { ...heartbeat, details: details && { ...details, state: "armed" } };
  const idle: Heartbeat = { ...heartbeat, details: details && { ...details, state: "idle" } };
  await keep(redisBrainBus(busOptions())).beat("brain", { ...heartbeat, ...changes.brain });
  await keep(redisWatchdogBus({ ...busOptions(), clock: hostClock })).beat("watchdog", {
    ...armed,
    ...changes.watchdog,
  });
  await worker().beat("eew", { ...idle, ...changes.eew });
}

function aReport(eventId: string, outcome: Outcome): Completion {
  const flat = outcome === "FLAT";
  return {
    eventId,
    outcome,
    positionsTotal: 1,
    positionsClosed: flat ? 1 : 0,
    positionsFailed: flat ? 0 : 1,
    failedSymbols: flat ? [] : ["BTCUSDT"],
    executionTimeMs: 40,
    reason: "TEST",
    source: "ops",
    ordersCancelled: 0,
    residual: flat ? [] : [{ symbol: "BTCUSDT", positionSide: "BOTH", amount: decimal("0.002") }],
    notionalUsd: decimal("207.5"),
  };
}

/** Takes the next event as a worker would, and reports it. */
async function answerNext(outcome: Outcome): Promise<void> {
  const eew = worker();
  let delivery: Delivery | null = null;
  await eventually("an event comes", async () => {
    const next = await eew.next();
    delivery = next.known ? next.value : null;
    return delivery !== null;
  });
  await report(eew, delivery, outcome);
}

async function report(eew: EewBus, delivery: Delivery | null, outcome: Outcome): Promise<void> {
  if (delivery === null) throw new Error("no event came");
  const { eventId } = delivery;
  await eew.report(delivery, aReport(eventId, outcome), { ...aHalt(eventId), positionsClosed: 1 });
}

/** Every panic event on the bus. */
async function panics(): Promise<readonly Fields[]> {
  const entries = (await redis.command("XRANGE", keys.panic, "-", "+")) as readonly RawEntry[];
  return entries.map(fieldsOf);
}

/** `quantum …`, with the one document that `--json` prints. */
async function json(argv: readonly string[], surroundings: Surroundings = {}): Promise<readonly [number, unknown]> {
  const { code, out } = await cli([...argv, "--json"], { env, ...surroundings });
  expect(out).toHaveLength(1);
  return [code, JSON.parse(out.join(""))];
}

/** The one line that a command line is refused with. */
async function refusal(argv: readonly string[], code: 1 | 2, surroundings: Surroundings = {}): Promise<string> {
  const ran = await cli(argv, { env, ...surroundings });
  expect(ran).toMatchObject({ code, out: [] });
  expect(ran.err).toHaveLength(1);
  expect(ran.err.join("")).not.toContain("s3cret");
  return ran.err.join("");
}

describe("quantum status", () => {
  test("is healthy while all three roles beat and nothing is halted", async () => {
    await beatAll();
    const { code, out, err } = await cli(["status"], { env });
    expect({ code, err }).toEqual({ code: 0, err: [] });
    const text = out.join("\n");
    expect(text).toMatch(/│ brain +│ yes +│ ALIVE +│ [\d.]+s ago +│ 2 positions, live +│/);
    expect(text).toMatch(/│ watchdog +│ yes +│ ALIVE +│ [\d.]+s ago +│ armed +│/);
    expect(text).toMatch(/│ eew +│ yes +│ ALIVE +│ [\d.]+s ago +│ idle +│/);
    const missing = "To look at:\n  - no drill is on record: run quantum chaos, on the testnet every month";
    const unsaid = "Exit policy: the brain that beats says nothing of one";
    expect(text).toEndWith(`Trading: allowed\n${unsaid}\nLast drill: none on record\n${missing}\nHealthy`);
  });

  test("shows the legs of a policy at work, and none that were closed behind its back", async () => {
    const note = { instance_id: "instance-1", does: "policy", policy_sha256: "ab".repeat(32), policy_mode: "live" };
    await redis.command("HSET", keys.brain, ...Object.entries(note).flat());
    const memory = {
      ...{ side: "long", openedAt: 1, rules: "r", entryPrice: "88000", amount: "0.4", size: "0.4", best: "88000" },
      ...{ stop: { level: "86240", rule: "stop_loss" }, r: "1760", steps: {}, exiting: null, sent: 0 },
    };
    const leg = { symbol: "BTCUSDT", positionSide: "BOTH", memory, earlier: null, pending: null, recalled: true };
    await redis.command("HSET", keys.exits, "BTCUSDT", JSON.stringify(leg), "*", "{}");
    const legsShown = async (): Promise<boolean> => {
      const { out } = await cli(["status"], { env });
      expect(out.join("\n")).toContain("Exit policy: live and acted on");
      return /│ BTCUSDT +│ long 0.4 +│ 88,000 +│ 88,000 +│ 86,240 \(stop loss\) +│/.test(out.join("\n"));
    };
    await beatAll();
    expect(await legsShown()).toBe(true);
    const fields = [
      "status",
      "ALIVE",
      "active_positions",
      "0",
      "ts",
      "1",
      "service_id",
      "exit_brain",
      "latency_ms",
      "1",
    ];
    await redis.command("XADD", keys.heartbeat.brain, "*", ...fields, "instance_id", "instance-1", "mode", "live");
    expect(await legsShown()).toBe(false);
  });

  test("--json is one document", async () => {
    await beatAll();
    expect(await json(["status"])).toEqual([
      0,
      {
        healthy: true,
        problems: [],
        attention: [expect.stringContaining("no drill is on record")],
        roles: [
          {
            role: "brain",
            alive: true,
            status: "ALIVE",
            age_ms: expect.any(Number),
            active_positions: 2,
            mode: "live",
            state: null,
            instance_id: "instance-1",
          },
          ...["watchdog", "eew"].map((role) => ({
            role,
            alive: true,
            status: "ALIVE",
            age_ms: expect.any(Number),
            state: role === "eew" ? "idle" : "armed",
            instance_id: "instance-1",
          })),
        ],
        halt: null,
        exit_policy: {
          brain: "unsaid",
          runs: null,
          acts: null,
          waits_for_person: false,
          started: null,
          sha256: null,
          quiet_streams: [],
          legs: null,
        },
        last_panic: null,
        last_drill: null,
      },
    ]);
  });

  test("shows the newest drill, and stays healthy over one that failed or is too old", async () => {
    await beatAll();
    const bus = keep(redisOperatorBus(busOptions()));
    await bus.keepDrill(aDrillRecord());
    expect(await json(["status"])).toMatchObject([0, { healthy: true, attention: [], last_drill: { passed: true } }]);
    await bus.keepDrill({ ...aDrillRecord(), verdict: "failed", eventId: null, why: "no halt" });
    expect(await json(["status"])).toMatchObject([
      0,
      {
        healthy: true,
        attention: [expect.stringMatching(/^the last drill, \d+ s ago, failed: no halt: look at why, mend it/)],
        last_drill: {
          at: expect.any(Number),
          age_ms: expect.any(Number),
          drill: "brain-kill",
          method: "sigkill",
          verdict: "failed",
          passed: false,
          event_id: null,
          started_at: 1_795_450_000_000,
          why: "no halt",
        },
      },
    ]);
    // With real money there is nothing to drill.
    const [, document] = await json(["status"], { env: { ...env, BINANCE_TESTNET: "false" } });
    expect(document).toMatchObject({ attention: [], last_drill: { verdict: "failed" } });
    await redis.command("DEL", keys.drills);
    const id = `${Date.now() - 36 * 86_400_000}-0`;
    await redis.command("XADD", keys.drills, id, ...drillFields(aDrillRecord()));
    const [code, old] = await json(["status"]);
    expect([code, old]).toMatchObject([0, { attention: [expect.stringMatching(/^the last drill is 37 days old/)] }]);
  });

  test("a record of a drill that can't be read is no pass", async () => {
    await beatAll();
    await redis.command("XADD", keys.drills, "*", "verdict", "passed");
    expect(await json(["status"])).toMatchObject([
      0,
      { last_drill: { verdict: null, passed: false }, attention: [expect.stringContaining("can't be read")] },
    ]);
    await redis.command("DEL", keys.drills);
    await redis.command("SET", keys.drills, "not a stream");
    const [code, document] = await json(["status"]);
    expect([code, document]).toMatchObject([
      0,
      { last_drill: null, attention: [expect.stringContaining("WRONGTYPE")] },
    ]);
  });

  test("of the drills so many are kept and no more", async () => {
    const bus = keep(redisOperatorBus(busOptions()));
    for (let i = 0; i < 250; i++) await bus.keepDrill({ ...aDrillRecord(), eventId: `event-${i}` });
    expect(await redis.command("XLEN", keys.drills)).toBe(240);
    const last = await bus.lastDrill();
    expect(last.known && last.value?.record?.eventId).toBe("event-249");
  });

  test("is unhealthy, and names everything that is wrong", async () => {
    await beatAll({ brain: { status: "DEGRADED" } });
    await redis.command("DEL", keys.heartbeat.eew);
    await cli(["panic", "--wait-ms", "0", "--reason", "FIRE"], { env });
    await redis.command("HSET", keys.halt, "halted", "true", "reason", "BY_HAND", "source", "me");
    const eventId = (await panics())[0]?.get("event_id");
    expect(await json(["status"])).toMatchObject([
      1,
      {
        healthy: false,
        problems: [
          "brain: says DEGRADED",
          "eew: no heartbeat has ever been seen",
          "trading is halted: BY_HAND",
          `event ${eventId}: no completion yet`,
        ],
        halt: { reason: "BY_HAND", source: "me", event_id: "", positions_closed: 0 },
        last_panic: { event_id: eventId, reason: "FIRE", issued_by: "ops", outcome: null },
      },
    ]);
    const { code, out } = await cli(["status"], { env });
    expect(code).toBe(1);
    expect(out.join("\n")).toContain("Trading: HALTED by me, BY_HAND");
    expect(out.join("\n")).toContain("  - brain: says DEGRADED");
  });

  test("an old heartbeat is no life", async () => {
    await beatAll();
    await redis.command("DEL", keys.heartbeat.brain);
    await redis.command("XADD", keys.heartbeat.brain, `${Date.now() - 5_100}-0`, "status", "ALIVE");
    const [code, document] = await json(["status"]);
    expect(code).toBe(1);
    expect(document).toMatchObject({ problems: [expect.stringMatching(/^brain: no heartbeat for 5\.\ds$/)] });
  });
});

describe("quantum gate", () => {
  test("exits 0 while trading is allowed", async () => {
    expect(await cli(["gate"], { env })).toEqual({ code: 0, out: ["Trading is allowed"], err: [] });
    expect(await json(["gate"])).toEqual([0, { allowed: true, reason: null }]);
  });

  test.each([
    ["the contract's halt", ["halted", "true", "reason", "FIRE"], "FIRE"],
    ["a halt of an unknown shape", ["something", "else"], ""],
  ] as const)("exits 1 on %s", async (_what, fields, reason) => {
    await redis.command("HSET", keys.halt, ...fields);
    expect(await cli(["gate"], { env })).toEqual({ code: 1, out: [`Trading is halted: ${reason}`], err: [] });
    expect(await json(["gate"])).toEqual([1, { allowed: false, reason }]);
  });

  test("exits 1 on a halt that can't be read", async () => {
    await redis.command("SET", keys.halt, "true");
    expect(await json(["gate"])).toMatchObject([1, { allowed: false, reason: expect.stringContaining("WRONGTYPE") }]);
  });

  test("looks at the namespace it is told, and at no other", async () => {
    await redis.command("HSET", keys.halt, "halted", "true");
    expect((await cli(["gate", "--namespace", "another"], { env })).code).toBe(0);
  });
});

describe("quantum panic", () => {
  test("--wait-ms 0 publishes an event as the contract has it, and waits for nothing", async () => {
    const { code, out, err } = await cli(["panic", "--wait-ms", "0"], { env });
    const [event, ...more] = await panics();
    expect(more).toEqual([]);
    expect([...(event?.keys() ?? [])]).toEqual(["event_id", "reason", "severity", "issued_by", "ts"]);
    expect(Object.fromEntries(event ?? [])).toMatchObject({
      event_id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
      reason: "OPERATOR_PANIC",
      severity: "CRITICAL",
      issued_by: "ops",
    });
    expect(Math.abs(Number(event?.get("ts")) - Date.now())).toBeLessThan(10_000);
    expect({ code, out }).toEqual({ code: 0, out: [] });
    expect(err).toEqual([`Panic close published to system:panic_close, event ID: ${event?.get("event_id")}`]);
  });

  test("signs the event where a trigger secret is set", async () => {
    const signed = { ...env, QUANTUM_TRIGGER_SECRET: "tr1gger" };
    const { err } = await cli(["panic", "--wait-ms", "0", "--reason", "my words"], { env: signed });
    const [event] = await panics();
    const eventId = event?.get("event_id") ?? "";
    const ts = Number(event?.get("ts")) as UnixMillis;
    expect(event?.get("sig")).toBe(sign("tr1gger", { eventId, reason: "my words", issuedBy: "ops", ts }));
    expect(err.join()).not.toContain("tr1gger");
  });

  test("--json is one document", async () => {
    const [code, document] = await json(["panic", "--wait-ms", "0"]);
    const [event] = await panics();
    expect([code, document]).toEqual([0, { event_id: event?.get("event_id"), completion: null }]);
  });

  test("exits 0 once the worker reports FLAT", async () => {
    const [{ code, out }] = await Promise.all([cli(["panic", "--wait-ms", "5000"], { env }), answerNext("FLAT")]);
    expect({ code, out }).toEqual({ code: 0, out: ["Outcome: FLAT", "Closed: 1/1 ($207.50) in 40 ms"] });
  });

  test("exits 1, and names what is open, when the worker reports anything else", async () => {
    const [{ code, out }] = await Promise.all([cli(["panic"], { env }), answerNext("NOT_FLAT")]);
    expect(code).toBe(1);
    expect(out).toContain("Still open: BTCUSDT 0.002");
    expect(out).toContain("Look at the venue: BTCUSDT");
  });

  test("exits 1 when no worker reports in time", async () => {
    const { code, out, err } = await cli(["panic", "--wait-ms", "200"], { env });
    expect({ code, out }).toEqual({ code: 1, out: [] });
    expect(err.at(-1)).toBe(
      "quantum: No report within 200 ms: is the emergency exit worker running? Look at the venue",
    );
  });
});

describe("quantum brain live", () => {
  const allowed = "Allowed: the brain acts by its policy from its next cycle on, until the next panic";

  test.each([
    ["has said nothing", {}, []],
    ["runs a policy", { does: "policy", policy_mode: "live" }, []],
    [
      "never acts",
      { does: "policy", policy_mode: "shadow" },
      ["But the brain was started with --shadow, and never acts: start it without, quantum install --policy FILE"],
    ],
    ["only watches", { does: "watch" }, ["But the brain that was heard last runs no exit policy"]],
    ["guards a bot", { does: "guard" }, ["But the brain that was heard last runs no exit policy"]],
  ] as const)("gives the permission, and says where it changes nothing: the brain %s", async (_what, note, err) => {
    const fields = { instance_id: "i", policy_sha256: "ab".repeat(32), ...note };
    await redis.command("HSET", keys.brain, ...Object.entries(fields).flat());
    expect(await cli(["brain", "live"], { env })).toEqual({ code: 0, out: [allowed], err: [...err] });
    expect(await redis.command("EXISTS", keys.live)).toBe(1);
  });
});

describe("quantum reset", () => {
  /** A halt with its event on the bus, reported as `outcome`; null: not reported yet. */
  async function halted(outcome: Outcome | null): Promise<string> {
    await cli(["panic", "--wait-ms", "0"], { env });
    const eventId = (await panics())[0]?.get("event_id") ?? "";
    if (outcome === null) await worker().writeHalt(aHalt(eventId));
    else await answerNext(outcome);
    expect(await redis.command("EXISTS", keys.halt)).toBe(1);
    return eventId;
  }

  /** Refused, and the halt is still there. */
  async function refused(): Promise<string> {
    const line = await refusal(["reset"], 2);
    expect(await redis.command("HGET", keys.halt, "halted")).toBe("true");
    return line;
  }

  test("clears the halt once the venue says flat and the event has its report", async () => {
    await halted("FLAT");
    expect(await cli(["reset"], { env })).toEqual({
      code: 0,
      out: ["Halt cleared: trading is allowed"],
      err: [],
    });
    expect(await redis.command("EXISTS", keys.halt)).toBe(0);
    expect((await cli(["gate"], { env })).code).toBe(0);
  });

  test("--json is one document", async () => {
    await halted("FLAT");
    expect(await json(["reset"])).toEqual([0, { cleared: true }]);
    expect(await json(["reset"])).toEqual([0, { cleared: false }]);
  });

  test.each([
    ["live", ["The brain leaves no position by its exit policy until a person says: quantum brain live"]],
    ["auto_live", []],
    ["shadow", []],
  ] as const)("says what is left to say to a brain with a policy that was started %s", async (mode, err) => {
    await halted("FLAT");
    const note = { instance_id: "i", does: "policy", policy_sha256: "ab".repeat(32), policy_mode: mode };
    await redis.command("HSET", keys.brain, ...Object.entries(note).flat());
    expect(await cli(["reset"], { env })).toEqual({
      code: 0,
      out: ["Halt cleared: trading is allowed"],
      err: [...err],
    });
  });

  test("says so where nothing is halted", async () => {
    const { code, out } = await cli(["reset"], { env });
    expect({ code, out }).toEqual({ code: 0, out: ["Nothing to reset: trading was not halted"] });
  });

  test("refuses while a position is open, whatever the report says", async () => {
    await halted("FLAT");
    venue.openPosition(API_KEY, { symbol: "BTCUSDT", amount: "0.002" });
    venue.openPosition(API_KEY, { symbol: "ETHUSDT", amount: "-0.05" });
    expect(await refused()).toBe(
      "quantum: Not reset: positions are open (BTCUSDT 0.002, ETHUSDT -0.05). Close them first, for example with quantum panic",
    );
  });

  test("refuses while an order rests, of either family", async () => {
    await halted("FLAT");
    const entry = { symbol: "BTCUSDT", side: "BUY", positionSide: "BOTH", quantity: decimal("0.01") } as const;
    const rest = { ...entry, price: decimal("50000"), timeInForce: "GTC", reduceOnly: null } as const;
    venue.place(API_KEY, { ...rest, type: "LIMIT", clientOrderId: null });
    expect(await refused()).toContain("Not reset: orders still rest on BTCUSDT and could re-open a position");
    venue.cancelAll(API_KEY, "BTCUSDT");
    const stop = { triggerPrice: decimal("200000"), activatePrice: null, callbackRate: null, closePosition: false };
    venue.placeAlgo(API_KEY, { ...rest, ...stop, type: "STOP_MARKET", price: null, clientAlgoId: null });
    expect(await refused()).toContain("Not reset: orders still rest on BTCUSDT and could re-open a position");
  });

  test("refuses while the event has no report", async () => {
    const eventId = await halted(null);
    expect(await refused()).toBe(
      `quantum: Not reset: event ${eventId} has no report yet. Is the emergency exit worker running?`,
    );
  });

  test("refuses while another panic is published and not executed, and counts it", async () => {
    await halted("FLAT");
    await cli(["panic", "--wait-ms", "0"], { env });
    const todo = "Is the emergency exit worker running? Started again, it takes up what is left";
    const line = `quantum: Not reset: 1 panic event is published and not worked off yet. ${todo}`;
    expect(await refused()).toBe(line);
    // Read and not executed is not executed, either.
    const eew = worker();
    await eventually("it is read", async () => {
      const next = await eew.next();
      return next.known && next.value !== null;
    });
    expect(await refused()).toBe(line);
  });

  test.each([
    ["panic_published", "a panic is published", () => ["XADD", keys.panic, "*", "event_id", "e9", "issued_by", "ops"]],
    ["halt_changed", "another event halts", () => ["HSET", keys.halt, "event_id", "e9"]],
    ["halt_changed", "somebody else clears the halt", () => ["DEL", keys.halt]],
    ["unreported", "the report is lost", () => ["DEL", keys.outcomes]],
  ] as const)(
    "is refused as %s where %s after its grounds were seen, and changes nothing",
    async (kind, _what, change) => {
      await halted("FLAT");
      const bus = keep(redisOperatorBus(busOptions()));
      const grounds = await bus.resetGrounds();
      if (!grounds.known || grounds.value === null) throw new Error("no grounds");
      await redis.command(...change());
      const before = await redis.command("EXISTS", keys.halt);
      expect(await bus.reset(grounds.value)).toEqual({ known: true, value: { kind } });
      expect(await redis.command("EXISTS", keys.halt)).toBe(before as number);
      expect(await redis.command("EXISTS", keys.reset)).toBe(0);
    },
  );

  test("marks how far panic events are done with, and a DEL by hand does not", async () => {
    await halted("FLAT");
    await redis.command("DEL", keys.halt);
    expect(await redis.command("EXISTS", keys.reset)).toBe(0);
    await redis.command("HSET", keys.halt, "halted", "true");
    expect((await cli(["reset"], { env })).code).toBe(0);
    const [[newest]] = (await redis.command("XREVRANGE", keys.panic, "+", "-", "COUNT", "1")) as [[string]];
    expect(await redis.command("GET", keys.reset)).toBe(newest);
  });

  test("is possible after a loss of data, once a worker has put the halt back", async () => {
    const eventId = await halted("FLAT");
    await redis.command("DEL", ...Object.values(keys).flatMap((key) => (typeof key === "string" ? [key] : [])));
    await worker().putBack({ halt: aHalt(eventId), outcome: "FLAT", entryId: "", followsUp: null, onRecord: true });
    expect((await cli(["reset"], { env })).code).toBe(0);
    expect(await redis.command("EXISTS", keys.halt)).toBe(0);
  });

  test("refuses while the venue can't be read: unknown is not flat", async () => {
    await halted("FLAT");
    await server.close();
    expect(await refused()).toStartWith("quantum: Not reset: positions can't be read, and unknown is not flat. ");
  });

  test("clears a halt that a person set by hand, which has no event", async () => {
    await redis.command("HSET", keys.halt, "halted", "true", "reason", "BY_HAND");
    expect((await cli(["reset"], { env })).code).toBe(0);
    expect(await redis.command("EXISTS", keys.halt)).toBe(0);
  });
});

describe("a key that the venue refuses", () => {
  test.each(["brain", "eew", "reset"])("stops quantum %s before it starts", async (command) => {
    env = { ...env, BINANCE_API_SECRET: "another-s3cret" };
    const line = await refusal([command], 2);
    expect(line).toStartWith(`quantum: ${server.url} refuses BINANCE_API_KEY or BINANCE_API_SECRET, `);
    expect(line).toEndWith("; expected a key of this venue with futures enabled)");
    expect(line).not.toContain(API_KEY);
    expect(await redis.command("KEYS", `${env["QUANTUM_NAMESPACE"]}:*`)).toEqual([]);
  });

  test.each(["brain", "eew", "reset"])("and no private key at all: quantum %s does not quote it", async (command) => {
    const pem = `-----BEGIN PRIVATE KEY-----\n${SECRET}\n-----END PRIVATE KEY-----`;
    env = { ...env, BINANCE_API_SECRET: pem };
    expect(await refusal([command], 2)).toContain("Cannot read the API secret: ");
  });
});

describe("quantum chaos on a live deployment", () => {
  test.each([
    ["nobody answers", null],
    ["the answer is no", "no"],
    ["the answer is only half a yes", "y"],
    ["the answer is in capitals", "YES"],
    ["the answer is empty", ""],
  ] as const)("touches nothing where %s", async (_what, answer) => {
    venue.openPosition(API_KEY, { symbol: "BTCUSDT", amount: "0.002" });
    const { code, out, err } = await cli(["chaos"], { env, answer });
    expect({ code, out }).toEqual({ code: 2, out: [] });
    expect(err).toEqual([
      "=== CHAOS TEST: Exit Brain Kill ===",
      "WARNING: This will close ALL test positions",
      "quantum: Not confirmed: expected yes, or --yes for scripts",
    ]);
    expect(server.requests()).toEqual([]);
    expect(await redis.command("KEYS", `${env["QUANTUM_NAMESPACE"]}:*`)).toEqual([]);
  });
});

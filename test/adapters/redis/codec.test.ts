import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  completionFields,
  drillFields,
  entryTime,
  type Fields,
  fieldsOf,
  haltFields,
  heartbeatFields,
  panicFields,
  parseCompletion,
  parseDrill,
  parseHalt,
  parseHeartbeat,
  parseOutcome,
  parsePanic,
} from "../../../src/adapters/redis/codec.ts";
import { decimal, ZERO } from "../../../src/core/decimal.ts";
import type { DrillRecord } from "../../../src/core/drill.ts";
import type { Completion, Heartbeat, Outcome, PanicEvent } from "../../../src/core/messages.ts";
import type { UnixMillis } from "../../../src/core/time.ts";
import { aBeat, aDrillRecord, aHalt } from "../../support/core.ts";

const TS: UnixMillis = 1_795_450_000_000 as UnixMillis;

const COMPLETION: Completion = {
  eventId: "550e8400-e29b-41d4-a716-446655440000",
  outcome: "NOT_FLAT",
  positionsTotal: 3,
  positionsClosed: 2,
  positionsFailed: 1,
  failedSymbols: ["SOLUSDT"],
  executionTimeMs: 1_847,
  reason: "EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)",
  source: "watchdog",
  ordersCancelled: 4,
  residual: [{ symbol: "SOLUSDT", positionSide: "SHORT", amount: decimal("-0.10") }],
  notionalUsd: decimal("207.5"),
};

const TS_7: UnixMillis = 7 as UnixMillis;

const EVENT: PanicEvent = { eventId: "e1", reason: "TEST", issuedBy: "ops", ts: TS };

/** Names and values, in the order they are written. */
function asFields(flat: readonly string[]): Fields {
  return fieldsOf(["1-0", flat]);
}

function namesOf(flat: readonly string[]): readonly string[] {
  return flat.filter((_, i) => i % 2 === 0);
}

describe("field order is the contract's", () => {
  test("heartbeat (3.1)", () => {
    const { heartbeat } = aBeat();
    const details = heartbeat.details === null ? null : { ...heartbeat.details, lastDecisionTs: TS };
    expect(namesOf(heartbeatFields({ ...heartbeat, details }))).toEqual([
      "status",
      "active_positions",
      "ts",
      "service_id",
      "instance_id",
      "seq",
      "last_decision_ts",
      "latency_ms",
      "mode",
    ]);
  });

  test("a heartbeat without details has the first three fields only", () => {
    const flat = heartbeatFields({ ...aBeat().heartbeat, details: null });
    expect(namesOf(flat)).toEqual(["status", "active_positions", "ts"]);
  });

  test("panic event (3.2), signed and not", () => {
    const names = ["event_id", "reason", "severity", "issued_by", "ts"];
    expect(namesOf(panicFields(EVENT, null))).toEqual(names);
    expect(namesOf(panicFields(EVENT, "00"))).toEqual([...names, "sig"]);
  });

  test("completion (3.3), name and value", () => {
    expect(completionFields(COMPLETION, "eew-1", TS)).toEqual([
      ...["event_id", "550e8400-e29b-41d4-a716-446655440000"],
      ...["positions_total", "3"],
      ...["positions_closed", "2"],
      ...["positions_failed", "1"],
      ...["failed_symbols", '["SOLUSDT"]'],
      ...["ts_started", String(TS - 1_847)],
      ...["ts_completed", String(TS)],
      ...["execution_time_ms", "1847"],
      ...["outcome", "NOT_FLAT"],
      ...["reason", "EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)"],
      ...["source", "watchdog"],
      ...["orders_cancelled", "4"],
      ...["residual", '[{"symbol":"SOLUSDT","positionSide":"SHORT","positionAmt":"-0.1"}]'],
      ...["notional_usd", "207.50"],
      ...["worker", "eew-1"],
    ]);
  });

  test("halt (3.4), name and value", () => {
    expect(haltFields({ ...aHalt("e1"), positionsClosed: 2 }, TS)).toEqual([
      ...["halted", "true"],
      ...["reason", "EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)"],
      ...["source", "watchdog"],
      ...["event_id", "e1"],
      ...["ts", String(TS)],
      ...["positions_closed", "2"],
      ...["requires_manual_reset", "true"],
    ]);
  });
});

describe("parseHeartbeat()", () => {
  const three = ["status", "ALIVE", "active_positions", "2", "ts", String(TS)];

  test("somebody else's bot beats with three fields", () => {
    const heartbeat: Heartbeat = { status: "ALIVE", activePositions: 2, ts: TS, details: null };
    expect(parseHeartbeat(asFields(three))).toEqual(heartbeat);
  });

  test.each([
    ["an entry that was deleted", null],
    ["no field at all", []],
    ["no status", ["active_positions", "2", "ts", "1"]],
    ["an empty status", ["status", "", "active_positions", "2", "ts", "1"]],
  ] as const)("%s is malformed, and says so", (_what, flat) => {
    expect(parseHeartbeat(fieldsOf(["1-0", flat]))).toEqual({ malformed: "it has no status" });
  });

  test.each(["-1", "1.0", "1e3", "0x10", " 1", "", "two", "9".repeat(16)])(
    "a count or time written as %j is shown as not known, never guessed",
    (text) => {
      const heartbeat = parseHeartbeat(asFields(["status", "ALIVE", "active_positions", text, "ts", text]));
      expect(heartbeat).toEqual({ status: "ALIVE", activePositions: null, ts: null, details: null });
    },
  );

  test.each([
    ["no instance_id", ["seq", "1"]],
    ["an empty instance_id", ["instance_id", "", "seq", "1"]],
  ] as const)("%s leaves a heartbeat without details", (_what, extra) => {
    expect(parseHeartbeat(asFields([...three, ...extra]))).toMatchObject({ status: "ALIVE", details: null });
  });

  test.each([
    ["no seq", ["instance_id", "a"], { instanceId: "a", seq: null, lastDecisionTs: null }],
    ["a seq that is no number", ["instance_id", "a", "seq", "first"], { instanceId: "a", seq: null }],
    ["a decision and no instance_id", ["last_decision_ts", "7"], { instanceId: null, seq: null, lastDecisionTs: TS_7 }],
  ] as const)("%s takes no other rule's field with it", (_what, extra, details) => {
    expect(parseHeartbeat(asFields([...three, ...extra]))).toMatchObject({ status: "ALIVE", details });
  });

  test("any status is passed on as it is: what is not ALIVE is degraded for the one who judges", () => {
    expect(parseHeartbeat(asFields(["status", "alive"]))).toMatchObject({ status: "alive" });
  });

  test("reads back what heartbeatFields() wrote", () => {
    const time = fc.nat({ max: 999_999_999_999_999 }).map((ms) => ms as UnixMillis);
    const details = fc.record({
      serviceId: fc.string(),
      instanceId: fc.string({ minLength: 1 }),
      seq: fc.option(fc.nat()),
      lastDecisionTs: fc.option(time),
      latencyMs: fc.nat(),
      mode: fc.constantFrom("live", "shadow", "halted"),
    });
    const withState = fc.oneof(
      details,
      fc.tuple(details, fc.string()).map(([rest, state]) => ({ ...rest, state })),
    );
    const heartbeats: fc.Arbitrary<Heartbeat> = fc.record({
      status: fc.string({ minLength: 1 }),
      activePositions: fc.nat(),
      ts: time,
      details: fc.option(withState),
    });
    fc.assert(
      fc.property(heartbeats, (heartbeat) => {
        expect(parseHeartbeat(asFields(heartbeatFields(heartbeat)))).toEqual(heartbeat);
      }),
    );
  });
});

describe("parseCompletion()", () => {
  test("reads back what completionFields() wrote", () => {
    const amounts = fc
      .tuple(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }), fc.nat({ max: 8 }))
      .map(([units, places]) => decimal(String(units)).div(decimal(`1${"0".repeat(places)}`)));
    const completions: fc.Arbitrary<Completion> = fc.record({
      eventId: fc.uuid(),
      outcome: fc.constantFrom<Outcome[]>("FLAT", "NOT_FLAT", "UNKNOWN"),
      positionsTotal: fc.nat(),
      positionsClosed: fc.nat(),
      positionsFailed: fc.nat(),
      failedSymbols: fc.array(fc.string()),
      executionTimeMs: fc.nat(),
      reason: fc.string(),
      source: fc.string(),
      ordersCancelled: fc.nat(),
      residual: fc.array(
        fc.record({
          symbol: fc.string(),
          positionSide: fc.constantFrom("BOTH", "LONG", "SHORT"),
          amount: amounts,
        }),
      ),
      notionalUsd: fc.nat().map((centsOf) => decimal(String(centsOf)).div(decimal("100"))),
    });
    fc.assert(
      fc.property(completions, (completion) => {
        const { residual, notionalUsd, ...rest } = parseCompletion(asFields(completionFields(completion, "w", TS)));
        const { residual: open, notionalUsd: worth, ...expected } = completion;
        expect(rest).toEqual(expected);
        expect(notionalUsd.eq(worth)).toBe(true);
        expect(residual).toHaveLength(open.length);
        for (const [i, leg] of open.entries()) {
          expect(residual[i]).toMatchObject({ symbol: leg.symbol, positionSide: leg.positionSide });
          expect(residual[i]?.amount.eq(leg.amount)).toBe(true);
        }
      }),
    );
  });

  test.each([
    ["event_id", null],
    ["positions_total", "two"],
    ["positions_closed", "-1"],
    ["positions_failed", "1.5"],
    ["positions_failed", null],
    ["failed_symbols", "SOLUSDT"],
    ["failed_symbols", '{"a":1}'],
    ["failed_symbols", "[1]"],
    ["execution_time_ms", ""],
    ["outcome", "flat"],
    ["outcome", null],
    ["orders_cancelled", "NaN"],
    ["residual", "[{}]"],
    ["residual", '[{"symbol":"A","positionSide":"UP","positionAmt":"1"}]'],
  ] as const)("a report whose %s is %j is not read as one, and the field is named", (name, value) => {
    const fields = new Map(asFields(completionFields(COMPLETION, "w", TS)));
    if (value === null) fields.delete(name);
    else fields.set(name, value);
    expect(() => parseCompletion(fields)).toThrow(new RegExp(`^not a completion: .*${name}`));
  });

  test("a residual amount that is no number is not read as one", () => {
    const residual = '[{"symbol":"A","positionSide":"BOTH","positionAmt":"lots"}]';
    const fields = new Map(asFields(completionFields(COMPLETION, "w", TS))).set("residual", residual);
    expect(() => parseCompletion(fields)).toThrow('Not a decimal number: "lots"');
  });
});

describe("parseHalt()", () => {
  test("reads back what haltFields() wrote", () => {
    const halt = { ...aHalt("e1"), positionsClosed: 2 };
    expect(parseHalt(Object.fromEntries(asFields(haltFields(halt, TS))))).toEqual(halt);
  });

  test("a hash that is not there is no halt", () => {
    expect(parseHalt({})).toBeNull();
  });

  test.each([
    { halted: "true" },
    { halted: "TRUE" },
    { halted: "1" },
    { halted: "0" },
    { halted: "no" },
    { halted: "" },
    { halted: "False" },
    { reason: "by hand" },
    { something: "else" },
  ])("%j is a halt: an unknown shape is danger", (hash) => {
    expect(parseHalt(hash)).toMatchObject({ eventId: "", positionsClosed: 0 });
  });
});

describe("parsePanic()", () => {
  test("reads back what panicFields() wrote", () => {
    expect(parsePanic(asFields(panicFields(EVENT, "00")))).toEqual(EVENT);
  });

  test.each([
    ["no event_id", ["issued_by", "ops"]],
    ["no issuer", ["event_id", "e1"]],
    ["an unknown issuer", ["event_id", "e1", "issued_by", "somebody"]],
  ] as const)("an event with %s is not on record for people", (_what, flat) => {
    expect(parsePanic(asFields(flat))).toBeNull();
  });
});

test.each([
  ["FLAT", "FLAT"],
  ["NOT_FLAT", "NOT_FLAT"],
  ["UNKNOWN", "UNKNOWN"],
  ["flat", "UNKNOWN"],
  ["", "UNKNOWN"],
  [null, null],
  [undefined, null],
] as const)("an outcome on record as %j is %j: never better than it says", (text, outcome) => {
  expect(parseOutcome(text)).toBe(outcome);
});

test("an entry's time is the part of its id before the dash", () => {
  expect(entryTime("1795450000000-7")).toBe(TS);
});

test("zero is written as a number, not as nothing", () => {
  const fields = asFields(completionFields({ ...COMPLETION, residual: [], notionalUsd: ZERO }, "w", TS));
  expect(fields.get("notional_usd")).toBe("0.00");
  expect(fields.get("residual")).toBe("[]");
});

describe("a drill's record", () => {
  const ENDED: DrillRecord = {
    ...aDrillRecord(),
    verdict: "aborted",
    eventId: null,
    checks: [{ name: "panic_to_flat_ms", measured: null, limit: 10_000, passed: false }],
    why: "The drill was interrupted",
  };

  test("is written in this order, all of it strings", () => {
    const fields = drillFields(ENDED);
    expect(fields).toEqual([
      ...["drill", "brain-kill", "method", "sigkill", "target", "live", "verdict", "aborted", "passed", "false"],
      ...["event_id", "", "ts_started", "1795450000000"],
      ...["checks", '[{"name":"panic_to_flat_ms","measured":null,"limit":10000,"passed":false}]'],
      ...["why", "The drill was interrupted"],
    ]);
  });

  test.each([["passed"], ["failed"], ["aborted"], ["begun"]] as const)("comes back as it was: %s", (verdict) => {
    const record: DrillRecord = { ...aDrillRecord(), verdict };
    expect(parseDrill(asFields(drillFields(record)))).toEqual(record);
    expect(parseDrill(asFields(drillFields(ENDED)))).toEqual(ENDED);
  });

  const passed = new Map(asFields(drillFields(aDrillRecord())));
  test.each([
    ["a verdict that nobody gives", ["verdict", "PASSED"]],
    ["no verdict", ["verdict", ""]],
    ["a pass that says that it did not pass", ["passed", "false"]],
    ["a failure that says that it passed", ["verdict", "failed"]],
    ["a pass with a check that did not", ["checks", '[{"name":"a","measured":1,"limit":2,"passed":false}]']],
    ["checks that are none", ["checks", "[1]"]],
    ["checks that can't be parsed", ["checks", "{"]],
    ["a time that is none", ["ts_started", "yesterday"]],
  ] as const)("is no record with %s", (_what, [name, value]) => {
    expect(parseDrill(new Map(passed).set(name, value))).toBeNull();
  });

  test("is none with a field too few", () => {
    for (const name of passed.keys()) {
      const fields = new Map(passed);
      fields.delete(name);
      expect(parseDrill(fields)).toBeNull();
    }
    expect(parseDrill(new Map())).toBeNull();
  });
});

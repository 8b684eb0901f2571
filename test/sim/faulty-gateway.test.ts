// biome-ignore-all lint/suspicious/noThenProperty: a word of the script; nobody awaits a rule.

import { beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { plain } from "../../src/core/decimal.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import type { EffectKind } from "../../src/sim/fault-effects.ts";
import { parseFaultScript } from "../../src/sim/fault-rules.ts";
import { INTENSITY_DEFAULT } from "../../src/sim/fault-seed.ts";
import { FaultBook } from "../../src/sim/faults.ts";
import { FaultyGateway, type Plan } from "../../src/sim/faulty-gateway.ts";
import type { Reply } from "../../src/sim/gateway.ts";
import type { Venue } from "../../src/sim/venue.ts";
import { CLOSE, held, NOW, order, type Sender, signedRequest, stop, venueOf } from "./scene.ts";

let now: number;
let venue: Venue;
let gateway: FaultyGateway;

beforeEach(() => {
  now = NOW;
  venue = venueOf({ now: () => now as UnixMillis });
  venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.01" });
  gateway = new FaultyGateway(venue, { latencyMs: 100 });
});

function play(...rules: readonly object[]): void {
  gateway.faults.play(parseFaultScript(rules));
}

function plan(target: string, sender: Sender = {}): Plan {
  return gateway.plan(signedRequest(target, { at: now, ...sender }));
}

/** Carries the plan out to its end and beyond, as a server would, and returns what the client was told. */
function carryOut(planned: Plan): Reply | null {
  const { executeAfterMs, ending, execute } = planned;
  const endsAt = ending.kind === "hang" ? Number.POSITIVE_INFINITY : ending.afterMs;
  const told = () => ("reply" in ending ? ending.reply() : null);
  if (executeAfterMs === null) return told();
  if (executeAfterMs <= endsAt) execute();
  const reply = told();
  execute();
  return reply;
}

const codeOf = (reply: Reply | null): number | null => (reply === null ? null : (JSON.parse(reply.body).code ?? null));

describe("without a fault", () => {
  test("a request executes half-way and is answered with the truth", () => {
    const { fault, executeAfterMs, ending, execute } = plan(CLOSE);
    expect([fault, executeAfterMs, ending]).toMatchObject([null, 50, { kind: "reply", afterMs: 100 }]);
    expect(held(venue)).toEqual(["BTCUSDT BOTH 0.01"]);
    const reply = execute();
    expect(held(venue)).toEqual([]);
    expect("reply" in ending && ending.reply()).toBe(reply);
    expect(gateway.strikes()).toEqual([]);
  });
});

describe("each effect", () => {
  const open = { status: 503, code: null, msg: "Unknown error, please check your request or try again later." };
  const reply100 = { kind: "reply", afterMs: 100 } as const;

  test.each([
    ["refuse", { kind: "refuse", code: -4131 }, null, reply100],
    ["executed_but", { kind: "executed_but", ...open }, 50, reply100],
    ["late", { kind: "late", ms: 3000, ...open }, 3050, reply100],
    ["hang", { kind: "hang", executes: false }, null, { kind: "hang" }],
    ["hang, executed", { kind: "hang", executes: true }, 50, { kind: "hang" }],
    ["reset", { kind: "reset", executes: false }, null, { kind: "reset", afterMs: 100 }],
    ["reset, executed", { kind: "reset", executes: true }, 50, { kind: "reset", afterMs: 100 }],
    ["cut", { kind: "cut", executes: false }, null, { kind: "cut", afterMs: 100 }],
    ["cut, executed", { kind: "cut", executes: true }, 50, { kind: "cut", afterMs: 100 }],
    ["drip", { kind: "drip", ms: 7 }, 50, { kind: "drip", afterMs: 100, msPerByte: 7 }],
    ["delay", { kind: "delay", ms: 1000 }, 550, { kind: "reply", afterMs: 1100 }],
    ["garbage", { kind: "garbage", executes: false, body: "{" }, null, reply100],
    ["garbage, executed", { kind: "garbage", executes: true, body: "{" }, 50, reply100],
    ["partial", { kind: "partial", fraction: "0.5" }, 50, reply100],
    ["ban", { kind: "ban", ms: 1000 }, null, reply100],
    ["throttle", { kind: "throttle", ms: 1000 }, null, reply100],
    ["order_limit", { kind: "order_limit", ms: 1000 }, null, reply100],
  ])("%s: executes and ends when it says so, and the truth is recorded", (name, then, executeAfterMs, ending) => {
    play({ then });
    const planned = plan(CLOSE);
    expect(planned).toMatchObject({ fault: then.kind as EffectKind, executeAfterMs, ending });
    const [kind] = name.split(",");
    const seen = { at: NOW, method: "POST", path: "/fapi/v1/order", symbol: "BTCUSDT", effect: kind };
    expect(gateway.strikes()).toEqual([{ ...seen, executed: false }] as never);
    carryOut(planned);
    const executed = executeAfterMs !== null;
    expect(gateway.strikes()).toEqual([{ ...seen, executed }] as never);
    expect(venue.fills("one-way")).toHaveLength(executed ? 1 : 0);
    if (!executed) expect(planned.execute).toThrow("never executed");
  });

  test.each([
    ["stale", { kind: "stale", ms: 1000 }, "GET /fapi/v3/positionRisk"],
    ["a late read", { kind: "late", ms: 1, code: -1007 }, "GET /fapi/v3/positionRisk"],
    ["a cut read", { kind: "cut", executes: true }, "GET /fapi/v1/openOrders"],
  ])("%s strikes a read", (_, then, target) => {
    play({ then });
    const planned = plan(target);
    expect(planned.fault).toBe(then.kind as EffectKind);
    carryOut(planned);
    expect(gateway.strikes()).toMatchObject([{ effect: then.kind as EffectKind, executed: true }]);
  });

  test("late is answered before it executes, and executes at the venue's time of then", () => {
    play({ then: { kind: "late", ms: 3000, code: -1007 } });
    const { ending, execute } = plan(CLOSE);
    expect("reply" in ending && codeOf(ending.reply())).toBe(-1007);
    expect(held(venue)).toEqual(["BTCUSDT BOTH 0.01"]);
    now = NOW + 3050;
    expect(execute().status).toBe(200);
    expect(venue.fills("one-way")).toMatchObject([{ time: now as UnixMillis }]);
  });

  test("late executes however short the window of the request was, for it came in in time", () => {
    play({ then: { kind: "late", ms: 60_000, code: -1007 } });
    const { execute } = plan(`${CLOSE}&recvWindow=1000`);
    now = NOW + 60_050;
    expect(execute().status).toBe(200);
    expect(held(venue)).toEqual([]);
  });

  test("late does not let in what was out of its window when it came", () => {
    play({ then: { kind: "late", ms: 10, code: -1007 } });
    expect(codeOf(plan(CLOSE, { at: NOW - 6000 }).execute())).toBe(-1021);
    expect(held(venue)).toEqual(["BTCUSDT BOTH 0.01"]);
  });

  test("executed_but tells an error and closes the position", () => {
    play({ then: { kind: "executed_but", name: "executionUnknown" } });
    const reply = carryOut(plan(CLOSE));
    expect([reply?.status, reply?.body]).toEqual([503, "Unknown error, please check your request or try again later."]);
    expect(held(venue)).toEqual([]);
  });

  test("a cut that executes nothing begins with something that was never so", () => {
    play({ then: { kind: "cut", executes: false } });
    expect(carryOut(plan(CLOSE))?.status).toBe(200);
    expect(held(venue)).toEqual(["BTCUSDT BOTH 0.01"]);
  });

  test.each([
    ["0.5", "0.005", "BTCUSDT BOTH 0.005"],
    ["0.55", "0.005", "BTCUSDT BOTH 0.005"],
    ["0.09", "0.000", "BTCUSDT BOTH 0.01"],
    ["0", "0.000", "BTCUSDT BOTH 0.01"],
  ])("partial %s executes %s and the order ends EXPIRED", (fraction, executedQty, left) => {
    play({ then: { kind: "partial", fraction } });
    const reply = carryOut(plan(`${CLOSE}&newOrderRespType=RESULT`));
    expect(JSON.parse(reply?.body ?? "")).toMatchObject({ status: "EXPIRED", origQty: "0.010", executedQty });
    expect(held(venue)).toEqual([left]);
  });

  test("partial 1 executes all of it", () => {
    play({ then: { kind: "partial", fraction: "1" } });
    const reply = carryOut(plan(`${CLOSE}&newOrderRespType=RESULT`));
    expect(JSON.parse(reply?.body ?? "")).toMatchObject({ status: "FILLED", executedQty: "0.010" });
  });

  test("partial takes part of a limit IOC too, and lets an order that may rest alone", () => {
    play({ times: null, then: { kind: "partial", fraction: "0.5" } });
    const limit = CLOSE.replace("MARKET", "LIMIT").concat("&price=87000&newOrderRespType=RESULT");
    const ioc = carryOut(plan(`${limit}&timeInForce=IOC`));
    expect(JSON.parse(ioc?.body ?? "")).toMatchObject({ status: "EXPIRED", executedQty: "0.005" });
    const resting = carryOut(plan(`${limit.replace("0.01", "0.005")}&timeInForce=GTC`));
    expect(JSON.parse(resting?.body ?? "")).toMatchObject({ status: "FILLED", executedQty: "0.005" });
  });
});

describe("a stale read", () => {
  const amounts = (target: string) => {
    const reply = carryOut(plan(target));
    return JSON.parse(reply?.body ?? "").map((row: { positionAmt: string }) => row.positionAmt);
  };

  test.each(["GET /fapi/v3/positionRisk", "GET /fapi/v2/positionRisk?symbol=BTCUSDT"])(
    "of %s shows a position that is closed already, and then the truth",
    (target) => {
      now = NOW + 1000;
      carryOut(plan(CLOSE));
      play({ then: { kind: "stale", ms: 500 } });
      now = NOW + 1400;
      expect(amounts(target)).toEqual(["0.010"]);
      expect(amounts(target)).toEqual(target.includes("v3") ? [] : ["0.000"]);
    },
  );

  test("is of one moment: positions, both families of orders, balance and mark", () => {
    const resting = venue.place("one-way", order({ side: "BUY", quantity: "0.01", price: "87000" }));
    venue.placeAlgo("one-way", stop({}));
    now = NOW + 1000;
    venue.cancelAll("one-way", "BTCUSDT");
    venue.cancelAllAlgo("one-way", "BTCUSDT");
    venue.setMark("BTCUSDT", "90000");
    carryOut(plan(CLOSE));
    now = NOW + 2000;
    play({ times: null, then: { kind: "stale", ms: 1500 } });
    const read = (path: string) => JSON.parse(carryOut(plan(`GET /fapi/${path}`))?.body ?? "");
    expect(read("v3/positionRisk")).toMatchObject([{ positionAmt: "0.010", markPrice: "88000.00000000" }]);
    expect(read("v1/openOrders")).toMatchObject([{ clientOrderId: resting.clientOrderId, status: "NEW" }]);
    expect(read("v1/openAlgoOrders")).toMatchObject([{ algoStatus: "NEW" }]);
    expect(read("v3/account")).toMatchObject({ positions: [{ positionAmt: "0.010" }] });
    expect(read("v3/account").assets[0].walletBalance).toBe("100000.00000000");
    gateway.faults.clear();
    expect([read("v3/positionRisk"), read("v1/openOrders"), read("v1/openAlgoOrders")]).toEqual([[], [], []]);
  });

  test("does not invent a time before the scene was set", () => {
    play({ then: { kind: "stale", ms: 60_000 } });
    expect(amounts("GET /fapi/v3/positionRisk")).toEqual(["0.010"]);
  });

  test("strikes no order and no price", () => {
    play({ times: null, then: { kind: "stale", ms: 1000 } });
    for (const target of [CLOSE, "GET /fapi/v1/premiumIndex", "GET /fapi/v1/order?symbol=BTCUSDT&orderId=1"]) {
      expect(plan(target).fault).toBeNull();
    }
  });
});

describe("rules", () => {
  const strikes = (...targets: readonly string[]) => targets.map((target) => plan(target).fault);
  const reset = { kind: "reset", executes: false };

  test.each([
    [{}, ["reset", null, null]],
    [{ times: 2 }, ["reset", "reset", null]],
    [{ times: null }, ["reset", "reset", "reset"]],
    [{ skip: 1 }, [null, "reset", null]],
    [{ skip: 2, times: null }, [null, null, "reset"]],
  ])("%j strikes %j", (counts, expected) => {
    play({ ...counts, then: reset });
    expect(strikes(CLOSE, CLOSE, CLOSE)).toEqual(expected as never);
  });

  test.each([
    [{ method: "POST" }, ["reset", null, null, null]],
    [{ path: "/fapi/v1/openOrders" }, [null, "reset", "reset", null]],
    [{ path: "/fapi/v1/openOrders", symbol: "BTCUSDT" }, [null, "reset", null, null]],
    [{ symbol: "BTCUSDT" }, ["reset", "reset", null, null]],
    [{ path: "/fapi/v1" }, [null, null, null, null]],
  ])("when %j strike %j", (when, expected) => {
    play({ when, times: null, then: reset });
    const targets = [
      CLOSE,
      "GET /fapi/v1/openOrders?symbol=BTCUSDT",
      "GET /fapi/v1/openOrders",
      "DELETE /fapi/v1/allOpenOrders?symbol=ETHUSDT",
    ];
    expect(strikes(...targets)).toEqual(expected as never);
  });

  test("find the symbol in a form body too", () => {
    play({ when: { symbol: "BTCUSDT" }, then: reset });
    const request = { ...signedRequest("POST /fapi/v1/order"), query: "", body: "symbol=BTCUSDT&side=SELL" };
    expect(gateway.plan(request).fault).toBe("reset");
  });

  test("are asked in order, and each counts what it saw", () => {
    play({ then: reset }, { then: { kind: "hang", executes: false } });
    expect(strikes(CLOSE, CLOSE, CLOSE)).toEqual(["reset", "hang", null]);
    const counts = gateway.faults.report().rules.map(({ matched, struck }) => [matched, struck]);
    expect(counts).toEqual([
      [3, 1],
      [2, 1],
    ]);
  });

  test("cleared strike no more, and lift the ban they imposed", () => {
    play({ times: null, then: { kind: "ban", ms: 60_000 } });
    expect(strikes(CLOSE)).toEqual(["ban"]);
    gateway.faults.clear();
    expect(strikes(CLOSE)).toEqual([null]);
    expect(gateway.faults.report()).toEqual({ rules: [], seed: null });
  });
});

describe("what lasts", () => {
  const code = (target: string, sender: Sender = {}) => {
    const reply = carryOut(plan(target, sender));
    return `${reply?.status} ${codeOf(reply) ?? "-"}`;
  };
  const READ = "GET /fapi/v1/accountConfig";

  test("a ban answers all requests of the address with its end, until it is over", () => {
    play({ skip: 1, then: { kind: "ban", ms: 5000 } });
    expect(code(READ)).toBe("200 -");
    expect(code(READ)).toBe("418 -1003");
    now = NOW + 4999;
    expect([code(CLOSE), code(READ), code(READ, { ip: "127.0.0.2" })]).toEqual(["418 -1003", "418 -1003", "200 -"]);
    expect(carryOut(plan(READ))?.body).toContain(`IP banned until ${NOW + 5000}.`);
    now = NOW + 5000;
    expect([code(READ), code(CLOSE)]).toEqual(["200 -", "200 -"]);
    expect(gateway.faults.report().rules).toMatchObject([{ struck: 1 }]);
    expect(gateway.strikes().every((strike) => strike.effect === "ban" && !strike.executed)).toBe(true);
  });

  test("a throttle does so with 429", () => {
    play({ then: { kind: "throttle", ms: 1000 } });
    expect([code(READ), code(CLOSE)]).toEqual(["429 -1003", "429 -1003"]);
    now = NOW + 1000;
    expect(code(READ)).toBe("200 -");
  });

  test.each(["ban", "throttle"])("a %s says when to come back only if it is told to", (kind) => {
    play({ then: { kind, ms: 3000, retryAfterS: 3 } });
    expect(carryOut(plan(READ))?.headers).toMatchObject({ "Retry-After": "3" });
    play({ then: { kind, ms: 3000 } });
    expect(carryOut(plan(READ))?.headers).not.toHaveProperty("Retry-After");
  });

  test("an order limit answers orders of the account only", () => {
    play({ then: { kind: "order_limit", ms: 1000 } });
    const algo = "POST /fapi/v1/algoOrder?algoType=CONDITIONAL";
    const cancel = "DELETE /fapi/v1/allOpenOrders?symbol=BTCUSDT";
    expect([READ, CLOSE, algo, cancel].map((target) => code(target))).toEqual([
      "200 -",
      "429 -1015",
      "429 -1015",
      "200 200",
    ]);
    expect(code("POST /fapi/v1/order", { apiKey: "hedge" })).toBe("400 -1102");
    now = NOW + 1000;
    expect(code(CLOSE)).toBe("200 -");
  });
});

describe("for any faults", () => {
  const targets = [
    CLOSE,
    CLOSE.replace("SELL", "BUY"),
    "GET /fapi/v3/positionRisk",
    "GET /fapi/v1/openOrders",
    "DELETE /fapi/v1/allOpenOrders?symbol=BTCUSDT",
    "POST /fapi/v1/order?symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&price=87000&quantity=0.01",
  ];
  const seeds = fc.record({
    seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    intensity: fc.constantFrom(INTENSITY_DEFAULT, 1),
  });
  const sequences = fc.array(fc.constantFrom(...targets), { maxLength: 40 });

  /** All there is to know of an account. */
  const truth = () =>
    JSON.stringify([
      held(venue),
      venue.fills("one-way").length,
      venue.openOrders("one-way").map((resting) => plain(resting.quantity)),
    ]);

  test("what is said not to execute changes nothing, and what executes does so once", () => {
    fc.assert(
      fc.property(seeds, sequences, (seed, sequence) => {
        now = NOW;
        venue = venueOf({ now: () => now as UnixMillis });
        venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.05" });
        const faults = new FaultBook();
        faults.play({ rules: [], seed });
        gateway = new FaultyGateway(venue, { faults });
        for (const target of sequence) {
          now += 50;
          const before = truth();
          const planned = plan(target);
          expect(truth()).toBe(before);
          if (planned.executeAfterMs === null) {
            carryOut(planned);
            expect(truth()).toBe(before);
            continue;
          }
          planned.execute();
          const after = truth();
          const reply = carryOut(planned);
          expect(truth()).toBe(after);
          if (planned.fault === null) expect(reply).toBe(planned.execute());
        }
        // A ban strikes on without being drawn again.
        expect(gateway.strikes().length).toBeGreaterThanOrEqual(faults.report().seed?.struck ?? 0);
      }),
    );
  });

  test("late executes exactly once, however often and in whatever order it is carried out", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("execute", "reply"), { maxLength: 6 }), (steps) => {
        now = NOW;
        venue = venueOf({ now: () => now as UnixMillis });
        venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.05" });
        gateway = new FaultyGateway(venue);
        play({ then: { kind: "late", ms: 10, code: -1007 } });
        const { execute, ending } = plan(CLOSE);
        for (const step of steps) {
          if (step === "execute") execute();
          else if ("reply" in ending) ending.reply();
        }
        expect(venue.fills("one-way")).toHaveLength(steps.includes("execute") ? 1 : 0);
      }),
    );
  });
});

/**
 * Each pitfall of Binance that the shared page binance.md lists in its section 7, met by the worker as it ships: role,
 * client, signatures, venue, on virtual time. Its number is in the test's name.
 */

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { decimal, plain, sum } from "../../src/core/decimal.ts";
import { answerWithCode, type FaultAnswer } from "../../src/sim/fault-answers.ts";
import type { Effect } from "../../src/sim/fault-effects.ts";
import type { FaultRule } from "../../src/sim/faults.ts";
import { manySymbols } from "../../src/sim/symbols.ts";
import { order, stop } from "../sim/scene.ts";
import { aScene, type Life, live } from "./life.ts";

setDefaultTimeout(60_000);

const BTC = { symbol: "BTCUSDT", positionSide: "BOTH", amount: "0.5" } as const;
const ETH = { symbol: "ETHUSDT", positionSide: "BOTH", amount: "-2" } as const;

function rule(path: string, effect: Effect, more: Partial<FaultRule> = {}): FaultRule {
  return { when: { path }, skip: 0, times: 1, effect, ...more };
}

function answer(code: number): FaultAnswer {
  const found = answerWithCode(code);
  if (found === null) throw new Error(`${code} is not among the venue's answers`);
  return found;
}

function outcomes(life: Life): readonly string[] {
  return life.verdicts.map(({ completion }) => completion.outcome);
}

/** The orders that were sent, as their parameters. */
function orders(life: Life): readonly URLSearchParams[] {
  return life.requests
    .filter(({ method, path }) => method === "POST" && path === "/fapi/v1/order")
    .map(({ query }) => new URLSearchParams(query));
}

function said(life: Life, words: string): boolean {
  return life.lines.some((line) => line.includes(words));
}

describe("pitfall", () => {
  test("1: a position over MARKET_LOT_SIZE is split, and the parts add up to it exactly", async () => {
    const life = await live(aScene({ positions: [{ ...BTC, amount: "300.007" }] }));
    const sizes = orders(life).map((params) => params.get("quantity") ?? "");
    expect(sizes).toEqual(["120", "120", "60.007"]);
    expect(plain(sum(sizes.map(decimal)))).toBe("300.007");
    expect(outcomes(life)).toEqual(["FLAT"]);
  });

  test("2: a resting reduce-only order is cancelled before the close, which it would have blocked", async () => {
    const takeProfit = order({ side: "SELL", quantity: "0.5", price: "89000.0", reduceOnly: true });
    const life = await live(aScene({ positions: [BTC], orders: [takeProfit] }));
    expect(said(life, "-4118")).toBe(false);
    expect(outcomes(life)).toEqual(["FLAT"]);
  });

  test("2: one that the list did not show makes -4118; what rests is cancelled, and the next attempt closes", async () => {
    const takeProfit = order({ side: "SELL", quantity: "0.5", price: "89000.0", reduceOnly: true });
    const hidden = rule("/fapi/v1/openOrders", { kind: "garbage", executes: false, body: "[]" });
    const life = await live(
      aScene({ positions: [BTC], orders: [takeProfit], faults: { rules: [hidden], seed: null } }),
    );
    expect(said(life, "-4118")).toBe(true);
    expect(outcomes(life)).toEqual(["NOT_FLAT", "FLAT"]);
  });

  test("2: a protective stop that blocks the close goes once it has done so, and not before", async () => {
    const protecting = stop({ quantity: null, closePosition: true });
    const policy = { closePositionBlocks: true };
    const life = await live(aScene({ positions: [BTC], algoOrders: [protecting], policy }));
    expect(outcomes(life)).toEqual(["NOT_FLAT", "FLAT"]);
  });

  test("3: resting entries are cancelled, on flat symbols and in the Algo service too, so that nothing re-opens", async () => {
    const entry = order({ symbol: "SOLUSDT", side: "BUY", quantity: "1", price: "130.0000" });
    const stopEntry = stop({ symbol: "ETHUSDT", quantity: decimal("1"), triggerPrice: decimal("2800") });
    // Both would be reached soon after.
    const moves = [
      { symbol: "SOLUSDT", factor: "0.9", afterMs: 150 },
      { symbol: "ETHUSDT", factor: "0.9", afterMs: 150 },
    ];
    const life = await live(aScene({ positions: [BTC], orders: [entry], algoOrders: [stopEntry], moves }));
    expect(outcomes(life)).toEqual(["FLAT"]);
    expect(life.left).toEqual([]);
  });

  test("4: hedge legs are closed each by itself, with positionSide and without reduceOnly", async () => {
    const positions = [
      { symbol: "BTCUSDT", positionSide: "LONG", amount: "0.5" },
      { symbol: "BTCUSDT", positionSide: "SHORT", amount: "-0.2" },
    ] as const;
    const life = await live(aScene({ hedge: true, positions }));
    expect(
      orders(life).map((params) => [params.get("side"), params.get("positionSide"), params.get("quantity")]),
    ).toEqual([
      ["SELL", "LONG", "0.5"],
      ["BUY", "SHORT", "0.2"],
    ]);
    expect(orders(life).some((params) => params.has("reduceOnly"))).toBe(false);
    expect(outcomes(life)).toEqual(["FLAT"]);
  });

  test("5: margin type and leverage are never touched, nor sent", async () => {
    const life = await live(aScene({ positions: [BTC, ETH] }));
    const writes = life.requests.filter(({ method }) => method !== "GET").map(({ path }) => path);
    expect(new Set(writes)).toEqual(new Set(["/fapi/v1/order"]));
    for (const params of orders(life)) expect(params.has("marginType") || params.has("leverage")).toBe(false);
  });

  test("6: a position is a position in any margin asset and under any name: USDC, BNFCR, quarterly, not ASCII", async () => {
    const amounts = { BTCUSDC: "0.1", MOVEUSDT: "6190", BTCUSDT_261225: "-0.1", 币安人生USDT: "1000" };
    const positions = Object.entries(amounts).map(
      ([symbol, amount]) => ({ symbol, positionSide: "BOTH", amount }) as const,
    );
    const life = await live(aScene({ positions }));
    expect(life.verdicts[0]?.completion).toMatchObject({ outcome: "FLAT", positionsClosed: 4 });
  });

  test("6: a symbol that the rulebook does not know is closed in one order, never skipped", async () => {
    const unlisted = rule("/fapi/v1/exchangeInfo", { kind: "hang", executes: false }, { times: null });
    const faults = { rules: [unlisted], seed: null };
    const life = await live(aScene({ positions: [BTC], faults, faultsFromStart: true }));
    expect(orders(life).map((params) => params.get("quantity"))).toEqual(["0.5"]);
    expect(outcomes(life)).toEqual(["FLAT"]);
  });

  test("7: a symbol that settles is still closed; one that is closed already holds up nothing and is named", async () => {
    const settling = await live(
      aScene({ positions: [BTC], prepare: (venue) => venue.setStatus("BTCUSDT", "SETTLING") }),
    );
    expect(outcomes(settling)).toEqual(["FLAT"]);
    const closed = await live(
      aScene({ positions: [BTC, ETH], prepare: (venue) => venue.setStatus("BTCUSDT", "CLOSE"), passes: 1 }),
    );
    expect(closed.verdicts[0]?.completion).toMatchObject({
      outcome: "NOT_FLAT",
      positionsClosed: 1,
      failedSymbols: ["BTCUSDT"],
    });
    expect(said(closed, "-4141")).toBe(true);
  });

  test("8: the client id is no idempotency key: an order whose answer is lost is asked after by it, not sent again", async () => {
    const lost = rule(
      "/fapi/v1/order",
      { kind: "executed_but", answer: answer(-1007) },
      { when: { method: "POST", path: "/fapi/v1/order" } },
    );
    const life = await live(aScene({ positions: [BTC], faults: { rules: [lost], seed: null } }));
    const asked = life.requests.filter(({ method, path }) => method === "GET" && path === "/fapi/v1/order");
    expect(orders(life)).toHaveLength(1);
    expect(new URLSearchParams(asked[0]?.query).get("origClientOrderId")).toBe(life.orderIds[0] ?? "");
    expect(outcomes(life)).toEqual(["FLAT"]);
  });

  test("8: -4116 means that an earlier send of the order is live, so it is unknown and never resent", async () => {
    const twice = rule(
      "/fapi/v1/order",
      { kind: "executed_but", answer: answer(-4116) },
      { when: { method: "POST", path: "/fapi/v1/order" } },
    );
    const life = await live(aScene({ positions: [BTC], faults: { rules: [twice], seed: null } }));
    expect([orders(life).length, outcomes(life)]).toEqual([1, ["FLAT"]]);
  });

  test("10: dust below a step that was enlarged later is reported by name, and the rest is closed", async () => {
    const prepare = (venue: Parameters<NonNullable<ReturnType<typeof aScene>["prepare"]>>[0]): void =>
      venue.setLots("BTCUSDT", { step: "0.01", min: "0.01" });
    const life = await live(aScene({ positions: [{ ...BTC, amount: "0.505" }], prepare, passes: 1 }));
    expect(said(life, "BTCUSDT: 0.005 can't be ordered in this pass")).toBe(true);
    const [verdict] = life.verdicts;
    expect(verdict?.completion).toMatchObject({ outcome: "NOT_FLAT", failedSymbols: ["BTCUSDT"] });
    expect(verdict?.completion.residual.map(({ amount }) => plain(amount))).toEqual(["0.005"]);
  });

  test("12: a timestamp that the venue refuses costs a look at its clock and one more read, and no close", async () => {
    const fast = rule("/fapi/v3/positionRisk", { kind: "refuse", answer: answer(-1021) });
    const life = await live(aScene({ positions: [BTC], faults: { rules: [fast], seed: null } }));
    expect(life.requests.filter(({ path }) => path === "/fapi/v1/time").length).toBeGreaterThan(0);
    expect(outcomes(life)).toEqual(["FLAT"]);
  });

  test("13: a list that lags behind the fills is looked at again, not answered with a second close", async () => {
    const stale = rule("/fapi/v3/positionRisk", { kind: "stale", ms: 900 }, { skip: 1 });
    const life = await live(aScene({ positions: [BTC], faults: { rules: [stale], seed: null } }));
    expect([orders(life).length, outcomes(life)]).toEqual([1, ["FLAT"]]);
  });

  test("13: an empty list is proof only with a second one a second later", async () => {
    const life = await live(aScene({}));
    expect(life.verdicts[0]?.tookMs).toBeGreaterThanOrEqual(1_000);
    const wrong = rule("/fapi/v3/positionRisk", { kind: "garbage", executes: false, body: "[]" });
    const lied = await live(aScene({ positions: [BTC], faults: { rules: [wrong], seed: null } }));
    expect(outcomes(lied)).toEqual(["NOT_FLAT", "FLAT"]);
  });

  test("13: where no list can be read the last one is closed by, and flat then takes two looks", async () => {
    const down: Effect = { kind: "refuse", answer: answer(-1001) };
    const lists = ["/fapi/v3/positionRisk", "/fapi/v2/positionRisk", "/fapi/v3/account"];
    const rules = lists.map((path) => rule(path, down));
    const life = await live(aScene({ positions: [BTC, ETH], faults: { rules, seed: null } }));
    expect(said(life, "Closing blindly what was open")).toBe(true);
    expect(life.verdicts[0]?.completion).toMatchObject({ outcome: "FLAT", positionsClosed: 2 });
    expect(life.verdicts[0]?.tookMs).toBeGreaterThanOrEqual(1_000);
  });

  test("14: ids of nineteen digits keep them, in the report's line as at the venue", async () => {
    const life = await live(aScene({ positions: [ETH] }));
    expect(said(life, "ETHUSDT closed - Order ID: 8389765500000000001")).toBe(true);
  });

  test("15: a position that others shrink between the read and the order is closed all the same, and never turned", async () => {
    const protecting = stop({ quantity: decimal("0.3"), reduceOnly: true, triggerPrice: decimal("87000") });
    const hidden = rule("/fapi/v1/openAlgoOrders", { kind: "garbage", executes: false, body: "[]" });
    const moves = [{ symbol: "BTCUSDT", factor: "0.98", afterMs: 60 }];
    const life = await live(
      aScene({ positions: [BTC], algoOrders: [protecting], moves, faults: { rules: [hidden], seed: null } }),
    );
    expect(life.grown).toEqual([]);
    expect(outcomes(life).at(-1)).toBe("FLAT");
  });

  test("16: a quantity of many digits goes out as plain digits, never with an exponent", async () => {
    const [contract] = manySymbols(1);
    if (contract === undefined) throw new Error("No contract is listed");
    const lot = { min: "0.00000001", max: "1000", step: "0.00000001" };
    const listed = [{ ...contract, quantityPrecision: 8, lot, marketLot: lot }];
    const life = await live(aScene({ listed, positions: [{ ...BTC, amount: "0.00000001" }] }));
    expect(orders(life).map((params) => params.get("quantity"))).toEqual(["0.00000001"]);
    expect(outcomes(life)).toEqual(["FLAT"]);
  });

  test("17: an account that calls itself by the wrong mode is refused once, and closed by its rows in the next attempt", async () => {
    const wrong = rule(
      "/fapi/v1/accountConfig",
      { kind: "garbage", executes: false, body: '{"dualSidePosition":true,"canTrade":true}' },
      { times: null },
    );
    const life = await live(aScene({ positions: [BTC], faults: { rules: [wrong], seed: null } }));
    expect(said(life, "-4061")).toBe(true);
    expect(outcomes(life)).toEqual(["NOT_FLAT", "FLAT"]);
  });

  test("17: where the mode can't be read the rows speak for it", async () => {
    const unreadable = rule("/fapi/v1/accountConfig", { kind: "hang", executes: false }, { times: null });
    const positions = [{ symbol: "BTCUSDT", positionSide: "SHORT", amount: "-0.5" }] as const;
    const life = await live(aScene({ hedge: true, positions, faults: { rules: [unreadable], seed: null } }));
    expect(outcomes(life)).toEqual(["FLAT"]);
  });

  test.each([false, true])(
    "11 and 18: a close that the price band refuses goes as an IOC limit in the second attempt (hedge: %p)",
    async (hedge) => {
      const positions = [{ symbol: "BTCUSDT", positionSide: hedge ? "LONG" : "BOTH", amount: "0.5" }] as const;
      const life = await live(aScene({ hedge, positions, blocked: ["BTCUSDT"] }));
      expect(outcomes(life)).toEqual(["NOT_FLAT", "FLAT"]);
      const last = orders(life).at(-1);
      expect([last?.get("type"), last?.get("timeInForce"), last?.get("price")]).toEqual(["LIMIT", "IOC", "84480"]);
      expect([last?.get("reduceOnly"), last?.get("positionSide")]).toEqual(hedge ? [null, "LONG"] : ["true", null]);
    },
  );

  test("19: a pass over fifty positions with orders on half of them weighs far less than a minute's budget", async () => {
    const symbols = manySymbols(50).map(({ symbol }) => symbol);
    const life = await live(
      aScene({
        listed: manySymbols(50),
        positions: symbols.map((symbol) => ({ symbol, positionSide: "BOTH", amount: "100" })),
        orders: symbols.slice(10, 35).map((symbol) => order({ symbol, side: "BUY", quantity: "1", price: "9.5" })),
      }),
    );
    expect(outcomes(life)).toEqual(["FLAT"]);
    const weight = life.requests.reduce((total, { method, path }) => total + weightOf(method, path), 0);
    expect(weight).toBeLessThan(500);
  });
});

/** Binance's documented weights of what a pass asks (binance.md 4). */
function weightOf(method: string, path: string): number {
  if (path.endsWith("/positionRisk") || path.endsWith("/accountConfig")) return 5;
  if (method === "GET" && (path.endsWith("/openOrders") || path.endsWith("/openAlgoOrders"))) return 40;
  return method === "POST" ? 0 : 1;
}

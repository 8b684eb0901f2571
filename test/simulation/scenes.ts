/** Random accounts and random trouble, for fast-check. */

import fc from "fast-check";
import { decimal, plain } from "../../src/core/decimal.ts";
import type { PositionSide } from "../../src/core/position.ts";
import { faultsFromSeed } from "../../src/sim/fault-seed.ts";
import type { FaultRule, FaultScript } from "../../src/sim/faults.ts";
import type { AlgoRequest, OrderRequest } from "../../src/sim/orders.ts";
import { DEFAULT_SYMBOLS, type SymbolRules } from "../../src/sim/symbols.ts";
import type { Scene } from "./life.ts";

const symbol = fc.constantFrom(...DEFAULT_SYMBOLS);

/** From one step up to three times what one market order may hold. */
const size = (rules: SymbolRules): fc.Arbitrary<string> => {
  const [step, max] = [decimal(rules.marketLot.step), decimal(rules.marketLot.max)];
  const steps = Number(plain(max.div(step).round(0)));
  return fc
    .oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 3 * steps }))
    .map((units) => plain(step.times(decimal(`${units}`))));
};

const leg = (hedge: boolean) =>
  symbol.chain((rules) =>
    fc.tuple(size(rules), fc.boolean()).map(([amount, short]) => ({
      symbol: rules.symbol,
      positionSide: sideOf(hedge, short),
      amount: short ? `-${amount}` : amount,
    })),
  );

function sideOf(hedge: boolean, short: boolean): PositionSide {
  return hedge ? (short ? "SHORT" : "LONG") : "BOTH";
}

/** Entries that fill when the mark comes by, and take-profits that reduce. */
const limitOrder = (hedge: boolean) =>
  fc
    .record({
      rules: symbol,
      buys: fc.boolean(),
      short: fc.boolean(),
      reduces: fc.boolean(),
      away: fc.integer({ min: 5, max: 30 }),
    })
    .chain((words) => size(words.rules).map((quantity) => ({ ...words, quantity })))
    .map(({ rules, buys, short, reduces, away, quantity }): OrderRequest => {
      const factor = decimal(`${buys ? 1000 - away : 1000 + away}`).div(decimal("1000"));
      return {
        symbol: rules.symbol,
        side: buys ? "BUY" : "SELL",
        type: "LIMIT",
        positionSide: sideOf(hedge, short),
        quantity: decimal(quantity),
        price: onTick(rules, factor),
        timeInForce: "GTC",
        reduceOnly: hedge ? null : reduces,
        clientOrderId: null,
      };
    });

/** Stops that protect a leg, stops that reduce it, stops that enter. */
const algoOrder = (hedge: boolean) =>
  fc
    .record({
      rules: symbol,
      sells: fc.boolean(),
      short: fc.boolean(),
      kind: fc.constantFrom("protects" as const, "reduces" as const, "enters" as const),
      away: fc.integer({ min: 5, max: 30 }),
    })
    .chain((words) => size(words.rules).map((quantity) => ({ ...words, quantity })))
    .map(({ rules, sells, short, kind, away, quantity }): AlgoRequest => {
      const factor = decimal(`${sells ? 1000 - away : 1000 + away}`).div(decimal("1000"));
      return {
        symbol: rules.symbol,
        side: sells ? "SELL" : "BUY",
        type: "STOP_MARKET",
        positionSide: sideOf(hedge, kind === "enters" ? short : !sells),
        quantity: kind === "protects" ? null : decimal(quantity),
        price: null,
        triggerPrice: onTick(rules, factor),
        activatePrice: null,
        callbackRate: null,
        timeInForce: "GTC",
        reduceOnly: hedge || kind !== "reduces" ? null : true,
        closePosition: kind === "protects",
        clientAlgoId: null,
      };
    });

function onTick(rules: SymbolRules, factor: ReturnType<typeof decimal>): ReturnType<typeof decimal> {
  const price = decimal(rules.mark).times(factor);
  return price.minus(price.mod(decimal(rules.price.tick)));
}

const move = fc
  .record({ rules: symbol, perMille: fc.integer({ min: -40, max: 40 }), afterMs: fc.integer({ min: 0, max: 12_000 }) })
  .map(({ rules, perMille, afterMs }) => ({
    symbol: rules.symbol,
    factor: plain(decimal(`${1000 + perMille}`).div(decimal("1000"))),
    afterMs,
  }));

/** One list says that there is nothing, once. Two witnesses are there to see through one lie. */
const lie = fc
  .record({
    path: fc.constantFrom("/fapi/v3/positionRisk", "/fapi/v1/openOrders", "/fapi/v1/openAlgoOrders"),
    skip: fc.integer({ min: 0, max: 6 }),
  })
  .map(({ path, skip }): FaultRule => {
    return { when: { path }, skip, times: 1, effect: { kind: "garbage", executes: false, body: "[]" } };
  });

/** Drawn by seed, from a quiet day to a venue in flames, and perhaps with a lie. */
const faults = fc
  .record({
    rules: fc.array(lie, { maxLength: 1 }),
    seed: fc.record({ seed: fc.nat(), intensity: fc.constantFrom(0.01, 0.02, 0.1, 0.3, 0.6) }),
  })
  .map((script): FaultScript => script);

/**
 * Two witnesses a second apart see through a list that is late by less than that. An entry that fills behind a list of ten
 * seconds ago is beyond them, so a scene has moving marks or late lists, not both.
 */
function withoutBlindFills(scene: Scene): Scene {
  const seed = scene.faults.seed;
  const late = seed !== null && faultsFromSeed(seed.seed, seed.intensity).odds.has("stale");
  return late ? { ...scene, moves: [] } : scene;
}

/** Any account, any trouble. */
export const anyScene: fc.Arbitrary<Scene> = fc.boolean().chain((hedge) =>
  fc
    .record({
      hedge: fc.constant(hedge),
      positions: fc.uniqueArray(leg(hedge), {
        maxLength: 6,
        selector: ({ symbol: name, positionSide }) => `${name}/${positionSide}`,
      }),
      orders: fc.array(limitOrder(hedge), { maxLength: 4 }),
      algoOrders: fc.array(algoOrder(hedge), { maxLength: 4 }),
      stopsExpire: fc.boolean(),
      blocked: fc.subarray(
        DEFAULT_SYMBOLS.map((rules) => rules.symbol),
        { maxLength: 2 },
      ),
      moves: fc.array(move, { maxLength: 4 }),
      faults,
      faultsFromStart: fc.boolean(),
    })
    .map(withoutBlindFills),
);

import { describe, expect, test } from "bun:test";
import { binanceExchange } from "../../src/adapters/binance/exchange.ts";
import { hostClock } from "../../src/adapters/host/clock.ts";
import { type Decimal, decimal, plain } from "../../src/core/decimal.ts";
import type { CloseOrder } from "../../src/core/position.ts";
import { known, type Reading } from "../../src/core/reading.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import type { Exchange } from "../../src/ports/exchange.ts";
import type { ExitVenue, MarkExtremes, ProtectiveStop } from "../../src/ports/exit-venue.ts";
import { serveBinance } from "../../src/sim/binance-server.ts";
import { simulatedExchange } from "../../src/sim/exchange.ts";
import { simulatedExits } from "../../src/sim/exits.ts";
import type { AlgoRequest, OrderRequest } from "../../src/sim/orders.ts";
import { Venue } from "../../src/sim/venue.ts";

// One suite, two adapters, as for the Exchange port: what a policy meets on virtual time is what it meets over HTTP.

const API_KEY = "contract-key";
const SECRET = "contract-secret";
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** 2026-11-12 10:30:20 UTC, in the middle of everything. */
const NOW = 1_794_479_420_000;

interface Scene {
  readonly hedge?: boolean;
  readonly leverage?: number;
  readonly balance?: string;
}

interface World extends AsyncDisposable {
  readonly venue: Venue;
  /** The venue's time. It goes forward only, and not between two calls of the ports. */
  readonly time: { now: number };
  readonly exchange: Exchange;
  readonly exits: ExitVenue;
}

type Face = (scene?: Scene) => Promise<World>;

function newVenue(scene: Scene, time: { now: number }): Venue {
  const venue = new Venue({ now: () => time.now as UnixMillis });
  venue.addAccount({ apiKey: API_KEY, secret: SECRET, ...scene });
  return venue;
}

const inMemory: Face = async (scene = {}) => {
  const time = { now: NOW };
  const venue = newVenue(scene, time);
  const [exchange, exits] = [simulatedExchange(venue, API_KEY), simulatedExits(venue, API_KEY)];
  return { venue, time, exchange, exits, [Symbol.asyncDispose]: async () => {} };
};

const overHttp: Face = async (scene = {}) => {
  const time = { now: NOW };
  const venue = newVenue(scene, time);
  const server = await serveBinance({ venue });
  // The venue's time stands still while the client's clock goes on: by less than the second that it may be ahead.
  const exchange = binanceExchange({ baseUrl: server.url, apiKey: API_KEY, secret: SECRET, clock: hostClock });
  return {
    venue,
    time,
    exchange,
    exits: exchange.exits,
    [Symbol.asyncDispose]: async () => {
      await exchange.dispose();
      await server.close();
    },
  };
};

const faces: readonly (readonly [name: string, face: Face])[] = [
  ["simulatedExits() in memory", inMemory],
  ["binanceExchange().exits over HTTP", overHttp],
];

const market = (order: Partial<OrderRequest> & Pick<OrderRequest, "side">): OrderRequest => ({
  symbol: "BTCUSDT",
  type: "MARKET",
  positionSide: "BOTH",
  quantity: decimal("0.01"),
  price: null,
  timeInForce: "GTC",
  reduceOnly: null,
  clientOrderId: null,
  ...order,
});

const stop = (changes: Partial<ProtectiveStop> = {}): ProtectiveStop => ({
  symbol: "BTCUSDT",
  positionSide: "BOTH",
  side: "SELL",
  triggerPrice: decimal("80000"),
  clientOrderId: "qb-1",
  ...changes,
});

const otherAlgo: AlgoRequest = {
  symbol: "BTCUSDT",
  side: "SELL",
  type: "STOP_MARKET",
  positionSide: "BOTH",
  quantity: decimal("0.01"),
  price: null,
  triggerPrice: decimal("80000"),
  activatePrice: null,
  callbackRate: null,
  timeInForce: "GTC",
  reduceOnly: true,
  closePosition: false,
  clientAlgoId: null,
};

const at = (ms: number): UnixMillis => ms as UnixMillis;

function read<T>(reading: Reading<T>): T {
  if (!reading.known) throw new Error(reading.why);
  return reading.value;
}

const transfers = (net: string, count: number) => known({ net: decimal(net), count });
const amount = (reading: Reading<Decimal>): string => plain(read(reading));
const range = (reading: Reading<MarkExtremes>): readonly string[] => {
  const { high, low } = read(reading);
  return [plain(low), plain(high)];
};

for (const [name, face] of faces) {
  describe(name, () => {
    test("equity() is wallet and profit of all dollars, with fees and transfers, and without coins", async () => {
      await using world = await face({ balance: "1000" });
      // USDT, USDC and BNFCR are the margin assets of the contracts that are listed.
      expect(amount(await world.exits.equity())).toBe("3000");
      world.venue.openPosition(API_KEY, { symbol: "BTCUSDT", amount: "0.01", entryPrice: "80000" });
      world.venue.openPosition(API_KEY, { symbol: "BTCUSDC", amount: "-0.01", entryPrice: "87000" });
      // 80 of the long, and -9.9 of the short at 87990.
      expect(amount(await world.exits.equity())).toBe("3070.1");
      world.venue.place(API_KEY, market({ side: "SELL", reduceOnly: true }));
      // 0.05 % of 880.
      expect(amount(await world.exits.equity())).toBe("3069.66");
      world.venue.transfer(API_KEY, "USDT", "-500");
      world.venue.transfer(API_KEY, "BTC", "2");
      expect(amount(await world.exits.equity())).toBe("2569.66");
    });

    test("transfersSince() is what came in less what left, and in how many steps, from that moment on", async () => {
      await using world = await face();
      world.time.now = NOW - HOUR_MS;
      world.venue.transfer(API_KEY, "USDT", "100");
      world.time.now = NOW;
      world.venue.transfer(API_KEY, "USDC", "-30.5");
      world.venue.transfer(API_KEY, "USDT", "0.00000001");
      world.venue.place(API_KEY, market({ side: "BUY" }));
      expect(await world.exits.transfersSince(at(NOW - HOUR_MS))).toEqual(transfers("69.50000001", 3));
      expect(await world.exits.transfersSince(at(NOW - HOUR_MS + 1))).toEqual(transfers("-30.49999999", 2));
      expect(await world.exits.transfersSince(at(NOW + 1))).toEqual(transfers("0", 0));
    });

    test("transfersSince() is unknown where something else than dollars was moved", async () => {
      await using world = await face();
      world.time.now = NOW - HOUR_MS;
      world.venue.transfer(API_KEY, "BNB", "0.1");
      world.time.now = NOW;
      const reading = await world.exits.transfersSince(at(NOW - HOUR_MS));
      expect(reading).toMatchObject({ known: false, why: expect.stringContaining("BNB, which is no dollar") });
      expect(await world.exits.transfersSince(at(NOW))).toEqual(transfers("0", 0));
    });

    for (const { hedge, held, positionSide, side, trigger, reached } of [
      { hedge: false, held: "0.5", positionSide: "BOTH", side: "SELL", trigger: "80000", reached: "79999" },
      { hedge: false, held: "-0.5", positionSide: "BOTH", side: "BUY", trigger: "95000.1", reached: "95000.1" },
      { hedge: true, held: "0.5", positionSide: "LONG", side: "SELL", trigger: "80000", reached: "80000" },
      { hedge: true, held: "-0.5", positionSide: "SHORT", side: "BUY", trigger: "95000", reached: "96000" },
    ] as const) {
      test(`protect() of ${held} ${positionSide} rests, is listed, and takes the whole leg`, async () => {
        await using world = await face({ hedge });
        world.venue.openPosition(API_KEY, { symbol: "BTCUSDT", positionSide, amount: held });
        const ours = stop({ positionSide, side, triggerPrice: decimal(trigger) });
        const outcome = await world.exits.protect(ours);
        const [placed] = world.venue.openAlgoOrders(API_KEY);
        expect(outcome).toEqual({ kind: "resting", orderId: placed?.algoId ?? "" });
        expect(placed).toMatchObject({ type: "STOP_MARKET", closePosition: true, workingType: "MARK_PRICE" });
        const [listed, ...more] = read(await world.exits.protectiveStops());
        expect(more).toEqual([]);
        expect({ ...listed, triggerPrice: plain(listed?.triggerPrice ?? decimal("0")) }).toEqual({
          ...ours,
          triggerPrice: trigger,
          orderId: placed?.algoId ?? "",
        });
        world.venue.setMark("BTCUSDT", reached);
        expect(world.venue.positions(API_KEY)).toEqual([]);
        expect(await world.exits.protectiveStops()).toEqual({ known: true, value: [] });
      });
    }

    test("protect() once more is refused because a stop exists; cancelled, it makes room", async () => {
      await using world = await face();
      world.venue.openPosition(API_KEY, { symbol: "BTCUSDT", amount: "0.5" });
      const first = await world.exits.protect(stop());
      const again = stop({ triggerPrice: decimal("81000"), clientOrderId: "qb-2" });
      expect(await world.exits.protect(again)).toMatchObject({ kind: "refused", cause: "exists" });
      if (first.kind !== "resting") throw new Error(first.why);
      const cancelled = { symbol: "BTCUSDT", family: "algo", orderId: first.orderId } as const;
      expect(await world.exchange.cancel(cancelled)).toEqual({ kind: "cancelled" });
      expect(await world.exits.protect(again)).toMatchObject({ kind: "resting" });
      expect(read(await world.exits.protectiveStops()).map(({ clientOrderId }) => clientOrderId)).toEqual(["qb-2"]);
    });

    test.each([
      ["SELL", "88000"],
      ["SELL", "90000"],
      ["BUY", "88000"],
      ["BUY", "80000"],
    ] as const)("protect() by %s at %s, which the mark has crossed, is refused as such", async (side, trigger) => {
      await using world = await face();
      world.venue.openPosition(API_KEY, { symbol: "BTCUSDT", amount: side === "SELL" ? "0.5" : "-0.5" });
      const outcome = await world.exits.protect(stop({ side, triggerPrice: decimal(trigger) }));
      expect(outcome).toMatchObject({ kind: "refused", cause: "crossed" });
      expect(world.venue.openAlgoOrders(API_KEY)).toEqual([]);
    });

    test.each([
      ["of a symbol nobody lists", { symbol: "NOPEUSDT" }],
      ["in the other mode's words", { positionSide: "LONG" }],
    ] as const)("protect() %s is refused", async (_fact, changes) => {
      await using world = await face();
      expect(await world.exits.protect(stop(changes))).toMatchObject({ kind: "refused", cause: "other" });
    });

    test("protectiveStops() are those of the whole leg, whoever placed them; nothing else that waits is one", async () => {
      await using world = await face();
      world.venue.openPosition(API_KEY, { symbol: "BTCUSDT", amount: "0.5" });
      world.venue.placeAlgo(API_KEY, otherAlgo);
      const takeProfit = { type: "TAKE_PROFIT_MARKET", quantity: null, closePosition: true, reduceOnly: null } as const;
      world.venue.placeAlgo(API_KEY, { ...otherAlgo, ...takeProfit, triggerPrice: decimal("95000") });
      const trailing = { type: "TRAILING_STOP_MARKET", triggerPrice: null, callbackRate: decimal("1") } as const;
      world.venue.placeAlgo(API_KEY, { ...otherAlgo, ...trailing });
      expect(await world.exits.protectiveStops()).toEqual({ known: true, value: [] });
      const whole = { quantity: null, closePosition: true, reduceOnly: null, clientAlgoId: "of-the-bot" } as const;
      const theirs = world.venue.placeAlgo(API_KEY, { ...otherAlgo, ...whole });
      expect(read(await world.exits.protectiveStops())).toMatchObject([
        { orderId: theirs.algoId, clientOrderId: "of-the-bot" },
      ]);
    });

    test("a protective stop is gone with its leg, and is listed among what rests until then", async () => {
      await using world = await face();
      world.venue.openPosition(API_KEY, { symbol: "BTCUSDT", amount: "0.01" });
      await world.exits.protect(stop());
      const resting = read(await world.exchange.restingOrders());
      expect(resting).toMatchObject([{ family: "algo", closesPosition: true, positionSide: "BOTH" }]);
      world.venue.place(API_KEY, market({ side: "SELL", reduceOnly: true }));
      expect(await world.exits.protectiveStops()).toEqual({ known: true, value: [] });
    });

    test("fillsSince() tells each execution of the symbol, oldest first, over weeks", async () => {
      await using world = await face({ hedge: true });
      const days = [40, 20, 19, 8, 7, 1, 0];
      for (const days_ of days) {
        world.time.now = NOW - days_ * DAY_MS;
        world.venue.place(API_KEY, market({ side: "BUY", positionSide: "LONG" }));
        world.venue.place(
          API_KEY,
          market({ side: "BUY", positionSide: "LONG", symbol: "ETHUSDT", quantity: decimal("1") }),
        );
      }
      const fills = read(await world.exits.fillsSince("BTCUSDT", at(NOW - 20 * DAY_MS)));
      expect(fills.map(({ time }) => (NOW - time) / DAY_MS)).toEqual(days.slice(1));
      const [oldest] = fills;
      const { orderId = "" } = world.venue.orders(API_KEY, "BTCUSDT")[1] ?? {};
      expect({
        ...oldest,
        price: plain(oldest?.price ?? decimal("0")),
        quantity: plain(oldest?.quantity ?? decimal("0")),
      }).toEqual({
        positionSide: "LONG",
        side: "BUY",
        quantity: "0.01",
        price: "88000",
        orderId,
        time: at(NOW - 20 * DAY_MS),
      });
      expect(await world.exits.fillsSince("SOLUSDT", at(NOW - DAY_MS))).toEqual({ known: true, value: [] });
      expect(await world.exits.fillsSince("NOPEUSDT", at(NOW - DAY_MS))).toMatchObject({ known: false });
    });

    test("fillsSince() tells all of more than one answer holds, each once and in order", async () => {
      await using world = await face();
      const from = NOW - 10 * DAY_MS;
      // Seven at a time, so that pages end among fills of the same moment.
      for (let index = 0; index < 2_600; index += 1) {
        world.time.now = from + Math.floor(index / 7) * 60_000;
        world.venue.place(API_KEY, market({ side: index % 2 === 0 ? "BUY" : "SELL" }));
      }
      world.time.now = NOW;
      const fills = read(await world.exits.fillsSince("BTCUSDT", at(from)));
      expect(fills.map(({ orderId }) => orderId)).toEqual(world.venue.fills(API_KEY).map(({ orderId }) => orderId));
      expect(fills).toHaveLength(2_600);
    });

    test("ordersSince() tells the symbol's orders with their ids and what they executed, open ones too", async () => {
      await using world = await face();
      world.time.now = NOW - 9 * DAY_MS;
      world.venue.place(API_KEY, market({ side: "BUY", clientOrderId: "too-old" }));
      world.time.now = NOW - 8 * DAY_MS;
      world.venue.place(API_KEY, market({ side: "BUY", clientOrderId: "qx-abc-all-0" }));
      world.time.now = NOW - HOUR_MS;
      world.venue.place(
        API_KEY,
        market({ side: "BUY", type: "LIMIT", price: decimal("85000"), clientOrderId: "rests" }),
      );
      world.venue.place(API_KEY, market({ side: "SELL", clientOrderId: "half" }), decimal("0.5"));
      world.time.now = NOW;
      const orders = read(await world.exits.ordersSince("BTCUSDT", at(NOW - 8 * DAY_MS)));
      const shown = orders.map(({ clientOrderId, executed, time }) => [clientOrderId, plain(executed), NOW - time]);
      expect(shown).toEqual([
        ["qx-abc-all-0", "0.01", 8 * DAY_MS],
        ["rests", "0", HOUR_MS],
        ["half", "0.005", HOUR_MS],
      ]);
      const known = world.venue.orders(API_KEY, "BTCUSDT").slice(1);
      expect(orders.map(({ orderId }) => orderId)).toEqual(known.map(({ orderId }) => orderId));
      expect(orders.every(({ positionSide }) => positionSide === "BOTH")).toBe(true);
      expect(await world.exits.ordersSince("NOPEUSDT", at(NOW))).toMatchObject({ known: false });
    });

    test("markExtremesSince() knows every mark since that minute, and none before it, however long it is ago", async () => {
      await using world = await face();
      const moves: readonly (readonly [ago: number, mark: string])[] = [
        [30 * DAY_MS, "50000"],
        [30 * DAY_MS - 1, "88000"],
        [9 * DAY_MS, "70000"],
        [9 * DAY_MS - 1, "88000"],
        [26 * HOUR_MS, "99000"],
        [26 * HOUR_MS - 1, "88000"],
        [2 * HOUR_MS, "96000"],
        [2 * HOUR_MS - 1, "88000"],
        [3 * MINUTE_MS, "91000"],
        [3 * MINUTE_MS - 1, "88000"],
        [0, "88500"],
      ];
      for (const [ago, mark] of moves) {
        world.time.now = NOW - ago;
        world.venue.setMark("BTCUSDT", mark);
      }
      const since = async (ago: number): Promise<readonly string[]> =>
        range(await world.exits.markExtremesSince("BTCUSDT", at(NOW - ago)));
      expect(await since(0)).toEqual(["88000", "88500"]);
      expect(await since(2 * MINUTE_MS)).toEqual(["88000", "88500"]);
      expect(await since(3 * MINUTE_MS)).toEqual(["88000", "91000"]);
      expect(await since(2 * HOUR_MS - MINUTE_MS)).toEqual(["88000", "91000"]);
      expect(await since(2 * HOUR_MS)).toEqual(["88000", "96000"]);
      expect(await since(26 * HOUR_MS - MINUTE_MS)).toEqual(["88000", "96000"]);
      expect(await since(26 * HOUR_MS)).toEqual(["88000", "99000"]);
      expect(await since(9 * DAY_MS - MINUTE_MS)).toEqual(["88000", "99000"]);
      expect(await since(9 * DAY_MS)).toEqual(["70000", "99000"]);
      expect(await since(30 * DAY_MS - MINUTE_MS)).toEqual(["70000", "99000"]);
      expect(await since(30 * DAY_MS)).toEqual(["50000", "99000"]);
      expect(await world.exits.markExtremesSince("ETHUSDT", at(NOW - DAY_MS))).toMatchObject({ known: true });
      expect(await world.exits.markExtremesSince("NOPEUSDT", at(NOW))).toMatchObject({ known: false });
    });

    test("positions() know their leverage, and where they would be liquidated", async () => {
      await using world = await face({ leverage: 7, balance: "1000" });
      world.venue.openPosition(API_KEY, { symbol: "BTCUSDT", amount: "0.1", entryPrice: "88000" });
      world.venue.openPosition(API_KEY, { symbol: "ETHUSDT", amount: "-0.001" });
      world.venue.openPosition(API_KEY, { symbol: "币安人生USDT", amount: "1" });
      const legs = read(await world.exchange.positions());
      const shown = legs.map(({ symbol, leverage, liquidationPrice }) => [
        symbol,
        leverage && plain(leverage),
        liquidationPrice && plain(liquidationPrice),
      ]);
      expect(shown).toEqual([
        ["BTCUSDT", "7", "78313.37550201"],
        ["ETHUSDT", "7", "963844.02390438"],
        ["币安人生USDT", "7", null],
      ]);
    });

    test("lookUp() of an order that the venue does not know says so", async () => {
      await using world = await face();
      const order: CloseOrder = {
        symbol: "BTCUSDT",
        positionSide: "BOTH",
        side: "SELL",
        mode: "one_way",
        limitPrice: null,
        quantity: decimal("0.01"),
        clientOrderId: "qx-never",
      };
      expect(await world.exchange.lookUp(order)).toMatchObject({ kind: "unknown", absent: true });
    });
  });
}

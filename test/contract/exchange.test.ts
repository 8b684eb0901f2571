import { describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { binanceExchange } from "../../src/adapters/binance/exchange.ts";
import { hostClock } from "../../src/adapters/host/clock.ts";
import { decimal, plain } from "../../src/core/decimal.ts";
import type { CloseOrder, CloseOutcome, Position } from "../../src/core/position.ts";
import type { Reading } from "../../src/core/reading.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import type { Exchange } from "../../src/ports/exchange.ts";
import { serveBinance } from "../../src/sim/binance-server.ts";
import { throwAwayCertificate } from "../../src/sim/certificate.ts";
import { simulatedExchange } from "../../src/sim/exchange.ts";
import type { AlgoRequest, OrderRequest } from "../../src/sim/orders.ts";
import { Venue } from "../../src/sim/venue.ts";
import { all } from "../support/core.ts";

// One suite, two adapters: what the roles meet on virtual time is what they meet over HTTP. If the two differ, the
// simulation is wrong.

const API_KEY = "contract-key";
const SECRET = "contract-secret";

interface World extends AsyncDisposable {
  readonly venue: Venue;
  readonly exchange: Exchange;
}

type Face = (mode: { readonly hedge: boolean }) => Promise<World>;

function newVenue(hedge: boolean): Venue {
  const venue = new Venue({ now: () => Date.now() as UnixMillis });
  venue.addAccount({ apiKey: API_KEY, secret: SECRET, hedge });
  return venue;
}

const inMemory: Face = async ({ hedge }) => {
  const venue = newVenue(hedge);
  return { venue, exchange: simulatedExchange(venue, API_KEY), [Symbol.asyncDispose]: async () => {} };
};

const overHttp: Face = async ({ hedge }) => {
  const venue = newVenue(hedge);
  const server = await serveBinance({ venue });
  const exchange = binanceExchange({ baseUrl: server.url, apiKey: API_KEY, secret: SECRET, clock: hostClock });
  return {
    venue,
    exchange,
    [Symbol.asyncDispose]: async () => {
      await exchange.dispose();
      await server.close();
    },
  };
};

const faces: readonly (readonly [name: string, face: Face])[] = [
  ["simulatedExchange() in memory", inMemory],
  ["binanceExchange() over HTTP", overHttp],
];

let orders = 0;
function closeOrder(order: Pick<CloseOrder, "symbol" | "side"> & Partial<CloseOrder> & { amount: string }): CloseOrder {
  const { amount, ...rest } = order;
  orders += 1;
  const mode = (rest.positionSide ?? "BOTH") === "BOTH" ? "one_way" : "hedge";
  const ours = { mode, limitPrice: null, clientOrderId: `contract-${orders}` } as const;
  return { positionSide: "BOTH", quantity: decimal(amount), ...ours, ...rest };
}

const limitOrder = (order: Partial<OrderRequest>): OrderRequest => ({
  symbol: "BTCUSDT",
  side: "SELL",
  type: "LIMIT",
  positionSide: "BOTH",
  quantity: decimal("0.5"),
  price: decimal("90000"),
  timeInForce: "GTC",
  reduceOnly: null,
  clientOrderId: null,
  ...order,
});

const stopOrder: AlgoRequest = {
  symbol: "BTCUSDT",
  side: "SELL",
  type: "STOP_MARKET",
  positionSide: "BOTH",
  quantity: decimal("0.5"),
  price: null,
  triggerPrice: decimal("80000"),
  activatePrice: null,
  callbackRate: null,
  timeInForce: "GTC",
  reduceOnly: true,
  closePosition: false,
  clientAlgoId: null,
};

/** `symbol leg amount` of each open leg, sorted; or why it is unknown. */
function legs(reading: Reading<readonly Position[]>): readonly string[] | string {
  if (!reading.known) return reading.why;
  return reading.value.map((leg) => `${leg.symbol} ${leg.positionSide} ${plain(leg.amount)}`).sort();
}

const amountOf = (venue: Venue, symbol: string, leg: Position["positionSide"]): string =>
  plain(venue.leg(API_KEY, symbol, leg).amount);

for (const [name, face] of faces) {
  describe(name, () => {
    test("an account without positions and orders is known to be empty", async () => {
      await using world = await face({ hedge: false });
      expect(await world.exchange.positions()).toEqual({ known: true, value: [] });
      expect(await world.exchange.restingOrders()).toEqual({ known: true, value: [] });
    });

    test("rulebook() gives lots and price band of every symbol, of any alphabet", async () => {
      await using world = await face({ hedge: false });
      const rules = await world.exchange.rulebook();
      if (!rules.known) throw new Error(rules.why);
      expect([...rules.value.keys()].sort()).toEqual(
        world.venue
          .symbols()
          .map(({ symbol }) => symbol)
          .sort(),
      );
      for (const { symbol, marketLot, price, band } of world.venue.symbols()) {
        const shown = rules.value.get(symbol);
        const lot = [shown?.lot?.min, shown?.lot?.max, shown?.lot?.step];
        expect(lot.map((value) => value && plain(value))).toEqual([marketLot.min, marketLot.max, marketLot.step]);
        const ours = [shown?.band?.up, shown?.band?.down, shown?.band?.tick];
        for (const [i, text] of [band.up, band.down, price.tick].entries()) expect(ours[i]?.eq(text)).toBe(true);
      }
    });

    test.each([false, true])("positionMode() is the account's own word (hedge: %p)", async (hedge) => {
      await using world = await face({ hedge });
      expect(await world.exchange.positionMode()).toEqual({ known: true, value: hedge ? "hedge" : "one_way" });
    });

    test("cancel() of one order leaves the others of its family", async () => {
      await using world = await face({ hedge: false });
      const first = world.venue.place(API_KEY, limitOrder({ side: "BUY", price: decimal("85000") }));
      const second = world.venue.place(API_KEY, limitOrder({ side: "BUY", price: decimal("84000") }));
      const one = { symbol: "BTCUSDT", family: "regular", orderId: first.orderId } as const;
      expect(await world.exchange.cancel(one)).toEqual({ kind: "cancelled" });
      expect(world.venue.openOrders(API_KEY).map(({ orderId }) => orderId)).toEqual([second.orderId]);
      expect(await world.exchange.cancel(one)).toEqual({ kind: "cancelled" });
      const [stop, other] = [world.venue.placeAlgo(API_KEY, stopOrder), world.venue.placeAlgo(API_KEY, stopOrder)];
      const algo = { symbol: "BTCUSDT", family: "algo", orderId: stop.algoId } as const;
      expect(await world.exchange.cancel(algo)).toEqual({ kind: "cancelled" });
      expect(world.venue.openAlgoOrders(API_KEY).map(({ algoId }) => algoId)).toEqual([other.algoId]);
    });

    test("lookUp() tells what became of an order by its own id, and knows nothing of one that never came", async () => {
      await using world = await face({ hedge: false });
      world.venue.openPosition(API_KEY, { symbol: "BTCUSDT", amount: "0.5" });
      const order = closeOrder({ symbol: "BTCUSDT", side: "SELL", amount: "0.2" });
      expect(await world.exchange.lookUp(order)).toMatchObject({ kind: "unknown" });
      await world.exchange.close(order);
      const found = await world.exchange.lookUp(order);
      expect(found.kind === "executed" && plain(found.executed)).toBe("0.2");
    });

    test.each([false, true])(
      "close() with a limit price executes inside the band or not at all (hedge: %p)",
      async (hedge) => {
        await using world = await face({ hedge });
        const positionSide = hedge ? "LONG" : "BOTH";
        world.venue.openPosition(API_KEY, { symbol: "BTCUSDT", positionSide, amount: "0.5" });
        const at = (price: string): Promise<CloseOutcome> => {
          const order = { symbol: "BTCUSDT", positionSide, side: "SELL", amount: "0.5" } as const;
          return world.exchange.close(closeOrder({ ...order, limitPrice: decimal(price) }));
        };
        const far = await at("89000");
        expect(far.kind === "executed" && plain(far.executed)).toBe("0");
        expect(await at("70000")).toMatchObject({ kind: "refused" });
        const near = await at("85000");
        expect(near.kind === "executed" && plain(near.executed)).toBe("0.5");
      },
    );

    test("an order in the other mode's words is refused as such, whichever account it is", async () => {
      for (const hedge of [false, true]) {
        await using world = await face({ hedge });
        const positionSide = hedge ? "LONG" : "BOTH";
        world.venue.openPosition(API_KEY, { symbol: "BTCUSDT", positionSide, amount: "0.5" });
        const mode = hedge ? "one_way" : "hedge";
        const order = closeOrder({ symbol: "BTCUSDT", positionSide, side: "SELL", amount: "0.5", mode });
        expect(await world.exchange.close(order)).toMatchObject({ kind: "refused", cause: "position_mode" });
      }
    });

    test("positions() lists every leg with its signed amount, of any quote asset and alphabet", async () => {
      await using world = await face({ hedge: false });
      world.venue.openPosition(API_KEY, { symbol: "BTCUSDT", amount: "0.5" });
      world.venue.openPosition(API_KEY, { symbol: "BTCUSDC", amount: "-0.002" });
      world.venue.openPosition(API_KEY, { symbol: "BTCUSDT_261225", amount: "0.001" });
      world.venue.openPosition(API_KEY, { symbol: "币安人生USDT", amount: "-1234567" });
      world.venue.openPosition(API_KEY, { symbol: "ETHUSDT", amount: "1" });
      world.venue.openPosition(API_KEY, { symbol: "ETHUSDT", amount: "0" });
      expect(legs(await world.exchange.positions())).toEqual([
        "BTCUSDC BOTH -0.002",
        "BTCUSDT BOTH 0.5",
        "BTCUSDT_261225 BOTH 0.001",
        "币安人生USDT BOTH -1234567",
      ]);
    });

    test("positions() knows entry, mark and profit exactly", async () => {
      await using world = await face({ hedge: false });
      world.venue.openPosition(API_KEY, { symbol: "BTCUSDT", amount: "-0.003", entryPrice: "88000.1" });
      world.venue.setMark("BTCUSDT", "87000");
      const reading = await world.exchange.positions();
      const [leg] = reading.known ? reading.value : [];
      const seen = leg === undefined ? [] : [leg.entryPrice, leg.markPrice, leg.unrealizedPnl].map(plain);
      expect(seen).toEqual(["88000.1", "87000", "3.0003"]);
    });

    test("positions() lists both legs of a symbol in hedge mode", async () => {
      await using world = await face({ hedge: true });
      world.venue.openPosition(API_KEY, { symbol: "BTCUSDT", positionSide: "LONG", amount: "0.5" });
      world.venue.openPosition(API_KEY, { symbol: "BTCUSDT", positionSide: "SHORT", amount: "-0.25" });
      expect(legs(await world.exchange.positions())).toEqual(["BTCUSDT LONG 0.5", "BTCUSDT SHORT -0.25"]);
    });

    const oneWay = [
      { symbol: "BTCUSDT", held: "0.5", side: "SELL", amount: "0.5" },
      { symbol: "BTCUSDT", held: "-0.5", side: "BUY", amount: "0.5" },
      { symbol: "ETHUSDT", held: "2.001", side: "SELL", amount: "2.001" },
      { symbol: "币安人生USDT", held: "-100000", side: "BUY", amount: "100000" },
    ] as const;
    for (const { symbol, held, side, amount } of oneWay) {
      test(`close() of ${held} ${symbol} executes in full, with the venue's order id`, async () => {
        await using world = await face({ hedge: false });
        world.venue.openPosition(API_KEY, { symbol, amount: held });
        const outcome = await world.exchange.close(closeOrder({ symbol, side, amount }));
        const [fill] = world.venue.fills(API_KEY);
        expect(outcome).toMatchObject({ kind: "executed", orderId: fill?.orderId });
        expect(outcome.kind === "executed" ? plain(outcome.executed) : outcome).toBe(amount);
        expect(amountOf(world.venue, symbol, "BOTH")).toBe("0");
        expect(await world.exchange.positions()).toEqual({ known: true, value: [] });
      });
    }

    test("close() of one hedge leg leaves the other alone", async () => {
      await using world = await face({ hedge: true });
      world.venue.openPosition(API_KEY, { symbol: "BTCUSDT", positionSide: "LONG", amount: "0.5" });
      world.venue.openPosition(API_KEY, { symbol: "BTCUSDT", positionSide: "SHORT", amount: "-0.25" });
      const order = closeOrder({ symbol: "BTCUSDT", positionSide: "SHORT", side: "BUY", amount: "0.25" });
      expect(await world.exchange.close(order)).toMatchObject({ kind: "executed" });
      expect(legs(await world.exchange.positions())).toEqual(["BTCUSDT LONG 0.5"]);
    });

    test("close() of what is flat already is refused with -2022 and opens nothing", async () => {
      for (const hedge of [false, true]) {
        await using world = await face({ hedge });
        const positionSide = hedge ? "LONG" : "BOTH";
        const order = closeOrder({ symbol: "BTCUSDT", positionSide, side: "SELL", amount: "0.5" });
        expect(await world.exchange.close(order)).toMatchObject({ kind: "refused", code: -2022 });
        expect(amountOf(world.venue, "BTCUSDT", positionSide)).toBe("0");
      }
    });

    test("close() twice with the same order closes once and opens nothing", async () => {
      await using world = await face({ hedge: false });
      world.venue.openPosition(API_KEY, { symbol: "BTCUSDT", amount: "0.5" });
      const order = closeOrder({ symbol: "BTCUSDT", side: "SELL", amount: "0.5" });
      const outcomes = await Promise.all([world.exchange.close(order), world.exchange.close(order)]);
      expect(outcomes.map((outcome) => outcome.kind).sort()).toEqual(["executed", "refused"]);
      expect(amountOf(world.venue, "BTCUSDT", "BOTH")).toBe("0");
    });

    test("close() of more than is held executes what is held and does not turn the position", async () => {
      await using world = await face({ hedge: false });
      world.venue.openPosition(API_KEY, { symbol: "BTCUSDT", amount: "0.5" });
      const outcome = await world.exchange.close(closeOrder({ symbol: "BTCUSDT", side: "SELL", amount: "0.7" }));
      expect(outcome.kind === "executed" ? plain(outcome.executed) : outcome).toBe("0.5");
      expect(amountOf(world.venue, "BTCUSDT", "BOTH")).toBe("0");
    });

    const refusals = [
      {
        fact: "in the shape of the other position mode",
        symbol: "BTCUSDT",
        positionSide: "LONG",
        amount: "0.5",
        code: -4061,
      },
      { fact: "of a symbol nobody lists", symbol: "NOPEUSDT", positionSide: "BOTH", amount: "0.5", code: -1121 },
      { fact: "above the market lot", symbol: "BTCUSDT", positionSide: "BOTH", amount: "100000", code: -4005 },
      { fact: "with too many decimals", symbol: "BTCUSDT", positionSide: "BOTH", amount: "0.00001", code: -1111 },
    ] as const;
    for (const { fact, symbol, positionSide, amount, code } of refusals) {
      test(`close() ${fact} is refused with ${code}`, async () => {
        await using world = await face({ hedge: false });
        world.venue.openPosition(API_KEY, { symbol: "BTCUSDT", amount: "0.5" });
        const order = closeOrder({ symbol, positionSide, side: "SELL", amount });
        expect(await world.exchange.close(order)).toMatchObject({ kind: "refused", code });
        expect(amountOf(world.venue, "BTCUSDT", "BOTH")).toBe("0.5");
      });
    }

    test("restingOrders() lists both families, and cancel() takes one family of one symbol", async () => {
      await using world = await face({ hedge: false });
      world.venue.openPosition(API_KEY, { symbol: "BTCUSDT", amount: "0.5" });
      const limit = world.venue.place(API_KEY, limitOrder({}));
      const other = world.venue.place(API_KEY, limitOrder({ symbol: "ETHUSDT", price: decimal("3000") }));
      const stop = world.venue.placeAlgo(API_KEY, stopOrder);
      const rows = [
        { symbol: "BTCUSDT", family: "regular", orderId: limit.orderId },
        { symbol: "ETHUSDT", family: "regular", orderId: other.orderId },
        { symbol: "BTCUSDT", family: "algo", orderId: stop.algoId },
      ] as const;
      const named = (some: readonly (typeof rows)[number][]): Set<string> =>
        new Set(some.map(({ symbol, family, orderId }) => JSON.stringify({ symbol, family, orderId })));
      const listed = async (): Promise<unknown> => {
        const reading = await world.exchange.restingOrders();
        if (!reading.known) return reading;
        return new Set(reading.value.map(({ symbol, family, orderId }) => JSON.stringify({ symbol, family, orderId })));
      };
      expect(await listed()).toEqual(named(rows));
      expect(await world.exchange.cancel(all("BTCUSDT", "regular"))).toEqual({ kind: "cancelled" });
      expect(await listed()).toEqual(named([rows[1], rows[2]]));
      expect(await world.exchange.cancel(all("BTCUSDT", "algo"))).toEqual({ kind: "cancelled" });
      expect(await listed()).toEqual(named([rows[1]]));
    });

    test("cancel() of nothing is cancelled, and of a symbol nobody lists failed", async () => {
      await using world = await face({ hedge: false });
      for (const family of ["regular", "algo"] as const) {
        expect(await world.exchange.cancel(all("BTCUSDT", family))).toEqual({ kind: "cancelled" });
        expect(await world.exchange.cancel(all("NOPEUSDT", family))).toMatchObject({ kind: "failed" });
      }
    });

    test("close() behind a resting reduce-only order is refused with -4118, and executes once that is cancelled", async () => {
      await using world = await face({ hedge: false });
      world.venue.openPosition(API_KEY, { symbol: "BTCUSDT", amount: "0.5" });
      world.venue.place(API_KEY, limitOrder({ reduceOnly: true }));
      const again = (): CloseOrder => closeOrder({ symbol: "BTCUSDT", side: "SELL", amount: "0.5" });
      expect(await world.exchange.close(again())).toMatchObject({ kind: "refused", code: -4118 });
      expect(await world.exchange.cancel(all("BTCUSDT", "regular"))).toEqual({ kind: "cancelled" });
      expect(await world.exchange.close(again())).toMatchObject({ kind: "executed" });
    });

    test("lastFillAt() is the venue's time of the last fill since then", async () => {
      await using world = await face({ hedge: false });
      const since = world.venue.now();
      const symbols = ["BTCUSDT", "ETHUSDT"];
      expect(await world.exchange.lastFillAt(symbols, since)).toEqual({ known: true, value: null });
      for (const symbol of symbols) {
        world.venue.openPosition(API_KEY, { symbol, amount: "0.5" });
        await world.exchange.close(closeOrder({ symbol, side: "SELL", amount: "0.5" }));
      }
      const last = world.venue.fills(API_KEY).at(-1)?.time ?? since;
      expect(await world.exchange.lastFillAt(symbols, since)).toEqual({ known: true, value: last });
      expect(await world.exchange.lastFillAt(symbols, (last + 1) as UnixMillis)).toEqual({ known: true, value: null });
    });

    test("access() is granted, and now() is the venue's clock", async () => {
      await using world = await face({ hedge: false });
      expect(await world.exchange.access()).toEqual({ kind: "granted" });
      const reading = await world.exchange.now();
      expect(Math.abs(world.venue.now() - (reading.known ? reading.value : 0))).toBeLessThan(1_000);
    });

    test("warm() knows how long the slowest answer took", async () => {
      await using world = await face({ hedge: false });
      const reading = await world.exchange.warm(3);
      expect(reading.known && reading.value >= 0).toBe(true);
    });
  });
}

describe("binanceExchange() on the wire", () => {
  test("over HTTPS refuses a certificate nobody vouches for, and sends nothing", async () => {
    const venue = newVenue(false);
    venue.openPosition(API_KEY, { symbol: "BTCUSDT", amount: "0.5" });
    const server = await serveBinance({ venue, tls: await throwAwayCertificate() });
    const exchange = binanceExchange({ baseUrl: server.url, apiKey: API_KEY, secret: SECRET, clock: hostClock });
    expect(await exchange.positions()).toMatchObject({ known: false, why: expect.stringMatching(/certificate/i) });
    const order = closeOrder({ symbol: "BTCUSDT", side: "SELL", amount: "0.5" });
    expect(await exchange.close(order)).toMatchObject({ kind: "refused", code: null });
    expect(server.requests()).toEqual([]);
    await exchange.dispose();
    await server.close();
  });

  test("over HTTPS trusts a certificate it was given, and a warm pool closes without a handshake", async () => {
    const venue = newVenue(false);
    const certificate = await throwAwayCertificate();
    const server = await serveBinance({ venue, tls: certificate });
    const exchange = binanceExchange({
      baseUrl: server.url,
      apiKey: API_KEY,
      secret: SECRET,
      caPem: certificate.certPem,
      clock: hostClock,
    });
    expect(await exchange.warm(4)).toMatchObject({ known: true });
    const handshakes = server.handshakes();
    expect(handshakes).toBeGreaterThanOrEqual(4);
    const symbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "BTCUSDC"];
    for (const symbol of symbols) venue.openPosition(API_KEY, { symbol, amount: "0.5" });
    await exchange.warm(4);
    await exchange.positions();
    const closes = symbols.map((symbol) => exchange.close(closeOrder({ symbol, side: "SELL", amount: "0.5" })));
    for (const outcome of await Promise.all(closes)) expect(outcome.kind).toBe("executed");
    expect(legs(await exchange.positions())).toEqual([]);
    expect(server.handshakes()).toBe(handshakes);
    await exchange.dispose();
    await server.close();
  });

  const spki = { type: "spki", format: "pem" } as const;
  const pkcs8 = { type: "pkcs8", format: "pem" } as const;
  const keys = [
    ["Ed25519", generateKeyPairSync("ed25519", { publicKeyEncoding: spki, privateKeyEncoding: pkcs8 })],
    ["RSA", generateKeyPairSync("rsa", { modulusLength: 2048, publicKeyEncoding: spki, privateKeyEncoding: pkcs8 })],
  ] as const;
  for (const [kind, { publicKey, privateKey }] of keys) {
    test(`signs with an ${kind} key`, async () => {
      const venue = new Venue({ now: () => Date.now() as UnixMillis });
      venue.addAccount({ apiKey: API_KEY, publicKeyPem: publicKey });
      venue.openPosition(API_KEY, { symbol: "币安人生USDT", amount: "1000" });
      const server = await serveBinance({ venue });
      const exchange = binanceExchange({ baseUrl: server.url, apiKey: API_KEY, secret: privateKey, clock: hostClock });
      const order = closeOrder({ symbol: "币安人生USDT", side: "SELL", amount: "1000" });
      expect(await exchange.close(order)).toMatchObject({ kind: "executed" });
      await exchange.dispose();
      await server.close();
    });
  }

  test("a wrong secret is refused with -1022, and reads with it are unknown", async () => {
    const venue = newVenue(false);
    venue.openPosition(API_KEY, { symbol: "BTCUSDT", amount: "0.5" });
    const server = await serveBinance({ venue });
    const exchange = binanceExchange({ baseUrl: server.url, apiKey: API_KEY, secret: "wrong", clock: hostClock });
    expect(await exchange.positions()).toMatchObject({ known: false });
    expect(await exchange.access()).toMatchObject({ kind: "refused" });
    const order = closeOrder({ symbol: "BTCUSDT", side: "SELL", amount: "0.5" });
    expect(await exchange.close(order)).toMatchObject({ kind: "refused", code: -1022 });
    await exchange.dispose();
    await server.close();
  });

  test("a venue whose clock is a year ahead of ours accepts every call", async () => {
    const venue = new Venue({ now: () => (Date.now() + 366 * 86_400_000) as UnixMillis });
    venue.addAccount({ apiKey: API_KEY, secret: SECRET });
    venue.openPosition(API_KEY, { symbol: "BTCUSDT", amount: "0.5" });
    const server = await serveBinance({ venue });
    const exchange = binanceExchange({ baseUrl: server.url, apiKey: API_KEY, secret: SECRET, clock: hostClock });
    const order = closeOrder({ symbol: "BTCUSDT", side: "SELL", amount: "0.5" });
    expect(await exchange.close(order)).toMatchObject({ kind: "executed" });
    expect(await exchange.positions()).toEqual({ known: true, value: [] });
    await exchange.dispose();
    await server.close();
  });

  test("after the venue's clock and ours have parted by an hour, a read finds out and the close that follows executes", async () => {
    let apartMs = 0;
    const venue = new Venue({ now: () => (Date.now() + apartMs) as UnixMillis });
    venue.addAccount({ apiKey: API_KEY, secret: SECRET });
    venue.openPosition(API_KEY, { symbol: "BTCUSDT", amount: "0.5" });
    const server = await serveBinance({ venue });
    const exchange = binanceExchange({ baseUrl: server.url, apiKey: API_KEY, secret: SECRET, clock: hostClock });
    await exchange.warm(1);
    apartMs = 3_600_000;
    const close = (): CloseOrder => closeOrder({ symbol: "BTCUSDT", side: "SELL", amount: "0.5" });
    expect(await exchange.close(close())).toMatchObject({ kind: "refused", code: -1021 });
    expect(legs(await exchange.positions())).toEqual(["BTCUSDT BOTH 0.5"]);
    expect(await exchange.close(close())).toMatchObject({ kind: "executed" });
    await exchange.dispose();
    await server.close();
  });
});

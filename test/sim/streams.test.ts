import { afterEach, describe, expect, test } from "bun:test";
import { WebSocket } from "real-ws";
import { hostClock } from "../../src/adapters/host/clock.ts";
import { decimal } from "../../src/core/decimal.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { type BinanceServer, type BinanceServerOptions, serveBinance } from "../../src/sim/binance-server.ts";
import { Gateway, type GatewayRequest } from "../../src/sim/gateway.ts";
import { LISTEN_KEY_MS } from "../../src/sim/listen-keys.ts";
import { readStreamPath } from "../../src/sim/stream-path.ts";
import type { Venue } from "../../src/sim/venue.ts";
import { eventually } from "../support/eventually.ts";
import { NOW, order, stop, venueOf } from "./scene.ts";

type Message = Readonly<Record<string, unknown>>;

let server: BinanceServer | null = null;
const clients: WebSocket[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.terminate();
  await server?.close();
  server = null;
});

interface Listener {
  readonly client: WebSocket;
  readonly messages: Message[];
  readonly pongs: number[];
  /** The code it was closed with; null while it is open. */
  closed: number | null;
}

async function serve(options: Partial<BinanceServerOptions> = {}): Promise<{ venue: Venue; url: string }> {
  const venue = options.venue ?? venueOf();
  server = await serveBinance({ venue, ...options });
  return { venue, url: server.url.replace("http", "ws") };
}

/** A connection to a stream, once it is open. */
async function listen(url: string): Promise<Listener> {
  const client = new WebSocket(url, { perMessageDeflate: false });
  clients.push(client);
  const listener: Listener = { client, messages: [], pongs: [], closed: null };
  client.on("message", (data: Buffer) => listener.messages.push(JSON.parse(data.toString("utf8"))));
  client.on("pong", () => listener.pongs.push(performance.now()));
  client.on("error", () => undefined);
  client.on("close", (code) => {
    listener.closed = code;
  });
  await eventually(`${url} opens`, () => client.readyState === WebSocket.OPEN || listener.closed !== null);
  return listener;
}

const heard = (listener: Listener, count: number): Promise<void> =>
  eventually(`${count} messages`, () => listener.messages.length >= count);

const events = ({ messages }: Listener): readonly unknown[] => messages.map((message) => message["e"]);

describe("the address of a stream", () => {
  const MARK = { family: "market", combined: false, path: "/market/ws" };
  test.each([
    [
      "/market/ws/!markPrice@arr@1s",
      { ...MARK, marks: [{ name: "!markPrice@arr@1s", symbol: null, everySeconds: 1 }] },
    ],
    ["/market/ws/!markPrice@arr", { ...MARK, marks: [{ name: "!markPrice@arr", symbol: null, everySeconds: 3 }] }],
    [
      "/market/ws/btcusdt@markPrice@1s/ethusdt@markPrice",
      {
        ...MARK,
        marks: [
          { name: "btcusdt@markPrice@1s", symbol: "BTCUSDT", everySeconds: 1 },
          { name: "ethusdt@markPrice", symbol: "ETHUSDT", everySeconds: 3 },
        ],
      },
    ],
    [
      "/market/stream?streams=btcusdt@markPrice@1s/btcusdt@aggTrade",
      {
        family: "market",
        combined: true,
        path: "/market/stream",
        marks: [{ name: "btcusdt@markPrice@1s", symbol: "BTCUSDT", everySeconds: 1 }],
      },
    ],
    [
      "/private/ws/the-key",
      { family: "private", combined: false, path: "/private/ws", listenKey: "the-key", events: null },
    ],
    [
      "/private/ws?listenKey=the-key&events=ACCOUNT_UPDATE/TRADE_LITE",
      {
        family: "private",
        combined: false,
        path: "/private/ws",
        listenKey: "the-key",
        events: new Set(["ACCOUNT_UPDATE", "TRADE_LITE"]),
      },
    ],
  ])("%s", (target, wish) => {
    expect<unknown>(readStreamPath(target)).toEqual(wish);
  });

  test.each(["/ws/!markPrice@arr@1s", "/stream?streams=a", "/market", "/public/ws/btcusdt@depth", "/"])(
    "%s streams nothing: the old paths are switched off",
    async (target) => {
      expect(readStreamPath(target)).toBeNull();
      const { url } = await serve();
      expect((await listen(url + target)).closed).not.toBeNull();
    },
  );
});

describe("marks", () => {
  test("of all contracts come in one list, once a second", async () => {
    const { venue, url } = await serve();
    const all = await listen(`${url}/market/ws/!markPrice@arr@1s`);
    await heard(all, 2);
    const list = all.messages[0] as unknown as readonly Message[];
    expect(list.map((row) => row["s"])).toEqual(venue.symbols().map(({ symbol }) => symbol));
    expect(list[0]).toMatchObject({ e: "markPriceUpdate", E: NOW, s: "BTCUSDT", p: venue.mark("BTCUSDT").toFixed(8) });
  });

  test("of one contract come alone, and by their name where streams are combined", async () => {
    const { url } = await serve();
    const one = await listen(`${url}/market/ws/ethusdt@markPrice`);
    const two = await listen(`${url}/market/stream?streams=ethusdt@markPrice@1s/btcusdt@markPrice@1s`);
    await heard(two, 2);
    expect(two.messages.slice(0, 2).map(({ stream, data }) => [stream, (data as Message)["s"]])).toEqual([
      ["ethusdt@markPrice@1s", "ETHUSDT"],
      ["btcusdt@markPrice@1s", "BTCUSDT"],
    ]);
    await heard(one, 1);
    expect(one.messages[0]).toMatchObject({ e: "markPriceUpdate", s: "ETHUSDT" });
  });

  test("come as soon as they are moved only where that was asked for", async () => {
    const early = await serve({ marksAtOnce: true });
    const listener = await listen(`${early.url}/market/ws/btcusdt@markPrice`);
    early.venue.setMark("ETHUSDT", "3000");
    early.venue.setMark("BTCUSDT", "61000.5");
    await heard(listener, 1);
    expect(listener.messages[0]).toMatchObject({ s: "BTCUSDT", p: "61000.50000000" });
    await server?.close();
    const usual = await serve();
    const patient = await listen(`${usual.url}/market/ws/btcusdt@markPrice`);
    usual.venue.setMark("BTCUSDT", "61000.5");
    await hostClock.sleep(100);
    expect(patient.messages).toEqual([]);
  });
});

describe("the account's stream", () => {
  async function account(
    options: Partial<BinanceServerOptions> = {},
    query = "",
  ): Promise<{ venue: Venue } & Listener> {
    const { venue, url } = await serve(options);
    const key = venue.listenKeys.obtain("one-way");
    const target = query === "" ? `/private/ws/${key}` : `/private/ws?listenKey=${key}&${query}`;
    return Object.assign(await listen(url + target), { venue });
  }

  test("tells an order, its fill and the position, in Binance's words", async () => {
    const listener = await account();
    listener.venue.place("one-way", order({ side: "BUY", quantity: "0.01", clientOrderId: "mine" }));
    await heard(listener, 4);
    expect(events(listener)).toEqual(["ORDER_TRADE_UPDATE", "TRADE_LITE", "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE"]);
    const [taken, lite, filled, update] = listener.messages;
    const id = expect.any(Number);
    expect(taken).toMatchObject({
      E: NOW,
      T: NOW,
      o: { s: "BTCUSDT", c: "mine", x: "NEW", X: "NEW", i: id, z: "0.000" },
    });
    expect(lite).toMatchObject({ s: "BTCUSDT", c: "mine", S: "BUY", l: "0.010", t: id, i: id, m: false });
    expect(filled).toMatchObject({
      o: { x: "TRADE", X: "FILLED", S: "BUY", ps: "BOTH", l: "0.010", z: "0.010", t: id, R: false, rp: "0.00000000" },
    });
    expect(update).toMatchObject({
      a: { m: "ORDER", B: [{ a: "USDT" }], P: [{ s: "BTCUSDT", pa: "0.010", ps: "BOTH", mt: "cross" }] },
    });
  });

  test("tells what rested and expired, and why", async () => {
    const listener = await account();
    const { venue } = listener;
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.01" });
    const { orderId } = venue.place("one-way", order({ side: "BUY", quantity: "0.01", price: "80000" }));
    venue.cancel("one-way", "BTCUSDT", { orderId });
    venue.place("one-way", order({ side: "SELL", quantity: "0.01", price: "99000", reduceOnly: true }));
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0" });
    await heard(listener, 6);
    expect(
      listener.messages.map(({ e, o }) => [e, (o as Message | undefined)?.["x"], (o as Message | undefined)?.["er"]]),
    ).toEqual([
      ["ACCOUNT_UPDATE", undefined, undefined],
      ["ORDER_TRADE_UPDATE", "NEW", "0"],
      ["ORDER_TRADE_UPDATE", "CANCELED", "0"],
      ["ORDER_TRADE_UPDATE", "NEW", "0"],
      ["ACCOUNT_UPDATE", undefined, undefined],
      ["ORDER_TRADE_UPDATE", "EXPIRED", "4"],
    ]);
    expect(listener.messages[0]).toMatchObject({ a: { m: "ADJUSTMENT" } });
  });

  test("tells a part that was executed, and that the rest expired", async () => {
    const listener = await account();
    listener.venue.place("one-way", order({ side: "BUY", quantity: "0.01" }), decimal("0.5"));
    await heard(listener, 5);
    const orders = listener.messages.flatMap(({ e, o }) => (e === "ORDER_TRADE_UPDATE" ? [o as Message] : []));
    expect(orders.map(({ x, X, l, z, er }) => [x, X, l, z, er])).toEqual([
      ["NEW", "NEW", "0.000", "0.000", "0"],
      ["TRADE", "PARTIALLY_FILLED", "0.005", "0.005", "0"],
      ["EXPIRED", "EXPIRED", "0.000", "0.005", "9"],
    ]);
  });

  test("tells a conditional order, and what it became", async () => {
    const listener = await account();
    const { venue } = listener;
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.01" });
    venue.placeAlgo("one-way", stop({ closePosition: true, quantity: null, reduceOnly: null }));
    venue.setMark("BTCUSDT", "86000");
    await eventually("it is finished", () =>
      listener.messages.some(({ o }) => (o as Message | undefined)?.["X"] === "FINISHED"),
    );
    const algos = listener.messages.filter(({ e }) => e === "ALGO_UPDATE").map(({ o }) => o as Message);
    expect(algos.map((algo) => algo["X"])).toEqual(["NEW", "TRIGGERED", "FINISHED"]);
    expect(algos[0]).toMatchObject({ aid: expect.any(Number), at: "CONDITIONAL", o: "STOP_MARKET", cp: true, ai: "" });
    expect(algos[2]).toMatchObject({ ai: expect.stringMatching(/^\d+$/), act: "MARKET" });
  });

  test("tells what is put in and taken out", async () => {
    const listener = await account();
    listener.venue.transfer("one-way", "USDT", "-250");
    await heard(listener, 1);
    expect(listener.messages[0]).toMatchObject({
      a: { m: "WITHDRAW", B: [{ a: "USDT", wb: "99750.00000000", bc: "-250.00000000" }], P: [] },
    });
  });

  test("tells only the events it was asked for, and nothing of another account", async () => {
    const listener = await account({}, "events=ACCOUNT_UPDATE");
    listener.venue.openPosition("hedge", { symbol: "BTCUSDT", positionSide: "LONG", amount: "0.01" });
    listener.venue.place("one-way", order({ side: "BUY", quantity: "0.01" }));
    await heard(listener, 1);
    await hostClock.sleep(50);
    expect(listener.messages).toMatchObject([{ e: "ACCOUNT_UPDATE", a: { P: [{ ps: "BOTH" }] } }]);
  });

  test("with a key that is none is open and silent", async () => {
    const { venue, url } = await serve();
    const listener = await listen(`${url}/private/ws/nobody`);
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.01" });
    await hostClock.sleep(1_200);
    expect(listener).toMatchObject({ closed: null, messages: [] });
  });

  test("says when its key has run out, and nothing after it", async () => {
    const listener = await account();
    server?.streams.change('{"expireKeys": true}');
    listener.venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.01" });
    await heard(listener, 1);
    await hostClock.sleep(50);
    expect(events(listener)).toEqual(["listenKeyExpired"]);
    expect(listener.closed).toBeNull();
  });

  test("is closed with its key", async () => {
    const listener = await account();
    listener.venue.listenKeys.close("one-way");
    await eventually("closed", () => listener.closed !== null);
    expect(listener.messages).toEqual([]);
  });
});

describe("the key", () => {
  let now = NOW;
  const keyed = (gateway: Gateway, method: string, apiKey: string | null = "one-way"): unknown => {
    const request: GatewayRequest = {
      method,
      path: "/fapi/v1/listenKey",
      query: "",
      body: "",
      apiKey,
      ip: "127.0.0.1",
    };
    const { status, body } = gateway.answer(request);
    return { status, ...JSON.parse(body) };
  };
  const GONE = { status: 400, code: -1125, msg: "This listenKey does not exist." };

  test("is the same until it runs out, and can be prolonged and closed", () => {
    now = NOW;
    const gateway = new Gateway(venueOf({ now: () => now }));
    expect(keyed(gateway, "PUT")).toEqual(GONE);
    const first = keyed(gateway, "POST");
    expect(first).toEqual({ status: 200, listenKey: expect.stringMatching(/^[0-9a-f]{64}$/) });
    now = (NOW + LISTEN_KEY_MS - 1) as UnixMillis;
    expect(keyed(gateway, "PUT")).toEqual(first);
    now = (now + LISTEN_KEY_MS - 1) as UnixMillis;
    expect(keyed(gateway, "POST")).toEqual(first);
    now = (now + LISTEN_KEY_MS) as UnixMillis;
    expect(keyed(gateway, "PUT")).toEqual(GONE);
    expect(keyed(gateway, "POST")).not.toEqual(first);
    expect(keyed(gateway, "DELETE")).toEqual({ status: 200 });
    expect(keyed(gateway, "DELETE")).toEqual(GONE);
  });

  test.each([
    [null, -2014],
    ["nobody", -2015],
  ])("is not for %p", (apiKey, code) => {
    expect(keyed(new Gateway(venueOf()), "POST", apiKey)).toMatchObject({ status: 401, code });
  });
});

describe("the behaviour of streams", () => {
  const control = async (body: object): Promise<{ status: number; answer: unknown }> => {
    const response = await fetch(`${server?.url}/sim/streams`, { method: "POST", body: JSON.stringify(body) });
    return { status: response.status, answer: await response.json() };
  };
  const state = async (): Promise<unknown> => (await fetch(`${server?.url}/sim/state`)).json();
  const FLOWING = { mood: "flowing", delayMs: 0 };

  test("quiet: open, answering pings, sending nothing", async () => {
    const { url } = await serve();
    const listener = await listen(`${url}/market/ws/!markPrice@arr@1s`);
    expect(await control({ which: "market", mood: "quiet" })).toEqual({
      status: 200,
      answer: { market: { mood: "quiet", delayMs: 0 }, private: FLOWING },
    });
    listener.client.ping();
    await eventually("a pong", () => listener.pongs.length === 1);
    await hostClock.sleep(1_200);
    expect(listener).toMatchObject({ closed: null, messages: [] });
    await control({ mood: "flowing" });
    await heard(listener, 1);
  });

  test("frozen: not even that", async () => {
    const { url } = await serve();
    const listener = await listen(`${url}/market/ws/!markPrice@arr@1s`);
    await control({ mood: "frozen" });
    listener.client.ping();
    await hostClock.sleep(100);
    expect(listener).toMatchObject({ closed: null, pongs: [], messages: [] });
  });

  test("late: everything so much later", async () => {
    const { venue, url } = await serve({ marksAtOnce: true });
    const listener = await listen(`${url}/market/ws/btcusdt@markPrice`);
    await control({ which: "market", delayMs: "300" });
    const movedAt = performance.now();
    venue.setMark("BTCUSDT", "61000");
    await heard(listener, 1);
    expect(performance.now() - movedAt).toBeGreaterThanOrEqual(295);
  });

  test("dropped: the family that is named, and the state counts what is open", async () => {
    const { venue, url } = await serve();
    const marks = await listen(`${url}/market/ws/!markPrice@arr@1s`);
    const account = await listen(`${url}/private/ws/${venue.listenKeys.obtain("one-way")}`);
    expect(await state()).toMatchObject({ streams: { market: 1, private: 1 } });
    await control({ which: "private", drop: true });
    await eventually("dropped", () => account.closed !== null);
    expect(marks.closed).toBeNull();
    expect(await state()).toMatchObject({ streams: { market: 1, private: 0 } });
  });

  test.each([
    [{ which: "public" }, "which must be one of market, private, not public"],
    [{ mood: "angry" }, "mood must be one of flowing, quiet, frozen, not angry"],
    [{ mood: "quiet", delayMs: 5 }, "delayMs must be a string, also where it is a number"],
    [{ mood: "quiet", delayMs: "60001" }, "delayMs must be a whole number up to 60000, not 60001"],
    [{ mood: "quiet", drop: "yes" }, 'drop must be true or false, not "yes"'],
  ])("%j is refused and changes nothing", async (body, error) => {
    await serve();
    expect(await control(body)).toEqual({ status: 400, answer: { error } });
    expect((await control({})).answer).toEqual({ market: FLOWING, private: FLOWING });
  });

  test("an opening meets the faults of the script, by a path without a key", async () => {
    const { venue, url } = await serve();
    // biome-ignore lint/suspicious/noThenProperty: a word of the script; nobody awaits a rule.
    const rules = [{ when: { path: "/private/ws" }, then: { kind: "refuse", name: "serviceUnavailable" } }];
    await fetch(`${server?.url}/sim/faults`, { method: "POST", body: JSON.stringify({ rules }) });
    const target = `${url}/private/ws/${venue.listenKeys.obtain("one-way")}`;
    expect((await listen(target)).closed).not.toBeNull();
    expect((await listen(target)).closed).toBeNull();
    expect(server?.requests().map(({ path, query, status }) => [path, query, status])).toEqual([
      ["/private/ws", "", 503],
      ["/private/ws", "", 101],
    ]);
    expect(await state()).toMatchObject({ struck: [{ path: "/private/ws", effect: "refuse" }] });
  });

  test("latency delays the greeting and halves itself on what is told", async () => {
    const { venue, url } = await serve({ marksAtOnce: true, latencyMs: 200 });
    const openedAt = performance.now();
    const listener = await listen(`${url}/market/ws/btcusdt@markPrice`);
    expect(performance.now() - openedAt).toBeGreaterThanOrEqual(195);
    const movedAt = performance.now();
    venue.setMark("BTCUSDT", "61000");
    await heard(listener, 1);
    expect(performance.now() - movedAt).toBeGreaterThanOrEqual(95);
    expect(performance.now() - movedAt).toBeLessThan(190);
  });
});

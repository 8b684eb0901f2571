import { afterEach, describe, expect, test } from "bun:test";
import { createServer, type Server } from "node:net";
import { WebSocketServer } from "real-ws";
import { type BinanceExchange, binanceExchange } from "../../../src/adapters/binance/exchange.ts";
import type { ListenKeys } from "../../../src/adapters/binance/listen-key.ts";
import { type BinanceStreamOptions, binanceStream } from "../../../src/adapters/binance/stream.ts";
import { hostClock } from "../../../src/adapters/host/clock.ts";
import { decimal, plain } from "../../../src/core/decimal.ts";
import { ACCOUNT_STREAM_LIMITS, MARK_STREAM_LIMITS, type StreamLimits } from "../../../src/core/stream-health.ts";
import type { StreamEvent, StreamName } from "../../../src/ports/venue-stream.ts";
import { type BinanceServer, serveBinance } from "../../../src/sim/binance-server.ts";
import { parseFaultScript } from "../../../src/sim/fault-rules.ts";
import { FaultBook } from "../../../src/sim/faults.ts";
import { Venue } from "../../../src/sim/venue.ts";
import { eventually } from "../../support/eventually.ts";

// What a runtime could break is checked on each of them in test/runtime/stream-smoke.ts; here is the rest.

const API_KEY = "the-api-key-0123456789";
/** The usual decisions at a tenth of their pace, and with pauses that a test can wait for. */
const FAST: Readonly<Record<StreamName, StreamLimits>> = {
  marks: { ...MARK_STREAM_LIMITS, openMs: 600, quietMs: 1_800, pausesMs: [50] },
  account: { ...ACCOUNT_STREAM_LIMITS, openMs: 600, quietMs: 400, pingMs: 100, pausesMs: [50] },
};

/** A key that nobody gave. */
const HANDED_OUT: ListenKeys = {
  obtain: async () => ({ known: true, value: "the-listen-key/0123456789" }),
  renew: async () => ({ kind: "renewed" }),
};

interface Watched {
  readonly venue: Venue;
  readonly server: BinanceServer;
  readonly faults: FaultBook;
  /** What was told, in words. */
  readonly told: string[];
  readonly stop: () => Promise<void>;
}

const opened: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

function words(event: StreamEvent): string {
  switch (event.kind) {
    case "marks":
      return event.marks.map(({ symbol, price }) => `${symbol} ${plain(price)}`).join(" ");
    case "account_changed":
      return event.kind;
    case "flowing":
      return `flowing ${event.which}`;
    case "quiet":
      return `quiet ${event.which}: ${event.why}`;
  }
}

async function serve(): Promise<Pick<Watched, "venue" | "server" | "faults">> {
  const venue = new Venue({ now: hostClock.wall });
  venue.addAccount({ apiKey: API_KEY, secret: "secret" });
  const faults = new FaultBook();
  const server = await serveBinance({ venue, marksAtOnce: true, faults });
  opened.push(() => server.close());
  return { venue, server, faults };
}

function play(faults: FaultBook, rules: readonly object[]): void {
  faults.play(parseFaultScript({ rules }));
}

function connect(baseUrl: string): BinanceExchange {
  const exchange = binanceExchange({
    baseUrl,
    apiKey: API_KEY,
    secret: "secret",
    clock: hostClock,
    queryDeadlineMs: 400,
  });
  opened.push(() => exchange.dispose());
  return exchange;
}

function run(options: Omit<BinanceStreamOptions, "clock">): Pick<Watched, "told" | "stop"> {
  const stopping = new AbortController();
  const told: string[] = [];
  const wants = (symbol: string): boolean => symbol === "BTCUSDT";
  const ended = binanceStream({ clock: hostClock, limits: FAST, ...options }).run(
    { wants, emit: (event) => told.push(words(event)) },
    stopping.signal,
  );
  const stop = (): Promise<void> => {
    stopping.abort();
    return ended;
  };
  opened.push(stop);
  return { told, stop };
}

/** Streams that flow. */
async function watched(): Promise<Watched> {
  const { venue, server, faults } = await serve();
  const { told, stop } = run({ streamUrl: server.url.replace("http", "ws"), keys: connect(server.url).listenKeys });
  await eventually("both flow", () => told.includes("flowing marks") && told.includes("flowing account"));
  await eventually("the first marks", () => told.some((word) => word.startsWith("BTCUSDT")));
  return { venue, server, faults, told, stop };
}

const change = (server: BinanceServer, what: object): void => server.streams.change(JSON.stringify(what));
const has = (told: readonly string[], start: string) => () => told.some((word) => word.startsWith(start));

describe("while they flow", () => {
  test("only the marks that are wanted are told, once a second and when they move", async () => {
    const { venue, told } = await watched();
    venue.setMark("ETHUSDT", "3000");
    venue.setMark("BTCUSDT", "61812.5");
    await eventually("the mark", () => told.includes("BTCUSDT 61812.5"));
    expect(told.filter((word) => word.includes("ETH"))).toEqual([]);
    const before = told.length;
    await eventually("the same mark again", () => told.length > before && told.at(-1) === "BTCUSDT 61812.5");
  });

  test("a mark is told within 20 ms of its move, at the median of 50 moves", async () => {
    const { venue, told } = await watched();
    const delays: number[] = [];
    for (let move = 1; move <= 50; move += 1) {
      const price = String(60_000 + move);
      const movedAt = performance.now();
      venue.setMark("BTCUSDT", price);
      while (!told.includes(`BTCUSDT ${price}`) && performance.now() - movedAt < 1_000) await hostClock.sleep(0);
      delays.push(performance.now() - movedAt);
    }
    expect(delays.sort((one, other) => one - other)[25]).toBeLessThan(20);
  });

  test.each([
    ["a position", (venue: Venue) => venue.openPosition(API_KEY, { symbol: "BTCUSDT", amount: "0.01" })],
    [
      "an order",
      (venue: Venue) =>
        venue.place(API_KEY, {
          symbol: "BTCUSDT",
          side: "BUY",
          type: "MARKET",
          positionSide: "BOTH",
          quantity: decimal("0.01"),
          price: null,
          timeInForce: "GTC",
          reduceOnly: null,
          clientOrderId: null,
        }),
    ],
  ] as const)("a change is told: %s", async (_what, act) => {
    const { venue, told } = await watched();
    told.length = 0;
    act(venue);
    await eventually("the change", () => told.includes("account_changed"));
  });

  test("the account is to be asked as soon as its stream is open, for what was missed", async () => {
    const { told } = await watched();
    expect(told).toContain("account_changed");
  });
});

describe("a stream that fails is told with the reason, once, and flows again by itself", () => {
  test("quiet marks, while the account's stream stays", async () => {
    const { server, told } = await watched();
    told.length = 0;
    change(server, { mood: "quiet" });
    await eventually("quiet", has(told, "quiet marks"));
    expect(told.filter((word) => word.startsWith("quiet"))).toEqual([
      expect.stringMatching(/^quiet marks: The stream of marks: nothing was heard on it for \d\.\d s$/),
    ]);
    change(server, { mood: "flowing" });
    await eventually("flowing", () => told.includes("flowing marks"));
    expect(told).not.toContain("flowing account");
  });

  test("an account's stream that answers no ping", async () => {
    const { server, told } = await watched();
    told.length = 0;
    change(server, { which: "private", mood: "frozen" });
    await eventually("quiet", has(told, "quiet account: The stream of the account: nothing was heard on it for"));
    change(server, { mood: "flowing" });
    await eventually("flowing", () => told.includes("flowing account"));
    expect(told.filter((word) => word.startsWith("quiet"))).toHaveLength(1);
  });

  test("a drop", async () => {
    const { server, told } = await watched();
    told.length = 0;
    change(server, { drop: true });
    await eventually("flowing", () => told.includes("flowing marks") && told.includes("flowing account"));
    expect(told.filter((word) => word.startsWith("quiet")).sort()).toEqual([
      "quiet account: The stream of the account: the connection broke",
      "quiet marks: The stream of marks: the connection broke",
    ]);
  });

  test("a key that runs out: the next stream has a new one", async () => {
    const { server, told } = await watched();
    told.length = 0;
    change(server, { expireKeys: true });
    await eventually("flowing", () => told.includes("flowing account"));
    expect(told.filter((word) => word.startsWith("quiet"))).toEqual([
      "quiet account: The stream of the account: its key has expired",
    ]);
  });

  test.each([
    ["refused", { kind: "refuse", name: "serviceUnavailable" }, "503"],
    ["reset", { kind: "reset", executes: false }, "socket hang up"],
    ["not answered", { kind: "hang", executes: false }, "it did not open within 600 ms"],
    ["answered with something else", { kind: "garbage", executes: false, body: "<html>" }, "200"],
  ] as const)("an opening that is %s", async (_what, effect, why) => {
    const { server, faults } = await serve();
    // biome-ignore lint/suspicious/noThenProperty: a word of the script; nobody awaits a rule.
    play(faults, [{ when: { path: "/market/ws" }, times: 2, then: effect }]);
    const { told } = run({ streamUrl: server.url.replace("http", "ws"), keys: connect(server.url).listenKeys });
    await eventually("flowing", () => told.includes("flowing marks"));
    expect(faults.report().rules[0]?.struck).toBe(2);
    expect(told.filter((word) => word.startsWith("quiet"))).toEqual([
      expect.stringMatching(new RegExp(`^quiet marks: The stream of marks: .*${why}`)),
    ]);
  });
});

describe("a stream that can't be opened at all is told with the reason", () => {
  const OPENINGS = [
    ["nobody listens", async () => "ws://127.0.0.1:1", /ECONNREFUSED|connect/i],
    ["a peer that is mute in TCP", () => mute("ws"), /it did not open within 600 ms/],
    ["a peer that is mute in TLS", () => mute("wss"), /it did not open within 600 ms/],
    ["a URL that is none", async () => "ws://[", /Invalid URL/],
  ] as const;

  async function mute(scheme: string): Promise<string> {
    const server: Server = createServer((socket) => socket.on("error", () => socket.destroy()).resume());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    opened.push(() => new Promise((resolve) => server.close(() => resolve())));
    const address = server.address();
    return `${scheme}://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  }

  test.each(OPENINGS)("%s", async (_what, url, why) => {
    const { told, stop } = run({ streamUrl: await url(), keys: HANDED_OUT });
    await eventually("quiet", () => told.length >= 2);
    for (const word of told) {
      expect(word).toMatch(why);
      expect(word).not.toContain("the-listen-key");
    }
    await stop();
    expect(new Set(told.map((word) => word.split(":")[0]))).toEqual(new Set(["quiet account", "quiet marks"]));
    expect(told).toHaveLength(2);
  });

  test("a venue that gives no key", async () => {
    const { server } = await serve();
    const keys = binanceExchange({ baseUrl: server.url, apiKey: "another-key-987", secret: "s", clock: hostClock });
    opened.push(() => keys.dispose());
    const { told } = run({ streamUrl: server.url.replace("http", "ws"), keys: keys.listenKeys });
    await eventually("quiet", has(told, "quiet account"));
    expect(told.find((word) => word.startsWith("quiet account"))).toBe(
      "quiet account: The stream of the account: POST /fapi/v1/listenKey: HTTP 401, code -2015: " +
        "Invalid API-key, IP, or permissions for action.",
    );
  });
});

test("what can't be read ends the stream that said it", async () => {
  const door = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  opened.push(() => new Promise((resolve) => door.close(() => resolve())));
  await new Promise<void>((resolve) => door.once("listening", resolve));
  door.on("connection", (socket, { url }) => {
    socket.send(url?.startsWith("/market/") ? '[{"e":"markPriceUpdate","s":"BTCUSDT","p":"1"},{}]' : "pong");
  });
  const address = door.address();
  const port = typeof address === "object" ? address?.port : 0;
  const { told } = run({ streamUrl: `ws://127.0.0.1:${port}`, keys: HANDED_OUT });
  await eventually("both are quiet", () => told.filter((word) => word.startsWith("quiet")).length === 2);
  expect(told.filter((word) => word.startsWith("quiet")).sort()).toEqual([
    "quiet account: The stream of the account: it sent something that can't be read",
    "quiet marks: The stream of marks: it sent something that can't be read",
  ]);
  expect(told.filter((word) => word.startsWith("BTCUSDT") || word.startsWith("flowing"))).toEqual([]);
});

/** A venue whose marks say this of themselves, ten times a second. */
async function marksAt(timeOf: (message: number) => number): Promise<string> {
  const door = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  opened.push(() => new Promise((resolve) => door.close(() => resolve())));
  await new Promise<void>((resolve) => door.once("listening", resolve));
  door.on("connection", (socket, { url }) => {
    if (url?.startsWith("/market/") !== true) return;
    let message = 0;
    const timer = setInterval(() => {
      const mark = { e: "markPriceUpdate", E: timeOf(message), s: "BTCUSDT", p: String(60_000 + message) };
      socket.send(JSON.stringify([mark]));
      message += 1;
    }, 100);
    socket.on("close", () => clearInterval(timer));
  });
  const address = door.address();
  return `ws://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
}

describe("a stream of marks that is never silent", () => {
  const limits = { ...FAST, marks: { ...FAST.marks, lateMs: 500, pausesMs: [60_000] } };
  test.each([
    ["and more late with each message", (message: number) => 1_795_000_000_000 + message * 20],
    ["and repeats itself", () => 1_795_000_000_000],
  ])("%s is given up, and what came too late is not told", async (_how, timeOf) => {
    const { told } = run({ streamUrl: await marksAt(timeOf), keys: HANDED_OUT, limits });
    await eventually("quiet", has(told, "quiet marks"));
    expect(told.find((word) => word.startsWith("quiet marks"))).toMatch(
      /^quiet marks: The stream of marks: what it tells is \d\.\d s old$/,
    );
    expect(told).toContain("BTCUSDT 60000");
    expect(told).not.toContain("BTCUSDT 60009");
  });

  test("and in time, by a clock that is years off, is told on", async () => {
    const { told } = run({ streamUrl: await marksAt(() => Math.round(performance.now())), keys: HANDED_OUT, limits });
    await eventually("the twentieth mark", () => told.includes("BTCUSDT 60020"));
    expect(told.filter((word) => word.startsWith("quiet marks"))).toEqual([]);
  });
});

describe("the key", () => {
  const RENEWING: StreamLimits = { ...FAST.account, renewMs: { every: 50, again: 50 } };

  test("is renewed while its stream is open, and a failure ends nothing", async () => {
    const { server, faults } = await serve();
    const exchange = connect(server.url);
    const renewals = (): number => server.requests().filter(({ method }) => method === "PUT").length;
    // biome-ignore lint/suspicious/noThenProperty: a word of the script; nobody awaits a rule.
    play(faults, [{ when: { method: "PUT" }, times: 2, then: { kind: "refuse", name: "serviceUnavailable" } }]);
    const { told } = run({
      streamUrl: server.url.replace("http", "ws"),
      keys: exchange.listenKeys,
      limits: { ...FAST, account: RENEWING },
    });
    await eventually("renewed after two failures", () => renewals() >= 4);
    expect(told.filter((word) => word.startsWith("quiet account"))).toEqual([]);
  });

  test("that is gone is replaced by a new one", async () => {
    const { venue, server } = await serve();
    const asked: string[] = [];
    const keys: ListenKeys = {
      obtain: async () => {
        const value = venue.listenKeys.obtain(API_KEY);
        asked.push(value);
        return { known: true, value };
      },
      // The stream itself goes on: only the venue's answer tells.
      renew: async (key) => (asked.length > 1 ? { kind: "renewed" } : { kind: "gone", why: `${key === asked[0]}` }),
    };
    const streamUrl = server.url.replace("http", "ws");
    const { told } = run({ streamUrl, keys, limits: { ...FAST, account: RENEWING } });
    await eventually("flowing anew", () => told.filter((word) => word === "flowing account").length === 2);
    expect(told.filter((word) => word.startsWith("quiet account"))).toEqual([
      "quiet account: The stream of the account: true",
    ]);
    expect(asked).toHaveLength(2);
  });

  test("is never taken back", async () => {
    const { server, stop } = await watched();
    await stop();
    expect(server.requests().filter(({ method }) => method === "DELETE")).toEqual([]);
  });
});

describe("once stopped", () => {
  test("no socket is left, and nothing more is told", async () => {
    const { venue, server, told, stop } = await watched();
    await stop();
    told.length = 0;
    await eventually("no stream is open", () => server.openStreams().market + server.openStreams().private === 0);
    venue.setMark("BTCUSDT", "61812.5");
    venue.openPosition(API_KEY, { symbol: "BTCUSDT", amount: "0.01" });
    await hostClock.sleep(200);
    expect(told).toEqual([]);
  });

  test("before they were run, nothing is opened", async () => {
    const { server } = await serve();
    const stream = binanceStream({
      streamUrl: server.url.replace("http", "ws"),
      keys: connect(server.url).listenKeys,
      clock: hostClock,
    });
    await stream.run({ wants: () => true, emit: () => undefined }, AbortSignal.abort());
    expect(server.requests()).toEqual([]);
  });

  test("a key that comes too late opens nothing", async () => {
    const { server } = await serve();
    let hand = (): void => undefined;
    const late = new Promise<void>((resolve) => {
      hand = resolve;
    });
    const keys: ListenKeys = { ...HANDED_OUT, obtain: () => late.then(() => HANDED_OUT.obtain()) };
    const { stop } = run({ streamUrl: server.url.replace("http", "ws"), keys });
    await stop();
    hand();
    await hostClock.sleep(100);
    expect(server.requests().filter(({ path }) => path.startsWith("/private/"))).toEqual([]);
  });

  test("in mid-opening, the streams end all the same", async () => {
    const { server, faults } = await serve();
    // biome-ignore lint/suspicious/noThenProperty: a word of the script; nobody awaits a rule.
    play(faults, [{ times: null, then: { kind: "hang", executes: false } }]);
    const { told, stop } = run({ streamUrl: server.url.replace("http", "ws"), keys: connect(server.url).listenKeys });
    await eventually("asked", () => server.requests().length >= 2);
    const askedAt = performance.now();
    await stop();
    expect(performance.now() - askedAt).toBeLessThan(900);
    expect(told).toEqual([]);
  });
});

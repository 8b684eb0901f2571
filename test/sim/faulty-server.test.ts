// biome-ignore-all lint/suspicious/noThenProperty: a word of the script; nobody awaits a rule.

/** Faults on real sockets, seen by a client that knows nothing of HTTP and so hides nothing. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { type BinanceServer, serveBinance } from "../../src/sim/binance-server.ts";
import { parseFaultScript } from "../../src/sim/fault-rules.ts";
import { FaultBook } from "../../src/sim/faults.ts";
import type { Venue } from "../../src/sim/venue.ts";
import { eventually } from "../support/eventually.ts";
import { CLOSE, held, signedRequest, venueOf } from "./scene.ts";

let venue: Venue;
let faults: FaultBook;
let server: BinanceServer;

beforeEach(async () => {
  venue = venueOf();
  venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.01" });
  faults = new FaultBook();
  server = await serveBinance({ venue, faults });
});

afterEach(() => server.close());

/** What came back over one connection. */
interface Heard {
  /** Who ended it: the server, or our patience. */
  readonly ended: "server" | "patience";
  readonly text: string;
  /** When each piece of it arrived, in milliseconds since it was sent. */
  readonly at: readonly number[];
}

/** Sends one request and listens until the server closes the connection, `enough` has been heard, or patience ends. */
function send(target: string, { patienceMs = 150, body = "", enough = "" } = {}): Promise<Heard> {
  const { method, path, query, apiKey } = signedRequest(target);
  return new Promise((resolve) => {
    const sentAt = performance.now();
    const at: number[] = [];
    let text = "";
    const socket = connect(server.port, "127.0.0.1");
    const end = (ended: Heard["ended"]): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ ended, text, at });
    };
    const timer = setTimeout(() => end("patience"), patienceMs);
    socket.on("data", (chunk) => {
      at.push(performance.now() - sentAt);
      text += chunk.toString();
      if (enough !== "" && text.includes(enough)) end("patience");
    });
    socket.on("close", () => end("server"));
    socket.on("error", () => undefined);
    const headers = `Host: venue\r\nX-MBX-APIKEY: ${apiKey}\r\nContent-Length: ${body.length}\r\n`;
    socket.write(`${method} ${path}?${query} HTTP/1.1\r\n${headers}\r\n${body}`);
  });
}

function play(...rules: readonly object[]): void {
  faults.play(parseFaultScript(rules));
}

const bodyOf = (text: string): string => text.split("\r\n\r\n")[1] ?? "";
const lengthOf = (text: string): number => Number(/content-length: (\d+)/i.exec(text)?.[1]);

describe("a request", () => {
  test.each([
    [true, []],
    [false, ["BTCUSDT BOTH 0.01"]],
  ])("that hangs (executed: %p) is never answered, and the connection stays", async (executes, left) => {
    play({ then: { kind: "hang", executes } });
    expect(await send(CLOSE)).toMatchObject({ ended: "patience", text: "" });
    expect(held(venue)).toEqual(left);
  });

  test.each([
    [true, []],
    [false, ["BTCUSDT BOTH 0.01"]],
  ])("that is reset (executed: %p) ends without a byte", async (executes, left) => {
    play({ then: { kind: "reset", executes } });
    expect(await send(CLOSE)).toMatchObject({ ended: "server", text: "" });
    expect(held(venue)).toEqual(left);
  });

  test.each([
    [true, []],
    [false, ["BTCUSDT BOTH 0.01"]],
  ])("that is cut (executed: %p) ends after half of what its length promised", async (executes, left) => {
    play({ then: { kind: "cut", executes } });
    const { ended, text } = await send(CLOSE);
    expect(ended).toBe("server");
    expect(text).toStartWith("HTTP/1.1 200 ");
    expect(bodyOf(text).length).toBe(Math.floor(lengthOf(text) / 2));
    expect(held(venue)).toEqual(left);
  });

  test("that drips arrives whole, byte by byte", async () => {
    play({ then: { kind: "drip", ms: 3 } });
    const { text, at } = await send("GET /fapi/v1/time", { patienceMs: 2000, enough: "}" });
    expect(bodyOf(text)).toBe(`{"serverTime":${venue.now()}}`);
    expect(at.length).toBeGreaterThan(5);
    expect((at.at(-1) ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(28 * 2);
  });

  test("that is delayed is answered then and not before", async () => {
    play({ then: { kind: "delay", ms: 60 } });
    const { text, at } = await send("GET /fapi/v1/time", { patienceMs: 2000, enough: "}" });
    expect(bodyOf(text)).toContain("serverTime");
    expect(at[0]).toBeGreaterThanOrEqual(58);
  });

  test("that executes late is answered at once, and executes though the client is gone", async () => {
    play({ then: { kind: "late", ms: 80, name: "executionUnknown" } });
    const { text } = await send(CLOSE, { enough: "Unknown error" });
    expect(text).toStartWith("HTTP/1.1 503 ");
    expect(held(venue)).toEqual(["BTCUSDT BOTH 0.01"]);
    await eventually("the close executes", () => held(venue).length === 0);
    expect(venue.fills("one-way")).toHaveLength(1);
  });

  test.each([
    [{ kind: "refuse", name: "firewall" }, 403, "text/html", "<html>"],
    [{ kind: "refuse", code: -1008 }, 503, "application/json", '{"code":-1008'],
    [{ kind: "executed_but", code: -1007 }, 408, "application/json", '{"code":-1007'],
    [{ kind: "garbage", executes: true, body: "null" }, 200, "text/plain", "null"],
    [{ kind: "ban", ms: 1000 }, 418, "application/json", '{"code":-1003'],
  ])("that meets %j is answered %d %s", async (then, status, type, begin) => {
    play({ then });
    const { text } = await send(CLOSE, { enough: begin });
    expect(text).toStartWith(`HTTP/1.1 ${status} `);
    expect(text.toLowerCase()).toContain(`content-type: ${type}`);
    expect(bodyOf(text)).toStartWith(begin);
  });
});

test("closing the server ends a hanging request, and what was to execute later never does", async () => {
  play({ then: { kind: "hang", executes: false } }, { then: { kind: "late", ms: 60, code: -1007 } });
  const hanging = send("GET /fapi/v1/time", { patienceMs: 5000 });
  await eventually("the request hangs", () => faults.report().rules[0]?.struck === 1);
  await send(CLOSE, { enough: "-1007" });
  await server.close();
  expect((await hanging).ended).toBe("server");
  await Bun.sleep(100);
  expect(held(venue)).toEqual(["BTCUSDT BOTH 0.01"]);
});

test("connections are kept for more than a minute", async () => {
  const { text } = await send("GET /fapi/v1/time", { enough: "}" });
  expect(text).toMatch(/keep-alive: timeout=65/i);
});

describe("/sim/faults", () => {
  async function sim(method: string, path: string, value?: unknown): Promise<{ status: number; body: unknown }> {
    const body = value === undefined ? null : JSON.stringify(value);
    const answer = await fetch(`${server.url}${path}`, { method, body });
    return { status: answer.status, body: await answer.json() };
  }
  const everything = { times: null, then: { kind: "refuse", name: "serviceUnavailable" } };
  const shown = { when: {}, skip: 0, times: null, matched: 0, struck: 0 };
  const then = { kind: "refuse", status: 503, code: null, msg: "Service Unavailable.", body: null };

  test("a script is played, shown with how often it struck, and cleared", async () => {
    const played = await sim("POST", "/sim/faults", { rules: [everything], seed: 7, intensity: 1 });
    const seed = { seed: 7, intensity: 1, struck: 0 };
    expect(played).toEqual({ status: 200, body: { rules: [{ ...shown, then }], seed } });
    await send(CLOSE, { enough: "Unavailable" });
    const after = { status: 200, body: { rules: [{ ...shown, then, matched: 1, struck: 1 }], seed } };
    expect(await sim("GET", "/sim/faults")).toEqual(after);
    expect(await sim("DELETE", "/sim/faults")).toEqual({ status: 200, body: { rules: [], seed: null } });
    expect((await send(CLOSE, { enough: "}" })).text).toStartWith("HTTP/1.1 200 ");
  });

  test("a bad script is answered 400 and changes nothing", async () => {
    await sim("POST", "/sim/faults", [everything]);
    const { status, body } = await sim("POST", "/sim/faults", [everything, { then: { kind: "boom" } }]);
    expect(status).toBe(400);
    expect(body).toMatchObject({ error: expect.stringContaining('rules[1].then.kind is "boom": expected an effect') });
    expect((await sim("GET", "/sim/faults")).body).toMatchObject({ rules: [{ then }] });
  });

  test("no fault strikes the paths under /sim/, whatever they are", async () => {
    await sim("POST", "/sim/faults", [{ times: null, then: { kind: "ban", ms: 60_000 } }]);
    await send("GET /fapi/v1/time", { enough: "}" });
    expect((await sim("GET", "/sim/state")).status).toBe(200);
    expect((await sim("POST", "/sim/marks", { symbol: "BTCUSDT", price: "90000" })).status).toBe(200);
    expect(await sim("GET", "/sim/nothing")).toMatchObject({ status: 404, body: { error: expect.any(String) } });
    expect((await sim("GET", "/sim/faults")).body).toMatchObject({ rules: [{ matched: 1, struck: 1 }] });
  });

  test("the state is the truth, and says who was lied to", async () => {
    await sim("POST", "/sim/faults", [
      { when: { path: "/fapi/v1/order" }, then: { kind: "executed_but", name: "executionUnknown" } },
      { when: { method: "GET" }, then: { kind: "stale", ms: 5000 } },
    ]);
    await send(CLOSE, { enough: "again later." });
    const stale = await send("GET /fapi/v3/positionRisk", { enough: "]" });
    expect(bodyOf(stale.text)).toContain('"positionAmt":"0.010"');
    const common = { at: venue.now(), executed: true };
    expect((await sim("GET", "/sim/state")).body).toMatchObject({
      requestCounts: { "POST /fapi/v1/order": 1, "GET /fapi/v3/positionRisk": 1 },
      struck: [
        { ...common, method: "POST", path: "/fapi/v1/order", symbol: "BTCUSDT", effect: "executed_but" },
        { ...common, method: "GET", path: "/fapi/v3/positionRisk", symbol: null, effect: "stale" },
      ],
      accounts: [{ apiKey: "one-way", positions: [], fills: [{ quantity: "0.01" }] }, { apiKey: "hedge" }],
    });
  });

  test("requests that are never executed are kept with what was told, 0 for nothing", async () => {
    play({ then: { kind: "refuse", name: "firewall" } }, { then: { kind: "hang", executes: false } });
    await send(CLOSE, { enough: "</html>" });
    await send(CLOSE);
    await send(CLOSE, { enough: "}" });
    expect(server.requests().map(({ status }) => status)).toEqual([403, 0, 200]);
  });
});

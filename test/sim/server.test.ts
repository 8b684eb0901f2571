import { afterEach, describe, expect, test } from "bun:test";
import { createHmac, X509Certificate } from "node:crypto";
import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import { networkInterfaces } from "node:os";
import type { UnixMillis } from "../../src/core/time.ts";
import { type BinanceServer, type BinanceServerOptions, serveBinance } from "../../src/sim/binance-server.ts";
import { throwAwayCertificate } from "../../src/sim/certificate.ts";
import { Venue } from "../../src/sim/venue.ts";
import { held, NOW, venueOf } from "./scene.ts";

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let server: BinanceServer | null = null;

afterEach(async () => {
  await server?.close();
  server = null;
});

async function serve(options: Partial<BinanceServerOptions> = {}): Promise<BinanceServer> {
  server = await serveBinance({ venue: venueOf(), ...options });
  return server;
}

/** One request on a connection of its own. */
function call(
  url: string,
  {
    method = "GET",
    ca,
    body = "",
    headers = {},
  }: { method?: string; ca?: string; body?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { method, headers };
    const request = url.startsWith("https:")
      ? httpsRequest(url, { ...options, agent: new Agent({ keepAlive: false }), ...(ca === undefined ? {} : { ca }) })
      : httpRequest(url, { ...options, agent: new HttpAgent({ keepAlive: false }) });
    request.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

function signedPath(path: string, query = ""): string {
  const payload = `${query}${query === "" ? "" : "&"}timestamp=${NOW}`;
  return `${path}?${payload}&signature=${createHmac("sha256", "secret").update(payload).digest("hex")}`;
}

const KEY = { "X-MBX-APIKEY": "one-way" };
const CLOSE = "symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.01&reduceOnly=true";

describe("over HTTP", () => {
  test("a position is opened by hand, closed by a signed order, and the truth says so", async () => {
    const { url } = await serve();
    const json = { "Content-Type": "application/json" };
    const position = JSON.stringify({ apiKey: "one-way", symbol: "BTCUSDT", amount: "0.01" });
    expect((await call(`${url}/sim/positions`, { method: "POST", headers: json, body: position })).status).toBe(200);
    const closed = await call(url + signedPath("/fapi/v1/order", CLOSE), { method: "POST", headers: KEY });
    expect(closed.status).toBe(200);
    expect(closed.headers["x-mbx-order-count-10s"]).toBe("1");
    expect(closed.headers["x-mbx-used-weight-1m"]).toBe("0");
    const state = JSON.parse((await call(`${url}/sim/state`)).body);
    expect(state).toMatchObject({
      time: NOW,
      handshakes: 0,
      requests: 1,
      requestCounts: { "POST /fapi/v1/order": 1 },
      accounts: [
        { apiKey: "one-way", positions: [], fills: [{ symbol: "BTCUSDT", side: "SELL", quantity: "0.01", time: NOW }] },
        { apiKey: "hedge", hedge: true, positions: [] },
      ],
    });
  });

  test("parameters may come as a form body", async () => {
    const venue = venueOf();
    venue.openPosition("one-way", { symbol: "BTCUSDT", amount: "0.01" });
    const { url } = await serve({ venue });
    const body = signedPath("", CLOSE).slice(1);
    expect((await call(`${url}/fapi/v1/order`, { method: "POST", headers: KEY, body })).status).toBe(200);
    expect(held(venue)).toEqual([]);
  });

  test("what arrived is kept in order, with its answer", async () => {
    const { url, requests } = await serve();
    await call(`${url}/fapi/v1/ping`);
    await call(`${url}/fapi/v1/nothing?a=1`);
    expect(requests()).toMatchObject([
      { method: "GET", path: "/fapi/v1/ping", status: 200, at: NOW },
      { method: "GET", path: "/fapi/v1/nothing", query: "a=1", status: 404 },
    ]);
  });

  test("a body over a megabyte is refused", async () => {
    const { url } = await serve();
    const answer = await call(`${url}/fapi/v1/order`, { method: "POST", body: "a".repeat(1_000_001) }).catch(
      () => null,
    );
    expect(answer === null || answer.status === 413).toBe(true);
    expect((await call(`${url}/fapi/v1/ping`)).status).toBe(200);
  });

  test("no address but loopback answers", async () => {
    const { port } = await serve();
    const outside = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
    for (const { address } of outside.filter((entry) => entry.family === "IPv4" && !entry.internal)) {
      expect(await call(`http://${address}:${port}/fapi/v1/ping`).catch(() => "refused")).toBe("refused");
    }
  });

  test("a taken port is an error, and close() frees it", async () => {
    const first = await serve();
    const second = await serveBinance({ venue: venueOf(), port: first.port }).catch(() => "refused");
    expect(second).toBe("refused");
    await first.close();
    server = await serveBinance({ venue: venueOf(), port: first.port });
    expect(server.port).toBe(first.port);
  });
});

describe("with latency", () => {
  test("an order is executed half-way: its time is neither the sending's nor the answer's", async () => {
    const venue = new Venue({ now: () => Date.now() as UnixMillis });
    const { url, requests } = await serve({ venue, latencyMs: 60 });
    const sent = Date.now();
    await call(`${url}/fapi/v1/ping`);
    const answered = Date.now();
    const executed = requests()[0]?.at ?? 0;
    // Timers may fire a millisecond early by the wall clock.
    expect(executed - sent).toBeGreaterThanOrEqual(28);
    expect(answered - executed).toBeGreaterThanOrEqual(28);
  });
});

describe("the scene", () => {
  test.each([
    ["/sim/positions", '{"symbol":"BTCUSDT","amount":"1"}', "apiKey is missing"],
    ["/sim/positions", '{"apiKey":"one-way","symbol":"BTCUSDT","amount":1}', "amount must be a string"],
    ["/sim/positions", '{"apiKey":"one-way","symbol":"NOPE","amount":"1"}', "Invalid symbol."],
    ["/sim/positions", '{"apiKey":"hedge","symbol":"BTCUSDT","amount":"1"}', "hedge mode"],
    [
      "/sim/positions",
      '{"apiKey":"hedge","symbol":"BTCUSDT","amount":"1","positionSide":"UP"}',
      "positionSide must be",
    ],
    ["/sim/positions", "[]", "no JSON object"],
    ["/sim/marks", '{"symbol":"BTCUSDT","price":"-1"}', "not positive"],
    ["/sim/marks", "nonsense", "JSON"],
  ])("a mistake in %s %s is named", async (path, body, why) => {
    const { url } = await serve();
    const answer = await call(url + path, { method: "POST", body });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body).error).toContain(why);
  });

  test("a mark is set, and orders it reaches fill", async () => {
    const venue = venueOf();
    const { url } = await serve({ venue });
    const body = JSON.stringify({ symbol: "BTCUSDT", price: "90000" });
    const answer = await call(`${url}/sim/marks`, { method: "POST", body });
    expect(JSON.parse(answer.body)).toEqual({ symbol: "BTCUSDT", price: "90000" });
    expect(JSON.parse((await call(`${url}/fapi/v1/premiumIndex?symbol=BTCUSDT`)).body).markPrice).toBe(
      "90000.00000000",
    );
  });
});

describe("over HTTPS", () => {
  test("a client given the certificate gets through, and each new connection is a handshake", async () => {
    const tls = await throwAwayCertificate();
    const { url, handshakes } = await serve({ tls });
    expect(url).toStartWith("https://127.0.0.1:");
    for (const host of [url, url.replace("127.0.0.1", "localhost")]) {
      expect((await call(`${host}/fapi/v1/time`, { ca: tls.certPem })).body).toBe(`{"serverTime":${NOW}}`);
    }
    expect(handshakes()).toBe(2);
  });

  test("a client not given the certificate refuses it, and so does one given another", async () => {
    const { url, requests } = await serve({ tls: await throwAwayCertificate() });
    const refusal = async (ca?: string) =>
      await call(`${url}/fapi/v1/time`, ca === undefined ? {} : { ca }).then(
        () => "answered",
        () => "refused",
      );
    expect(await refusal()).toBe("refused");
    expect(await refusal((await throwAwayCertificate()).certPem)).toBe("refused");
    expect(requests()).toEqual([]);
  });

  test("the certificate says what it is and for whom", async () => {
    const { certPem, keyPem } = await throwAwayCertificate();
    const certificate = new X509Certificate(certPem);
    expect(certificate.subject).toBe("CN=quantum simulated exchange");
    expect(certificate.subjectAltName).toContain("DNS:localhost");
    expect(certificate.subjectAltName).toContain("IP Address:127.0.0.1");
    expect(Date.parse(certificate.validFrom)).toBeLessThan(Date.now());
    expect(Date.parse(certificate.validTo)).toBeLessThan(Date.now() + 31 * 24 * 3_600_000);
    expect((await throwAwayCertificate()).keyPem).not.toBe(keyPem);
  });
});

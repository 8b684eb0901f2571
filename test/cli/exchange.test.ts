// biome-ignore-all lint/suspicious/noThenProperty: a word of the script; nobody awaits a rule.

/** `quantum exchange` from its command line to its answers, in this process. */

import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "real-ws";
import { binanceExchange } from "../../src/adapters/binance/exchange.ts";
import { hostClock } from "../../src/adapters/host/clock.ts";
import { runCli } from "../../src/cli/cli.ts";
import { decimal } from "../../src/core/decimal.ts";

const directory = mkdtempSync(join(tmpdir(), "quantum-exchange-"));
let stop: () => Promise<void> = async () => undefined;

afterEach(() => stop());
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Starts the exchange on a free port; resolves with its address once it says it. */
async function start(...flags: readonly string[]): Promise<string> {
  const ending = new AbortController();
  return await new Promise((resolve, reject) => {
    const ended = runCli(["exchange", "--port", "0", "--json", ...flags], {
      env: { BINANCE_API_KEY: "key", BINANCE_API_SECRET: "secret" },
      terminal: false,
      journal: false,
      uptimeMs: () => 0,
      signal: ending.signal,
      out: (text) => resolve(JSON.parse(text).base_url),
      err: (text) => reject(new Error(text)),
      ask: async () => null,
      lastWords: { tell: null },
    });
    stop = async () => {
      ending.abort();
      expect(await ended).toBe(0);
    };
  });
}

async function get(url: string): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(url);
  const text = await answer.text();
  return { status: answer.status, body: text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : text };
}

function script(name: string, value: unknown): string {
  const path = join(directory, name);
  writeFileSync(path, JSON.stringify(value));
  return path;
}

describe("quantum exchange", () => {
  test.each([[1], [7], [300]])("--symbols %d lists that many contracts", async (count) => {
    const { body } = await get(`${await start("--symbols", String(count))}/fapi/v1/exchangeInfo`);
    const { symbols } = body as { symbols: readonly { symbol: string }[] };
    expect(new Set(symbols.map(({ symbol }) => symbol)).size).toBe(count);
  });

  test("the limits given are the ones it states and keeps", async () => {
    const url = await start("--orders-per-10s", "3", "--orders-per-minute", "5", "--weight-per-minute", "2");
    const { body } = await get(`${url}/fapi/v1/exchangeInfo`);
    const { rateLimits } = body as { rateLimits: readonly { limit: number }[] };
    expect(rateLimits.map(({ limit }) => limit)).toEqual([2, 5, 3]);
    expect((await get(`${url}/fapi/v1/ping`)).status).toBe(200);
    expect((await get(`${url}/fapi/v1/ping`)).status).toBe(429);
  });

  test("--marks-at-once streams a mark as soon as it is moved", async () => {
    const url = await start("--marks-at-once");
    const stream = new WebSocket(`${url.replace("http", "ws")}/market/ws/btcusdt@markPrice`);
    const told = new Promise((resolve) => stream.on("message", (data: Buffer) => resolve(JSON.parse(data.toString()))));
    await new Promise<void>((resolve) => stream.once("open", () => resolve()));
    const mark = JSON.stringify({ symbol: "BTCUSDT", price: "61812.5" });
    expect((await fetch(`${url}/sim/marks`, { method: "POST", body: mark })).status).toBe(200);
    // By itself this stream tells it after three seconds.
    const soon = await Promise.race([told, hostClock.sleep(1_500)]);
    expect(soon).toMatchObject({ e: "markPriceUpdate", s: "BTCUSDT", p: "61812.50000000" });
    stream.terminate();
  });

  test("--balance and --leverage are what the account has and trades at", async () => {
    const url = await start("--balance", "2500.5", "--leverage", "8", "--position", "BTCUSDT=0.1");
    const { body } = await get(`${url}/sim/state`);
    const { accounts } = body as { accounts: readonly { wallet: Record<string, string> }[] };
    expect(accounts[0]?.wallet).toEqual({ USDT: "2500.5", USDC: "2500.5", BNFCR: "2500.5" });
    const exchange = binanceExchange({ baseUrl: url, apiKey: "key", secret: "secret", clock: hostClock });
    const positions = await exchange.positions();
    await exchange.dispose();
    expect(positions.known && positions.value[0]?.leverage).toEqual(decimal("8"));
  });

  test("--faults plays a script from the first request on", async () => {
    const rules = [{ when: { path: "/fapi/v1/ping" }, then: { kind: "refuse", name: "serviceUnavailable" } }];
    const url = await start("--faults", script("faults.json", { rules }));
    expect(await get(`${url}/fapi/v1/ping`)).toEqual({ status: 503, body: "Service Unavailable." });
    expect((await get(`${url}/fapi/v1/ping`)).status).toBe(200);
  });

  test("--faults-seed draws faults, beside a script too", async () => {
    const rules = [{ then: { kind: "refuse", name: "firewall" } }];
    const url = await start("--faults", script("both.json", rules), "--faults-seed", "7");
    expect((await get(`${url}/fapi/v1/ping`)).status).toBe(403);
    expect((await get(`${url}/sim/faults`)).body).toMatchObject({ rules: [{ struck: 1 }], seed: { seed: 7 } });
  });

  test("without either nothing goes wrong", async () => {
    expect((await get(`${await start()}/sim/faults`)).body).toEqual({ rules: [], seed: null });
  });
});

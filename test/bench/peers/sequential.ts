/**
 * A peer: what most bots do, and what the original did. One call after another over one kept-alive connection: read the
 * positions, then for each of them cancel what rests and close it with a reduce-only market order.
 *
 * Kinder to it than most bots are: it looks which symbols have resting orders, so that it cancels only there.
 */

import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "undici/index.js";
import { onPanic, setting } from "./panic-events.ts";

const WARM_EVERY_MS = 2_000;

const apiKey = setting("BINANCE_API_KEY");
const secret = setting("BINANCE_API_SECRET");
const pool = new Pool(setting("BINANCE_BASE_URL"), {
  connections: 1,
  connect: { ca: readFileSync(setting("BINANCE_CA_FILE"), "utf8") },
});

async function call(method: "GET" | "POST" | "DELETE", path: string, params: Record<string, string>): Promise<unknown> {
  const query = new URLSearchParams({ ...params, timestamp: String(Date.now()) }).toString();
  const signature = createHmac("sha256", secret).update(query).digest("hex");
  const target = `${path}?${query}&signature=${signature}`;
  const { statusCode, body } = await pool.request({ method, path: target, headers: { "X-MBX-APIKEY": apiKey } });
  const answer = await body.json();
  if (statusCode !== 200) throw new Error(`${method} ${path} ${params["symbol"] ?? ""}: ${JSON.stringify(answer)}`);
  return answer;
}

interface Row {
  readonly symbol: string;
  readonly positionAmt: string;
}

async function symbolsWith(path: string): Promise<ReadonlySet<string>> {
  return new Set(((await call("GET", path, {})) as readonly Row[]).map(({ symbol }) => symbol));
}

async function closeOne({ symbol, positionAmt }: Row): Promise<void> {
  const short = positionAmt.startsWith("-");
  await call("POST", "/fapi/v1/order", {
    symbol,
    side: short ? "BUY" : "SELL",
    type: "MARKET",
    quantity: positionAmt.replace("-", ""),
    reduceOnly: "true",
  });
}

async function closeAll(): Promise<void> {
  const rows = (await call("GET", "/fapi/v3/positionRisk", {})) as readonly Row[];
  const regular = await symbolsWith("/fapi/v1/openOrders");
  const algo = await symbolsWith("/fapi/v1/openAlgoOrders");
  for (const row of rows.filter(({ positionAmt }) => Number(positionAmt) !== 0)) {
    const { symbol } = row;
    if (regular.has(symbol)) await call("DELETE", "/fapi/v1/allOpenOrders", { symbol });
    if (algo.has(symbol)) await call("DELETE", "/fapi/v1/algoOpenOrders", { symbol });
    await closeOne(row);
  }
}

async function keepWarm(): Promise<never> {
  for (;;) {
    const { body } = await pool.request({ method: "GET", path: "/fapi/v1/ping" });
    await body.dump();
    await sleep(WARM_EVERY_MS);
  }
}

await Promise.all([onPanic(closeAll), keepWarm()]);

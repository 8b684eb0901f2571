/**
 * Somebody else's bot, as a guard finds it: a `ccxt` program that keeps a long position open, and opens it again whenever it is
 * closed. It says that it is well in two ways, by a file and by HTTP, and fails as it is told to.
 *
 * `PORT` is where it answers. `PLACE` is its folder: it writes there `starts`, a line for each start, and `alive` with each cycle.
 */

import { appendFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { binanceusdm } from "ccxt";
import { setting } from "./peers/panic-events.ts";

const ORIGIN = "https://fapi.binance.com";
const SYMBOL = "BTC/USDT:USDT";
const CYCLE_MS = 100;

const place = (name: string): string => join(setting("PLACE"), name);
appendFileSync(place("starts"), `${process.pid}\n`);

const exchange = new binanceusdm({
  apiKey: setting("BINANCE_API_KEY"),
  secret: setting("BINANCE_API_SECRET"),
  enableRateLimit: false,
  options: { fetchCurrencies: false },
});
const { api } = exchange.urls as { api: Record<string, string> };
for (const [name, url] of Object.entries(api)) api[name] = url.replace(ORIGIN, setting("BINANCE_BASE_URL"));

let isMute = false;
let isDoomed = false;
const server = createServer((request, response) => {
  response.end("pong");
  switch (request.url) {
    case "/crash":
      isDoomed = true;
      return;
    case "/exit":
      process.exit(0);
      return;
    case "/loop":
      setImmediate(() => {
        for (;;);
      });
      return;
    case "/mute":
      isMute = true;
      return;
    default:
  }
});
server.listen(Number(setting("PORT")), "127.0.0.1");

process.on("SIGTERM", () => {
  console.log("bot: told to end");
  process.exit(0);
});

for (;;) {
  if (isDoomed) throw new Error("as I was told to");
  const open = (await exchange.fetchPositions([SYMBOL])).some(({ contracts }) => (contracts ?? 0) !== 0);
  if (!open) {
    await exchange.createOrder(SYMBOL, "market", "buy", 0.1);
    console.log("bot: opened");
  }
  if (!isMute) writeFileSync(place("alive"), String(process.pid));
  await sleep(CYCLE_MS);
}

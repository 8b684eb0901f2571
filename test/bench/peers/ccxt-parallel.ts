/**
 * A peer: `ccxt`, with everything in parallel and without its rate limiter.
 *
 * It gets its best chance: markets are loaded beforehand, and as many connections as it can use are kept open by
 * asking for the time on each of them every two seconds. It reads positions and both families of resting orders at
 * once, cancels only where something rests, and closes each symbol as soon as its own cancels are answered.
 *
 * Tried at 50 ms on two cores, last fill in ms, median of four with 2, 100 and 300 positions: under Node.js 20, where it
 * brings its own undici, 96, 165 and 250; under Bun 1.4, where it uses the built-in fetch, 88, 170 and 570. That fetch
 * keeps 64 idle connections at most, so that larger passes pay for new ones. Hence Node.js; `--ccxt-under bun` tries again.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { binanceusdm } from "ccxt";
import { onPanic, setting } from "./panic-events.ts";

/** A server that keeps idle connections for five seconds is taken at its word for three: undici leaves two for safety. */
const WARM_EVERY_MS = 2_000;

/** For each position: a close, and for half of them one or two cancels that go out at the same time. */
const CALLS_PER_POSITION = 1.5;

/** The reads of a pass, which go out together. */
const READS = 3;

const ORIGIN = "https://fapi.binance.com";

const exchange = new binanceusdm({
  apiKey: setting("BINANCE_API_KEY"),
  secret: setting("BINANCE_API_SECRET"),
  enableRateLimit: false,
  options: { fetchCurrencies: false, warnOnFetchOpenOrdersWithoutSymbol: false, adjustForTimeDifference: false },
});
const { api } = exchange.urls as { api: Record<string, string> };
for (const [name, url] of Object.entries(api)) {
  api[name] = url.replace(ORIGIN, setting("BINANCE_BASE_URL"));
}

type Order = Awaited<ReturnType<typeof exchange.fetchOpenOrders>>[number];

function symbolsOf(orders: readonly Order[]): ReadonlySet<string> {
  return new Set(orders.map(({ symbol }) => symbol ?? ""));
}

async function closeAll(): Promise<void> {
  const [positions, regular, algo] = await Promise.all([
    exchange.fetchPositions(),
    exchange.fetchOpenOrders().then(symbolsOf),
    exchange.fetchOpenOrders(undefined, undefined, undefined, { trigger: true }).then(symbolsOf),
  ]);
  const held = positions.filter(({ contracts }) => contracts !== undefined && contracts !== 0);
  const results = await Promise.allSettled(
    held.map(async ({ symbol = "", side, contracts }) => {
      await Promise.all([
        ...(regular.has(symbol) ? [exchange.cancelAllOrders(symbol)] : []),
        ...(algo.has(symbol) ? [exchange.cancelAllOrders(symbol, { trigger: true })] : []),
      ]);
      const against = side === "long" ? "sell" : "buy";
      await exchange.createOrder(symbol, "market", against, contracts ?? 0, undefined, { reduceOnly: true });
    }),
  );
  for (const result of results) if (result.status === "rejected") console.error(String(result.reason));
}

async function keepWarm(connections: number): Promise<never> {
  for (;;) {
    await Promise.allSettled(Array.from({ length: connections }, () => exchange.fetchTime()));
    await sleep(WARM_EVERY_MS);
  }
}

await exchange.loadMarkets();
// The first call of each kind loads and caches more, such as the leverage brackets.
await Promise.all([
  exchange.fetchPositions(),
  exchange.fetchOpenOrders(),
  exchange.fetchOpenOrders(undefined, undefined, undefined, { trigger: true }),
]);
await Promise.all([onPanic(closeAll), keepWarm(READS + Math.ceil(CALLS_PER_POSITION * Number(setting("POSITIONS"))))]);

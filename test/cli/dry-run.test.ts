/** `quantum eew --once --dry-run` against the simulated exchange, in this process. */

import { afterEach, beforeEach, expect, test } from "bun:test";
import { hostClock } from "../../src/adapters/host/clock.ts";
import type { Env } from "../../src/config/env.ts";
import { decimal } from "../../src/core/decimal.ts";
import { type BinanceServer, serveBinance } from "../../src/sim/binance-server.ts";
import { FaultBook } from "../../src/sim/faults.ts";
import { Venue } from "../../src/sim/venue.ts";
import { order, stop } from "../sim/scene.ts";
import { cli } from "./fake-io.ts";

const API_KEY = "dry-key";
const SECRET = "dry-secret";
const DRY_RUN = ["eew", "--once", "--dry-run"];

let venue: Venue;
let server: BinanceServer;
let faults: FaultBook;
let env: Env;

beforeEach(async () => {
  venue = new Venue({ now: hostClock.wall });
  venue.addAccount({ apiKey: API_KEY, secret: SECRET });
  faults = new FaultBook();
  server = await serveBinance({ venue, faults });
  env = {
    BINANCE_TESTNET: "true",
    BINANCE_BASE_URL: server.url,
    BINANCE_API_KEY: API_KEY,
    BINANCE_API_SECRET: SECRET,
    STATE_DIRECTORY: "/nonexistent",
  };
});
afterEach(() => server.close());

test("shows what would be cancelled, closed and split, sends nothing and needs no Redis", async () => {
  venue.openPosition(API_KEY, { symbol: "BTCUSDT", amount: "300" });
  venue.openPosition(API_KEY, { symbol: "ETHUSDT", amount: "-0.05" });
  venue.place(API_KEY, order({ symbol: "ETHUSDT", side: "BUY", quantity: "1", price: "2800.00" }));
  const protecting = venue.placeAlgo(
    API_KEY,
    stop({ quantity: null, closePosition: true, triggerPrice: decimal("80000") }),
  );
  const { code, out, err } = await cli(DRY_RUN, { env });
  expect([code, err]).toEqual([0, []]);
  expect(out[0]).toBe("Dry run: nothing is sent. A panic event now would, in this order:");
  expect(out).toContain("2. cancel ETHUSDT's regular orders");
  expect(out).toContain("3. close 2 positions worth $26400145.00 with 4 market orders that can only reduce");
  expect(out.find((line) => line.includes("BTCUSDT "))).toContain("SELL 120 + 120 + 60");
  expect(out.find((line) => line.includes("ETHUSDT "))).toContain("behind its cancels");
  expect(out).toContain(`4. cancel once their leg is flat: BTCUSDT algo ${protecting.algoId}`);
  const changes = server.requests().filter(({ method }) => method !== "GET");
  expect(changes).toEqual([]);
  expect(venue.positions(API_KEY)).toHaveLength(2);
});

test("names what can't be ordered", async () => {
  venue.openPosition(API_KEY, { symbol: "BTCUSDT", amount: "0.015" });
  venue.setLots("BTCUSDT", { step: "0.01", min: "0.01" });
  const { out } = await cli(DRY_RUN, { env });
  expect(out).toContain("BTCUSDT: 0.005 would stay, it can't be ordered");
});

test("is one JSON document with --json", async () => {
  venue.openPosition(API_KEY, { symbol: "币安人生USDT", amount: "400000" });
  const { code, out } = await cli([...DRY_RUN, "--json"], { env });
  expect(code).toBe(0);
  expect(JSON.parse(out.join("\n"))).toMatchObject({
    dry_run: true,
    positions: [
      {
        symbol: "币安人生USDT",
        positionAmt: "400000",
        left: "0",
        orders: [
          { side: "SELL", mode: "one_way", quantity: "300000" },
          { side: "SELL", mode: "one_way", quantity: "100000" },
        ],
      },
    ],
    cancels: [],
    orders: 2,
    orders_left: 300,
  });
});

test("an account that can't be read is no plan, and exit 1", async () => {
  faults.play({
    rules: [
      {
        when: { path: "/fapi/v1/openOrders" },
        skip: 0,
        times: null,
        effect: { kind: "garbage", executes: false, body: "<html>" },
      },
    ],
    seed: null,
  });
  const { code, out, err } = await cli(DRY_RUN, { env });
  expect([code, out]).toEqual([1, []]);
  expect(err[0]).toStartWith("quantum: The resting orders can't be read, so there is no plan: GET /fapi/v1/openOrders");
});

test("--json without a dry run is refused before anything is touched", async () => {
  const { code, err } = await cli(["eew", "--json"], { env });
  expect([code, err[0]]).toEqual([2, "quantum: --json shows a plan: expected --once --dry-run with it"]);
});

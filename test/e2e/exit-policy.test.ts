/** A brain with an exit policy on real processes: Redis, the venue over HTTP, the executable. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ChildRun } from "../../src/adapters/host/processes.ts";
import { decimal, plain } from "../../src/core/decimal.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { type BinanceServer, serveBinance } from "../../src/sim/binance-server.ts";
import { Venue } from "../../src/sim/venue.ts";
import { eventually } from "../support/eventually.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { QUANTUM, run } from "../support/run.ts";
import { WORKER_KEY } from "../support/worker.ts";

const LIMIT_MS = 60_000;
const KEY = WORKER_KEY.BINANCE_API_KEY;
const POLICY = `
defaults:
  stop-loss: 2 %
  take-profit:
    - at: 1R
      close: 50 %
    - at: 2R
      close: 25 %
  trailing-stop: { activation: 3 %, distance: 1 % }
  backstop: 12 %
portfolio:
  drawdown: 20 %
`;

let directory: string;
let redis: TestRedis;
let venue: Venue;
let server: BinanceServer;
let brain: ChildRun | null = null;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "quantum-policy-"));
  writeFileSync(join(directory, "exits.yaml"), POLICY);
  redis = await startRedis();
  venue = new Venue({ now: () => Date.now() as UnixMillis });
  venue.addAccount({ apiKey: KEY, secret: WORKER_KEY.BINANCE_API_SECRET });
  venue.setMark("BTCUSDT", "50000");
  // By an order, as a bot would: what was done is on the venue's record.
  venue.place(KEY, {
    symbol: "BTCUSDT",
    side: "BUY",
    type: "MARKET",
    positionSide: "BOTH",
    quantity: decimal("0.4"),
    price: null,
    timeInForce: "GTC",
    reduceOnly: null,
    clientOrderId: "bot-1",
  });
  server = await serveBinance({ venue, latencyMs: 5, marksAtOnce: true });
});
afterEach(async () => {
  await brain?.end();
  brain = null;
  await redis.stop();
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

const env = () => ({
  PATH: process.env["PATH"] ?? "",
  ...WORKER_KEY,
  REDIS_URL: redis.url,
  BINANCE_TESTNET: "true",
  BINANCE_BASE_URL: server.url,
  LOG_FORMAT: "text",
  STATE_DIRECTORY: join(directory, "state"),
});

let lives = 0;
async function start(...flags: readonly string[]): Promise<ChildRun> {
  lives += 1;
  const args = ["brain", "--policy", join(directory, "exits.yaml"), ...flags];
  const logFile = join(directory, `brain-${lives}.log`);
  const child = new ChildRun({ file: QUANTUM, args, env: env(), cwd: directory, logFile });
  brain = child;
  await eventually("it has looked", () => child.log().includes("Watching 1 positions"));
  return child;
}

const amount = (): string => plain(venue.positions(KEY)[0]?.amount ?? decimal("0"));
const stops = (): readonly string[] =>
  venue
    .openAlgoOrders(KEY)
    .map(({ side, triggerPrice }) => `${side} ${triggerPrice === null ? "" : plain(triggerPrice)}`);
const lastBeat = async (field: string): Promise<string | undefined> => {
  const [entry] = (await redis.command("XREVRANGE", "exit_brain:heartbeat", "+", "-", "COUNT", "1")) as [
    string,
    string[],
  ][];
  const fields = entry?.[1] ?? [];
  return fields[fields.indexOf(field) + 1];
};

describe("a brain with an exit policy", () => {
  test(
    "has a close on the wire right after the mark that caused it, not a cycle later",
    async () => {
      const own = await start();
      await eventually("the marks flow", () => own.log().includes("The marks stream flows"));
      await eventually("it is live, and the leg was recalled", () => own.log().includes("BTCUSDT is taken up again"));
      await eventually("the backstop rests", () => stops().length === 1);
      const from = Date.now();
      venue.setMark("BTCUSDT", "48000");
      await eventually("the account is flat", () => amount() === "0");
      const order = server.requests().find(({ method, path }) => method === "POST" && path === "/fapi/v1/order");
      // A cycle is 1000 ms; what it takes exactly is measured, not asserted.
      expect((order?.at ?? Number.POSITIVE_INFINITY) - from).toBeLessThan(300);
      if (process.env["MEASURE"] !== undefined) console.log(`mark to order executed: ${(order?.at ?? 0) - from} ms`);
    },
    LIMIT_MS,
  );

  test(
    "takes profit step by step, carries a backstop, and leaves at its trailing stop",
    async () => {
      const own = await start();
      await eventually("it is live", () => own.log().includes("Live: the exit policy is acted on"));
      await eventually("the backstop rests", () => stops().length === 1);
      expect(stops()).toEqual(["SELL 44000"]);
      venue.setMark("BTCUSDT", "51000");
      await eventually("the first step was taken", () => amount() === "0.2");
      venue.setMark("BTCUSDT", "52000");
      await eventually("the second step was taken", () => amount() === "0.1");
      venue.setMark("BTCUSDT", "53000");
      await eventually("the mark was seen", () => own.log().includes("mark 53000") || amount() !== "0.1", 12_000);
      venue.setMark("BTCUSDT", "52470");
      await eventually("the account is flat", () => amount() === "0");
      expect(own.log()).toContain("close all of BTCUSDT: trailing stop 52,470 reached (entry 50,000, mark 52,470)");
      expect(venue.fills(KEY).filter(({ side }) => side === "SELL").length).toBe(3);
    },
    LIMIT_MS,
  );

  test(
    "that is killed goes on: no step twice, no stop forgotten",
    async () => {
      await start();
      venue.setMark("BTCUSDT", "53500");
      await eventually("two steps were taken", () => amount() === "0.1");
      await eventually("the stop is written down", async () =>
        String(await redis.command("HGET", "quantum:exits", "BTCUSDT")).includes('"52965"'),
      );
      brain?.signal("SIGKILL");
      await brain?.ended;
      venue.setMark("BTCUSDT", "53000");
      await start();
      await Bun.sleep(0);
      await eventually("it has decided twice", async () => Number(await lastBeat("seq")) > 2);
      expect(amount()).toBe("0.1");
      venue.setMark("BTCUSDT", "52965");
      await eventually("the account is flat", () => amount() === "0");
    },
    LIMIT_MS,
  );

  test(
    "that has lost disk and Redis recalls the leg from the venue",
    async () => {
      await start();
      venue.setMark("BTCUSDT", "51000");
      await eventually("the first step was taken", () => amount() === "0.2");
      brain?.signal("SIGKILL");
      await brain?.ended;
      rmSync(join(directory, "state"), { recursive: true, force: true });
      await redis.command("FLUSHALL");
      const own = await start();
      await eventually("it is taken up again", () => own.log().includes("BTCUSDT is taken up again: steps taken: 1R"));
      await eventually("it has decided twice", async () => Number(await lastBeat("seq")) > 2);
      expect(amount()).toBe("0.2");
    },
    LIMIT_MS,
  );

  test(
    "in shadow says what it would do, and sends nothing",
    async () => {
      const own = await start("--shadow");
      venue.setMark("BTCUSDT", "51000");
      await eventually("it is told", () => own.log().includes("Shadow, would close 50 % of BTCUSDT: +1R reached"));
      expect(await lastBeat("mode")).toBe("shadow");
      expect(amount()).toBe("0.4");
      expect(server.requests().filter(({ method, path }) => method !== "GET" && path !== "/fapi/v1/listenKey")).toEqual(
        [],
      );
    },
    LIMIT_MS,
  );

  test(
    "raises a panic when the account has lost too much, and comes back in shadow until a person lets it act",
    async () => {
      const own = await start();
      await eventually("it is live", () => own.log().includes("Live: the exit policy is acted on"));
      await eventually("equity was seen", async () =>
        String(await redis.command("HGET", "quantum:exits", "*")).includes("peak"),
      );
      await eventually("transfers were read behind it", () =>
        server.requests().some(({ path }) => path === "/fapi/v1/income"),
      );
      // A position that gains nothing and a withdrawal: no loss.
      venue.transfer(KEY, "USDT", "-60000");
      await eventually("the withdrawal was seen", () => own.log().includes("60000 USD were taken out of the account"));
      expect(Number(await redis.command("XLEN", "system:panic_close"))).toBe(0);
      venue.openPosition(KEY, { symbol: "ETHUSDT", amount: "100", entryPrice: "3000" });
      venue.setMark("ETHUSDT", "2000");
      await eventually(
        "the panic is published",
        async () => Number(await redis.command("XLEN", "system:panic_close")) === 1,
      );
      const [event] = (await redis.command("XRANGE", "system:panic_close", "-", "+")) as [string, string[]][];
      expect(event?.[1]).toContain("exit_brain");
      expect(event?.[1].find((field) => field.startsWith("EXIT_BRAIN_DRAWDOWN_("))).toBeDefined();
      // What the worker would have done, and the person behind it.
      await redis.command(
        "HSET",
        "system:state:trading",
        "halted",
        "true",
        "reason",
        "R",
        "source",
        "exit_brain",
        "event_id",
        "e",
      );
      await eventually("it is halted", async () => (await lastBeat("mode")) === "halted");
      await redis.command("DEL", "system:state:trading");
      await eventually("it is in shadow", async () => (await lastBeat("mode")) === "shadow");
      expect((await run(QUANTUM, ["brain", "live"], { env: env() })).stdout).toContain("Allowed");
      await eventually("it is live", async () => (await lastBeat("mode")) === "live");
    },
    LIMIT_MS,
  );
});

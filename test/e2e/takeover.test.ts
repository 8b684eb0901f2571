/** A worker that dies in the middle of a pass, on real processes: the other one finishes it, and there is one report. */

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newEventId } from "../../src/adapters/host/identity.ts";
import type { ChildRun } from "../../src/adapters/host/processes.ts";
import { fieldsOf, type RawEntry } from "../../src/adapters/redis/codec.ts";
import { RedisLink } from "../../src/adapters/redis/link.ts";
import { redisOperatorBus } from "../../src/adapters/redis/operator-bus.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { serveBinance } from "../../src/sim/binance-server.ts";
import { manySymbols } from "../../src/sim/symbols.ts";
import { Venue } from "../../src/sim/venue.ts";
import { eventually } from "../support/eventually.ts";
import { startRedis } from "../support/redis.ts";
import { startWorker, WORKER_KEY } from "../support/worker.ts";

const POSITIONS = 40;

test("a pass whose worker was killed is finished by the other one within its patience, with one report and nothing turned", async () => {
  const directory = mkdtempSync(join(tmpdir(), "quantum-takeover-"));
  const symbols = manySymbols(POSITIONS);
  const venue = new Venue({ now: () => Date.now() as UnixMillis, symbols });
  venue.addAccount({ apiKey: WORKER_KEY.BINANCE_API_KEY, secret: WORKER_KEY.BINANCE_API_SECRET });
  for (const { symbol } of symbols) venue.openPosition(WORKER_KEY.BINANCE_API_KEY, { symbol, amount: "1" });
  // Slow enough that the worker can be met between its first read and its last order.
  const server = await serveBinance({ venue, latencyMs: 400 });
  const redis = await startRedis();
  const bus = redisOperatorBus({ url: redis.url, namespace: "", triggerSecret: null, deadlineMs: 2_000 });
  const link = new RedisLink({ url: redis.url, deadlineMs: 2_000 });
  const start = (name: string): ChildRun => startWorker({ redis, server, directory, name });
  const workers = [start("one"), start("two")];
  const executing = (worker: ChildRun): boolean => worker.log().includes("Trigger validated");
  try {
    await eventually("both listen", () => workers.every((worker) => worker.log().includes("Listening")));
    await bus.publish({ eventId: newEventId(), reason: "TAKEOVER", issuedBy: "ops", ts: Date.now() as UnixMillis });
    await eventually("one has begun to close", () => workers.some((worker) => worker.log().includes("Closing ")));
    const [owner, other] = workers[0] && executing(workers[0]) ? workers : workers.toReversed();
    owner?.signal("SIGKILL");
    const killedAt = performance.now();
    await eventually("the other one reports", () => other?.log().includes("PANIC CLOSE COMPLETE") ?? false);
    // Two seconds of patience, a look each second, and its own pass.
    expect(performance.now() - killedAt).toBeLessThan(8_000);
    const answer = await link.ask("completions", (client) => client.xrange("system:panic_close:completed", "-", "+"));
    if (!answer.known) throw new Error(answer.why);
    expect(answer.value.map((entry: RawEntry) => fieldsOf(entry).get("outcome"))).toEqual(["FLAT"]);
    expect(venue.positions(WORKER_KEY.BINANCE_API_KEY)).toEqual([]);
    expect(venue.fills(WORKER_KEY.BINANCE_API_KEY)).toHaveLength(POSITIONS);
  } finally {
    for (const worker of workers) await worker.end();
    bus.close();
    link.close();
    await redis.stop();
    await server.close();
    rmSync(directory, { recursive: true, force: true });
  }
}, 60_000);

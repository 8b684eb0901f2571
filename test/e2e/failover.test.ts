/** Redis fails over under the roles, on real processes: nothing is raised for it, and the exit works on the new master. */

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostClock } from "../../src/adapters/host/clock.ts";
import { ChildRun } from "../../src/adapters/host/processes.ts";
import { redisOperatorBus } from "../../src/adapters/redis/operator-bus.ts";
import { redisWatchdogBus } from "../../src/adapters/redis/watchdog-bus.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { serveBinance } from "../../src/sim/binance-server.ts";
import { Venue } from "../../src/sim/venue.ts";
import { aBeat } from "../support/core.ts";
import { eventually } from "../support/eventually.ts";
import { QUANTUM, run } from "../support/run.ts";
import { startSentinels } from "../support/sentinel.ts";
import { startWorker, WORKER_KEY } from "../support/worker.ts";

test("the roles outlive their master, and a panic through the sentinels ends FLAT", async () => {
  const directory = mkdtempSync(join(tmpdir(), "quantum-failover-"));
  const venue = new Venue({ now: () => Date.now() as UnixMillis });
  venue.addAccount({ apiKey: WORKER_KEY.BINANCE_API_KEY, secret: WORKER_KEY.BINANCE_API_SECRET });
  venue.openPosition(WORKER_KEY.BINANCE_API_KEY, { symbol: "BTCUSDT", amount: "0.002" });
  const server = await serveBinance({ venue });
  const world = await startSentinels();
  const options = { url: world.url, namespace: "", triggerSecret: null, deadlineMs: 700 };
  const [brain, ops] = [redisWatchdogBus({ ...options, clock: hostClock }), redisOperatorBus(options)];
  const env = { PATH: process.env["PATH"] ?? "", REDIS_URL: world.url, LOG_FORMAT: "text" };
  // A failover may take longer on a busy machine than a brain may be silent: that rule has tests of its own.
  const worker = startWorker({ redis: world, server, directory, name: "eew", flags: ["--redis-lost-alert-only"] });
  const watchdog = new ChildRun({
    file: QUANTUM,
    args: ["watchdog", "--heartbeat-missing-ms", "30000"],
    env,
    cwd: directory,
    logFile: join(directory, "watchdog.log"),
  });
  let seq = 0;
  const beating = setInterval(() => {
    seq += 1;
    void brain.beat("brain", aBeat("ALIVE", "", { seq }).heartbeat);
  }, 500);
  try {
    await eventually("the worker listens", () => worker.log().includes("Listening for panic_close events..."));
    await eventually("the watchdog watches", () => watchdog.log().includes("Armed: "));
    await world.master.die();
    await world.failedOver();
    await eventually("both are back", () =>
      [worker, watchdog].every((role) => role.log().includes("Redis can be used")),
    );
    const panic = await run(QUANTUM, ["panic", "--reason", "FAILOVER", "--json"], { env });
    expect(panic.code).toBe(0);
    expect(JSON.parse(panic.stdout)).toMatchObject({ completion: { outcome: "FLAT" } });
    expect(venue.positions(WORKER_KEY.BINANCE_API_KEY)).toEqual([]);
    expect((await run(QUANTUM, ["gate"], { env })).stdout).toBe("Trading is halted: FAILOVER\n");
    await eventually("the watchdog has seen it", () => watchdog.log().includes("ended FLAT: halted until"));
    expect(watchdog.log()).not.toContain("FAILURE DETECTED");
    const overview = await ops.overview();
    expect(overview.known && overview.value.lastPanic?.outcome).toBe("FLAT");
  } finally {
    clearInterval(beating);
    await Promise.all([worker.end(), watchdog.end()]);
    brain.close();
    ops.close();
    await world.stop();
    await server.close();
    rmSync(directory, { recursive: true, force: true });
  }
}, 90_000);

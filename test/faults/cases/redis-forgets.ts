/** Faults in which Redis loses what it was told: flushed, deleted, trimmed. */

import { eventually } from "../../support/eventually.ts";
import { atWork } from "../at-work.ts";
import { type FaultCase, measure, must } from "../case.ts";
import { flatOnRecord, quiet } from "../expect.ts";
import { FAST_WATCHDOG, FLAT_MAX_MS, LIMIT_MS } from "../scene.ts";

/** What is taken away while everybody listens. */
const LOSSES: readonly (readonly string[])[] = [
  ["XGROUP", "DESTROY", "system:panic_close", "emergency_exit_worker"],
  ["DEL", "system:panic_close"],
  ["DEL", "exit_brain:heartbeat"],
];

/** Faults of what Redis holds. */
export const REDIS_LOSS_FAULTS: readonly FaultCase[] = [
  {
    row: 43,
    fault: "group destroyed, streams deleted, everything flushed",
    caused:
      "each of them while everybody listens, and a panic right after a FLUSHALL; one more FLUSHALL after its report",
    holds:
      "S1 heartbeats are heard on, L2 the panic is executed; S8 the halt comes back, and nothing is executed twice",
    fast: true,
    run: async (scene) => {
      const { watchdog, worker } = await atWork(scene);
      for (const loss of LOSSES) {
        await scene.redis.command(...loss);
        await quiet(scene, 1.5 * LIMIT_MS);
      }
      await scene.redis.command("FLUSHALL");
      // At once: the worker's group is gone, and made anew after this.
      const eventId = await scene.panic();
      const panicMs = Date.now();
      await scene.untilFlat();
      await flatOnRecord(scene, eventId);
      const fills = scene.venue.fills(scene.apiKey).length;
      await watchdog.says("ended FLAT");
      await scene.redis.command("FLUSHALL");
      const lostMs = Date.now();
      await eventually("trading is halted again", () => scene.isHalted(), 5_000);
      const figure = measure("FLUSHALL → halted again", Date.now() - lostMs);
      await Bun.sleep(2 * LIMIT_MS);
      must(await scene.isHalted(), "the halt is gone again");
      must(worker.log().split("PANIC CLOSE EVENT RECEIVED").length === 2, "an event was executed twice");
      must(scene.venue.fills(scene.apiKey).length === fills, "it has traded again");
      return [measure("panic → flat", scene.lastFillMs() - panicMs, FLAT_MAX_MS), figure];
    },
  },
  {
    row: 44,
    fault: "a panic is trimmed away while it is executed",
    caused: "kill -9 of the worker between two fills, XTRIM of the panic stream to nothing, restart",
    holds:
      "L2 the worker finishes what it does not know any more; the watchdog does not rest before a report says FLAT",
    fast: false,
    run: async (scene) => {
      // The second order is not answered, and never executed: there is time between the two.
      const when = { method: "POST", path: "/fapi/v1/order", symbol: "ETHUSDT" };
      scene.faults.play({
        rules: [{ when, skip: 0, times: 1, effect: { kind: "hang", executes: false } }],
        seed: null,
      });
      const worker = await scene.start("eew");
      const watchdog = await scene.start("watchdog", FAST_WATCHDOG);
      const feed = scene.feed();
      await watchdog.says("Armed");
      feed.stop();
      await eventually("the first fill", () => scene.venue.fills(scene.apiKey).length > 0);
      await worker.kill();
      must(!scene.isFlat(), "everything is closed already");
      const trimmed = await scene.redis.command("XTRIM", "system:panic_close", "MAXLEN", "0");
      must(trimmed === 1, `${String(trimmed)} entries were trimmed`);
      const restartedMs = Date.now();
      await worker.restart();
      await scene.untilFlat();
      const flatMs = scene.lastFillMs();
      const { outcome } = await scene.report();
      must(outcome === "FLAT", `the report says ${outcome}`);
      await watchdog.says("ended FLAT", 30_000);
      must(await scene.isHalted(), "trading is not halted");
      return [measure("restart → flat", flatMs - restartedMs, FLAT_MAX_MS)];
    },
  },
];

/** Faults of the emergency exit worker: a pass that is interrupted anywhere is finished, once. */

import { join } from "node:path";
import { bySocket } from "../../../src/adapters/direct/call-unix.ts";
import type { UnixMillis } from "../../../src/core/time.ts";
import { parseFaultScript } from "../../../src/sim/fault-rules.ts";
import { eventually } from "../../support/eventually.ts";
import { type FaultCase, type Measure, measure, must } from "../case.ts";
import { flatOnRecord } from "../expect.ts";
import { FLAT_MAX_MS, type Scene } from "../scene.ts";

/** From the panic, or from the moment the worker could have known of it. */
async function closed(scene: Scene, eventId: string, sinceMs: number): Promise<readonly Measure[]> {
  await scene.untilFlat();
  await flatOnRecord(scene, eventId);
  return [measure("→ flat", scene.lastFillMs() - sinceMs, FLAT_MAX_MS)];
}

const someFills = (scene: Scene): Promise<void> =>
  eventually("the first fill", () => scene.venue.fills(scene.apiKey).length > 0);

/** The worker's faults. */
export const WORKER_FAULTS: readonly FaultCase[] = [
  {
    row: 19,
    fault: "worker is dead when the panic comes",
    caused: "kill -9 of the worker, a panic, then a restart",
    holds: "L2 it finds its work waiting",
    fast: true,
    run: async (scene) => {
      const worker = await scene.start("eew");
      await worker.kill();
      const eventId = await scene.panic();
      const restartedMs = Date.now();
      await worker.restart();
      return await closed(scene, eventId, restartedMs);
    },
  },
  {
    row: 20,
    fault: "worker SIGKILL between two orders",
    caused:
      "the venue takes 20 of 40 orders and holds the rest unexecuted; kill -9, restart with the same state directory",
    holds: "S4, S5, L2: the venue says what is left; one report",
    fast: true,
    scene: { many: 40, latencyMs: 100 },
    run: async (scene) => {
      const worker = await scene.start("eew");
      const held = { when: { method: "POST", path: "/fapi/v1/order" }, skip: 20, times: 20 };
      // biome-ignore lint/suspicious/noThenProperty: a word of the script; nobody awaits a rule.
      scene.faults.play(parseFaultScript([{ ...held, then: { kind: "hang", executes: false } }]));
      const eventId = await scene.panic();
      await eventually("half of it is closed", () => scene.openNow().length === 20);
      await worker.kill();
      must(scene.openNow().length === 20, `${scene.openNow().length} are open, expected 20`);
      const restartedMs = Date.now();
      await worker.restart();
      return await closed(scene, eventId, restartedMs);
    },
  },
  {
    row: 21,
    fault: "worker dies after the last fill, before the report",
    caused: "its link to Redis swallows what it sends; kill -9 once the account is flat, restart on a link that works",
    holds: "S3 one report, S8 it says FLAT",
    fast: true,
    run: async (scene) => {
      const link = await scene.redisLink();
      const worker = await scene.start("eew", { redisUrl: link.url });
      const eventId = await scene.panic();
      await someFills(scene);
      await link.set("eat_requests");
      await scene.untilFlat();
      await worker.kill();
      must(scene.reports.length === 0, "it has reported already");
      await link.set("pass");
      const restartedMs = Date.now();
      await worker.restart();
      const { outcome } = await scene.report(eventId);
      must(outcome === "FLAT", `the report says ${outcome}`);
      await flatOnRecord(scene, eventId);
      return [measure("restart → report", Date.now() - restartedMs)];
    },
  },
  {
    row: 22,
    fault: "worker frozen in a pass, the other takes over, the first resumes",
    caused: "two workers, SIGSTOP of the owner after the first fill of 20, SIGCONT after the other's report",
    holds: "S3 one report, S4 nothing turns",
    fast: true,
    scene: { many: 20, latencyMs: 300 },
    run: async (scene) => {
      const workers = [await scene.start("eew", { name: "one" }), await scene.start("eew", { name: "two" })];
      const eventId = await scene.panic();
      await someFills(scene);
      const owner = workers.find((worker) => worker.log().includes("PANIC CLOSE EVENT RECEIVED"));
      owner?.signal("SIGSTOP");
      const frozenMs = Date.now();
      const { outcome } = await scene.report(eventId);
      must(outcome === "FLAT", `the report says ${outcome}`);
      const reportedMs = Date.now();
      owner?.signal("SIGCONT");
      await owner?.says("SYSTEM HALTED");
      await Bun.sleep(1_000);
      await flatOnRecord(scene, eventId);
      return [measure("frozen → the other's report", reportedMs - frozenMs, FLAT_MAX_MS)];
    },
  },
  {
    row: 23,
    fault: "two workers execute one event at once",
    caused: "the same event by the direct line of each, at the same moment",
    holds: "S3 one report, S4 nothing turns",
    fast: true,
    scene: { many: 20, latencyMs: 100 },
    run: async (scene) => {
      const workers = [await scene.start("eew", { name: "one" }), await scene.start("eew", { name: "two" })];
      const ts = Date.now() as UnixMillis;
      const event = { eventId: crypto.randomUUID(), reason: "DRILL", issuedBy: "ops" as const, ts };
      const calls = workers.map(({ name }) =>
        bySocket(join(scene.directory, name, "eew.sock")).call(event, null, { heardMs: 2_000, doneMs: 20_000 }),
      );
      for (const answer of await Promise.all(calls)) must(answer.known, answer.known ? "" : answer.why);
      await scene.untilFlat();
      for (const worker of workers) await worker.says("Found 20 open positions");
      for (const worker of workers) await worker.says("SYSTEM HALTED");
      await flatOnRecord(scene, event.eventId);
      return [measure("calls → flat", scene.lastFillMs() - ts, FLAT_MAX_MS)];
    },
  },
  {
    row: 24,
    fault: "a panic event that can't be read",
    caused: "XADD of an event without any known field, and of one with wrong types",
    holds: "L2 executed all the same, and the worker lives",
    fast: true,
    run: async (scene) => {
      const worker = await scene.start("eew");
      const beganMs = Date.now();
      await scene.redis.command("XADD", "system:panic_close", "*", "\u0000", "A".repeat(100_000));
      await scene.untilFlat();
      await scene.report();
      await scene.redis.command("XADD", "system:panic_close", "*", "event_id", "[]", "ts", "{}", "attempt", "-1e9");
      await eventually("the second report", () => scene.reports.length === 2);
      must(worker.running(), "the worker is gone");
      must(await scene.isHalted(), "trading is not halted");
      return [measure("panic → flat", scene.lastFillMs() - beganMs, FLAT_MAX_MS)];
    },
  },
  {
    row: 25,
    fault: "worker starts while trading is halted",
    caused: "restart of the worker after a pass that ended FLAT",
    holds: "nothing is executed twice, the halt stays",
    fast: true,
    run: async (scene) => {
      const worker = await scene.start("eew");
      const eventId = await scene.panic();
      const beganMs = Date.now();
      const figures = await closed(scene, eventId, beganMs);
      const fills = scene.venue.fills(scene.apiKey).length;
      await worker.restart();
      await eventually("it listens again", () => worker.log().split("Listening for panic_close").length === 3);
      await Bun.sleep(3_000);
      await flatOnRecord(scene, eventId);
      must(scene.venue.fills(scene.apiKey).length === fills, "it has traded after the restart");
      return figures;
    },
  },
];

/** Faults of the links to Redis: half-open, cut for one only, reset at the worst moment. */

import { join } from "node:path";
import { eventually } from "../../support/eventually.ts";
import { atWork, startAgain, workerHasLooked } from "../at-work.ts";
import { type FaultCase, measure, must } from "../case.ts";
import { flatOnRecord, quiet } from "../expect.ts";
import { namespaceNeeds, openNamespace } from "../net-namespace.ts";
import type { LinkMode } from "../proxy.ts";
import { FLAT_MAX_MS, OVERSHOOT_MAX_MS, REAL_LIMIT_MS, type Role, type Scene, WITHOUT_REDIS_MAX_MS } from "../scene.ts";

/** Both ways, and each of the two. */
const HALF_OPEN: readonly LinkMode[] = ["stall", "eat_requests", "eat_replies"];

/** Below the runbook's limit of 5 s. */
const BELOW_LIMIT_MS = 3_000;

/** The runbook's limit, the call by the direct line once Redis has not answered, and a pass. */
const CUT_OFF_MAX_MS = REAL_LIMIT_MS + OVERSHOOT_MAX_MS + 1_000 + FLAT_MAX_MS;

const someFills = (scene: Scene): Promise<void> =>
  eventually("the first fill", () => scene.venue.fills(scene.apiKey).length > 0);

const seesRedisAgain = (role: Role): Promise<void> =>
  eventually(`${role.name} sees Redis again`, () => /Redis (answers|can be used) again/.test(role.log()));

/** The report is acknowledged once, and nothing follows. */
async function reportedOnce(scene: Scene, worker: Role, passes: number): Promise<void> {
  await eventually("the worker knows", () => worker.log().split("SYSTEM HALTED").length > passes);
  await Bun.sleep(1_000);
  must(scene.reports.length === passes, `${scene.reports.length} reports`);
}

/** Faults of the links. */
export const REDIS_LINK_FAULTS: readonly FaultCase[] = [
  {
    row: 31,
    fault: "links to Redis half-open",
    caused:
      "three watchdogs behind a link that swallows everything, what is sent, or the answers, for 3 s of 5; then a worker behind one of each, for good",
    holds: "S1 no panic below the limit; L4 the worker closes without Redis above it, and tells later",
    fast: false,
    run: async (scene) => {
      const links = await Promise.all(HALF_OPEN.map(async (mode) => ({ mode, link: await scene.redisLink() })));
      const workerLink = await scene.redisLink();
      const worker = await scene.start("eew", { redisUrl: workerLink.url });
      const watchdogs = await Promise.all(
        links.map(({ mode, link }) => scene.start("watchdog", { name: `watchdog-${mode}`, redisUrl: link.url })),
      );
      scene.feed();
      for (const watchdog of watchdogs) await watchdog.says("Armed");
      await workerHasLooked(scene);
      for (const { mode, link } of links) await link.set(mode);
      await Bun.sleep(BELOW_LIMIT_MS);
      for (const watchdog of watchdogs)
        must(watchdog.log().includes("heartbeats cannot be seen"), "a link still works");
      for (const { link } of links) await link.set("pass");
      for (const watchdog of watchdogs) await seesRedisAgain(watchdog);
      const figures = [...(await quiet(scene, 4_000))];
      for (const [round, mode] of HALF_OPEN.entries()) {
        if (round > 0) await startAgain(scene);
        const beganMs = Date.now();
        await workerLink.set(mode);
        await scene.untilFlat(WITHOUT_REDIS_MAX_MS + 5_000);
        await eventually(
          "the report is not taken",
          () => worker.log().split("Report not confirmed").length === round + 2,
        );
        await workerLink.set("pass");
        await reportedOnce(scene, worker, round + 1);
        must(await scene.isHalted(), "trading is not halted");
        figures.push(measure(`${mode} → flat`, scene.lastFillMs() - beganMs, WITHOUT_REDIS_MAX_MS));
      }
      must(worker.log().split("FAILURE DETECTED: REDIS_LOST_(5.").length === HALF_OPEN.length + 1, "another reason");
      return figures;
    },
  },
  {
    row: 32,
    fault: "only the watchdog is cut off from Redis",
    caused:
      "the watchdog in a network namespace of its own, whose cable is out for 3 s of 5; then for good as the brain falls silent",
    holds:
      "S1 no panic below the limit; L3 the watchdog calls the worker by the direct line; S3 one event, one report once the cable is in",
    fast: false,
    scene: { redis: ["--bind", "0.0.0.0", "--protected-mode", "no"] },
    needs: namespaceNeeds,
    run: async (scene) => {
      const namespace = openNamespace();
      scene.onClose(() => namespace.close());
      const redisUrl = `redis://${namespace.here}:${new URL(scene.redis.url).port}`;
      const flags = ["--direct-socket", join(scene.directory, "eew", "eew.sock")];
      const { worker, watchdog, feed } = await atWork(scene, { watchdog: { by: namespace.by, redisUrl, flags } });
      namespace.cable("out");
      await Bun.sleep(BELOW_LIMIT_MS);
      must(watchdog.log().includes("heartbeats cannot be seen"), "the watchdog is not cut off");
      namespace.cable("in");
      await seesRedisAgain(watchdog);
      const figures = await quiet(scene, 4_000);
      feed.stop();
      const silentMs = Date.now();
      // The watchdog hears the last heartbeat before it hears nothing: its incident is the worker's.
      await Bun.sleep(500);
      namespace.cable("out");
      await worker.says("Heard by the direct line");
      await scene.untilFlat(CUT_OFF_MAX_MS + 5_000);
      const { eventId } = await scene.report();
      namespace.cable("in");
      await watchdog.says("ended FLAT", 20_000);
      await Bun.sleep(1_000);
      await flatOnRecord(scene, eventId);
      return [...figures, measure("silence → flat", scene.lastFillMs() - silentMs, CUT_OFF_MAX_MS)];
    },
  },
  {
    row: 33,
    fault: "an answer of Redis is lost after the write",
    caused: "the worker's link swallows the answers from the first fill on, until its report is on the bus",
    holds: "S9 not confirmed is not failed, S3 one report",
    fast: true,
    scene: { latencyMs: 100 },
    run: async (scene) => {
      const link = await scene.redisLink();
      const worker = await scene.start("eew", { redisUrl: link.url });
      const eventId = await scene.panic();
      await someFills(scene);
      await link.set("eat_replies");
      await scene.report(eventId);
      must(!worker.log().includes("SYSTEM HALTED"), "the worker knows already");
      await worker.says("Report not confirmed");
      await link.set("pass");
      await reportedOnce(scene, worker, 1);
      await flatOnRecord(scene, eventId);
      return [];
    },
  },
  {
    row: 34,
    fault: "connection reset in the middle of the report",
    caused:
      "the worker's link is reset between the report and its answer; at a second event, from its receipt on and for 3 s",
    holds: "S9, S3 one report each",
    fast: true,
    scene: { latencyMs: 100 },
    run: async (scene) => {
      const link = await scene.redisLink();
      const worker = await scene.start("eew", { redisUrl: link.url });
      const eventId = await scene.panic();
      await someFills(scene);
      await link.set("eat_replies");
      await scene.report(eventId);
      must(!worker.log().includes("SYSTEM HALTED"), "the worker knows already");
      await link.set("cut");
      await worker.says("Report not confirmed");
      await link.set("pass");
      await reportedOnce(scene, worker, 1);
      await flatOnRecord(scene, eventId);
      const second = await scene.panic();
      await worker.says(`Event ID: ${second}`);
      await link.set("cut");
      await Bun.sleep(3_000);
      await link.set("pass");
      const { outcome } = await scene.report(second);
      must(outcome === "FLAT", `the second report says ${outcome}`);
      await reportedOnce(scene, worker, 2);
      return [];
    },
  },
];

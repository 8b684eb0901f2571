/** Faults of the watchdog itself: whoever watches must not be the single thing that can fail. */

import { type FaultCase, measure, must } from "../case.ts";
import { detectedAndFlat, flatOnRecord, quiet } from "../expect.ts";
import { FAST_WATCHDOG, LIMIT_MS, OVERSHOOT_MAX_MS, type RoleOptions } from "../scene.ts";

const named = (name: string): RoleOptions => ({ ...FAST_WATCHDOG, name });

/** The watchdog's faults. */
export const WATCHDOG_FAULTS: readonly FaultCase[] = [
  {
    row: 11,
    fault: "watchdog SIGKILL",
    caused: "kill -9 of one of two watchdogs, then the brain falls silent",
    holds: "L3 the other one detects it, L2",
    fast: true,
    run: async (scene) => {
      await scene.start("eew");
      const first = await scene.start("watchdog", named("first"));
      const second = await scene.start("watchdog", named("second"));
      const feed = scene.feed();
      await first.says("Armed");
      await second.says("Armed");
      await first.kill();
      feed.stop();
      return await detectedAndFlat(scene);
    },
  },
  {
    row: 12,
    fault: "watchdog frozen, brain healthy",
    caused: "SIGSTOP of the watchdog for three limits, then SIGCONT: its timer is served before the heartbeats",
    holds: "S1 it drains first, no panic",
    fast: true,
    run: async (scene) => {
      const watchdog = await scene.start("watchdog", FAST_WATCHDOG);
      scene.feed();
      await watchdog.says("Armed");
      watchdog.signal("SIGSTOP");
      await Bun.sleep(3 * LIMIT_MS);
      watchdog.signal("SIGCONT");
      await watchdog.says("Stood still");
      return await quiet(scene, 2 * LIMIT_MS);
    },
  },
  {
    row: 13,
    fault: "watchdog frozen while the brain dies",
    caused: "SIGSTOP of one of two watchdogs, the brain falls silent, then SIGCONT",
    holds: "L3 the other one detects it in time; S3 the first adds nothing when it is back",
    fast: true,
    run: async (scene) => {
      await scene.start("eew");
      const first = await scene.start("watchdog", named("first"));
      const second = await scene.start("watchdog", named("second"));
      const feed = scene.feed();
      await first.says("Armed");
      await second.says("Armed");
      first.signal("SIGSTOP");
      feed.stop();
      const figures = await detectedAndFlat(scene);
      first.signal("SIGCONT");
      await Bun.sleep(2 * LIMIT_MS);
      await flatOnRecord(scene, (await scene.firstEvent()).eventId);
      return figures;
    },
  },
  {
    row: 14,
    fault: "watchdog held up for less than the limit",
    caused: "SIGSTOP for 2 s at the limit of 5 s, three times",
    holds: "S1 no panic, and it says that it stood still",
    fast: false,
    run: async (scene) => {
      const watchdog = await scene.start("watchdog");
      scene.feed();
      await watchdog.says("Armed");
      for (let i = 0; i < 3; i++) {
        watchdog.signal("SIGSTOP");
        await Bun.sleep(2_000);
        watchdog.signal("SIGCONT");
        await Bun.sleep(1_000);
      }
      await watchdog.says("Stood still");
      return await quiet(scene, 6_000);
    },
  },
  {
    row: 15,
    fault: "two watchdogs trip at once",
    caused: "three watchdogs, and the brain falls silent",
    holds: "S3 one event, one report",
    fast: true,
    run: async (scene) => {
      await scene.start("eew");
      const watchdogs = await Promise.all(["a", "b", "c"].map((name) => scene.start("watchdog", named(name))));
      const feed = scene.feed();
      for (const watchdog of watchdogs) await watchdog.says("Armed");
      feed.stop();
      const figures = await detectedAndFlat(scene);
      // Each of them means to have published it, and none adds a second.
      for (const watchdog of watchdogs) await watchdog.says("ended FLAT");
      await flatOnRecord(scene, (await scene.firstEvent()).eventId);
      return figures;
    },
  },
  {
    row: 16,
    fault: "watchdog dies between its decision and the publish",
    caused:
      "its link to Redis swallows what it sends; kill -9 after TRIGGERING PANIC CLOSE, restart on a link that works",
    holds: "L2 the restart decides the same again",
    fast: true,
    run: async (scene) => {
      await scene.start("eew");
      const link = await scene.redisLink();
      const watchdog = await scene.start("watchdog", { ...FAST_WATCHDOG, redisUrl: link.url });
      const feed = scene.feed();
      await watchdog.says("Armed");
      await link.set("eat_requests");
      feed.stop();
      await watchdog.says("TRIGGERING PANIC CLOSE");
      must((await scene.events()).length === 0, "the event was published all the same");
      await watchdog.kill();
      await link.set("pass");
      const restartedMs = Date.now();
      await watchdog.restart();
      const event = await scene.firstEvent();
      await scene.untilFlat();
      await flatOnRecord(scene, event.eventId);
      return [measure("restart → panic", event.atMs - restartedMs)];
    },
  },
  {
    row: 17,
    fault: "watchdog dies after the publish, before it knows",
    caused:
      "its link to Redis swallows the answers; kill -9 once the event is on the bus, restart on a link that works",
    holds: "S3 one event, one report",
    fast: true,
    run: async (scene) => {
      await scene.start("eew");
      const link = await scene.redisLink();
      const watchdog = await scene.start("watchdog", { ...FAST_WATCHDOG, redisUrl: link.url });
      const feed = scene.feed();
      await watchdog.says("Armed");
      feed.stop();
      const lastMs = await scene.lastBeatMs();
      await Bun.sleep(LIMIT_MS / 2);
      await link.set("eat_replies");
      const event = await scene.firstEvent();
      must(!watchdog.log().includes("Panic close published"), "it knows already");
      await watchdog.kill();
      await link.set("pass");
      await watchdog.restart();
      await scene.untilFlat();
      await watchdog.says("ended FLAT");
      await flatOnRecord(scene, event.eventId);
      return [measure("heartbeat → panic", event.atMs - lastMs, LIMIT_MS + OVERSHOOT_MAX_MS)];
    },
  },
  {
    row: 18,
    fault: "no heartbeat ever",
    caused: "a watchdog on an empty bus; then one with --require-brain-ms 1000",
    holds: "a cold boot is no death, and is said loudly; L1 where it was asked to be one",
    fast: true,
    run: async (scene) => {
      await scene.start("eew");
      const watchdog = await scene.start("watchdog", FAST_WATCHDOG);
      await watchdog.says("UNPROTECTED: waiting for a heartbeat");
      await quiet(scene, 3 * LIMIT_MS);
      const askedMs = Date.now();
      await scene.start("watchdog", { name: "strict", flags: ["--require-brain-ms", "1000"] });
      const event = await scene.firstEvent();
      await scene.untilFlat();
      await flatOnRecord(scene, event.eventId);
      return [measure("start → panic", event.atMs - askedMs)];
    },
  },
];

/** Faults of the exit brain: it dies, hangs, lies, or comes back. */

import { startBrain } from "../brains/start.ts";
import { type FaultCase, measure, must } from "../case.ts";
import { detectedAndFlat, quiet } from "../expect.ts";
import { FAST_WATCHDOG, FLAT_MAX_MS, LIMIT_MS, OVERSHOOT_MAX_MS, REAL_LIMIT_MS } from "../scene.ts";

const DETECTS = "L1 detected at the limit, L2 flat, one report";

/** The brain's faults. */
export const BRAIN_FAULTS: readonly FaultCase[] = [
  {
    row: 1,
    fault: "brain SIGKILL",
    caused: "kill -9 of quantum brain at the runbook's limit of 5 s",
    holds: DETECTS,
    fast: true,
    run: async (scene) => {
      await scene.start("eew");
      const brain = await scene.start("brain");
      const watchdog = await scene.start("watchdog");
      await watchdog.says("Armed");
      await brain.kill();
      return await detectedAndFlat(scene, REAL_LIMIT_MS);
    },
  },
  {
    row: 2,
    fault: "brain frozen for less than the limit",
    caused: "SIGSTOP of quantum brain for 3 s, limit 5 s",
    holds: "S1 no panic",
    fast: true,
    run: async (scene) => {
      await scene.start("eew");
      const brain = await scene.start("brain");
      const watchdog = await scene.start("watchdog");
      await watchdog.says("Armed");
      brain.signal("SIGSTOP");
      await Bun.sleep(3_000);
      brain.signal("SIGCONT");
      return await quiet(scene, 3_000);
    },
  },
  {
    row: 3,
    fault: "brain frozen for longer than the limit, then resumed",
    caused: "SIGSTOP of quantum brain for 8 s, limit 5 s, then SIGCONT",
    holds: "L1, L2; S6 the brain knows that it is fenced and halted, and does not un-halt",
    fast: false,
    run: async (scene) => {
      await scene.start("eew");
      const brain = await scene.start("brain");
      const watchdog = await scene.start("watchdog");
      await watchdog.says("Armed");
      brain.signal("SIGSTOP");
      const stoppedAt = performance.now();
      const figures = await detectedAndFlat(scene, REAL_LIMIT_MS);
      await Bun.sleep(Math.max(0, 8_000 - (performance.now() - stoppedAt)));
      const orders = scene.server.requests().filter(({ method }) => method === "POST").length;
      brain.signal("SIGCONT");
      await brain.says("Trading is halted");
      must(brain.log().toLowerCase().includes("fenced"), "the brain did not fence itself after it was resumed");
      await Bun.sleep(2_000);
      must(await scene.isHalted(), "the halt is gone");
      const since = scene.server.requests().filter(({ method }) => method === "POST").length - orders;
      must(since === 0, `${since} orders after the brain was resumed`);
      return figures;
    },
  },
  {
    row: 4,
    fault: "brain's event loop blocked",
    caused: "a brain whose loop beats, then computes for 7 s without a break",
    holds: DETECTS,
    fast: true,
    run: async (scene) => {
      await scene.start("eew");
      const watchdog = await scene.start("watchdog", FAST_WATCHDOG);
      startBrain(scene, "blocked-loop.ts");
      await watchdog.says("Armed");
      return await detectedAndFlat(scene);
    },
  },
  {
    row: 5,
    fault: "brain half dead: it beats, and decides nothing",
    caused: "heartbeats with positions whose last_decision_ts stands still, --decisions-stale-ms 1000",
    holds: "L1 detected as EXIT_BRAIN_DECISIONS_STALE, L2",
    fast: true,
    run: async (scene) => {
      await scene.start("eew");
      const watchdog = await scene.start("watchdog", { flags: ["--decisions-stale-ms", "1000"] });
      const began = Date.now();
      let decidedMs = began;
      scene.feed({
        fields: (seq) => {
          if (Date.now() - began < 1_000) decidedMs = Date.now();
          return { instance_id: "half-dead", seq: String(seq), last_decision_ts: String(decidedMs) };
        },
      });
      await watchdog.says("FAILURE DETECTED");
      const event = await scene.firstEvent();
      must(event.reason.startsWith("EXIT_BRAIN_DECISIONS_STALE_(1.1S"), `the reason is ${event.reason}`);
      await scene.untilFlat();
      await scene.report(event.eventId);
      const stale = event.atMs - decidedMs;
      return [
        measure("last decision → panic", stale, LIMIT_MS + OVERSHOOT_MAX_MS),
        measure("panic → flat", scene.lastFillMs() - event.atMs, FLAT_MAX_MS),
      ];
    },
  },
  {
    row: 6,
    fault: "brain beats late and unevenly",
    caused: "10 s of heartbeats with pauses of 0 to 0.9 of the limit",
    holds: "S1 no panic",
    fast: true,
    run: async (scene) => {
      const watchdog = await scene.start("watchdog", FAST_WATCHDOG);
      // A fixed row of numbers: the same pauses in every run.
      let draw = 7;
      scene.feed({
        pauseMs: () => {
          draw = (draw * 48_271) % 2_147_483_647;
          return (draw / 2_147_483_647) * LIMIT_MS * 0.9;
        },
      });
      await watchdog.says("Armed");
      return await quiet(scene, 10_000);
    },
  },
  {
    row: 7,
    fault: "malformed, huge and wrong-typed heartbeats",
    caused: "XADD of rubbish every 100 ms after the last real heartbeat",
    holds: "L1 rubbish is no heartbeat, and nothing crashes",
    fast: true,
    run: async (scene) => {
      await scene.start("eew");
      const watchdog = await scene.start("watchdog", FAST_WATCHDOG);
      const feed = scene.feed();
      await watchdog.says("Armed");
      feed.stop();
      const lastMs = await scene.lastBeatMs();
      const rubbish: readonly (readonly string[])[] = [
        ["x", "y"],
        ["status", "", "active_positions", "2", "ts", "1"],
        ["active_positions", "2"],
        ["x", "A".repeat(1_000_000)],
        ["\u0000", "\uffff"],
        ["x", "1e999999"],
      ];
      const rounds = (async () => {
        for (let i = 0; i < 15; i++) {
          await scene.redis.command("XADD", "exit_brain:heartbeat", "*", ...(rubbish[i % rubbish.length] ?? []));
          await Bun.sleep(100);
        }
      })();
      const event = await scene.firstEvent();
      await rounds;
      await scene.untilFlat();
      must(watchdog.running(), "the watchdog is gone");
      must(watchdog.log().includes("Not a heartbeat"), "nothing is said of the rubbish");
      return [measure("last heartbeat → panic", event.atMs - lastMs, LIMIT_MS + OVERSHOOT_MAX_MS)];
    },
  },
  {
    row: 8,
    fault: "two brains at once",
    caused: "a second quantum brain is started beside the first",
    holds: "S7 the older one's heartbeats are EXIT_BRAIN_DUPLICATE, L2",
    fast: true,
    run: async (scene) => {
      await scene.start("eew");
      await scene.start("brain", { name: "older" });
      const watchdog = await scene.start("watchdog");
      await watchdog.says("Armed");
      const startedMs = Date.now();
      await scene.start("brain", { name: "newer" });
      const event = await scene.firstEvent();
      must(event.reason.startsWith("EXIT_BRAIN_DUPLICATE_("), `the reason is ${event.reason}`);
      await scene.untilFlat();
      await scene.report(event.eventId);
      return [measure("second start → panic", event.atMs - startedMs)];
    },
  },
  {
    row: 9,
    fault: "heartbeats from the future and the past",
    caused: "ts a year ahead, a year behind and no number, in turn; then silence",
    holds: "S12 no panic while they come, L1 when they stop",
    fast: true,
    run: async (scene) => {
      await scene.start("eew");
      const watchdog = await scene.start("watchdog", FAST_WATCHDOG);
      const yearMs = 365 * 86_400_000;
      const stamps = [`${Date.now() + yearMs}`, `${Date.now() - yearMs}`, "never"];
      const feed = scene.feed({ fields: (seq) => ({ ts: stamps[seq % stamps.length] ?? "" }) });
      await watchdog.says("Armed");
      await quiet(scene, 3 * LIMIT_MS);
      feed.stop();
      return await detectedAndFlat(scene);
    },
  },
  {
    row: 10,
    fault: "heartbeats replayed",
    caused: "the last heartbeat, instance and seq included, is written again every 200 ms",
    holds: "L1 a copy is no proof of life",
    fast: true,
    run: async (scene) => {
      await scene.start("eew");
      const watchdog = await scene.start("watchdog", FAST_WATCHDOG);
      let last = 0;
      const real = scene.feed({
        fields: (seq) => {
          last = seq;
          return { instance_id: "copied", seq: String(seq) };
        },
      });
      await watchdog.says("Armed");
      real.stop();
      const stoppedMs = await scene.lastBeatMs();
      scene.feed({ fields: () => ({ instance_id: "copied", seq: `${last}` }) });
      const event = await scene.firstEvent();
      await scene.untilFlat();
      return [measure("last true heartbeat → panic", event.atMs - stoppedMs, LIMIT_MS + OVERSHOOT_MAX_MS + 200)];
    },
  },
];

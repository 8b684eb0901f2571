/** A healthy brain on a busy machine with a Redis that stalls: no false alarm, and at the end a death is still detected. */

import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { Scene } from "../scene.ts";
import type { Series } from "./series.ts";

/** Each second redis-server is frozen with this chance, for up to `STALL_MAX_MS`. */
const STALL_CHANCE = 0.05;
const STALL_MAX_MS = 2_000;

/** Minutes at the runbook's limit of 5 s, with a busy loop for every core. */
export const CALM: Series = {
  describe: "minutes of a healthy brain under CPU load and Redis stalls",
  usual: 60,
  run: async (minutes, tell) => {
    const scene = await Scene.open();
    const load = Array.from({ length: availableParallelism() }, () =>
      spawn("sh", ["-c", "while :; do :; done"], { stdio: "ignore" }),
    );
    let stalls = 0;
    let stalledMs = 0;
    try {
      await scene.start("eew");
      const brain = await scene.start("brain");
      const watchdog = await scene.start("watchdog");
      await watchdog.says("Armed");
      const endAt = performance.now() + minutes * 60_000;
      let nextTellAt = performance.now() + 300_000;
      while (performance.now() < endAt && (await scene.events()).length === 0) {
        await Bun.sleep(1_000);
        if (performance.now() > nextTellAt) {
          tell(`${Math.round((endAt - performance.now()) / 60_000)} min left, ${stalls} stalls so far`);
          nextTellAt += 300_000;
        }
        if (Math.random() >= STALL_CHANCE) continue;
        const forMs = Math.random() * STALL_MAX_MS;
        scene.redis.signal("SIGSTOP");
        await Bun.sleep(forMs);
        scene.redis.signal("SIGCONT");
        stalls += 1;
        stalledMs += forMs;
      }
      const falseAlarms = await scene.events();
      await brain.kill();
      const deadMs = Date.now();
      const event = falseAlarms[0] ?? (await scene.firstEvent());
      await scene.untilFlat();
      const ranMin = minutes - Math.max(0, (endAt - performance.now()) / 60_000);
      return [
        {
          what: `false alarms in ${ranMin.toFixed(0)} min with ${stalls} stalls, ${(stalledMs / 1_000).toFixed(0)} s in all`,
          measured: falseAlarms.map(({ reason }) => reason).join(", ") || "0",
          expected: "0",
          passed: falseAlarms.length === 0,
        },
        {
          what: "a death at the end → panic",
          measured: `${event.atMs - deadMs} ms`,
          expected: "≤ 5500 ms",
          passed: event.atMs - deadMs <= 5_500,
        },
      ];
    } finally {
      for (const loop of load) loop.kill("SIGKILL");
      await scene.close();
    }
  },
};

/** A worker is killed at random moments of a pass and restarted: every pass ends flat, with one report. */

import { Scene } from "../scene.ts";
import type { Series } from "./series.ts";

const POSITIONS = 40;

/** Slow enough that the moments differ: a pass has three round trips. */
const LATENCY_MS = 200;

/** Each in a scene of its own, in which everything that must hold is checked. */
export const PASSES: Series = {
  describe: `SIGKILLs of the worker in a pass over ${POSITIONS} positions`,
  usual: 50,
  run: async (times, tell) => {
    const passMs = await measurePass();
    tell(`A pass takes ${passMs} ms`);
    const failures: string[] = [];
    let flat = 0;
    let interrupted = 0;
    for (let i = 1; i <= times; i++) {
      const scene = await Scene.open({ many: POSITIONS, latencyMs: LATENCY_MS });
      try {
        const worker = await scene.start("eew");
        const eventId = await scene.panic();
        await Bun.sleep(Math.random() * passMs);
        await worker.kill();
        if (scene.reports.length === 0) interrupted += 1;
        await worker.restart();
        const { outcome } = await scene.report(eventId, 30_000);
        // A second report would come with the next look.
        await Bun.sleep(1_500);
        const broken = scene.violations();
        if (outcome === "FLAT" && scene.isFlat() && broken.length === 0) flat += 1;
        else failures.push(`${i}: ${outcome}, ${broken.join("; ")}`, ...scene.logTails(15));
      } catch (error) {
        failures.push(`${i}: ${String(error)}`, ...scene.logTails(15));
      } finally {
        await scene.close();
      }
      if (i % 10 === 0) tell(`${i} of ${times}: ${flat} flat`);
    }
    for (const failure of failures) tell(failure);
    return [
      {
        what: "ended flat, one report, nothing sent twice or grown",
        measured: `${flat} of ${times}`,
        expected: "all",
        passed: flat === times,
      },
      {
        what: "killed before the report",
        measured: `${interrupted}`,
        expected: "> half",
        passed: interrupted * 2 > times,
      },
    ];
  },
};

async function measurePass(): Promise<number> {
  const scene = await Scene.open({ many: POSITIONS, latencyMs: LATENCY_MS });
  try {
    await scene.start("eew");
    const beganAt = performance.now();
    await scene.report(await scene.panic());
    return Math.round(performance.now() - beganAt);
  } finally {
    await scene.close();
  }
}

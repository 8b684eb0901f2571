/** A brain that beats is killed again and again: each death is detected, soon after the limit and never before it. */

import { eventually } from "../../support/eventually.ts";
import { startBrain } from "../brains/start.ts";
import { type Role, Scene } from "../scene.ts";
import { type Finding, percentile, type Series } from "./series.ts";

/** The runbook's five seconds, ten times faster. */
const LIMIT_MS = 500;

/** The runs of healthy heartbeats before each death. */
const HEALTHY_MS = { min: 300, max: 1_500 };

const POSITION = { symbol: "BTCUSDT", amount: "0.5" };

/** Beats ten times a second, limit 500 ms; after each incident a person resets. */
export const DETECTION: Series = {
  describe: "incidents by SIGKILL at a limit of 500 ms",
  usual: 200,
  run: async (times, tell) => {
    const scene = await Scene.open({ positions: [POSITION], unlimited: true });
    const overshootsMs: number[] = [];
    const toFlatMs: number[] = [];
    let healthyMs = 0;
    try {
      await scene.start("eew");
      const watchdog = await scene.start("watchdog", { flags: ["--heartbeat-missing-ms", String(LIMIT_MS)] });
      for (let i = 1; i <= times; i++) {
        const armed = count(watchdog, "Armed: watching");
        const brain = startBrain(scene, "steady.ts");
        await eventually("armed", () => count(watchdog, "Armed: watching") > armed);
        const forMs = HEALTHY_MS.min + Math.random() * (HEALTHY_MS.max - HEALTHY_MS.min);
        await Bun.sleep(forMs);
        healthyMs += forMs;
        await brain.end();
        await eventually(`event ${i}`, async () => (await scene.events()).length >= i);
        const event = (await scene.events())[i - 1];
        const atMs = event?.atMs ?? Number.NaN;
        overshootsMs.push(atMs - (await scene.lastBeatMs()) - LIMIT_MS);
        await scene.report(event?.eventId);
        toFlatMs.push(scene.lastFillMs() - atMs);
        await reset(scene, watchdog, i);
        if (i % 20 === 0) tell(`${i} of ${times}: overshoot up to ${Math.max(...overshootsMs)} ms`);
      }
      return findings(times, (await scene.events()).length, overshootsMs, toFlatMs, healthyMs, scene.violations());
    } finally {
      await scene.close();
    }
  },
};

/** As the runbook's last resort does it; then the account is as before. */
async function reset(scene: Scene, watchdog: Role, times: number): Promise<void> {
  await scene.redis.command("DEL", "system:state:trading");
  await eventually("the reset is seen", () => count(watchdog, "Halt cleared by a person") >= times);
  // The worker looks once a second, and must have seen it too: what opens under a halt is closed.
  const looks = Number(await scene.redis.command("XLEN", "eew:heartbeat"));
  await eventually("the worker has looked", async () => {
    return Number(await scene.redis.command("XLEN", "eew:heartbeat")) >= looks + 2;
  });
  scene.openPosition(POSITION);
}

function count(role: Role, words: string): number {
  return role.log().split(words).length - 1;
}

function findings(
  times: number,
  events: number,
  overshootsMs: readonly number[],
  toFlatMs: readonly number[],
  healthyMs: number,
  violations: readonly string[],
): readonly Finding[] {
  const [median, p99, max] = [0.5, 0.99, 1].map((share) => percentile(overshootsMs, share));
  const early = overshootsMs.filter((ms) => ms < -1).length;
  const detected = overshootsMs.length;
  return [
    { what: "detected", measured: `${detected} of ${times}`, expected: "all", passed: detected === times },
    {
      what: `false alarms in ${Math.round(healthyMs / 1_000)} s of heartbeats`,
      measured: String(events - times + early),
      expected: "0",
      passed: events === times && early === 0,
    },
    limit("overshoot past the limit, median", median, 5),
    limit("overshoot past the limit, p99", p99, 50),
    { what: "overshoot, worst", measured: `${max} ms`, expected: "", passed: true },
    limit("panic → flat, worst", percentile(toFlatMs, 1), 10_000),
    {
      what: "whatever must hold in every scene",
      measured: violations.join("; ") || "held",
      expected: "held",
      passed: violations.length === 0,
    },
  ];
}

function limit(what: string, ms: number | undefined, limitMs: number): Finding {
  return { what, measured: `${ms} ms`, expected: `≤ ${limitMs} ms`, passed: (ms ?? Number.NaN) <= limitMs };
}

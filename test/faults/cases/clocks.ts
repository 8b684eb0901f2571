/** Faults of clocks: wall clocks that jump and drift, and a machine that stands still. Ages are taken on the harness's own clock. */

import { fieldsOf, type RawEntry } from "../../../src/adapters/redis/codec.ts";
import { eventually } from "../../support/eventually.ts";
import { atWork, startAgain, workerHasLooked } from "../at-work.ts";
import { type FaultCase, type Measure, measure, must } from "../case.ts";
import { detectedAndFlat, flatOnRecord, quiet } from "../expect.ts";
import type { Feed } from "../feed.ts";
import { FLAT_MAX_MS, LIMIT_MS, OVERSHOOT_MAX_MS, REAL_LIMIT_MS, REDIS_CLOCK, type Scene } from "../scene.ts";

const HOUR_MS = 3_600_000;

/** How long nothing may happen after a jump: longer than the worker waits for Redis. */
const QUIET_MS = 6_000;

/** The heartbeats stop: the panic, the report and the halt come in time, whatever Redis's clock says. */
async function detected(scene: Scene, feed: Feed, when: string): Promise<readonly Measure[]> {
  const before = (await scene.events()).length;
  const stoppedMs = Date.now();
  feed.stop();
  await eventually("a panic event", async () => (await scene.events()).length > before);
  const panicMs = Date.now();
  const event = (await scene.events()).at(-1);
  must(event?.reason.startsWith("EXIT_BRAIN_HEARTBEAT_MISSING_(") ?? false, `the reason is ${event?.reason}`);
  await scene.untilFlat();
  const { outcome } = await scene.report(event?.eventId);
  must(outcome === "FLAT", `the report says ${outcome}`);
  must(await scene.isHalted(), "trading is not halted");
  must((await scene.events()).length === before + 1, "more than one panic event");
  return [
    measure(`${when}: silence → panic`, panicMs - stoppedMs, LIMIT_MS + OVERSHOOT_MAX_MS),
    measure(`${when}: panic → flat`, scene.lastFillMs() - panicMs, FLAT_MAX_MS),
  ];
}

/** Where each role's clock shows. */
const BEATS = ["exit_brain:heartbeat", "watchdog:heartbeat", "eew:heartbeat"] as const;

/** What the newest heartbeat says of its sender's clock. */
async function stampOf(scene: Scene, key: string): Promise<number> {
  const [last] = (await scene.redis.command("XREVRANGE", key, "+", "-", "COUNT", "1")) as RawEntry[];
  return Number(last === undefined ? Number.NaN : fieldsOf(last).get("ts"));
}

async function redisTimeMs(scene: Scene): Promise<number> {
  const [seconds] = (await scene.redis.command("TIME")) as [string];
  return Number(seconds) * 1_000;
}

/** As far as it should be, give or take a second or two for what lies between. */
function isOff(byMs: number, expectedMs: number): boolean {
  return Math.abs(byMs - expectedMs) < 3_000;
}

/** Shifts the clock again and again, until the scene is over. */
function keepShifting(scene: Scene, name: string, shiftMs: (elapsedMs: number) => number): void {
  const clock = scene.clock(name);
  const began = performance.now();
  const timer = setInterval(() => clock.shift(shiftMs(performance.now() - began)), 100);
  scene.onClose(() => clearInterval(timer));
}

/** Faults of clocks. */
export const CLOCK_FAULTS: readonly FaultCase[] = [
  {
    row: 45,
    fault: "Redis's wall clock jumps",
    caused: "an hour back, so that entry ids stand still, then silence; after a reset an hour ahead, then silence",
    holds: "S1 no panic while heartbeats come; L1, L2 when they stop",
    fast: false,
    scene: { redisClock: true },
    run: async (scene) => {
      const { watchdog, feed } = await atWork(scene);
      scene.clock(REDIS_CLOCK).shift(-HOUR_MS);
      await quiet(scene, QUIET_MS);
      must(isOff((await redisTimeMs(scene)) - Date.now(), -HOUR_MS), "Redis's clock did not jump back");
      const back = await detected(scene, feed, "back");
      await startAgain(scene);
      const second = scene.feed();
      await eventually("the watchdog is armed again", () => watchdog.log().split("Armed").length === 3);
      await workerHasLooked(scene);
      scene.clock(REDIS_CLOCK).shift(HOUR_MS);
      await Bun.sleep(QUIET_MS);
      must(isOff((await redisTimeMs(scene)) - Date.now(), HOUR_MS), "Redis's clock did not jump ahead");
      must((await scene.events()).length === 1, "a false alarm when the clock went ahead");
      return [...back, ...(await detected(scene, second, "ahead"))];
    },
  },
  {
    row: 46,
    fault: "the host's wall clock jumps",
    caused:
      "an hour ahead, then an hour behind, for brain, watchdog and worker while they run; then kill -9 of the brain",
    holds: "S1 no panic, L1 detected at the limit, L2 flat, one report",
    fast: false,
    run: async (scene) => {
      const clock = scene.clock("host");
      const shifted = { env: clock.env };
      await scene.start("eew", shifted);
      const brain = await scene.start("brain", shifted);
      const watchdog = await scene.start("watchdog", shifted);
      await watchdog.says("Armed");
      await workerHasLooked(scene);
      for (const jumpMs of [HOUR_MS, -HOUR_MS]) {
        clock.shift(jumpMs);
        await quiet(scene, QUIET_MS);
        for (const key of BEATS) must(isOff((await stampOf(scene, key)) - Date.now(), jumpMs), `no jump in ${key}`);
      }
      await brain.kill();
      return await detectedAndFlat(scene, REAL_LIMIT_MS);
    },
  },
  {
    row: 47,
    fault: "the worker's clock is not the venue's",
    caused:
      "the worker's wall clock 10 s ahead, and the venue's clock not to be had before its first signed request is refused with -1021",
    holds: "L2 it learns the venue's time and closes; no order is sent with a time that is refused",
    fast: true,
    run: async (scene) => {
      // The three samples of the first look at the venue's clock; later ones are answered.
      const when = { method: "GET", path: "/fapi/v1/time" };
      scene.faults.play({
        rules: [{ when, skip: 0, times: 3, effect: { kind: "reset", executes: false } }],
        seed: null,
      });
      const clock = scene.clock("worker");
      clock.shift(10_000);
      await scene.start("eew", { env: clock.env });
      const refused = (): boolean =>
        scene.server
          .requests()
          .some(
            ({ query, status, at }) => status === 400 && isOff(Number(/timestamp=(\d+)/.exec(query)?.[1]) - at, 10_000),
          );
      await eventually("a request is refused for its time", refused);
      const panicMs = Date.now();
      const eventId = await scene.panic();
      await scene.untilFlat();
      await flatOnRecord(scene, eventId);
      const orders = scene.server
        .requests()
        .filter(({ method, path }) => method === "POST" && path === "/fapi/v1/order");
      const bad = orders.filter(({ status }) => status !== 200);
      must(bad.length === 0, `${bad.length} of ${orders.length} orders were refused`);
      return [measure("panic → flat", scene.lastFillMs() - panicMs, FLAT_MAX_MS)];
    },
  },
  {
    row: 48,
    fault: "wall clocks drift",
    caused:
      "Redis's clock runs 500 ppm fast and swings by 400 ms every 3 s, the watchdog's the other way, for 10 s; then silence",
    holds: "S1 no panic while heartbeats come; L1, L2 when they stop",
    fast: false,
    scene: { redisClock: true },
    run: async (scene) => {
      const clock = scene.clock("watchdog");
      const watchdog = { flags: ["--heartbeat-missing-ms", String(LIMIT_MS)], env: clock.env };
      const { feed } = await atWork(scene, { watchdog });
      const shift = (ms: number): number => ms * 500e-6 + 400 * Math.sin((ms / 3_000) * 2 * Math.PI);
      keepShifting(scene, REDIS_CLOCK, shift);
      keepShifting(scene, "watchdog", (ms) => -shift(ms));
      const figures = await quiet(scene, 10_000);
      const swings = async (): Promise<boolean> =>
        Math.abs((await stampOf(scene, "watchdog:heartbeat")) - Date.now()) > 200;
      await eventually("the watchdog's clock swings", swings);
      return [...figures, ...(await detected(scene, feed, "drifting"))];
    },
  },
  {
    row: 49,
    fault: "the whole machine stands still",
    caused:
      "SIGSTOP of redis-server, brain, watchdog and worker for 8 s, limit 5 s; then SIGCONT, and the brain beats before the others are awake",
    holds:
      "L1 a gap over the limit is a dead brain, and a heartbeat that comes too late does not undo it; L2, one report; S6 the brain was fenced",
    fast: false,
    run: async (scene) => {
      const worker = await scene.start("eew");
      const brain = await scene.start("brain");
      const watchdog = await scene.start("watchdog");
      await watchdog.says("Armed");
      await workerHasLooked(scene);
      const roles = [brain, watchdog, worker];
      for (const role of roles) role.signal("SIGSTOP");
      scene.redis.signal("SIGSTOP");
      await Bun.sleep(8_000);
      const beats = async (): Promise<unknown> => await scene.redis.command("XLEN", "exit_brain:heartbeat");
      scene.redis.signal("SIGCONT");
      const before = await beats();
      brain.signal("SIGCONT");
      await eventually("the brain beats again", async () => (await beats()) !== before);
      const resumedMs = Date.now();
      for (const role of roles) role.signal("SIGCONT");
      const event = await scene.firstEvent();
      const panicMs = Date.now();
      must(event.reason.startsWith("EXIT_BRAIN_HEARTBEAT_MISSING_("), `the reason is ${event.reason}`);
      await scene.untilFlat();
      await flatOnRecord(scene, event.eventId);
      await watchdog.says("ended FLAT");
      await brain.says("Trading is halted");
      must(brain.log().includes("Fenced"), "the brain did not fence itself");
      return [
        // What had arrived is drained for at most 500 ms before it is judged (design section 3).
        measure("resumed → panic", panicMs - resumedMs, OVERSHOOT_MAX_MS + 500),
        measure("panic → flat", scene.lastFillMs() - panicMs, FLAT_MAX_MS),
      ];
    },
  },
];

/** Faults of the Redis process: it dies, freezes or is slow. Whoever needs it must not need it for the exit. */

import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../../support/eventually.ts";
import { AS_SHIPPED, atWork, workerHasLooked } from "../at-work.ts";
import { type FaultCase, measure, must } from "../case.ts";
import { flatOnRecord, flatWithoutRedis, quiet } from "../expect.ts";
import { FLAT_MAX_MS } from "../scene.ts";

/** Every write is on the disk before it is confirmed. */
const AOF = ["--appendonly", "yes", "--appendfsync", "always"];

/** Faults of the process. */
export const REDIS_SERVER_FAULTS: readonly FaultCase[] = [
  {
    row: 26,
    fault: "Redis SIGKILL, back within the limit",
    caused: "kill -9 of redis-server with an append-only file, back after 2 s; then a panic and kill -9 at once",
    holds: "S1 no panic over an outage of 2 s; L2 a panic that was confirmed before the death is executed",
    fast: true,
    scene: { redis: AOF },
    run: async (scene) => {
      const { worker } = await atWork(scene, AS_SHIPPED);
      await scene.redis.die();
      await Bun.sleep(2_000);
      await scene.redis.revive();
      const figures = await quiet(scene, 4_000);
      await worker.kill();
      const eventId = await scene.panic();
      await scene.redis.die();
      await scene.redis.revive();
      const restartedMs = Date.now();
      await worker.restart();
      await scene.untilFlat();
      await flatOnRecord(scene, eventId);
      return [...figures, measure("restart → flat", scene.lastFillMs() - restartedMs, FLAT_MAX_MS)];
    },
  },
  {
    row: 27,
    fault: "Redis is gone for ever, before a panic",
    caused: "kill -9 of redis-server while everybody is at work",
    holds: "L4 the worker closes without Redis",
    fast: true,
    run: async (scene) => {
      const { worker } = await atWork(scene, AS_SHIPPED);
      const diedMs = Date.now();
      await scene.redis.die();
      const figures = await flatWithoutRedis(scene, "death", diedMs);
      await worker.says("Closed: 2/2");
      return figures;
    },
  },
  {
    row: 28,
    fault: "Redis is gone after the panic, before the worker has read it",
    caused:
      "the worker's link swallows everything, the watchdog's panic is on the bus, kill -9 of redis-server; later it is back",
    holds: "L4 flat all the same; S3 one event, one report once Redis is back",
    fast: false,
    scene: { redis: AOF },
    run: async (scene) => {
      const link = await scene.redisLink();
      const { worker, feed } = await atWork(scene, { ...AS_SHIPPED, worker: { redisUrl: link.url } });
      feed.stop();
      await workerHasLooked(scene);
      await link.set("stall");
      const event = await scene.firstEvent();
      await scene.redis.die();
      must(!worker.log().includes("PANIC CLOSE EVENT RECEIVED"), "the worker has read it already");
      const figures = await flatWithoutRedis(scene, "panic", event.atMs);
      await link.set("pass");
      await scene.redis.revive();
      await scene.report(event.eventId, 20_000);
      await flatOnRecord(scene, event.eventId);
      return figures;
    },
  },
  {
    row: 29,
    fault: "Redis frozen: it takes connections and says nothing",
    caused: "SIGSTOP of redis-server for good",
    holds: "L4 silence is no answer: the worker closes without Redis",
    fast: true,
    run: async (scene) => {
      const { worker } = await atWork(scene, AS_SHIPPED);
      const frozenMs = Date.now();
      scene.redis.signal("SIGSTOP");
      const figures = await flatWithoutRedis(scene, "freeze", frozenMs);
      await worker.says("Closed: 2/2");
      return figures;
    },
  },
  {
    row: 30,
    fault: "Redis slow",
    caused: "DEBUG SLEEP 3 at the runbook's limit of 5 s",
    holds: "S1 no panic, neither by the watchdog nor by the worker",
    fast: true,
    scene: { redis: ["--enable-debug-command", "yes"] },
    run: async (scene) => {
      const { feed } = await atWork(scene, AS_SHIPPED);
      // It is asked for over a link whose deadline is shorter.
      await scene.redis.command("DEBUG", "SLEEP", "3").catch(() => undefined);
      const before = feed.confirmed();
      const figures = await quiet(scene, 4_000);
      must(feed.confirmed() > before, "Redis has not come back");
      return figures;
    },
  },
  {
    row: 42,
    fault: "the disk of Redis's append-only file is full",
    caused: "appendfsync always on a tmpfs of 64 KiB that fills up: redis-server exits",
    holds: "L4 as where Redis is gone",
    fast: false,
    scene: { redis: ["--enable-protected-configs", "yes"] },
    needs: () => (process.getuid?.() === 0 ? null : "a disk of 64 KiB can be mounted by root only"),
    run: async (scene) => {
      const disk = join(scene.directory, "disk");
      mkdirSync(disk);
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]);
      // Redis may still stand in it.
      scene.onClose(() => void execFileSync("umount", ["--lazy", disk]));
      for (const [name, value] of [
        ["dir", disk],
        ["appendfsync", "always"],
        ["appendonly", "yes"],
      ] as const) {
        await scene.redis.command("CONFIG", "SET", name, value);
      }
      await atWork(scene, AS_SHIPPED);
      writeFileSync(join(disk, "rest"), Buffer.alloc(48 * 1_024));
      const fullMs = Date.now();
      await scene.redis.command("XADD", "fill", "*", "x", "A".repeat(64 * 1_024)).catch(() => undefined);
      await eventually("Redis has exited", () => !scene.redis.running());
      return await flatWithoutRedis(scene, "full disk", fullMs);
    },
  },
];

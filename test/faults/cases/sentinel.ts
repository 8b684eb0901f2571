/** Faults of a Redis behind sentinels: what it has confirmed is lost, or confirmed by two. */

import { eventually } from "../../support/eventually.ts";
import type { TestRedis } from "../../support/redis.ts";
import { atWork } from "../at-work.ts";
import { type FaultCase, measure, must } from "../case.ts";
import { flatOnRecord } from "../expect.ts";
import { namespaceNeeds } from "../net-namespace.ts";
import { FLAT_MAX_MS, type Scene, WITHOUT_WATCHDOG_MAX_MS } from "../scene.ts";
import { typed } from "../typed.ts";

/** The replicas follow as a user of their own, so that this can be ended without anybody else noticing. */
async function replicateAsUser({ failover: { sentinels } }: Scene): Promise<void> {
  const { master, replicas } = sentinels;
  await master.command("ACL", "SETUSER", "replica", "on", ">secret", "+psync", "+replconf", "+ping");
  for (const replica of replicas) {
    await replica.command("CONFIG", "SET", "masteruser", "replica");
    await replica.command("CONFIG", "SET", "masterauth", "secret");
  }
  await cutOff(master);
  await eventually("the replicas follow", async () => (await master.command("WAIT", "2", "50")) === 2);
}

async function cutOff(master: TestRedis): Promise<void> {
  await master.command("CLIENT", "KILL", "TYPE", "replica");
}

/** Faults of a failover. */
export const SENTINEL_FAULTS: readonly FaultCase[] = [
  {
    row: 35,
    fault: "Sentinel failover that loses the last writes, the panic among them",
    caused:
      "the replicas are cut off from their master, the panic is confirmed by it and read by nobody (worker under SIGSTOP), kill -9 of the master",
    holds: "L2 the watchdog misses its panic on the new master and publishes it again; S3 one event, one report",
    fast: false,
    scene: { sentinels: "one side" },
    run: async (scene) => {
      const { sentinels } = scene.failover;
      const { master } = sentinels;
      const { worker, watchdog, feed } = await atWork(scene);
      await replicateAsUser(scene);
      worker.signal("SIGSTOP");
      await master.command("ACL", "SETUSER", "replica", "off");
      await cutOff(master);
      feed.stop();
      await watchdog.says("Panic close published");
      const { eventId } = await scene.firstEvent();
      await master.die();
      const diedMs = Date.now();
      const promoted = await sentinels.failedOver();
      const promotedMs = Date.now();
      must((await promoted.command("XLEN", "system:panic_close")) === 0, "the panic was not lost");
      worker.signal("SIGCONT");
      await scene.untilFlat();
      await watchdog.says("ended FLAT");
      await flatOnRecord(scene, eventId);
      return [
        measure("master's death → promotion", promotedMs - diedMs),
        measure("promotion → flat", scene.lastFillMs() - promotedMs, FLAT_MAX_MS),
      ];
    },
  },
  {
    row: 36,
    fault: "split brain: the old master goes on taking writes",
    caused:
      "cable out between master, one sentinel and the watchdog on one side, and everybody else; the brain falls silent; cable in after the report",
    holds: "L2 a panic that only the old master knows of does not decide: the worker closes; S3 one event, one report",
    fast: false,
    scene: { sentinels: "two sides" },
    needs: namespaceNeeds,
    run: async (scene) => {
      const { sentinels, side } = scene.failover;
      if (side === null) throw new Error("there is one side only");
      const { watchdog, feed } = await atWork(scene, { watchdog: { by: side.by } });
      feed.stop();
      const silentMs = Date.now();
      // The last heartbeat is on both sides before there are two.
      await Bun.sleep(300);
      side.cable("out");
      await watchdog.says("Panic close published");
      const split = await promotedHere(scene);
      must(split.length === 0, `the new master knows of ${split.length} panic events already`);
      await scene.untilFlat(WITHOUT_WATCHDOG_MAX_MS + 5_000);
      const { eventId } = await scene.report();
      must(watchdog.log().includes(eventId), "the worker's incident is not the watchdog's");
      side.cable("in");
      await eventually(
        "the old master is a replica",
        async () => {
          const role = await typed(sentinels.master.url, "ROLE").catch(() => "");
          return role.startsWith("*5");
        },
        30_000,
      );
      await watchdog.says("ended FLAT", 20_000);
      await Bun.sleep(1_000);
      await flatOnRecord(scene, eventId);
      return [measure("silence → flat", scene.lastFillMs() - silentMs, WITHOUT_WATCHDOG_MAX_MS)];
    },
  },
];

/** The panic events on the master that this side has agreed on, once it has. */
async function promotedHere(scene: Scene): Promise<readonly unknown[]> {
  const { sentinels, side } = scene.failover;
  const [, ...here] = sentinels.sentinels;
  await eventually("this side has a master", async () => {
    const answers = await Promise.all(
      here.map(({ command }) => command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "quantum-test")),
    );
    return answers.every((answer) => (answer as readonly string[])[0] === side?.here);
  });
  return await scene.events();
}

/** Faults of the panic event itself: doubled, forged, replayed, late, or in the middle of a reset. */

import { RedisLink } from "../../../src/adapters/redis/link.ts";
import { sign } from "../../../src/adapters/redis/signature.ts";
import type { UnixMillis } from "../../../src/core/time.ts";
import { eventually } from "../../support/eventually.ts";
import { QUANTUM, run } from "../../support/run.ts";
import { WORKER_KEY } from "../../support/worker.ts";
import { type FaultCase, measure, must } from "../case.ts";
import { FLAT_MAX_MS, type Scene, TRIGGER_SECRET } from "../scene.ts";

const HOUR_MS = 3_600_000;

/** Everything that the group was handed is acknowledged. */
async function nothingPending(scene: Scene): Promise<void> {
  await eventually("everything is acknowledged", async () => {
    const [count] = (await scene.redis.command("XPENDING", "system:panic_close", "emergency_exit_worker")) as [number];
    return Number(count) === 0;
  });
}

/** The event's faults. */
export const EVENT_FAULTS: readonly FaultCase[] = [
  {
    row: 66,
    fault: "a panic five times",
    caused: "XADD of the same event five times",
    holds: "S3 one report, the rest is acknowledged",
    fast: true,
    run: async (scene) => {
      await scene.start("eew");
      const eventId = crypto.randomUUID();
      const beganMs = Date.now();
      for (let i = 0; i < 5; i++) await scene.panic({ event_id: eventId });
      await scene.untilFlat();
      await scene.report(eventId);
      await nothingPending(scene);
      must(scene.reports.length === 1, `${scene.reports.length} reports`);
      return [measure("panic → flat", scene.lastFillMs() - beganMs, FLAT_MAX_MS)];
    },
  },
  {
    row: 67,
    fault: "a forged panic",
    caused:
      "events without a sig, with a wrong one and by an unknown issuer, where a trigger secret is set; then a true one",
    holds: "refused by name and acknowledged; the true one is executed",
    fast: true,
    scene: { signed: true },
    run: async (scene) => {
      const worker = await scene.start("eew");
      await scene.panic();
      await scene.panic({ sig: "00".repeat(32) });
      await scene.panic({ issued_by: "somebody" });
      await worker.says("carries no sig");
      await worker.says("was not made with QUANTUM_TRIGGER_SECRET");
      await nothingPending(scene);
      must(!scene.isFlat(), "a forged event was executed");
      const [eventId, ts] = [crypto.randomUUID(), Date.now() as UnixMillis];
      const sig = sign(TRIGGER_SECRET, { eventId, reason: "TRUE", issuedBy: "ops", ts });
      await scene.panic({ event_id: eventId, reason: "TRUE", ts: String(ts), sig });
      await scene.untilFlat();
      await scene.report(eventId);
      return [measure("true panic → flat", scene.lastFillMs() - ts, FLAT_MAX_MS)];
    },
  },
  {
    row: 68,
    fault: "an old panic replayed",
    caused: "XADD of an event that has its report",
    holds: "S3 acknowledged, nothing is done",
    fast: true,
    run: async (scene) => {
      const worker = await scene.start("eew");
      const eventId = await scene.panic();
      await scene.untilFlat();
      await scene.report(eventId);
      const fills = scene.venue.fills(scene.apiKey).length;
      await scene.panic({ event_id: eventId });
      await worker.says("its event_id has a completion already");
      await nothingPending(scene);
      must(scene.reports.length === 1, `${scene.reports.length} reports`);
      must(scene.venue.fills(scene.apiKey).length === fills, "it has traded again");
      return [];
    },
  },
  {
    row: 69,
    fault: "a panic that waited for hours",
    caused: "an entry two hours old, and one two days old, found at start",
    holds: "L2 the younger is executed; the one over a day is refused by name",
    fast: true,
    run: async (scene) => {
      const now = Date.now();
      const link = new RedisLink({ url: scene.redis.url, deadlineMs: 1_000 });
      const put = (id: string, ageMs: number): Promise<unknown> =>
        link.ask("put", (redis) =>
          redis.xadd("system:panic_close", `${now - ageMs}-0`, "event_id", id, "reason", "LATE", "issued_by", "ops"),
        );
      await put("two-days", 48 * HOUR_MS);
      await put("two-hours", 2 * HOUR_MS);
      link.close();
      const worker = await scene.start("eew");
      await scene.untilFlat();
      await scene.report("two-hours");
      must(worker.log().includes("not executed"), "nothing is said of the one that is too old");
      must(scene.reports.length === 1, `${scene.reports.length} reports`);
      await nothingPending(scene);
      return [measure("start → flat", scene.lastFillMs() - now)];
    },
  },
  {
    row: 70,
    fault: "a panic in the middle of a reset",
    caused: "quantum reset and a new event at the same moment, five times",
    holds: "S8 the event is executed, and trading is halted after it",
    fast: true,
    run: async (scene) => {
      await scene.start("eew");
      await scene.report(await scene.panic());
      const env = {
        ...WORKER_KEY,
        REDIS_URL: scene.redis.url,
        BINANCE_TESTNET: "true",
        BINANCE_BASE_URL: scene.server.url,
      };
      for (let i = 0; i < 5; i++) {
        // The reset reads, asks the venue and writes, in some hundred milliseconds: each time the event meets another step.
        const reset = run(QUANTUM, ["reset"], { env });
        await Bun.sleep(i * 60);
        const eventId = await scene.panic();
        await Promise.all([reset, scene.report(eventId)]);
        must(await scene.isHalted(), `trading is not halted after event ${i + 1}`);
      }
      await flatIsTrue(scene);
      return [];
    },
  },
];

async function flatIsTrue(scene: Scene): Promise<void> {
  await scene.untilFlat();
  must(
    scene.reports.every(({ outcome }) => outcome === "FLAT"),
    "not every report says FLAT",
  );
}

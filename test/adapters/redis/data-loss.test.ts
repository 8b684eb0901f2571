import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { hostClock } from "../../../src/adapters/host/clock.ts";
import { redisEewBus } from "../../../src/adapters/redis/eew-bus.ts";
import { redisOperatorBus } from "../../../src/adapters/redis/operator-bus.ts";
import { isBefore } from "../../../src/adapters/redis/streams.ts";
import { redisWatchdogBus } from "../../../src/adapters/redis/watchdog-bus.ts";
import type { Delivery } from "../../../src/core/messages.ts";
import type { Reading } from "../../../src/core/reading.ts";
import type { UnixMillis } from "../../../src/core/time.ts";
import { WATCHDOG_LIMITS } from "../../../src/core/watchdog-state.ts";
import type { WatchdogBus } from "../../../src/ports/bus.ts";
import { UNSUPERVISED } from "../../../src/ports/service.ts";
import { runWatchdog } from "../../../src/roles/watchdog.ts";
import { aBeat } from "../../support/core.ts";
import { eventually } from "../../support/eventually.ts";
import { startRedis, type TestRedis } from "../../support/redis.ts";

setDefaultTimeout(30_000);

const HEARTBEAT = "exit_brain:heartbeat";
const LOSS =
  `read ${HEARTBEAT}: DATALOST heartbeats that were there are gone: ` +
  "Redis was emptied, or has failed over to older data";

let redis: TestRedis;
let open: { close(): void }[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  await redis.command("FLUSHALL");
});
afterEach(() => {
  for (const side of open) side.close();
  open = [];
});

function options(): { url: string; namespace: string; triggerSecret: null; deadlineMs: number } {
  return { url: redis.url, namespace: "", triggerSecret: null, deadlineMs: 2_000 };
}

function keep<T extends { close(): void }>(side: T): T {
  open.push(side);
  return side;
}

function watchdog(): WatchdogBus {
  return keep(redisWatchdogBus({ ...options(), clock: hostClock }));
}

async function get<T>(question: Promise<Reading<T>>): Promise<T> {
  const answer = await question;
  if (!answer.known) throw new Error(answer.why);
  return answer.value;
}

/** Adds a heartbeat under an id of its own, as a Redis with another clock, or with older data, would. */
async function beatAt(id: string): Promise<void> {
  await redis.command("XADD", HEARTBEAT, id, "status", "ALIVE", "active_positions", "1", "ts", "0");
}

async function redisNow(): Promise<number> {
  const [seconds] = (await redis.command("TIME")) as readonly string[];
  return Number(seconds) * 1_000;
}

describe("a watchdog's reading", () => {
  test("after a stream that went back behind it is told once, and goes on with the newest there, by its true age", async () => {
    const bus = watchdog();
    const now = await redisNow();
    await beatAt(`${now}-0`);
    await get(bus.attach());
    await redis.command("DEL", HEARTBEAT);
    await beatAt(`${now - 3_000}-0`);
    await beatAt(`${now - 2_000}-0`);
    expect(await bus.watch([])).toEqual({ known: false, why: LOSS, needsPerson: true });

    const { beats } = await get(bus.drain([]));
    const ages = beats.map((beat) => ("malformed" in beat ? -1 : beat.ageMs));
    expect(ages).toHaveLength(1);
    expect(ages[0]).toBeWithin(2_000, 5_000);
    await beatAt(`${now - 1_000}-0`);
    expect((await get(bus.watch([]))).beats).toHaveLength(1);
  });

  test("after a stream that is gone is told once; what is written then is heard, whatever Redis's clock says", async () => {
    const bus = watchdog();
    await beatAt(`${await redisNow()}-0`);
    await get(bus.attach());
    await redis.command("FLUSHALL");
    expect(await bus.watch([])).toEqual({ known: false, why: LOSS, needsPerson: true });
    expect((await get(bus.watch([]))).beats).toEqual([]);
    // An hour back.
    await beatAt(`${(await redisNow()) - 3_600_000}-0`);
    expect((await get(bus.watch([]))).beats).toHaveLength(1);
  });

  test("is noticed by a drain as well, and the next one brings what is there", async () => {
    const bus = watchdog();
    const now = await redisNow();
    await beatAt(`${now}-0`);
    await get(bus.attach());
    await redis.command("DEL", HEARTBEAT);
    await beatAt(`${now - 3_600_000}-0`);
    expect(await bus.drain([])).toMatchObject({ known: false, why: LOSS.replace("read", "drain") });
    expect((await get(bus.drain([]))).beats).toHaveLength(1);
  });

  test("of a stream that was only trimmed is no loss", async () => {
    const bus = watchdog();
    const now = await redisNow();
    for (let i = 0; i < 5; i++) await beatAt(`${now}-${i}`);
    await get(bus.attach());
    await redis.command("XTRIM", HEARTBEAT, "MAXLEN", "1");
    expect((await get(bus.watch([]))).beats).toEqual([]);
  });
});

test("ids are compared as numbers, both halves, to their full 64 bits", () => {
  const rising = ["0-0", "0-1", "9-0", "10-0", "10-9", "10-10", "18446744073709551614-18446744073709551615"];
  for (const [i, id] of rising.entries()) {
    expect(rising.map((other) => isBefore(id, other))).toEqual(rising.map((_, j) => i < j));
  }
});

describe("FLUSHALL while everybody listens", () => {
  test("a panic that is published then is delivered to the worker", async () => {
    const eew = keep(redisEewBus({ ...options(), worker: "w", clock: hostClock }));
    const ops = keep(redisOperatorBus(options()));
    let delivered: Delivery | null = null;
    const listening = (async (): Promise<void> => {
      while (delivered === null) {
        const answer = await eew.next();
        if (answer.known) delivered = answer.value;
      }
    })();
    await eventually("the worker waits", async () => {
      return String(await redis.command("CLIENT", "LIST")).includes("cmd=xreadgroup");
    });
    await redis.command("FLUSHALL");
    await get(ops.publish({ eventId: "e1", reason: "R", issuedBy: "ops", ts: 0 as UnixMillis }));
    await listening;
    expect(delivered).toMatchObject({ eventId: "e1", issuedBy: "ops", completed: false });
  });

  test("heartbeats that go on are heard, and nothing is raised", async () => {
    const lines: string[] = [];
    const asked = new AbortController();
    const bus = watchdog();
    const running = runWatchdog(
      {
        clock: hostClock,
        service: UNSUPERVISED,
        bus,
        direct: null,
        log: { write: (_level, text) => void lines.push(text) },
        limits: { ...WATCHDOG_LIMITS, heartbeatMissingMs: 2_500 },
        identity: { serviceId: "watchdog", instanceId: "w1" },
      },
      asked.signal,
    );
    let seq = 0;
    const beating = setInterval(() => {
      seq += 1;
      void bus.beat("brain", aBeat("ALIVE", "", { seq }).heartbeat);
    }, 500);
    await eventually("it is armed", () => lines.some((line) => line.startsWith("Armed: ")));
    await redis.command("FLUSHALL");
    // Longer than the limit, with the heartbeats coming all the time.
    const until = seq + 8;
    await eventually("the brain went on", () => seq >= until);
    expect(lines.filter((line) => /FAILURE|PANIC/.test(line))).toEqual([]);

    clearInterval(beating);
    await eventually("its silence is noticed as ever", () =>
      lines.some((line) => line.startsWith("FAILURE DETECTED: Heartbeat missing")),
    );
    asked.abort();
    await running;
  });
});

describe("a confirmed event that is asked about", () => {
  test("is lost only if it is not on record any more", async () => {
    const bus = watchdog();
    await get(bus.attach());
    const eventId = await get(bus.publish({ incidentId: "incident-1", number: 1 }, "R"));
    expect((await get(bus.watch([], eventId))).standing.lostEvent).toBeNull();
    expect((await get(bus.watch([], null))).standing.lostEvent).toBeNull();
    await redis.command("FLUSHALL");
    expect((await get(bus.watch([], eventId))).standing.lostEvent).toBe(eventId);
    expect((await get(bus.drain([], eventId))).standing.lostEvent).toBe(eventId);
    await get(bus.publish({ incidentId: "incident-1", number: 1 }, "R"));
    expect((await get(bus.watch([], eventId))).standing.lostEvent).toBeNull();
  });
});

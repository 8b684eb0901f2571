import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { hostClock } from "../../../src/adapters/host/clock.ts";
import { freePort } from "../../../src/adapters/host/port.ts";
import { redisEewBus } from "../../../src/adapters/redis/eew-bus.ts";
import { RedisLink } from "../../../src/adapters/redis/link.ts";
import { redisOperatorBus } from "../../../src/adapters/redis/operator-bus.ts";
import { redisWatchdogBus } from "../../../src/adapters/redis/watchdog-bus.ts";
import type { Delivery } from "../../../src/core/messages.ts";
import type { Reading } from "../../../src/core/reading.ts";
import { WATCHDOG_LIMITS } from "../../../src/core/watchdog-state.ts";
import { UNSUPERVISED } from "../../../src/ports/service.ts";
import { runWatchdog } from "../../../src/roles/watchdog.ts";
import { aBeat, aCompletion, aDelivery, aHalt } from "../../support/core.ts";
import { eventually } from "../../support/eventually.ts";
import type { TestRedis } from "../../support/redis.ts";
import { MASTER_NAME, startSentinels, type TestSentinels } from "../../support/sentinel.ts";
import { scriptedSentinel, silentServer } from "./hostile.ts";

// Real processes: a busy machine may be slow, and what is measured has bounds of its own.
setDefaultTimeout(60_000);

/** That of the roles (`config/redis.ts`). */
const DEADLINE_MS = 700;

/** What a busy machine may add to a deadline. */
const SLACK_MS = 700;

const links: RedisLink[] = [];
afterEach(() => {
  for (const link of links.splice(0)) link.close();
});

function linkTo(url: string): RedisLink {
  const link = new RedisLink({ url, deadlineMs: DEADLINE_MS });
  links.push(link);
  return link;
}

function urlOf(...ports: readonly number[]): string {
  return `redis+sentinel://${ports.map((port) => `127.0.0.1:${port}`).join(",")}/${MASTER_NAME}`;
}

/** Which server answers. */
async function portOf(link: RedisLink): Promise<Reading<string>> {
  return await link.ask("ask who answers", async (redis) => {
    const [, port = ""] = (await redis.config("GET", "port")) as readonly string[];
    return port;
  });
}

async function timed<T>(question: () => Promise<T>): Promise<readonly [T, number]> {
  const from = performance.now();
  const answer = await question();
  return [answer, performance.now() - from];
}

function masterPortOf({ master }: TestSentinels): string {
  return new URL(master.url).port;
}

describe("a master and its sentinels", () => {
  let world: TestSentinels;
  let ports: readonly number[];
  beforeAll(async () => {
    world = await startSentinels();
    ports = world.sentinels.map(({ port }) => port);
  });
  afterAll(() => world.stop());

  test("the master answers, over one connection for all questions", async () => {
    const link = linkTo(world.url);
    expect(await portOf(link)).toEqual({ known: true, value: masterPortOf(world) });
    const idOf = (): Promise<Reading<number>> => link.ask("connection", (redis) => redis.client("ID"));
    expect(await idOf()).toEqual(await idOf());
  });

  test("sentinels that are dead, mute or mistaken do not keep the others from being believed", async () => {
    await using mute = await silentServer();
    await using stale = await scriptedSentinel(Number(new URL(world.replicas[0]?.url ?? "").port));
    const [answer, tookMs] = await timed(() =>
      portOf(linkTo(urlOf(mute.port, ports[0] ?? 0, stale.port, ports[1] ?? 0, ports[2] ?? 0))),
    );
    expect(answer).toEqual({ known: true, value: masterPortOf(world) });
    expect(tookMs).toBeLessThan(DEADLINE_MS);
    const alone = linkTo(urlOf(await freePort(), mute.port, ports[0] ?? 0));
    expect(await portOf(alone)).toEqual({ known: true, value: masterPortOf(world) });
  });

  test("the newest word counts, and not the first one", async () => {
    const [master, replica] = [Number(masterPortOf(world)), Number(new URL(world.replicas[0]?.url ?? "").port)];
    await using behind = await scriptedSentinel(replica, 9);
    await using ahead = await scriptedSentinel(master, 10, 50);
    await using mute = await silentServer();
    const link = linkTo(urlOf(behind.port, mute.port, ahead.port));
    expect(await portOf(link)).toEqual({ known: true, value: masterPortOf(world) });
  });

  test("a replica is never taken for the master, whatever a sentinel says", async () => {
    const port = Number(new URL(world.replicas[0]?.url ?? "").port);
    await using stale = await scriptedSentinel(port);
    expect(await portOf(linkTo(urlOf(stale.port)))).toEqual({
      known: false,
      why: `ask who answers: NOMASTER 127.0.0.1:${port} is called the master by the sentinels and is a slave`,
    });
  });

  test("a name that no sentinel knows is for a person to mend", async () => {
    const answer = await portOf(linkTo(world.url.replace(MASTER_NAME, "another")));
    expect(answer).toMatchObject({
      known: false,
      why: expect.stringMatching(/NOMASTER .*No such master.*: mend the name at the end of REDIS_URL$/),
      needsPerson: true,
    });
  });

  test("no sentinel at all is unknown at once, with the reason for each", async () => {
    const [one, two] = [await freePort(), await freePort()];
    const [answer, tookMs] = await timed(() => portOf(linkTo(urlOf(one, two))));
    expect(answer.known ? "" : answer.why).toContain(`127.0.0.1:${one}: connect ECONNREFUSED`);
    expect(answer.known ? "" : answer.why).toContain(`127.0.0.1:${two}: connect ECONNREFUSED`);
    expect(tookMs).toBeLessThan(SLACK_MS);
  });

  test("sentinels that are all frozen cost one deadline, and nothing of that question comes back later", async () => {
    const link = linkTo(world.url);
    for (const sentinel of world.sentinels) sentinel.signal("SIGSTOP");
    const write = (): Promise<Reading<unknown>> => link.ask("write", (redis) => redis.xadd("late", "*", "n", "1"));
    const [answer, tookMs] = await timed(write).finally(() => {
      for (const sentinel of world.sentinels) sentinel.signal("SIGCONT");
    });
    expect(answer).toEqual({ known: false, why: `write: no answer within ${DEADLINE_MS} ms` });
    expect(tookMs).toBeLessThan(DEADLINE_MS + SLACK_MS);
    await eventually("the same link answers again", async () => (await portOf(link)).known);
    expect(await world.master.command("EXISTS", "late")).toBe(0);
  });

  test("a link that is closed while the sentinels are asked settles, and opens nothing afterwards", async () => {
    await using mute = await silentServer();
    const link = linkTo(urlOf(mute.port, await freePort()));
    const underWay = timed(() => portOf(link));
    await eventually("the sentinel is being asked", () => mute.accepted() === 1);
    link.close();
    const [answer, tookMs] = await underWay;
    expect(answer.known).toBe(false);
    expect(tookMs).toBeLessThan(DEADLINE_MS + SLACK_MS);
    expect(mute.accepted()).toBe(1);
  });
});

type Strike = (world: TestSentinels) => unknown;

const STRIKES: readonly (readonly [how: string, strike: Strike])[] = [
  ["is killed", ({ master }) => master.die()],
  ["is frozen", ({ master }) => master.signal("SIGSTOP")],
  ["is made a replica and stays up", ({ sentinels }) => sentinels[0]?.command("SENTINEL", "FAILOVER", MASTER_NAME)],
];

describe.each(STRIKES)("a master that %s", (_how, strike) => {
  let world: TestSentinels;
  beforeAll(async () => {
    world = await startSentinels();
  });
  afterAll(async () => {
    world.master.signal("SIGCONT");
    await world.stop();
  });

  test("is followed by its successor, for open connections and new ones", async () => {
    const options = { url: world.url, namespace: "", triggerSecret: null, deadlineMs: DEADLINE_MS };
    const operator = redisOperatorBus(options);
    const watchdog = redisWatchdogBus({ ...options, clock: hostClock });
    const beat = aBeat().heartbeat;
    expect((await watchdog.attach()).known).toBe(true);
    expect((await watchdog.beat("brain", beat)).known).toBe(true);
    expect((await operator.halt()).known).toBe(true);
    await strike(world);
    const promoted = await world.failedOver();
    const since = performance.now();
    // Until the old master is told it may confirm what is lost then, to a connection that is open: for a second at most.
    const event = { eventId: "ops-1", reason: "R", issuedBy: "ops", ts: hostClock.wall() } as const;
    await eventually("a panic is on record", async () => {
      await operator.publish(event);
      return (await promoted.command("XLEN", "system:panic_close")) === 1;
    });
    await eventually("a beat is on record", async () => {
      await watchdog.beat("brain", beat);
      return Number(await promoted.command("XLEN", "exit_brain:heartbeat")) > 1;
    });
    await eventually("the beat is heard", async () => {
      const seen = await watchdog.watch([]);
      return seen.known && seen.value.beats.length > 0;
    });
    expect(performance.now() - since).toBeLessThan(1_000 + 2 * DEADLINE_MS + SLACK_MS);
    expect(await portOf(linkTo(world.url))).toEqual({ known: true, value: new URL(promoted.url).port });

    // Whatever it believes of itself for a moment, nobody is sent to the old one any more.
    world.master.signal("SIGCONT");
    for (let asked = 0; asked < 20; asked++) {
      expect(await portOf(linkTo(world.url))).toEqual({ known: true, value: new URL(promoted.url).port });
    }
    operator.close();
    watchdog.close();
  });
});

/** Cuts the replicas off and keeps them from coming back: what the master writes from now on is its own. */
async function cutOff({ master, replicas }: TestSentinels): Promise<void> {
  expect(await master.command("WAIT", "2", "1000")).toBe(2);
  for (const replica of replicas) replica.signal("SIGSTOP");
  await master.command("CLIENT", "KILL", "TYPE", "replica");
}

/** Kills the master with all that only it knows. */
async function failOver(world: TestSentinels): Promise<TestRedis> {
  await world.master.die();
  for (const replica of world.replicas) replica.signal("SIGCONT");
  return await world.failedOver();
}

describe("what was confirmed and lost with its master", () => {
  let world: TestSentinels;
  beforeEach(async () => {
    world = await startSentinels();
  });
  afterEach(() => world.stop());

  test("is reported again by the worker: the event is still there, and neither its outcome nor the halt", async () => {
    const options = { url: world.url, namespace: "", triggerSecret: null, deadlineMs: DEADLINE_MS };
    const worker = redisEewBus({ ...options, worker: "w", clock: hostClock });
    const ops = redisOperatorBus(options);
    const next = async (): Promise<Delivery> => {
      let delivery: Delivery | null = null;
      await eventually("an event is delivered", async () => {
        const answer = await worker.next();
        if (answer.known) delivery = answer.value;
        return delivery !== null;
      });
      return delivery ?? aDelivery();
    };
    const report = (delivery: Delivery): Promise<Reading<null>> =>
      worker.report(delivery, aCompletion(delivery.eventId), aHalt(delivery.eventId));
    const event = { eventId: "ops-1", reason: "R", issuedBy: "ops", ts: hostClock.wall() } as const;
    expect((await ops.publish(event)).known).toBe(true);
    const first = await next();
    await cutOff(world);
    expect(await report(first)).toEqual({ known: true, value: null });

    const promoted = await failOver(world);
    expect(await promoted.command("EXISTS", "system:state:trading", "quantum:outcomes")).toBe(0);
    const again = await next();
    expect(again).toMatchObject({ eventId: "ops-1", completed: false });
    await eventually("the report is confirmed", async () => (await report(again)).known);
    expect(await promoted.command("EXISTS", "system:state:trading", "quantum:outcomes")).toBe(2);
    worker.close();
    ops.close();
  });

  test("is published again by the watchdog under the same id as soon as the next master is there", async () => {
    const options = { url: world.url, namespace: "", triggerSecret: null, deadlineMs: DEADLINE_MS };
    const bus = redisWatchdogBus({ ...options, clock: hostClock });
    const lines: string[] = [];
    const log = { write: (_level: string, text: string) => void lines.push(text) };
    const limits = { ...WATCHDOG_LIMITS, heartbeatMissingMs: 1_000 };
    const identity = { serviceId: "watchdog", instanceId: "watchdog-1" };
    const asked = new AbortController();
    const running = runWatchdog(
      { clock: hostClock, service: UNSUPERVISED, bus, direct: null, log, limits, identity },
      asked.signal,
    );
    await eventually("it listens", () => lines.some((line) => line.startsWith("UNPROTECTED")));
    expect((await bus.beat("brain", aBeat().heartbeat)).known).toBe(true);
    await cutOff(world);
    await eventually("the panic is confirmed", () => lines.includes("Panic close published to system:panic_close"));
    const [[, fields] = []] = (await world.master.command("XRANGE", "system:panic_close", "-", "+")) as [
      string,
      string[],
    ][];
    const promoted = await failOver(world);
    await eventually("it is there again", async () => (await promoted.command("XLEN", "system:panic_close")) === 1);

    const [[, again] = []] = (await promoted.command("XRANGE", "system:panic_close", "-", "+")) as [string, string[]][];
    const eventId = fields?.[1] ?? "";
    expect(again?.slice(0, 4)).toEqual(fields?.slice(0, 4));
    expect(lines).toContain(`Event ${eventId} is not on record any more: Redis has lost data, publishing it again`);
    expect(lines.filter((line) => line.startsWith("FAILURE DETECTED"))).toHaveLength(1);
    asked.abort();
    bus.close();
    await running;
  });
});

import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { freePort } from "../../../src/adapters/host/port.ts";
import { RedisLink } from "../../../src/adapters/redis/link.ts";
import type { Reading } from "../../../src/core/reading.ts";
import { eventually } from "../../support/eventually.ts";
import { startRedis, type TestRedis } from "../../support/redis.ts";
import { lossyProxy, silentServer } from "./hostile.ts";

// Real processes: a busy machine may be slow, and what is measured has bounds of its own.
setDefaultTimeout(30_000);

const DEADLINE_MS = 300;

/** What a busy machine may add to a deadline. */
const SLACK_MS = 700;

let redis: TestRedis;
const links: RedisLink[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());
afterEach(() => {
  for (const link of links.splice(0)) link.close();
});

function linkTo(url: string, deadlineMs: number = DEADLINE_MS): RedisLink {
  const link = new RedisLink({ url, deadlineMs });
  links.push(link);
  return link;
}

function ping(link: RedisLink): Promise<Reading<string>> {
  return link.ask("ping", (client) => client.ping());
}

function add(link: RedisLink, stream: string): Promise<Reading<string | null>> {
  return link.ask(`add to ${stream}`, (client) => client.xadd(stream, "*", "n", "1"));
}

function connectionOf(link: RedisLink): Promise<Reading<number>> {
  return link.ask("connection", (client) => client.client("ID"));
}

/** The reason of an answer that must not be known, and how long it took to come. */
async function failed(question: () => Promise<Reading<unknown>>): Promise<{ why: string; tookMs: number }> {
  const from = performance.now();
  const answer = await question();
  const tookMs = performance.now() - from;
  if (answer.known) throw new Error(`expected no answer, got ${JSON.stringify(answer.value)}`);
  return { why: answer.why, tookMs };
}

describe("RedisLink", () => {
  test("a connection that ended while nobody asked does not fail the next question", async () => {
    const link = linkTo(redis.url);
    const id = await connectionOf(link);
    expect(id.known).toBe(true);
    await redis.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await eventually("the server has only our own connection left", async () => {
      const list = String(await redis.command("CLIENT", "LIST", "TYPE", "normal"));
      return list.trim().split("\n").length === 1;
    });
    expect(await ping(link)).toEqual({ known: true, value: "PONG" });
    expect(await connectionOf(link)).not.toEqual(id);
  });

  test("gives what the server answers, over one connection for all questions", async () => {
    const link = linkTo(redis.url);
    expect(await ping(link)).toEqual({ known: true, value: "PONG" });
    expect(await connectionOf(link)).toEqual(await connectionOf(link));
  });

  test("answers unknown at once where nothing listens, with the reason and without the password", async () => {
    const url = `redis://user:hunter2@127.0.0.1:${await freePort()}`;
    const { why, tookMs } = await failed(() => ping(linkTo(url)));
    expect(why).toMatch(/^ping: .*ECONNREFUSED/);
    expect(why).not.toContain("hunter2");
    expect(why).not.toContain("user");
    expect(tookMs).toBeLessThan(DEADLINE_MS + SLACK_MS);
  });

  test("a server that accepts and stays silent is cut off by the link's own deadline", async () => {
    await using server = await silentServer();
    const url = `redis://user:hunter2@127.0.0.1:${server.port}`;
    const { why, tookMs } = await failed(() => ping(linkTo(url)));
    expect(why).toBe(`ping: no answer within ${DEADLINE_MS} ms`);
    expect(tookMs).toBeGreaterThanOrEqual(DEADLINE_MS - 1);
    expect(tookMs).toBeLessThan(DEADLINE_MS + SLACK_MS);
  });

  test("each question to a silent server opens a connection of its own: none is repaired", async () => {
    await using server = await silentServer();
    const link = linkTo(`redis://127.0.0.1:${server.port}`);
    await failed(() => ping(link));
    await failed(() => ping(link));
    expect(server.accepted()).toBe(2);
  });

  test("a frozen Redis is unknown within the deadline, and answers a new connection once it wakes", async () => {
    const link = linkTo(redis.url);
    const before = await connectionOf(link);
    redis.signal("SIGSTOP");
    const { why, tookMs } = await failed(() => ping(link)).finally(() => redis.signal("SIGCONT"));
    expect(why).toBe(`ping: no answer within ${DEADLINE_MS} ms`);
    expect(tookMs).toBeLessThan(DEADLINE_MS + SLACK_MS);
    await eventually("the next question works", async () => (await ping(link)).known);
    const after = await connectionOf(link);
    expect(after.known && before.known && after.value > before.value).toBe(true);
  });

  test("a reply that is lost leaves exactly one write behind, and an outcome that is unknown", async () => {
    await using proxy = await lossyProxy(redis.url);
    const link = linkTo(`redis://127.0.0.1:${proxy.port}`);
    expect((await ping(link)).known).toBe(true);
    proxy.loseReplies();
    const { why } = await failed(() => add(link, "lost-reply"));
    expect(why).toBe(`add to lost-reply: no answer within ${DEADLINE_MS} ms`);
    expect(await redis.command("XLEN", "lost-reply")).toBe(1);
    // The next question uses a new connection, which loses replies as well: nothing of the old one is sent again.
    await failed(() => ping(link));
    expect(await redis.command("XLEN", "lost-reply")).toBe(1);
  });

  test("a write asked for while Redis was down is never sent later", async () => {
    const port = await freePort();
    const link = linkTo(`redis://127.0.0.1:${port}`);
    await failed(() => add(link, "stale"));
    await failed(() => add(link, "stale"));
    await using _ = await lossyProxy(redis.url, port);
    await eventually("the link finds the server", async () => (await ping(link)).known);
    expect(await redis.command("EXISTS", "stale")).toBe(0);
  });

  test("a write for which there was no connection before Redis froze is never sent later", async () => {
    const link = linkTo(redis.url);
    redis.signal("SIGSTOP");
    await failed(() => add(link, "frozen")).finally(() => redis.signal("SIGCONT"));
    await eventually("the link finds the server", async () => (await ping(link)).known);
    expect(await redis.command("EXISTS", "frozen")).toBe(0);
  });

  test("an answer within the deadline plus the blocking time counts, a later one does not", async () => {
    const link = linkTo(redis.url, 150);
    const silence = await link.ask("read", (client) => client.xread("BLOCK", 200, "STREAMS", "nothing", "0"), 200);
    expect(silence).toEqual({ known: true, value: null });
    const { why } = await failed(() =>
      link.ask("read", (client) => client.xread("BLOCK", 0, "STREAMS", "nothing", "0")),
    );
    expect(why).toBe("read: no answer within 150 ms");
  });

  test("a question that the server refuses is unknown with the server's words, and the next one is answered", async () => {
    const link = linkTo(redis.url);
    const { why } = await failed(() => link.ask("nonsense", (client) => client.call("NONSENSE")));
    expect(why).toMatch(/^nonsense: ERR unknown command/);
    expect((await ping(link)).known).toBe(true);
  });

  test("a database that the server does not have is unknown, never another database", async () => {
    await failed(() => ping(linkTo(`${redis.url}/99`)));
  });

  test("after close() every question is unknown, one under way too", async () => {
    const link = linkTo(redis.url, 5_000);
    await ping(link);
    const underWay = link.ask("read", (client) => client.xread("BLOCK", 0, "STREAMS", "nothing", "0"));
    link.close();
    const { tookMs } = await failed(() => underWay);
    expect(tookMs).toBeLessThan(SLACK_MS);
    expect(await ping(link)).toEqual({ known: false, why: "ping: this connection was closed" });
    link.close();
  });
});

describe("RedisLink and a Redis with a password", () => {
  let locked: TestRedis;
  let host: string;
  beforeAll(async () => {
    locked = await startRedis();
    host = new URL(locked.url).host;
    await locked.command("CONFIG", "SET", "requirepass", "open-sesame");
  });
  afterAll(() => locked.stop());

  test.each([
    ["none", "", /NOAUTH/],
    ["a wrong one", ":hunter2@", /WRONGPASS/],
    ["one of an unknown user", "somebody:hunter2@", /WRONGPASS/],
  ] as const)("%s is unknown, with the reason and without the password", async (_what, credentials, reason) => {
    const { why, tookMs } = await failed(() => ping(linkTo(`redis://${credentials}${host}`)));
    expect(why).toMatch(reason);
    expect(why).not.toContain("hunter2");
    expect(tookMs).toBeLessThan(DEADLINE_MS + SLACK_MS);
  });

  test("the right one is let in", async () => {
    expect((await ping(linkTo(`redis://:open-sesame@${host}`))).known).toBe(true);
  });
});

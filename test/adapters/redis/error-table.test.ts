import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { freePort } from "../../../src/adapters/host/port.ts";
import { explain, REDIS_ERRORS } from "../../../src/adapters/redis/error-table.ts";
import { RedisLink } from "../../../src/adapters/redis/link.ts";
import { eventually } from "../../support/eventually.ts";
import { startRedis, type TestRedis } from "../../support/redis.ts";

setDefaultTimeout(30_000);

/** What Redis says, what is said of it to people, and whether they are woken. */
type Row = readonly [error: string, words: RegExp, needsPerson: boolean];

const ROWS: readonly Row[] = [
  ["no answer within 700 ms", /^no answer within 700 ms$/, false],
  ["connect ECONNREFUSED 127.0.0.1:6379", /nothing listens there/, false],
  ["getaddrinfo ENOTFOUND redis.example", /name can't be resolved/, false],
  ["connect ETIMEDOUT", /can't be reached/, false],
  ["read ECONNRESET", /connection broke/, false],
  ["write EPIPE", /connection broke/, false],
  ["Connection is closed.", /connection broke/, false],
  ["NOMASTER no sentinel names a master m: a:1: connect ECONNREFUSED a:1", /^NOMASTER .*a:1$/, false],
  ["NOMASTER no sentinel names a master m: a:1: ERR No such master with that name", /mend the name at the end/, true],
  ["NOMASTER no sentinel names a master m: a:1: NOAUTH Authentication required.", /sentinel_password/, true],
  ["NOMASTER no sentinel names a master m: a:1: unable to verify (UNABLE_TO_VERIFY_LEAF_SIGNATURE)", /CA_FILE/, true],
  ["MOVED 3999 127.0.0.1:6381", /Redis Cluster, which Quantum can't use/, true],
  ["CLUSTERDOWN Hash slot not served", /Redis Cluster, which Quantum can't use/, true],
  ["CROSSSLOT Keys in request don't hash to the same slot", /Redis Cluster, which Quantum can't use/, true],
  ["BUSYGROUP Consumer Group name already exists", /another worker has just made it/, false],
  ["DENIED Redis is running in protected mode", /give Redis a password/, true],
  ["ERR max number of clients reached", /raise maxclients/, true],
  ["ERR invalid password", /mend user and password/, true],
  ["EXECABORT Transaction discarded because of previous errors.", /^EXECABORT .*\.$/, true],
  ["SOMETHING that no row knows", /^SOMETHING that no row knows$/, true],
];

describe("explain()", () => {
  test.each(ROWS)("%s", (message, words, needsPerson) => {
    const explained = explain(new Error(message));
    expect(explained.words).toStartWith(message.replace(/\.$/, ""));
    expect(explained.words).toMatch(words);
    expect(explained.needsPerson).toBe(needsPerson);
  });

  test("an error's code counts where its message does not name it", () => {
    const error = Object.assign(new Error("certificate has expired"), { code: "CERT_HAS_EXPIRED" });
    expect(explain(error).words).toBe(
      "certificate has expired (CERT_HAS_EXPIRED): its certificate is not valid today: renew it",
    );
  });

  test("what is told to people is one clause, without a full stop", () => {
    for (const { words } of REDIS_ERRORS) if (words !== null) expect(words).toMatch(/^[a-z].{5,110}[^.]$/s);
  });
});

/** What a server is asked, and under which trouble. */
interface Trouble {
  readonly extra?: readonly string[];
  /** Brings the trouble about. */
  readonly cause?: (redis: TestRedis) => Promise<unknown>;
  readonly url?: (url: string) => string;
  readonly ask: readonly [name: string, ...args: string[]];
  /** What a person reads. */
  readonly why: RegExp;
  readonly needsPerson: boolean;
}

const set = (...config: readonly [string, string][]): ((redis: TestRedis) => Promise<void>) => {
  return async (redis) => {
    for (const [name, value] of config) await redis.command("CONFIG", "SET", name, value);
  };
};

/** Its usual one, ten thousand above the other, need not be there. */
const CLUSTER_PORT = await freePort();

const BEAT = ["XADD", "exit_brain:heartbeat", "*", "status", "ALIVE"] as const;

const TROUBLES: Readonly<Record<string, Trouble>> = {
  READONLY: {
    cause: (redis) => redis.command("REPLICAOF", "127.0.0.1", "1"),
    ask: BEAT,
    why: /^ask: READONLY .*: a replica, no panic can be published there /,
    needsPerson: true,
  },
  MASTERDOWN: {
    extra: ["--replica-serve-stale-data", "no"],
    cause: (redis) => redis.command("REPLICAOF", "127.0.0.1", "1"),
    ask: ["HGETALL", "system:state:trading"],
    why: /^ask: MASTERDOWN .*: a replica that has lost its master: /,
    needsPerson: true,
  },
  OOM: {
    cause: set(["maxmemory", "1"]),
    ask: BEAT,
    why: /^ask: OOM .*: no panic can be published there and no halt written: free memory, or raise maxmemory$/,
    needsPerson: true,
  },
  "OOM in a script": {
    cause: set(["maxmemory", "1"]),
    ask: ["EVAL", "return redis.call('XADD', KEYS[1], '*', 'a', 'b')", "1", "system:panic_close"],
    why: /^ask: OOM .*raise maxmemory$/,
    needsPerson: true,
  },
  MISCONF: {
    // A directory in which nobody can write, root neither.
    extra: ["--dir", "/proc/self", "--save", "3600 1"],
    cause: async (redis) => {
      await redis.command("BGSAVE");
      await eventually("the save has failed", async () => {
        return String(await redis.command("INFO", "persistence")).includes("rdb_last_bgsave_status:err");
      });
    },
    ask: BEAT,
    why: /^ask: MISCONF .*look at the disk and at Redis's log$/,
    needsPerson: true,
  },
  NOREPLICAS: {
    cause: set(["min-replicas-to-write", "1"]),
    ask: BEAT,
    why: /^ask: NOREPLICAS .*bring the replicas back/,
    needsPerson: true,
  },
  NOAUTH: {
    cause: set(["requirepass", "hunter2"]),
    ask: BEAT,
    why: /^ask: NOAUTH .*: put user and password into REDIS_URL$/,
    needsPerson: true,
  },
  WRONGPASS: {
    url: (url) => url.replace("redis://", "redis://somebody:hunter2@"),
    ask: BEAT,
    why: /^ask: WRONGPASS .*: mend user and password in REDIS_URL$/,
    needsPerson: true,
  },
  NOPERM: {
    cause: (redis) => redis.command("ACL", "SETUSER", "reader", "on", "nopass", "~*", "+@read"),
    url: (url) => url.replace("redis://", "redis://reader:hunter2@"),
    ask: BEAT,
    why: /^ask: NOPERM .*\(XADD\): give its user the rights in redis\/users\.acl$/,
    needsPerson: true,
  },
  NOGROUP: {
    ask: ["XREADGROUP", "GROUP", "g", "c", "STREAMS", "system:panic_close", ">"],
    why: /^ask: NOGROUP .*: it is made anew with the next read$/,
    needsPerson: false,
  },
  WRONGTYPE: {
    cause: (redis) => redis.command("SET", "exit_brain:heartbeat", "mine"),
    ask: BEAT,
    why: /^ask: WRONGTYPE .*: somebody else's key has this name: remove it$/,
    needsPerson: true,
  },
  "a Redis Cluster": {
    extra: ["--cluster-enabled", "yes", "--cluster-port", String(CLUSTER_PORT)],
    ask: BEAT,
    why: /^ask: CLUSTERDOWN .*Redis Cluster, which Quantum can't use/,
    needsPerson: true,
  },
};

describe.each(Object.entries(TROUBLES))("a real Redis in trouble: %s", (_name, trouble) => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis(...(trouble.extra ?? []));
  });
  afterAll(() => redis.stop());

  test("is told in words that say what to do, and never with a password", async () => {
    const link = new RedisLink({ url: (trouble.url ?? ((url) => url))(redis.url), deadlineMs: 2_000 });
    await trouble.cause?.(redis);
    const [name, ...args] = trouble.ask;
    const answer = await link.ask("ask", (client) => client.call(name, ...args));
    link.close();
    expect(answer).toMatchObject({ known: false, why: expect.stringMatching(trouble.why) });
    expect(answer.known ? undefined : answer.needsPerson === true).toBe(trouble.needsPerson);
    expect(JSON.stringify(answer)).not.toContain("hunter2");
  });
});

describe("a real Redis that can't answer now", () => {
  let redis: TestRedis;
  const links: RedisLink[] = [];
  const link = (): RedisLink => {
    const opened = new RedisLink({ url: redis.url, deadlineMs: 1_000 });
    links.push(opened);
    return opened;
  };
  beforeAll(async () => {
    redis = await startRedis("--busy-reply-threshold", "50");
  });
  afterEach(() => {
    for (const opened of links.splice(0)) opened.close();
  });
  afterAll(() => redis.stop());

  test("for a script that does not end: a person has to end it", async () => {
    const [blocked, asking, mending] = [link(), link(), link()];
    const script = blocked.ask("run a script", (client) => client.eval("while true do end", 0));
    await eventually("it is busy", async () => {
      const answer = await asking.ask("ask", (client) => client.get("any"));
      return !answer.known && answer.why.startsWith("ask: BUSY ");
    });
    expect(await asking.ask("ask", (client) => client.get("any"))).toMatchObject({
      why: expect.stringMatching(/^ask: BUSY .*: somebody's script holds everything up: SCRIPT KILL/),
      needsPerson: true,
    });
    await mending.ask("end it", (client) => client.script("KILL"));
    await script;
    await eventually("it answers", async () => (await asking.ask("ask", (client) => client.get("any"))).known);
  });

  test("for its stream that was deleted while it was read: it may be read again", async () => {
    const reader = link();
    await redis.command("XGROUP", "CREATE", "deleted", "g", "0", "MKSTREAM");
    const read = reader.ask("read", (client) =>
      client.xreadgroup("GROUP", "g", "c", "BLOCK", 900, "STREAMS", "deleted", ">"),
    );
    await eventually("it waits", async () => String(await redis.command("CLIENT", "LIST")).includes("cmd=xreadgroup"));
    await redis.command("DEL", "deleted");
    const answer = await read;
    expect(answer).toEqual({ known: false, why: expect.stringMatching(/^read: (UNBLOCKED|NOGROUP) .*$/) });
  });
});

test("a real Redis that loads its data says LOADING at once, and answers when it is done", async () => {
  const slow = ["--enable-debug-command", "yes", "--loading-process-events-interval-bytes", "1024"];
  const redis = await startRedis(...slow);
  const link = new RedisLink({ url: redis.url, deadlineMs: 1_000 });
  for (let i = 0; i < 300; i++) await redis.command("SET", `k${i}`, "v".repeat(100));
  // In microseconds, for each key.
  await redis.command("CONFIG", "SET", "key-load-delay", "5000");
  const reload = redis.command("DEBUG", "RELOAD").catch(() => undefined);
  await eventually("it loads", async () => {
    const answer = await link.ask("ask", (client) => client.get("k1"));
    return !answer.known && /^ask: LOADING .*: it has just started$/.test(answer.why) && !answer.needsPerson;
  });
  await reload;
  await eventually("it answers", async () => (await link.ask("ask", (client) => client.get("k1"))).known);
  link.close();
  await redis.stop();
});

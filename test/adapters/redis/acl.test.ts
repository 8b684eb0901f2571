/** The users of `redis/users.acl`: each can do its work, and nothing else. The sides of the bus are in `test/contract`. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostClock } from "../../../src/adapters/host/clock.ts";
import { freePort } from "../../../src/adapters/host/port.ts";
import { redisCheckup } from "../../../src/adapters/redis/checkup.ts";
import { RedisLink } from "../../../src/adapters/redis/link.ts";
import { redisOperatorBus } from "../../../src/adapters/redis/operator-bus.ts";
import { refusedRights } from "../../../src/adapters/redis/rights.ts";
import type { UnixMillis } from "../../../src/core/time.ts";
import { cli } from "../../cli/fake-io.ts";
import { ACL_TEMPLATE, type AclRedis, type AclUser, PASSWORD, startAclRedis, USERS } from "../../support/acl.ts";
import { aDrillRecord, aHalt } from "../../support/core.ts";
import { run } from "../../support/run.ts";

// Real processes: a busy machine may be slow.
setDefaultTimeout(30_000);

const HEARTBEAT = "exit_brain:heartbeat";
const PANIC = "system:panic_close";
const COMPLETED = "system:panic_close:completed";
const HALT = "system:state:trading";
const DRILLS = "quantum:drills";

let redis: AclRedis;
beforeAll(async () => {
  redis = await startAclRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  await redis.command("FLUSHALL");
  await redis.command("ACL", "LOG", "RESET");
});

const options = (user: AclUser) => ({
  url: redis.urlOf(user),
  namespace: "",
  triggerSecret: null,
  deadlineMs: 2_000,
  clock: hostClock,
});

/** What Redis says to one command of a user; null if it does it. */
async function refusal(user: AclUser, [name = "", ...args]: readonly string[]): Promise<string | null> {
  const link = new RedisLink(options(user));
  const answer = await link.ask("try", (client) => client.call(name, ...args));
  link.close();
  return answer.known ? null : answer.why;
}

describe("each user can do its work", () => {
  test("the operator: status, panic, gate, reset, chaos and doctor", async () => {
    const bus = redisOperatorBus(options("quantum-ops"));
    const questions = redisCheckup(options("quantum-ops"));
    const bookmark = await bus.bookmark();
    const from = bookmark.known ? bookmark.value : { heartbeat: "0-0", panic: "0-0" };
    const event = { eventId: "event-1", reason: "TEST", issuedBy: "ops", ts: 0 as UnixMillis } as const;
    await redis.command("HSET", HALT, "halted", "true");
    const answers = [
      bookmark,
      await bus.publish(event),
      await bus.publish({ ...event, eventId: "event-2", followsUp: { incidentId: "event-1", number: 2 } }),
      await bus.completion("event-1"),
      await bus.overview(),
      await bus.now(),
      await bus.beatsSince(from),
      await bus.panicsSince(from),
      await bus.halt(),
      await bus.resetGrounds(),
      await bus.reset({ halt: aHalt(""), newestPanic: "0-0" }),
      await bus.clearHalt(),
      await bus.keepDrill(aDrillRecord()),
      await bus.lastDrill(),
      await bus.brainNote(),
      await bus.exitRecords(),
      await questions.roundTripMs(),
      await questions.memory(),
      await questions.write(),
    ];
    bus.close();
    questions.close();
    expect(answers.filter(({ known }) => !known)).toEqual([]);
    expect(await redis.command("XLEN", PANIC)).toBe(2);
    expect(await redis.command("XLEN", DRILLS)).toBe(1);
  });

  test("the operator: a reset, to its last command", async () => {
    const bus = redisOperatorBus(options("quantum-ops"));
    await redis.command("XGROUP", "CREATE", PANIC, "emergency_exit_worker", "0", "MKSTREAM");
    await bus.publish({ eventId: "event-1", reason: "TEST", issuedBy: "ops", ts: 0 as UnixMillis });
    await redis.command("XREADGROUP", "GROUP", "emergency_exit_worker", "w", "STREAMS", PANIC, ">");
    await redis.command("HSET", HALT, "halted", "true", "event_id", "event-1");
    await redis.command("HSET", "quantum:outcomes", "event-1", "FLAT");
    const grounds = await bus.resetGrounds();
    if (!grounds.known || grounds.value === null) throw new Error("no grounds");
    expect(await bus.reset(grounds.value)).toEqual({ known: true, value: { kind: "undone", events: 1 } });
    await redis.command("XACK", PANIC, "emergency_exit_worker", grounds.value.newestPanic);
    expect(await bus.reset(grounds.value)).toEqual({ known: true, value: { kind: "cleared" } });
    expect(await redis.command("GET", "quantum:reset")).toBe(grounds.value.newestPanic);
    bus.close();
  });

  test("somebody else's bot: a heartbeat, and the halt", async () => {
    const beat = ["XADD", HEARTBEAT, "MAXLEN", "~", "1000", "*", "status", "ALIVE"];
    expect(await refusal("quantum-bot", beat)).toBeNull();
    expect(await refusal("quantum-bot", ["HGETALL", HALT])).toBeNull();
    expect(await refusal("quantum-bot", ["HGET", HALT, "halted"])).toBeNull();
    const { code, out } = await cli(["gate"], { env: { REDIS_URL: redis.urlOf("quantum-bot") } });
    expect({ code, out }).toEqual({ code: 0, out: ["Trading is allowed"] });
  });

  test.each(["brain", "watchdog", "eew"] as const)("%s: nothing that it has to do is refused", async (role) => {
    const user = `quantum-${role}` as const;
    expect(await refusedRights(options(user), role)).toEqual({ known: true, value: { user, commands: [] } });
  });

  test("connecting to another database", async () => {
    const url = `${redis.urlOf("quantum-brain")}/3`;
    const link = new RedisLink({ url, deadlineMs: 2_000 });
    expect(await link.ask("read", (client) => client.hgetall(HALT))).toEqual({ known: true, value: {} });
    link.close();
  });

  // What ioredis sends on its own when it connects is not told to anybody when it is refused.
  afterEach(async () => {
    expect(await redis.command("ACL", "LOG")).toEqual([]);
  });
});

/** Every way in which a role's rules could be one right shorter. */
const SHORTER = (["brain", "watchdog", "eew"] as const).flatMap((role) => {
  const line = ACL_TEMPLATE.split("\n").find((candidate) => candidate.startsWith(`user quantum-${role} `)) ?? "";
  const selectors = line.match(/\([^)]+\)/g) ?? [];
  return selectors.flatMap((selector, i) =>
    (selector.match(/\+[a-z|]+|(?:%R)?~[a-z_:]+/g) ?? []).map((right) => {
      const shorter = selector.replace(new RegExp(`${right.replaceAll(/[|+]/g, "\\$&")}(?=[ )])`), "");
      return [role, right, selectors.map((other, j) => (j === i ? shorter : other))] as const;
    }),
  );
});

describe("no right is there for nothing", () => {
  test.each(SHORTER)("%s misses %s", async (role, _right, selectors) => {
    const base = ["on", "nopass", "+ping", "+info", "+select", "+acl|whoami", "+acl|dryrun", "+time"];
    await redis.command("ACL", "SETUSER", "shorter", "reset", ...base, ...selectors);
    const url = redis.urlOf("quantum-bot").replace(/\/\/.*@/, "//shorter:any@");
    const refused = await refusedRights({ ...options("quantum-bot"), url }, role);
    expect(refused).toMatchObject({ known: true, value: { user: "shorter" } });
    expect(refused.known && refused.value.commands).not.toEqual([]);
  });
});

const xadd = (key: string): readonly string[] => ["XADD", key, "*", "a", "b"];
const script = (key: string): readonly string[] => [
  "EVAL",
  "return redis.call('XADD', KEYS[1], '*', 'a', 'b')",
  "1",
  key,
];
const nobody: readonly (readonly string[])[] = [
  ["FLUSHALL"],
  ["CONFIG", "SET", "maxmemory", "1"],
  ["ACL", "SETUSER", "default", "on"],
  ["KEYS", "*"],
  ["XTRIM", PANIC, "MAXLEN", "0"],
  ["DEL", PANIC],
  ["DEL", "quantum:outcomes"],
  ["SET", "something", "else"],
  ["PUBLISH", "something", "else"],
  ["SHUTDOWN", "NOSAVE"],
];
const FORBIDDEN: Readonly<Record<AclUser, readonly (readonly string[])[]>> = {
  "quantum-brain": [
    ["HSET", HALT, "halted", "true"],
    ["DEL", HALT],
    ["SREM", "quantum:published", "event-1"],
    ["HSET", "quantum:attempts", "event-1", "1"],
    xadd(COMPLETED),
    xadd("watchdog:heartbeat"),
    ["HSET", "quantum:outcomes", "event-1", "FLAT"],
    script(HEARTBEAT),
    xadd(DRILLS),
  ],
  "quantum-watchdog": [
    xadd(COMPLETED),
    xadd(HEARTBEAT),
    xadd("eew:heartbeat"),
    ["HSET", HALT, "halted", "true"],
    ["DEL", HALT],
    ["HSET", "quantum:outcomes", "event-1", "FLAT"],
    script(COMPLETED),
    ["EVAL", "return redis.call('HSET', 'system:state:trading', 'halted', 'false')", "0"],
    ["XACK", PANIC, "emergency_exit_worker", "1-0"],
    xadd(DRILLS),
  ],
  "quantum-eew": [
    xadd(HEARTBEAT),
    xadd("watchdog:heartbeat"),
    ["DEL", HALT],
    ["SREM", "quantum:published", "event-1"],
    ["HDEL", "quantum:outcomes", "event-1"],
    ["SET", "quantum:reset", "9-0"],
    script(HEARTBEAT),
    ["XGROUP", "DESTROY", PANIC, "emergency_exit_worker"],
    xadd(DRILLS),
  ],
  "quantum-ops": [
    // A verdict can be added, never taken back.
    ["DEL", DRILLS],
    ["XDEL", DRILLS, "1-0"],
    xadd(COMPLETED),
    xadd(HEARTBEAT),
    ["HSET", HALT, "halted", "false"],
    ["HSET", "quantum:outcomes", "event-1", "FLAT"],
    script(COMPLETED),
    ["XACK", PANIC, "emergency_exit_worker", "1-0"],
  ],
  "quantum-bot": [
    xadd(PANIC),
    xadd(COMPLETED),
    ["HSET", HALT, "halted", "false"],
    ["DEL", HALT],
    ["XRANGE", PANIC, "-", "+"],
    ["XREVRANGE", DRILLS, "+", "-"],
    xadd(DRILLS),
    script(HEARTBEAT),
  ],
};
const ROWS = USERS.flatMap((user) => [...FORBIDDEN[user], ...nobody].map((command) => [user, command] as const));

describe("what is not a user's work is refused", () => {
  test.each(ROWS)("%s: %p", async (user, command) => {
    // A group to acknowledge for, so that only the right is missing.
    await redis.command("XGROUP", "CREATE", PANIC, "emergency_exit_worker", "0", "MKSTREAM");
    const before = await redis.command("DBSIZE");
    const why = await refusal(user, command);
    // From inside a script the words are others.
    expect(why).toMatch(/NOPERM|The user executing the script can't/);
    expect(why).not.toContain(PASSWORD);
    expect(await redis.command("DBSIZE")).toBe(before);
    expect(await redis.command("XLEN", PANIC)).toBe(0);
  });
});

describe("a right that is missing", () => {
  test.each([
    ["watchdog", "quantum-brain", ["XREAD on exit_brain:heartbeat", "XADD on watchdog:heartbeat"]],
    ["eew", "quantum-watchdog", ["XREADGROUP on system:panic_close", "HSET on system:state:trading"]],
  ] as const)("refuses the start of %s by name, without the password", async (role, user, commands) => {
    const env = {
      REDIS_URL: redis.urlOf(user),
      BINANCE_TESTNET: "true",
      BINANCE_BASE_URL: "http://127.0.0.1:1",
      BINANCE_API_KEY: "k",
      BINANCE_API_SECRET: "s",
      STATE_DIRECTORY: mkdtempSync(join(tmpdir(), "quantum-test-acl-")),
    };
    const { code, out, err } = await cli([role], { env });
    rmSync(env.STATE_DIRECTORY, { recursive: true });
    expect({ code, out, lines: err.length }).toEqual({ code: 2, out: [], lines: 1 });
    expect(err[0]).toContain(`does not let its user ${user} do what ${role} has to: `);
    for (const command of commands) expect(err[0]).toContain(command);
    expect(err[0]).not.toContain(PASSWORD);
  });

  test("that is taken away later names the command that was refused", async () => {
    expect(await refusal("quantum-brain", xadd(COMPLETED))).toMatch(/^try: NOPERM .*\(XADD\): give its user/);
    expect(await refusal("quantum-brain", ["SET", PASSWORD, PASSWORD])).toMatch(
      /^try: NOPERM .*\(SET\): give its user/,
    );
  });

  test("is not looked for where Redis does not say what its users may do", async () => {
    await redis.command("ACL", "SETUSER", "quantum-eew", "-acl|dryrun");
    expect(await refusedRights(options("quantum-eew"), "eew")).toMatchObject({ known: false });
    await redis.command("ACL", "SETUSER", "quantum-eew", "+acl|dryrun");
  });
});

test("Redis does not start on the template as it is: no password is forgotten", async () => {
  const directory = mkdtempSync(join(tmpdir(), "quantum-test-acl-"));
  const file = join(directory, "users.acl");
  writeFileSync(file, ACL_TEMPLATE);
  const port = String(await freePort());
  const { code, stdout } = await run("redis-server", ["--port", port, "--aclfile", file, "--save", ""], {
    cwd: directory,
  });
  rmSync(directory, { recursive: true, force: true });
  expect(code).toBe(1);
  expect(stdout).toContain("users.acl");
});

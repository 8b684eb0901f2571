/** `quantum doctor` against a real Redis and the simulated exchange, or a venue that says what the test says. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostClock } from "../../src/adapters/host/clock.ts";
import { freePort } from "../../src/adapters/host/port.ts";
import { drillFields } from "../../src/adapters/redis/codec.ts";
import type { Env } from "../../src/config/env.ts";
import { type BinanceServer, serveBinance } from "../../src/sim/binance-server.ts";
import { Venue } from "../../src/sim/venue.ts";
import { json, refusal, serveScript } from "../adapters/binance/scripted-venue.ts";
import { aDrillRecord } from "../support/core.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { cli } from "./fake-io.ts";

// Real processes: a busy machine may be slow.
setDefaultTimeout(30_000);

const API_KEY = "api-key-k3y";
const SECRET = "api-secret-s3cret";

let redis: TestRedis;
let server: BinanceServer;
let venue: Venue;
let state: string;
let env: Env;

beforeAll(async () => {
  redis = await startRedis("--appendonly", "yes");
});
afterAll(() => redis.stop());

beforeEach(async () => {
  await redis.command("FLUSHALL");
  await redis.command("XADD", "quantum:drills", "*", ...drillFields(aDrillRecord()));
  venue = new Venue({ now: hostClock.wall });
  venue.addAccount({ apiKey: API_KEY, secret: SECRET });
  server = await serveBinance({ venue });
  state = mkdtempSync(join(tmpdir(), "quantum-doctor-"));
  env = {
    REDIS_URL: redis.url,
    BINANCE_TESTNET: "true",
    BINANCE_BASE_URL: server.url,
    BINANCE_API_KEY: API_KEY,
    BINANCE_API_SECRET: SECRET,
    STATE_DIRECTORY: state,
    ALERT_WEBHOOK_URL: "http://127.0.0.1:1/hunter2",
  };
});
afterEach(async () => {
  await server.close();
  rmSync(state, { recursive: true, force: true });
});

interface Document {
  readonly healthy: boolean;
  readonly checks: readonly { readonly name: string; readonly result: string; readonly found: string }[];
}

/** `doctor --json`: the exit code, and what is not ok by name. */
async function troubles(more: Env = {}): Promise<readonly [code: number, Readonly<Record<string, string>>]> {
  const { code, out, err } = await cli(["doctor", "--json"], { env: { ...env, ...more } });
  expect(out).toHaveLength(1);
  expect([...out, ...err].join("\n")).not.toMatch(/k3y|s3cret|hunter2/);
  const { healthy, checks } = JSON.parse(out.join("")) as Document;
  expect(healthy).toBe(code === 0);
  const notOk = checks.filter(({ result }) => result !== "ok");
  return [code, Object.fromEntries(notOk.map(({ name, result, found }) => [name, `${result}: ${found}`]))];
}

describe("quantum doctor", () => {
  test("is healthy where everything is there, and changes nothing", async () => {
    venue.openPosition(API_KEY, { symbol: "BTCUSDT", amount: "0.002" });
    const { code, out, err } = await cli(["doctor"], { env });
    expect({ code, err }).toEqual({ code: 0, err: [] });
    const address = redis.url.slice("redis://".length);
    expect(out[0]).toBe(
      `ok    Settings         testnet at ${server.url}, Redis at ${address}, no namespace, panic events are not signed`,
    );
    expect(out).toContain("ok    API key          is accepted");
    expect(out).toContain("ok    Position mode    one-way");
    expect(out).toContain("ok    Order limits     300 orders per 10 s, 1200 per minute");
    expect(out).toContain("ok    Positions        can be read: 1 open");
    expect(out).toContain("ok    Resting orders   can be read: 0 resting");
    expect(out).toContain(`ok    State directory  ${state} can be written`);
    expect(out.join("\n")).toMatch(/^ok {4}Last drill {7}the last drill passed \d+ s ago$/m);
    expect(out).toContain("ok    Alerts           go to the webhook");
    expect(out.at(-1)).toBe("Healthy");
    expect(out).toContain("ok    Exit policy      none is installed");
    expect(out).toHaveLength(19);
    expect(await redis.command("KEYS", "*")).toEqual(["quantum:drills"]);
    expect(readdirSync(state)).toEqual([]);
    expect(server.requests().filter(({ method }) => method !== "GET")).toEqual([]);
  });

  test("--json is one document, with every check", async () => {
    const { code, out } = await cli(["doctor", "--json"], { env });
    const document = JSON.parse(out.join("\n")) as Document;
    expect([code, out.length, document.healthy, document.checks.length]).toEqual([0, 1, true, 18]);
    expect(document.checks[0]).toEqual({
      name: "settings",
      result: "ok",
      found: expect.stringContaining("testnet at"),
      advice: null,
    } as never);
  });

  test("says in colour on a terminal, and without where NO_COLOR is set", async () => {
    const coloured = await cli(["doctor"], { env, terminal: true });
    expect(coloured.out[0]).toStartWith("\u001b[32mok  \u001b[0m  Settings");
    const plain = await cli(["doctor"], { env: { ...env, NO_COLOR: "1" }, terminal: true });
    expect(plain.out.join("")).not.toContain("\u001b");
  });

  test("reads the policy that is installed, as the brain would", async () => {
    const path = join(state, "exits.yaml");
    writeFileSync(path, "defaults: { stop-loss: 2 % }\n");
    const more = { QUANTUM_POLICY: path };
    const { out } = await cli(["doctor"], { env: { ...env, ...more } });
    expect(out).toContain(`ok    Exit policy      ${path} is valid; no brain beats`);
    writeFileSync(path, "defaults:\n  stop-loss: much\n");
    const [code, found] = await troubles(more);
    expect([code, found["exit_policy"]]).toEqual([
      1,
      expect.stringContaining(`fail: ${path}:2: defaults.stop-loss is "much": expected `),
    ]);
    rmSync(path);
    expect((await troubles(more))[0]).toBe(0);
  });

  test("a warning is no failure", async () => {
    await redis.command("HSET", "system:state:trading", "halted", "true", "reason", "FIRE", "source", "ops");
    const { code, out } = await cli(["doctor"], { env });
    expect(code).toBe(0);
    expect(out).toContain("warn  Halt             trading is halted by ops: FIRE");
    expect(out.slice(-3)).toEqual(["What to do:", "  - Halt: look at quantum status, then quantum reset", "Healthy"]);
  });

  test("fails a Redis that may drop what it holds", async () => {
    await redis.command("CONFIG", "SET", "maxmemory", "100mb", "maxmemory-policy", "allkeys-lru");
    try {
      expect(await troubles()).toEqual([
        1,
        { redis_memory: "fail: maxmemory is 104857600 bytes, maxmemory-policy is allkeys-lru" },
      ]);
    } finally {
      await redis.command("CONFIG", "SET", "maxmemory", "0", "maxmemory-policy", "noeviction");
    }
  });

  test("warns of a Redis that a power cut takes the heartbeats from", async () => {
    await redis.command("CONFIG", "SET", "appendonly", "no");
    try {
      expect(await troubles()).toEqual([0, { redis_disk: "warn: appendonly is no: a power cut takes the heartbeats" }]);
    } finally {
      await redis.command("CONFIG", "SET", "appendonly", "yes");
    }
  });

  test("fails a Redis that is not there, and checks the rest", async () => {
    const url = `redis://user:hunter2@127.0.0.1:${await freePort()}`;
    const [code, found] = await troubles({ REDIS_URL: url });
    expect(code).toBe(1);
    expect(found["redis"]).toContain("ECONNREFUSED");
    expect(Object.keys(found)).toEqual(["redis", "redis_memory", "redis_disk", "redis_write", "halt", "last_drill"]);
  });

  test("fails a venue that is not there, and checks the rest", async () => {
    await server.close();
    const [code, found] = await troubles();
    expect(code).toBe(1);
    expect(found["venue"]).toStartWith("fail: GET /fapi/v1/ping: ");
    expect(found["positions"]).toBe("fail: not checked: the venue does not answer");
    expect(Object.keys(found)).toHaveLength(8);
  });

  test("fails a wrong secret", async () => {
    const [code, found] = await troubles({ BINANCE_API_SECRET: "another-s3cret" });
    expect(code).toBe(1);
    expect(found["key"]).toContain("code -1022");
    expect(found["account"]).toBe("fail: not checked: the key is not accepted");
  });

  test("names the four causes of a key that is rejected", async () => {
    const [code, found] = await troubles({ BINANCE_API_KEY: "unheard-of-k3y" });
    expect(code).toBe(1);
    expect(found["key"]).toContain("one of four causes: 1. the key or its secret is of another venue");
  });

  test("names a Portfolio Margin account", async () => {
    await using rejecting = await serveScript(({ path, apiKey }) => {
      if (path.startsWith("/papi/")) return json({ uniMMR: "5.1" });
      return apiKey === undefined ? undefined : refusal(401, -2015, "Invalid API-key, IP, or permissions for action.");
    });
    const [code, found] = await troubles({ BINANCE_BASE_URL: rejecting.url });
    expect(code).toBe(1);
    expect(found["key"]).toContain("(this is a Portfolio Margin account: ");
  });

  test("fails an account that may not trade, and warns of a clock that is off", async () => {
    const script = await serveScript(
      ({ path }) => {
        if (path === "/fapi/v1/accountConfig") return json({ canTrade: false, dualSidePosition: true });
        if (path === "/fapi/v1/rateLimit/order") return json([]);
        return path.endsWith("positionRisk") || path.endsWith("Orders") ? json([]) : undefined;
      },
      () => Date.now() + 60_000,
    );
    await using off = script;
    const [code, found] = await troubles({ BINANCE_BASE_URL: off.url });
    expect(code).toBe(1);
    expect(found).toEqual({
      clock: expect.stringMatching(
        /^warn: this machine's clock is (59|60)\d{3} ms behind the venue's$/,
      ) as unknown as string,
      account: "fail: may not trade (canTrade is false)",
    });
  });

  test("fails a state directory that can't be written", async () => {
    const [code, found] = await troubles({ STATE_DIRECTORY: "/proc/quantum" });
    expect(code).toBe(1);
    expect(found["state_directory"]).toStartWith("fail: /proc/quantum can't be written (");
  });

  test("warns where nobody is told", async () => {
    const found = { alerts: "warn: nobody is told of an incident" };
    expect(await troubles({ ALERT_WEBHOOK_URL: "" })).toEqual([0, found]);
  });

  test("--test-alert sends one to everyone, and says what came back", async () => {
    const got: unknown[] = [];
    const people = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: async (request) => {
        got.push(await request.json());
        return new Response(null, { status: request.url.endsWith("/gone") ? 410 : 200 });
      },
    });
    const url = `http://127.0.0.1:${people.port}`;
    try {
      const well = await cli(["doctor", "--test-alert"], { env: { ...env, ALERT_WEBHOOK_URL: `${url}/hunter2` } });
      expect(well.code).toBe(0);
      expect(well.out).toContain("ok    Alerts           a test alert arrived: the webhook");
      expect(got).toMatchObject([{ role: "doctor", level: "warn", event_id: null }]);
      const badly = await cli(["doctor", "--test-alert"], {
        env: { ...env, ALERT_WEBHOOK_URL: `${url}/hunter2,${url}/gone` },
      });
      expect(badly.code).toBe(1);
      expect(badly.out).toContain("FAIL  Alerts           a test alert did not arrive: webhook 2: HTTP 410");
    } finally {
      await people.stop(true);
    }
  });

  test("warns of a deployment that was never drilled, and fails one whose last drill is old or red", async () => {
    await redis.command("DEL", "quantum:drills");
    expect(await troubles()).toEqual([0, { last_drill: "warn: no drill is on record" }]);
    const id = `${Date.now() - 36 * 86_400_000}-0`;
    await redis.command("XADD", "quantum:drills", id, ...drillFields(aDrillRecord()));
    expect(await troubles()).toEqual([1, { last_drill: "fail: the last drill is 37 days old, more than 35 days" }]);
    const failed = aDrillRecord({ verdict: "failed", why: "no halt" });
    await redis.command("XADD", "quantum:drills", "*", ...drillFields(failed));
    const words = expect.stringMatching(/^fail: the last drill, \d+ s ago, failed: no halt$/) as unknown as string;
    expect(await troubles()).toEqual([1, { last_drill: words }]);
    // Where real money is no drill is run.
    const [, found] = await troubles({ BINANCE_TESTNET: "false" });
    expect(found["last_drill"]).toBeUndefined();
  });

  test("a drill that may not be read takes the answer about the halt not with it", async () => {
    const rights = ["reset", "on", ">pass", "+@all", "~quantum:doctor", "~system:state:trading", "&*"];
    await redis.command("ACL", "SETUSER", "narrow", ...rights);
    const [code, found] = await troubles({ REDIS_URL: redis.url.replace("//", "//narrow:pass@") });
    await redis.command("ACL", "DELUSER", "narrow");
    expect(code).toBe(1);
    expect(found).toEqual({ last_drill: expect.stringContaining("NOPERM") as unknown as string });
  });

  describe("--alert", () => {
    interface Posted {
      readonly role: string;
      readonly level: string;
      readonly text: string;
    }

    /** What people were told by `doctor --alert` with these settings, and how it ended. */
    async function told(more: Env = {}): Promise<readonly [code: number, posts: readonly Posted[]]> {
      const posts: Posted[] = [];
      const people = Bun.serve({
        port: 0,
        hostname: "127.0.0.1",
        fetch: async (request) => {
          posts.push((await request.json()) as Posted);
          return new Response(null);
        },
      });
      const url = `http://127.0.0.1:${people.port}/hunter2`;
      try {
        const { code } = await cli(["doctor", "--alert"], { env: { ...env, ALERT_WEBHOOK_URL: url, ...more } });
        expect(JSON.stringify(posts)).not.toMatch(/k3y|s3cret|hunter2/);
        return [code, posts];
      } finally {
        await people.stop(true);
      }
    }

    test("says nothing where all is fit, nor over a warning", async () => {
      expect(await told()).toEqual([0, []]);
      await redis.command("HSET", "system:state:trading", "halted", "true", "reason", "FIRE", "source", "ops");
      expect(await told()).toEqual([0, []]);
    });

    test("tells what is not fit, once, and nothing else", async () => {
      const [code, [post, ...more]] = await told({ STATE_DIRECTORY: "/proc/quantum" });
      expect([code, more]).toEqual([1, []]);
      expect(post).toMatchObject({ role: "doctor", level: "warn", event_id: null });
      const [head, settings, ...lines] = post?.text.split("\n") ?? [];
      expect(head).toBe("Not fit to guard this account: 1 of 18 checks failed");
      expect(settings).toStartWith("testnet at http://127.0.0.1:");
      expect(lines).toEqual([
        expect.stringMatching(/^State directory: \/proc\/quantum can't be written .*: create it for/),
      ]);
    });

    test("tells that it was refused: a timer's refusal is read by nobody", async () => {
      const [code, posts] = await told({ BINANCE_API_KEY: "" });
      expect(code).toBe(2);
      expect(posts).toMatchObject([
        {
          text: expect.stringMatching(
            /^Not fit to guard this account, nothing could be checked: BINANCE_API_KEY is not set/,
          ),
        },
      ]);
    });

    test("does what it can where nobody is to be told", async () => {
      const { code, err } = await cli(["doctor", "--alert"], { env: { ...env, ALERT_WEBHOOK_URL: "" } });
      expect({ code, err }).toEqual({ code: 0, err: [] });
    });
  });

  test("says after two seconds what it still waits for", async () => {
    await using slow = await serveScript(() => "hang");
    const { code, err } = await cli(["doctor"], { env: { ...env, BINANCE_BASE_URL: slow.url } });
    expect(code).toBe(1);
    expect(err[0]).toStartWith("Still waiting for: the venue, ");
  });
});

/**
 * A drill against a deployment, as a timer starts it: the built executable, its roles as units of a `systemctl` on the PATH, a
 * real Redis, the simulated exchange, somebody who is told. What came of it is kept and told, however it ends.
 */

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostClock } from "../../src/adapters/host/clock.ts";
import { fieldsOf, parseDrill, type RawEntry } from "../../src/adapters/redis/codec.ts";
import type { DrillRecord } from "../../src/core/drill.ts";
import { serveBinance } from "../../src/sim/binance-server.ts";
import { Venue } from "../../src/sim/venue.ts";
import { cli } from "../cli/fake-io.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { type Finished, QUANTUM, type RunOptions, run } from "../support/run.ts";
import { type FakeSystemctl, fakeSystemctl } from "../support/systemctl.ts";

setDefaultTimeout(120_000);

const API_KEY = "api-key-k3y";
const SECRET = "api-secret-s3cret";
const ACCOUNT = "main";
const DRILLS = `${ACCOUNT}:quantum:drills`;

const BRAIN = `quantum-exit-brain@${ACCOUNT}.service`;
const UNITS = [
  [BRAIN, "brain"],
  [`quantum-exit-brain-watchdog@${ACCOUNT}.service`, "watchdog"],
  [`quantum-emergency-exit-worker@${ACCOUNT}.service`, "eew"],
] as const;
/** Another account's brain, which no drill of ours may strike. */
const BYSTANDER = "quantum-exit-brain.service";

interface Post {
  readonly role: string;
  readonly level: string;
  readonly text: string;
  readonly event_id: string | null;
}

/** A deployment of its own for each test. */
interface Scene extends AsyncDisposable {
  readonly systemctl: FakeSystemctl;
  readonly redis: TestRedis;
  readonly env: Readonly<Record<string, string>>;
  /** What people were told. */
  readonly posts: readonly Post[];
  /** Opens a position, and starts the three roles as units. They tell nobody: what is told comes from the drill. */
  deploy(): void;
  /** The drill as `quantum-chaos.service` runs it. */
  drill(options?: RunOptions): Promise<Finished>;
  /** What is kept, oldest first. */
  records(): Promise<readonly (DrillRecord | null)[]>;
  /** The same Redis for a user with these rights, besides all commands but XADD. */
  redisUrlOf(...rights: readonly string[]): Promise<string>;
}

async function openScene(): Promise<Scene> {
  const posts: Post[] = [];
  const people = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      posts.push((await request.json()) as Post);
      return new Response(null);
    },
  });
  const systemctl = fakeSystemctl();
  const state = mkdtempSync(join(tmpdir(), "quantum-live-drill-"));
  const redis = await startRedis();
  const venue = new Venue({ now: hostClock.wall });
  venue.addAccount({ apiKey: API_KEY, secret: SECRET });
  const server = await serveBinance({ venue });
  const settings = {
    PATH: systemctl.path,
    REDIS_URL: redis.url,
    QUANTUM_NAMESPACE: ACCOUNT,
    BINANCE_TESTNET: "true",
    BINANCE_BASE_URL: server.url,
    BINANCE_API_KEY: API_KEY,
    BINANCE_API_SECRET: SECRET,
  };
  const env = { ...settings, ALERT_WEBHOOK_URL: `http://127.0.0.1:${people.port}/hunter2` };
  systemctl.start(BYSTANDER, { file: "sleep", args: ["1000"], env: { PATH: systemctl.path } });
  return {
    systemctl,
    redis,
    env,
    posts,
    deploy: () => {
      venue.openPosition(API_KEY, { symbol: "BTCUSDT", amount: "0.002" });
      for (const [unit, role] of UNITS) {
        const its = { ...settings, STATE_DIRECTORY: join(state, role), LOG_FORMAT: "text" };
        systemctl.start(unit, { file: QUANTUM, args: [role], env: its });
      }
    },
    drill: async (options = {}) => {
      const ran = await run(QUANTUM, ["chaos", "--yes", "--json"], { ...options, env: { ...env, ...options.env } });
      expect(`${ran.stdout}${ran.stderr}${JSON.stringify(posts)}`).not.toMatch(/k3y|s3cret|hunter2/);
      return ran;
    },
    records: async () => {
      const entries = (await redis.command("XRANGE", DRILLS, "-", "+")) as readonly RawEntry[];
      return entries.map((entry) => parseDrill(fieldsOf(entry)));
    },
    redisUrlOf: async (...rights) => {
      await redis.command("ACL", "SETUSER", "drill", "on", ">pass", "~*", "&*", "+@all", "-xadd", ...rights);
      return redis.url.replace("//", "//drill:pass@");
    },
    [Symbol.asyncDispose]: async () => {
      systemctl.remove();
      await server.close();
      await redis.stop();
      await people.stop(true);
      rmSync(state, { recursive: true, force: true });
    },
  };
}

/** Calls `act` once, as soon as the drill has said `words`. */
function at(words: string, act: (kill: (signal: NodeJS.Signals) => void) => void): RunOptions {
  let done = false;
  return {
    watch: (stderr, kill) => {
      if (done || !stderr.includes(words)) return;
      done = true;
      act(kill);
    },
  };
}

describe("a drill of a deployment", () => {
  test.concurrent("that passes is kept and told, and strikes nobody else's brain", async () => {
    await using scene = await openScene();
    const { systemctl, posts, env } = scene;
    scene.deploy();
    const finished = await scene.drill();
    expect(finished.code, finished.stderr).toBe(0);
    const document = JSON.parse(finished.stdout) as { event_id: string; started_at: number; checks: unknown };
    expect(document).toMatchObject({ passed: true, target: "live", kept: true });
    const { event_id: eventId, started_at: startedAt, checks } = document;
    const name = { drill: "brain-kill", method: "sigkill", target: "live", startedAt };
    expect(await scene.records()).toMatchObject([
      { ...name, verdict: "begun", eventId: null, checks: [] },
      { ...name, verdict: "passed", eventId, checks, why: null },
    ]);
    expect(posts).toMatchObject([{ role: "chaos", level: "info", event_id: eventId }]);
    expect(posts[0]?.text).toStartWith("Drill brain-kill (sigkill) of account main passed\nok heartbeat_to_panic_ms ");
    expect(systemctl.runs(BYSTANDER)).toBe(true);
    expect(systemctl.calls().filter((call) => /^(kill|restart)/.test(call) && !call.endsWith(BRAIN))).toEqual([]);
    const status = await run(QUANTUM, ["status", "--json"], { env });
    expect(JSON.parse(status.stdout)).toMatchObject({
      healthy: true,
      attention: [],
      last_drill: { verdict: "passed" },
    });
  });

  test.concurrent("that fails is kept and told, with what failed", async () => {
    await using scene = await openScene();
    const { systemctl, posts } = scene;
    scene.deploy();
    // The worker is frozen by the time that it is needed.
    const freeze = at("brain killed", () => process.kill(systemctl.pid(UNITS[2][0]), "SIGSTOP"));
    const finished = await scene.drill(freeze);
    expect(finished.code).toBe(1);
    expect(JSON.parse(finished.stdout)).toMatchObject({ passed: false, kept: true });
    const [, record] = await scene.records();
    expect(record?.verdict).toBe("failed");
    expect(record?.why).toContain("positions_failed not seen");
    expect(posts).toMatchObject([{ level: "critical", event_id: record?.eventId }]);
    expect(posts[0]?.text).toStartWith("Drill brain-kill (sigkill) of account main FAILED: ");
  });

  test.concurrent.each(["SIGINT", "SIGTERM"] as const)(
    "that is ended by %s leaves what is known, and that is no pass",
    async (signal) => {
      await using scene = await openScene();
      const { posts } = scene;
      scene.deploy();
      const finished = await scene.drill(at("panic published", (kill) => kill(signal)));
      expect(finished).toMatchObject({ code: 1, stdout: "" });
      expect(finished.stderr).toEndWith("quantum: The drill was interrupted\n");
      const [begun, aborted, ...more] = await scene.records();
      expect([begun?.verdict, more]).toEqual(["begun", []]);
      expect(aborted).toMatchObject({ verdict: "aborted", why: "The drill was interrupted" });
      expect(aborted?.eventId).toMatch(/^[0-9a-f-]{36}$/);
      expect(aborted?.checks).toHaveLength(5);
      expect(posts).toMatchObject([{ level: "critical", event_id: aborted?.eventId }]);
      expect(posts[0]?.text).toContain("ABORTED: The drill was interrupted");
      expect(posts[0]?.text).toContain("The brain was struck");
    },
  );

  test.concurrent("whose own process is killed is on record as one that never ended", async () => {
    await using scene = await openScene();
    scene.deploy();
    const finished = await scene.drill(at("brain killed", (kill) => kill("SIGKILL")));
    expect(finished.code).toBeNull();
    expect(await scene.records()).toMatchObject([{ verdict: "begun" }]);
  });

  test.concurrent("that loses Redis after the blow can't be kept: that is told, and the exit code is 1", async () => {
    await using scene = await openScene();
    const { redis, posts } = scene;
    scene.deploy();
    const finished = await scene.drill(at("brain killed", () => void redis.die()));
    expect(finished.code).toBe(1);
    expect(finished.stderr).toContain("can't be kept yet, tried again for 15 s: write main:quantum:drills");
    expect(posts).toMatchObject([{ role: "chaos", level: "critical" }]);
    expect(posts[0]?.text).toContain("It is not on record, and so it proves nothing: ");
  });

  test.concurrent("whose verdict alone can't be kept has passed for nothing", async () => {
    await using scene = await openScene();
    const { redis, posts } = scene;
    scene.deploy();
    const url = await scene.redisUrlOf("(+xadd ~main:quantum:drills)");
    const taken = at("recovery: watchdog re-attached", () => {
      void redis.command("ACL", "SETUSER", "drill", "clearselectors");
    });
    const finished = await scene.drill({ ...taken, env: { REDIS_URL: url } });
    expect(finished.code, finished.stderr).toBe(1);
    expect(JSON.parse(finished.stdout)).toMatchObject({ passed: true, kept: false });
    expect(finished.stderr.trimEnd().split("\n").at(-1)).toStartWith(
      "quantum: The verdict could not be kept, and a verdict that is not kept is none, write main:quantum:drills: NOPERM",
    );
    expect(posts).toMatchObject([{ level: "warn" }]);
    expect(posts[0]?.text).toContain("It is not on record");
  });

  test.concurrent("that can't be put on record is refused before the blow", async () => {
    await using scene = await openScene();
    const { systemctl, redis } = scene;
    scene.deploy();
    const finished = await scene.drill({ env: { REDIS_URL: await scene.redisUrlOf() } });
    expect(finished).toMatchObject({ code: 2, stdout: "" });
    expect(finished.stderr).toContain("The drill can't be put on record, and one that is not kept is none, ");
    expect(systemctl.runs(BRAIN)).toBe(true);
    expect(await redis.command("EXISTS", DRILLS)).toBe(0);
  });

  test.concurrent("is not that of the sandbox, which keeps nothing on the live Redis, and tells nobody", async () => {
    await using scene = await openScene();
    const finished = await run(QUANTUM, ["chaos", "--sandbox", "--json"], { env: scene.env });
    expect(finished.code, finished.stderr).toBe(0);
    expect(JSON.parse(finished.stdout)).not.toHaveProperty("kept");
    expect(await scene.redis.command("DBSIZE")).toBe(0);
    expect(scene.posts).toEqual([]);
  });
});

describe("a drill that is refused strikes nobody and keeps nothing; it is told where nobody sits at a terminal:", () => {
  /** The refusal, which is also the only thing that is told. */
  async function refused(
    { systemctl, redis, env, posts }: Scene,
    more: Readonly<Record<string, string>> = {},
    args: readonly string[] = ["--yes"],
  ): Promise<string> {
    const ran = await run(QUANTUM, ["chaos", ...args], { env: { ...env, ...more } });
    expect(ran).toMatchObject({ code: 2, stdout: "" });
    expect(await redis.command("EXISTS", DRILLS)).toBe(0);
    expect(systemctl.calls().filter((call) => !call.startsWith("show"))).toEqual([]);
    const why = ran.stderr.trimEnd().split("\n").at(-1)?.replace("quantum: ", "") ?? "";
    expect(posts).toMatchObject([{ role: "chaos", level: "warn", event_id: null }]);
    expect(posts[0]?.text).toMatch(/^Drill( of account main)? refused: /);
    expect(posts[0]?.text).toContain(`refused: ${why}\n`);
    expect(`${ran.stderr}${posts[0]?.text}`).not.toMatch(/k3y|s3cret|hunter2/);
    return why;
  }

  test("not the testnet", async () => {
    await using scene = await openScene();
    expect(await refused(scene, { BINANCE_TESTNET: "false" })).toStartWith("BINANCE_TESTNET is false: a drill closes");
  });

  test("settings that can't be used", async () => {
    await using scene = await openScene();
    expect(await refused(scene, { BINANCE_API_KEY: "" })).toStartWith("BINANCE_API_KEY is not set");
  });

  test("nobody to confirm it", async () => {
    await using scene = await openScene();
    expect(await refused(scene, {}, [])).toStartWith("Not confirmed: expected yes, or --yes for scripts");
  });

  test("roles that do not run", async () => {
    await using scene = await openScene();
    expect(await refused(scene)).toStartWith(`brain is not running for account ${ACCOUNT}: expected ${BRAIN}, or `);
  });

  test("nothing to close", async () => {
    await using scene = await openScene();
    for (const [unit] of UNITS) scene.systemctl.claim(unit, "active");
    expect(await refused(scene)).toStartWith("No position is open: expected one or two small test positions");
  });

  test("trading that is halted", async () => {
    await using scene = await openScene();
    for (const [unit] of UNITS) scene.systemctl.claim(unit, "active");
    await scene.redis.command("HSET", `${ACCOUNT}:system:state:trading`, "halted", "true");
    expect(await refused(scene)).toStartWith("Trading is halted: expected a system at work");
  });

  test("a Redis that is not there", async () => {
    await using scene = await openScene();
    const [why] = (await refused(scene, { REDIS_URL: "redis://127.0.0.1:1" })).split(" (");
    expect(why).toBe("Redis at 127.0.0.1:1 can't be used");
  });

  test("and not where somebody does", async () => {
    await using scene = await openScene();
    const env = { ...scene.env, BINANCE_TESTNET: "false" };
    expect(await cli(["chaos", "--yes"], { env, terminal: true })).toMatchObject({ code: 2, out: [] });
    expect(scene.posts).toEqual([]);
  });
});

/** The runbook's drill on real processes: the built executable, redis-server, HTTPS. It must pass, and it must be able to fail. */

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { hostClock } from "../../src/adapters/host/clock.ts";
import { redisOperatorBus } from "../../src/adapters/redis/operator-bus.ts";
import { brainKill } from "../../src/chaos/brain-kill.ts";
import { openSandbox, type Sandbox } from "../../src/chaos/sandbox.ts";
import type { Stage } from "../../src/chaos/stage.ts";
import { openVenue } from "../../src/cli/run/open-venue.ts";
import { loadRedis } from "../../src/config/redis.ts";
import { loadVenue } from "../../src/config/venue.ts";
import { known } from "../../src/core/reading.ts";
import { QUANTUM } from "../support/run.ts";
import { CRITERIA, DRILL_MS, document, drill } from "../support/sandbox-drill.ts";

describe("chaos --sandbox", () => {
  test.concurrent.each(["sigkill", "sigterm", "sigstop"])(
    "passes with --method %s, recovers, and leaves no process and no file behind",
    async (method) => {
      const finished = await drill(["--json", "--method", method]);
      expect(finished.code, finished.stderr).toBe(0);
      const { passed, checks, recovery } = document(finished);
      expect(passed).toBe(true);
      expect(checks.map(({ name }) => name)).toEqual([...CRITERIA]);
      expect(checks.every((check) => check.passed)).toBe(true);
      expect(recovery).toEqual({ passed: true, failure: null } as typeof recovery);
      expect(finished.filesLeft).toEqual([]);
      expect(finished.processesLeft).toEqual([]);
    },
    DRILL_MS,
  );

  test.concurrent(
    "goes red without a watchdog: it publishes nothing, though the worker's second line closes all by itself",
    async () => {
      const finished = await drill(["--json", "--without", "watchdog"]);
      expect(finished.code, finished.stderr).toBe(1);
      const { passed, event_id, checks, recovery } = document(finished);
      expect(passed).toBe(false);
      expect(event_id).toBeNull();
      expect(checks.map((check) => check.passed)).toEqual([false, false, true, false, false]);
      expect(checks.map(({ measured }) => measured)).toEqual([null, null, expect.any(Number), null, null]);
      expect(recovery).toBeNull();
      expect([...finished.filesLeft, ...finished.processesLeft]).toEqual([]);
    },
    DRILL_MS,
  );

  test.concurrent(
    "goes red without a worker: the panic is seen, flat is not",
    async () => {
      const finished = await drill(["--json", "--without", "eew"]);
      expect(finished.code, finished.stderr).toBe(1);
      const { passed, checks } = document(finished);
      expect(passed).toBe(false);
      expect(checks.map((check) => check.passed)).toEqual([true, false, false, false, false]);
      expect([...finished.filesLeft, ...finished.processesLeft]).toEqual([]);
    },
    DRILL_MS,
  );

  test.concurrent.each(["SIGINT", "SIGTERM"] as const)(
    "ended by %s in the middle, it says so and leaves nothing behind",
    async (signal) => {
      let sent = false;
      const finished = await drill([], {
        watch: (stderr, kill) => {
          if (sent || !stderr.includes("brain killed")) return;
          sent = true;
          kill(signal);
        },
      });
      expect(finished.code).toBe(1);
      expect(finished.stderr).toEndWith("quantum: The drill was interrupted\n");
      expect(finished.stdout).toBe("");
      expect([...finished.filesLeft, ...finished.processesLeft]).toEqual([]);
    },
    DRILL_MS,
  );

  test("ended while it still starts, it says so and leaves nothing behind", async () => {
    let sent = false;
    const finished = await drill([], {
      watch: (stderr, kill) => {
        if (sent || !stderr.includes("Starting redis-server")) return;
        sent = true;
        kill("SIGINT");
      },
    });
    expect(finished.code).toBe(1);
    expect(finished.stderr).toEndWith("quantum: The drill was interrupted\n");
    expect([...finished.filesLeft, ...finished.processesLeft]).toEqual([]);
  });

  test("without redis-server on the PATH it says how to install it", async () => {
    const finished = await drill([], { env: { PATH: "/nonexistent" } });
    expect(finished.code).toBe(2);
    expect(finished.stderr).toContain("redis-server is not on the PATH: expected it installed");
    expect(finished.stderr).toContain("apt-get install -y redis-server");
    expect(finished.filesLeft).toEqual([]);
  });
});

test.concurrent(
  "a second drill on the same Redis is judged by its own event id, and can fail where the first passed",
  async () => {
    const self = { file: QUANTUM, args: [] };
    const signal = new AbortController().signal;
    const sandbox = await openSandbox({ env: process.env, self, without: [], signal });
    const { stage, close } = await stageOf(sandbox, signal);
    try {
      const first = await brainKill(stage, "sigkill");
      expect(first.passed).toBe(true);
      await openPosition(sandbox, "BTCUSDT", "0.003");
      const second = await brainKill(stage, "sigkill");
      expect(second.passed).toBe(true);
      expect(second.eventId).not.toBe(first.eventId);
      await openPosition(sandbox, "BTCUSDT", "0.003");
      await sandbox.supervisor.strike("eew", "SIGKILL");
      const third = await brainKill({ ...stage, without: ["eew"] }, "sigkill");
      expect(third.passed).toBe(false);
      expect(third.checks.map(({ passed }) => passed)).toEqual([true, false, false, false, false]);
    } finally {
      await close();
      await sandbox.close();
    }
  },
  3 * DRILL_MS,
);

async function stageOf(sandbox: Sandbox, signal: AbortSignal): Promise<{ stage: Stage; close(): Promise<void> }> {
  const bus = redisOperatorBus(loadRedis(sandbox.env, { redisUrl: undefined, namespace: undefined }));
  const exchange = await openVenue(loadVenue(sandbox.env));
  const { supervisor } = sandbox;
  return {
    stage: {
      target: "sandbox",
      victim: "brain",
      clock: hostClock,
      bus,
      exchange,
      supervisor,
      without: [],
      begin: async () => known(null),
      progress: () => undefined,
      signal,
    },
    close: async () => {
      bus.close();
      await exchange.dispose();
    },
  };
}

/** Opens a position past all orders, through the simulated exchange's own control path. */
async function openPosition({ env }: Sandbox, symbol: string, amount: string): Promise<void> {
  const answer = await fetch(`${env["BINANCE_BASE_URL"]}/sim/positions`, {
    method: "POST",
    body: JSON.stringify({ apiKey: env["BINANCE_API_KEY"], symbol, amount }),
    tls: { ca: readFileSync(env["BINANCE_CA_FILE"] ?? "", "utf8") },
  });
  expect(answer.status).toBe(200);
}

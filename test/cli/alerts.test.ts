/** A role that really runs tells people, and nothing of where it tells them. */

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { ROOT } from "../support/run.ts";

// Real processes: a busy machine may be slow.
setDefaultTimeout(30_000);

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

interface Post {
  readonly role: string;
  readonly text: string;
  readonly event_id: string | null;
}

test("a watchdog tells that nobody is watched, then of the incident, with its event id, and stops in time", async () => {
  const posts: Post[] = [];
  let answers = 0;
  const people = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      // The first try fails: it is tried again, beside the role.
      if (answers++ === 0) return new Response(null, { status: 500 });
      posts.push((await request.json()) as Post);
      return new Response(null, { status: 204 });
    },
  });
  const args = [join(ROOT, "src", "main.ts"), "watchdog", "--heartbeat-missing-ms", "1000"];
  const env = {
    PATH: process.env["PATH"] ?? "",
    REDIS_URL: redis.url,
    ALERT_WEBHOOK_URL: `http://127.0.0.1:${people.port}/s3cret`,
  };
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  child.stdout.on("data", (chunk: Buffer) => {
    log += chunk.toString();
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  try {
    await eventually("it says that it is unprotected", () => log.includes("UNPROTECTED"));
    expect(log).toContain("--heartbeat-missing-ms is 1000, and the brain's own fence closes only after 4000 ms");
    await redis.command("XADD", "exit_brain:heartbeat", "*", "status", "ALIVE", "active_positions", "1", "ts", "1");
    await eventually("both are told", () => posts.length === 2);
    const [unprotected, incident] = posts;
    expect(unprotected).toMatchObject({ role: "watchdog", level: "warn", event_id: null });
    expect(unprotected?.text).toStartWith("UNPROTECTED: ");
    const [[, fields]] = (await redis.command("XRANGE", "system:panic_close", "-", "+")) as [[string, string[]]];
    const eventId = fields[fields.indexOf("event_id") + 1] ?? "";
    expect(incident).toMatchObject({ role: "watchdog", level: "critical", event_id: eventId, incident_id: eventId });
    expect(incident?.text).toStartWith("FAILURE DETECTED: Heartbeat missing (1.");
    const stoppedAt = performance.now();
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    expect(performance.now() - stoppedAt).toBeLessThan(5_000);
    expect(log).not.toContain("s3cret");
    expect(log).not.toContain(String(people.port));
  } finally {
    child.kill("SIGKILL");
    await people.stop(true);
  }
});

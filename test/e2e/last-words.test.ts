/** A defect that ends a role, on real processes: one line, exit 1, and people are told before. */

import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { ROOT } from "../support/run.ts";

// Real processes: a busy machine may be slow.
setDefaultTimeout(30_000);

let directory: string;
let redis: TestRedis;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "quantum-defect-"));
  redis = await startRedis();
});
afterEach(async () => {
  await redis.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** A watchdog that breaks once it runs, and what came of it: what it said, and how long it lived on after that. */
async function broken(defect: string, webhook: string) {
  const [preload, trigger] = [join(directory, "defect.ts"), join(directory, "trigger")];
  writeFileSync(
    preload,
    `import { existsSync } from "node:fs";
     const waiting = setInterval(() => {
       if (!existsSync(${JSON.stringify(trigger)})) return;
       clearInterval(waiting);
       ${defect}
     }, 20);`,
  );
  const args = ["--preload", preload, join(ROOT, "src", "main.ts"), "watchdog"];
  const env = { PATH: process.env["PATH"] ?? "", REDIS_URL: redis.url, ALERT_WEBHOOK_URL: webhook };
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr, saidAt] = ["", "", 0];
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    if (stdout.includes("UNPROTECTED")) writeFileSync(trigger, "");
  });
  child.stderr.on("data", (chunk: Buffer) => {
    saidAt = performance.now();
    stderr += chunk.toString();
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stderr, lingeredMs: performance.now() - saidAt };
}

test.each([
  ["an error that nobody caught", 'throw new Error("the sky fell");'],
  ["a rejection that nobody caught", 'void Promise.reject(new Error("the sky fell"));'],
])("%s is told in one line and as an alert", async (_what, defect) => {
  const texts: string[] = [];
  const people = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      texts.push(((await request.json()) as { text: string }).text);
      return new Response(null, { status: 204 });
    },
  });
  const { code, stderr } = await broken(defect, `http://127.0.0.1:${people.port}/`);
  await people.stop(true);
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: "quantum: ended by a defect, please report it: the sky fell\n",
  });
  expect(texts.at(-1)).toContain("Ended by a defect: the sky fell");
});

test("people who don't answer hold up the end for a second, not longer", async () => {
  const people = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Promise<Response>(() => undefined) });
  const { code, lingeredMs } = await broken('throw new Error("the sky fell");', `http://127.0.0.1:${people.port}/`);
  await people.stop(true);
  expect(code).toBe(1);
  expect(lingeredMs).toBeLessThan(3_000);
});

test("a second defect on the way out ends it at once", async () => {
  const people = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Promise<Response>(() => undefined) });
  const defects = 'setTimeout(() => { throw new Error("and again"); }, 100); throw new Error("the sky fell");';
  const { code, stderr, lingeredMs } = await broken(defects, `http://127.0.0.1:${people.port}/`);
  await people.stop(true);
  expect({ code, lines: stderr.trim().split("\n").length }).toEqual({ code: 1, lines: 2 });
  expect(lingeredMs).toBeLessThan(900);
});

/** The whole benchmark: one redis-server, one venue, and every closer in every row; then the exits. */

import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ChildRun } from "../../src/adapters/host/processes.ts";
import { startRedis } from "../support/redis.ts";
import { type BrainCost, brainCost } from "./exits/brain.ts";
import { decisionCost } from "./exits/decision.ts";
import { LEGS } from "./exits/policy.ts";
import type { ExitFigures } from "./exits/report.ts";
import type { Sample } from "./figures.ts";
import { measure, type Stage } from "./measure.ts";
import type { BenchOptions } from "./options.ts";
import { CLOSERS, runsOf, takesPart, title } from "./rows.ts";
import { trigger } from "./trigger.ts";
import { startVenue } from "./venue-process.ts";

/**
 * Measures the rows asked for; `say` hears how it goes. Each closer runs alone: there are few cores, and none to share.
 * When `signal` aborts, everything is ended and the promise rejects.
 */
export function runSuite(
  options: BenchOptions,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<readonly Sample[]> {
  return onStage(options, say, signal, (stage) => measureAll(options, stage));
}

/** Measures the brain's exits, on a venue that answers at once; as `runSuite` otherwise. */
export function runExits(
  options: BenchOptions,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<ExitFigures> {
  say(`exits, ${LEGS} positions`);
  const decision = decisionCost();
  say(`  CPU of one decision: ${decision.meanMs.toFixed(2)} ms`);
  const measured = (stage: Stage): Promise<BrainCost> => brainCost(stage, options.repeats);
  return onStage({ ...options, latencyMs: 0 }, say, signal, async (stage) => ({
    decision,
    brain: await measured(stage),
  }));
}

async function onStage<T>(
  options: BenchOptions,
  say: (line: string) => void,
  signal: AbortSignal,
  act: (stage: Stage) => Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), "quantum-bench-"));
  const base = { PATH: process.env["PATH"] ?? "", HOME: directory };
  const key = {
    BINANCE_API_KEY: randomBytes(32).toString("hex"),
    BINANCE_API_SECRET: randomBytes(32).toString("hex"),
    BINANCE_CA_FILE: join(directory, "venue.pem"),
  };
  const redis = await startRedis();
  const events = trigger(redis.url);
  const venue = await startVenue({ ...base, ...key, LATENCY_MS: String(options.latencyMs) });
  const env = {
    ...base,
    ...key,
    REDIS_URL: redis.url,
    BINANCE_TESTNET: "true",
    BINANCE_BASE_URL: venue.url,
    // ccxt has no setting for a certificate authority; both runtimes read this one.
    NODE_EXTRA_CA_CERTS: key.BINANCE_CA_FILE,
  };
  const children = new Set<ChildRun>();
  const stage: Stage = { ...options, venue, trigger: events, env, directory, children, say };
  try {
    return await Promise.race([act(stage), interruption(signal)]);
  } finally {
    for (const child of children) await child.end();
    events.close();
    await venue.stop();
    await redis.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measureAll({ rows, repeats }: BenchOptions, stage: Stage): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  for (const row of rows) {
    stage.say(title(row));
    for (const closer of CLOSERS.filter((name) => takesPart(name, row))) {
      samples.push({ closer, row, ...(await measure(closer, row, runsOf(closer, row, repeats), stage)) });
    }
  }
  return samples;
}

function interruption(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const interrupt = (): void => reject(new Error("The benchmark was interrupted"));
    if (signal.aborted) interrupt();
    signal.addEventListener("abort", interrupt, { once: true });
  });
}

/** The stubborn outside on real processes: what a pass leaves open is followed up until it is flat, whoever dies meanwhile. */

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { newEventId } from "../../src/adapters/host/identity.ts";
import { fieldsOf, type RawEntry } from "../../src/adapters/redis/codec.ts";
import { RedisLink } from "../../src/adapters/redis/link.ts";
import { redisOperatorBus } from "../../src/adapters/redis/operator-bus.ts";
import { openSandbox, type Sandbox } from "../../src/chaos/sandbox.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { eventually } from "../support/eventually.ts";
import { QUANTUM } from "../support/run.ts";

interface State {
  readonly accounts: readonly {
    readonly positions: readonly unknown[];
    readonly fills: readonly { readonly symbol: string; readonly price: string }[];
  }[];
}

/** Asks the simulated exchange beside the wire that Quantum uses. */
async function ask(sandbox: Sandbox, method: string, path: string, body?: object): Promise<unknown> {
  const { BINANCE_BASE_URL: url = "", BINANCE_CA_FILE: caFile = "" } = sandbox.env;
  const ca = readFileSync(caFile, "utf8");
  const answer = await fetch(`${url}${path}`, { method, tls: { ca }, ...(body && { body: JSON.stringify(body) }) });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return await answer.json();
}

async function outcomes(link: RedisLink): Promise<readonly string[]> {
  const answer = await link.ask("completions", (redis) => redis.xrange("system:panic_close:completed", "-", "+"));
  if (!answer.known) throw new Error(answer.why);
  return answer.value.map((entry: RawEntry) => fieldsOf(entry).get("outcome") ?? "none");
}

test("a close that the price band refuses ends flat as a limit order, though the watchdog was killed in between", async () => {
  const signal = new AbortController().signal;
  const env = { PATH: process.env["PATH"] ?? "" };
  const sandbox = await openSandbox({ env, self: { file: QUANTUM, args: [] }, without: ["brain"], signal });
  const link = new RedisLink({ url: sandbox.redisUrl, deadlineMs: 2_000 });
  const bus = redisOperatorBus({ url: sandbox.redisUrl, namespace: "", triggerSecret: null, deadlineMs: 2_000 });
  try {
    await ask(sandbox, "POST", "/sim/marks", { symbol: "BTCUSDT", marketBlocked: true });
    const ts = Date.now() as UnixMillis;
    await bus.publish({ eventId: newEventId(), reason: "STUBBORN", issuedBy: "ops", ts });
    await eventually("the first pass reports", async () => (await outcomes(link)).length > 0);
    expect(await outcomes(link)).toEqual(["NOT_FLAT"]);
    await sandbox.supervisor.strike("watchdog", "SIGKILL");
    await sandbox.supervisor.restart("watchdog");
    await eventually("a follow-up ends flat", async () => (await outcomes(link)).includes("FLAT"), 30_000);
    const state = (await ask(sandbox, "GET", "/sim/state")) as State;
    const [account] = state.accounts;
    expect(account?.positions).toEqual([]);
    // The band is 5 % of the mark of 88000; the limit stays a fifth of that inside.
    expect(account?.fills.find(({ symbol }) => symbol === "BTCUSDT")?.price).toBe("84480");
  } finally {
    bus.close();
    link.close();
    await sandbox.close();
  }
}, 120_000);

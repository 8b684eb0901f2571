/** An incident as its operator sees it under systemd: in a real journal, and in what each role tells its supervisor. */

import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ChildRun } from "../../src/adapters/host/processes.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { type BinanceServer, serveBinance } from "../../src/sim/binance-server.ts";
import { Venue } from "../../src/sim/venue.ts";
import { Receiver } from "../support/datagrams.ts";
import { eventually } from "../support/eventually.ts";
import { journalNeeds, startJournal, type TestJournal } from "../support/journald.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { QUANTUM } from "../support/run.ts";
import { WORKER_KEY } from "../support/worker.ts";

setDefaultTimeout(60_000);

const needs = journalNeeds();
if (needs !== null) console.warn(`the journal is not tested: ${needs}`);

const RULE = "=".repeat(60);
const ID = "[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}";

let directory: string;
let redis: TestRedis;
let server: BinanceServer;
let journal: TestJournal;
let receivers: Readonly<Record<"brain" | "watchdog" | "eew", Receiver>>;
const roles: ChildRun[] = [];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "quantum-journal-"));
  redis = await startRedis();
  const venue = new Venue({ now: () => Date.now() as UnixMillis });
  venue.addAccount({ apiKey: WORKER_KEY.BINANCE_API_KEY, secret: WORKER_KEY.BINANCE_API_SECRET });
  venue.openPosition(WORKER_KEY.BINANCE_API_KEY, { symbol: "BTCUSDT", amount: "0.002" });
  venue.openPosition(WORKER_KEY.BINANCE_API_KEY, { symbol: "ETHUSDT", amount: "-0.05" });
  server = await serveBinance({ venue, latencyMs: 20 });
  receivers = { brain: receiver("brain"), watchdog: receiver("watchdog"), eew: receiver("eew") };
});
afterEach(async () => {
  for (const role of roles.splice(0)) await role.end();
  for (const each of Object.values(receivers)) each.close();
  await redis.stop();
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

function receiver(role: string): Receiver {
  return new Receiver(join(directory, `notify-${role}`));
}

const envOf = (role: "brain" | "watchdog" | "eew"): Readonly<Record<string, string>> => ({
  REDIS_URL: redis.url,
  NOTIFY_SOCKET: join(directory, `notify-${role}`),
  WATCHDOG_USEC: "5000000",
  ...(role === "watchdog"
    ? {}
    : {
        ...WORKER_KEY,
        BINANCE_TESTNET: "true",
        BINANCE_BASE_URL: server.url,
        STATE_DIRECTORY: join(directory, role),
      }),
});

/** What a role has told its supervisor by now, line by line. */
const told = (role: keyof typeof receivers): readonly string[] =>
  receivers[role].received().flatMap((datagram) => datagram.split("\n"));
const hears = (role: keyof typeof receivers, line: string | RegExp): Promise<void> =>
  eventually(`${role}: ${line}`, () =>
    told(role).some((one) => (line instanceof RegExp ? line.test(one) : one === line)),
  );

/** Runs the three of them through an incident, the brain killed, and ends the other two. */
async function incident(start: (role: keyof typeof receivers) => ChildRun): Promise<void> {
  const [watchdog, eew] = [start("watchdog"), start("eew")];
  roles.push(watchdog, eew);
  await hears("watchdog", "STATUS=waiting: no brain yet, UNPROTECTED");
  await hears("eew", "READY=1");
  const brain = start("brain");
  roles.push(brain);
  await hears("brain", "READY=1");
  await hears("watchdog", "STATUS=armed: the brain beats, 2 positions");
  await hears("brain", "WATCHDOG=1");
  await brain.end();
  // A full queue would be a role that is not heard: ten datagrams wait here for a reader, 512 under systemd.
  await hears("watchdog", /^STATUS=tripping: incident /);
  await hears("eew", /^STATUS=executing /);
  await hears("watchdog", /^STATUS=halted: incident \S+ attempt 1, ended FLAT, until a person resets it$/);
  await hears("eew", "STATUS=halted: listening, and looking that nothing opens");
  for (const role of [watchdog, eew]) role.signal("SIGTERM");
  await hears("watchdog", "STOPPING=1");
  await hears("eew", "STOPPING=1");
  await Promise.all([watchdog.ended, eew.ended]);
}

test("each role tells its supervisor that it is ready, that it works, how it is, and that it stops", async () => {
  await incident((role) => {
    // Stdout is named as the journal, and journald is not there.
    const env = { PATH: process.env["PATH"] ?? "", ...envOf(role), LOG_FORMAT: "text" };
    const logFile = join(directory, `${role}.log`);
    return new ChildRun({ file: QUANTUM, args: [role], env, cwd: directory, logFile });
  });
  for (const role of ["watchdog", "eew"] as const) {
    const lines = told(role);
    expect(lines.filter((line) => line === "READY=1")).toHaveLength(1);
    expect(lines.filter((line) => line === "WATCHDOG=1").length).toBeGreaterThan(5);
    expect(lines.filter((line) => line === "STOPPING=1")).toHaveLength(1);
  }
});

describe.skipIf(needs !== null)("in the journal", () => {
  beforeEach(async () => {
    journal = await startJournal(directory);
  });
  afterEach(() => journal.stop());

  /** The text of the entries that `journalctl` shows. */
  const texts = (...args: readonly string[]): readonly string[] =>
    journal.entries(...args).map((entry) => entry["MESSAGE"] ?? "");

  test("-p crit shows exactly the incident, as the runbook has it, and EVENT_ID all of it", async () => {
    await incident((role) => journal.start(role, QUANTUM, [role], envOf(role)));
    expect(["watchdog", "eew", "brain"].map((role) => readFileSync(join(directory, `${role}.log`), "utf8"))).toEqual([
      "",
      "",
      "",
    ]);
    // Step 4.
    expect(texts("-p", "crit", "-t", "quantum-watchdog")).toEqual([
      expect.stringMatching(/^FAILURE DETECTED: Heartbeat missing \(5\.\ds > 5\.0s\)$/),
      "TRIGGERING PANIC CLOSE",
      expect.stringMatching(/^Reason: EXIT_BRAIN_HEARTBEAT_MISSING_\(5\.\dS_>_5\.0S\)$/),
      "Panic close published to system:panic_close",
      expect.stringMatching(new RegExp(`^Event ID: ${ID}$`)),
      expect.stringMatching(new RegExp(`^Event ${ID} ended FLAT: halted until a person resets it`)),
    ] as never);
    // Step 6; the closes are answered in the venue's order.
    const pass = texts("-p", "crit", "-t", "quantum-eew");
    const isAnswer = (line: string): boolean => / closed - Order ID: \d+$/.test(line);
    expect(pass.filter((line) => !isAnswer(line))).toEqual([
      ...[RULE, "PANIC CLOSE EVENT RECEIVED", RULE],
      expect.stringMatching(new RegExp(`^Event ID: ${ID}$`)),
      "Source: watchdog",
      expect.stringMatching(/^Reason: EXIT_BRAIN_HEARTBEAT_MISSING_/),
      expect.stringMatching(/^Trigger validated \(source=watchdog, age=\d\.\ds\)$/),
      "Found 2 open positions",
      expect.stringMatching(/^Total notional: \$\d+\.\d\d$/),
      "Closing BTCUSDT: SELL 0.002 (reduce-only)",
      "Closing ETHUSDT: BUY 0.05 (reduce-only)",
      "Closed: 2/2",
      expect.stringMatching(/^Execution time: \d+ms$/),
      "Published to system:panic_close:completed",
      ...[RULE, "PANIC CLOSE COMPLETE - SYSTEM HALTED", RULE],
    ] as never);
    const legs = pass.filter(isAnswer).map((line) => line.split(" ")[0]);
    expect([legs.length, new Set(legs)]).toEqual([2, new Set(["BTCUSDT", "ETHUSDT"])]);
    const eventId = pass.find((line) => line.startsWith("Event ID: "))?.slice("Event ID: ".length) ?? "";
    const ofEvent = texts("-p", "crit", `EVENT_ID=${eventId}`);
    expect(ofEvent).toHaveLength(6 + pass.length);
    expect(texts("-p", "crit", `QUANTUM_INCIDENT_ID=${eventId}`)).toEqual([...ofEvent]);
    expect(texts("-p", "crit")).toEqual([...ofEvent]);
    expect(texts("-t", "quantum-eew", "-p", "info", "--grep", "Listening").length).toBeGreaterThan(0);
  });
});

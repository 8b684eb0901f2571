/**
 * The benchmark's venue, a process of its own: the simulated Binance over HTTPS, set and asked over standard input and
 * output, so that asking it costs no connection and no request.
 */

import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { hostClock } from "../../src/adapters/host/clock.ts";
import { type BinanceServer, serveBinance } from "../../src/sim/binance-server.ts";
import { throwAwayCertificate } from "../../src/sim/certificate.ts";
import { Venue } from "../../src/sim/venue.ts";
import { benchContracts } from "./contracts.ts";
import type { VenueCommand, VenueReport, VenueStep } from "./protocol.ts";
import { setScene } from "./scene.ts";

/** More than any row opens: a venue lists more contracts than an account holds. */
const CONTRACTS = 320;

/**
 * The budgets of a minute are wide, for they would measure how many passes the benchmark runs in one. The one that a
 * single pass can exhaust, 300 orders in ten seconds, is Binance's; the benchmark starts each scene in a fresh window.
 */
const LIMITS = { weightPerMinute: 1_000_000, ordersPerMinute: 1_000_000 };

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: the benchmark sets it`);
  return value;
}

const apiKey = setting("BINANCE_API_KEY");
const contracts = benchContracts(CONTRACTS);
const venue = new Venue({ now: hostClock.wall, symbols: contracts.map(({ rules }) => rules) });
venue.addAccount({ apiKey, secret: setting("BINANCE_API_SECRET"), balance: "1000000000" });
const tls = await throwAwayCertificate();
writeFileSync(setting("BINANCE_CA_FILE"), tls.certPem);

const serve = (port: number): Promise<BinanceServer> =>
  serveBinance({ venue, port, tls, latencyMs: Number(setting("LATENCY_MS")), limits: LIMITS, marksAtOnce: true });

let server: BinanceServer | null = await serve(0);
const { port, url } = server;
let setAt = hostClock.wall();
let markedAt: number | null = null;
let handshakesBefore = 0;

async function shut(): Promise<void> {
  if (server === null) return;
  handshakesBefore += server.handshakes();
  const closing = server;
  server = null;
  await closing.close();
}

async function obey(command: VenueCommand): Promise<void> {
  switch (command.do) {
    case "open":
      server ??= await serve(port);
      return;
    case "shut":
      return await shut();
    case "set":
      setScene(venue, apiKey, contracts.slice(0, command.positions), command.orders);
      setAt = hostClock.wall();
      return;
    case "mark":
      venue.setMark(command.symbol, command.price);
      markedAt = hostClock.wall();
      return;
    case "stream":
      server?.streams.change(JSON.stringify({ mood: command.mood }));
      return;
    case "report":
      return;
  }
}

function report(): VenueReport {
  return {
    positions: venue.positions(apiKey).length,
    resting: venue.openOrders(apiKey).length + venue.openAlgoOrders(apiKey).length,
    fills: venue
      .fills(apiKey)
      .filter(({ time }) => time >= setAt)
      .map(({ time }) => time),
    markedAt,
    handshakes: handshakesBefore + (server?.handshakes() ?? 0),
    steps: steps(),
  };
}

function steps(): readonly VenueStep[] {
  const byCall = new Map<string, VenueStep>();
  for (const { method, path, at, status } of server?.requests() ?? []) {
    if (at < setAt) continue;
    const call = `${method} ${path}`;
    const before = byCall.get(call) ?? { call, count: 0, refused: 0, firstAt: at, lastAt: at };
    const refused = before.refused + (status === 200 ? 0 : 1);
    byCall.set(call, { ...before, count: before.count + 1, refused, lastAt: at });
  }
  return [...byCall.values()];
}

function say(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

say({ url });
// One command at a time: the next line is read when this one has been answered.
for await (const line of createInterface({ input: process.stdin })) {
  await obey(JSON.parse(line) as VenueCommand);
  say(report());
}
await shut();

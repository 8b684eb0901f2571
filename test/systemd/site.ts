/** A booted machine with Quantum deployed on it, and the venue that it trades on: what a case works with. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { fieldsOf, type RawEntry } from "../../src/adapters/redis/codec.ts";
import { RedisLink } from "../../src/adapters/redis/link.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { type BinanceServer, serveBinance } from "../../src/sim/binance-server.ts";
import { type Certificate, throwAwayCertificate } from "../../src/sim/certificate.ts";
import { FaultBook } from "../../src/sim/faults.ts";
import { Venue } from "../../src/sim/venue.ts";
import type { SeenEvent } from "../faults/scene.ts";
import { type Opened, type SeenReport, violations } from "../faults/truth.ts";
import { eventually } from "../support/eventually.ts";
import { WORKER_KEY } from "../support/worker.ts";
import { deploy } from "./deploy.ts";
import type { Machine } from "./machine.ts";
import { BRAIN, REDIS, TARGET, UNITS, WATCHDOG, WORKER } from "./units.ts";

/** How a case differs from the usual one. */
export interface SiteOptions {
  /** The positions; the runbook's two small ones if not given. */
  readonly positions?: readonly Opened[];
}

/** Runbook, step 6. */
const USUAL: readonly Opened[] = [
  { symbol: "BTCUSDT", amount: "0.002" },
  { symbol: "ETHUSDT", amount: "0.05" },
];

/** The path to the venue and back. */
const LATENCY_MS = 20;
/** On the machine's own loopback, where a testnet would be on the internet. */
const VENUE_PORT = 8443;
const REDIS_URL = "redis://127.0.0.1:6379";
const LOOK_EVERY_MS = 20;
/** Every role is at work: the worker needs a look at the venue for it, the watchdog a brain. */
const AT_WORK_MS = 30_000;
const API_KEY = WORKER_KEY.BINANCE_API_KEY;

/** The machine, the venue, and what is on record. */
export class Site {
  readonly machine: Machine;
  readonly #certificate: Certificate;
  readonly #redis = new RedisLink({ url: REDIS_URL, deadlineMs: 1_000 });
  readonly #seen = new Set<string>();
  #venue: Venue = new Venue({ now: wallClock });
  #server: BinanceServer | null = null;
  #open = true;
  /** Seconds since 1970, as journald counts. */
  #begunAt = "0";
  /** Every completion of this case, as it was seen. */
  reports: SeenReport[] = [];
  opened: Opened[] = [];
  /** What goes wrong at the venue in this case. */
  faults: FaultBook = new FaultBook();

  private constructor(machine: Machine, certificate: Certificate) {
    this.machine = machine;
    this.#certificate = certificate;
    void this.#watch();
  }

  /** Deploys Quantum on a machine that has none. */
  static async open(machine: Machine): Promise<Site> {
    const site = new Site(machine, await throwAwayCertificate());
    await site.#deploy();
    return site;
  }

  /** Begins a case: nothing is on record, the account has its positions, and every role is at work. */
  async begin({ positions = USUAL }: SiteOptions): Promise<void> {
    const { machine } = this;
    // What a case may have left without Quantum, or stopped, masked, failed or disabled.
    if (!existsSync(join(machine.root, "/usr/local/bin/quantum"))) await this.#deploy();
    await machine.must(`systemctl stop ${[TARGET, ...UNITS].join(" ")}`, { limitMs: 60_000 });
    await this.#withoutDropIns();
    await machine.must(`systemctl enable --quiet ${[REDIS, ...UNITS].join(" ")}`);
    await machine.must("systemctl reset-failed");
    await machine.must(`systemctl clean --what=state ${WORKER} ${BRAIN}`);
    await machine.must(`systemctl start ${REDIS}`);
    await machine.must("redis-cli FLUSHALL");
    await this.#serve();
    for (const leg of positions) this.openPosition(leg);
    this.#begunAt = (Date.now() / 1_000).toFixed(3);
    await machine.must(`systemctl start ${TARGET}`, { limitMs: 60_000 });
    await this.atWork();
  }

  /** Waits until the brain beats for what is open now, the watchdog is armed and the worker is heard. */
  async atWork(): Promise<void> {
    const count = String(this.#venue.positions(API_KEY).length);
    const [brain, watchdog, worker] = ["exit_brain:heartbeat", "watchdog:heartbeat", "eew:heartbeat"];
    const began = await this.#ids(brain, watchdog, worker);
    const is = async (stream: string, field: string, value: string): Promise<boolean> => {
      const [last] = (await this.redis("XREVRANGE", stream, "+", "-", "COUNT", "1")) as RawEntry[];
      return last !== undefined && last[0] !== began.get(stream) && fieldsOf(last).get(field) === value;
    };
    await eventually(`the brain beats with ${count} positions`, () => is(brain, "active_positions", count), AT_WORK_MS);
    await eventually("the watchdog is armed", () => is(watchdog, "state", "armed"), AT_WORK_MS);
    await eventually("the worker is heard", () => is(worker, "status", "ALIVE"), AT_WORK_MS);
  }

  /** Each look of a worker is followed by its heartbeat: two later it has seen what is on the bus now, such as a brain that lives. */
  async workerHasLooked(): Promise<void> {
    const count = async (): Promise<number> => Number(await this.redis("XLEN", "eew:heartbeat"));
    const before = await count();
    await eventually("the worker has looked", async () => (await count()) >= before + 2, AT_WORK_MS);
  }

  /** Opens a position at the venue, past all signing. */
  openPosition(leg: Opened): void {
    this.opened.push(leg);
    this.#venue.openPosition(API_KEY, { ...leg, positionSide: "BOTH" });
  }

  /** Moves the mark of a symbol at the venue. */
  setMark(symbol: string, price: string): void {
    this.#venue.setMark(symbol, price);
  }

  /** How much of a symbol is open, with its sign; `0` for none. */
  amountOf(symbol: string): string {
    const leg = this.#venue.positions(API_KEY).find((one) => one.symbol === symbol);
    return leg?.amount.toFixed() ?? "0";
  }

  /** A field of the brain's last heartbeat; empty if there is none. */
  async brainSays(field: string): Promise<string> {
    const [last] = (await this.redis("XREVRANGE", "exit_brain:heartbeat", "+", "-", "COUNT", "1")) as RawEntry[];
    return last === undefined ? "" : (fieldsOf(last).get(field) ?? "");
  }

  /** Opens an account besides, with a position of its own; returns what is open on it. */
  addAccount(key: { readonly apiKey: string; readonly secret: string }, leg: Opened): () => readonly string[] {
    this.#venue.addAccount(key);
    this.#venue.openPosition(key.apiKey, { ...leg, positionSide: "BOTH" });
    return () => this.#venue.positions(key.apiKey).map(({ symbol, amount }) => `${symbol} ${amount.toFixed()}`);
  }

  /** How many closes have arrived at the venue. */
  closesSent(): number {
    const isClose = ({ method, path }: { method: string; path: string }): boolean =>
      method === "POST" && path === "/fapi/v1/order";
    return this.#server?.requests().filter(isClose).length ?? 0;
  }

  /** Asks the machine's Redis; empty while it is away. */
  async redis(...words: readonly string[]): Promise<unknown> {
    const [name = "", ...rest] = words;
    const answer = await this.#redis.ask(name, (redis) => redis.call(name, ...rest));
    return answer.known ? answer.value : [];
  }

  /** The panic events on record, oldest first. */
  async events(): Promise<readonly SeenEvent[]> {
    const entries = (await this.redis("XRANGE", "system:panic_close", "-", "+")) as readonly RawEntry[];
    return entries.map((entry) => {
      const fields = fieldsOf(entry);
      const atMs = idTime(entry);
      return { fields, eventId: fields.get("event_id") ?? "", reason: fields.get("reason") ?? "", atMs };
    });
  }

  /** The first panic event, once it is there. */
  async firstEvent(limitMs: number): Promise<SeenEvent> {
    let found: SeenEvent | undefined;
    const look = async (): Promise<boolean> => {
      [found] = await this.events();
      return found !== undefined;
    };
    await eventually("a panic event", look, limitMs);
    return found as SeenEvent;
  }

  /** When the last heartbeat of that stream was written, on Redis's clock; NaN if there is none. */
  async lastBeatMs(stream = "exit_brain:heartbeat"): Promise<number> {
    const [last] = (await this.redis("XREVRANGE", stream, "+", "-", "COUNT", "1")) as RawEntry[];
    return last === undefined ? Number.NaN : idTime(last);
  }

  /** What is open and what rests, by name. */
  openNow(): readonly string[] {
    const legs = this.#venue.positions(API_KEY).map(({ symbol, amount }) => `${symbol} ${amount.toFixed()}`);
    const orders = this.#venue.openOrders(API_KEY).map(({ symbol }) => `an order on ${symbol}`);
    return [...legs, ...orders];
  }

  async untilFlat(limitMs: number): Promise<void> {
    await eventually("the account is flat", () => this.openNow().length === 0, limitMs).catch((error: unknown) => {
      throw new Error(`${String(error)}: ${this.openNow().join(", ")} still open`);
    });
  }

  /** The report on an event, once it is there. */
  async report(eventId: string, limitMs: number): Promise<SeenReport> {
    const find = (): SeenReport | undefined => this.reports.find((report) => report.eventId === eventId);
    await eventually(`the report on event ${eventId}`, () => find() !== undefined, limitMs);
    return find() as SeenReport;
  }

  async isHalted(): Promise<boolean> {
    return (await this.redis("HGET", "system:state:trading", "halted")) === "true";
  }

  /** The venue's time of its last execution; NaN if there was none. */
  lastFillMs(): number {
    return this.#venue.fills(API_KEY).at(-1)?.time ?? Number.NaN;
  }

  /** What a unit has logged in this case, without journald's prefix; `which`: only that, such as `-p crit`. */
  async log(unit: string, which = ""): Promise<string> {
    // Not by a cursor: journalctl skips one entry behind it even where the cursor's own is filtered out.
    return await this.machine.must(`journalctl -q -o cat --since=@${this.#begunAt} -u ${unit} ${which}`);
  }

  /** What does not hold although it must in every case. */
  async violations(): Promise<readonly string[]> {
    const server = this.#server;
    if (server === null) return [];
    const logs = await Promise.all(UNITS.map(async (name) => ({ name, text: await this.log(name) })));
    const { reports, opened } = this;
    // systemd says so for each process that it has started.
    const workerLives = (await this.log(WORKER)).split("\n").filter((line) => line.startsWith("Starting ")).length;
    const secrets = [WORKER_KEY.BINANCE_API_SECRET];
    return violations({ reports, opened, venue: this.#venue, apiKey: API_KEY, server, workerLives, logs, secrets });
  }

  /** The last lines of each unit, for a case that failed. */
  async logTails(lines: number): Promise<readonly string[]> {
    const tails = UNITS.map(async (unit) => {
      const { stdout } = await this.machine.type(`journalctl -q --no-pager -n ${lines} -u ${unit}`);
      return stdout.trimEnd().split("\n");
    });
    return (await Promise.all(tails)).flat();
  }

  async close(): Promise<void> {
    this.#open = false;
    this.#redis.close();
    await this.#server?.close();
  }

  async #deploy(): Promise<void> {
    await deploy(this.machine, { url: `https://127.0.0.1:${VENUE_PORT}`, caPem: this.#certificate.certPem });
  }

  /** A case that failed half-way has left its brain with a policy, or with a bot. */
  async #withoutDropIns(): Promise<void> {
    const folder = `/etc/systemd/system/${BRAIN}.d`;
    if (!existsSync(join(this.machine.root, folder))) return;
    await this.machine.must("quantum install --no-policy --during-halt --yes");
    await this.machine.must(`rm -rf ${folder} && systemctl daemon-reload`);
  }

  /** A venue that nothing has happened on. */
  async #serve(): Promise<void> {
    await this.#server?.close();
    this.#venue = new Venue({ now: wallClock });
    this.#venue.addAccount({ apiKey: API_KEY, secret: WORKER_KEY.BINANCE_API_SECRET });
    this.faults = new FaultBook();
    this.reports = [];
    this.opened = [];
    this.#seen.clear();
    const common = { venue: this.#venue, faults: this.faults, latencyMs: LATENCY_MS };
    this.#server = await serveBinance({ ...common, port: VENUE_PORT, tls: this.#certificate });
  }

  async #ids(...streams: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const ids = new Map<string, string>();
    for (const stream of streams) {
      const [last] = (await this.redis("XREVRANGE", stream, "+", "-", "COUNT", "1")) as RawEntry[];
      if (last !== undefined) ids.set(stream, last[0]);
    }
    return ids;
  }

  /** Takes each completion when it arrives, with what is open at that moment. Redis may die under it, and forget. */
  async #watch(): Promise<void> {
    while (this.#open) {
      const entries = (await this.redis("XRANGE", "system:panic_close:completed", "-", "+")) as readonly RawEntry[];
      for (const entry of entries) {
        if (this.#seen.has(entry[0])) continue;
        this.#seen.add(entry[0]);
        const fields = fieldsOf(entry);
        const report = { eventId: fields.get("event_id") ?? "", outcome: fields.get("outcome") ?? "", fields };
        this.reports.push({ ...report, open: this.openNow() });
      }
      await Bun.sleep(LOOK_EVERY_MS);
    }
  }
}

/** Which unit a stream's heartbeats come from. */
export const HEARTBEATS: Readonly<Record<string, string>> = {
  [BRAIN]: "exit_brain:heartbeat",
  [WATCHDOG]: "watchdog:heartbeat",
  [WORKER]: "eew:heartbeat",
};

const wallClock = (): UnixMillis => Date.now() as UnixMillis;

function idTime([id]: RawEntry): number {
  return Number(id.split("-")[0]);
}

/** A deployment that faults are caused in: a real redis-server, the simulated venue over HTTP, and the roles as processes. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ChildRun } from "../../src/adapters/host/processes.ts";
import { fieldsOf, type RawEntry } from "../../src/adapters/redis/codec.ts";
import { RedisLink } from "../../src/adapters/redis/link.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import type { BeatingRole } from "../../src/ports/bus.ts";
import { type BinanceServer, serveBinance } from "../../src/sim/binance-server.ts";
import { type Certificate, throwAwayCertificate } from "../../src/sim/certificate.ts";
import { FaultBook } from "../../src/sim/faults.ts";
import { manySymbols } from "../../src/sim/symbols.ts";
import { Venue } from "../../src/sim/venue.ts";
import { eventually } from "../support/eventually.ts";
import { startRedisAt, type TestRedis } from "../support/redis.ts";
import { QUANTUM } from "../support/run.ts";
import { WORKER_KEY } from "../support/worker.ts";
import { type Failover, openFailover } from "./failover.ts";
import { type Feed, type FeedOptions, startFeed } from "./feed.ts";
import { openProxy, type TcpProxy } from "./proxy.ts";
import { type Opened, type SeenReport, violations } from "./truth.ts";
import { type WallClock, wallClock } from "./wall-clock.ts";

/** How a scene differs from the usual one. */
export interface SceneOptions {
  /** Further arguments of redis-server. */
  readonly redis?: readonly string[];
  /** Redis is a master with two replicas and three sentinels: on one side, or on two whose cable can be pulled. */
  readonly sentinels?: "one side" | "two sides";
  /** Redis has a wall clock that can be shifted, `scene.clock(REDIS_CLOCK)`. */
  readonly redisClock?: boolean;
  /** The positions; two small ones if not given. */
  readonly positions?: readonly Opened[];
  /** That many further symbols, each with a position of 1. */
  readonly many?: number;
  readonly latencyMs?: number;
  /** The venue's limits per minute are lifted: for more passes in a minute than an account ever sees. */
  readonly unlimited?: boolean;
  /** Panic events must be signed. */
  readonly signed?: boolean;
  /** The account is in hedge mode: each position is a leg of its side. */
  readonly hedge?: boolean;
  /** The venue speaks HTTPS, with a certificate that the roles are told to trust. */
  readonly https?: boolean;
}

/** How a role is started. */
export interface RoleOptions {
  /** Its state, its log and its name; the role's own name if not given. */
  readonly name?: string;
  readonly flags?: readonly string[];
  /** Where it finds Redis, if not directly. */
  readonly redisUrl?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Where its log goes; the scene's directory if not given. */
  readonly logDirectory?: string;
  /** What it is started by, such as `["ip", "netns", "exec", "cut"]`. */
  readonly by?: readonly string[];
}

/** A role that runs. */
export interface Role {
  readonly name: string;
  signal(name: NodeJS.Signals): void;
  running(): boolean;
  log(): string;
  /** Waits until it has written `words`. */
  says(words: string, limitMs?: number): Promise<void>;
  /** Kills it and waits until it is gone. */
  kill(): Promise<void>;
  /** Waits until it is gone by itself. */
  ended(limitMs?: number): Promise<void>;
  /** Kills it, if it runs, and starts it again as it was: same state directory. */
  restart(): Promise<void>;
}

/** A panic event as it is on the bus. */
export interface SeenEvent {
  readonly fields: ReadonlyMap<string, string>;
  readonly eventId: string;
  readonly reason: string;
  /** Redis's clock. */
  readonly atMs: number;
}

/** The limit that a silent brain breaks in most scenes: the runbook's five seconds, five times faster. */
export const LIMIT_MS = 1_000;

/** The runbook's own limit. */
export const REAL_LIMIT_MS = 5_000;

/** Runbook, pass criteria: a panic at most this long after the limit. */
export const OVERSHOOT_MAX_MS = 500;

/** Runbook, pass criteria: panic to flat. */
export const FLAT_MAX_MS = 10_000;

/** Design section 4: the worker acts when Redis has been away for 5 s, and a pass may take ten. */
export const WITHOUT_REDIS_MAX_MS: number = 5_000 + FLAT_MAX_MS;

/** Design section 4: it acts when no watchdog was heard for 10 s while the brain is silent, and then a pass. */
export const WITHOUT_WATCHDOG_MAX_MS: number = 10_000 + FLAT_MAX_MS;

/** A watchdog for most scenes. */
export const FAST_WATCHDOG: RoleOptions = { flags: ["--heartbeat-missing-ms", String(LIMIT_MS)] };

/** The name of Redis's wall clock. */
export const REDIS_CLOCK = "redis";

const USUAL: readonly Opened[] = [
  { symbol: "BTCUSDT", amount: "0.5" },
  { symbol: "ETHUSDT", amount: "-2" },
];

const LATENCY_MS = 20;
const UNLIMITED = { weightPerMinute: 1_000_000, ordersPerMinute: 1_000_000 };
const LOOK_EVERY_MS = 20;
const LISTENS: Readonly<Record<BeatingRole, RegExp>> = {
  brain: /Watching \d+ positions|No open positions/,
  watchdog: /UNPROTECTED|Armed|halted|ended|FAILURE/,
  eew: /Listening for panic_close/,
};

/** What the secrets of a scene look like; no log may show them. */
export const TRIGGER_SECRET = "faults-trigger-secret";

/** A scene, and what can be done in it. */
export class Scene {
  readonly directory: string;
  readonly redis: TestRedis;
  readonly venue: Venue;
  readonly server: BinanceServer;
  /** What goes wrong at the venue. */
  readonly faults: FaultBook;
  /** Every completion, as it was seen. */
  readonly reports: SeenReport[] = [];
  /** Reports are compared with the venue's present; a scene that opens something after a report says so. */
  readonly opened: Opened[] = [];
  readonly #options: SceneOptions;
  #failover: Failover | null = null;
  readonly #watching: RedisLink;
  readonly #closers: (() => Promise<void> | void)[] = [];
  readonly #roles: { readonly name: string; log(): string }[] = [];
  #workerLives = 0;
  #open = true;

  private constructor(
    directory: string,
    redis: TestRedis,
    venue: Venue,
    server: BinanceServer,
    faults: FaultBook,
    options: SceneOptions,
  ) {
    this.directory = directory;
    this.redis = redis;
    this.venue = venue;
    this.server = server;
    this.faults = faults;
    this.#options = options;
    this.#watching = new RedisLink({ url: redis.url, deadlineMs: 500 });
  }

  /** Sets the scene; whoever opens it closes it. */
  static async open(options: SceneOptions = {}): Promise<Scene> {
    const directory = mkdtempSync(join(tmpdir(), "quantum-fault-"));
    const env = options.redisClock ? wallClock(directory, REDIS_CLOCK).env : {};
    const failover = options.sentinels === undefined ? null : await openFailover(options.sentinels);
    const redis = failover?.redis ?? (await startRedisAt({ env }, ...(options.redis ?? [])));
    const many = options.many === undefined ? [] : manySymbols(options.many);
    const now = (): UnixMillis => Date.now() as UnixMillis;
    const venue = many.length === 0 ? new Venue({ now }) : new Venue({ now, symbols: many });
    const [apiKey, secret] = [WORKER_KEY.BINANCE_API_KEY, WORKER_KEY.BINANCE_API_SECRET];
    venue.addAccount({ apiKey, secret, hedge: options.hedge ?? false });
    const faults = new FaultBook();
    const latencyMs = options.latencyMs ?? LATENCY_MS;
    const limits = options.unlimited ? UNLIMITED : {};
    const tls = options.https ? { tls: await trusted(directory) } : {};
    const server = await serveBinance({ venue, latencyMs, faults, limits, ...tls });
    const scene = new Scene(directory, redis, venue, server, faults, options);
    scene.#failover = failover;
    const usual = many.length === 0 ? USUAL : many.map(({ symbol }) => ({ symbol, amount: "1" }));
    for (const leg of options.positions ?? usual) scene.openPosition(leg);
    scene.#closers.push(() => rmSync(directory, { recursive: true, force: true }));
    scene.#closers.push(() => server.close());
    scene.#closers.push(() => redis.stop());
    void scene.#watch();
    return scene;
  }

  /** What is behind `redis` where the scene has sentinels. */
  get failover(): Failover {
    if (this.#failover === null) throw new Error("the scene has no sentinels");
    return this.#failover;
  }

  openPosition(leg: Opened): void {
    this.opened.push(leg);
    const side = leg.amount.startsWith("-") ? "SHORT" : "LONG";
    const positionSide = this.#options.hedge ? side : "BOTH";
    this.venue.openPosition(WORKER_KEY.BINANCE_API_KEY, { ...leg, positionSide });
  }

  get apiKey(): string {
    return WORKER_KEY.BINANCE_API_KEY;
  }

  /** Starts a role and waits until it is at work. */
  async start(role: BeatingRole, options: RoleOptions = {}): Promise<Role> {
    const started = this.launch(role, options);
    await eventually(`${started.name} is at work`, () => LISTENS[role].test(started.log()));
    return started;
  }

  /** Starts a role and does not wait. */
  launch(role: BeatingRole, options: RoleOptions = {}): Role {
    const name = options.name ?? role;
    const env = {
      ...WORKER_KEY,
      PATH: process.env["PATH"] ?? "",
      REDIS_URL: options.redisUrl ?? this.redis.url,
      BINANCE_TESTNET: "true",
      BINANCE_BASE_URL: this.server.url,
      STATE_DIRECTORY: join(this.directory, name),
      LOG_FORMAT: "text",
      ...(this.#options.signed ? { QUANTUM_TRIGGER_SECRET: TRIGGER_SECRET } : {}),
      ...(this.#options.https ? { BINANCE_CA_FILE: caFileIn(this.directory) } : {}),
      ...options.env,
    };
    const [file = "", ...args] = [...(options.by ?? []), QUANTUM, role, ...(options.flags ?? [])];
    const logFile = join(options.logDirectory ?? this.directory, `${name}.log`);
    const begin = (): ChildRun => {
      if (role === "eew") this.#workerLives += 1;
      return new ChildRun({ file, args, env, cwd: this.directory, logFile });
    };
    let run = begin();
    const started: Role = {
      name,
      signal: (signal) => void run.signal(signal),
      running: () => run.running(),
      log: () => run.log(),
      says: (words, limitMs) => eventually(`${name} says: ${words}`, () => run.log().includes(words), limitMs),
      kill: () => run.end(),
      ended: (limitMs) => eventually(`${name} is gone`, () => !run.running(), limitMs),
      restart: async () => {
        await run.end();
        run = begin();
      },
    };
    this.#roles.push(started);
    this.#closers.push(() => run.end());
    return started;
  }

  /** A brain of somebody else's: heartbeats as its owner would write them, from this process. */
  feed(options: FeedOptions = {}): Feed {
    const feed = startFeed(this.redis.url, options);
    this.#closers.push(() => feed.stop());
    return feed;
  }

  /** A link to Redis that can be made to fail; the URL is for the role behind it. */
  async redisLink(): Promise<TcpProxy & { readonly url: string }> {
    const proxy = await openProxy(Number(new URL(this.redis.url).port));
    this.#closers.push(() => proxy.close());
    return { ...proxy, url: `redis://127.0.0.1:${proxy.port}` };
  }

  /** A link to the venue that can be made to fail; the environment is for the role behind it. */
  async venueLink(): Promise<TcpProxy & { readonly env: Readonly<Record<string, string>> }> {
    const proxy = await openProxy(this.server.port);
    this.#closers.push(() => proxy.close());
    const scheme = this.#options.https ? "https" : "http";
    return { ...proxy, env: { BINANCE_BASE_URL: `${scheme}://127.0.0.1:${proxy.port}` } };
  }

  /** A wall clock for one role, or for those that share the name. */
  clock(name: string): WallClock {
    return wallClock(this.directory, name);
  }

  /** Ends with the scene, the newest first. */
  onClose(close: () => Promise<void> | void): void {
    this.#closers.push(close);
  }

  /** Orders an exit as an operator's script would; the fields given replace the usual ones, and an empty one leaves it out. */
  async panic(fields: Readonly<Record<string, string>> = {}): Promise<string> {
    const eventId = crypto.randomUUID();
    const usual = { event_id: eventId, reason: "DRILL", severity: "CRITICAL", issued_by: "ops", ts: `${Date.now()}` };
    const pairs = Object.entries({ ...usual, ...fields }).filter(([, value]) => value !== "");
    await this.redis.command("XADD", "system:panic_close", "*", ...pairs.flat());
    return fields["event_id"] ?? eventId;
  }

  /** The panic events on record, oldest first. */
  async events(): Promise<readonly SeenEvent[]> {
    const entries = (await this.redis.command("XRANGE", "system:panic_close", "-", "+")) as readonly RawEntry[];
    return entries.map((entry) => {
      const fields = fieldsOf(entry);
      const atMs = Number(entry[0].split("-")[0]);
      return { fields, eventId: fields.get("event_id") ?? "", reason: fields.get("reason") ?? "", atMs };
    });
  }

  /** The first panic event, once it is there. */
  async firstEvent(limitMs?: number): Promise<SeenEvent> {
    await eventually("a panic event", async () => (await this.events()).length > 0, limitMs);
    const [event] = await this.events();
    if (event === undefined) throw new Error("the panic event is gone again");
    return event;
  }

  /** When the last heartbeat of a brain was written, on Redis's clock. */
  async lastBeatMs(): Promise<number> {
    const [last] = (await this.redis.command(
      "XREVRANGE",
      "exit_brain:heartbeat",
      "+",
      "-",
      "COUNT",
      "1",
    )) as RawEntry[];
    return Number(last?.[0].split("-")[0] ?? Number.NaN);
  }

  isFlat(): boolean {
    return this.openNow().length === 0;
  }

  /** What is open and what rests, by name. */
  openNow(): readonly string[] {
    const legs = this.venue.positions(this.apiKey).map(({ symbol, amount }) => `${symbol} ${amount.toFixed()}`);
    const orders = this.venue.openOrders(this.apiKey).map(({ symbol }) => `an order on ${symbol}`);
    return [...legs, ...orders];
  }

  async untilFlat(limitMs?: number): Promise<void> {
    await eventually("the account is flat", () => this.isFlat(), limitMs).catch((error: unknown) => {
      throw new Error(`${String(error)}: ${this.openNow().join(", ")} still open`);
    });
  }

  /** The report on an event, once it is there; on any event without one. */
  async report(eventId?: string, limitMs?: number): Promise<SeenReport> {
    const find = (): SeenReport | undefined =>
      this.reports.find((report) => eventId === undefined || report.eventId === eventId);
    await eventually("the report", () => find() !== undefined, limitMs);
    return find() as SeenReport;
  }

  async isHalted(): Promise<boolean> {
    return (await this.redis.command("HGET", "system:state:trading", "halted")) === "true";
  }

  /** The venue's time of its last execution. */
  lastFillMs(): number {
    return this.venue.fills(this.apiKey).at(-1)?.time ?? Number.NaN;
  }

  /** What does not hold although it must in every scene. */
  violations(): readonly string[] {
    return violations({
      reports: this.reports,
      opened: this.opened,
      venue: this.venue,
      apiKey: this.apiKey,
      server: this.server,
      workerLives: this.#workerLives,
      logs: this.#roles.map((role) => ({ name: role.name, text: role.log() })),
      secrets: [WORKER_KEY.BINANCE_API_SECRET, TRIGGER_SECRET],
    });
  }

  /** The last lines of each role, for a case that failed. */
  logTails(lines: number): readonly string[] {
    return this.#roles.flatMap((role) =>
      role
        .log()
        .trim()
        .split("\n")
        .slice(-lines)
        .map((line) => `${role.name}: ${line}`),
    );
  }

  async close(): Promise<void> {
    this.#open = false;
    this.#watching.close();
    for (const close of this.#closers.toReversed()) await close();
  }

  /** Takes each completion when it arrives, with what is open at that moment. Redis may die under it, and forget. */
  async #watch(): Promise<void> {
    const seen = new Set<string>();
    while (this.#open) {
      const answer = await this.#watching.ask("watch the completions", (redis) =>
        redis.xrange("system:panic_close:completed", "-", "+"),
      );
      for (const entry of answer.known ? answer.value : []) {
        if (seen.has(entry[0])) continue;
        seen.add(entry[0]);
        const fields = fieldsOf(entry);
        const report = { eventId: fields.get("event_id") ?? "", outcome: fields.get("outcome") ?? "", fields };
        this.reports.push({ ...report, open: this.openNow() });
      }
      await Bun.sleep(LOOK_EVERY_MS);
    }
  }
}

const caFileIn = (directory: string): string => join(directory, "ca.pem");

/** A certificate for the venue, its authority put where the roles find it. */
async function trusted(directory: string): Promise<Certificate> {
  const certificate = await throwAwayCertificate();
  writeFileSync(caFileIn(directory), certificate.certPem);
  return certificate;
}

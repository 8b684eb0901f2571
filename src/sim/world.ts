/**
 * The whole system in one process, on virtual time: a brain, two watchdogs, two workers, one Redis, one venue.
 *
 * The roles are those that ship, and what they are given behaves as their ports promise; only the ports and the clock are
 * simulated. Each role is a machine of its own, with its own clocks and its own links, and can stop at any moment.
 */

import type { DirectWay } from "../adapters/direct/call.ts";
import { directLine, type OpenLine } from "../adapters/direct/line.ts";
import { brainCall, watchdogCall } from "../adapters/direct/watchdog-call.ts";
import type { ExitFile } from "../adapters/exits/file.ts";
import { exitStore } from "../adapters/exits/store.ts";
import { JournalMemory } from "../adapters/host/journal-memory.ts";
import { BRAIN_LIMITS } from "../core/brain.ts";
import { type Decimal, decimal, plain, ZERO } from "../core/decimal.ts";
import { EEW_LIMITS } from "../core/eew.ts";
import type { ExitRecord } from "../core/exit-leg.ts";
import type { Completion, PanicEvent } from "../core/messages.ts";
import { legName } from "../core/position.ts";
import type { Rulebook } from "../core/rulebook.ts";
import { SECOND_LINE_LIMITS } from "../core/second-line.ts";
import { after, type Instant, type UnixMillis } from "../core/time.ts";
import { WATCHDOG_LIMITS } from "../core/watchdog-state.ts";
import type { BrainBus, EewBus, WatchdogBus } from "../ports/bus.ts";
import type { Clock } from "../ports/clock.ts";
import type { DirectCall } from "../ports/direct-line.ts";
import type { Exchange } from "../ports/exchange.ts";
import type { ExitVenue } from "../ports/exit-venue.ts";
import type { Journal, JournalRecord } from "../ports/journal.ts";
import type { Log } from "../ports/log.ts";
import type { RulebookStore } from "../ports/rulebook-store.ts";
import { UNSUPERVISED } from "../ports/service.ts";
import { type PolicyWorld, runBrain } from "../roles/brain.ts";
import { runEew } from "../roles/eew.ts";
import { runWatchdog } from "../roles/watchdog.ts";
import { type BusLink, SimulatedBus } from "./bus.ts";
import { VirtualClock } from "./clock.ts";
import type { OrderRequest } from "./orders.ts";
import { Refused } from "./refusals.ts";
import { Venue } from "./venue.ts";
import { type ExitDisk, type ExitsSetup, exitFileOn, SILENT_STREAM, streamOver } from "./world/brain-policy.ts";
import { type Draw, stream } from "./world/draw.ts";
import { Host, type Life } from "./world/host.ts";
import { FAR, Link, NEAR } from "./world/link.ts";
import { busOver, directWay, exchangeOver, exitsOver, type RedisMood } from "./world/ports.ts";
import { type SiteHook, withSites } from "./world/sites.ts";
import { Trace } from "./world/trace.ts";
import {
  CLEAR,
  exchangeIn,
  exitsIn,
  LATE_IN_WINDOW_MS,
  type VenueSide,
  type VenueWeather,
} from "./world/venue-weather.ts";

/** Who can be started, stopped and cut off. */
export const ROLES = ["brain", "wd1", "wd2", "eew1", "eew2"] as const;
/** One of them, or a second brain, which should not be there. */
export type RoleName = (typeof ROLES)[number] | "brain2";
const WORKERS = ["eew1", "eew2"] as const;

/** What an exchange answers from memory, and what a bus answers without asking. */
const AT_ONCE = ["orderBudget", "silentUntil"] as const;
const AT_HAND = ["eventIdOf"] as const;
/** What a worker only listens to: nothing is done behind it that a death could cut off. */
const HEARD = ["hearBrain"] as const;

const API_KEY = "world-key";
const STARTS_AT = 1_795_000_000_000 as UnixMillis;

/** Sees what the roles do, at their ports; the caller's invariants hang on it. */
export interface Observer {
  /** A role has thrown. */
  defect(who: RoleName, error: unknown): void;
  brainBus(who: "brain" | "brain2", life: Life, bus: BrainBus): BrainBus;
  watchdogBus(who: "wd1" | "wd2", bus: WatchdogBus): WatchdogBus;
  directCall(direct: DirectCall): DirectCall;
  /** A brain with a policy begins with these records. */
  brainLoads(records: readonly ExitRecord[]): void;
  /** What it writes down, before the disk has it. */
  exitFile(life: Life, file: ExitFile): ExitFile;
  /** What a brain with a policy asks and sends, where it does so: before anything on the way. */
  brainExchange(life: Life, exchange: Exchange): Exchange;
  exitVenue(life: Life, exits: ExitVenue): ExitVenue;
  eewBus(who: "eew1" | "eew2", life: Life, bus: EewBus): EewBus;
  exchange(who: "eew1" | "eew2", life: Life, exchange: Exchange): Exchange;
  /** The same account, on the venue's side of the link. */
  atVenue(who: "eew1" | "eew2", life: Life, exchange: Exchange): Exchange;
  journal(who: "eew1" | "eew2", journal: Journal): Journal;
}

/** What is left on a worker's disk when it dies. */
interface Disk {
  readonly records: JournalRecord[];
  rulebook: Rulebook;
}

/** Everything there is; `W` watches it. */
export class World<W extends Observer> {
  readonly time: VirtualClock = new VirtualClock(STARTS_AT);
  readonly trace: Trace = new Trace(this.time);
  readonly redis: Host = new Host("redis", this.time);
  readonly bus: SimulatedBus;
  readonly venue: Venue;
  readonly hosts: Readonly<Record<RoleName, Host>>;
  /** From each role to Redis. */
  readonly redisLinks: Readonly<Record<RoleName, Link>>;
  /** From those that ask the venue to it. */
  readonly venueLinks: Readonly<Record<"brain" | "brain2" | "eew1" | "eew2", Link>>;
  /** From each watchdog to each worker, and from a brain with a policy. */
  readonly directLinks: Readonly<Record<"wd1" | "wd2" | "brain", readonly Link[]>>;
  readonly witness: W;
  readonly #disks: Readonly<Record<"eew1" | "eew2", Disk>>;
  /** The policy of the brain; null: it only watches. */
  readonly exits: ExitsSetup | null;
  readonly exitDisk: ExitDisk = { legs: new Map(), written: new Map(), portfolio: null };
  #brainRulebook: Rulebook = new Map();
  readonly #lines: Partial<Record<RoleName, OpenLine>> = {};
  /** How Redis takes what is written, and how far its wall clock is off. */
  redisMood: RedisMood = "takes all";
  redisClockOffsetMs = 0;
  venueWeather: VenueWeather = CLEAR;
  /** Told of every call of a role to a port. */
  passSite: SiteHook = () => {};
  /** When the halt was cleared last; 0: never. */
  resetAt = 0 as Instant;
  readonly #venueDraw: Draw;
  readonly #exitsDraw: Draw;
  readonly #streamDraw: Draw;
  /** When each heartbeat of a brain arrived, by its entry. */
  readonly #heard = new Map<string, Instant>();
  #openedAt = 0 as Instant;

  /** Nothing runs yet but Redis and the venue. The seed draws how long what takes. */
  constructor(seed: number, witness: (world: World<W>) => W, exits: ExitsSetup | null = null) {
    const { time } = this;
    this.exits = exits;
    this.witness = witness(this);
    this.redis.start();
    this.bus = new SimulatedBus(this.#redisClock());
    const venueHost = new Host("venue", time);
    venueHost.start();
    this.venue = new Venue({ now: () => time.wall(), protectiveStopsExpire: exits?.stopsExpire ?? true });
    this.venue.addAccount({ apiKey: API_KEY, secret: "world-secret" });
    this.#venueDraw = stream(seed, "venue");
    this.#exitsDraw = stream(seed, "venue of the exits");
    this.#streamDraw = stream(seed, "venue streams");
    const host = (name: RoleName): Host => new Host(name, time);
    this.hosts = {
      brain: host("brain"),
      brain2: host("brain2"),
      wd1: host("wd1"),
      wd2: host("wd2"),
      eew1: host("eew1"),
      eew2: host("eew2"),
    };
    const link = (from: RoleName, to: Host): Link => {
      const distance = to === venueHost ? FAR : NEAR;
      const told = (what: string): void => this.trace.tell(from, `[${to.name}] ${what}`);
      return new Link(time, to, distance, stream(seed, `${from}>${to.name}`), told);
    };
    const toRedis = (name: RoleName): Link => link(name, this.redis);
    this.redisLinks = {
      brain: toRedis("brain"),
      brain2: toRedis("brain2"),
      wd1: toRedis("wd1"),
      wd2: toRedis("wd2"),
      eew1: toRedis("eew1"),
      eew2: toRedis("eew2"),
    };
    this.venueLinks = {
      brain: link("brain", venueHost),
      brain2: link("brain2", venueHost),
      eew1: link("eew1", venueHost),
      eew2: link("eew2", venueHost),
    };
    const toWorkers = (name: RoleName): readonly Link[] => WORKERS.map((worker) => link(name, this.hosts[worker]));
    this.directLinks = { wd1: toWorkers("wd1"), wd2: toWorkers("wd2"), brain: toWorkers("brain") };
    this.#disks = { eew1: { records: [], rulebook: new Map() }, eew2: { records: [], rulebook: new Map() } };
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    await this.time.runUntil(() => false, ms);
  }

  /** Starts a role that does not run, on what its former life left behind. */
  start(name: RoleName): void {
    const life = this.hosts[name].start();
    this.trace.tell(name, `started, life ${life.number}`);
    this.#run(name, life).catch((error: unknown) => this.witness.defect(name, error));
  }

  /** Ends it at once. */
  crash(name: RoleName): void {
    if (this.hosts[name].life() === null) return;
    this.trace.tell(name, "CRASHED");
    this.hosts[name].crash();
    delete this.#lines[name];
  }

  /** Redis goes away, with its connections; what was written stays. */
  stopRedis(): void {
    if (this.redis.life() === null) return;
    this.trace.tell("redis", "GONE");
    this.bus.disconnect();
    this.redis.crash();
  }

  /** Redis comes back. */
  startRedis(): void {
    if (this.redis.life() !== null) return;
    this.trace.tell("redis", "started");
    this.redis.start();
  }

  /** Clears the halt, as a person does. */
  reset(): void {
    this.resetAt = this.time.now();
    this.bus.reset();
  }

  /** When the brain's last heartbeat that is on record has arrived; null: there is none. */
  async brainHeardAt(): Promise<Instant | null> {
    const entry = await this.#lastBeat();
    return entry === null ? null : (this.#heard.get(entry) ?? null);
  }

  /** Opens a leg by a market order, as the bot would: lists that lag do not show it yet. */
  openPosition(symbol: string, amount: string): void {
    this.trace.tell("bot", `opens ${symbol} ${amount}`);
    if (this.venue.positions(API_KEY).some((leg) => leg.symbol === symbol)) return;
    this.#market(symbol, decimal(amount));
  }

  /** Buys or sells by hand or by the bot, whatever is open: it may grow, reduce, empty or turn a leg. */
  tradeByHand(symbol: string, amount: Decimal): void {
    this.trace.tell("bot", `trades ${symbol} ${plain(amount)}`);
    this.#ifTaken(() => this.#market(symbol, amount));
  }

  /** Leaves a take-profit that only reduces, as far above or below the mark as it takes to rest. */
  restTakeProfit(symbol: string): void {
    const leg = this.venue.leg(API_KEY, symbol, "BOTH");
    if (leg.amount.eq(ZERO)) return;
    const isLong = leg.amount.gt(ZERO);
    const price = this.venue.mark(symbol).times(decimal(isLong ? "1.03" : "0.97"));
    const rounded = price.minus(price.mod(decimal(this.venue.rules(symbol).price.tick)));
    const quantity = decimal("0.1");
    if (quantity.gt(leg.amount.abs())) return;
    this.trace.tell("bot", `rests a take-profit on ${symbol}`);
    const order = { symbol, side: isLong ? "SELL" : "BUY", type: "LIMIT", quantity, price: rounded } as const;
    this.#ifTaken(() => this.#order({ ...order, reduceOnly: true }));
  }

  /** Money is put into the account, or taken out of it. */
  transfer(amount: string): void {
    this.trace.tell("person", `transfers ${amount} USDT`);
    this.venue.transfer(API_KEY, "USDT", amount);
  }

  /** A person lets a brain in shadow act. */
  allowLive(id: string): void {
    this.trace.tell("person", "says: quantum brain live");
    this.bus.allowLive(id);
  }

  /** The brain's machine is lost with its disk; what starts next starts on another. */
  loseExitDisk(): void {
    this.trace.tell("brain", "DISK LOST");
    this.exitDisk.legs.clear();
    this.exitDisk.portfolio = null;
    this.#brainRulebook = new Map();
  }

  /** Takes away what still rests where nothing is open, as a person does who wants to reset. */
  cancelByHand(): void {
    for (const { symbol } of this.venue.openAlgoOrders(API_KEY)) {
      this.trace.tell("person", `cancels the stops that rest on ${symbol}`);
      this.venue.cancelAllAlgo(API_KEY, symbol);
    }
  }

  /** The key of the one account that there is. */
  get apiKey(): string {
    return API_KEY;
  }

  /** Leaves an order that opens or grows a leg when the mark comes by. */
  restEntry(symbol: string, quantity: string, below: string): void {
    const price = this.venue.mark(symbol).times(decimal(below));
    const rounded = price.minus(price.mod(decimal(this.venue.rules(symbol).price.tick)));
    this.trace.tell("bot", `rests a buy of ${symbol} ${quantity}`);
    this.#order({ symbol, side: "BUY", type: "LIMIT", quantity: decimal(quantity), price: rounded });
  }

  completions(): readonly Completion[] {
    return this.bus.completions();
  }

  panics(): readonly PanicEvent[] {
    return this.bus.panics();
  }

  lastFillAt(): Instant | null {
    const last = this.venue.fills(API_KEY).at(-1);
    return last === undefined ? null : ((last.time - STARTS_AT) as Instant);
  }

  lastEntryAt(): Instant {
    const entered = this.venue.fills(API_KEY).filter(({ realizedPnl, maker }) => maker && realizedPnl.eq(ZERO));
    const last = entered.at(-1);
    return Math.max(this.#openedAt, last === undefined ? 0 : last.time - STARTS_AT) as Instant;
  }

  /** `stopsUntil`: stops that came in behind that moment are not looked at. */
  left(stopsUntil: Instant = Number.POSITIVE_INFINITY as Instant): readonly string[] {
    return [
      ...this.venue.positions(API_KEY).map((leg) => `${legName(leg)} ${plain(leg.amount)}`),
      ...this.venue.openOrders(API_KEY).map(({ symbol, orderId }) => `${symbol} order ${orderId}`),
      ...this.venue
        .openAlgoOrders(API_KEY)
        .filter(({ createTime }) => createTime - STARTS_AT <= stopsUntil)
        .map(({ symbol, algoId }) => `${symbol} order ${algoId}`),
    ];
  }

  /** Fills of the system's orders that grew or turned a leg. */
  grown(): readonly string[] {
    const amounts = new Map<string, Decimal>();
    return this.venue.fills(API_KEY).flatMap((fill) => {
      const before = amounts.get(fill.symbol) ?? ZERO;
      const now = before.plus(fill.side === "BUY" ? fill.quantity : fill.quantity.neg());
      amounts.set(fill.symbol, now);
      const order = this.venue.order(API_KEY, fill.symbol, { orderId: fill.orderId });
      if (order === null || !/^qx?-/.test(order.clientOrderId)) return [];
      const shrinks = now.abs().lt(before.abs()) && (now.eq(ZERO) || now.gt(ZERO) === before.gt(ZERO));
      return shrinks ? [] : [`${order.clientOrderId}: ${fill.symbol} from ${plain(before)} to ${plain(now)}`];
    });
  }

  /** What a hand or a bot sends may be refused: too small, or more than there is to reduce. */
  #ifTaken(send: () => void): void {
    try {
      send();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.trace.tell("venue", `refuses that: ${error.message}`);
    }
  }

  #market(symbol: string, amount: Decimal): void {
    this.#order({ symbol, side: amount.gt(ZERO) ? "BUY" : "SELL", type: "MARKET", quantity: amount.abs() });
    this.#openedAt = this.time.now();
  }

  #order(
    order: Pick<OrderRequest, "symbol" | "side" | "type" | "quantity"> &
      Partial<Pick<OrderRequest, "price" | "reduceOnly">>,
  ): void {
    const rest = { positionSide: "BOTH", timeInForce: "GTC", clientOrderId: null } as const;
    this.venue.place(API_KEY, { price: null, reduceOnly: false, ...order, ...rest });
  }

  async #run(name: RoleName, life: Life): Promise<unknown> {
    const log: Log = {
      write: (_level, text) => {
        if (!life.ended()) this.trace.tell(name, text);
      },
    };
    const link = this.redisLinks[name];
    const bus = busOver(link.connect(life), link.connect(life), () => this.redisMood);
    const forever = new AbortController().signal;
    const common = { clock: life, log, service: UNSUPERVISED };
    const pass: SiteHook = (site, at) => this.passSite(site, at);
    switch (name) {
      case "brain":
      case "brain2": {
        const identity = { serviceId: "exit_brain", instanceId: `${name}-${life.number}` };
        const heard = withSites(this.bus.brain(this.#noting(bus)), "brain.bus", life, pass);
        const brainBus = this.witness.brainBus(name, life, heard);
        const exchange = withSites(this.#exchangeOf(name, life), "brain.venue", life, pass, AT_ONCE);
        const setup = name === "brain" ? this.exits : null;
        const policy = setup === null ? null : await this.#policyWorld(setup, life, bus, pass);
        return await runBrain(
          {
            ...common,
            bus: brainBus,
            exchange: policy === null ? exchange : this.witness.brainExchange(life, exchange),
            limits: BRAIN_LIMITS,
            identity,
            policy,
          },
          forever,
        );
      }
      case "wd1":
      case "wd2": {
        const identity = { serviceId: "watchdog", instanceId: `${name}-${life.number}` };
        const ways = this.directLinks[name].map((way, i) => this.#wayTo(i === 0 ? "eew1" : "eew2", way, life));
        const direct = this.witness.directCall(watchdogCall(ways, null, life));
        const watchdogBus = this.witness.watchdogBus(
          name,
          withSites(this.bus.watchdog(bus), "watchdog.bus", life, pass, AT_HAND),
        );
        return await runWatchdog({ ...common, bus: watchdogBus, direct, limits: WATCHDOG_LIMITS, identity }, forever);
      }
      case "eew1":
      case "eew2": {
        const identity = { serviceId: "emergency_exit_worker", instanceId: `${name}-${life.number}` };
        const exchange = withSites(this.#exchangeOf(name, life), "eew.venue", life, pass, AT_ONCE);
        const direct = directLine(null, { clock: life, log });
        this.#lines[name] = direct;
        const workerBus = withSites(this.bus.eew(name, bus), "eew.bus", life, pass, HEARD);
        const journal = journalOn(this.#disks[name], life, pass);
        return await runEew(
          {
            ...common,
            bus: this.witness.eewBus(name, life, workerBus),
            exchange: this.witness.exchange(name, life, exchange),
            direct,
            journal: this.witness.journal(name, journal),
            rulebooks: rulebooksOn(this.#disks[name], life),
            limits: EEW_LIMITS,
            identity,
            secondLine: SECOND_LINE_LIMITS,
            alertOnly: new Set(),
          },
          { signal: forever },
        );
      }
    }
  }

  /** What the brain's policy is carried out with, and what its former lives have written down (cli/run/brain.ts). */
  async #policyWorld(setup: ExitsSetup, life: Life, bus: BusLink, pass: SiteHook): Promise<PolicyWorld> {
    const { venue, time } = this;
    const { policy, shadow, autoLive, streams } = setup;
    const link = this.venueLinks.brain;
    const hash = withSites(this.bus.exitHash(bus), "brain.memory", life, pass);
    const store = exitStore(this.witness.exitFile(life, exitFileOn(this.exitDisk, life, pass)), hash);
    const { memory } = await store.load();
    this.witness.brainLoads(memory.records);
    const exits = exitsOver(link.connect(life), exitsIn(this.#brainSide()));
    const ways = this.directLinks.brain.map((way, i) => this.#wayTo(i === 0 ? "eew1" : "eew2", way, life));
    return {
      start: { policy, shadow, autoLive, ...memory },
      exits: this.witness.exitVenue(life, withSites(exits, "brain.exits", life, pass)),
      direct: setup.direct ? this.witness.directCall(brainCall(ways, null, life)) : null,
      stream: streams ? streamOver(venue, time, link, this.#streamDraw, life) : SILENT_STREAM,
      store,
      rulebooks: {
        load: () => this.#brainRulebook,
        save: (rulebook) => {
          if (!life.ended()) this.#brainRulebook = rulebook;
          return true;
        },
      },
    };
  }

  #wayTo(worker: "eew1" | "eew2", way: Link, life: Life): DirectWay {
    return directWay(worker, way.connect(life), () => this.#lines[worker] ?? null);
  }

  #brainSide(): VenueSide {
    const weather = (): VenueWeather => this.venueWeather;
    const { venue, time } = this;
    return { venue, apiKey: API_KEY, time, weather, draw: this.#exitsDraw, lateMs: LATE_IN_WINDOW_MS };
  }

  /** Notes when a heartbeat of the brain arrives: Redis's own clock may be off. */
  #noting(bus: BusLink): BusLink {
    return {
      ...bus,
      write: (what, question) =>
        bus.write(what, async () => {
          const answer = await question();
          if (what === "beat") this.#heard.set((await this.#lastBeat()) ?? "", this.time.now());
          return answer;
        }),
    };
  }

  /** The entry of the brain's last heartbeat that is on record. */
  async #lastBeat(): Promise<string | null> {
    const answer = await this.bus.peers().lastHeard(["brain"]);
    return answer.known ? (answer.value[0]?.last?.entry ?? null) : null;
  }

  #exchangeOf(name: "brain" | "brain2" | "eew1" | "eew2", life: Life): Exchange {
    const { venue, time } = this;
    const weather = (): VenueWeather => this.venueWeather;
    const side = { venue, apiKey: API_KEY, time, weather, draw: this.#venueDraw };
    const there = exchangeIn(name === "brain" && this.exits !== null ? this.#brainSide() : side, life);
    const isWorker = name === "eew1" || name === "eew2";
    return exchangeOver(
      this.venueLinks[name].connect(life),
      isWorker ? this.witness.atVenue(name, life, there) : there,
    );
  }

  /** The clock of whichever process Redis runs as; while there is none, nobody asks. */
  #redisClock(): Clock {
    const { redis } = this;
    const life = (): Life => {
      const now = redis.life();
      if (now === null) throw new Error("Redis does not run");
      return now;
    };
    return {
      now: () => this.time.now(),
      wall: () => (this.time.wall() + this.redisClockOffsetMs) as UnixMillis,
      at: (at, fire) => life().at(after(at, life().now() - this.time.now()), fire),
      sleep: (ms, signal) => life().sleep(ms, signal),
    };
  }
}

/** A journal on a disk that loses nothing. */
function journalOn({ records }: Disk, life: Life, pass: SiteHook): Journal {
  const memory = new JournalMemory(records);
  return {
    append: (record) => {
      pass("eew.journal.append, before", life);
      if (!life.ended()) records.push(record);
      memory.append(record);
      pass("eew.journal.append, behind", life);
      return true;
    },
    unfinished: () => memory.unfinished(),
    executed: (eventId) => memory.executed(eventId),
    halt: () => memory.halt(),
    trouble: () => null,
  };
}

function rulebooksOn(disk: Disk, life: Life): RulebookStore {
  return {
    load: () => disk.rulebook,
    save: (rulebook) => {
      if (!life.ended()) disk.rulebook = rulebook;
      return true;
    },
  };
}

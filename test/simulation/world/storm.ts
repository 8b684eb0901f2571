/** Carries out the faults of one run on the world, until they are ended. */

import { plain } from "../../../src/core/decimal.ts";
import { after, type Instant } from "../../../src/core/time.ts";
import { type Draw, pick, span, stream } from "../../../src/sim/world/draw.ts";
import { FAIR, type Link, type LinkWeather } from "../../../src/sim/world/link.ts";
import { CLEAR, type VenueWeather } from "../../../src/sim/world/venue-weather.ts";
import { ROLES, type RoleName, type World } from "../../../src/sim/world.ts";
import { ExitStorm } from "./exit-storm.ts";
import { type Fault, kindsOf, type Strike, strikesOf } from "./faults.ts";
import { SiteStorm } from "./site-storm.ts";
import type { Part } from "./troubles.ts";
import type { Witness } from "./witness.ts";

/** How long a process is dead, or stands still, or a link is bad. */
const DOWN_MS = [200, 20_000] as const;
const PAUSE_MS = [50, 15_000] as const;
const SPELL_MS = [100, 20_000] as const;
/** How much younger than the master a replica is that takes over. */
const LAG_MS = [20, 3_000] as const;
/** A year. */
const WALL_JUMP_MS = [10, 31_536_000_000] as const;
/** How much a clock gains or loses of each unit: twenty times what quartz does, and what a broken virtual machine may. */
const DRIFT = [0.000_1, 0.002] as const;
/** How far the lists of an account may lag (binance.md 4.1): by less than the gap between two witnesses, or by anything. */
const STALE_MS = [50, 900] as const;
const VERY_STALE_MS = [900, 15_000] as const;
/** A mark at which the entry that rests a hundredth below is filled. */
const DIP = 0.98;

/** Nothing comes through. */
const CUT: LinkWeather = { ...FAIR, loseQuestion: 1, loseAnswer: 1 };

/** Which strikes and sites are left out, by id; to find those that matter. */
export type LeftOut = ReadonlySet<string>;

/** The faults of one run. */
export class Storm {
  readonly #world: World<Witness>;
  readonly #stop: (() => void)[] = [];
  #over = false;
  readonly #seed: number;
  readonly #reset: () => void;
  readonly sites: SiteStorm;
  /** How often each kind has struck. */
  readonly struck: Map<Fault, number> = new Map();
  /** What has struck, by id, in the order of time. */
  readonly strikes: string[] = [];

  /** Begins now. `reset` is what a person does who is too early. */
  constructor(world: World<Witness>, seed: number, lastsMs: number, leftOut: LeftOut, reset: () => void) {
    this.#world = world;
    this.#seed = seed;
    this.#reset = reset;
    const kinds = kindsOf(seed);
    for (const strike of strikesOf(seed, kinds, lastsMs)) {
      if (!leftOut.has(strike.id)) this.#later(strike.atMs, () => this.#strike(strike));
    }
    const blows = {
      crash: (role: RoleName, downMs: number): void => this.#crash(role, downMs),
      pause: (role: RoleName, ms: number): void => this.#pause(role, ms),
    };
    if (world.exits !== null) {
      new ExitStorm(world, seed, lastsMs, {
        later: (ms, then) => this.#later(ms, then),
        count: (fault, id) => this.#count(fault, id),
        isLeftOut: (id) => leftOut.has(id),
        crash: blows.crash,
        pause: blows.pause,
        cutFromVenue: (role, weather, ms) => this.#spell(role, [world.venueLinks.brain], weather, ms),
        emptyRedis: () => this.#emptyRedis(),
      });
    }
    this.sites = new SiteStorm(seed, blows, (id) => leftOut.has(id));
    if (kinds.has("site")) {
      world.passSite = (site, life) => {
        if (this.#over || life.ended() || !this.sites.pass(site, life, world.time.now())) return;
        world.trace.tell(life.host.name, `at the site ${site}`);
        this.#count("site", `site ${site}`);
      };
    }
  }

  /** No more faults. Links are well again; who is dead, frozen or gone stays so. */
  end(): void {
    const world = this.#world;
    this.#over = true;
    world.witness.onOrder.length = 0;
    world.witness.onBegin.length = 0;
    world.witness.onExit.length = 0;
    world.witness.onRaise.length = 0;
    for (const stop of this.#stop) stop();
    for (const link of this.#links()) link.weather = FAIR;
    world.venueWeather = CLEAR;
    world.redisMood = "takes all";
    world.crash("brain2");
  }

  #later(ms: number, then: () => void): void {
    const { time } = this.#world;
    this.#stop.push(
      time.at(after(time.now(), ms), () => {
        if (!this.#over) then();
      }),
    );
  }

  #count(fault: Fault, id: string): void {
    this.struck.set(fault, (this.struck.get(fault) ?? 0) + 1);
    if (!this.strikes.includes(id)) this.strikes.push(id);
  }

  #strike({ fault, id }: Strike): void {
    this.#count(fault, id);
    const draw = stream(this.#seed, id);
    const world = this.#world;
    const { witness, time } = world;
    switch (fault) {
      case "site":
        return;
      case "crash":
        this.#crash(pick(draw, ROLES), span(draw, ...DOWN_MS));
        return;
      case "crash_in_pass": {
        const [afterMs, downMs] = [span(draw, 1, 2_000), span(draw, ...DOWN_MS)];
        witness.onOrder.push((worker) => this.#later(afterMs, () => this.#crash(worker, downMs)));
        return;
      }
      case "cut_in_pass": {
        const weather = pick(draw, [CUT, { ...FAIR, loseQuestion: 1 }, { ...FAIR, loseAnswer: 1 }]);
        const ms = span(draw, ...SPELL_MS);
        witness.onOrder.push((worker) => this.#spell(worker, [world.venueLinks[worker]], weather, ms));
        return;
      }
      case "pause":
        this.#pause(pick(draw, ROLES), span(draw, ...PAUSE_MS));
        return;
      case "pause_many":
        // One after the other, and back in another order.
        for (const role of ROLES) {
          const [isPicked, inMs, ms] = [draw() < 0.6, draw() * 3_000, span(draw, 1_000, 15_000)];
          if (isPicked) this.#later(inMs, () => this.#pause(role, ms));
        }
        return;
      case "second_brain":
        if (world.hosts.brain2.life() !== null) return;
        witness.troubles.begin("brain");
        world.start("brain2");
        this.#undo("brain", span(draw, ...DOWN_MS), () => world.crash("brain2"));
        return;
      case "redis_link": {
        const role = pick(draw, ROLES);
        this.#spell(role, [world.redisLinks[role]], weatherFrom(draw), span(draw, ...SPELL_MS));
        return;
      }
      case "venue_link": {
        const role = pick(draw, ["brain", "eew1", "eew2"] as const);
        this.#spell(role, [world.venueLinks[role]], weatherFrom(draw), span(draw, ...SPELL_MS));
        return;
      }
      case "direct_link": {
        const role = pick(draw, ["wd1", "wd2"] as const);
        this.#spell(role, world.directLinks[role], weatherFrom(draw), span(draw, ...SPELL_MS));
        return;
      }
      case "redis_gone":
      case "redis_frozen":
      case "redis_emptied":
      case "redis_failover":
      case "redis_refuses":
      case "redis_clock":
        this.#strikeRedis(fault, draw);
        return;
      case "wall_clock": {
        const role = pick(draw, ROLES);
        const [words, offset] = wallClockFrom(draw, time.now());
        world.trace.tell(role, `wall clock ${words}`);
        world.hosts[role].wallOffset = offset;
        return;
      }
      case "clock_rate": {
        const role = pick(draw, ROLES);
        world.hosts[role].rate = 1 + (DRIFT[0] + draw() * (DRIFT[1] - DRIFT[0])) * (draw() < 0.5 ? -1 : 1);
        world.trace.tell(role, `next life's monotonic clock runs at ${world.hosts[role].rate.toFixed(6)}`);
        return;
      }
      case "venue_errors":
        this.#venueSpell({ unread: 0.1 + 0.7 * draw(), refuse: 0.1 + 0.7 * draw() }, draw);
        return;
      case "venue_late":
        this.#venueSpell({ late: 0.2 + 0.8 * draw() }, draw);
        return;
      case "venue_partial":
        this.#venueSpell({ partial: 0.2 + 0.8 * draw() }, draw);
        return;
      case "venue_stale":
        this.#venueSpell({ staleMs: draw() < 0.7 ? span(draw, ...STALE_MS) : span(draw, ...VERY_STALE_MS) }, draw);
        return;
      case "venue_ban":
        this.#venueSpell({ bannedUntil: after(time.now(), span(draw, 500, 20_000)) }, draw);
        return;
      case "market":
        this.#moveMark("BTCUSDT", 0.97 + 0.06 * draw());
        return;
      case "entry_fills": {
        const afterMs = span(draw, 1, 1_500);
        witness.onOrder.push(() => this.#later(afterMs, () => this.#moveMark("BTCUSDT", DIP)));
        return;
      }
      case "stray_order":
        // In a pass nobody could know of it: a list that was read is true as of then.
        if (!witness.anyPass()) world.openPosition("ETHUSDT", "1");
        return;
      case "entry_at_begin":
        // On its way when the halt was written: there before the first list is read, and a list that lags does not show it.
        witness.onBegin.push(() => world.openPosition("ETHUSDT", "1"));
        return;
      case "reset_early":
        this.#reset();
        return;
      default:
    }
  }

  #strikeRedis(fault: Extract<Fault, `redis_${string}`>, draw: Draw): void {
    const world = this.#world;
    const { trace, witness } = world;
    switch (fault) {
      case "redis_gone":
        if (world.redis.life() === null) return;
        witness.troubles.begin("redis");
        world.stopRedis();
        this.#undo("redis", span(draw, ...DOWN_MS), () => world.startRedis());
        return;
      case "redis_frozen":
        trace.tell("redis", "FROZEN");
        witness.troubles.begin("redis");
        world.redis.pause();
        this.#undo("redis", span(draw, ...PAUSE_MS), () => {
          trace.tell("redis", "thaws");
          world.redis.resume();
        });
        return;
      case "redis_emptied":
        this.#emptyRedis();
        return;
      case "redis_failover": {
        const failOver = world.bus.checkpoint();
        this.#later(span(draw, ...LAG_MS), () => {
          trace.tell("redis", "FAILED OVER to older data");
          witness.losesData();
          world.bus.disconnect();
          world.redis.crash();
          failOver();
          witness.exits?.look();
          world.redis.start();
        });
        return;
      }
      case "redis_refuses":
        world.redisMood = pick(draw, ["OOM", "READONLY"] as const);
        trace.tell("redis", `answers writes with ${world.redisMood}`);
        witness.troubles.begin("redis");
        this.#undo("redis", span(draw, ...SPELL_MS), () => {
          trace.tell("redis", "takes all again");
          world.redisMood = "takes all";
        });
        return;
      case "redis_clock": {
        const byMs = span(draw, 10, 7_200_000) * (draw() < 0.5 ? -1 : 1);
        trace.tell("redis", `clock jumps by ${byMs} ms`);
        witness.troubles.begin("redis");
        witness.troubles.end("redis");
        world.redisClockOffsetMs += byMs;
        return;
      }
      default:
        return;
    }
  }

  #emptyRedis(): void {
    this.#world.trace.tell("redis", "EMPTIED");
    this.#world.witness.losesData();
    this.#world.bus.flush();
    this.#world.witness.exits?.look();
  }

  #venueSpell(change: Partial<VenueWeather>, draw: Draw): void {
    const world = this.#world;
    const ms = span(draw, ...SPELL_MS);
    world.trace.tell("venue", `WEATHER ${JSON.stringify(change)} for ${ms} ms`);
    for (const part of ["brain", "eew1", "eew2"] as const) world.witness.troubles.begin(part);
    const { staleMs = 0 } = change;
    if (staleMs > 0) world.witness.listsLag(after(world.time.now(), ms), staleMs > STALE_MS[1]);
    world.venueWeather = { ...world.venueWeather, ...change };
    this.#later(ms, () => {
      const names = Object.keys(change) as (keyof VenueWeather)[];
      world.trace.tell("venue", `well again: ${names.join(", ")}`);
      world.venueWeather = { ...world.venueWeather, ...Object.fromEntries(names.map((name) => [name, CLEAR[name]])) };
      for (const part of ["brain", "eew1", "eew2"] as const) world.witness.troubles.end(part);
    });
  }

  #moveMark(symbol: string, factor: number): void {
    const { trace, venue, witness } = this.#world;
    const left = (): readonly string[] => this.#world.left();
    const price = Math.round(Number(venue.rules(symbol).mark) * factor);
    trace.tell("market", `${symbol} ${plain(venue.mark(symbol))} to ${price}`);
    const restedBefore = left().length;
    venue.setMark(symbol, `${price}`);
    if (left().length !== restedBefore)
      trace.tell("market", `an entry that rested fills${witness.anyPass() ? " in a pass" : ""}`);
  }

  #crash(role: RoleName, downMs: number): void {
    const { witness } = this.#world;
    witness.troubles.begin(partOf(role));
    this.#world.crash(role);
    this.#undo(partOf(role), downMs, () => {
      if (role !== "brain2" && this.#world.hosts[role].life() === null) this.#world.start(role);
    });
  }

  #pause(role: RoleName, ms: number): void {
    const { hosts, trace, witness } = this.#world;
    trace.tell(role, `STANDS STILL for ${ms} ms`);
    witness.troubles.begin(partOf(role));
    hosts[role].pause();
    this.#undo(partOf(role), ms, () => {
      trace.tell(role, "goes on");
      hosts[role].resume();
    });
  }

  #spell(role: RoleName, links: readonly Link[], weather: LinkWeather, ms: number): void {
    const { trace, witness } = this.#world;
    trace.tell(role, `LINK ${JSON.stringify(weather)}`);
    witness.troubles.begin(partOf(role));
    for (const link of links) link.weather = weather;
    this.#undo(partOf(role), ms, () => {
      trace.tell(role, "link is well again");
      for (const link of links) link.weather = FAIR;
    });
  }

  #undo(part: Part, ms: number, undo: () => void): void {
    this.#later(ms, () => {
      undo();
      this.#world.witness.troubles.end(part);
    });
  }

  #links(): readonly Link[] {
    const { redisLinks, venueLinks, directLinks } = this.#world;
    return [...Object.values(redisLinks), ...Object.values(venueLinks), ...Object.values(directLinks).flat()];
  }
}

function partOf(role: RoleName): Part {
  return role === "brain2" ? "brain" : role;
}

/** Cut in both directions or in one, lossy, slow, or saying things twice. */
function weatherFrom(draw: Draw): LinkWeather {
  const odds = 0.05 + 0.45 * draw();
  return pick(draw, [
    CUT,
    { ...FAIR, loseQuestion: 1 },
    { ...FAIR, loseAnswer: 1 },
    { ...FAIR, loseQuestion: odds / 2, loseAnswer: odds / 2 },
    { ...FAIR, loseAnswer: odds },
    { ...FAIR, slowMs: Math.round(50 + 1_500 * draw()) },
    { ...FAIR, repeat: odds },
  ]);
}

/** Off by a step, running away, or swinging: in words, and by how much when. */
function wallClockFrom(draw: Draw, since: Instant): readonly [string, (at: Instant) => number] {
  const sign = draw() < 0.5 ? -1 : 1;
  const [stepMs, drift, swingMs, periodMs] = [
    span(draw, ...WALL_JUMP_MS) * sign,
    draw() * 0.1 * sign,
    span(draw, 10, 60_000),
    span(draw, 1_000, 60_000),
  ];
  return pick(draw, [
    [`steps by ${stepMs} ms`, () => stepMs],
    [`drifts by ${drift.toFixed(3)}`, (at: Instant) => (at - since) * drift],
    [
      `swings by ${swingMs} ms every ${periodMs} ms`,
      (at: Instant) => swingMs * Math.abs((((at - since) / periodMs) % 1) * 2 - 1),
    ],
  ] as const);
}

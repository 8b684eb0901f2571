/** Faults on virtual time, drawn from a seed: which kinds this run knows, how often they come, how long they stay. */

import { plain } from "../../../src/core/decimal.ts";
import { after } from "../../../src/core/time.ts";
import { type Draw, pick, span, stream } from "../../../src/sim/world/draw.ts";
import { FAIR, type Link, type LinkWeather } from "../../../src/sim/world/link.ts";
import { ROLES, type RoleName, type World } from "../../../src/sim/world.ts";
import type { Part, Witness } from "./witness.ts";

/** What can go wrong, and the market and a bot that do not stand still meanwhile. */
export const FAULTS = [
  "crash",
  "crash_in_pass",
  "cut_in_pass",
  "pause",
  "redis_link",
  "venue_link",
  "direct_link",
  "redis_gone",
  "redis_frozen",
  "redis_emptied",
  "redis_failover",
  "wall_clock",
  "market",
  "stray_order",
] as const;
/** One of them. */
export type Fault = (typeof FAULTS)[number];

/** Swarm testing: each run knows about half of the kinds, and goes far with them. */
const SHARE = 0.5;
/** How often a kind that is on strikes: every so many milliseconds on average, drawn for each run. */
const EVERY_MS = [6_000, 60_000] as const;
/** How long a process is dead, or stands still, or a link is bad. */
const DOWN_MS = [200, 20_000] as const;
const PAUSE_MS = [50, 15_000] as const;
const SPELL_MS = [100, 20_000] as const;
/** How much younger than the master a replica is that takes over. */
const LAG_MS = [20, 3_000] as const;
/** A year. */
const WALL_JUMP_MS = [10, 31_536_000_000] as const;

/** Nothing comes through. */
const CUT: LinkWeather = { ...FAIR, loseQuestion: 1, loseAnswer: 1 };

/** The faults of one run, until they are ended. */
export class Storm {
  readonly #world: World<Witness>;
  readonly #stop: (() => void)[] = [];
  #over = false;
  /** How often each kind has struck. */
  readonly struck: Map<Fault, number> = new Map();

  constructor(world: World<Witness>, seed: number) {
    this.#world = world;
    const kinds = stream(seed, "kinds");
    const certain = pick(kinds, FAULTS);
    for (const fault of FAULTS) {
      const [on, everyMs] = [kinds() < SHARE, span(kinds, ...EVERY_MS)];
      if (on || fault === certain) this.#repeat(fault, everyMs, stream(seed, fault));
    }
  }

  /** No more faults. Links are well again; who is dead, frozen or gone stays so. */
  end(): void {
    this.#over = true;
    this.#world.witness.onOrder.length = 0;
    for (const stop of this.#stop) stop();
    for (const link of this.#links()) link.weather = FAIR;
  }

  #repeat(fault: Fault, everyMs: number, draw: Draw): void {
    this.#later(Math.round(-Math.log(1 - draw()) * everyMs), () => {
      this.struck.set(fault, (this.struck.get(fault) ?? 0) + 1);
      this.#strike(fault, draw);
      this.#repeat(fault, everyMs, draw);
    });
  }

  #later(ms: number, then: () => void): void {
    const { time } = this.#world;
    this.#stop.push(
      time.at(after(time.now(), ms), () => {
        if (!this.#over) then();
      }),
    );
  }

  #strike(fault: Fault, draw: Draw): void {
    const world = this.#world;
    const { trace, witness } = world;
    switch (fault) {
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
      case "redis_gone": {
        if (world.redis.life() === null) return;
        witness.troubles("redis");
        world.stopRedis();
        this.#undo("redis", span(draw, ...DOWN_MS), () => world.startRedis());
        return;
      }
      case "redis_frozen": {
        trace.tell("redis", "FROZEN");
        witness.troubles("redis");
        world.redis.pause();
        this.#undo("redis", span(draw, ...PAUSE_MS), () => {
          trace.tell("redis", "thaws");
          world.redis.resume();
        });
        return;
      }
      case "redis_emptied":
        trace.tell("redis", "EMPTIED");
        witness.losesData();
        world.bus.flush();
        return;
      case "redis_failover": {
        const failOver = world.bus.checkpoint();
        this.#later(span(draw, ...LAG_MS), () => {
          trace.tell("redis", "FAILED OVER to older data");
          witness.losesData();
          world.bus.disconnect();
          world.redis.crash();
          failOver();
          world.redis.start();
        });
        return;
      }
      case "wall_clock": {
        const role = pick(draw, ROLES);
        const offsetMs = span(draw, ...WALL_JUMP_MS) * (draw() < 0.5 ? -1 : 1);
        trace.tell(role, `wall clock off by ${offsetMs} ms`);
        world.hosts[role].wallOffsetMs = offsetMs;
        return;
      }
      case "market": {
        const rules = world.venue.rules("BTCUSDT");
        const price = Math.round(Number(rules.mark) * (0.97 + 0.06 * draw()));
        trace.tell("market", `BTCUSDT ${plain(world.venue.mark("BTCUSDT"))} to ${price}`);
        world.venue.setMark("BTCUSDT", `${price}`);
        return;
      }
      case "stray_order":
        // In a pass nobody could know of it: a list that was read is true as of then.
        if (!witness.anyPass()) world.openPosition("ETHUSDT", "1");
        return;
    }
  }

  #crash(role: RoleName, downMs: number): void {
    const { witness } = this.#world;
    witness.troubles(role);
    this.#world.crash(role);
    this.#undo(role, downMs, () => {
      if (this.#world.hosts[role].life() === null) this.#world.start(role);
    });
  }

  #pause(role: RoleName, ms: number): void {
    const { hosts, trace, witness } = this.#world;
    trace.tell(role, `STANDS STILL for ${ms} ms`);
    witness.troubles(role);
    hosts[role].pause();
    this.#undo(role, ms, () => {
      trace.tell(role, "goes on");
      hosts[role].resume();
    });
  }

  #spell(role: RoleName, links: readonly Link[], weather: LinkWeather, ms: number): void {
    const { trace, witness } = this.#world;
    trace.tell(role, `LINK ${JSON.stringify(weather)}`);
    witness.troubles(role);
    for (const link of links) link.weather = weather;
    this.#undo(role, ms, () => {
      trace.tell(role, "link is well again");
      for (const link of links) link.weather = FAIR;
    });
  }

  #undo(part: Part, ms: number, undo: () => void): void {
    this.#later(ms, () => {
      undo();
      this.#world.witness.recovers(part);
    });
  }

  #links(): readonly Link[] {
    const { redisLinks, venueLinks, directLinks } = this.#world;
    return [...Object.values(redisLinks), ...Object.values(venueLinks), ...directLinks.wd1, ...directLinks.wd2];
  }
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

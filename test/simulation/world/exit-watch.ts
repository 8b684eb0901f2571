/** The invariants of a brain with a policy (X1 to X9), in one place: what they see, and when the brain could have acted. */

import type { ExitFile } from "../../../src/adapters/exits/file.ts";
import { writeRecord } from "../../../src/adapters/exits/record.ts";
import type { ExitRecord } from "../../../src/core/exit-leg.ts";
import { legName } from "../../../src/core/position.ts";
import type { BrainBus } from "../../../src/ports/bus.ts";
import type { Exchange } from "../../../src/ports/exchange.ts";
import type { ExitVenue } from "../../../src/ports/exit-venue.ts";
import type { ExitsSetup } from "../../../src/sim/world/brain-policy.ts";
import type { Life } from "../../../src/sim/world/host.ts";
import type { World } from "../../../src/sim/world.ts";
import { ExitLevelWatch } from "./exit-level-watch.ts";
import { ExitOrderWatch } from "./exit-order-watch.ts";
import { ExitPanicWatch } from "./exit-panic-watch.ts";
import { ExitRecordWatch } from "./exit-record-watch.ts";
import type { Break, Witness } from "./witness.ts";

/** What watches one run's brain. */
export class ExitWatch {
  readonly #world: World<Witness>;
  readonly #setup: ExitsSetup;
  readonly #orders: ExitOrderWatch;
  readonly #levels: ExitLevelWatch;
  readonly #panics: ExitPanicWatch;
  readonly #records: ExitRecordWatch;
  #actsSince = 0;
  #wasHalted = false;
  /** The permission that was on record while trading was halted. */
  #spent: string | null = null;
  #bornAt = 0;

  constructor(world: World<Witness>, setup: ExitsSetup, fails: Break) {
    this.#world = world;
    this.#setup = setup;
    this.#records = new ExitRecordWatch(world, fails);
    this.#orders = new ExitOrderWatch(world, setup, this.#records, fails);
    this.#levels = new ExitLevelWatch(world, setup, this.#orders.legs, fails);
    this.#panics = new ExitPanicWatch(world, setup, fails);
  }

  losesData(): void {
    this.#panics.losesData();
  }

  /** A life begins with these records. What the last one has written down and none of the copies has is lost. */
  loads(records: readonly ExitRecord[]): void {
    this.#bornAt = this.#world.time.now();
    this.#levels.dies();
    const { legs, written } = this.#world.exitDisk;
    for (const [leg, text] of written) {
      const loaded = records.find((record) => legName(record) === leg);
      const isThere = legs.get(leg) === text || (loaded !== undefined && writeRecord(loaded) === text);
      if (isThere) continue;
      this.#orders.forgets(leg);
      const life = this.#orders.legs.of(leg);
      if (life !== null) life.best = null;
      written.delete(leg);
    }
  }

  overFile(life: Life, file: ExitFile): ExitFile {
    return this.#records.over(life, file);
  }

  overBus(life: Life, bus: BrainBus): BrainBus {
    return {
      ...bus,
      raise: async (incidentId, reason) => {
        if (life.ended()) return await bus.raise(incidentId, reason);
        this.#world.witness.incidents.brainTrips();
        this.#panics.raises(life, incidentId, reason);
        this.#world.witness.onRaise.shift()?.();
        const answer = await bus.raise(incidentId, reason);
        if (answer.known) this.#panics.confirms(life, incidentId);
        return answer;
      },
    };
  }

  overExchange(life: Life, exchange: Exchange): Exchange {
    return this.#orders.over(life, exchange, (positions) => {
      if (!life.ended()) this.#levels.listed(positions);
    });
  }

  overExits(life: Life, exits: ExitVenue): ExitVenue {
    return this.#panics.over(this.#orders.overExits(life, exits));
  }

  look(): void {
    this.#orders.look();
    const { bus, hosts, time, witness } = this.#world;
    const now = time.now();
    const wellOf = (part: "brain" | "redis"): number => witness.troubles.wellForMs(part);
    const bornMs = hosts.brain.life() === null ? 0 : now - this.#bornAt;
    const wellMs = Math.min(wellOf("brain"), wellOf("redis"), bornMs);
    const permission = bus.livePermission();
    if (bus.haltedSince() !== null) [this.#wasHalted, this.#spent] = [true, permission];
    // A brain that knows of a halt waits for another permission than the one before it, also where Redis has lost the halt.
    const isAllowed = this.#setup.autoLive || !this.#wasHalted || (permission !== null && permission !== this.#spent);
    const mayAct =
      isAllowed && !this.#setup.shadow && bus.haltedSince() === null && this.#orders.forbiddenSince === null;
    const isPanic = bus.panics().some(({ eventId }) => !bus.completions().some((one) => one.eventId === eventId));
    if (!mayAct || isPanic) this.#actsSince = now;
    this.#levels.look(Math.min(wellMs, now - this.#actsSince));
    const workerMs = Math.max(witness.troubles.wellForMs("eew1"), witness.troubles.wellForMs("eew2"));
    this.#panics.look(Math.min(wellMs, workerMs));
  }
}

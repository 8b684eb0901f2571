/** Strikes at fault sites: each site is live in a quarter of the runs, and then strikes at one pass in four, with pauses. */

import { type Draw, span, stream } from "../../../src/sim/world/draw.ts";
import type { Life } from "../../../src/sim/world/host.ts";
import type { Site } from "../../../src/sim/world/sites.ts";
import type { RoleName } from "../../../src/sim/world.ts";

/** As FoundationDB has them: a site is live with this probability in a run, and strikes with it whenever it is passed. */
const LIVE = 0.25;
const STRIKES = 0.25;
/** The chance that a site which a run passes so often is not struck in it. */
export function sparedIn(passes: number): number {
  return 1 - LIVE + LIVE * (1 - STRIKES) ** passes;
}

/** After a strike a site is quiet for so long, or a role that passes it each second would never live. */
const QUIET_MS = [5_000, 60_000] as const;
/** A process that dies at a site comes back; one that stands still goes on. */
const DOWN_MS = [200, 10_000] as const;

/** What a strike does to the machine. */
export interface Blows {
  crash(role: RoleName, downMs: number): void;
  pause(role: RoleName, ms: number): void;
}

interface LiveSite {
  readonly draw: Draw;
  quietUntil: number;
}

/** The sites of one run. */
export class SiteStorm {
  readonly #seed: number;
  readonly #blows: Blows;
  readonly #isLeftOut: (id: string) => boolean;
  readonly #sites = new Map<Site, LiveSite | null>();
  /** How often each site was passed, and how often it struck. */
  readonly passed: Map<Site, number> = new Map();
  readonly struck: Map<Site, number> = new Map();

  constructor(seed: number, blows: Blows, isLeftOut: (id: string) => boolean) {
    this.#seed = seed;
    this.#blows = blows;
    this.#isLeftOut = isLeftOut;
  }

  /** A process passes a site at that time; true if it is struck. */
  pass(site: Site, life: Life, now: number): boolean {
    this.passed.set(site, (this.passed.get(site) ?? 0) + 1);
    const live = this.#liveAt(site);
    if (live === null || now < live.quietUntil) return false;
    // Always as many draws: what one pass suffers leaves the others alone.
    const [strikes, crashes, forMs, quietMs] = [
      live.draw() < STRIKES,
      live.draw() < 0.5,
      span(live.draw, ...DOWN_MS),
      span(live.draw, ...QUIET_MS),
    ];
    if (!strikes) return false;
    live.quietUntil = now + quietMs;
    this.struck.set(site, (this.struck.get(site) ?? 0) + 1);
    const role = life.host.name as RoleName;
    if (crashes) this.#blows.crash(role, forMs);
    else this.#blows.pause(role, forMs);
    return true;
  }

  #liveAt(site: Site): LiveSite | null {
    const known = this.#sites.get(site);
    if (known !== undefined) return known;
    const draw = stream(this.#seed, `site ${site}`);
    const isLive = draw() < LIVE && !this.#isLeftOut(`site ${site}`);
    const fresh = isLive ? { draw, quietUntil: 0 } : null;
    this.#sites.set(site, fresh);
    return fresh;
  }
}

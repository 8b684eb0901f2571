/** X8: a panic that the brain raises over a loss has one, is raised once for it, and trading is halted for it. */

import { type Decimal, decimal, sum, ZERO } from "../../../src/core/decimal.ts";
import { DOLLARS } from "../../../src/core/dollars.ts";
import type { Instant } from "../../../src/core/time.ts";
import type { ExitVenue } from "../../../src/ports/exit-venue.ts";
import type { ExitsSetup } from "../../../src/sim/world/brain-policy.ts";
import type { Life } from "../../../src/sim/world/host.ts";
import type { World } from "../../../src/sim/world.ts";
import type { Break, Witness } from "./witness.ts";

/** Lists lag by up to 15 s, and transfers are read before a limit counts as broken. */
const SEEN_MS = 20_000;
/** What lies between two looks of ours: marks move meanwhile. */
const TOLERANCE = decimal("0.7");
/** How old the equity may be from which losses are counted: it is asked for once in 900 ms, and comes with a look. */
const EQUITY_AGE_MS = 1_500;
/** One that has halted nothing for so long is published again; a clock of the brain's own may run a little slow. */
const UNHEARD_MS = 14_900;
/** From a panic on until trading is halted, where the brain, Redis and a worker are well. */
const HALTED_MS = 15_000;

/** The panics of a brain with a policy. */
export class ExitPanicWatch {
  readonly #world: World<Witness>;
  readonly #setup: ExitsSetup;
  readonly #break: Break;
  /** Since a panic was reset last, and ever. */
  #peak: Decimal | null = null;
  #peakEver: Decimal | null = null;
  /** The panic behind whose reset losses count anew. */
  #behind: string | null = null;
  /** Worth of the last while. */
  readonly #worths: { readonly at: Instant; readonly worth: Decimal }[] = [];
  #transfersRead = true;
  /** The brain's wall clock was off: what was moved since a moment can't be told by it. */
  #clockWasOff = false;
  /** An equity that lags may be from before what was moved: then it is taken for lost, which is the safe side. */
  #lagUntil = Number.NEGATIVE_INFINITY;
  /** The incidents since the last reset or loss of data, and the life that has raised each. */
  readonly #raised = new Map<string, Life>();
  readonly #confirmed = new Map<string, { readonly life: Life; readonly at: Instant }>();
  readonly #judged = new Set<string>();
  #resetAt = 0 as Instant;
  #owedSince: Instant | null = null;

  constructor(world: World<Witness>, setup: ExitsSetup, fails: Break) {
    this.#world = world;
    this.#setup = setup;
    this.#break = fails;
    // Between two looks of the judge a mark may have come and gone.
    world.venue.watch((change) => {
      if (change.kind === "mark") this.look(0);
    });
  }

  losesData(): void {
    this.#raised.clear();
    // A brain that has not seen the panic in time goes on counting.
    this.#peak = this.#peakEver;
  }

  over(exits: ExitVenue): ExitVenue {
    return {
      ...exits,
      transfersSince: async (since) => {
        const answer = await exits.transfersSince(since);
        this.#transfersRead = answer.known;
        return answer;
      },
    };
  }

  raises(life: Life, incidentId: string, reason: string): void {
    if (this.#setup.shadow) this.#break("X5", `the brain raises ${reason} in shadow`);
    this.look(0);
    const confirmed = this.#confirmed.get(incidentId);
    if (confirmed?.life === life && this.#world.time.now() - confirmed.at < UNHEARD_MS)
      this.#break("X8", `the brain raises ${incidentId} again, and knows that it is published`);
    // Until it is confirmed it is raised again and again.
    if (this.#judged.has(incidentId)) return;
    this.#judged.add(incidentId);
    // One that died with its life before it came to Redis nobody knows of. A watchdog may have raised the same incident since.
    const isKnown = ([id, by]: readonly [string, Life]): boolean =>
      by === life ||
      this.#world.bus.panics().some(({ eventId, issuedBy }) => eventId === id && issuedBy === "exit_brain");
    const isAgain = [...this.#raised].some(isKnown);
    this.#raised.set(incidentId, life);
    this.#owedSince = this.#world.time.now();
    this.#world.trace.tell("brain", `raises ${reason}, ${incidentId}`);
    if (isAgain) this.#break("X8", `the brain raises ${reason} again, and nobody has reset since`);
    const { dailyLossPercent, drawdownPercent } = this.#setup.policy.portfolio;
    const limit = reason.startsWith("EXIT_BRAIN_DAILY_LOSS") ? dailyLossPercent : drawdownPercent;
    const worst = this.#worths.reduce<Decimal | null>((least, { worth }) => min(least, worth), null);
    if (limit === null || worst === null || this.#peak === null || !this.#transfersRead || this.#clockWasOff) return;
    const loss = this.#peak.minus(worst);
    if (this.#world.time.now() < this.#lagUntil || loss.times("100").gte(this.#peak.times(limit).times(TOLERANCE)))
      return;
    this.#break("X8", `the brain raises ${reason}, and lost were ${loss.toFixed(0)} of ${this.#peak.toFixed(0)}`);
  }

  /** The life knows that its panic is published. */
  confirms(life: Life, incidentId: string): void {
    this.#confirmed.set(incidentId, { life, at: this.#world.time.now() });
  }

  /** `wellMs`: for how long brain, Redis and a worker have been well. */
  look(wellMs: number): void {
    const { apiKey, bus, hosts, resetAt, time, venue, venueWeather } = this.#world;
    const now = time.now();
    if (venueWeather.staleMs > 0) this.#lagUntil = now + SEEN_MS;
    if (hosts.brain.wallOffset(now) !== 0) this.#clockWasOff = true;
    if (resetAt > this.#resetAt) {
      this.#resetAt = resetAt;
      this.#raised.clear();
      const newest = bus.panics().at(-1)?.eventId ?? null;
      // A person who resets in the middle of a pass has not seen what it loses.
      const hasEnded = bus.completions().some(({ eventId, outcome }) => eventId === newest && outcome === "FLAT");
      if (newest !== null && newest !== this.#behind && hasEnded) this.#countAnew(newest);
    }
    // A person who allows it behind a panic has answered that, halted or not, and has seen what was lost.
    const answered = bus.allowsLive() ? bus.panics().filter(({ eventId }) => this.#raised.delete(eventId)) : [];
    for (const { eventId } of answered) this.#countAnew(eventId);
    const net = venue.transfers(apiKey).reduce((total, { amount }) => total.plus(amount), ZERO);
    const worth = sum([...DOLLARS].map((asset) => venue.marginBalance(apiKey, asset))).minus(net);
    if (this.#peak === null || worth.gt(this.#peak)) this.#peak = worth;
    if (this.#peakEver === null || worth.gt(this.#peakEver)) this.#peakEver = worth;
    this.#worths.push({ at: now, worth });
    while (this.#worths[0] !== undefined && now - this.#worths[0].at > SEEN_MS) this.#worths.shift();
    if (bus.haltedSince() !== null || this.#owedSince === null || resetAt > this.#owedSince) this.#owedSince = null;
    else if (now - this.#owedSince > HALTED_MS && wellMs > HALTED_MS) {
      this.#break("X8", `trading is not halted ${Math.round(now - this.#owedSince)} ms after the brain raised a panic`);
      this.#owedSince = null;
    }
  }

  /** A person has seen what was lost before. */
  #countAnew(behind: string): void {
    const from = this.#world.time.now() - EQUITY_AGE_MS;
    const start = this.#worths.findLastIndex(({ at }) => at < from);
    this.#behind = behind;
    this.#peak = this.#worths
      .slice(Math.max(0, start))
      .reduce<Decimal | null>((most, { worth }) => max(most, worth), null);
    this.#worths.length = 0;
  }
}

function max(one: Decimal | null, other: Decimal): Decimal {
  return one?.gt(other) ? one : other;
}

function min(one: Decimal | null, other: Decimal): Decimal {
  return one?.lt(other) ? one : other;
}

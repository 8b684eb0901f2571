/**
 * Who executes an event, and whether it still does (design section 4).
 *
 * The owner of a pass counts up in a hash; another worker that has watched the count stand still for long enough, on its own
 * monotonic clock, takes the event over. Redis's idle times are not used: they follow its wall clock, which may jump.
 */

import type { Redis } from "ioredis";
import type { Instant } from "../../core/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RawEntry } from "./codec.ts";
import { GROUP, type Keys } from "./keys.ts";

/** A claim that was not renewed for this long is nobody's. The owner renews it every 500 ms; design section 4: 2 to 3 s. */
const TAKE_OVER_MS = 2_000;

/** Events looked at in one go; there is hardly ever more than one. */
const PENDING_LOOKED_AT = 10;

/**
 * Takes an event over unless its claim has changed since: of two workers one gets it. Keys: claims, panic stream. Args: entry
 * id, the claim as it was seen, the new claim, group, worker.
 */
const TAKE = `
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return {} end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return redis.call('XCLAIM', KEYS[2], ARGV[4], ARGV[5], 0, ARGV[1])`;

/** One worker's view of the claims. */
export class Claims {
  readonly #keys: Keys;
  readonly #worker: string;
  readonly #clock: Clock;
  readonly #seen = new Map<string, { readonly claim: string; readonly since: Instant }>();
  #count = 0;

  constructor(keys: Keys, worker: string, clock: Clock) {
    this.#keys = keys;
    this.#worker = worker;
    this.#clock = clock;
  }

  /** Shows that this worker still executes the event. */
  async renew(redis: Redis, entryId: string): Promise<void> {
    await redis.hset(this.#keys.claims, entryId, this.#next());
  }

  /**
   * An event that somebody has begun and left; null if there is none. Call it about once a second.
   *
   * It may be pending under this worker's own name: a read of its former life, or of a connection that was cut, may be served
   * when the new one has looked for what is left already. Nobody else would ever ask for it.
   */
  async takeOver(redis: Redis): Promise<RawEntry | null> {
    const pending = await redis.xpending(this.#keys.panic, GROUP, "-", "+", PENDING_LOOKED_AT);
    const ids = (pending as readonly (readonly [id: string, worker: string])[]).map(([id]) => id);
    for (const id of this.#seen.keys()) if (!ids.includes(id)) this.#seen.delete(id);
    if (ids.length === 0) return null;
    const claims = await redis.hmget(this.#keys.claims, ...ids);
    const now = this.#clock.now();
    for (const [i, id] of ids.entries()) {
      const claim = claims[i] ?? "";
      const seen = this.#seen.get(id);
      if (seen?.claim !== claim) this.#seen.set(id, { claim, since: now });
      else if (now - seen.since >= TAKE_OVER_MS) return await this.#take(redis, id, claim);
    }
    return null;
  }

  async #take(redis: Redis, id: string, claim: string): Promise<RawEntry | null> {
    this.#seen.delete(id);
    const { claims, panic } = this.#keys;
    const args = [id, claim, this.#next(), GROUP, this.#worker];
    const taken = (await redis.eval(TAKE, 2, claims, panic, ...args)) as readonly RawEntry[];
    return taken[0] ?? null;
  }

  #next(): string {
    this.#count += 1;
    return `${this.#worker}:${this.#count}`;
  }
}

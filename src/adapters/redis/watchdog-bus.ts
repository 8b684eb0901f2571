import type { Redis } from "ioredis";
import type { Beat } from "../../core/messages.ts";
import { known } from "../../core/reading.ts";
import type { UnixMillis } from "../../core/time.ts";
import type { AgedBeat, Standing } from "../../core/watchdog-state.ts";
import type { WatchdogBus } from "../../ports/bus.ts";
import type { Clock } from "../../ports/clock.ts";
import { fieldsOf, parseHeartbeat, type RawEntry } from "./codec.ts";
import { eventIdFor, eventIdOf, watchdogEvent } from "./event-id.ts";
import { type Keys, keysOf } from "./keys.ts";
import { RedisLink } from "./link.ts";
import { redisPeers } from "./peers.ts";
import { beat, publish, readAttempt, readHalt, readOutcomes } from "./records.ts";
import type { RedisBusOptions } from "./redis.ts";
import { ageOf, entriesOf, isBefore, newest, serverTime } from "./streams.ts";

/** How long a read waits for the next heartbeat. The halt is read after each, so a reset is seen within this time. */
const BLOCK_MS = 1_000;

/** How far back attach looks for a heartbeat that can be parsed; what can't be is no heartbeat (design section 3). */
const BEATS_SEARCHED = 1_000;

/** How to reach Redis, and with which clock events are stamped. */
export interface RedisWatchdogBusOptions extends RedisBusOptions {
  readonly clock: Clock;
}

/** The watchdog's side of the bus on Redis. Reading and writing have a connection each: a blocked read delays no panic. */
export function redisWatchdogBus(options: RedisWatchdogBusOptions): WatchdogBus & { close(): void } {
  const keys = keysOf(options.namespace);
  let reading = new RedisLink(options);
  const writing = new RedisLink(options);
  const peers = redisPeers(options);
  let cursor = "0-0";
  let drains = 0;

  /** Moves on to `last`, unless a drain has overtaken the read that began before it. */
  const advance = (last: string | undefined, drainsBefore: number): void => {
    if (drains !== drainsBefore) throw new Error("overtaken by a drain");
    cursor = last ?? cursor;
  };

  /**
   * Ids only ever grow. Where the newest one is behind what was read already, or nothing is there at all, Redis was emptied
   * or has failed over to older data: what comes next may have a lower id, and would be waited for in vain. The reading goes on
   * with the newest one, as at attach: those before it were heard once, or nothing follows from them any more, and read again
   * they would look like a brain that has taken over from the one that lives.
   */
  const noticeLoss = async (redis: Redis, drainsBefore: number): Promise<void> => {
    const [last, beforeLast] = await redis.xrevrange(keys.heartbeat.brain, "+", "-", "COUNT", 2);
    if (!isBefore(last?.[0] ?? "0-0", cursor)) return;
    advance(beforeLast?.[0] ?? "0-0", drainsBefore);
    throw new Error(
      "DATALOST heartbeats that were there are gone: Redis was emptied, or has failed over to older data",
    );
  };

  return {
    attach: () =>
      reading.ask("attach", async (redis) => {
        const standing = await readStanding(redis, keys, [], null);
        const entries = await redis.xrevrange(keys.heartbeat.brain, "+", "-", "COUNT", BEATS_SEARCHED);
        cursor = entries[0]?.[0] ?? "0-0";
        for (const entry of entries) {
          const beat = parseBeat(entry);
          if ("malformed" in beat) continue;
          const completed = await readOutcomes(redis, keys, [beat.incidentId]);
          const ageMs = ageOf(entry[0], await serverTime(redis));
          return { standing, lastBeat: { beat, ageMs, incidentCompleted: completed.size > 0 } };
        }
        return { standing, lastBeat: null };
      }),

    watch: (eventIds, confirmed = null) => {
      const drainsBefore = drains;
      return reading.ask(
        `read ${keys.heartbeat.brain}`,
        async (redis) => {
          const reply = await redis.xread("BLOCK", BLOCK_MS, "STREAMS", keys.heartbeat.brain, cursor);
          const entries = entriesOf(reply);
          const standing = await readStanding(redis, keys, eventIds, confirmed);
          if (entries.length === 0) await noticeLoss(redis, drainsBefore);
          advance(entries.at(-1)?.[0], drainsBefore);
          return { beats: entries.map(parseBeat), standing };
        },
        BLOCK_MS,
      );
    },

    drain: (eventIds, confirmed = null) => {
      reading.close();
      reading = new RedisLink(options);
      drains += 1;
      const drainsBefore = drains;
      return reading.ask(`drain ${keys.heartbeat.brain}`, async (redis) => {
        const range = [keys.heartbeat.brain, "+", `(${cursor}`, "COUNT", BEATS_SEARCHED] as const;
        const entries = (await redis.xrevrange(...range)).toReversed();
        const standing = await readStanding(redis, keys, eventIds, confirmed);
        if (entries.length === 0) await noticeLoss(redis, drainsBefore);
        const now = await serverTime(redis);
        advance(entries.at(-1)?.[0], drainsBefore);
        return { beats: entries.map((entry) => agedBeat(entry, now)), standing };
      });
    },

    publish: async (attempt, reason) => {
      const event = watchdogEvent(attempt, reason, options.clock.wall());
      const answer = await publish(writing, keys, options.triggerSecret, event);
      return answer.known ? known(event.eventId) : answer;
    },
    eventIdOf,
    beat: (role, heartbeat) => beat(writing, keys, role, heartbeat),
    lastHeard: peers.lastHeard,
    close: () => {
      reading.close();
      writing.close();
      peers.close();
    },
  };
}

async function readStanding(
  redis: Redis,
  keys: Keys,
  eventIds: readonly string[],
  confirmed: string | null,
): Promise<Standing> {
  const halt = await readHalt(redis, keys);
  const haltedBy = halt === null || halt.eventId === "" ? null : await readAttempt(redis, keys, halt.eventId);
  const asked = [halt?.eventId ?? "", ...eventIds].filter((eventId) => eventId !== "");
  const outcomes = await readOutcomes(redis, keys, asked);
  const completion = await newest(redis, keys.completed);
  const absenceId = eventIdFor(`no brain since ${completion?.[0] ?? "ever"}`);
  const lost = confirmed !== null && (await redis.sismember(keys.published, confirmed)) === 0;
  return { halt, haltedBy, outcomes, absenceId, lostEvent: lost ? confirmed : null };
}

function agedBeat(entry: RawEntry, now: UnixMillis): AgedBeat | { readonly malformed: string } {
  const beat = parseBeat(entry);
  return "malformed" in beat ? beat : { beat, ageMs: ageOf(entry[0], now) };
}

function parseBeat(entry: RawEntry): Beat | { readonly malformed: string } {
  const heartbeat = parseHeartbeat(fieldsOf(entry));
  if ("malformed" in heartbeat) return { malformed: `entry ${entry[0]}: ${heartbeat.malformed}` };
  return { heartbeat, incidentId: eventIdFor(entry[0]) };
}

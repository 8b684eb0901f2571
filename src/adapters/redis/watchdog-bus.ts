import type { Redis } from "ioredis";
import type { Beat } from "../../core/messages.ts";
import type { Standing } from "../../core/watchdog.ts";
import type { WatchdogBus } from "../../ports/bus.ts";
import { fieldsOf, parseHeartbeat, type RawEntry } from "./codec.ts";
import { eventIdFor } from "./event-id.ts";
import { type Keys, keysOf } from "./keys.ts";
import { RedisLink } from "./link.ts";
import { beat, publish, readHalt, readOutcomes } from "./records.ts";
import type { RedisBusOptions } from "./redis.ts";
import { ageOf, entriesOf, serverTime } from "./streams.ts";

/** How long a read waits for the next heartbeat. The halt is read after each, so a reset is seen within this time. */
const BLOCK_MS = 1_000;

/** How far back attach looks for a heartbeat that can be parsed; what can't be is no heartbeat (design section 3). */
const BEATS_SEARCHED = 1_000;

/** The watchdog's side of the bus on Redis. Reading and writing have a connection each: a blocked read delays no panic. */
export function redisWatchdogBus(options: RedisBusOptions): WatchdogBus & { close(): void } {
  const keys = keysOf(options.namespace);
  const reading = new RedisLink(options);
  const writing = new RedisLink(options);
  let cursor = "0-0";

  return {
    attach: () =>
      reading.ask("attach", async (redis) => {
        const standing = await readStanding(redis, keys, null);
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

    watch: (incident) =>
      reading.ask(
        `read ${keys.heartbeat.brain}`,
        async (redis) => {
          const reply = await redis.xread("BLOCK", BLOCK_MS, "STREAMS", keys.heartbeat.brain, cursor);
          const entries = entriesOf(reply);
          const standing = await readStanding(redis, keys, incident);
          cursor = entries.at(-1)?.[0] ?? cursor;
          return { beats: entries.map(parseBeat), standing };
        },
        BLOCK_MS,
      ),

    publish: (event) => publish(writing, keys, options.triggerSecret, event),
    beat: (role, heartbeat) => beat(writing, keys, role, heartbeat),
    close: () => {
      reading.close();
      writing.close();
    },
  };
}

async function readStanding(redis: Redis, keys: Keys, incident: string | null): Promise<Standing> {
  const halt = await readHalt(redis, keys);
  const asked = [halt?.eventId ?? "", incident ?? ""].filter((eventId) => eventId !== "");
  return { halt, outcomes: await readOutcomes(redis, keys, asked) };
}

function parseBeat(entry: RawEntry): Beat | { readonly malformed: string } {
  const heartbeat = parseHeartbeat(fieldsOf(entry));
  if ("malformed" in heartbeat) return { malformed: `entry ${entry[0]}: ${heartbeat.malformed}` };
  return { heartbeat, incidentId: eventIdFor(entry[0]) };
}

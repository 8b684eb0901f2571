/** The event that starts every closer, and the record with which each says that it is done. */

import { randomUUID } from "node:crypto";
import { entryTime, fieldsOf, panicFields } from "../../src/adapters/redis/codec.ts";
import { keysOf } from "../../src/adapters/redis/keys.ts";
import { RedisLink } from "../../src/adapters/redis/link.ts";
import { entriesOf, newest } from "../../src/adapters/redis/streams.ts";
import type { Reading } from "../../src/core/reading.ts";
import type { UnixMillis } from "../../src/core/time.ts";

const KEYS = keysOf("");
const DEADLINE_MS = 3_000;

/** An event that was published. */
interface Published {
  readonly eventId: string;
  /** Time zero: when Redis took the entry, on the clock of this machine. */
  readonly at: UnixMillis;
  /** Resolves with the outcome that was reported, `null` if none is within `limitMs`. */
  readonly outcome: (limitMs: number) => Promise<string | null>;
}

/** Publishes panic events. */
export interface Trigger {
  /** Forgets every event there ever was: a worker that starts would work off those that it has missed. */
  readonly forget: () => Promise<void>;
  /** Clears the halt of the last event, as an operator would: positions opened under it would be closed at once. */
  readonly clearHalt: () => Promise<void>;
  /** Publishes a new event. */
  readonly publish: () => Promise<Published>;
  readonly close: () => void;
}

/** Connects to Redis when it is first used. */
export function trigger(url: string): Trigger {
  const link = new RedisLink({ url, deadlineMs: DEADLINE_MS });

  async function outcomeOf(eventId: string, after: string, limitMs: number): Promise<string | null> {
    const until = performance.now() + limitMs;
    let cursor = after;
    while (performance.now() < until) {
      const blockMs = Math.ceil(until - performance.now());
      const read = link.ask(
        "wait for the completion",
        (redis) => redis.xread("BLOCK", blockMs, "STREAMS", KEYS.completed, cursor),
        blockMs,
      );
      for (const entry of entriesOf(must(await read))) {
        cursor = entry[0];
        const fields = fieldsOf(entry);
        if (fields.get("event_id") === eventId) return fields.get("outcome") ?? null;
      }
    }
    return null;
  }

  return {
    forget: async () => {
      must(await link.ask("empty Redis", (redis) => redis.flushall()));
    },
    clearHalt: async () => {
      must(await link.ask("clear the halt", (redis) => redis.del(KEYS.halt)));
    },
    publish: async () => {
      const eventId = randomUUID();
      const ts = Date.now() as UnixMillis;
      const event = { eventId, reason: "BENCHMARK", issuedBy: "ops", ts } as const;
      const published = await link.ask("publish the event", async (redis) => {
        const last = (await newest(redis, KEYS.completed))?.[0] ?? "0-0";
        const id = await redis.xadd(KEYS.panic, "*", ...panicFields(event, null));
        return { last, id: id ?? "" };
      });
      const { last, id } = must(published);
      return { eventId, at: entryTime(id), outcome: (limitMs) => outcomeOf(eventId, last, limitMs) };
    },
    close: () => link.close(),
  };
}

function must<T>(reading: Reading<T>): T {
  if (!reading.known) throw new Error(reading.why);
  return reading.value;
}

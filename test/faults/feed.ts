/** Heartbeats of a brain that is not ours: the contract's fields, written with XADD. */

import { RedisLink } from "../../src/adapters/redis/link.ts";

/** What is written, and how often. */
export interface FeedOptions {
  readonly everyMs?: number;
  /** The next pause instead of `everyMs`: for a brain that is late at times. */
  pauseMs?(): number;
  /** The fields of the next heartbeat, over the usual three. */
  fields?(seq: number): Readonly<Record<string, string>>;
}

/** Heartbeats that come until they are stopped. */
export interface Feed {
  /** How many were confirmed. */
  confirmed(): number;
  stop(): void;
}

/** A fifth of the limit of most scenes. */
const EVERY_MS = 200;

/** Begins at once. A heartbeat that Redis does not take is not repeated: the next one is. */
export function startFeed(url: string, { everyMs = EVERY_MS, pauseMs, fields }: FeedOptions): Feed {
  const link = new RedisLink({ url, deadlineMs: 500 });
  let confirmed = 0;
  let seq = 0;
  let on = true;
  const beat = async (): Promise<void> => {
    const usual = { status: "ALIVE", active_positions: "2", ts: String(Date.now()) };
    const pairs = Object.entries({ ...usual, ...fields?.(++seq) }).flat();
    const answer = await link.ask("beat", (redis) => redis.xadd("exit_brain:heartbeat", "*", ...pairs));
    if (answer.known) confirmed += 1;
  };
  void (async () => {
    while (on) {
      await beat();
      await Bun.sleep(pauseMs?.() ?? everyMs);
    }
  })();
  return {
    confirmed: () => confirmed,
    stop: () => {
      on = false;
      link.close();
    },
  };
}

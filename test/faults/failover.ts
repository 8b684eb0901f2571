/** A scene's Redis behind sentinels: whoever asks it asks the master of the moment. */

import { RedisLink } from "../../src/adapters/redis/link.ts";
import type { TestRedis } from "../support/redis.ts";
import { startSentinels, type TestSentinels } from "../support/sentinel.ts";
import { type NetNamespace, openNamespace } from "./net-namespace.ts";

/** Who is behind it. */
export interface Failover {
  /** Commands go to the master of the moment; everything else is done to the first master. */
  readonly redis: TestRedis;
  readonly sentinels: TestSentinels;
  /** The side of the first master and the first sentinel; null where all are on one side. */
  readonly side: NetNamespace | null;
}

/** Starts all of them. */
export async function openFailover(on: "one side" | "two sides"): Promise<Failover> {
  const side = on === "one side" ? null : openNamespace();
  const places = side === null ? undefined : { master: { host: side.there, by: side.by }, others: { host: side.here } };
  const sentinels = await startSentinels(places);
  const { url, master } = sentinels;
  const link = new RedisLink({ url, deadlineMs: 2_000 });
  const redis: TestRedis = {
    ...master,
    url,
    command: async (name = "", ...rest) => {
      const answer = await link.ask(name, (client) => client.call(name, ...rest));
      if (!answer.known) throw new Error(answer.why);
      return answer.value;
    },
    stop: async () => {
      link.close();
      await sentinels.stop();
      side?.close();
    },
  };
  return { redis, sentinels, side };
}

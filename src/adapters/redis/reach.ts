import type { Reading } from "../../core/reading.ts";
import { type LinkOptions, RedisLink } from "./link.ts";

/** Whether Redis answers and lets us in. */
export async function reach(options: LinkOptions): Promise<Reading<null>> {
  const link = new RedisLink(options);
  const answer = await link.ask("ping", async (redis) => {
    await redis.ping();
    return null;
  });
  link.close();
  return answer;
}

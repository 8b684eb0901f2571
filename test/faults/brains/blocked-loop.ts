/** A brain whose loop works for a second and then is stuck in a computation. Run by `../cases/brain.ts`. */

import { RedisLink } from "../../../src/adapters/redis/link.ts";

const link = new RedisLink({ url: process.env["REDIS_URL"] ?? "", deadlineMs: 500 });
for (let i = 0; i < 5; i++) {
  const fields = ["status", "ALIVE", "active_positions", "2", "ts", String(Date.now())];
  await link.ask("beat", (redis) => redis.xadd("exit_brain:heartbeat", "*", ...fields));
  await Bun.sleep(200);
}
const until = performance.now() + 7_000;
while (performance.now() < until);
link.close();

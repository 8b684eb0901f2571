/** A brain that beats ten times a second until it is killed. Run by `../endurance/detection.ts`. */

import { RedisLink } from "../../../src/adapters/redis/link.ts";

const link = new RedisLink({ url: process.env["REDIS_URL"] ?? "", deadlineMs: 300 });
const instance = ["service_id", "steady", "instance_id", crypto.randomUUID()];
for (let seq = 1; ; seq++) {
  const fields = ["status", "ALIVE", "active_positions", "1", "ts", `${Date.now()}`, ...instance, "seq", `${seq}`];
  await link.ask("beat", (redis) => redis.xadd("exit_brain:heartbeat", "*", ...fields));
  await Bun.sleep(100);
}

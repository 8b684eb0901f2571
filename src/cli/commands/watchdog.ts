import { WATCHDOG_LIMITS } from "../../core/watchdog.ts";
import type { Command } from "../command.ts";
import { redisOptions } from "../options.ts";

/** `quantum watchdog` */
export const watchdog: Command = {
  usage: "watchdog",
  describe: "judge the brain's heartbeats and publish system:panic_close when they fail",
  options: {
    ...redisOptions,
    "heartbeat-missing-ms": {
      type: "string",
      describe: `a heartbeat older than this is missing (default ${WATCHDOG_LIMITS.heartbeatMissingMs})`,
    },
    "degraded-ms": {
      type: "string",
      describe: `a brain DEGRADED for longer than this is as good as dead (default ${WATCHDOG_LIMITS.degradedMs})`,
    },
  },
  async run(flags, io) {
    const run = await import("../run/watchdog.ts");
    return await run.watchdog(flags, io);
  },
};

import { WATCHDOG_LIMITS } from "../../core/watchdog-state.ts";
import type { Command } from "../command.ts";
import { directOptions, redisOptions } from "../options.ts";

/** `quantum watchdog` */
export const watchdog: Command = {
  usage: "watchdog",
  describe: "judge the brain's heartbeats and publish system:panic_close when they fail",
  options: {
    ...redisOptions,
    ...directOptions,
    "heartbeat-missing-ms": {
      type: "string",
      describe: `a heartbeat older than this is missing (default ${WATCHDOG_LIMITS.heartbeatMissingMs})`,
    },
    "unguarded-ms": {
      type: "string",
      describe: "the same while positions are open, if shorter (default: no shorter)",
    },
    "degraded-ms": {
      type: "string",
      describe: `a brain DEGRADED for longer than this is as good as dead (default ${WATCHDOG_LIMITS.degradedMs})`,
    },
    "decisions-stale-ms": {
      type: "string",
      describe: `with positions, a last_decision_ts unchanged for longer than this is stale (default ${WATCHDOG_LIMITS.decisionsStaleMs})`,
    },
    "crash-loop-instances": {
      type: "string",
      describe: `more new instances than this within --crash-loop-ms are a crash loop (default ${WATCHDOG_LIMITS.crashLoopInstances})`,
    },
    "crash-loop-ms": {
      type: "string",
      describe: `see --crash-loop-instances (default ${WATCHDOG_LIMITS.crashLoopMs})`,
    },
    "require-brain-ms": {
      type: "string",
      describe: "no heartbeat at all for longer than this, since start or reset, is a failure too (default: it is not)",
    },
  },
  async run(flags, io) {
    const run = await import("../run/watchdog.ts");
    return await run.watchdog(flags, io);
  },
};

import { Refusal } from "../../config/refusal.ts";
import { EEW_LIMITS } from "../../core/eew.ts";
import type { Command } from "../command.ts";
import { isSet, redisOptions, venueOptions } from "../options.ts";

/** `quantum eew` */
export const eew: Command = {
  usage: "eew",
  describe: "emergency exit worker: on a panic event halt, cancel, close, verify and report",
  options: {
    ...redisOptions,
    ...venueOptions,
    "event-max-age-ms": {
      type: "string",
      describe: `an event older than this is refused (default ${EEW_LIMITS.eventMaxAgeMs}, a day)`,
    },
    "direct-http": {
      type: "string",
      describe:
        "HOST:PORT on which a signed panic is taken by HTTP as well, without Redis (QUANTUM_DIRECT_HTTP; default: none)",
    },
    "redis-lost-alert-only": {
      type: "boolean",
      describe: "where Redis stays away for over 5 s, only say so: close nothing",
    },
    "watchdog-lost-alert-only": {
      type: "boolean",
      describe: "where the brain is silent and no watchdog is heard for over 10 s, only say so: close nothing",
    },
    once: { type: "boolean", describe: "execute one panic event, report, and stop" },
    "dry-run": {
      type: "boolean",
      describe: "with --once: show what would be cancelled and closed now, and send nothing",
    },
    json: { type: "boolean", describe: "with --dry-run: the plan as one JSON document" },
  },
  examples: [["quantum eew --once --dry-run", "what a panic would do to the account as it is now"]],
  hostSettings: (flags) => (isSet(flags, "dry-run") ? "all" : "none"),
  async run(flags, io) {
    if (isSet(flags, "dry-run")) {
      const run = await import("../run/eew-dry-run.ts");
      return await run.dryRun(flags, io);
    }
    if (isSet(flags, "json")) throw new Refusal("--json shows a plan: expected --once --dry-run with it");
    const run = await import("../run/eew.ts");
    return await run.eew(flags, io);
  },
};

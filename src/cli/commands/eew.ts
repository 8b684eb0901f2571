import { EEW_LIMITS } from "../../core/eew.ts";
import type { Command } from "../command.ts";
import { redisOptions, venueOptions } from "../options.ts";

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
  },
  async run(flags, io) {
    const run = await import("../run/eew.ts");
    return await run.eew(flags, io);
  },
};

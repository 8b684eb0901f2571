import type { Command } from "../command.ts";
import { jsonOption, redisOptions, venueOptions } from "../options.ts";

/** `quantum doctor` */
export const doctor: Command = {
  usage: "doctor",
  describe: "check everything a live deployment needs, before it is needed (exit 0: healthy)",
  options: {
    ...redisOptions,
    ...venueOptions,
    ...jsonOption,
    alert: {
      type: "boolean",
      default: false,
      describe: "tell everyone who is to be told what is not fit, if anything",
    },
    "test-alert": { type: "boolean", describe: "send one test alert to everyone who is to be told" },
  },
  hostSettings: () => "all",
  async run(flags, io) {
    const run = await import("../run/doctor.ts");
    return await run.doctor(flags, io);
  },
};

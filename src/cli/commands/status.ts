import type { Command } from "../command.ts";
import { jsonOption, redisOptions } from "../options.ts";

/** `quantum status` */
export const status: Command = {
  usage: "status",
  describe: "what every role, the incident and the halt look like now (exit 0: healthy)",
  options: { ...redisOptions, ...jsonOption },
  hostSettings: () => "all",
  async run(flags, io) {
    const run = await import("../run/status.ts");
    return await run.status(flags, io);
  },
};

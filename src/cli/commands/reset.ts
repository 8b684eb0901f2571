import type { Command } from "../command.ts";
import { jsonOption, redisOptions, venueOptions } from "../options.ts";

/** `quantum reset` */
export const reset: Command = {
  usage: "reset",
  describe: "allow trading again, once the venue says that nothing is open",
  options: { ...redisOptions, ...venueOptions, ...jsonOption },
  hostSettings: () => "all",
  async run(flags, io) {
    const run = await import("../run/reset.ts");
    return await run.reset(flags, io);
  },
};

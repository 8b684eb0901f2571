import type { Command } from "../command.ts";
import { redisOptions, venueOptions } from "../options.ts";

/** `quantum brain` */
export const brain: Command = {
  usage: "brain",
  describe: "watch every open position and prove each decision cycle with a heartbeat",
  options: { ...redisOptions, ...venueOptions },
  async run(flags, io) {
    const run = await import("../run/brain.ts");
    return await run.brain(flags, io);
  },
};

import type { Command } from "../command.ts";
import { jsonOption, redisOptions } from "../options.ts";

/** `quantum brain live` */
export const live: Command = {
  usage: "live",
  describe: "let a brain that came back in shadow after an incident act by its policy again",
  options: { ...redisOptions, ...jsonOption },
  hostSettings: () => "all",
  async run(flags, io) {
    const run = await import("../run/live.ts");
    return await run.live(flags, io);
  },
};
